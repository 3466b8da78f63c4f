"""Policies of several funders and both ways to issue, from the order to the account: each funder pays its layer, to the fen."""

from __future__ import annotations

import pytest

from bookings import binding, checkout, orders
from bookings.entities import Order
from bookings.replaying import replay_all
from core.actor import SYSTEM
from core.errors import Refused
from tests import factories as make
from vouchers import applications, budgets, chart, ledger, shares
from vouchers.applications import Contract
from vouchers.entities import Hold, Voucher
from vouchers.rules import replay

DISTRICT = "330106"
HALVES = [{"funder": "330100", "share": "0.5"}, {"funder": "$district", "share": "0.5"}]


@pytest.fixture
def scene(session):
    """Lay out a buyer of 西湖区 with a voucher of ¥20,000 of its city, which pays half of each ruling; the district has ¥1,000,000."""
    make.at(session, "2026-11-24T10:12+08:00")
    version = make.policy_version(session, "hangzhou-placeholder")
    make.region(session, DISTRICT)
    budgets.adopt(session, SYSTEM, version=version, year=2026, amount=100_000_000, request_id=make.key(), funder=DISTRICT)
    buyer, seller = make.enterprise(session, adcode=DISTRICT), make.carrier(session)
    opened = make.instrument(session, seller)
    voucher = make.voucher(session, buyer, code="hangzhou-placeholder")
    priced = make.listing(session, opened, price=100_007)
    return make.Scene(buyer, seller, opened, priced, voucher, make.enterprise_actor(buyer), make.carrier_actor(seller))


def sums(session, number):
    session.expire_all()
    row = session.get_one(Order, number)
    return row.price, row.voucher_part, row.share_part, row.own_part


def held(session, number):
    return session.query(Hold).filter_by(reference=f"order:{number}").one()


def test_city_and_district_pay_half_each_and_the_odd_fen_is_the_citys(session, scene):
    number = make.order(session, scene)
    assert sums(session, number) == (100_007, 25_002, 25_001, 50_004)
    (share,) = shares.of_hold(session, held(session, number).id)
    assert (share.funder, ledger.balance(session, chart.share_held(share.id))) == (DISTRICT, 25_001)
    assert ledger.balance(session, chart.held(scene.voucher.id)) == 25_002


def test_a_district_without_money_leaves_its_layer_to_the_firm_and_a_clause_says_so(session, scene):
    version = make.policy_version(session, "hangzhou-placeholder")
    budget = budgets.open_budget(session, funder=DISTRICT, policy="hangzhou-placeholder", year=2026)
    officer = make.officer("finance", DISTRICT)
    budgets.revise(session, officer, budget_id=budget.id, change=-99_980_000, reason="示例", request_id=make.key())
    number = make.order(session, scene)
    assert sums(session, number) == (100_007, 25_002, 0, 75_005)
    assert "cofunding" in [clause["code"] for clause in session.get_one(Order, number).clauses if clause["outcome"] == "limit"]
    assert version.terms.cofunding
    assert [(one.paid, one.agrees) for one in replay_all(session)] == [(25_002, True)]


def test_nobody_gives_money_to_a_policy_that_it_does_not_pay(session, scene):
    version = make.policy_version(session, "hangzhou-placeholder")
    make.region(session, "330500")
    with pytest.raises(Exception, match="出资方"):
        budgets.adopt(session, SYSTEM, version=version, year=2026, amount=1, request_id=make.key(), funder="330500")


def test_a_carrier_that_the_policy_does_not_take_is_refused_at_checkout_with_the_clause(session, scene):
    make.region(session, "440300")
    scene.carrier.adcode = "440300"
    session.flush()
    with pytest.raises(Refused) as no:
        make.order(session, scene)
    assert no.value.clause == "recognition"
    paid_in_full = make.order(session, scene, voucher=None)
    assert sums(session, paid_in_full)[1:] == (0, 0, 100_007)


def test_a_carrier_of_another_province_is_paid_by_the_firms_home(session, scene):
    make.region(session, "310115")
    scene.carrier.adcode = "310115"
    session.flush()
    number = make.order(session, scene)
    assert sums(session, number)[1:3] == (25_002, 25_001)
    assert "recognition" in [clause["code"] for clause in session.get_one(Order, number).clauses]


@pytest.mark.parametrize(("cofunding", "expected"), [([], (100_007, 50_003, 0, 50_004)), (HALVES, (100_007, 25_002, 25_001, 50_004))])
def test_contract_first_issues_for_the_contract_and_freezes_every_layer(session, scene, cofunding, expected):
    version = make.policy_version(session, "hangzhou-placeholder", issuance="contract_first", cofunding=cofunding)
    make.budget(session, version)
    number = make.order(session, scene, voucher=None)
    orders.EVENTS["accept"](session, scene.seller, order_id=number, request_id=make.key(), given=orders.Given())
    contract = Contract("示例合同", "HT-1", 100_007, "test_analysis", f"order:{number}")
    facts = {"policy_code": version.policy, "amount": None, "purpose": "示例", "contract": contract, "request_id": make.key()}
    asked = applications.apply(session, scene.buyer, **facts)
    applications.decide(session, make.officer("reviewer", "330100"), application_id=asked, event="pass", reason="", request_id=make.key())
    voucher = session.query(Voucher).filter_by(application_id=asked).one()
    assert voucher.face == expected[1]
    binding.attach_bound(session, number)
    assert sums(session, number) == expected
    assert ledger.balance(session, chart.held(voucher.id)) == expected[1]
    assert sum(share.amount for share in shares.of_hold(session, held(session, number).id)) == expected[2]
    assert [one.agrees for one in replay_all(session)] == [True]


def test_a_policy_changed_after_the_contract_leaves_the_contract_as_it_was(session, scene):
    number = make.order(session, scene)
    before, ruled_by = sums(session, number), held(session, number).policy_version_id
    make.policy_version(session, "hangzhou-placeholder", tiers=[{"ratio": "0.1"}])
    again = make.order(session, scene, nth=1)
    assert sums(session, number) == before
    assert held(session, number).policy_version_id == ruled_by
    assert sums(session, again)[1] == 5_000
    _, deal = checkout.deal_for(session, checkout.vouchers_of(session, scene.enterprise.id)[0], price=100_007, service="test_analysis")
    assert replay(session, policy_version_id=ruled_by, facts=deal.as_json()).amount == 50_003
    assert [(one.order_id, one.version, one.agrees) for one in replay_all(session)] == [(number, 1, True), (again, 2, True)]
