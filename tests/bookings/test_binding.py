"""Contract first, and the version of the contract date: a bound voucher comes to its order, and no order gets more than its policy granted that day."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bookings import binding
from bookings.entities import Order
from bookings.offers import offers_of
from bookings.orders import Given
from bookings.steps import Counter
from core import clock
from core.errors import NotFound, Refused
from tests import factories as make
from tests.bookings.test_orders import do, reach, voucher_of, world
from vouchers import policy
from vouchers.entities import Voucher
from vouchers.policy import PolicyVersion
from vouchers.rules import Deal, rule


def bound(session, as_owner, scene, made, *, face=50_000):
    """Issue a voucher that is bound to an order, as a contract-first application does."""
    found = make.voucher(session, scene.enterprise, face=face)
    with as_owner(session):
        values = {"name": f"order:{made}", "id": found.id, "application": found.application_id}
        session.execute(text("UPDATE application SET bound_reference = :name WHERE id = :application"), values)
        session.execute(text("UPDATE voucher SET bound_reference = :name WHERE id = :id"), values)
    session.refresh(found)
    return found


def test_a_bound_voucher_comes_to_its_order_by_the_clock(session, as_owner):
    scene = make.scene(session)
    made = reach(session, scene, "contracted", voucher=None)
    found = bound(session, as_owner, scene, made)
    assert binding.bound(session) == [made]
    binding.attach_bound(session, made)
    row = session.get_one(Order, made)
    assert (row.state, row.voucher_id, row.voucher_part, row.own_part) == ("contracted", found.id, 50_000, 70_000)
    assert binding.bound(session) == []
    do(session, scene, "deliver", "carrier", order_id=made)
    do(session, scene, "confirm", "enterprise", order_id=made)
    assert session.scalar(text("SELECT used FROM voucher_balance WHERE voucher_id = :id"), {"id": found.id}) == 50_000


def test_a_bound_voucher_pays_for_nothing_else(session, as_owner):
    scene = make.scene(session)
    made = reach(session, scene, "contracted", voucher=None)
    found = bound(session, as_owner, scene, made)
    with pytest.raises(Refused) as no:
        make.order(session, scene, nth=7, voucher=found.id)
    assert no.value.clause == "bound"


@pytest.mark.parametrize("state", ["offered", "delivered", "settled", "cancelled"])
def test_nothing_is_attached_before_the_contract_or_after_delivery(session, as_owner, state):
    scene = make.scene(session)
    made = reach(session, scene, state, voucher=None)
    bound(session, as_owner, scene, made)
    before = world(session)
    assert binding.bound(session) == []
    with pytest.raises(Refused) as no:
        binding.attach_bound(session, made)
    assert (no.value.clause, world(session)) == ("state", before)


def test_no_other_voucher_is_attached_and_none_twice(session):
    scene = make.scene(session)
    made = reach(session, scene, "contracted", voucher=None)
    for number in (made, reach(session, scene, "contracted", nth=6)):
        with pytest.raises(Refused) as no:
            binding.attach(session, scene.buyer, order_id=number, request_id=make.key())
        assert no.value.clause == "voucher"
    with pytest.raises(NotFound):
        binding.attach(session, scene.seller, order_id=10**9, request_id=make.key())


def recomputed(session, row):
    """Rule again on an order under the newest version valid on its contract date, without any bound but the policy's own."""
    cited = session.get_one(PolicyVersion, session.get_one(Voucher, row.voucher_id).policy_version_id)
    version = policy.in_force(session, cited.policy, row.contract_date)
    assert row.policy_version_id == version.id
    return rule(version.terms, Deal(row.price, row.service_code, frozenset(row.attributes))).amount


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(price=st.integers(10, 3_000_000), ratio=st.sampled_from(["0.1", "0.333333", "0.999999"]), later=st.booleans())
def test_no_order_gets_more_than_the_version_of_its_contract_date_grants(session, price, ratio, later):
    scene = make.scene(session)
    scene.listing.price = price
    session.flush()
    made = make.order(session, scene, nth=6)
    first = session.get_one(Order, made).voucher_part
    make.policy_version(session, tiers=[{"upto": None, "ratio": ratio}])
    if later:
        do(session, scene, "counter", "carrier", order_id=made, given=Given(counter=Counter(price=price + 1)))
        do(session, scene, "agree", "enterprise", order_id=made)
    else:
        do(session, scene, "accept", "carrier", order_id=made)
    row = session.get_one(Order, made, populate_existing=True)
    assert row.contract_date == clock.today(session)
    if later:
        assert 0 < row.voucher_part <= recomputed(session, row)
        assert len(offers_of(session, made)) == 2
    else:
        terms = session.get_one(PolicyVersion, row.policy_version_id).terms
        assert row.voucher_part == first == min(rule(terms, Deal(price, row.service_code)).amount, 2_000_000)
    session.rollback()


def test_a_claim_stands_under_the_version_that_ruled_its_order(session):
    scene = make.scene(session)
    half = make.policy_version(session, tiers=[{"upto": None, "ratio": "0.5"}])
    claim = do(session, scene, "claim", "enterprise", order_id=reach(session, scene, "settled"))
    assert session.scalar(text("SELECT amount FROM claim WHERE id = :id"), {"id": claim}) == 60_000
    cited = "SELECT policy_version_id FROM audit WHERE subject = 'claim' AND subject_id = :id"
    assert (session.scalar(text(cited), {"id": claim}), scene.voucher.policy_version_id) == (half.id, half.id - 1)
    assert voucher_of(session, scene).used == 60_000
