"""What the running application may do to the tables of money: what its code had to be able to do, and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.vouchers import model
from vouchers import chart, ledger
from vouchers.ledger import Move

AGREED = ("price", "voucher_part", "share_part", "own_part", "voucher_id", "policy_version_id", "clauses", "attributes", "contract_date")
AGREED += ("answer_by", "report_on")
"""What an offer and its answer may still change of an order; a trigger keeps them once there is a contract."""
CHANGEABLE = {
    "budget": {"state", "row_version", "stripes", "carried_to"},
    "application": {"state", "row_version", "reviewer_id", "city_reviewer_id", "desk", "budget_id", "queued_at"},
    "voucher": {"state", "row_version", "frozen_from"},
    "hold": {"state", "row_version", "used"},
    "claim": {"state", "row_version", "reviewer_id", "approver_id", "payer_id", "payout_id", "paid_at"},
    "orders": {"state", "row_version", *AGREED},
    "share": {"state", "row_version", "used"},
    "booking": {"state", "row_version"},
    "request": {"answer"},
    "notice": {"state", "row_version"},
    "bank_account": {"state", "row_version"},
    "settlement_batch": {"state", "row_version", "total", "lines", "sha256", "notice_id", "signed_by", "released_by"},
    "batch_line": {"state", "row_version", "reason", "payout_id"},
    "recovery": {"state", "row_version", "received_by", "bank_reference", "received_on"},
}
TABLES = sorted({*model.MONEY, *CHANGEABLE})
DENIED = "42501"


def denied(session: Session, statement: str) -> None:
    with session.begin_nested() as savepoint:
        with pytest.raises(DBAPIError) as refused:
            session.execute(text(statement))
        savepoint.rollback()
    assert refused.value.orig.sqlstate == DENIED, statement


@pytest.mark.parametrize("table", TABLES)
def test_the_application_deletes_and_truncates_no_row_of_money(session: Session, table: str) -> None:
    denied(session, f"DELETE FROM {table}")
    denied(session, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", TABLES)
def test_the_application_changes_the_state_of_a_paper_and_never_an_amount_a_party_or_a_date(session: Session, table: str) -> None:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = :table AND table_schema = 'public'"
    columns = set(session.scalars(text(query), {"table": table}))
    kept = columns - CHANGEABLE.get(table, set())
    assert kept
    for column in kept:
        denied(session, f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("table", ["account", "transfer", "posting"])
def test_only_the_ledger_function_writes_the_ledger(session: Session, table: str) -> None:
    denied(session, f"INSERT INTO {table} SELECT * FROM {table}")


def test_no_view_of_the_books_is_a_door_to_write_through(session: Session) -> None:
    query = "SELECT table_name FROM information_schema.views WHERE table_schema = 'public' AND is_updatable = 'YES'"
    query += " AND (table_name LIKE 'invariant%' OR table_name LIKE 'voucher%')"
    assert list(session.scalars(text(query))) == []


def test_the_application_disables_no_trigger_and_changes_no_function(session: Session) -> None:
    denied(session, "ALTER TABLE posting DISABLE TRIGGER ALL")
    denied(session, "ALTER TABLE account DROP CONSTRAINT ck_account_no_overdraft")
    denied(session, "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    denied(session, "DROP VIEW invariant_balance")
    denied(session, "SET session_replication_role = replica")
    denied(session, "CREATE TABLE mine (a int)")
    denied(session, "SELECT setval(pg_get_serial_sequence('posting', 'id'), 1)")


def test_nobody_but_the_application_may_call_the_ledger_function(owner_session: Session) -> None:
    grantees = set(owner_session.scalars(text("SELECT grantee FROM information_schema.routine_privileges WHERE routine_name = 'ledger_post'")))
    assert grantees - {owner_session.scalar(text("SELECT current_user"))} == {"irm_app"}


@pytest.mark.breaks_invariants  # money of a budget that is no paper
def test_a_temporary_table_does_not_stand_in_for_the_ledger(session: Session) -> None:
    """The function runs with its owner's rights: were a temporary table found first, its defaults and triggers would run with them too."""
    for table in ("transfer", "account", "posting"):
        session.execute(text(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES)"))
    session.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC"))
    move = Move(chart.treasury("331083"), chart.budget("331083", "p", 2026), 100)
    model.post(session, move, request_id="real")
    assert session.scalar(text("SELECT count(*) FROM public.transfer WHERE request_id = 'real'")) == 1
    assert session.scalar(text("SELECT count(*) FROM pg_temp.transfer")) == 0
    session.execute(text("DROP TABLE pg_temp.posting, pg_temp.account, pg_temp.transfer"))
    assert ledger.balance(session, move.destination) == 100


def test_every_trigger_that_keeps_the_past_is_there_and_on(session: Session) -> None:
    query = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%append\\_only' AND tgenabled = 'O' AND NOT tgisinternal"
    kept = {"audit", "transfer", "posting", "evidence", "payout", "policy_version"}
    assert set(session.scalars(text(query))) >= kept | {"audit_shape", "audit_block", "audit_leaf", "audit_item", "audit_root"}
