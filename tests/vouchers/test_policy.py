"""Policies as data: what their files may say, which version is in force, and that a version never changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.orm import Session

from core.errors import NotFound
from tests.vouchers.model import YUHUAN, region, terms, version
from vouchers import policy
from vouchers.policy import FOLDER, Policy, seed_policies


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
    city = version(session, id="city", region="331000", funder="331000")
    province = version(session, id="province", region="330000", funder="330000")
    version(session, id="elsewhere", region="330100", funder="330100")
    assert [v.id for v in policy.for_holder(session, YUHUAN, date(2026, 1, 1))] == [county.id, city.id, province.id]
