"""What a draft would have done to last year's orders: exact, in the order of time, and fast."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings import past
from bookings.past import Wanted
from tests import factories as make
from vouchers.simulate import Past, simulate

FIRST = date(2025, 1, 1)
SERVICES = ("test_analysis", "novelty_search", "joint_rd", "training")


def order(n=1, *, price=100_000, holder=1, day=0, **facts):
    """Give an order; `day` counts from 1 January 2025."""
    known = {
        "order_id": n,
        "code": f"D-{n}",
        "on": FIRST + timedelta(days=day),
        "holder_id": holder,
        "holder": f"示例{holder}",
        "holder_kind": "enterprise",
        "size": "small",
        "group": None,
        "region": make.YUHUAN,
        "carrier_region": "330106",
        "service": "test_analysis",
        "price": price,
        "paid": 0,
    }
    return Past(**{**known, **facts})


def run(orders, draft, *, now=None, adopted=None):
    return simulate(orders, now=now or make.terms(), draft=draft, adopted=adopted)


def amounts(found):
    return [line.after for line in found.lines]


orders = st.lists(
    st.builds(
        order,
        n=st.integers(1, 10**6),
        price=st.integers(1, 10**8),
        holder=st.integers(1, 4),
        day=st.integers(0, 364),
        service=st.sampled_from(SERVICES),
        group=st.sampled_from([None, "g1", "g2"]),
    ),
    max_size=25,
    unique_by=lambda one: one.order_id,
)


@settings(deadline=None)
@given(orders)
def test_a_draft_that_says_the_same_changes_nothing(found):
    result = run(found, make.terms())
    assert all(line.change == 0 for line in result.lines)
    assert result.refused == ()


@settings(deadline=None)
@given(orders, st.integers(1, 10**7))
def test_no_holder_and_no_group_gets_more_than_its_cap_of_a_year(found, cap):
    result = run(found, make.terms(caps={"per_application": cap, "per_year": cap, "group_per_year": cap}))
    spent: dict[object, int] = {}
    for line in result.lines:
        key = line.order.group or line.order.holder_id
        spent[key] = spent.get(key, 0) + line.after
    assert all(amount <= cap for amount in spent.values())


@settings(deadline=None)
@given(orders)
def test_every_sum_is_the_sum_of_its_lines(found):
    result = run(found, make.terms(tiers=[{"upto": None, "ratio": "0.3"}]))
    for name in ("region", "service", "size", "holder"):
        parts = result.by(name)
        assert sum(one.after for one in parts) == result.total.after == sum(amounts(result))
        assert sum(one.orders for one in parts) == len(found)
        assert sum(one.change for one in parts) == result.total.after - result.total.before
    assert sum(amount for _, amount in result.layers) == result.total.after
    assert sum(n for _, _, n in result.spread) == len(result.by("holder"))


def test_caps_are_used_up_in_the_order_of_time_whatever_the_order_of_reading():
    late, early = order(1, price=3_000_000, day=200), order(2, price=3_000_000, day=10)
    result = run([late, early], make.terms(caps={"per_application": 2_000_000, "per_year": 3_000_000}))
    assert [(line.order.order_id, line.after, line.decided.code) for line in result.lines] == [(2, 2_000_000, "balance"), (1, 1_000_000, "per_year")]


def test_a_cap_begins_anew_at_the_turn_of_the_year():
    result = run([order(1, day=364, price=800_000), order(2, day=365, price=800_000)], make.terms(caps={"per_year": 800_000}))
    assert amounts(result) == [800_000, 800_000]


def test_a_group_shares_its_cap_and_strangers_do_not():
    pair = [order(1, group="g", price=800_000), order(2, holder=2, group="g", price=800_000), order(3, holder=3, price=800_000)]
    assert amounts(run(pair, make.terms(caps={"group_per_year": 1_000_000}))) == [800_000, 200_000, 800_000]


def test_each_fund_has_its_own_bound_of_a_year():
    fund = {"title": "示例", "source": "示例", "beneficiaries": "示例"}
    funds = [{"code": "project", **fund}, {"code": "increment", **fund, "cap_per_year": 500_000}]
    found = [order(n, fund=code, price=800_000, day=n) for n, code in enumerate(["project", "increment", "project", "increment", "gone"])]
    assert amounts(run(found, make.terms(funds=funds, caps={}))) == [800_000, 500_000, 800_000, 0, 800_000]


def test_refused_orders_are_named_with_their_clause():
    found = [order(1), order(2, service="novelty_search"), order(3, holder_kind="team", holder=2)]
    draft = make.terms(services={"allow": ["novelty_search"], "deny_if": []})
    result = run(found, draft)
    assert [(clause.code, [line.order.order_id for line in lines]) for clause, lines in result.refused] == [("service", [1])]
    assert result.lines[2].decided.code == "applicant"


def test_the_budget_says_on_which_day_it_would_have_been_used_up():
    found = [order(1, day=5, price=600_000), order(2, day=9, price=600_000), order(3, day=12, price=100)]
    purse = run(found, make.terms(), adopted=1_000_000).purse
    assert (purse.holds, purse.cost, purse.short_on, purse.short_order) == (False, 1_200_100, FIRST + timedelta(days=9), "D-2")
    assert run(found, make.terms(), adopted=1_200_100).purse.holds
    assert not run(found, make.terms()).purse.holds


def test_only_the_own_layer_is_paid_from_the_own_budget():
    shares = [{"funder": make.YUHUAN, "share": "0.6"}, {"funder": "331000", "share": "0.4"}]
    result = run([order(1, price=1_000_001)], make.terms(cofunding=shares, tiers=[{"upto": None, "ratio": "1"}]))
    assert dict(result.layers) == {make.YUHUAN: 600_001, "331000": 400_000}
    assert (result.purse.cost, result.total.after) == (600_001, 1_000_001)


def test_no_orders_are_a_simulation_too():
    result = run([], make.terms(), adopted=100)
    assert (result.lines, result.total.orders, result.purse.cost, result.by("region")) == ((), 0, 0, ())


def test_a_first_policy_is_compared_with_nothing():
    result = simulate([order(1)], now=None, draft=make.terms(), adopted=None)
    assert (result.total.before, result.total.after, result.total.more) == (0, 100_000, 1)


def test_forty_thousand_orders_are_ruled_within_seconds():
    dice = Random(7)
    many = [order(n, price=dice.randrange(1, 10**7), holder=dice.randrange(4_000), day=dice.randrange(365)) for n in range(40_000)]
    begun = perf_counter()
    result = run(many, make.terms(tiers=[{"upto": None, "ratio": "0.3"}]))
    assert result.total.orders == 40_000
    assert perf_counter() - begun < 30, "a reviewer waited for half a minute"


@pytest.fixture
def placed(session):
    """Lay out an order of ¥1,200.00 of today and return its scene."""
    scene = make.scene(session)
    number = make.order(session, scene)
    from bookings import orders

    orders.EVENTS["accept"](session, scene.seller, order_id=number, request_id=make.key(), given=orders.Given("", ()))
    return scene


def test_orders_with_a_standing_contract_are_read_with_all_that_rules_look_at(session, placed):
    wanted = Wanted("yuhuan-2023", make.YUHUAN, 2026)
    (one,) = past.orders_of(session, wanted)
    assert (one.holder_id, one.price, one.paid, one.region, one.service) == (placed.enterprise.id, 120_000, 120_000, make.YUHUAN, "test_analysis")
    assert one.carrier_region == placed.carrier.adcode
    assert simulate([one], now=make.terms(), draft=make.terms(), adopted=None).total.before == one.paid
    assert past.orders_of(session, Wanted("yuhuan-2023", make.YUHUAN, 2025)) == []
    assert past.orders_of(session, Wanted("huzhou-2017", make.YUHUAN, 2026)) == []
    assert past.years_of(session, make.YUHUAN) == [2026]


def test_an_order_within_a_group_counts_as_related(session, placed):
    placed.enterprise.controller = placed.carrier.controller = "示例控制人"
    session.flush()
    (one,) = past.orders_of(session, Wanted("yuhuan-2023", make.YUHUAN, 2026))
    assert one.attributes == {"related_party"}
    assert simulate([one], now=None, draft=make.terms(), adopted=None).lines[0].decided.code == "related_party"


def test_the_budget_of_a_year_is_what_was_given_to_it(session, placed):
    asked = {"funder": make.YUHUAN, "policy": "yuhuan-2023"}
    given_already = past.budget_of(session, **asked, year=2026)
    make.budget(session, amount=500)
    assert past.budget_of(session, **asked, year=2026) == given_already + 500
    assert past.budget_of(session, **asked, year=2025) is None
