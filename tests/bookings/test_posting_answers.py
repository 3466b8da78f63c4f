"""Answers to a need: what a carrier may offer, who sees it, and that a pick takes all or nothing, also when two come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bookings import answer_queries, answering, need_queries
from bookings.entities import Order
from core.actor import SYSTEM
from core.errors import Forbidden, Invalid, MapError, NotFound, Refused, RequestReused
from tests import factories as make
from tests.bookings.needs import answer, deal, do, mine, offer, pick, row_of
from tests.bookings.test_orders import voucher_of
from tests.bookings.test_posting import world
from tests.conftest import check_books


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"price": 0}, "price"),
        ({"price": -5}, "price"),
        ({"price": 2**62}, "price"),
        ({"price": 1.5}, "price"),
        ({"report_days": -1}, "report_days"),
        ({"report_days": 61}, "report_days"),
        ({"note": "长" * 501}, "note"),
        ({"start": datetime(2026, 11, 26, 9, 0)}, "start"),  # noqa: DTZ001 (a time without an offset is what is refused)
        ({"start": datetime.fromisoformat("2026-11-20T09:00+08:00"), "end": datetime.fromisoformat("2026-11-20T12:00+08:00")}, "past"),
        ({"start": datetime.fromisoformat("2026-11-28T02:00+08:00"), "end": datetime.fromisoformat("2026-11-28T03:00+08:00")}, "hours"),
        ({"end": datetime.fromisoformat("2026-11-20T12:00+08:00")}, "hours"),
        ({"service": "no_such_service"}, "listing"),
    ],
)
def test_what_is_no_offer_is_told_and_changes_nothing(session, changes, told):
    of = deal(session)
    before = world(session)
    with pytest.raises((Invalid, Refused)) as no:
        answer(session, of, **changes)
    assert (getattr(no.value, "field", None) or no.value.clause, world(session)) == (told, before)


def test_a_carrier_offers_only_what_is_its_own_and_listed(session):
    of = deal(session)
    bare = make.instrument(session, of.scene.carrier)
    for instrument, kind in ((of.second, NotFound), (bare, Refused)):
        given = offer(session, instrument)
        with pytest.raises(kind):
            answering.answer(session, of.scene.seller, need_id=of.need, given=given, request_id=make.key())
    make.order(session, of.scene, nth=3)
    with pytest.raises(Refused) as no:
        answer(session, of, nth=3)
    assert no.value.clause == "slot_taken"


def test_nobody_answers_after_the_time_or_for_another(session):
    of = deal(session, answer_hours=1)
    with pytest.raises(Forbidden):
        answer(session, of, of.scene.buyer)
    make.at(session, row_of(session, of).answer_by + timedelta(seconds=1))
    for event in ("answer", "decline"):
        with pytest.raises(Refused) as no:
            do(session, of, event, of.scene.seller)
        assert no.value.clause == "answer_by"


def test_carriers_see_their_own_answer_only_and_refusals_as_a_number(session):
    of = deal(session)
    answer(session, of, price=90_000)
    do(session, of, "decline", of.other)
    for who, seen in ((of.scene.buyer, [90_000]), (of.scene.seller, [90_000]), (of.other, []), (make.officer("reviewer"), [])):
        need = need_queries.need_of(session, who, of.need)
        assert [row.price for row in answer_queries.answers_to(session, who, need)] == seen
        assert (need.answers, need.declined) == (1, 1)


def test_an_answer_is_changed_taken_back_and_given_again(session):
    of = deal(session)
    first = answer(session, of, price=90_000)
    assert answer(session, of, price=80_000) == first
    assert answering.retract(session, of.scene.seller, need_id=of.need, request_id=make.key()) == first
    assert (row_of(session, of).state, mine(session, of, of.scene.seller).state) == ("open", "withdrawn")
    with pytest.raises(Refused):
        pick(session, of, first)
    assert answer(session, of, price=70_000) == first
    do(session, of, "decline", of.scene.seller)
    declined = mine(session, of, of.scene.seller)
    assert (declined.state, declined.price, declined.reason, row_of(session, of).state) == ("declined", None, "too_far", "open")
    answer(session, of, of.other)
    assert row_of(session, of).state == "answered"


def test_a_double_click_is_one_answer_and_one_order(session):
    of = deal(session)
    made = {answer(session, of, request_id="answer-12345") for _ in range(2)}
    assert len(made) == 1
    with pytest.raises(RequestReused):
        answer(session, of, request_id="answer-12345", price=1)
    assert len({pick(session, of, *made, request_id="pick-12345", seen=0) for _ in range(2)}) == 1
    assert session.query(Order).count() == 1
    with pytest.raises(Refused) as no:
        pick(session, of, *made)
    assert no.value.clause == "state"


def test_what_the_firm_did_not_see_is_not_picked(session):
    of = deal(session)
    made = answer(session, of, price=90_000)
    answer(session, of, price=95_000)
    before = world(session)
    for changes in ({"seen": 0}, {"expected": (90_000, 0)}):
        with pytest.raises(Refused) as no:
            pick(session, of, made, **changes)
        assert (no.value.clause, world(session)) == ("changed", before)
    other = deal(session, scene=of.scene)
    answer(session, other, nth=5)
    with pytest.raises(NotFound):
        pick(session, other, made)
    with pytest.raises(NotFound):
        pick(session, of, made, voucher=make.voucher(session).id)


def test_a_slot_that_is_gone_leaves_the_need_with_its_other_answers(session):
    of = deal(session)
    first, second = answer(session, of), answer(session, of, of.other)
    make.order(session, of.scene, voucher=None)
    before = world(session)
    with pytest.raises(Refused) as no:
        pick(session, of, first)
    assert (no.value.clause, world(session)) == ("slot_taken", before)
    need = need_queries.need_of(session, of.scene.buyer, of.need)
    rows = {row.id: row.trouble for row in answer_queries.answers_to(session, of.scene.buyer, need)}
    assert rows == {first: "taken", second: ""}
    assert pick(session, of, second)


def test_two_tabs_and_two_firms_at_once_make_one_order_of_a_slot(committed_db):
    with committed_db.session() as session:
        of = deal(session, scene=make.scene(session, now=None))
        rival = make.enterprise(session)
        other = deal(session, scene=replace(of.scene, enterprise=rival, buyer=make.enterprise_actor(rival), voucher=make.voucher(session, rival)))
        given = offer(session, of.scene.instrument, nth=2)
        asks = [(one, answering.answer(session, one.scene.seller, need_id=one.need, given=given, request_id=make.key())) for one in (of, other)]
        session.commit()

    def act(case):
        (one, made), number = case
        with committed_db.session() as session:
            try:
                pick(session, one, made, request_id=f"tab-{number}-12345")
                session.commit()
            except Refused as no:
                return no.clause
        return "picked"

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(act, [(ask, number) for number, ask in enumerate([*asks, *asks])]))
    assert told.count("picked") == 1, told
    assert set(told) <= {"picked", "slot_taken", "state"}, told


def test_whatever_people_do_the_books_of_needs_stay_whole(session, connection):  # noqa: C901 (one story)
    """Let hypothesis choose what firm, carriers, officer and clock do: only named refusals, and the invariants hold after every step."""
    base = deal(session)
    for _ in range(3):
        deal(session, scene=base.scene)

    class Needs(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.trial = session.begin_nested()
            self.of = deal(session, scene=base.scene)

        @rule(event=st.sampled_from(["answer", "decline", "retract", "edit", "withdraw", "invite", "note", "close", "pick"]), who=st.integers(0, 3))
        def act(self, event, who):
            actor = (self.of.scene.seller, self.of.scene.buyer, self.of.officer, self.of.scene.seller)[who]
            if event == "pick" and mine(session, self.of, self.of.scene.seller) is None:
                return
            try:
                do(session, self.of, event, actor)
            except MapError:
                session.expire_all()

        @rule(price=st.integers(1, 10**6))
        def rival(self, price):
            try:
                answer(session, self.of, self.of.other, price=price)
            except MapError:
                session.expire_all()

        @rule()
        def expire(self):
            try:
                do(session, self.of, "expire", SYSTEM)
            except MapError:
                session.expire_all()

        @invariant()
        def whole(self):
            assert session.execute(text("SELECT * FROM invariant_need")).all() == []
            held = session.execute(text("SELECT coalesce(sum(voucher_part), 0) FROM orders WHERE state = 'contracted'")).scalar_one()
            assert voucher_of(session, base.scene).held == held

        def teardown(self):
            self.trial.rollback()
            session.expire_all()

    run_state_machine_as_test(
        Needs, settings=settings(max_examples=8, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    )
    check_books(connection)


@pytest.mark.parametrize("code", ["yuhuan-2023", "huzhou-2017"])
def test_a_pick_freezes_what_the_policy_pays_of_the_answers_price_whichever_way_it_pays(session, code):
    scene = make.scene(session, code=code)
    of = deal(session, scene=scene)
    scene.listing.price = 1  # the price on the list is not what was answered
    session.flush()
    made = answer(session, of, price=200_000)
    order = session.get_one(Order, pick(session, of, made))
    assert order.price == 200_000 == order.voucher_part + order.share_part + order.own_part
    assert (order.voucher_part > 0, voucher_of(session, scene).held) == (True, order.voucher_part)
    assert order.contract_date.isoformat() == "2026-11-24", "the day of picking, whose policy version rules"


def test_a_voucher_past_its_last_day_pays_nothing_and_the_answer_still_stands(session, as_owner):
    of = deal(session)
    made = answer(session, of)
    with as_owner(session):
        session.execute(text("UPDATE voucher SET expires_use = '2026-11-23' WHERE id = :id"), {"id": of.scene.voucher.id})
    session.expire_all()
    before = world(session)
    with pytest.raises(Refused) as no:
        pick(session, of, made)
    assert (no.value.clause, world(session)) == ("expires_use", before)
    order = session.get_one(Order, pick(session, of, made, voucher="none"))
    assert (order.voucher_part, order.own_part) == (0, order.price)


def test_a_closed_listing_and_a_broken_instrument_cannot_be_picked(session):
    of = deal(session)
    made = answer(session, of)
    before = world(session)
    for row, name, shut, open_, clause in (
        (of.scene.listing, "state", "closed", "open", "listing"),
        (of.scene.instrument, "status", "maintenance", "working", "instrument"),
    ):
        setattr(row, name, shut)
        session.flush()
        with pytest.raises(Refused) as no:
            pick(session, of, made)
        assert (no.value.clause, world(session)) == (clause, before)
        setattr(row, name, open_)
        session.flush()
    assert pick(session, of, made)


def test_whatever_happens_at_once_a_need_ends_in_one_way(committed_db):
    with committed_db.session() as session:
        of = deal(session, scene=make.scene(session, now=None))
        made = answer(session, of, nth=2)
        answer(session, of, of.other, nth=2)
        session.commit()

    def act(event):
        with committed_db.session() as session:
            try:
                done = pick(session, of, made, seen=0) if event == "pick" else do(session, of, event, actors[event])
                session.commit()
            except MapError:
                return None
            except DBAPIError as crossed:
                return ("crossed", crossed)
        return (event, done)

    actors = {"edit": of.scene.buyer, "withdraw": of.scene.buyer, "retract": of.scene.seller, "close": of.officer, "invite": of.officer}
    with ThreadPoolExecutor(6) as pool:
        told = [one for one in pool.map(act, ["pick", *actors]) if one]
    assert told
    assert "crossed" not in dict(told), told
    with committed_db.session() as session:
        assert session.execute(text("SELECT * FROM invariant_need")).all() == []
        assert session.query(Order).count() == sum(event == "pick" for event, _ in told)
        assert row_of(session, of).state in {"picked", "open", "answered", "withdrawn", "closed"}
