"""Slots are arithmetic on opening hours: they never overlap, lie within the hours, and a free one is really free."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.slots import Coming, Slot, is_open, next_free, report_on, sessions, slots
from core.clock import SHANGHAI, business_date
from tests.factories import HOURS

TUESDAY = date(2026, 11, 24)
EARLY = datetime(2026, 11, 24, 1, 0, tzinfo=SHANGHAI)
BEFORE = datetime(2026, 11, 1, tzinfo=UTC)

_minutes = st.integers(0, 24 * 60).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")
_hours = st.dictionaries(st.sampled_from("1234567"), st.lists(st.tuples(_minutes, _minutes), max_size=4))
_instants = st.integers(-3 * 24 * 60, 12 * 24 * 60).map(lambda m: EARLY + timedelta(minutes=m))
_spans = st.lists(
    st.tuples(_instants, st.integers(1, 600)).map(lambda pair: (pair[0].astimezone(UTC), pair[0] + timedelta(minutes=pair[1]))), max_size=8
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00")


@given(_hours, _spans, _instants)
def test_slots_never_overlap_and_come_in_order(hours, taken, now):
    found = slots(hours, TUESDAY, days=9, taken=taken, now=now)
    assert all(one.start < one.end <= other.start for one, other in pairwise(found))


@given(_hours, _spans, _instants)
def test_every_slot_lies_in_the_opening_hours(hours, taken, now):
    for slot in slots(hours, TUESDAY, days=9, taken=taken, now=now):
        day = slot.start.date()
        written = {tuple(pair) for pair in hours[str(day.isoweekday())]}
        closes = "24:00" if slot.end.date() > day else f"{slot.end:%H:%M}"
        assert (f"{slot.start:%H:%M}", closes) in written
        assert is_open(hours, slot.start, slot.end)


@given(_hours, _spans, _instants)
def test_a_free_slot_meets_no_booking_and_lies_ahead(hours, taken, now):
    for slot in slots(hours, TUESDAY, days=9, taken=taken, now=now):
        meets = any(begins < slot.end and slot.start < ends for begins, ends in taken)
        expected = "past" if slot.start <= now else "full" if meets else "free"
        assert slot.state == expected


@given(_hours, _spans, _instants)
def test_the_next_free_slot_is_the_first_free_one(hours, taken, now):
    every = slots(hours, business_date(now), days=21, taken=taken, now=now)
    assert next_free(hours, taken, now=now) == next((slot for slot in every if slot.state == "free"), None)


@given(_hours, st.lists(_spans, min_size=1, max_size=4), _instants)
def test_many_that_keep_the_same_hours_find_what_each_finds_alone(hours, booked, now):
    coming = Coming(hours, now=now)
    assert [coming.first_free(taken) for taken in booked] == [next_free(hours, taken, now=now) for taken in booked]


def test_a_weekday_shows_its_morning_and_its_afternoon_in_local_time():
    found = slots(HOURS, TUESDAY, days=1, taken=(), now=BEFORE)
    assert found == [
        Slot(local("2026-11-24T09:00"), local("2026-11-24T12:00"), "free"),
        Slot(local("2026-11-24T13:30"), local("2026-11-24T17:00"), "free"),
    ]
    assert found[0].start == datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def test_a_closed_day_shows_no_slots():
    assert slots(HOURS, date(2026, 11, 28), days=2, taken=(), now=BEFORE) == []


def test_an_instrument_without_hours_has_no_next_slot():
    assert next_free({}, (), now=BEFORE) is None


def test_a_booking_of_ten_minutes_fills_its_session_only():
    taken = [(local("2026-11-24T11:50"), local("2026-11-24T12:00"))]
    assert [slot.state for slot in slots(HOURS, TUESDAY, days=1, taken=taken, now=BEFORE)] == ["full", "free"]


def test_a_booking_that_ends_when_the_session_begins_does_not_fill_it():
    taken = [(local("2026-11-24T12:00"), local("2026-11-24T13:30"))]
    assert [slot.state for slot in slots(HOURS, TUESDAY, days=1, taken=taken, now=BEFORE)] == ["free", "free"]


def test_a_session_that_has_begun_is_past():
    found = slots(HOURS, TUESDAY, days=1, taken=(), now=local("2026-11-24T09:00"))
    assert [slot.state for slot in found] == ["past", "free"]


def test_sessions_written_twice_or_backwards_are_left_out():
    hours = {"2": [["13:00", "15:00"], ["09:00", "12:00"], ["11:00", "14:00"], ["18:00", "17:00"]]}
    assert [(f"{a:%H:%M}", f"{b:%H:%M}") for a, b in sessions(hours, TUESDAY)] == [("09:00", "12:00"), ("13:00", "15:00")]


def test_a_session_may_end_at_midnight():
    assert sessions({"2": [["20:00", "24:00"]]}, TUESDAY) == [(local("2026-11-24T20:00"), local("2026-11-25T00:00"))]


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-11-24T09:00", "2026-11-24T12:00", True),
        ("2026-11-24T10:00", "2026-11-24T11:00", True),
        ("2026-11-24T11:00", "2026-11-24T14:00", False),
        ("2026-11-24T08:59", "2026-11-24T10:00", False),
        ("2026-11-24T10:00", "2026-11-24T10:00", False),
        ("2026-11-24T11:00", "2026-11-24T10:00", False),
        ("2026-11-24T09:00", "2026-11-25T12:00", False),
        ("2026-11-29T09:00", "2026-11-29T12:00", False),
    ],
)
def test_only_a_span_within_one_session_is_open(start, end, said):
    assert is_open(HOURS, local(start), local(end)) is said


@pytest.mark.parametrize(
    ("slot_end", "days", "out"),
    [
        ("2026-11-24T12:00", 0, date(2026, 11, 24)),
        ("2026-11-26T12:00", 2, date(2026, 11, 30)),
        ("2026-11-27T17:00", 1, date(2026, 11, 30)),
        ("2026-11-28T12:00", 0, date(2026, 11, 30)),
        ("2026-11-28T12:00", 1, date(2026, 11, 30)),
        ("2026-11-24T12:00", 10, date(2026, 12, 8)),
    ],
)
def test_a_report_comes_out_after_working_days(slot_end, days, out):
    assert report_on(local(slot_end), days) == out


def test_a_public_holiday_is_no_working_day():
    assert report_on(local("2026-09-30T12:00"), 1) == date(2026, 10, 8)


def test_the_day_of_a_slot_is_the_local_one():
    assert report_on(datetime(2026, 11, 24, 16, 30, tzinfo=UTC), 0) == date(2026, 11, 25)
