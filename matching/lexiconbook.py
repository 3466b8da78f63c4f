"""Corrections to the lexicon: somebody who knows the trade proposes one, an officer of another hand puts it in force, and it can be taken back.

The version in force is the number of decisions so far. Each process looks for a newer one at most every LOOK seconds and reads the lexicon anew
where it finds one, so a correction holds everywhere within seconds; the packaged files stay as they are.
"""

from __future__ import annotations

import time
from threading import Thread
from typing import Any, Final

import structlog
from sqlalchemy import CheckConstraint, Engine, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor, Role
from core.audit import Arrow, born, move
from core.db import Base, BigId, Created, Instant
from core.errors import N_, NotFound, Refused
from matching.lexicon import live, type_names
from matching.lexiconcheck import Proposal, check
from vouchers.requests import once

AGAIN: Final = 60.0
"""Seconds until what could not be built is tried again."""

LOOK: Final = 2.0
PROPOSERS: Final[tuple[Role, ...]] = ("carrier", "reviewer", "planner")
DECIDERS: Final[tuple[Role, ...]] = ("reviewer", "planner")

ENTRY: Final = (
    Arrow("proposed", "adopt", "in_force", DECIDERS),
    Arrow("proposed", "reject", "rejected", DECIDERS),
    Arrow("in_force", "undo", "undone", DECIDERS),
)


class LexiconEntry(Base):
    """One correction. `words` as in the files of the lexicon; `types`: [[name, weight 1..3], …]; `gone`: the words no longer point there."""

    __tablename__ = "lexicon_entry"
    __table_args__ = (CheckConstraint("state IN ('proposed','in_force','rejected','undone')", name="state"),)
    id: Mapped[BigId]
    words: Mapped[str]
    kind: Mapped[str]
    types: Mapped[list[Any]] = mapped_column(JSONB)
    gone: Mapped[bool]
    note: Mapped[str]
    state: Mapped[str] = mapped_column(default="proposed", index=True)
    row_version: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[int | None]
    created_at: Mapped[Created]
    decided_by: Mapped[int | None]
    decided_at: Mapped[Instant | None]


def propose(session: Session, actor: Actor, *, proposal: Proposal, request_id: str) -> int:
    """Hand in a correction and return its id; it changes nothing yet.

    Raises `Invalid` (words, kind, types, note), `Refused` (lexicon_entry) where the same one waits.
    """
    check(proposal)
    types = [list(pair) for pair in proposal.types]
    content = {"words": proposal.words, "kind": proposal.kind, "types": types, "note": proposal.note, "gone": proposal.gone}

    def act(_request: str) -> int:
        row = LexiconEntry(**content, state="proposed", row_version=0, created_by=actor.user_id)
        waiting = session.scalars(select(LexiconEntry).filter_by(words=row.words, kind=row.kind, gone=row.gone, state="proposed")).all()
        if any(other.types == types for other in waiting):
            raise Refused("lexicon_entry", N_("同样的改动已经有人提了，正等人决定。"))
        born(session, actor, row, "propose", detail={"words": row.words})
        return row.id

    return once(session, actor, request_id, "lexicon.propose", content=content, act=act)


def decide(session: Session, actor: Actor, *, entry_id: int, event: str) -> None:
    """Adopt, reject or undo a correction. Raises `NotFound`, `Refused` in another state and for one's own proposal, `Forbidden` for other roles."""
    row = session.get(LexiconEntry, entry_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    if event == "adopt" and row.created_by is not None and row.created_by == actor.user_id:
        raise Refused("own", N_("自己提的改动要由另一个人决定。"))
    if event == "adopt":  # the lexicon may have grown since it was proposed
        check(Proposal(row.words, row.kind, tuple((name, weight) for name, weight in row.types), row.note, row.gone))
    move(session, actor, row, ENTRY, event)
    row.decided_by, row.decided_at = actor.user_id, clock.now(session)


def entries(session: Session, *, most: int = 200) -> list[LexiconEntry]:
    """Return the corrections, those that wait first, then the newest."""
    order = (LexiconEntry.state != "proposed", LexiconEntry.id.desc())
    return list(session.scalars(select(LexiconEntry).order_by(*order).limit(most)))


def refresh(session: Session, *, at_once: bool = False) -> None:
    """Bring this process to the corrections in force; asks the database at most every LOOK seconds unless `at_once`.

    What is built from the lexicon takes seconds to build: a running service goes on with the old until the new stands, `at_once` waits for it.
    """
    now = time.monotonic()
    if not at_once and now < _looked.get("at", 0.0) + LOOK:
        return
    _looked["at"] = now
    version = int(session.execute(text("SELECT coalesce(sum(row_version), 0) FROM lexicon_entry")).scalar_one())
    if version == live.version():
        return
    found = in_force(session)
    if at_once or not isinstance(session.get_bind(), Engine):
        live.apply(version, found)
    elif _looked.get("building") != version:
        _looked["building"] = version
        Thread(target=_build, args=(version, found), name="lexicon", daemon=True).start()


def _build(version: int, found: tuple[live.Correction, ...]) -> None:
    """Put corrections in force behind a running service. What could not be built is tried again after AGAIN seconds."""
    try:
        live.apply(version, found, build=True)
    except Exception:  # noqa: BLE001 (whatever it was, the words from before hold on, and the thread has nobody to raise to)
        structlog.get_logger().error("lexicon not built", version=version, exc_info=True)
        _looked["at"] = time.monotonic() + AGAIN
    finally:
        _looked.pop("building", None)


def in_force(session: Session) -> tuple[live.Correction, ...]:
    """Return the corrections in force, the oldest first; a type that this version of the facts no longer has is left out."""
    rows = session.scalars(select(LexiconEntry).filter_by(state="in_force").order_by(LexiconEntry.decided_at, LexiconEntry.id))
    return tuple(
        live.Correction(row.words, row.kind, types, row.gone)
        for row in rows
        if (types := tuple((str(name), int(weight)) for name, weight in row.types if name in type_names())) or not row.types
    )


_looked: Final[dict[str, float]] = {}
