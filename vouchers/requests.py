"""A request id on every money request: the same id and content is done once and answered alike, another content is refused.

The row is inserted first, so a second request with the same id waits for the first to commit and then reads its answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import UniqueConstraint, bindparam, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.actor import Actor
from core.db import Base, BigId, Created
from core.errors import N_, Invalid, RequestReused


class Request(Base):
    """A money request that was taken: by whom, under which id, with which content, and the id of the row that it made."""

    __tablename__ = "request"
    __table_args__ = (UniqueConstraint("who", "key"),)
    id: Mapped[BigId]
    who: Mapped[str]
    key: Mapped[str]
    content: Mapped[str]
    answer: Mapped[int | None]
    at: Mapped[Created]
    verb: Mapped[str] = mapped_column(default="")


def once(session: Session, actor: Actor, key: str, verb: str, *, content: Mapping[str, Any], act: Callable[[str], int]) -> int:
    """Run `act(request id)` unless this actor's `key` was taken before, and return the id of the row that it made.

    `act` gets a request id that is unique over all actors. Raises `RequestReused` for another content, `Invalid` for an empty or overlong key.
    """
    if not 0 < len(key) <= 400:
        raise Invalid("request_id", N_("请求编号要有 1 到 100 个字符。"))
    who = f"{actor.role}:{actor.user_id or 0}"
    # The organisation belongs to the content: one person may act for two, and the answer of one is no answer to the other.
    whole = [verb, actor.organisation_id, dict(content)]
    fingerprint = sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
    # A savepoint, so that a refusal changes nothing and leaves the key free, even when the caller catches it and goes on.
    with session.begin_nested():
        connection = session.connection()
        made = connection.execute(_TAKE, {"who": who, "key": key, "verb": verb, "content": fingerprint}).scalar()
        if made is None:
            return _earlier(session, who, key, fingerprint)
        answer = act(f"{who}:{key}")
        connection.execute(_ANSWER, {"made": made, "answered": answer})
    return answer


_TABLE = Base.metadata.tables["request"]
_TAKE = insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.id)
_ANSWER = update(_TABLE).where(_TABLE.c.id == bindparam("made")).values(answer=bindparam("answered"))


def _earlier(session: Session, who: str, key: str, fingerprint: str) -> int:
    found = session.query(Request).filter_by(who=who, key=key).one()
    if found.content != fingerprint or found.answer is None:
        raise RequestReused
    return found.answer
