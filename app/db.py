"""One session a request: returning commits, raising rolls back, and nothing is acknowledged before COMMIT has come back.

Views and API functions use `g.session` and never commit. What the database refuses is turned into an error of our own here; which
status that gets is left to `app.errors`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import Flask, Response, current_app, g
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from app.errors import Busy, Malformed
from core.errors import N_, MapError, Refused

_CROSSED: Final = {"40001", "40P01", "55P03", "57014"}  # serialization, deadlock, lock not available, query cancelled by a time limit
_TAKEN: Final = {"23505", "23P01"}  # unique and exclusion: somebody else was first


def init_app(app: Flask, engine: Engine | Connection) -> None:
    """Give every request of `app` a session on `engine`; a Connection joins the caller's transaction by savepoints."""
    app.extensions["sessions"] = sessionmaker(engine, expire_on_commit=False, join_transaction_mode="create_savepoint")
    app.extensions["readers"] = sessionmaker(engine.execution_options(isolation_level="AUTOCOMMIT")) if isinstance(engine, Engine) else None
    app.before_request(_open)
    app.teardown_request(_close)


def new_session(app: Flask) -> Session:
    """Return a session outside any request, for commands; its instant is `app.extensions["clock"]()` where a test injected one."""
    session: Session = app.extensions["sessions"]()
    clock = app.extensions.get("clock")
    if clock is not None:
        session.info["now"] = clock()
    return session


@contextmanager
def reading() -> Iterator[Session]:
    """Yield a session for single statements that only read, without the round trips of a transaction; each sees a snapshot of its own."""
    readers = current_app.extensions["readers"]
    if readers is None:  # a test's connection, in the test's transaction
        yield g.session
        return
    with readers() as session:
        yield session


def finish(response: Response) -> Response:
    """Commit what the view did and return its response; a response of 400 and above rolls back, since it told a person “no”.

    Errors of COMMIT are raised, so that they reach the client as an error.
    """
    if response.status_code < 400:
        g.session.commit()
    else:
        g.session.rollback()
    return response


def meaning(error: SQLAlchemyError) -> MapError | None:
    """Return what a failure of the database means to the person, or None when it is our own mistake."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state in _CROSSED:
        # The whole request is not run again for the person: a form may have side effects that only the person can judge.
        return Busy(N_("同一时刻有别人在改同样的内容。这次什么都没有改变，请再试一次。"), retry_after=1)
    if isinstance(error, IntegrityError):
        return Refused("taken", N_("刚才有别人先办了同样的事。这次什么都没有改变，请刷新页面看最新状态。")) if state in _TAKEN else None
    if isinstance(error, DataError):
        return Malformed(N_("请求里有不能用的数字或字符。请改短或改小后再试。"))
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return Busy(N_("数据库现在连不上，这次什么都没有保存。请过一分钟再试。"), retry_after=30)
    return None


def _open() -> None:
    g.session = new_session(current_app)


def _close(_error: BaseException | None) -> None:
    session: Session | None = g.pop("session", None)
    if session is not None:
        session.close()
