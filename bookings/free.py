"""Which instruments in working order cannot be booked within the next days: without hours ahead, or with bookings that leave no gap.

The database names the few that might be: no first session on a weekday other than today's, or a booking on each of those days. What decides is
`bookings.slots.next_free`, the same arithmetic that writes the next slot of a row, so a filter and a row never differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import queries
from bookings.entities import LIVE
from bookings.slots import next_free
from core import clock

WEEK: Final = 7
"""Days, today among them: each weekday comes once."""


def busy(session: Session) -> tuple[int, ...]:
    """Return the ids of open, working instruments that have no free slot within a week from now, in order."""
    now, today = clock.now(session), clock.today(session).isoweekday()
    values = {"now": now, "end": now + timedelta(days=WEEK + 1), "today": 1 << (today - 1)}
    session.execute(text("SELECT set_config('work_mem', '64MB', true)"))  # one row for each booked instrument is kept while they are counted
    return tuple(sorted(_without_slot(session, {row.id: row.hours for row in session.execute(text(_DOUBTFUL), values)})))


def still_busy(session: Session, ids: Collection[int]) -> set[int]:
    """Return those of `ids` that are open, in working order and have no free slot within a week from now."""
    rows = session.execute(text(_HOURS), {"ids": list(ids)}) if ids else ()
    return _without_slot(session, {row.id: row.hours for row in rows})


def _without_slot(session: Session, hours: Mapping[int, Mapping[str, Any]]) -> set[int]:
    now = clock.now(session)
    taken = queries.taken(session, hours, start=now, end=now + timedelta(days=WEEK + 1)) if hours else {}
    return {one for one, open_hours in hours.items() if next_free(open_hours, taken[one], now=now, days=WEEK) is None}


_HOURS: Final = "SELECT id, hours FROM instrument WHERE id = ANY(:ids) AND is_open AND status = 'working'"

_DAY_OF: Final = "(1 << ((CAST(floor((date_part('epoch', {}) + 28800) / 86400) AS integer) + 3) % 7))"
"""The bit of a weekday, Monday first, of an instant in Shanghai, which is eight hours ahead all the year; 1970-01-01 was a Thursday."""

_DOUBTFUL: Final = f"""
SELECT i.id, i.hours FROM instrument i WHERE i.is_open AND i.status = 'working' AND i.open_days IN (0, :today)
UNION ALL
SELECT i.id, i.hours FROM (
    SELECT instrument_id, bit_or(CASE WHEN upper(span) - lower(span) > interval '1 day' THEN 127
        ELSE {_DAY_OF.format("lower(span)")} | {_DAY_OF.format("upper(span)")} END) AS days
    FROM booking WHERE state IN {LIVE!r} AND span && tstzrange(:now, :end) GROUP BY instrument_id) b
JOIN instrument i ON i.id = b.instrument_id
WHERE i.is_open AND i.status = 'working' AND i.open_days NOT IN (0, :today) AND i.open_days & ~CAST(:today AS integer) & ~b.days = 0
"""
