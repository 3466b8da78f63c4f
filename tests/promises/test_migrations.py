"""A migration leads to what the models say, and back, and again."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from tests import factories as make
from tests.bookings.needs import answer, deal

ROOT = Path(__file__).resolve().parents[2]


def config(url):
    found = Config(ROOT / "alembic.ini")
    found.attributes["url"] = url
    return found


def tables(engine):
    return set(inspect(engine).get_table_names()) - {"spatial_ref_sys", "alembic_version"}


def test_migrations_agree_with_the_models(committed_db):
    command.check(config(committed_db.url))


def test_migrations_go_up_and_down_and_up_again(committed_db):
    before = tables(committed_db.owner)
    command.downgrade(config(committed_db.url), "base")
    assert tables(committed_db.owner) == set()
    command.upgrade(config(committed_db.url), "head")
    assert tables(committed_db.owner) == before
    with committed_db.owner.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_views WHERE viewname LIKE 'invariant%'")).scalar() > 10


def test_a_number_that_the_audit_record_tells_of_is_not_given_again(committed_db):
    with committed_db.session() as session:
        first = deal(session, scene=make.scene(session, now=None))
        answer(session, first, nth=12)
        session.commit()
    committed_db.engine.dispose()
    command.downgrade(config(committed_db.url), "0017")
    command.upgrade(config(committed_db.url), "head")
    with committed_db.session() as session:
        assert deal(session, scene=make.scene(session, now=None)).need > first.need
