"""Returning commits, raising rolls back, and nobody is told “done” before COMMIT has come back."""

from __future__ import annotations

import threading

import pytest
from flask import g
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.access import ACCESS, Rule
from app.audiences import EVERYONE
from core.errors import Refused
from tests.app.conftest import make_settings


@pytest.fixture
def app(committed_db):
    with committed_db.owner.begin() as owner:
        owner.execute(text("CREATE TABLE probe (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, n int CHECK (n >= 0))"))
        owner.execute(text("GRANT ALL ON probe TO irm_app"))
        owner.execute(text("INSERT INTO probe VALUES (1, 0), (2, 0)"))
    return create_app(make_settings(), engine=committed_db.engine)


@pytest.fixture
def page(app, monkeypatch):
    """Add a page at /api/probe that does what the test says."""

    def add(view):
        monkeypatch.setitem(ACCESS, "probe.page", Rule(EVERYONE, "all", "试。"))
        app.add_url_rule("/api/probe", endpoint="probe.page", view_func=view)

    return add


def count(committed_db):
    with committed_db.owner.connect() as owner:
        return owner.execute(text("SELECT count(*), sum(n) FROM probe")).one()


def test_what_a_view_did_is_there_when_it_returns(web, page, committed_db):
    page(lambda: g.session.execute(text("INSERT INTO probe VALUES (3, 5)")) and "done")
    assert web.get("/api/probe").status_code == 200
    assert count(committed_db) == (3, 5)


def test_what_a_view_did_is_gone_when_it_raises(web, page, committed_db):
    def view():
        g.session.execute(text("INSERT INTO probe VALUES (3, 5)"))
        raise Refused("x", "不行。")

    page(view)
    assert web.get("/api/probe").status_code == 409
    assert count(committed_db) == (2, 0)


def test_what_a_view_did_is_gone_when_it_answers_no(web, page, committed_db):
    page(lambda: (str(g.session.execute(text("INSERT INTO probe VALUES (3, 5) RETURNING id")).scalar()), 422))
    assert web.get("/api/probe").status_code == 422
    assert count(committed_db) == (2, 0)


def test_an_error_of_commit_is_told_and_not_acknowledged(web, page, committed_db):
    page(lambda: g.session.execute(text("INSERT INTO probe VALUES (1, 5)")) and "done")
    answer = web.get("/api/probe")
    assert (answer.status_code, answer.json["clause"]) == (409, "taken")
    assert count(committed_db) == (2, 0)


def test_our_own_mistake_is_not_blamed_on_the_person(web, page):
    page(lambda: g.session.execute(text("INSERT INTO probe VALUES (3, -1)")) and "done")
    assert web.get("/api/probe").status_code == 500


def test_a_deadlock_costs_one_of_the_two_a_retry_and_nothing_else(app, page, committed_db):
    barrier, turn, answers = threading.Barrier(2), iter(((1, 2), (2, 1))), []

    def view():
        first, second = next(turn)
        g.session.execute(text("UPDATE probe SET n = n + 1 WHERE id = :id"), {"id": first})
        barrier.wait(timeout=10)
        g.session.execute(text("UPDATE probe SET n = n + 1 WHERE id = :id"), {"id": second})
        return "done"

    page(view)
    threads = [threading.Thread(target=lambda: answers.append(app.test_client().get("/api/probe"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost, done = sorted(answers, key=lambda answer: -answer.status_code)
    assert (done.status_code, lost.status_code, lost.headers["Retry-After"]) == (200, 503, "1")
    assert lost.json["type"] == "/problems/busy"
    assert count(committed_db) == (2, 2)


def test_without_a_database_there_is_one_clear_sentence(tmp_path):
    gone = create_engine(f"postgresql+psycopg://nobody@/nowhere?host={tmp_path}")
    web = create_app(make_settings(), engine=gone).test_client()
    page = web.get("/login")
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "30"
    assert "数据库现在连不上，这次什么都没有保存。请过一分钟再试。" in page.get_data(as_text=True)
    assert web.get("/healthz").status_code == 200
    assert web.get("/readyz").json["problems"][0] == "数据库没有回答。请查看数据库是否在运行。"
    assert web.get("/api/v1/me", headers={"Authorization": "Bearer x"}).status_code == 503


def test_a_person_cut_off_by_the_server_is_told_to_come_back(web, page, committed_db):
    def view():
        pid = g.session.execute(text("SELECT pg_backend_pid()")).scalar()
        with committed_db.owner.connect() as owner:
            owner.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        g.session.execute(text("SELECT 1"))
        return "done"

    page(view)
    answer = web.get("/api/probe")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_an_operational_error_never_shows_the_statement(web, page):
    def view():
        raise OperationalError("SELECT secret", {"p": "private"}, Exception("gone"))

    page(view)
    assert "secret" not in web.get("/api/probe").get_data(as_text=True)
