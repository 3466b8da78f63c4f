"""Rows that are due become jobs, one each, in PostgreSQL by procrastinate: none twice in the queue, each in a transaction of its own.

`look` and `defer` write jobs inside the caller's transaction by the package's SQL function; workers take them by its own connector. A failure
is kept with the type of its error, never with its text, which may repeat what stands in a row; after the last try it waits for a person.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import structlog
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.jobs import Job as Queued
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from psycopg.conninfo import make_conninfo
from sqlalchemy import BigInteger, Engine, delete, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.jobs import Job, job_named
from core.db import APP_ROLE, Base, Instant
from core.errors import N_, MapError, Refused

AT_ONCE: Final = 2
"""Jobs that one worker does at a time."""

MOST: Final = 500
"""Rows of one job that become jobs at one look."""

FIRST_PAUSE: Final = 10
"""Seconds before the second try; each further pause is four times as long."""

HEARTBEAT: Final = 2.0
STALLED: Final = 8.0
"""Seconds without a sign of life after which a worker counts as dead and its jobs go to others."""

TASK: Final = "do"


class JobFailure(Base):
    """The last failure of a job that is still in the queue: which job and row, the type of the error, how many times it was tried."""

    __tablename__ = "job_failure"
    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str]
    key: Mapped[str]
    error: Mapped[str]
    clause: Mapped[str]
    region: Mapped[str | None]
    times: Mapped[int]
    at: Mapped[Instant]


class Failed(Exception):
    """A job failed; everything that may be said of it is kept in its `JobFailure`."""


class Pauses(BaseRetryStrategy):
    """Try again after pauses that grow fourfold, as often as the job says."""

    def get_retry_decision(self, *, exception: BaseException, job: Queued) -> RetryDecision | None:
        """Return when to try again, or None after the last try."""
        found = job_named(str(job.task_kwargs["name"]))
        if found is None or job.attempts + 1 >= found.tries or not isinstance(exception, Failed):
            return None
        return RetryDecision(retry_in={"seconds": FIRST_PAUSE * 4**job.attempts})


def defer(session: Session, job: Job, keys: Sequence[int]) -> int:
    """Put rows into the queue in the transaction of `session`; those that wait, run or failed there stay as they are. Return how many came."""
    locks = {f"{job.name}/{key}": key for key in keys}
    known = set(session.scalars(_KNOWN, {"locks": list(locks)}))
    fresh = [{"lock": lock, "key": key} for lock, key in locks.items() if lock not in known]
    for row in fresh:
        session.execute(_DEFER, {"task": TASK, "name": job.name, **row})
    return len(fresh)


def look(engine: Engine, job: Job) -> int:
    """Put what is due of one job into the queue and return how many rows came; one worker at a time looks for the same.

    What waited for a person and is not due any more was settled in another way: it leaves the queue.
    """
    with Session(engine) as session:
        if not session.scalar(_LOOKING, {"name": job.name}):
            return 0
        due = list(job.due(session))
        session.execute(_SETTLED, {"name": job.name, "due": [str(key) for key in due]})
        came = defer(session, job, due[:MOST])
        session.commit()
    return came


def queue_on(engine: Engine) -> App:
    """Return procrastinate's application on the database of `engine`, its connections in our role and its schema."""
    url = engine.url
    params = {
        "dbname" if name == "database" else "user" if name == "username" else name: value for name, value in url.translate_connect_args().items()
    }
    options = f"-c role={APP_ROLE} -c search_path=jobs,public -c timezone=UTC"
    address = make_conninfo(**params, **{name: str(value) for name, value in url.query.items()}, options=options, application_name="worker")
    queue = App(connector=PsycopgConnector(conninfo=address, min_size=1, max_size=2))
    queue.task(name=TASK, pass_context=True, retry=Pauses())(_do)
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # it would log causes with the values of rows
    return queue


async def work(engine: Engine, *, wait: bool = True) -> int:
    """Do jobs as they come, or with `wait=False` those that can be done now; return how many rows were dealt with."""
    queue, done = queue_on(engine), [0]
    async with queue.open_async():
        guard = asyncio.create_task(_rescue(queue)) if wait else None
        try:
            await queue.run_worker_async(
                concurrency=AT_ONCE,
                wait=wait,
                delete_jobs="successful",
                listen_notify=wait,
                fetch_job_polling_interval=2.0,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=STALLED,
                shutdown_graceful_timeout=10.0,
                install_signal_handlers=wait,
                additional_context={"engine": engine, "done": done},
            )
        finally:
            if guard:
                guard.cancel()
    return done[0]


def perform(engine: Engine, job: Job, key: int) -> bool:
    """Do one row in a transaction of its own and return whether it was still to do; raises what the verb raises."""
    try:
        with Session(engine) as session:
            job.do(session, key)
            session.commit()
    except MapError:
        with Session(engine) as session:
            if key not in set(job.due(session)):  # another worker, or a person, was first
                return False
        raise
    return True


async def _rescue(queue: App) -> None:
    """Give the jobs of workers that died back to the queue, for as long as this worker lives."""
    while True:
        for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED):
            await queue.job_manager.retry_job(job)
        await asyncio.sleep(HEARTBEAT)


def _do(context: JobContext, *, name: str, key: int) -> None:
    """Do one row and keep what went wrong; runs in a thread of the worker."""
    engine: Engine = context.additional_context["engine"]
    job = job_named(name)
    if job is None:
        return
    try:
        done = perform(engine, job, key)
    except (MapError, SQLAlchemyError, OSError) as wrong:
        _note(engine, context.job, job, key=key, wrong=wrong)
        raise Failed from None
    with Session(engine) as session:
        session.execute(delete(JobFailure).where(JobFailure.job_id == context.job.id))
        session.commit()
    context.additional_context["done"][0] += done and not job.silent


def _note(engine: Engine, queued: Queued, job: Job, *, key: int, wrong: Exception) -> None:
    cause = getattr(wrong, "orig", None)
    error = type(wrong).__name__ if cause is None else f"{type(wrong).__name__} {getattr(cause, 'sqlstate', '')}"
    clause = wrong.clause if isinstance(wrong, Refused) else ""
    structlog.get_logger().error("job", job=job.name, row=key, error=error, clause=clause)
    with Session(engine) as session:
        facts = dict(error=error, clause=clause, region=region_of(session, job, key), times=queued.attempts + 1, at=func.clock_timestamp())
        row = insert(JobFailure).values(job_id=queued.id, name=job.name, key=str(key), **facts)
        session.execute(row.on_conflict_do_update(index_elements=["job_id"], set_=facts))
        session.commit()


def region_of(session: Session, job: Job, key: int) -> str | None:
    """Return the region (adcode) whose officers care for a row, None for what belongs to no region."""
    query = _REGIONS.get(job.paper)
    found: str | None = session.scalar(text(query), {"key": key}) if query else None
    return found


def failures(session: Session) -> Sequence[Any]:
    """List the jobs that failed: id, name, key, error, clause, region, times, at, status ("todo" is tried again, "failed" waits), next try."""
    return session.execute(_FAILURES).all()


def counts(session: Session) -> dict[str, int]:
    """Return how many jobs wait or run, and how many workers gave a sign of life of late."""
    row = session.execute(_COUNTS, {"seconds": STALLED * 2}).one()
    return {"waiting": row.waiting, "workers": row.workers}


def retry(session: Session, job_id: int) -> None:
    """Put a failed job back into the queue, to be tried at once and then as often as a new one. Raises `Refused("state")` when it does not wait."""
    if not session.execute(_RETRY, {"id": job_id}).all():
        raise Refused("state", _GONE)


_GONE: Final = N_("这件已经办好，或者正在办。请刷新页面看最新状态。")
_KNOWN: Final = text("SELECT queueing_lock FROM jobs.procrastinate_jobs WHERE queueing_lock = ANY(:locks) AND status IN ('todo', 'doing', 'failed')")
_SETTLED: Final = text("""
    WITH settled AS (DELETE FROM job_failure f USING jobs.procrastinate_jobs j
        WHERE j.id = f.job_id AND j.status = 'failed' AND f.name = :name AND NOT f.key = ANY(:due) RETURNING f.job_id)
    DELETE FROM jobs.procrastinate_jobs j USING settled WHERE j.id = settled.job_id
""")
_LOOKING: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended('look/' || :name, 0))")
_DEFER: Final = text("""
    SELECT jobs.procrastinate_defer_jobs_v1(ARRAY[ROW('default', :task, 0, :lock, :lock, jsonb_build_object('name', CAST(:name AS text),
        'key', CAST(:key AS bigint)), NULL)::jobs.procrastinate_job_to_defer_v1])
""")
_FAILURES: Final = text("""
    SELECT f.job_id, f.name, f.key, f.error, f.clause, f.region, f.times, f.at, j.status::text AS status, j.scheduled_at
    FROM job_failure f JOIN jobs.procrastinate_jobs j ON j.id = f.job_id
    WHERE j.status IN ('todo', 'doing', 'failed') ORDER BY j.status = 'failed' DESC, f.at DESC LIMIT 500
""")
_COUNTS: Final = text("""
    SELECT (SELECT count(*) FROM jobs.procrastinate_jobs WHERE status IN ('todo', 'doing')) AS waiting,
           (SELECT count(*) FROM jobs.procrastinate_workers WHERE last_heartbeat > clock_timestamp() - make_interval(secs => :seconds)) AS workers
""")
_RETRY: Final = text("""
    UPDATE jobs.procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL, abort_requested = false
    WHERE id = :id AND (status = 'failed' OR (status = 'todo' AND scheduled_at > clock_timestamp())) RETURNING id
""")
_FUNDER: Final = "SELECT p.funder FROM policy_version p WHERE p.id = (SELECT x.policy_version_id FROM {table} x WHERE x.id = :key)"
_REGIONS: Final = {
    "order": "SELECT coalesce(("
    + _FUNDER.format(table="orders")
    + "), (SELECT g.adcode FROM orders x JOIN organisation g ON g.id = x.enterprise_id WHERE x.id = :key))",
    "voucher": _FUNDER.format(table="voucher"),
    "application": _FUNDER.format(table="application"),
    "budget": "SELECT funder FROM budget WHERE id = :key",
    "claim": "SELECT funder FROM claim WHERE id = :key",
    "organisation": "SELECT adcode FROM organisation WHERE id = :key",
    "carrier_entry": "SELECT g.adcode FROM carrier_entry x JOIN organisation g ON g.id = x.organisation_id WHERE x.id = :key",
    "notice": "SELECT region FROM notice WHERE id = :key",
    "need_post": "SELECT region FROM need_post WHERE id = :key",
    "campaign": "SELECT region FROM campaign WHERE id = :key",
}
"""Whose officers see a row that failed, by the paper that its key belongs to."""
