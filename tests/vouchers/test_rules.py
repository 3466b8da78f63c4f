"""What a policy grants: the published examples to the fen, and what must hold for every price, cap and ratio."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from tests.vouchers.model import terms
from vouchers.policy import Caps, Policy, Tier
from vouchers.rules import _EXCLUDED, Deal, Ruling, rule

YUHUAN, HUZHOU = terms("yuhuan-2023"), terms("huzhou-2017")
MONEY = st.integers(0, 10**13)


def granted(policy: Policy, price: int, **facts: Any) -> Ruling:
    service = facts.pop("service", "test_analysis")
    return rule(policy, Deal(price, service, frozenset(facts.pop("attributes", ())), **facts))


def deciding(ruling: Ruling) -> set[str]:
    return {c.code for c in ruling.clauses if c.outcome != "pass"}


@pytest.mark.parametrize(
    ("price", "facts", "amount", "clause"),
    [
        (800_000, {}, 800_000, "tiers"),
        (1_000_000, {}, 1_000_000, "tiers"),
        (1_000_001, {}, 1_000_000, "tiers"),
        (1_000_002, {}, 1_000_001, "tiers"),
        (3_000_000, {}, 2_000_000, "tiers"),
        (9_900_000, {"balance": 5_000_000}, 5_000_000, "balance"),
        (3_000_000, {"used_year": 9_000_000}, 1_000_000, "per_year"),
        (3_000_000, {"used_year": 10_000_000}, 0, "per_year"),
        (3_000_000, {"used_year": 11_000_000}, 0, "per_year"),
        (3_000_000, {"attributes": ["related_party"]}, 0, "related_party"),
        (3_000_000, {"attributes": ["statutory_test"]}, 0, "statutory_test"),
        (3_000_000, {"attributes": ["funded_by_city_project_this_or_last_year"]}, 0, "funded_by_city_project_this_or_last_year"),
        (3_000_000, {"service": "training"}, 0, "service"),
        (1, {}, 1, "tiers"),
    ],
)
def test_yuhuan_pays_what_its_rule_says(price: int, facts: dict[str, Any], amount: int, clause: str) -> None:
    ruling = granted(YUHUAN, price, **facts)
    assert ruling.amount == amount
    assert deciding(ruling) == {clause}


@pytest.mark.parametrize(
    ("price", "facts", "amount", "clause"),
    [
        (3_000_001, {}, 1_500_000, "tiers"),
        (1, {}, 0, "tiers"),
        (99_900_000, {}, 20_000_000, "per_year"),
        (3_000_000, {"group_used": 19_000_000}, 1_000_000, "group_per_year"),
        (3_000_000, {"service": "training"}, 1_500_000, "tiers"),
        (3_000_000, {"attributes": ["batch_production_test"]}, 0, "batch_production_test"),
        (3_000_000, {"attributes": ["funded_by_city_project_this_or_last_year"]}, 1_500_000, "tiers"),
    ],
)
def test_huzhou_pays_half_within_the_caps_of_a_holder_and_its_group(price: int, facts: dict[str, Any], amount: int, clause: str) -> None:
    ruling = granted(HUZHOU, price, **facts)
    assert ruling.amount == amount
    assert clause in deciding(ruling)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Draw a policy with one to four tiers, and caps that may be missing."""
    bounds = sorted(draw(st.sets(st.integers(1, 10**9), max_size=3)))
    ratios = st.decimals(0, 1, places=4)
    tiers = tuple(Tier(upto=upto, ratio=draw(ratios)) for upto in (*bounds, None))
    caps = st.one_of(st.none(), st.integers(1, 10**9))
    services = YUHUAN.services.model_copy(update={"deny_if": draw(st.sets(st.sampled_from(sorted(_EXCLUDED))))})
    return YUHUAN.model_copy(update={"tiers": tiers, "caps": Caps(per_year=draw(caps), group_per_year=draw(caps)), "services": services})


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    attributes = draw(st.frozensets(st.sampled_from(sorted(_EXCLUDED)), max_size=2))
    service = draw(st.sampled_from(["test_analysis", "training", ""]))
    balance = draw(st.one_of(st.none(), MONEY))
    return Deal(draw(MONEY), service, attributes, balance, used_year=draw(MONEY), group_used=draw(MONEY))


@given(policies(), deals(), MONEY)
def test_a_dearer_order_never_gets_less(policy: Policy, deal: Deal, more: int) -> None:
    dearer = Deal(deal.price + more, deal.service, deal.attributes, deal.balance, deal.used_year, deal.group_used)
    assert rule(policy, deal).amount <= rule(policy, dearer).amount


@given(policies(), deals())
def test_no_ruling_exceeds_the_price_a_cap_or_the_balance(policy: Policy, deal: Deal) -> None:
    amount = rule(policy, deal).amount
    caps = policy.caps
    left = [deal.price]
    left += [max(0, cap - used) for cap, used in ((caps.per_year, deal.used_year), (caps.group_per_year, deal.group_used)) if cap is not None]
    left += [] if deal.balance is None else [deal.balance]
    assert 0 <= amount <= min(left)


@given(policies(), MONEY)
def test_a_ruling_is_the_exact_share_rounded_down_by_less_than_a_fen_a_tier(policy: Policy, price: int) -> None:
    exact, start = Fraction(0), 0
    for tier in policy.tiers:
        end = price if tier.upto is None else min(tier.upto, price)
        exact += max(0, end - start) * Fraction(tier.ratio)
        start = max(start, end)
    free = policy.model_copy(update={"caps": Caps()})
    amount = granted(free, price).amount
    assert isinstance(amount, int)
    assert 0 <= exact - amount < len(policy.tiers)


@given(policies(), deals())
def test_what_is_refused_gets_nothing_and_every_ruling_names_its_reason(policy: Policy, deal: Deal) -> None:
    ruling = rule(policy, deal)
    refused = deal.service != "test_analysis" or bool(deal.attributes & set(policy.services.deny_if))
    assert (ruling.refusal is not None) == refused
    if refused:
        assert ruling.amount == 0
        assert {c.outcome for c in ruling.clauses} <= {"pass", "refuse"}
    else:
        assert {c.bound for c in ruling.clauses if c.outcome == "limit"} == {ruling.amount}


@given(policies(), deals())
def test_a_ruling_can_be_kept_as_plain_data_with_the_source_of_each_value(policy: Policy, deal: Deal) -> None:
    for clause in rule(policy, deal).clauses:
        kept = clause.as_json()
        assert kept["title"]
        assert kept["source"]
        assert kept["detail"] % kept["params"]


@pytest.mark.parametrize("facts", [{"price": -1}, {"balance": -1}, {"used_year": -10_000_000}, {"group_used": -1}])
def test_nobody_earns_a_cap_by_an_amount_below_zero(facts: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        Deal(**{"price": 3_000_000, "service": "test_analysis", **facts})


def test_a_misspelt_exclusion_of_an_order_is_an_error_and_not_a_free_pass() -> None:
    with pytest.raises(Invalid):
        Deal(3_000_000, "test_analysis", frozenset({"related-party"}))


def test_a_denied_service_beats_an_allowed_one_and_cites_the_list_that_denies() -> None:
    services = HUZHOU.services.model_copy(update={"deny": ("training",)})
    policy = HUZHOU.model_copy(update={"services": services, "src": {"services.deny": "示例条款", "*": "assumed"}})
    refusal = granted(policy, 3_000_000, service="training").refusal
    assert refusal, "a denied service is refused"
    assert refusal.source == "示例条款"


def test_a_long_ratio_does_not_round_up_at_the_largest_price() -> None:
    policy = YUHUAN.model_copy(update={"tiers": (Tier(ratio=Decimal("0.999999")),), "caps": Caps()})
    assert granted(policy, 10**13 - 1).amount == (10**13 - 1) * 999_999 // 10**6
