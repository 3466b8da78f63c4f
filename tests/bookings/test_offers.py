"""Offers, counter-offers and disputes: sums move only when the enterprise agrees, the reviewer decides what is frozen, nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bookings import disputes, offers, orders, queries
from bookings.entities import Booking, Order
from bookings.offers import offers_of
from bookings.orders import Given
from bookings.steps import Counter
from core import clock
from core.errors import Forbidden, Invalid, NotFound, Refused
from tests import factories as make
from tests.bookings.test_orders import do, reach, voucher_of, world


def counter(session, scene, made, **terms):
    return do(session, scene, "counter", "carrier", order_id=made, given=Given("示例说明", counter=Counter(**terms)))


def agree(session, scene, made, **how):
    return do(session, scene, "agree", "enterprise", order_id=made, given=Given(**how))


def resolve(session, made, actor=None, **how):
    given = Given("示例理由", **{"outcome": "confirmed", **how})
    return disputes.resolve(session, actor or make.officer("reviewer"), order_id=made, request_id=make.key(), given=given)


def slots(session, scene):
    return make.free_slots(session, scene.instrument)


def test_a_counter_offer_moves_no_money_until_the_enterprise_agrees(session):
    scene = make.scene(session)
    made = make.order(session, scene)
    counter(session, scene, made, price=150_000)
    row = session.get_one(Order, made)
    assert (row.state, row.price, voucher_of(session, scene).held) == ("countered", 120_000, 120_000)
    assert [(one.role, one.price) for one in offers_of(session, made)] == [("enterprise", 120_000), ("carrier", 150_000)]
    agree(session, scene, made, expected=(150_000, 0))
    session.refresh(row)
    assert (row.state, row.price, row.voucher_part, voucher_of(session, scene).held) == ("contracted", 150_000, 150_000, 150_000)


def test_an_agreed_offer_is_ruled_by_the_version_in_force_that_day(session):
    scene = make.scene(session)
    made = make.order(session, scene)
    counter(session, scene, made, price=100_000)
    half = make.policy_version(session, tiers=[{"upto": None, "ratio": "0.5"}])
    agree(session, scene, made, expected=(50_000, 50_000))
    row = session.get_one(Order, made)
    assert (row.voucher_part, row.own_part, row.policy_version_id) == (50_000, 50_000, half.id)


def test_who_saw_other_sums_pays_nothing(session):
    scene = make.scene(session)
    made = make.order(session, scene)
    counter(session, scene, made, price=150_000)
    before = world(session)
    with pytest.raises(Refused) as no:
        agree(session, scene, made, expected=(120_000, 0))
    assert (no.value.clause, world(session)) == ("changed", before)


def test_another_slot_is_kept_for_the_enterprise_while_it_thinks(session):
    scene = make.scene(session)
    made = make.order(session, scene)
    free = slots(session, scene)
    counter(session, scene, made, start=free[5].start, end=free[5].end)
    states = session.execute(text("SELECT state FROM booking WHERE order_id = :id ORDER BY id"), {"id": made}).scalars().all()
    assert states == ["cancelled", "requested"]
    with pytest.raises(Refused) as no:
        make.order(session, scene, nth=5)
    assert no.value.clause == "slot_taken"
    make.order(session, scene, nth=0)
    agree(session, scene, made)
    page = queries.order_of(session, scene.buyer, made)
    assert (page.row.start, page.row.booking_state) == (free[5].start, "confirmed")


@pytest.mark.parametrize("event", ["decline", "withdraw"])
def test_an_offer_that_is_turned_down_or_taken_back_frees_money_and_slot(session, event):
    scene = make.scene(session)
    made = make.order(session, scene)
    counter(session, scene, made, price=150_000)
    do(session, scene, event, "enterprise" if event == "decline" else "carrier", order_id=made)
    assert (session.get_one(Order, made).state, voucher_of(session, scene).held) == ("cancelled", 0)
    assert session.query(Booking).filter_by(order_id=made).one().state == "cancelled"


@pytest.mark.parametrize("price", [0, -1, 2**62, 1.5, True])
def test_a_price_that_is_none_is_told_at_its_field(session, price):
    scene = make.scene(session)
    made = make.order(session, scene)
    before = world(session)
    with pytest.raises(Invalid) as no:
        counter(session, scene, made, price=price)
    assert (no.value.field, world(session)) == ("price", before)


@pytest.mark.parametrize(("terms", "field"), [({"report_days": 61}, "report_days"), ({"report_days": -1}, "report_days"), ({}, "price")])
def test_what_is_no_counter_offer_is_told_at_its_field(session, terms, field):
    scene = make.scene(session)
    made = make.order(session, scene)
    with pytest.raises(Invalid) as no:
        counter(session, scene, made, **terms)
    assert no.value.field == field


def test_half_a_slot_a_past_slot_and_a_closed_hour_are_refused(session):
    scene = make.scene(session)
    made = make.order(session, scene)
    free = slots(session, scene)[3]
    with pytest.raises(Invalid):
        counter(session, scene, made, start=free.start)
    for shift, clause in ((timedelta(days=-30), "past"), (timedelta(hours=12), "hours"), (timedelta(days=400), "ahead")):
        with pytest.raises(Refused) as no:
            counter(session, scene, made, start=free.start + shift, end=free.end + shift)
        assert no.value.clause == clause


@pytest.mark.parametrize("event", ["counter", "agree"])
def test_after_the_time_to_answer_nothing_is_agreed(session, event):
    scene = make.scene(session)
    made = make.order(session, scene, nth=8)
    if event == "agree":
        counter(session, scene, made, price=1)
    make.at(session, clock.now(session) + timedelta(hours=25))
    before = world(session)
    with pytest.raises(Refused) as no:
        counter(session, scene, made, price=2) if event == "counter" else agree(session, scene, made)
    assert (no.value.clause, world(session)) == ("answer_by", before)


def test_a_carrier_proposes_and_the_enterprise_pays_with_its_voucher(session):
    scene = make.scene(session)
    made = make.quotation(session, scene, nth=4)
    assert not queries.orders_of(session, scene.enterprise.id)
    with pytest.raises(NotFound):
        queries.order_of(session, scene.buyer, made)
    do(session, scene, "propose", "carrier", order_id=made)
    row = session.get_one(Order, made)
    found = offers.preview(session, scene.buyer, row, given=Given(voucher="best"))
    assert (found.voucher_part, found.own_part, voucher_of(session, scene).held) == (100_000, 0, 0)
    agree(session, scene, made, voucher="best", expected=(100_000, 0))
    session.refresh(row)
    assert (row.state, row.voucher_part, voucher_of(session, scene).held) == ("contracted", 100_000, 100_000)


def test_a_preview_changes_nothing(session):
    scene = make.scene(session)
    made = make.order(session, scene)
    counter(session, scene, made, price=2_000_000)
    before = world(session)
    found = offers.preview(session, scene.buyer, session.get_one(Order, made))
    assert (found.voucher_part, world(session)) == (1_500_000, before)


@pytest.mark.parametrize(("voucher", "own"), [("none", 100_000), (None, 100_000)])
def test_a_proposal_may_be_paid_without_a_voucher(session, voucher, own):
    scene = make.scene(session)
    made = make.quotation(session, scene, nth=4)
    do(session, scene, "propose", "carrier", order_id=made)
    agree(session, scene, made, voucher=voucher)
    row = session.get_one(Order, made)
    assert (row.state, row.own_part, row.voucher_id) == ("contracted", own, None)


def test_a_proposal_declared_as_statutory_is_not_paid_by_a_voucher(session):
    scene = make.scene(session)
    made = make.quotation(session, scene, nth=4)
    do(session, scene, "propose", "carrier", order_id=made)
    with pytest.raises(Refused) as no:
        agree(session, scene, made, voucher=scene.voucher.id, attributes=frozenset({"statutory_test"}))
    assert no.value.clause == "statutory_test"
    with pytest.raises(Invalid):
        agree(session, scene, made, attributes=frozenset({"misspelt"}))


@pytest.mark.parametrize(
    ("changes", "field"), [({"enterprise": "NOBODY"}, "enterprise"), ({"price": 0}, "price"), ({"report_days": 99}, "report_days")]
)
def test_a_quotation_that_cannot_be_meant_is_told_at_its_field(session, changes, field):
    scene = make.scene(session)
    before = world(session)
    with pytest.raises(Invalid) as no:
        make.quotation(session, scene, **changes)
    assert (no.value.field, world(session)) == (field, before)


def test_a_carrier_quotes_its_own_instruments_only(session):
    scene = make.scene(session)
    other = make.instrument(session)
    with pytest.raises(NotFound):
        make.quotation(session, scene, instrument_id=other.id)


@pytest.mark.parametrize(("amount", "used", "back"), [(None, 120_000, 0), (70_001, 70_001, 49_999), (1, 1, 119_999)])
def test_a_resolved_dispute_uses_what_was_decided_and_gives_the_rest_back(session, amount, used, back):
    scene = make.scene(session)
    made = reach(session, scene, "disputed")
    resolve(session, made, amount=amount)
    row = voucher_of(session, scene)
    assert (session.get_one(Order, made).state, row.used, row.held, row.available) == ("confirmed", used, 0, 1_880_000 + back)
    do(session, scene, "pay_own_part", "enterprise", order_id=made)
    assert session.get_one(Order, made).state == "settled"


def test_a_dispute_that_the_enterprise_wins_frees_everything(session):
    scene = make.scene(session)
    made = reach(session, scene, "disputed")
    resolve(session, made, outcome="cancelled")
    assert (session.get_one(Order, made).state, voucher_of(session, scene).available) == ("cancelled", 2_000_000)


@pytest.mark.parametrize("amount", [0, -1, 120_001, 2**62, 1.5])
def test_no_more_than_is_frozen_is_decided(session, amount):
    scene = make.scene(session)
    made = reach(session, scene, "disputed")
    before = world(session)
    with pytest.raises(Invalid) as no:
        resolve(session, made, amount=amount)
    assert (no.value.field, world(session)) == ("amount", before)


def test_a_dispute_is_decided_by_an_outsider_of_the_region_that_pays(session):
    scene = make.scene(session)
    made = reach(session, scene, "disputed")
    member = make.Actor("reviewer", 9, scene.carrier.id, make.YUHUAN)
    for actor, wrong in (
        (make.officer("reviewer", "330521"), NotFound),
        (member, Forbidden),
        (make.officer("finance"), NotFound),
        (scene.buyer, NotFound),
    ):
        with pytest.raises((wrong, Forbidden)):
            resolve(session, made, actor)
    assert [one.order_id for one in disputes.open_for(session, make.officer("reviewer"))] == [made]
    assert disputes.open_for(session, make.officer("reviewer", "330521")) == []


@pytest.mark.parametrize("reason", ["", " ", "长" * 501])
def test_a_dispute_says_why(session, reason):
    scene = make.scene(session)
    made = reach(session, scene, "delivered")
    with pytest.raises(Invalid):
        do(session, scene, "dispute", "enterprise", order_id=made, given=Given(reason))


def test_a_contract_keeps_its_sums_whoever_writes(session):
    scene = make.scene(session)
    made = reach(session, scene, "contracted")
    for change in (
        "price = price + 1, own_part = own_part + 1",
        "voucher_part = voucher_part - 1, own_part = own_part + 1",
        "contract_date = contract_date - 1",
    ):
        with session.begin_nested() as savepoint:
            with pytest.raises(DBAPIError) as no:
                session.execute(text(f"UPDATE orders SET {change} WHERE id = :id"), {"id": made})
            savepoint.rollback()
        assert no.value.orig.sqlstate == "IR003"


def test_the_same_counter_offer_twice_is_one(session):
    scene = make.scene(session)
    made = make.order(session, scene)
    given = Given("示例", counter=Counter(price=100_000))
    facts = {"order_id": made, "request_id": "twice"}
    assert offers.counter(session, scene.seller, given=given, **facts) == offers.counter(session, scene.seller, given=given, **facts)
    with pytest.raises(Refused):
        offers.counter(session, scene.seller, given=replace(given, counter=Counter(price=99_999)), **facts)
    assert len(offers_of(session, made)) == 2
    assert orders.EVENTS["counter"] is offers.counter
