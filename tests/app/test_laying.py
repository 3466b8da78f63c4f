"""A sample world laid step by step: broken off at any step it goes on to the same world, and nobody sees half of one."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app, laying
from app.config import Settings
from app.figures import FIGURES, figures
from app.laying import is_wanted, lay, unfinished
from core.db import make_engine
from geodata.sampling.world import SIZES, WorldStep, lands
from tests.conftest import ROOT, copied

DAY = date(2026, 11, 24)
WHOLE = (
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM (SELECT id, code, name_zh, kind, adcode, controller, credit_code FROM organisation) t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM instrument t",
    "SELECT md5(string_agg((to_jsonb(t) - 'created_at')::text, ',' ORDER BY id)) FROM listing t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM orders t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM booking t",
    "SELECT md5(string_agg((to_jsonb(t) - 'txid')::text, ',' ORDER BY id)) FROM audit t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM posting t",
    "SELECT md5(string_agg((to_jsonb(t) - 'at')::text, ',' ORDER BY id)) FROM request t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM open_instrument t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM demand t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM shown_list t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM need_post t",
    "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) FROM saved_search t",
)


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Treat even the tiny world as one whose indexes wait."""
    monkeypatch.setattr("geodata.sampling.world.Size.is_large", True)


def structure(session):
    """Return the definitions of all indexes and constraints; a list of states is written down in more than one way, so casts and brackets go."""
    indexes = "SELECT pg_get_indexdef(indexrelid) FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid WHERE c.relnamespace = 'public'::regnamespace"
    constraints = "SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    found = [*session.scalars(text(indexes)), *session.scalars(text(constraints))]
    return sorted(re.sub(r"::character varying|::text|[][() ]", "", one) for one in found)


def world(session):
    return [session.scalar(text(query)) for query in WHOLE]


LAY = """
from datetime import date
from sqlalchemy.orm import Session
from core.db import make_engine
from app.laying import lay
with Session(make_engine({url!r}, role=None)) as session:
    lay(session, "tiny", date(2026, 11, 24), tell=lambda line: print(line, flush=True))
"""


class Broken(Exception):
    """The load ended here."""


def break_off_at(step, session):
    """Lay the tiny world until `step` begins, and leave as a killed process does: nothing more is committed."""

    def tell(line):
        if step in line:
            raise Broken

    with pytest.raises(Broken):
        lay(session, "tiny", DAY, tell=tell)
    session.rollback()


@pytest.fixture
def whole(committed_db):
    with Session(committed_db.owner, expire_on_commit=False) as session:
        before = structure(session)
        lay(session, "tiny", DAY, tell=lambda _: None)
        assert structure(session) == before
        found = world(session)
    assert all(found)
    return found


def test_a_load_broken_off_anywhere_ends_with_the_same_world(whole, server_url, template_url):
    with copied(server_url, template_url) as url:
        engine = make_engine(url, role=None)
        with Session(engine, expire_on_commit=False) as session:
            for step in ("facts", "instruments", "services", "indexes and", "cells of the map", "checking"):
                break_off_at(step, session)
                assert unfinished(session) is not None
                assert is_wanted(session)
            lay(session, "tiny", DAY, tell=lambda _: None)
            assert world(session) == whole
            assert not is_wanted(session)
        engine.dispose()


def test_a_killed_load_goes_on_as_it_was_begun(committed_db):
    code = LAY.format(url=committed_db.url)
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if "instruments" in line:
                break
        os.kill(child.pid, signal.SIGKILL)
    with Session(committed_db.owner, expire_on_commit=False) as session:
        assert unfinished(session).size == "tiny"
        told = []
        found = lay(session, "small", date(2020, 1, 1), tell=told.append)
        assert (found.size, found.day) == ("tiny", DAY)
        assert found.finished_at is not None
        assert not any("regions" in line for line in told)
        assert "[100 %]" not in told[0]
        assert session.scalar(text("SELECT count(*) FROM instrument")) == SIZES["tiny"].instruments


def test_half_a_world_is_not_served(committed_db):
    with Session(committed_db.owner, expire_on_commit=False) as session:
        break_off_at("services", session)
    settings = Settings.from_env({"SECRET_KEY": "s" * 32, "DATABASE_URL": committed_db.url})
    app = create_app(settings, engine=committed_db.engine)
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, "没有装完" in ready.get_data(as_text=True)) == (503, True)
    assert client.get("/").status_code == 503
    assert client.get("/api/v1/instruments").status_code == 503
    with Session(committed_db.owner, expire_on_commit=False) as session:
        lay(session, "tiny", DAY, tell=lambda _: None)
    assert client.get("/api/v1/instruments").status_code == 200


def test_a_world_whose_books_do_not_add_up_is_not_finished(committed_db, monkeypatch):
    monkeypatch.setattr(laying, "violations", lambda _session: [{"invariant": "invariant_zero_sum"}])
    with Session(committed_db.owner, expire_on_commit=False) as session:
        with pytest.raises(Exception, match="invariant_zero_sum"):
            lay(session, "tiny", DAY, tell=lambda _: None)
        session.rollback()
        assert unfinished(session) is not None


def test_every_figure_of_the_paper_has_a_value_and_a_ratio(committed_db):
    with Session(committed_db.owner, expire_on_commit=False) as session:
        lay(session, "tiny", DAY, tell=lambda _: None)
        found = {one.figure.name: one for one in figures(session)}
    assert list(found) == [figure.name for figure in FIGURES]
    assert all(one.value is not None for one in found.values())
    assert 0.97 <= found["services"].ratio <= 1
    assert 0.9 <= found["per_service"].ratio <= 1.1
    assert found["counties_covered"].value == 90
    assert found["services_per_serving_carrier"].ratio is None


def test_the_provinces_of_the_nation_add_up_and_the_home_province_is_the_papers():
    parts = lands("national")
    assert len(parts) == 34
    assert parts[0].size == SIZES["paper"]
    for name in ("carriers", "instruments", "enterprises", "services"):
        assert sum(getattr(part.size, name) for part in parts) == getattr(SIZES["national"], name)
    assert parts[1].before == SIZES["paper"]


def test_steps_are_marked_with_their_time(committed_db):
    started = time.monotonic()
    with Session(committed_db.owner, expire_on_commit=False) as session:
        lay(session, "tiny", DAY, tell=lambda _: None)
        rows = session.query(WorldStep).all()
    assert {"regions", "services:330000", "check"} <= {row.step for row in rows}
    assert sum(row.seconds for row in rows) <= time.monotonic() - started
