"""What time brings: offers that nobody answered end, vouchers past their last day close, the map takes in what changed. A loop beside the web.

`JOBS` is the list. Each item is done in a transaction of its own, by a verb that takes a request id, so a worker that dies or runs twice does
nothing twice. One worker acts at a time: an advisory lock says which.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bookings import orders
from bookings.queries import overdue
from core.errors import MapError
from geodata import grid
from vouchers import lifecycle
from vouchers.queries import expired

PAUSE = 5
"""Seconds between two rounds."""

LOCK = 20_170_601
"""Key of the advisory lock that one worker holds during a round."""


@dataclass(frozen=True)
class Job:
    """Which rows are due, and what is done with one of them; `silent` work changes nothing that a person sees and is not counted."""

    name: str
    due: Callable[[Session], Iterable[int]]
    do: Callable[[Session, int], int]
    silent: bool = False


def run(engine: Engine, *, rounds: int | None = None) -> None:
    """Do what is due, pause, and again; `rounds` bounds it for tests. A lost database is waited for."""
    done = 0
    while rounds is None or done < rounds:
        try:
            one_round(engine)
        except SQLAlchemyError as wrong:
            structlog.get_logger().error("worker", error=type(wrong).__name__)
        done += 1
        if rounds is None or done < rounds:
            time.sleep(PAUSE)


def one_round(engine: Engine) -> int:
    """Do everything that is due now and return how many rows were dealt with; 0 when another worker holds the lock."""
    with engine.connect() as guard:
        if not guard.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}).scalar():
            return 0
        try:
            return sum(_deal(engine, job) for job in JOBS)
        finally:
            guard.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
            guard.commit()


def _deal(engine: Engine, job: Job) -> int:
    with Session(engine) as session:
        due = list(job.due(session))
    done = sum(_one(engine, job, key) for key in due)
    return 0 if job.silent else done


def _one(engine: Engine, job: Job, key: int) -> bool:
    """Do one row in its own transaction; one that cannot be done is logged and does not stop the others."""
    try:
        with Session(engine) as session:
            job.do(session, key)
            session.commit()
    except (MapError, SQLAlchemyError) as wrong:
        structlog.get_logger().error("job", job=job.name, row=key, error=type(wrong).__name__)
        return False
    return True


JOBS: tuple[Job, ...] = (
    Job("end unanswered offers", overdue, lambda session, key: orders.timeout(session, order_id=key)),
    Job("close expired vouchers", expired, lambda session, key: lifecycle.expire(session, voucher_id=key)),
    Job("fold the map's changes into its cells", grid.pending, lambda session, _key: grid.fold(session), silent=True),
)
