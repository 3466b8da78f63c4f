"""Many people at one moment: one slot is sold once, one voucher is never overspent, one request is done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bookings import orders, queries
from bookings.checkout import book_and_hold
from core.errors import Refused
from tests import factories as make
from vouchers.queries import vouchers_of

pytestmark = pytest.mark.storm
CROWD = 16
TUESDAY = "2026-11-24T10:12+08:00"


def storm(db, calls):
    """Run each call in a session of its own, all at one moment; return what they answered or the refusal's clause."""
    start = Barrier(len(calls), timeout=60)

    def run(call):
        with db.session() as session:
            make.at(session, TUESDAY)
            session.execute(text("SELECT 1"))
            start.wait()
            try:
                answer = call(session)
            except Refused as no:
                session.rollback()
                return no.clause
            session.commit()
            return answer

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def laid(db, number):
    """Lay `number` scenes and commit them."""
    with db.session() as session:
        scenes = [make.scene(session) for _ in range(number)]
        session.commit()
        return scenes


def wish_of(db, scene, **more):
    with db.session() as session:
        make.at(session, TUESDAY)
        return make.wish(session, scene, **more)


def count(db, table):
    with db.session() as session:
        return session.scalar(text(f"SELECT count(*) FROM {table}"))


def test_sixteen_enterprises_on_one_slot_make_one_order_and_one_hold(committed_db):
    scenes = laid(committed_db, CROWD)
    wishes = [wish_of(committed_db, scenes[0], voucher=scene.voucher.id) for scene in scenes]
    calls = [lambda s, b=scene.buyer, w=wish: book_and_hold(s, b, w, request_id="one") for scene, wish in zip(scenes, wishes, strict=True)]
    answers = storm(committed_db, calls)
    assert answers.count("slot_taken") == CROWD - 1
    assert [count(committed_db, table) for table in ("orders", "booking", "hold")] == [1, 1, 1]


def test_sixteen_bookings_with_one_voucher_never_take_more_than_it_holds(committed_db):
    with committed_db.session() as session:
        scene = make.scene(session, face=1_000_000)
        rivals = [make.listing(session, make.instrument(session, scene.carrier)).instrument_id for _ in range(CROWD)]
        wishes = [make.wish(session, scene, instrument_id=one) for one in rivals]
        session.commit()
    answers = storm(committed_db, [lambda s, w=wish: book_and_hold(s, scene.buyer, w, request_id=make.key()) for wish in wishes])
    assert answers.count("balance") == CROWD - 9
    with committed_db.session() as session:
        row = vouchers_of(session, scene.enterprise.id)[0]
        parts = sorted(session.scalars(text("SELECT voucher_part FROM orders")))
    assert (row.available, row.held) == (0, 1_000_000)
    assert parts == [40_000, *[120_000] * 8]


def test_enterprises_under_one_controller_never_take_more_than_their_common_year_cap(committed_db):
    caps = {"group_per_year": 500_000}
    with committed_db.session() as session:
        make.at(session, TUESDAY)
        make.policy_version(session, caps=caps)
        scenes = [make.scene(session) for _ in range(8)]
        for scene in scenes:
            scene.enterprise.controller = "示例控制人"
        wishes = [make.wish(session, scene) for scene in scenes]
        session.commit()
    calls = [lambda s, b=scene.buyer, w=wish: book_and_hold(s, b, w, request_id="g") for scene, wish in zip(scenes, wishes, strict=True)]
    assert storm(committed_db, calls).count("group_per_year") == 3
    with committed_db.session() as session:
        assert sorted(session.scalars(text("SELECT voucher_part FROM orders"))) == [20_000, *[120_000] * 4]


@pytest.mark.parametrize("table", ["instrument", "listing"])
def test_until_a_booking_is_through_nobody_changes_what_was_offered_nor_books_the_same_instrument(committed_db, table):
    (scene,) = laid(committed_db, 1)
    wish = wish_of(committed_db, scene)
    with committed_db.session() as session, committed_db.owner.connect() as other:
        make.at(session, TUESDAY)
        book_and_hold(session, scene.buyer, wish, request_id="one")
        with pytest.raises(OperationalError, match="could not obtain lock"):
            other.execute(text(f"SELECT 1 FROM {table} FOR NO KEY UPDATE NOWAIT"))


def test_one_request_sixteen_times_makes_one_order(committed_db):
    (scene,) = laid(committed_db, 1)
    wish = wish_of(committed_db, scene)
    answers = storm(committed_db, [lambda s: book_and_hold(s, scene.buyer, wish, request_id="one")] * CROWD)
    assert len(set(answers)) == 1
    assert [count(committed_db, table) for table in ("orders", "booking", "hold")] == [1, 1, 1]


def test_cancelling_and_booking_the_same_slot_at_one_moment_never_deadlock(committed_db):
    (scene,) = laid(committed_db, 1)
    wish = wish_of(committed_db, scene)
    for _ in range(6):
        with committed_db.session() as session:
            make.at(session, TUESDAY)
            made = book_and_hold(session, scene.buyer, wish, request_id=make.key())
            session.commit()
        calls = [lambda s, o=made: orders.cancel(s, scene.buyer, order_id=o, request_id=make.key())]
        calls += [lambda s: book_and_hold(s, scene.buyer, wish, request_id=make.key())] * 7
        cancelled, *booked = storm(committed_db, calls)
        assert cancelled == made
        assert booked.count("slot_taken") >= len(booked) - 1
        with committed_db.session() as session:
            make.at(session, TUESDAY)
            for row in queries.orders_of(session, scene.enterprise.id, states=("offered",)):
                orders.cancel(session, scene.buyer, order_id=row.id, request_id=make.key())
            session.commit()
    with committed_db.session() as session:
        assert vouchers_of(session, scene.enterprise.id)[0].available == 2_000_000


def test_accepting_and_cancelling_at_one_moment_leave_one_of_both(committed_db):
    (scene,) = laid(committed_db, 1)
    for nth in range(6):
        with committed_db.session() as session:
            make.at(session, TUESDAY)
            made = make.order(session, scene, nth=nth)
            session.commit()
        calls = [lambda s, o=made: orders.accept(s, scene.seller, order_id=o, request_id=make.key())]
        calls += [lambda s, o=made: orders.cancel(s, scene.seller, order_id=o, request_id=make.key())]
        storm(committed_db, calls)
        with committed_db.session() as session:
            page = queries.order_of(session, scene.buyer, made)
        assert (page.row.state, page.row.booking_state, page.hold_state) == ("cancelled", "cancelled", "released")
