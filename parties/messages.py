"""Messages to an organisation: one line about something that happened, with the page that it is about. Whoever acts for it may read them.

What is told is decided where it happens; sending it outside this service is left to others. Sentences are message ids, so each reader has them in
his own language. Nothing personal belongs in one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Index, delete, select, update
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor
from core.db import Base, BigId, Created, Instant

KEPT: Final = timedelta(days=180)
"""How long a message stays: an invented example."""


class Message(Base):
    """A message to an organisation: `text` is a message id with `params`, `href` a path of this site, `read_at` when it was first shown."""

    __tablename__ = "message"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        Index("ix_message_unread", "organisation_id", postgresql_where=sql("read_at IS NULL")),
        Index(None, "created_at"),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    href: Mapped[str]
    created_at: Mapped[Created]
    read_at: Mapped[Instant | None]


@dataclass(frozen=True)
class About:
    """What a message is about: the kind of the news, the table and id of its row, and the page (a path) that shows it."""

    kind: str
    subject: str
    subject_id: int
    href: str


def tell(session: Session, organisation_id: int, about: About, text: str, /, **params: Any) -> None:
    """Write a message to an organisation; the same sentence about the same thing that is still unread is not said twice."""
    same = {"organisation_id": organisation_id, "kind": about.kind, "subject": about.subject, "subject_id": about.subject_id}
    unread = select(Message.id).filter_by(**same, text=text, params=params).where(Message.read_at.is_(None)).limit(1)
    if session.scalar(unread) is None:
        session.add(Message(**same, text=text, params=params, href=about.href, created_at=clock.now(session)))
        session.flush()


def inbox(session: Session, actor: Actor, *, limit: int = 100) -> list[Message]:
    """Return the messages to the actor's organisation, the newest first."""
    query = select(Message).filter_by(organisation_id=actor.organisation_id).order_by(Message.id.desc()).limit(limit)
    return list(session.scalars(query)) if actor.organisation_id is not None else []


def unread(session: Session, actor: Actor) -> int:
    """Count the messages to the actor's organisation that nobody opened yet."""
    query = "SELECT count(*) FROM message WHERE organisation_id = :one AND read_at IS NULL"
    return int(session.execute(sql(query), {"one": actor.organisation_id}).scalar_one())


def mark_read(session: Session, actor: Actor, *, upto: int) -> int:
    """Note that the messages up to the id `upto` were read; return how many were new."""
    new = (Message.organisation_id == actor.organisation_id, Message.id <= upto, Message.read_at.is_(None))
    return len(session.scalars(update(Message).where(*new).values(read_at=clock.now(session)).returning(Message.id)).all())


def stale(session: Session) -> list[int]:
    """Return the id of the oldest message that has been kept long enough, if there is one."""
    found = session.scalar(select(Message.id).where(Message.created_at < clock.now(session) - KEPT).order_by(Message.created_at).limit(1))
    return [found] if found is not None else []


def forget(session: Session) -> int:
    """Delete what was kept long enough and return how many messages that were."""
    return len(session.scalars(delete(Message).where(Message.created_at < clock.now(session) - KEPT).returning(Message.id)).all())
