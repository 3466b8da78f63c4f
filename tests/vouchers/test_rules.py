"""What a policy grants: the published examples to the fen, and what must hold for every price, cap and ratio."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from tests.vouchers.model import terms
from vouchers.deals import ATTRIBUTES
from vouchers.policy import Caps, CoFunder, Fund, Policy, Recognition, Stack, Tier
from vouchers.rules import BY_LAW, Deal, Ruling, rule
from vouchers.terms import STORED

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


HOMES = ["330500", "330502", "330522", "330523", "330100", None]
CARRIERS = ["330522", "330100", "310115", "440300", None]
SOURCES = ["city", "province", "delta", "any_province", "any"]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Draw a policy of a city with one to four tiers, caps that may be missing, co-funders, purses, and layers that counties add."""
    bounds = sorted(draw(st.sets(st.integers(1, 10**9), max_size=3)))
    adds = draw(st.lists(st.decimals(0, "0.3", places=4), max_size=2))
    ratios = st.decimals(0, 1 - sum(adds), places=4)
    caps = st.one_of(st.none(), st.integers(1, 10**9))
    share = draw(st.one_of(st.none(), st.decimals("0.0001", "0.9999", places=4)))
    stack = [
        Stack(region=region, adds_ratio=ratio, group_per_year_total=draw(caps)) for region, ratio in zip(("330522", "330502"), adds, strict=False)
    ]
    funders = () if share is None else (CoFunder(funder="$district", share=1 - share), CoFunder(funder="330500", share=share))
    purse = draw(st.one_of(st.none(), st.integers(1, 10**9)))
    funds = [Fund(code="one", source="x", beneficiaries="y", cap_per_year=purse)] if draw(st.booleans()) else []
    services = HUZHOU.services.model_copy(update={"allow": ("test",), "deny_if": tuple(draw(st.sets(st.sampled_from(sorted(ATTRIBUTES)))))})
    changes = {
        "tiers": tuple(Tier(upto=upto, ratio=draw(ratios)) for upto in (*bounds, None)),
        "caps": Caps(per_year=draw(caps), group_per_year=draw(caps)),
        "services": services,
        "stack": tuple(stack),
        "cofunding": funders,
        "funds": tuple(funds),
        "recognition": Recognition(carriers_from=draw(st.sampled_from(SOURCES))),
    }
    return HUZHOU.model_copy(update=changes)


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    """Draw a deal that most policies take."""
    attributes = draw(st.frozensets(st.sampled_from(sorted(ATTRIBUTES)), max_size=1)) if draw(st.integers(0, 3)) == 0 else frozenset()
    service = draw(st.sampled_from(["test_analysis", "test_analysis", "instrument_sharing", "training", "test", ""]))
    places = {"region": draw(st.sampled_from(HOMES)), "carrier_region": draw(st.sampled_from(CARRIERS))}
    spent = st.one_of(st.just(0), MONEY)
    return Deal(draw(MONEY), service, attributes, draw(st.one_of(st.none(), MONEY)), draw(spent), draw(spent), **places)


@given(policies(), deals(), MONEY)
def test_a_dearer_order_never_gets_less(policy: Policy, deal: Deal, more: int) -> None:
    dearer = replace(deal, price=deal.price + more)
    assert rule(policy, deal).amount <= rule(policy, dearer).amount


@given(policies(), deals(), MONEY)
def test_who_used_more_before_never_gets_more(policy: Policy, deal: Deal, more: int) -> None:
    amount = rule(policy, deal).amount
    assert rule(policy, replace(deal, used_year=deal.used_year + more)).amount <= amount
    assert rule(policy, replace(deal, group_used=deal.group_used + more)).amount <= amount


@given(policies(), deals())
def test_the_layers_make_the_whole_and_the_policys_own_funder_is_the_first(policy: Policy, deal: Deal) -> None:
    ruling = rule(policy, deal)
    assert sum(layer.amount for layer in ruling.layers) == ruling.amount
    assert bool(ruling.layers) == bool(ruling.amount)
    assert [layer.funder for layer in ruling.layers[:1]] in ([], ["330500"])
    assert all(layer.amount > 0 for layer in ruling.layers[1:])
    assert all(layer.policy == policy.id for layer in ruling.layers)


@given(policies(), deals())
def test_a_co_funder_pays_its_share_of_the_own_layer_rounded_down_and_never_more(policy: Policy, deal: Deal) -> None:
    ruling = rule(policy, deal)
    added = sum(layer.amount for layer in ruling.layers if layer.clause == "stack")
    own = ruling.amount - added
    for layer in ruling.layers:
        if layer.clause == "cofunding" and layer.funder != "330500":
            assert layer.amount == int(own * Fraction(policy.cofunding[0].share))


@given(policies(), deals())
def test_the_layers_that_a_year_cap_bounds_never_exceed_it(policy: Policy, deal: Deal) -> None:
    ruling = rule(policy, deal)
    own = sum(layer.amount for layer in ruling.layers if layer.clause != "stack")
    assert own <= max(0, (policy.caps.per_year or 10**15) - deal.used_year)
    assert all(own <= max(0, (fund.cap_per_year or 10**15) - deal.used_year) for fund in policy.funds)
    totals = [one.group_per_year_total for one in policy.stack if one.group_per_year_total and any(la.funder == one.region for la in ruling.layers)]
    assert all(ruling.amount <= max(0, total - deal.used_by_group) for total in totals)


@given(policies(), deals())
def test_what_was_kept_as_plain_data_replays_to_the_same_ruling(policy: Policy, deal: Deal) -> None:
    kept = json.loads(json.dumps(deal.as_json()))
    stored = Policy.model_validate(json.loads(policy.model_dump_json(by_alias=True)), context=STORED)
    assert rule(stored, Deal.read(kept)) == rule(policy, deal)


@given(policies(), deals())
def test_no_region_pays_for_a_test_that_the_law_demands(policy: Policy, deal: Deal) -> None:
    assert rule(policy, replace(deal, attributes=frozenset(BY_LAW))).amount == 0


@given(policies(), deals())
def test_no_ruling_exceeds_the_price_a_cap_or_the_balance(policy: Policy, deal: Deal) -> None:
    amount = rule(policy, deal).amount
    caps = policy.caps
    left = [deal.price]
    left += [max(0, caps.group_per_year - deal.used_by_group)] if caps.group_per_year is not None else []
    left += [] if deal.balance is None else [deal.balance]
    assert 0 <= amount <= min(left)


@given(policies(), MONEY)
def test_a_ruling_is_the_exact_share_rounded_down_by_less_than_a_fen_a_tier(policy: Policy, price: int) -> None:
    exact, start = Fraction(0), 0
    for tier in policy.tiers:
        end = price if tier.upto is None else min(tier.upto, price)
        exact += max(0, end - start) * Fraction(tier.ratio)
        start = max(start, end)
    free = policy.model_copy(update={"caps": Caps(), "stack": (), "funds": ()})
    amount = granted(free, price).amount
    assert isinstance(amount, int)
    assert 0 <= exact - amount < len(policy.tiers)


@given(policies(), deals())
def test_what_is_refused_gets_nothing_and_every_ruling_names_its_reason(policy: Policy, deal: Deal) -> None:
    ruling = rule(policy, deal)
    reasons = {c.code for c in ruling.clauses if c.outcome == "refuse"}
    assert ("service" in reasons) == (deal.service not in ("test_analysis", "instrument_sharing"))
    assert ("eligibility" in reasons) == (deal.region == "330100")
    assert ATTRIBUTES & reasons == deal.attributes & (set(policy.services.deny_if) | BY_LAW)
    taken = {"city": ["3305"], "province": ["33"], "delta": ["33", "31"]}.get(policy.recognition.carriers_from or "", [""])
    assert ("recognition" in reasons) == (deal.carrier_region is not None and not deal.carrier_region.startswith(tuple(taken)))
    if reasons:
        assert (ruling.amount, ruling.layers) == (0, ())
        assert {c.outcome for c in ruling.clauses} <= {"pass", "refuse"}
    else:
        assert ruling.amount in {c.bound for c in ruling.clauses if c.outcome == "limit"}


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


def test_a_group_of_services_stands_for_all_in_it() -> None:
    services = HUZHOU.services.model_copy(update={"allow": ("test", "training"), "deny": ("instrument_sharing",)})
    policy = HUZHOU.model_copy(update={"services": services})
    given_ = {name: granted(policy, 1_000, service=name).amount for name in ("test_analysis", "instrument_sharing", "training", "talent")}
    assert given_ == {"test_analysis": 500, "instrument_sharing": 0, "training": 500, "talent": 0}


def test_two_counties_that_add_their_layers_are_cut_from_the_last_when_the_voucher_is_short() -> None:
    stack = (Stack(region="330500", adds_ratio="0.2"), Stack(region="330522", adds_ratio="0.2"))
    policy = HUZHOU.model_copy(update={"region": "330000", "funder": "330000", "stack": stack, "caps": Caps()})
    ruling = granted(policy, 1_000, region="330522", balance=750)
    assert [(layer.funder, layer.amount) for layer in ruling.layers] == [("330000", 500), ("330500", 200), ("330522", 50)]


def test_what_the_law_excludes_is_said_to_be_the_laws_where_the_region_does_not_list_it() -> None:
    refusal = granted(terms("changxing-2015"), 1_000, service="talent", attributes=["statutory_test"]).refusal
    assert refusal is not None
    assert (refusal.code, refusal.source, refusal.assumed) == ("statutory_test", "law", False)
