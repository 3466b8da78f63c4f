"""Slots from opening hours: arithmetic on intervals, no database. They only suggest; that two bookings never overlap, the database enforces.

Hours are local (Asia/Shanghai, no daylight saving): weekday "1" (Monday) .. "7" → sessions [["09:00", "12:00"], …]. A session is one slot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from core import workdays
from core.clock import SHANGHAI, business_date

Interval = tuple[datetime, datetime]
"""A half-open span [start, end) of aware instants."""

Hours = Mapping[str, Sequence[Sequence[str]]]
"""`Instrument.hours` as stored."""

State = Literal["free", "full", "past"]

HORIZON = 21
"""Days ahead within which the next free slot is looked for."""


@dataclass(frozen=True)
class Slot:
    """One opening session [start, end) of aware instants in Asia/Shanghai; full: somebody has booked into it, past: it has begun."""

    start: datetime
    end: datetime
    state: State

    @property
    def interval(self) -> Interval:
        """The span alone."""
        return self.start, self.end


def sessions(hours: Mapping[str, Any], day: date) -> list[Interval]:
    """Return the opening sessions of `day`, sorted; one that is empty or begins before the last one ended is left out."""
    found: list[Interval] = []
    for opens, closes in sorted(_instants(hours, day)):
        if opens < closes and (not found or found[-1][1] <= opens):
            found.append((opens, closes))
    return found


def slots(hours: Mapping[str, Any], start: date, *, days: int, taken: Sequence[Interval], now: datetime) -> list[Slot]:
    """Return one slot per opening session of `days` days from the business date `start`, in order; a closed day has none.

    `taken` are the live bookings of the instrument, in any order; `now` is an aware instant.
    """
    days_of = (start + timedelta(days=offset) for offset in range(days))
    return [Slot(*session, _state(session, taken, now)) for day in days_of for session in sessions(hours, day)]


def next_free(hours: Mapping[str, Any], taken: Sequence[Interval], *, now: datetime, days: int = HORIZON) -> Slot | None:
    """Return the first free slot within `days` days from today, or None."""
    return Coming(hours, now=now, days=days).first_free(taken)


class Coming:
    """The opening sessions of `days` days that have not begun, in order; worked out as far as somebody looks, once for all who keep these hours."""

    def __init__(self, hours: Mapping[str, Any], *, now: datetime, days: int = HORIZON) -> None:
        """Take hours as stored and an aware instant."""
        today = business_date(now)
        self._made: list[Interval] = []
        self._more = (one for offset in range(days) for one in sessions(hours, today + timedelta(days=offset)) if one[0] > now)

    def first_free(self, taken: Sequence[Interval]) -> Slot | None:
        """Return the first session that no live booking of `taken` reaches into, or None."""
        for opens, closes in self._all():
            if not any(begins < closes and opens < ends for begins, ends in taken):
                return Slot(opens, closes, "free")
        return None

    def _all(self) -> Iterator[Interval]:
        yield from self._made
        for one in self._more:
            self._made.append(one)
            yield one


def is_open(hours: Mapping[str, Any], start: datetime, end: datetime) -> bool:
    """Say whether [start, end) lies within one opening session."""
    return start < end and any(opens <= start and end <= closes for opens, closes in sessions(hours, business_date(start)))


def report_on(slot_end: datetime, report_days: int) -> date:
    """Return the business date on which the report is out: `report_days` working days after the slot, or on the slot's own day for 0.

    Working days are those of the country (`core.workdays`). A report never comes out on another day.
    """
    return workdays.add(business_date(slot_end), report_days)


def _instants(hours: Mapping[str, Any], day: date) -> Iterator[Interval]:
    midnight = datetime.combine(day, time(), SHANGHAI)
    for opens, closes in hours.get(str(day.isoweekday()), ()):
        yield midnight + _clock(opens), midnight + _clock(closes)


def _clock(text: str) -> timedelta:
    """Read "HH:MM", up to "24:00"."""
    hour, minute = text.split(":")
    return timedelta(hours=int(hour), minutes=int(minute))


def _state(session: Interval, taken: Sequence[Interval], now: datetime) -> State:
    opens, closes = session
    if opens <= now:
        return "past"
    return "full" if any(begins < closes and opens < ends for begins, ends in taken) else "free"
