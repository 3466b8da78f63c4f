"""What time brings, done beside the web: a process that looks for rows that are due, puts them into the queue and does what the queue holds.

The list is `app.jobs.JOBS`. Any number of workers may run at once, on any machine: a row is in the queue once, and a worker that dies hands its
jobs to the others.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import structlog
from procrastinate.exceptions import ProcrastinateException
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app import jobs, queue

PAUSE = 5.0
"""Seconds before a worker that lost the database tries again."""

TICK = 1.0
"""Seconds between two glances at which job is to be looked for next."""


def run(engine: Engine) -> None:
    """Look and do until a signal ends the process. A lost database is waited for."""
    while True:
        try:
            asyncio.run(_run(engine))
        except (SQLAlchemyError, psycopg.Error, ProcrastinateException) as wrong:
            structlog.get_logger().error("worker", error=type(wrong).__name__)
            time.sleep(PAUSE)
        else:
            return


def one_round(engine: Engine) -> int:
    """Look for everything once, do what can be done now, and return how many rows were dealt with; silent work is not counted."""
    for job in jobs.JOBS:
        queue.look(engine, job)
    with ThreadPoolExecutor(1) as apart:  # a loop of its own, whatever runs in the caller's thread
        return apart.submit(lambda: asyncio.run(queue.work(engine, wait=False))).result()


async def _run(engine: Engine) -> None:
    looking = asyncio.create_task(_look(engine))
    working = asyncio.create_task(queue.work(engine))
    done, waiting = await asyncio.wait({looking, working}, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for task in done:
        task.result()


async def _look(engine: Engine) -> None:
    next_look: dict[str, float] = {}
    while True:
        for job in jobs.JOBS:
            if time.monotonic() >= next_look.get(job.name, 0.0):
                await asyncio.to_thread(_careful, engine, job)
                next_look[job.name] = time.monotonic() + job.every
        await asyncio.sleep(TICK)


def _careful(engine: Engine, job: jobs.Job) -> None:
    """Look for one job; a query that fails is logged and does not stop the others. A lost database ends the round."""
    try:
        queue.look(engine, job)
    except SQLAlchemyError as wrong:
        structlog.get_logger().error("look", job=job.name, error=type(wrong).__name__)
        if getattr(wrong, "connection_invalidated", False):
            raise
