"""Who is free this week: the filter says the same as the next slot of each row, whatever hours and bookings there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from bookings import queries
from bookings.free import WEEK, busy
from core import clock
from tests import factories as make
from tests.bookings.test_queries import queries_of
from tests.scatter import Scatter

INSTANTS = ("2026-11-24T10:12+08:00", "2026-11-24T23:59+08:00", "2026-11-29T20:59+08:00", "2026-11-30T00:00+08:00")


def by_slots(session):
    """Return the open, working instruments without a free slot within the week, by looking at each."""
    rows = session.execute(text("SELECT i.id, i.hours FROM open_instrument m JOIN instrument i ON i.id = m.id WHERE m.status = 'working'")).all()
    slots = queries.next_slots(session, {row.id: row.hours for row in rows}, days=WEEK)
    return tuple(sorted(one for one, slot in slots.items() if slot is None))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("instant", INSTANTS)
def test_an_instrument_is_busy_exactly_when_its_row_shows_no_slot_within_the_week(session, seed, instant):
    Scatter(session, seed, instruments=60, now=instant)
    found = busy(session)
    assert found == by_slots(session)
    assert found


@pytest.mark.parametrize(
    "hours",
    [
        {"1": [["9:00", "12:00"]]},
        {"2": [["12:00", "12:00"]]},
        {"3": [["13:00", "12:00"], ["14:00", "15:00"]]},
        {"4": []},
        {"5": [["22:00", "24:00"]]},
        {"2": [["09:00", "10:00"]]},
    ],
)
def test_hours_that_read_oddly_are_judged_by_the_slots_themselves(session, hours):
    make.at(session, "2026-11-24T10:12+08:00")
    one = make.instrument(session, hours=hours)
    assert busy(session) == by_slots(session)
    assert (one.id in busy(session)) == (queries.next_slots(session, {one.id: hours}, days=WEEK)[one.id] is None)


def test_a_booking_over_several_days_and_one_over_midnight_take_what_they_cover(session):
    world = Scatter(session, instruments=0)
    long, night = make.instrument(session), make.instrument(session, hours={"3": [["22:00", "24:00"]], "4": [["00:00", "02:00"]]})
    now = clock.now(session)
    world.book(long, now, now + timedelta(days=9))
    world.book(night, now.replace(hour=23) + timedelta(days=1), now.replace(hour=1) + timedelta(days=2))
    assert busy(session) == by_slots(session) == (long.id, night.id)


def test_a_booking_that_was_given_back_takes_nothing(session):
    world = Scatter(session, instruments=0)
    one, now = make.instrument(session), clock.now(session)
    world.book(one, now, now + timedelta(days=9), given_back=True)
    assert busy(session) == ()


def test_the_busy_are_found_by_as_many_queries_however_many_there_are(session):
    Scatter(session, instruments=80)
    with queries_of(session) as sent:
        busy(session)
    assert len(sent) == 3
