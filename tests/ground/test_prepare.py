"""What a start does to the database: as much as is missing, once, all or nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command as alembic
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from app.cli import Stop, serve
from app.cli.database import alembic_config, upgrade
from app.config import Settings
from app.health import at_head
from core.db import make_engine
from core.errors import Refused

WORLD = """
INSERT INTO region (adcode, level, name_zh, name_en, source) VALUES ('330000', 'province', '浙江省', 'Zhejiang', 'test');
INSERT INTO organisation (code, name_zh, kind, is_sample, source) VALUES ('one', '示例企业', 'enterprise', true, 'test')
"""


def settings(url: str, **more: str) -> Settings:
    return Settings.from_env({"SECRET_KEY": "s" * 32, "DATABASE_URL": url} | more)


def organisations(committed_db) -> int:
    with committed_db.session() as session:
        return session.execute(text("SELECT count(*) FROM organisation")).scalar()


@pytest.fixture
def loads(monkeypatch) -> list[str]:
    """Lay a world of one enterprise instead of the whole sample, and say each time that it was laid."""
    done = []

    def lay(session: Session, given: Settings) -> None:
        done.append(given.sample)
        for line in WORLD.split(";"):
            session.execute(text(line))

    monkeypatch.setattr(serve, "load_world", lay)
    return done


def test_an_empty_database_is_migrated_and_filled(empty_url, loads, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", empty_url)
    assert serve.prepare(settings(empty_url))
    engine = make_engine(empty_url, role=None)
    with Session(engine) as session:
        assert at_head(session)
        assert session.execute(text("SELECT count(*) FROM organisation")).scalar() == 1
    engine.dispose()


def test_a_second_start_changes_nothing(committed_db, loads):
    assert serve.prepare(settings(committed_db.url))
    assert not serve.prepare(settings(committed_db.url))
    assert loads == ["small"]


def test_two_starts_at_once_lay_the_world_once(committed_db, loads):
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(serve.prepare, [settings(committed_db.url)] * 2))
    assert sorted(done) == [False, True]
    assert organisations(committed_db) == 1


def test_no_sample_world_is_laid_where_none_is_wanted(committed_db, loads):
    assert not serve.prepare(settings(committed_db.url, SAMPLE="none"))
    assert organisations(committed_db) == 0


def test_a_load_that_breaks_off_leaves_nothing_and_says_why(committed_db, monkeypatch):
    def break_off(session: Session, _given: Settings) -> None:
        for line in WORLD.split(";"):
            session.execute(text(line))
        raise Refused("sample", "半路停下")

    monkeypatch.setattr(serve, "load_world", break_off)
    with pytest.raises(Stop, match="半路停下"):
        serve.prepare(settings(committed_db.url))
    assert organisations(committed_db) == 0


def test_a_database_of_a_newer_version_is_left_alone(committed_db, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", committed_db.url)
    with committed_db.owner.begin() as opened:
        opened.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    with pytest.raises(Stop, match="from_the_future"):
        serve.prepare(settings(committed_db.url))


def test_every_migration_can_be_undone_and_done_again(empty_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", empty_url)
    upgrade()
    engine = make_engine(empty_url, role=None)
    first = sorted(inspect(engine).get_table_names())
    alembic.downgrade(alembic_config(), "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version", "spatial_ref_sys"}
    upgrade()
    assert sorted(inspect(engine).get_table_names()) == first
    engine.dispose()


def test_the_models_and_the_migrated_database_agree(committed_db, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", committed_db.url)
    alembic.check(alembic_config())
