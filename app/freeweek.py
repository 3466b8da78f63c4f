"""Who has no free slot this week, kept for a few seconds in each web process: it is the same for everybody, and dear to find out at full scale.

What was booked since counts at once: those instruments are judged anew at each request. What was given back, or was just being written while
the answer was found, shows after `FRESH` seconds, or as much later as `COST` says. An answer older than that is still given while one thread
finds out anew, up to `STALE` seconds more. A transaction that has written asks the database itself.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bookings.free import busy, still_busy
from core import clock

FRESH: Final = 15.0
STALE: Final = 90.0
COST: Final = 20.0
"""An answer is kept so many times as long as it took to find out: at most a twentieth of the time goes into it."""

MOST: Final = 1_000
"""With more bookings than this since, all are judged anew."""


@dataclass(frozen=True)
class Kept:
    """The answer, the newest booking that it knows, and until when it is fresh (monotonic seconds)."""

    ids: frozenset[int]
    newest: int
    until: float


_kept: WeakKeyDictionary[Engine, Kept] = WeakKeyDictionary()
_finding = threading.Lock()


def busy_now(session: Session) -> tuple[int, ...]:
    """Return the ids of open, working instruments without a free slot within a week from now, in order."""
    engine = session.get_bind()
    known = _kept.get(engine) if isinstance(engine, Engine) else None
    row = session.execute(text(_SINCE), {"newest": known.newest if known else 0, "most": MOST + 1 if known else 0}).one()
    if row.wrote or not isinstance(engine, Engine):
        return busy(session)
    age = monotonic() - known.until if known else STALE
    if known is None or age >= STALE or len(row.since) > MOST:
        with _finding:
            other = _kept.get(engine)
            known = other if other and other is not known else _find(session, engine, row.newest)
    elif age >= 0:
        _find_behind(engine, clock.now(session))
    since = set(row.since)
    return tuple(sorted((known.ids - since) | still_busy(session, since)))


def _find(session: Session, engine: Engine, newest: int) -> Kept:
    began = monotonic()
    ids = frozenset(busy(session))
    found = Kept(ids, newest, began + max(FRESH, COST * (monotonic() - began)))
    _kept[engine] = found
    return found


def _find_behind(engine: Engine, now: datetime) -> None:
    """Find out anew, as of the request's instant, in a thread of its own, unless one is at it."""
    if _finding.acquire(blocking=False):
        threading.Thread(target=_found_behind, args=(engine, now), daemon=True).start()


def _found_behind(engine: Engine, now: datetime) -> None:
    try:
        with Session(engine, info={"now": now}) as session:
            _find(session, engine, session.execute(text(_SINCE), {"newest": 0, "most": 0}).one().newest)
    except SQLAlchemyError as wrong:
        structlog.get_logger().error("freeweek", error=type(wrong).__name__)
    finally:
        _finding.release()


_SINCE: Final = """
SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS wrote, coalesce((SELECT max(id) FROM booking), 0) AS newest,
       ARRAY(SELECT DISTINCT instrument_id FROM (SELECT instrument_id FROM booking WHERE id > :newest ORDER BY id LIMIT :most) b) AS since
"""
