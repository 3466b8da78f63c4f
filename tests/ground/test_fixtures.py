"""The tests' own ground: what they write is gone, they have no more rights than the application, and they stay on this machine."""

from __future__ import annotations

import socket

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from core.db import APP_ROLE
from tests.conftest import check_books


def test_a_session_acts_as_the_application(session):
    assert session.execute(text("SELECT current_user")).scalar() == APP_ROLE
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text("CREATE TABLE mine ()"))


def test_rights_are_lifted_for_a_few_lines_only(session, as_owner):
    with as_owner(session):
        session.execute(text("CREATE TABLE mine ()"))
    assert session.execute(text("SELECT current_user")).scalar() == APP_ROLE


@pytest.mark.parametrize("_turn", [1, 2])
def test_what_a_test_commits_is_gone_for_the_next(owner_session, _turn):
    owner_session.execute(text("CREATE TABLE of_this_turn ()"))
    owner_session.commit()
    assert owner_session.execute(text("SELECT to_regclass('of_this_turn')")).scalar() == "of_this_turn"


def test_two_connections_see_what_is_really_committed(committed_db):
    with committed_db.owner.begin() as first:
        first.execute(text("CREATE TABLE really AS SELECT 1 AS seen"))
        first.execute(text(f"GRANT SELECT ON really TO {APP_ROLE}"))
    with committed_db.session() as second:
        assert second.execute(text("SELECT seen FROM really")).scalar() == 1


def test_a_committed_database_starts_as_the_migrations_left_it(committed_db):
    with committed_db.owner.connect() as opened:
        assert opened.execute(text("SELECT to_regclass('really')")).scalar() is None


@pytest.mark.breaks_invariants
def test_a_view_of_broken_books_fails_the_test_that_broke_them(owner_session):
    owner_session.execute(text("CREATE VIEW invariant_nothing_wrong AS SELECT 'lost 1 fen' AS what"))
    connection = owner_session.connection()
    connection.info["breaks"] = False
    with pytest.raises(AssertionError, match="lost 1 fen"):
        check_books(connection)
    connection.info["breaks"] = True


@pytest.mark.breaks_invariants
def test_a_constraint_that_waits_for_commit_fails_the_test_that_broke_it(owner_session):
    owner_session.execute(text("CREATE TABLE pair (id int PRIMARY KEY, other int REFERENCES pair DEFERRABLE INITIALLY DEFERRED)"))
    owner_session.execute(text("INSERT INTO pair VALUES (1, 2)"))
    connection = owner_session.connection()
    connection.info["breaks"] = False
    with pytest.raises(Exception, match="is not present in table"):
        check_books(connection)
    connection.info["breaks"] = True


def test_no_test_reaches_another_machine_by_address_or_name():
    with socket.socket() as sock, pytest.raises(pytest.fail.Exception, match="stay on this machine"):
        sock.connect(("192.0.2.1", 80))
    with pytest.raises(pytest.fail.Exception, match="stay on this machine"):
        socket.getaddrinfo("example.org", 80)
