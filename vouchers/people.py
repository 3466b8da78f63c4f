"""A secret key for each person whose fields are sealed: what is hashed with it can be checked while the key is there, and by nobody once it is gone.

Destroying the key is how a person is erased from the sealed record without breaking it: the hash stays, and means nothing any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sqlalchemy import LargeBinary, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.actor import Actor
from core.audit import record
from core.db import Base, BigId, Instant
from core.errors import NotFound


class PersonKey(Base):
    """The key of one person or, for a firm's contacts, of one organisation: `person` is like "user:5". Without `key` the person is erased."""

    __tablename__ = "person_key"
    id: Mapped[BigId]
    person: Mapped[str] = mapped_column(unique=True)
    key: Mapped[bytes | None] = mapped_column(LargeBinary)
    destroyed_at: Mapped[Instant | None]


def keys(session: Session, persons: Iterable[str]) -> dict[str, bytes]:
    """Return the keys of `persons`, made where there was none; an erased person has none."""
    wanted = sorted(set(persons))
    made = [{"person": one, "key": secrets.token_bytes(32)} for one in wanted]
    if made:
        session.execute(text("INSERT INTO person_key (person, key) VALUES (:person, :key) ON CONFLICT (person) DO NOTHING"), made)
    return known_keys(session, wanted)


def known_keys(session: Session, persons: Iterable[str]) -> dict[str, bytes]:
    """Return the keys that are there, writing nothing."""
    rows = session.execute(text("SELECT person, key FROM person_key WHERE person = ANY(:who) AND key IS NOT NULL"), {"who": sorted(set(persons))})
    return {row.person: row.key for row in rows}


def erase(session: Session, actor: Actor, *, person: str, reason: str) -> int:
    """Destroy the key of `person`; return the audit id. The caller erases the fields themselves. Raise `NotFound` when there is no key."""
    query = "UPDATE person_key SET key = NULL, destroyed_at = clock_timestamp() WHERE person = :who AND key IS NOT NULL RETURNING id"
    found = session.execute(text(query), {"who": person}).scalar()
    if found is None:
        raise NotFound
    return record(session, actor, "person_key", found, "erase", reason=reason)
