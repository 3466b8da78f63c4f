"""Rows for reading: each page costs one query, whatever it shows; orders are seen by their parties and the officers who pay."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from bookings import orders, queries
from core import clock
from core.actor import SYSTEM
from core.errors import NotFound
from tests import factories as make


@contextmanager
def queries_of(session):
    """Collect the statements that are sent meanwhile."""
    sent = []
    engine = session.connection().engine

    def note(_connection, _cursor, statement, *_more):
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_the_next_slots_of_sixty_instruments_cost_one_query(session):
    scene = make.scene(session)
    many = [scene.instrument, *(make.instrument(session, scene.carrier) for _ in range(59))]
    make.order(session, scene)
    with queries_of(session) as sent:
        found = queries.next_slots(session, {one.id: one.hours for one in many})
    assert len(sent) == 1
    assert f"{found[scene.instrument.id].start:%m-%d %H:%M}" == "11-24 13:30"
    assert len(found) == 60


def test_the_next_slot_passes_over_bookings_and_the_instrument_without_hours_has_none(session):
    scene = make.scene(session, now="2026-11-24T18:00+08:00")
    closed = make.instrument(session, scene.carrier, hours={})
    for nth in range(3):
        make.order(session, scene, nth=nth)
    found = queries.next_slots(session, {one.id: one.hours for one in (scene.instrument, closed)})
    assert f"{found[scene.instrument.id].start:%m-%d %H:%M}" == "11-26 13:30"
    assert found[closed.id] is None


def test_who_has_no_slot_soon_is_looked_at_further_ahead_and_nobody_else(session):
    scene = make.scene(session, now="2026-11-24T18:00+08:00")
    mondays = make.instrument(session, scene.carrier, hours={"1": [["09:00", "12:00"]]})
    with queries_of(session) as sent:
        found = queries.next_slots(session, {one.id: one.hours for one in (scene.instrument, mondays)})
    assert f"{found[mondays.id].start:%m-%d %H:%M}" == "11-30 09:00"
    assert f"{found[scene.instrument.id].start:%m-%d %H:%M}" == "11-25 09:00"
    assert len(sent) == 2


def test_only_live_bookings_take_a_slot(session):
    scene = make.scene(session)
    kept, given_back = make.order(session, scene), make.order(session, scene, nth=1)
    orders.cancel(session, scene.buyer, order_id=given_back, request_id="c")
    now = clock.now(session)
    spans = queries.taken(session, [scene.instrument.id], start=now, end=now + timedelta(days=30))
    page = queries.order_of(session, scene.buyer, kept)
    assert spans == {scene.instrument.id: [(page.row.start, page.row.end)]}


def test_taken_slots_are_found_by_the_index(session, as_owner):
    scene = make.scene(session)
    with as_owner(session):
        session.execute(
            text(
                "INSERT INTO booking (instrument_id, span, state, row_version) SELECT :i, tstzrange(t, t + interval '1 hour'), 'requested', 0 "
                "FROM generate_series(timestamptz '2000-01-01', '2004-01-01', '4 hours') t"
            ),
            {"i": scene.instrument.id},
        )
        session.execute(text("ANALYZE booking"))
        values = {"instruments": [scene.instrument.id], "start": clock.now(session), "end": clock.now(session)}
        plan = "\n".join(session.scalars(text("EXPLAIN " + queries._TAKEN), values))
        session.execute(text("DELETE FROM booking"))
    assert "no_overlap" in plan


def test_a_party_sees_its_orders_and_nobody_elses(session):
    scene, other = make.scene(session), make.scene(session)
    made, second = make.order(session, scene), make.order(session, scene, nth=1)
    make.order(session, other)
    with queries_of(session) as sent:
        assert [row.id for row in queries.orders_of(session, scene.enterprise.id)] == [second, made]
    assert len(sent) == 1
    assert [row.id for row in queries.orders_of(session, scene.carrier.id)] == [second, made]
    orders.accept(session, scene.seller, order_id=made, request_id="a")
    assert [row.id for row in queries.orders_of(session, scene.carrier.id, states=("offered",))] == [second]


def test_the_page_of_an_order_costs_one_query_and_shows_everything(session):
    scene = make.scene(session)
    made = make.order(session, scene)
    with queries_of(session) as sent:
        page = queries.order_of(session, scene.buyer, made)
    assert len(sent) == 1
    assert (page.row.enterprise, page.row.carrier) == (scene.enterprise.name_zh, scene.carrier.name_zh)
    assert (page.voucher_code, page.policy, page.payee, page.funder) == (scene.voucher.code, "yuhuan-2023", "enterprise", "331083")
    assert (page.hold_state, page.claim_id, page.documents, page.notice_hours) == ("held", None, (), 24)
    assert [(step.event, step.role, step.organisation) for step in page.steps] == [("offer", "enterprise", scene.enterprise.name_zh)]
    assert page.steps[0].at == page.row.created_at == clock.now(session)


@pytest.mark.parametrize(
    ("role", "region", "sees"),
    [
        ("reviewer", "331083", True),
        ("finance", "331000", True),
        ("auditor", "330000", True),
        ("reviewer", "330500", False),
        ("planner", "331083", False),
    ],
)
def test_an_officer_sees_the_orders_that_the_region_pays(session, role, region, sees):
    made = make.order(session, make.scene(session))
    if sees:
        assert queries.order_of(session, make.officer(role, region), made).row.id == made
    else:
        with pytest.raises(NotFound):
            queries.order_of(session, make.officer(role, region), made)


def test_an_order_without_a_voucher_is_the_parties_own_affair(session):
    scene = make.scene(session)
    made = make.order(session, scene, voucher=None)
    assert queries.order_of(session, scene.seller, made).voucher_code is None
    assert queries.order_of(session, SYSTEM, made).row.id == made
    for actor in (make.officer("auditor", "330000"), make.carrier_actor(scene.enterprise), make.Actor("public")):
        with pytest.raises(NotFound):
            queries.order_of(session, actor, made)
    with pytest.raises(NotFound):
        queries.order_of(session, scene.buyer, 10**9)
