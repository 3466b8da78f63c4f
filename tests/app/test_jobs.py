"""Rows become jobs once, are done once however many workers there are, and what fails is tried again and then waits where people see it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import procrastinate.schema
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import jobs, queue, worker
from app.accounts import issue_token
from app.jobs import Job
from app.views.jobs import PAPERS
from core.errors import Refused
from tests import factories
from tests.app.desks import said

ROOT = Path(__file__).resolve().parents[2]
TABLE = "CREATE TABLE note (id bigint PRIMARY KEY, times int NOT NULL DEFAULT 0); GRANT SELECT, INSERT, UPDATE ON note TO irm_app"
DUE = text("SELECT id FROM note WHERE times = 0 ORDER BY id")


def due(session):
    return session.scalars(DUE).all()


def do(session, key):
    session.execute(text("UPDATE note SET times = times + 1 WHERE id = :key"), {"key": key})
    return key


def refuse(_session, _key):
    raise Refused("lamp", "nobody reads this")


@pytest.fixture
def notes(committed_db):
    """A table of rows to be done once each."""

    def make(count):
        with committed_db.owner.begin() as owner:
            owner.exec_driver_sql(TABLE)
            owner.execute(text("INSERT INTO note SELECT generate_series(1, :count)"), {"count": count})
        return committed_db.engine

    yield make
    with committed_db.owner.begin() as owner:
        owner.exec_driver_sql("DROP TABLE IF EXISTS note")


def times(engine):
    with engine.connect() as opened:
        return list(opened.execute(text("SELECT times FROM note ORDER BY id")).scalars())


def waiting(engine):
    with engine.connect() as opened:
        return opened.execute(text("SELECT count(*) FROM jobs.procrastinate_jobs")).scalar_one()


@pytest.fixture
def listed(monkeypatch):
    """Give a function that makes its arguments the whole list of jobs."""
    return lambda *found: monkeypatch.setattr(jobs, "JOBS", found)


def test_every_job_has_words_for_people_and_a_region_that_can_be_asked_for(session):
    for job in jobs.JOBS:
        assert job.label, job.name
        assert not job.paper or job.paper in PAPERS, job.name
        assert queue.region_of(session, job, 0) is None
        assert list(job.due(session)) in ([], [1]), f"{job.name}: an empty database has nothing due but what sweeps the whole"
    assert len({job.name for job in jobs.JOBS}) == len(jobs.JOBS)


def test_the_schema_of_the_queue_is_the_installed_package_s(session):
    wanted = set(re.findall(r"CREATE FUNCTION (\w+)", procrastinate.schema.SchemaManager.get_schema()))
    there = set(session.scalars(text("SELECT proname FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace")))
    assert wanted
    assert there == wanted


def test_a_row_is_in_the_queue_once_and_leaves_it_when_done(notes, listed):
    engine, job = notes(3), Job("mark", due, do)
    listed(job)
    assert [queue.look(engine, job), queue.look(engine, job)] == [3, 0]
    assert worker.one_round(engine) == 3
    assert (times(engine), waiting(engine)) == ([1, 1, 1], 0)


def test_a_job_deferred_in_a_transaction_that_is_rolled_back_never_was(notes, listed):
    engine, job = notes(1), Job("mark", due, do)
    listed(job)
    with Session(engine) as session:
        assert queue.defer(session, job, [1]) == 1
        session.rollback()
    assert waiting(engine) == 0


def test_two_workers_at_once_do_each_row_once(notes, listed):
    engine, job = notes(60), Job("mark", due, do)
    listed(job)
    done = []
    threads = [threading.Thread(target=lambda: done.append(worker.one_round(engine))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    worker.one_round(engine)
    assert times(engine) == [1] * 60
    assert waiting(engine) == 0


def test_what_fails_is_tried_again_later_and_then_waits_for_a_person_who_may_try_once_more(notes, listed):
    engine = notes(1)
    listed(Job("mark", due, refuse, tries=2))
    assert worker.one_round(engine) == 0
    with Session(engine) as session:
        (found,) = queue.failures(session)
        assert (found.name, found.key, found.error, found.clause, found.times, found.status) == ("mark", "1", "Refused", "lamp", 1, "todo")
        assert found.scheduled_at is not None
        queue.retry(session, found.job_id)
        session.commit()
    worker.one_round(engine)
    with engine.begin() as opened:
        opened.execute(text("UPDATE jobs.procrastinate_jobs SET scheduled_at = now()"))
    worker.one_round(engine)
    with Session(engine) as session:
        (found,) = queue.failures(session)
        assert (found.times, found.status) == (2, "failed")
        assert queue.look(engine, jobs.JOBS[0]) == 0
        queue.retry(session, found.job_id)
        session.commit()
    listed(Job("mark", due, do, tries=2))
    assert worker.one_round(engine) == 1
    with Session(engine) as session:
        assert not queue.failures(session)
        with pytest.raises(Refused):
            queue.retry(session, found.job_id)


def test_what_somebody_settled_by_hand_no_longer_waits(notes, listed):
    engine = notes(1)
    listed(Job("mark", due, refuse, tries=1))
    worker.one_round(engine)
    with Session(engine) as session:
        assert [found.status for found in queue.failures(session)] == ["failed"]
        do(session, 1)
        session.commit()
    worker.one_round(engine)
    with Session(engine) as session:
        assert not queue.failures(session)
    assert waiting(engine) == 0


def test_a_failure_never_repeats_what_stands_in_a_row(notes, listed, capfd):
    engine = notes(1)

    def spill(session, _key):
        session.execute(text("INSERT INTO note (id) VALUES (1)"))

    listed(Job("mark", due, spill))
    worker.one_round(engine)
    with Session(engine) as session:
        (found,) = queue.failures(session)
        assert found.error == "IntegrityError 23505"
    assert "DETAIL" not in "".join(capfd.readouterr())


def test_a_row_that_somebody_else_dealt_with_meanwhile_is_no_failure(notes, listed):
    engine = notes(1)

    def late(session, key):
        with Session(engine) as other:
            do(other, key)
            other.commit()
        raise Refused("state", "too late")

    listed(Job("mark", due, late))
    assert worker.one_round(engine) == 0
    assert waiting(engine) == 0


SLOW = """
import sys, time, pathlib
from sqlalchemy import text
from app import jobs, worker
from core.db import make_engine
url, mode = sys.argv[1:]
def due(session):
    return session.scalars(text("SELECT id FROM note WHERE times = 0 ORDER BY id")).all()
def do(session, key):
    session.execute(text("UPDATE note SET times = times + 1 WHERE id = :key"), {"key": key})
    if mode == "hang":
        print("doing", flush=True)
        time.sleep(60)
    return key
jobs.JOBS = (jobs.Job("mark", due, do),)
print("ready", flush=True)
worker.run(make_engine(url, pool_size=4))
"""


def start(url, mode):
    return subprocess.Popen([sys.executable, "-c", SLOW, url, mode], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def until(true, *, seconds):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


def test_the_jobs_of_a_killed_worker_are_picked_up_by_another(committed_db, notes):
    engine = notes(3)
    with start(committed_db.url, "hang") as first:
        assert [first.stdout.readline() for _ in range(2)] == ["ready\n", "doing\n"]
        first.kill()
    assert waiting(engine) == 3
    with start(committed_db.url, "work") as second:
        try:
            until(lambda: times(engine) == [1, 1, 1] and waiting(engine) == 0, seconds=40)
            memory = next(line for line in Path(f"/proc/{second.pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            assert int(memory.split()[1]) < 120_000, memory
        finally:
            second.send_signal(signal.SIGTERM)
            assert second.wait(15) in (0, -signal.SIGTERM)


def test_a_lost_database_is_waited_for(committed_db, notes):
    engine = notes(1)
    with start(committed_db.url, "work") as process:
        try:
            until(lambda: times(engine) == [1], seconds=20)
            with committed_db.owner.begin() as owner:
                owner.execute(
                    text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'worker' AND pid <> pg_backend_pid()")
                )
                owner.execute(text("INSERT INTO note VALUES (2)"))
            until(lambda: times(engine) == [1, 1], seconds=30)
        finally:
            process.kill()


@pytest.fixture
def page(session, app, person):
    """A failed job of Yuhuan and one of no region, and a function that opens or posts the page as an officer of a region."""
    factories.region(session, "330522")
    factories.region(session, "331000")
    made = []
    for key, region in (("1", "331083"), ("2", None)):
        row = {"lock": key, "args": '{"name": "close expired vouchers", "key": 1}'}
        job = session.scalar(text(ADDED), row)
        session.add(
            queue.JobFailure(job_id=job, name="close expired vouchers", key=key, error="Refused", clause="lamp", region=region, times=5, at=NOW)
        )
        made.append(job)
    session.commit()

    def ask(role, region, path="/jobs", data=None):
        _, seat = person(role)
        seat.region = region
        headers = {"Authorization": f"Bearer {issue_token(session, seat)}"}
        session.commit()
        web = app.test_client()
        return web.get(path, headers=headers) if data is None else web.post(path, data=data, headers=headers)

    return ask, made


ADDED = """
    INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, queueing_lock, args, status)
    VALUES ('default', 'do', :lock, CAST(:args AS jsonb), 'failed') RETURNING id
"""
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_officers_see_what_failed_in_their_region_and_auditors_also_what_belongs_to_none(page):
    ask, _ = page
    counts = [
        ask(*who).get_data(as_text=True).count("马上再试")
        for who in (("reviewer", "331083"), ("auditor", "331000"), ("finance", "330522"), ("auditor", "330522"))
    ]
    assert counts == [1, 2, 0, 1]
    text_of = said(ask("reviewer", "331083"))
    assert "到期的券收回" in text_of
    assert "规则不允许" in text_of
    assert ask("enterprise", None).status_code == 403


def test_an_officer_has_a_job_of_the_region_tried_again_and_no_other(page, session):
    ask, (mine, none) = page
    assert ask("reviewer", "330522", f"/jobs/{mine}/retry", {}).status_code == 404
    assert ask("reviewer", "331083", f"/jobs/{none}/retry", {}).status_code == 404
    assert ask("reviewer", "331083", f"/jobs/{mine}/retry", {}).status_code == 303
    assert session.scalar(text("SELECT status::text FROM jobs.procrastinate_jobs WHERE id = :id"), {"id": mine}) == "todo"
    assert session.scalar(text("SELECT count(*) FROM audit WHERE subject = 'job' AND event = 'retry'")) == 1
