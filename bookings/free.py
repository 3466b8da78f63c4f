"""Which instruments in working order cannot be booked within the next days: without hours ahead, or with bookings that leave no gap.

The database names the few that might be: no first session on a weekday other than today's, or a booking on each of those days. What decides is
`bookings.slots.next_free`, the same arithmetic that writes the next slot of a row, so a filter and a row never differ.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

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
    end = now + timedelta(days=WEEK + 1)
    values = {"now": now, "end": end, "today": 1 << (today - 1)}
    doubtful = {row.id: row.hours for row in session.execute(text(_DOUBTFUL), values)}
    taken = queries.taken(session, doubtful, start=now, end=end) if doubtful else {}
    return tuple(sorted(one for one, hours in doubtful.items() if next_free(hours, taken[one], now=now, days=WEEK) is None))


_DOUBTFUL: Final = f"""
SELECT i.id, i.hours FROM instrument i WHERE i.is_open AND i.status = 'working' AND i.open_days IN (0, :today)
UNION ALL
SELECT i.id, i.hours FROM (
    SELECT instrument_id, bit_or(CASE WHEN upper(span) - lower(span) > interval '1 day' THEN 127
        ELSE (1 << (CAST(extract(isodow FROM lower(span) AT TIME ZONE 'Asia/Shanghai') AS integer) - 1))
           | (1 << (CAST(extract(isodow FROM upper(span) AT TIME ZONE 'Asia/Shanghai') AS integer) - 1)) END) AS days
    FROM booking WHERE state IN {LIVE!r} AND span && tstzrange(:now, :end) GROUP BY instrument_id) b
JOIN instrument i ON i.id = b.instrument_id
WHERE i.is_open AND i.status = 'working' AND i.open_days NOT IN (0, :today) AND i.open_days & ~CAST(:today AS integer) & ~b.days = 0
"""
