"""Policies as data: what their files may say, which version is in force, and that a version never changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.errors import Invalid, NotFound
from geodata.regions import Region
from tests.vouchers.model import YUHUAN, region, terms, version
from vouchers import policy
from vouchers.deals import Deal
from vouchers.policy import FOLDER, Policy, PolicyVersion, seed_policies
from vouchers.rules import replay, rule


def changed(**changes: Any) -> Policy:
    return Policy.model_validate({**terms().model_dump(), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"tiers": []},
        {"tiers": [{"upto": 1_000_000, "ratio": "1"}]},
        {"tiers": [{"ratio": "1"}, {"upto": 1_000_000, "ratio": "0.5"}]},
        {"tiers": [{"ratio": "1"}, {"ratio": "0.5"}]},
        {"tiers": [{"upto": 2_000_000, "ratio": "1"}, {"upto": 1_000_000, "ratio": "0.5"}, {"ratio": "0"}]},
        {"tiers": [{"upto": 1_000_000, "ratio": "1"}, {"upto": 1_000_000, "ratio": "0.5"}, {"ratio": "0"}]},
        {"tiers": [{"upto": 0, "ratio": "1"}, {"ratio": "0.5"}]},
        {"tiers": [{"ratio": "-0.1"}]},
        {"tiers": [{"ratio": "1.000001"}]},
        {"tiers": [{"ratio": "NaN"}]},
        {"tiers": [{"ratio": "0.99999999999999999999999999999"}]},
        {"tiers": [{"ratio": "0.5", "until": 5}]},
        {"caps": {"per_year": -1}},
        {"caps": {"per_year": 0}},
        {"caps": {"per_year": 100.5}},
        {"caps": {"per_yaer": 100}},
        {"services": {"allow": ["*"], "deny_if": ["relatd_party"]}},
        {"use_window": {"months": 0, "on_expiry": "return_to_pool"}},
        {"use_window": {"months": 3, "on_expiry": "keep"}},
        {"payee": "reviewer"},
        {"region": "33108"},
        {"funder": "331083:x"},
        {"valid_from": "2024-01-01", "valid_to": "2023-12-31"},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_policy_that_contradicts_itself_or_says_something_unknown_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        changed(**changes)


def test_every_policy_file_is_valid_and_tells_where_each_deciding_value_comes_from() -> None:
    found = list(seed_policies())
    assert [p.id for p in found] == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert not terms("yuhuan-2023").is_assumed("tiers")
    assert not terms("yuhuan-2023").is_assumed("caps.per_year")
    assert terms("yuhuan-2023").is_assumed("use_window.redeem_months")
    assert terms("huzhou-2017").is_assumed("tiers")


def test_a_file_with_an_unknown_line_is_refused_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(f"bonus = 1\n{(FOLDER / 'yuhuan-2023.toml').read_text(encoding='utf-8')}", encoding="utf-8")
    with pytest.raises(ValidationError):
        list(seed_policies(tmp_path))


def test_publishing_the_same_terms_twice_gives_one_version_and_other_terms_a_second(session: Session) -> None:
    first = version(session)
    assert version(session).id == first.id
    second = version(session, caps={"per_application": 1_000_000})
    assert (second.version, first.version) == (2, 1)
    assert first.terms == terms()
    assert policy.in_force(session, "yuhuan-2023", date(2024, 5, 1)).id == second.id


@pytest.mark.parametrize(("on", "found"), [("2023-12-31", False), ("2024-01-01", True), ("2024-12-31", True), ("2025-01-01", False)])
def test_a_policy_is_in_force_from_its_first_to_its_last_day(session: Session, on: str, found: bool) -> None:
    made = version(session, valid_from=date(2024, 1, 1), valid_to=date(2024, 12, 31))
    if found:
        assert policy.in_force(session, "yuhuan-2023", date.fromisoformat(on)).id == made.id
    else:
        with pytest.raises(NotFound):
            policy.in_force(session, "yuhuan-2023", date.fromisoformat(on))


def test_a_holder_sees_the_policies_of_its_county_its_city_and_its_province_only(session: Session) -> None:
    for adcode in ("331000", "330000", "330100"):
        region(session, adcode)
    county = version(session)
    city = version(session, id="city", level="city", region="331000", funder="331000")
    province = version(session, id="province", level="province", region="330000", funder="330000")
    version(session, id="elsewhere", level="city", region="330100", funder="330100")
    assert [v.id for v in policy.for_holder(session, YUHUAN, date(2026, 1, 1))] == [county.id, city.id, province.id]


@pytest.mark.parametrize("seed", list(seed_policies()), ids=lambda one: one.id)
def test_every_policy_of_the_files_loads_publishes_rules_and_replays(session: Session, seed: Policy) -> None:
    for adcode in {seed.region, seed.funder} & {"330100", "330500", "330522", "331083"}:
        region(session, adcode)
    made = policy.publish(session, seed)
    assert policy.in_force(session, seed.id, date(2026, 11, 24)).id == made.id
    session.expire_all()
    stored = session.get_one(PolicyVersion, made.id).terms
    assert stored == seed
    deal = Deal(
        1_234_567, "novelty_search" if seed.level == "county" else "test_analysis", region=seed.region if seed.level != "compact" else "330100"
    )
    facts = deal.as_json()
    assert Deal.read(facts) == deal
    assert replay(session, policy_version_id=made.id, facts=facts) == rule(seed, deal)
    assert (rule(seed, deal).amount > 0) == seed.pays_orders


def test_an_old_order_is_ruled_as_it_was_whatever_was_published_since(session: Session) -> None:
    old, deal = version(session), Deal(3_000_000, "test_analysis", used_year=500_000)
    before = rule(old.terms, deal)
    version(session, tiers=[{"ratio": "0.1"}], caps={"per_year": 1_000_000})
    assert replay(session, policy_version_id=old.id, facts=deal.as_json()) == before
    assert replay(session, policy_version_id=policy.in_force(session, "yuhuan-2023", date(2026, 1, 1)).id, facts=deal.as_json()).amount == 300_000


def test_a_published_version_cannot_be_changed_or_deleted(owner_session: Session) -> None:
    made = version(owner_session)
    for change in ("UPDATE policy_version SET title = 'x' WHERE id = :id", "DELETE FROM policy_version WHERE id = :id"):
        with pytest.raises(DBAPIError), owner_session.begin_nested():
            owner_session.execute(text(change), {"id": made.id})
    with pytest.raises(Exception, match="frozen"):
        made.terms.caps.per_year = 1  # type: ignore[misc]


def test_a_version_that_would_be_refused_today_still_rules_the_orders_of_its_time(session: Session) -> None:
    region(session, YUHUAN)
    odd = {**terms().model_dump(mode="json", by_alias=True), "caps": {"holding": 5_000_000, "per_year": 1_000_000}}
    names = {name: odd[name] for name in ("title", "region", "funder", "valid_from")}
    made = PolicyVersion(policy="old", version=1, body=odd, **names)
    session.add(made)
    session.flush()
    assert replay(session, policy_version_id=made.id, facts=Deal(3_000_000, "test_analysis").as_json()).amount == 1_000_000


def test_publishing_leaves_one_record_of_who_made_which_version(session: Session) -> None:
    made = version(session)
    version(session)
    found = session.execute(text("SELECT event, before, after, policy_version_id FROM audit WHERE subject = 'policy_version'")).all()
    assert found == [("publish", "", "1", made.id)]


def test_a_policy_that_gives_vouchers_needs_its_region(session: Session) -> None:
    with pytest.raises(Invalid) as no:
        policy.publish(session, terms("huzhou-2017"))
    assert no.value.field == "region"


def test_a_zone_without_a_boundary_has_its_own_policy_and_those_around_it(session: Session) -> None:
    region(session, "330303")
    region(session, "330300")
    session.add(Region(adcode="330371", level="zone", name_zh="示例开发区", name_en="zone", parent_adcode="330303", source="示例"))
    session.flush()
    city = version(session, id="city", level="city", region="330300", funder="330300")
    county = version(session, id="county", region="330303", funder="330300")
    zone = version(session, id="zone", level="zone", region="330371", funder="330300")
    assert [v.id for v in policy.for_holder(session, "330371", date(2026, 1, 1))] == [zone.id, county.id, city.id]
    assert [v.id for v in policy.for_holder(session, "330303", date(2026, 1, 1))] == [county.id, city.id]


def test_a_county_without_a_policy_has_an_empty_list_and_is_named(session: Session) -> None:
    region(session, "330122")
    version(session)
    policy.publish(session, terms("zhejiang-reward"))
    assert policy.for_holder(session, "330122", date(2026, 1, 1)) == []
    assert policy.for_holder(session, "", date(2026, 1, 1)) == []
    assert [one.adcode for one in policy.without_policy(session, "330000", date(2026, 1, 1))] == ["330122"]
    assert [one.adcode for one in policy.without_policy(session, "330000", date(2023, 12, 31))] == ["330122", YUHUAN]


@pytest.mark.parametrize(("on", "found"), [("2024-02-28", 1), ("2024-02-29", 2), ("2024-12-31", 2), ("2025-01-01", 1)])
def test_a_version_rules_from_a_leap_day_to_the_end_of_the_year(session: Session, on: str, found: int) -> None:
    version(session)
    version(session, valid_from=date(2024, 2, 29), valid_to=date(2024, 12, 31), tiers=[{"ratio": "0.1"}])
    assert policy.in_force(session, "yuhuan-2023", date.fromisoformat(on)).version == found
