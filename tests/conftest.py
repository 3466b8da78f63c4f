"""What every test may ask for: a migrated PostGIS database, rolled back per test, and the rules that hold for all of them.

`session` acts as the restricted role of the application and is rolled back; `owner_session` has the owner's rights. Use one of the two in a
test (they are separate transactions); `as_owner(session)` lifts the rights for a few lines. `committed_db` is a database of its own where
commits are real: for concurrency, crashes and servers. After each of them the invariant views must be empty, in the still open transaction.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.orm import Session

from app.config import Settings
from core.db import APP_ROLE, make_engine

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = {"127.0.0.1", "::1", "localhost", "", None}
_copies = count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "breaks_invariants: breaks the books on purpose, to see that the views complain")


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Let no test reach outside this machine: not by an address, not by asking for a name."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_name(socket.getaddrinfo))
        yield


def _guarded(connect: Callable) -> Callable:
    def guarded(sock: socket.socket, address: object) -> object:
        if sock.family != socket.AF_UNIX and address[0] not in LOOPBACK:
            pytest.fail(f"a test tried to reach {address}: tests stay on this machine")
        return connect(sock, address)

    return guarded


def _guarded_name(lookup: Callable) -> Callable:
    def guarded(host: object, *args: object, **more: object) -> object:
        if (host.decode() if isinstance(host, bytes) else host) not in LOOPBACK:
            pytest.fail(f"a test asked for the address of {host!r}: tests stay on this machine")
        return lookup(host, *args, **more)

    return guarded


@pytest.fixture(scope="session")
def server_url() -> str:
    """Return the server of DATABASE_URL, or the private cluster of this checkout, started when it is not running."""
    if not os.environ.get("DATABASE_URL"):
        subprocess.run([ROOT / "bin" / "cluster", "start"], check=True)
    return Settings.from_env().database_url


@pytest.fixture(scope="session")
def template_url(server_url: str) -> Iterator[str]:
    """Yield a database migrated once for this run; nobody stays connected to it, so that it can be copied."""
    name = f"irm_test_{os.getpid()}"
    _drop_leftovers(server_url)
    _run(server_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
    url = _named(server_url, name)
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    try:
        command.upgrade(config, "head")
        yield url
    finally:
        _run(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def copied(server: str, template: str) -> Iterator[str]:
    """Copy the database at `template` within its server, yield the address of the copy, and drop it."""
    source = make_url(template).database
    name = f"irm_test_{os.getpid()}_{next(_copies)}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE {source}")
    try:
        yield _named(server, name)
    finally:
        _run(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def database_url(server_url: str, template_url: str) -> Iterator[str]:
    """Yield the database in which the tests that roll back work."""
    with copied(server_url, template_url) as url:
        yield url


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """Yield the address of a database without anything in it, for tests of the migrations."""
    with copied(server_url, _named(server_url, "template0")) as url:
        yield url


@pytest.fixture(scope="session")
def app_engine(database_url: str) -> Iterator[Engine]:
    """Yield an engine that acts as the restricted role of the application."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def owner_engine(database_url: str) -> Iterator[Engine]:
    """Yield an engine with the owner's rights."""
    engine = make_engine(database_url, role=None)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(app_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """Yield a connection as the application's role inside a transaction that is rolled back; `create_app` in a test may join it."""
    with app_engine.connect() as opened:
        yield from _rolled_back(opened, request)


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    """Yield a session as the application's role; its commits are savepoints, and everything is rolled back."""
    with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as opened:
        yield opened
        check_books(connection)
        connection.info["checked"] = True


@pytest.fixture
def owner_session(owner_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Session]:
    """Yield a session with the owner's rights, rolled back; do not mix with `session` in one test."""
    with owner_engine.connect() as opened:
        for connection in _rolled_back(opened, request):
            with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as found:
                yield found
                check_books(connection)
                connection.info["checked"] = True


@pytest.fixture
def as_owner() -> Callable[[Session], AbstractContextManager[None]]:
    """Give a context manager that lifts the rights of a session for the lines under it, in the same transaction."""

    @contextmanager
    def lifted(session: Session) -> Iterator[None]:
        session.flush()
        session.execute(text("RESET ROLE"))
        yield
        session.flush()
        session.execute(text(f"SET ROLE {APP_ROLE}"))

    return lifted


@dataclass(frozen=True)
class CommittedDb:
    """A database of one test's own: `engine` acts as the application, `owner` as the owner; each gives up to 20 connections."""

    url: str
    engine: Engine
    owner: Engine

    def session(self) -> Session:
        """Open a session as the application's role; the test commits and closes it."""
        return Session(self.engine, expire_on_commit=False)


@pytest.fixture
def committed_db(server_url: str, template_url: str, request: pytest.FixtureRequest) -> Iterator[CommittedDb]:
    """Yield a fresh copy of the migrated database with real commits, dropped afterwards."""
    with copied(server_url, template_url) as url:
        pool = {"pool_size": 20, "max_overflow": 0}
        found = CommittedDb(url, make_engine(url, **pool), make_engine(url, role=None, **pool))
        try:
            yield found
            with found.owner.connect() as opened:
                opened.info["breaks"] = _breaks(request)
                check_books(opened)
        finally:
            found.engine.dispose()
            found.owner.dispose()


def check_books(connection: Connection) -> None:
    """Fail when a deferred constraint or a view `invariant_*` finds fault with what the transaction of `connection` did so far."""
    driver = connection.connection.dbapi_connection
    if connection.info.get("breaks") or driver.info.transaction_status == TransactionStatus.INERROR:
        return
    if connection.execute(text("SELECT pg_current_xact_id_if_assigned()")).scalar() is None:
        return  # nothing was written
    connection.execute(text("RESET ROLE"))
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    broken = {view: rows for view in invariant_views(connection) if (rows := connection.execute(text(f"SELECT * FROM {view} LIMIT 5")).all())}
    assert not broken, f"the books are broken after this test: {broken}"


def invariant_views(connection: Connection) -> list[str]:
    """Return the names of the views that must be empty at all times."""
    asked = r"SELECT viewname FROM pg_views WHERE schemaname = 'public' AND (viewname LIKE 'invariant\_%' OR viewname = 'map_drift') ORDER BY 1"
    return list(connection.execute(text(asked)).scalars())


def _rolled_back(connection: Connection, request: pytest.FixtureRequest) -> Iterator[Connection]:
    connection.info.update(breaks=_breaks(request), checked=False)
    outer = connection.begin()
    try:
        yield connection
        if not connection.info["checked"]:
            check_books(connection)
    finally:
        outer.rollback()


def _breaks(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("breaks_invariants") is not None


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _run(url: str, sql: str) -> list[tuple]:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as opened:
        cursor = opened.execute(sql)
        return cursor.fetchall() if cursor.description else []


def _drop_leftovers(server_url: str) -> None:
    """Drop databases of runs that were killed; on a server of others the process numbers would mean nothing."""
    if os.environ.get("DATABASE_URL"):
        return
    for (name,) in _run(server_url, r"SELECT datname FROM pg_database WHERE datname LIKE 'irm\_test\_%' ORDER BY 1"):
        if not Path("/proc", re.findall(r"\d+", name)[0]).exists():
            _run(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
