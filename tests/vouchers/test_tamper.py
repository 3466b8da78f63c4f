"""Somebody with all rights on the database edits, removes or adds one row of the money path, triggers off: the seal names table and row.

The tables come from the models, so a new money table fails here until it is sealed or named with its reason in `vouchers.sealed.OUTSIDE`.
"""

from __future__ import annotations

from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.sample import load
from core.db import APP_ROLE, Base, make_engine
from migrations.models import metadata
from tests.conftest import copied
from vouchers import roots, seal, verifying
from vouchers.sealed import OUTSIDE, SEALED

metadata()
PACKAGES = ("core.", "vouchers.", "bookings.", "parties.")
MONEY = sorted(m.class_.__tablename__ for m in Base.registry.mappers if m.class_.__module__.startswith(PACKAGES))
RULES = {one.table: one for one in SEALED}
CHANGED = {  # type → what stands there instead
    Boolean: "NOT coalesce({c}, false)",
    BigInteger: "coalesce({c}, 0) + 1",
    Integer: "coalesce({c}, 0) + 1",
    Date: "coalesce({c}, current_date) + 1",
    DateTime: "coalesce({c}, now()) + interval '1 second'",
    JSONB: "jsonb_build_array({c}, 1)",
    TSTZRANGE: "tstzrange(lower({c}), upper({c}) + interval '1 minute')",
    ARRAY: "{c} || {c}",
    LargeBinary: "{c} || '\\x00'::bytea",
}


def test_every_money_table_is_sealed_or_has_a_reason_not_to_be():
    assert set(MONEY) == RULES.keys() | OUTSIDE.keys()
    assert not RULES.keys() & OUTSIDE.keys()
    assert all(one.why for one in SEALED if one.loose)


@pytest.fixture(scope="module")
def world(server_url, template_url):
    """Yield an engine with all rights on a sample world that is sealed to its last record."""
    with copied(server_url, template_url) as url:
        engine = make_engine(url, role=None)
        with Session(engine, expire_on_commit=False) as session:
            load(session, "tiny", date(2026, 3, 10))
            session.commit()
            while seal.seal(session):
                session.commit()
            roots.publish(session, Ed25519PrivateKey.generate())
            session.commit()
        yield engine
        engine.dispose()


@pytest.fixture
def thief(world):
    """Yield a session whose changes no trigger, key or constraint of the row refuses; rolled back."""
    with Session(world) as session:
        session.execute(text("SET session_replication_role = replica"))
        yield session
        session.rollback()


def found(session, table):
    """Return what the check of one table says; the whole check is run where it is what the test is about."""
    report = verifying.Report()
    seal.settle(session)
    shapes = {row.id: row.body for row in session.query(seal.Shape)}
    verifying._check_table(session, RULES[table], shapes, seal.shape_now(session), report)
    if table == "audit":
        verifying._check_pending(session, session.query(seal.Block).order_by(seal.Block.id).all(), report)
    return {(one.wrong, one.id) for one in report.findings}


def loosened(session, table):
    """Drop what only says whether a row is possible; the primary key stays."""
    for name in session.scalars(
        text("SELECT conname FROM pg_constraint WHERE conrelid = CAST(:t AS regclass) AND contype IN ('c', 'u', 'x')"), {"t": table}
    ).all():
        session.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE'))
    query = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = CAST(:t AS regclass) AND indisunique AND NOT indisprimary"
    for name in session.scalars(text(query), {"t": table}).all():
        session.execute(text(f"DROP INDEX {name}"))


def some_row(session, table):
    row = session.scalar(text(f"SELECT max(id) FROM {table}"))
    if row is None:
        pytest.skip(f"the sample world has no row in {table}")
    return row


def test_the_untouched_world_verifies_and_is_all_sealed(thief):
    report = verifying.verify(thief)
    assert report.findings == []
    assert report.pending == 0


@pytest.mark.parametrize("table", sorted(RULES))
def test_an_edited_row_is_named(thief, table):
    row = some_row(thief, table)
    columns = [c for c in Base.metadata.tables[table].columns if not c.primary_key and c.name not in RULES[table].loose]
    for column in columns:
        changed = next((how for kind, how in CHANGED.items() if isinstance(column.type, kind)), "'x' || substr(coalesce({c}, ''), 2)").format(
            c=f'"{column.name}"'
        )
        with thief.begin_nested() as savepoint:
            loosened(thief, table)
            thief.execute(text(f'UPDATE {table} SET "{column.name}" = {changed} WHERE id = :row'), {"row": row})
            assert ("edited", row) in found(thief, table), f"an edit of {table}.{column.name} is not seen"
            savepoint.rollback()


@pytest.mark.parametrize("table", sorted(RULES))
def test_a_missing_row_is_named(thief, table):
    row = some_row(thief, table)
    thief.execute(text(f"DELETE FROM {table} WHERE id = :row"), {"row": row})
    assert ("missing", row) in found(thief, table)


@pytest.mark.parametrize("table", sorted(one.table for one in SEALED if not one.may_wait))
def test_an_added_row_is_named(thief, table):
    row = thief.scalar(text(f"SELECT min(id) FROM {table} WHERE id >= 0 AND id <= :row"), {"row": some_row(thief, table)})
    loosened(thief, table)
    query = f"""INSERT INTO {table} OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(t, jsonb_build_object('id', t.id + 1000000))).* FROM {table} t WHERE id = :row"""
    thief.execute(text(query), {"row": row})
    wanted = ("added", row + 1_000_000)
    assert wanted in found(thief, table) or (table == "audit" and ("behind", wanted[1]) in found(thief, table))


@pytest.mark.parametrize("table", ["audit_block", "audit_leaf", "audit_item"])
def test_a_seal_that_was_touched_does_not_give_its_head_any_more(thief, table):
    """Whoever forges a digest along with its row would have to forge every head after it, and those were given out."""
    column = {"audit_block": "tree", "audit_leaf": "hash", "audit_item": "fixed"}[table]
    key = {"audit_block": "id = 1", "audit_leaf": "audit_id = 1", "audit_item": "table_name = 'audit' AND row_id = 1"}[table]
    done = thief.execute(text(f"UPDATE {table} SET {column} = set_byte({column}, 0, 255 - get_byte({column}, 0)) WHERE {key}"))
    assert done.rowcount == 1
    assert any(one.wrong == "chain" for one in verifying.verify(thief).findings)


def test_a_new_record_of_a_change_that_never_was_breaks_the_rule_of_records(thief):
    """A record slipped in with today's number looks new to the seal; that no paper moved with it shows."""
    row = thief.scalar(text("SELECT max(id) FROM audit WHERE subject = 'hold'"))
    query = "INSERT INTO audit (role, subject, subject_id, event, before, after, reason, detail) SELECT role, subject, subject_id, event, before, after, reason, detail FROM audit WHERE id = :row"
    thief.execute(text(query), {"row": row})
    assert any((one.wrong, one.table) == ("invariant", "invariant_audit") for one in verifying.verify(thief).findings)


def test_the_hands_of_the_application_are_tied(world):
    with world.connect() as connection:
        connection.execute(text(f"SET ROLE {APP_ROLE}"))
        with pytest.raises(DBAPIError, match="permission denied"):
            connection.execute(text("UPDATE audit SET reason = ''"))
