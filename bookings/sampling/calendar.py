"""The calendar of the three weeks ahead: sessions that carriers have given away themselves, without an order of this platform.

They come from the carriers' own books, so no request of ours stands behind them; each has its audit record.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.entities import LIVE, Booking
from bookings.sampling.cast import Cast
from bookings.sampling.times import HOUR, Ints, days_since_1970, instants, midnight
from bookings.slots import HORIZON
from core.audit import Audit
from geodata.bulk import copy_columns, take_block
from geodata.regions import shared_digits

SHARE: Final = 0.12
"""Part of the sessions ahead that are taken."""


def fill(session: Session, cast: Cast, day: date, rng: np.random.Generator) -> int:
    """Take about `SHARE` of the free sessions of each instrument on the `HORIZON` days after `day`; return how many were taken."""
    first = np.unique(cast.offers.instrument, return_index=True)[1]
    today = days_since_1970(day)
    found: list[Ints] = []
    for pattern in range(len(cast.hours.number)):
        rows = first[cast.offers.pattern[first] == pattern]
        for offset in range(1, HORIZON + 1):
            for nth in range(int(cast.hours.number[pattern, (today + offset + 3) % 7])):
                chosen = rows[rng.random(len(rows)) < SHARE]
                span = cast.hours.span(np.array([pattern]), np.array([today + offset]), np.array([nth]))
                found.append(np.stack([chosen, *(np.broadcast_to(one, len(chosen)) for one in span)]))
    if not found:
        return 0
    offer, start, stop = np.concatenate(found, axis=1)
    free = ~np.isin((cast.offers.instrument[offer] << 32) + start, _taken(session, cast.province, day))
    return _write(session, cast, np.stack([offer[free], start[free], stop[free]]), today, rng)


def _taken(session: Session, province: str, day: date) -> Ints:
    """Return the sessions that orders have, as the key of instrument and start."""
    values = {"inside": shared_digits(province) + "%", "day": day}
    rows = session.execute(text(_TAKEN), values).all()
    return np.array([(row.instrument_id << 32) + row.start for row in rows], dtype=np.int64)


def _write(session: Session, cast: Cast, taken: Ints, today: int, rng: np.random.Generator) -> int:
    offer, start, stop = taken
    count = len(offer)
    at = instants(midnight(np.full(count, today)) - rng.integers(7, 240, count) * HOUR)
    ids, users = take_block(session, Booking, count) + np.arange(count), cast.offers.user[offer]
    spans = zip(instants(start).astype(str).tolist(), instants(stop).astype(str).tolist(), strict=True)
    columns: dict[str, Any] = {"id": ids, "instrument_id": cast.offers.instrument[offer], "order_id": None, "state": "confirmed", "row_version": 0}
    columns |= {"span": [f"[{opens},{closes})" for opens, closes in spans], "created_at": at, "created_by": users}
    copy_columns(session, Booking, columns, count)
    record: dict[str, Any] = {"id": take_block(session, Audit, count) + np.arange(count), "at": at, "user_id": users, "role": "carrier"}
    record |= {"organisation_id": cast.offers.carrier[offer], "subject": Booking.__tablename__, "subject_id": ids, "event": "block", "before": ""}
    copy_columns(session, Audit, record | {"after": "confirmed", "reason": "", "detail": "{}"}, count)
    return count


_TAKEN: Final = f"""
SELECT b.instrument_id, extract(epoch FROM lower(b.span))::bigint AS start FROM booking b
JOIN orders o ON o.id = b.order_id JOIN instrument i ON i.id = b.instrument_id JOIN organisation c ON c.id = i.organisation_id
WHERE b.state IN {LIVE!r} AND upper(b.span) > CAST(:day AS date) AND coalesce(i.adcode, c.adcode) LIKE :inside
"""
