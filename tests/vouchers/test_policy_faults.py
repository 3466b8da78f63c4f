"""A policy that contradicts itself is refused with the clause, the reason and a way out; the sentences say which."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Invalid
from tests.vouchers.model import terms
from vouchers import drafting
from vouchers.policy import seed_policies

REWARD = {"max_ratio": "0.3", "base": "redeemed_voucher_amount"}
GRADES = {"excellent": "1", "good": "0.7", "qualified": "0.3", "poor": "0"}


def body(code: str = "yuhuan-2023", **changes: Any) -> dict[str, Any]:
    return {**terms(code).model_dump(mode="json", by_alias=True), **changes}


def changed(path: str, value: Any, code: str = "yuhuan-2023") -> dict[str, Any]:
    """Give a policy with the value at a dotted path of two parts."""
    outer, _, inner = path.partition(".")
    whole = body(code)
    return whole | {outer: {**whole[outer], inner: value}} if inner else whole | {outer: value}


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("valid_to", changed("valid_to", "2023-12-31")),
    ("level", changed("level", "city")),
    ("level", body("huzhou-2017", level="county")),
    ("funder", changed("funder", "330522")),
    ("funder", body("huzhou-2017", funder="330522")),
    ("funder", changed("funder", "$applicant_home_policy")),
    ("region", changed("region", "delta")),
    ("region", body("delta-recognition", region="330000", funder="330000")),
    ("payee", changed("payee", "carrier")),
    ("payee", body("huzhou-2017", payee="enterprise")),
    ("payee", body("zhejiang-reward", payee="carrier")),
    ("issuance", changed("issuance", "none", "huzhou-2017")),
    ("issuance", body("zhejiang-reward", issuance="quota_first", prefix="ZJ")),
    ("settlement_mode", body("zhejiang-reward", settlement_mode="home_policy", payee="home_policy", carrier_reward=None)),
    ("carrier_reward", body("zhejiang-reward", carrier_reward=None)),
    ("carrier_reward", changed("carrier_reward", {**REWARD, "grade_coefficient": GRADES})),
    ("carrier_reward.grade_coefficient", body("zhejiang-reward", carrier_reward={**REWARD, "grade_coefficient": {**GRADES, "poor": "0.5"}})),
    ("carrier_reward.grade_coefficient", body("zhejiang-reward", carrier_reward={**REWARD, "grade_coefficient": {"excellent": "1"}})),
    ("eligibility.applicant_types", changed("eligibility.applicant_types", [])),
    ("eligibility.applicant_types", changed("eligibility.applicant_types", ["enterprise", "carrier"])),
    ("eligibility.region_scope", changed("eligibility.region_scope", None)),
    ("eligibility.members", body("delta-recognition", eligibility={"members": ["33"]})),
    ("services.allow", changed("services.allow", [])),
    ("services.allow", changed("services.allow", ["test_anlysis"])),
    ("services.allow", changed("services.allow", ["*", "training"])),
    ("services.allow", changed("services.allow", ["training", "training"])),
    ("services.deny", changed("services.deny", ["joint_rd"])),
    ("services.deny", changed("services.deny", ["massage"])),
    ("services.deny", body(services={"allow": ["test_analysis"], "deny": ["test"]})),
    ("services.deny", body("huzhou-2017", services={"allow": ["*"], "deny": ["*"]})),
    ("services.deny_if", changed("services.deny_if", ["related_party", "related_party"])),
    ("caps.per_application", changed("caps.per_application", 6_000_000)),
    ("caps.holding", changed("caps.holding", 20_000_000)),
    ("caps.per_year", body("huzhou-2017", caps={"per_year": 20_000_000, "group_per_year": 10_000_000})),
    ("caps.per_application", body(caps={"per_application": 2_000_000, "per_year": 1_000_000})),
    ("tiers", body("zhejiang-reward", tiers=[{"ratio": "0.5"}])),
    ("tiers", changed("tiers", [{"ratio": "0"}])),
    ("ratio_by_region", changed("ratio_by_region", {"331083": "0.6"})),
    ("ratio_by_region.330100", body("huzhou-2017", ratio_by_region={"330100": "0.6"})),
    ("stack.0.region", body("shandong-2019", stack=[{"region": "330100", "adds_ratio": "0.3"}])),
    ("stack.0.adds_ratio", body("shandong-2019", stack=[{"region": "371500", "adds_ratio": "0.41"}])),
    ("stack.0.adds_ratio", body("shandong-2019", stack=[{"region": "371500", "adds_ratio": "0"}])),
    ("stack.0.group_per_year_total", body("shandong-2019", stack=[{"region": "371500", "adds_ratio": "0.3", "group_per_year_total": 1_000}])),
    ("stack", body("shandong-2019", stack=[{"region": "371500", "adds_ratio": "0.1"}] * 2)),
    ("cofunding", body("huzhou-2017", cofunding=[{"funder": "330500", "share": "0.5"}])),
    ("cofunding", body("huzhou-2017", cofunding=[{"funder": "330500", "share": "0.7"}, {"funder": "$district", "share": "0.7"}])),
    ("cofunding", body("huzhou-2017", cofunding=[{"funder": "$district", "share": "1"}])),
    ("cofunding", body("huzhou-2017", cofunding=[{"funder": "330500", "share": "0.5"}] * 2)),
    ("cofunding.1.share", body("huzhou-2017", cofunding=[{"funder": "330500", "share": "1"}, {"funder": "$district", "share": "0"}])),
    ("cofunding.1.funder", body("huzhou-2017", cofunding=[{"funder": "330500", "share": "0.5"}, {"funder": "330100", "share": "0.5"}])),
    ("cofunding.1.funder", changed("cofunding", [{"funder": "331083", "share": "0.5"}, {"funder": "$district", "share": "0.5"}])),
    ("funds", changed("funds", [{"code": "one", "source": "x", "beneficiaries": "y"}] * 2)),
    ("funds.0.cap_per_year", changed("funds", [{"code": "one", "source": "x", "beneficiaries": "y", "cap_per_year": 99_000_000}])),
    ("funds", body("hangzhou-placeholder", funds=[{"code": "one", "source": "x", "beneficiaries": "y"}])),
    ("use_window.months", changed("use_window.months", 0)),
    ("use_window.redeem_months", changed("use_window.redeem_months", 0)),
    ("use_window.on_expiry", changed("use_window.on_expiry", "none")),
    ("redeem.rounds_per_year", changed("redeem.rounds_per_year", 0)),
    ("redeem.evidence", changed("redeem.evidence", [])),
    ("redeem.evidence", changed("redeem.evidence", ["contract", "invoice"])),
    ("redeem.evidence", changed("redeem.evidence", ["contract", "contract", "invoice", "payment_proof"])),
    ("prefix", changed("prefix", "")),
    ("review", changed("review", ["city"])),
    ("review", changed("review", ["city", "county"])),
    ("review", changed("review", [])),
    ("recognition.carriers_from", changed("recognition.carriers_from", None)),
    ("recognition.carriers_from", body("shandong-2019", recognition={"carriers_from": "delta"})),
    ("recognition.no_cross_region_cash", changed("recognition.no_cross_region_cash", False)),
    ("src.caps.per_yaer", changed("src", {"caps.per_yaer": "assumed"})),
    # A value that cannot be read is named like one that contradicts.
    ("tiers.0.ratio", changed("tiers", [{"ratio": "1.2"}])),
    ("caps.per_year", changed("caps.per_year", 100.5)),
    ("caps.per_year", changed("caps.per_year", -1)),
    ("caps.per_year", changed("caps.per_year", 10**14)),
    ("caps.per_yaer", changed("caps.per_yaer", 100)),
    ("redeem.evidence.0", changed("redeem.evidence", ["photo"])),
    ("services.deny_if.0", changed("services.deny_if", ["relatd_party"])),
    ("id", changed("id", "Yuhuan 2023")),
    ("valid_from", changed("valid_from", 20240101)),
    ("notice_days", changed("notice_days", -1)),
    ("title", {name: value for name, value in body().items() if name != "title"}),
    ("surprise", changed("surprise", 1)),
]


@pytest.mark.parametrize(("path", "written"), WRONG, ids=[f"{n}-{path}" for n, (path, _) in enumerate(WRONG)])
def test_a_policy_that_cannot_stand_is_refused_with_the_clause_the_reason_and_a_way_out(path: str, written: dict[str, Any]) -> None:
    found = drafting.faults(written)
    assert path in [fault.path for fault in found], [str(fault) for fault in found]
    for fault in found:
        said = fault.text % fault.params
        assert said.endswith("。"), "a sentence"
        assert any(way in said for way in ("请", "只能", "要", "写")), f"no way out: {said}"
    with pytest.raises(Invalid) as no:
        drafting.read(written)
    assert no.value.field == found[0].path


@pytest.mark.parametrize("seed", list(seed_policies()), ids=lambda one: one.id)
def test_every_policy_of_the_files_reads_back_as_it_was_written(seed: Any) -> None:
    assert drafting.read(seed.model_dump(mode="json", by_alias=True)) == seed


def test_all_contradictions_are_told_at_once() -> None:
    found = drafting.faults(body(payee="carrier", valid_to="2020-01-01", review=["city"]))
    assert {"valid_to", "payee", "review"} <= {fault.path for fault in found}


def test_a_policy_without_a_prefix_gets_that_of_its_region_and_review_by_the_county() -> None:
    written = {name: value for name, value in body().items() if name not in ("prefix", "review", "notice_days")}
    found = drafting.read(written)
    assert (found.prefix, found.review, found.notice_days) == ("KC331083", ("county",), 0)


def test_a_source_may_be_named_by_the_end_of_its_path() -> None:
    found = drafting.read(body(src={"*": "assumed", "on_expiry": "https://example.org/rule"}))
    assert found.source("use_window.on_expiry") == "https://example.org/rule"
    assert found.is_assumed("use_window.months")


def test_what_is_not_even_a_table_is_refused_in_words() -> None:
    assert drafting.faults({})[0].text
    with pytest.raises(Invalid):
        drafting.read({"id": None})
