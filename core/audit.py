"""One audit record per state change, written in the same transaction, and the tables of states that decide which changes exist.

Records are append-only (trigger and rights); sealing them into blocks happens outside the hot path. Personal data stays out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import BigInteger, Index, Text, insert
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor
from core.db import Base, BigId, Created
from core.errors import N_, Forbidden, Refused


class Audit(Base):
    """Who changed what, from which state to which, why, under which policy version and request."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "subject", "subject_id"), Index(None, "txid", "id"))
    id: Mapped[BigId]
    at: Mapped[Created]
    user_id: Mapped[int | None]
    organisation_id: Mapped[int | None]
    role: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[int]
    event: Mapped[str]
    before: Mapped[str] = mapped_column(Text, default="")
    after: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    policy_version_id: Mapped[int | None]
    request_id: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    txid: Mapped[int] = mapped_column(BigInteger, server_default=sql("pg_current_xact_id()::text::bigint"))
    """The transaction that wrote it: the order in which records are sealed."""


_TABLE = Base.metadata.tables["audit"]
_WRITE = insert(_TABLE).returning(_TABLE.c.id)
_BLANK: dict[str, Any] = {"before": "", "after": "", "reason": "", "policy_version_id": None, "request_id": None, "detail": {}}


class Stateful(Protocol):
    """A row with an id, a state and a version that counts its changes."""

    __tablename__: str
    id: Any
    state: Any
    row_version: Any


@dataclass(frozen=True)
class Arrow:
    """One line of a state table: in `state`, `event` by one of `roles` leads to `next`."""

    state: str
    event: str
    next: str
    roles: tuple[str, ...]


def record(session: Session, actor: Actor, subject: str, subject_id: int, event: str, **more: Any) -> int:
    """Write one audit record and return its id; `more` are the remaining columns of `Audit`."""
    row = dict(
        at=clock.now(session),
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        role=actor.role,
        subject=subject,
        subject_id=subject_id,
        event=event,
    )
    # Written past the unit of work: a payment writes two of these, and nobody reads them back as objects.
    found: int = session.connection().execute(_WRITE, {**_BLANK, **row, **more}).scalar_one()
    return found


def check(actor: Actor, row: Stateful, arrows: tuple[Arrow, ...], event: str) -> Arrow:
    """Return the arrow of `event` from the state of `row`; raise `Refused` in any other state, `Forbidden` for any other role. Changes nothing."""
    arrow = next((a for a in arrows if (a.state, a.event) == (row.state, event)), None)
    if arrow is None:
        text, facts = N_("这一步现在不能做：它已经到了别的状态。请刷新页面看最新状态。"), {"subject": row.__tablename__, "role": actor.role}
        raise Refused("state", text, state=row.state, event=event, **facts)
    if actor.role not in arrow.roles:
        raise Forbidden(N_("这一步要由别的岗位办理。"))
    return arrow


def move(session: Session, actor: Actor, row: Stateful, arrows: tuple[Arrow, ...], event: str, **more: Any) -> int:
    """Take `row` along the arrow of `event` and return the audit id; `Refused` in any other state, `Forbidden` for any other role.

    The caller has locked the row. `more` goes to the audit record (reason, policy_version_id, request_id, detail).
    """
    arrow = check(actor, row, arrows, event)
    before, row.state, row.row_version = row.state, arrow.next, row.row_version + 1
    session.flush()
    return record(session, actor, row.__tablename__, row.id, event, before=before, after=arrow.next, **more)


def born(session: Session, actor: Actor, row: Stateful, event: str, **more: Any) -> int:
    """Flush a new stateful row and write the record of its first state."""
    session.add(row)
    session.flush()
    return record(session, actor, row.__tablename__, row.id, event, before="", after=row.state, **more)
