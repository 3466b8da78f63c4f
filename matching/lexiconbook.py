"""Corrections to the lexicon: somebody who knows the trade proposes one, an officer of another hand puts it in force, and it can be taken back.

The version in force is the number of decisions so far. Each process looks for a newer one at most every LOOK seconds and reads the lexicon anew
where it finds one, so a correction holds everywhere within seconds; the packaged files stay as they are.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CheckConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor, Role
from core.audit import Arrow, born, move
from core.db import Base, BigId, Created, Instant
from core.errors import N_, Invalid, NotFound, Refused
from matching.lexicon import expand, live, type_names
from vouchers.requests import once

LOOK: Final = 2.0
MOST_WORDINGS: Final = 50
MOST_TYPES: Final = 8
PLAIN_KINDS: Final = ("measurand", "phenomenon", "method", "standard", "sample")
KINDS: Final = (*PLAIN_KINDS, "vague", "offscope")

PROPOSERS: Final[tuple[Role, ...]] = ("carrier", "reviewer", "planner")
DECIDERS: Final[tuple[Role, ...]] = ("reviewer", "planner")

ENTRY: Final = (
    Arrow("proposed", "adopt", "in_force", DECIDERS),
    Arrow("proposed", "reject", "rejected", DECIDERS),
    Arrow("in_force", "undo", "undone", DECIDERS),
)

_CHARACTERS: Final = re.compile(r"[^\w\s+{}/;.,()（）·\-%°℃μµ#&'’:：α-ωΑ-Ω]")


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


@dataclass(frozen=True)
class Proposal:
    """What is to be corrected, and how one knows."""

    words: str
    kind: str
    types: tuple[tuple[str, int], ...]
    note: str
    gone: bool = False


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
    move(session, actor, row, ENTRY, event)
    row.decided_by, row.decided_at = actor.user_id, clock.now(session)


def entries(session: Session, *, most: int = 200) -> list[LexiconEntry]:
    """Return the corrections, those that wait first, then the newest."""
    order = (LexiconEntry.state != "proposed", LexiconEntry.id.desc())
    return list(session.scalars(select(LexiconEntry).order_by(*order).limit(most)))


def refresh(session: Session, *, at_once: bool = False) -> None:
    """Bring this process to the corrections in force; asks the database at most every LOOK seconds unless `at_once`."""
    now = time.monotonic()
    if not at_once and now < _looked.get("at", 0.0) + LOOK:
        return
    _looked["at"] = now
    version = session.execute(text("SELECT coalesce(sum(row_version), 0) FROM lexicon_entry")).scalar_one()
    if int(version) != live.version():
        rows = session.scalars(select(LexiconEntry).filter_by(state="in_force").order_by(LexiconEntry.decided_at, LexiconEntry.id))
        found = tuple(live.Correction(row.words, row.kind, tuple((str(name), int(weight)) for name, weight in row.types), row.gone) for row in rows)
        live.apply(int(version), found)


_looked: Final[dict[str, float]] = {}


def check(given: Proposal) -> None:
    """Raise `Invalid` for a correction that the lexicon could not hold, naming what to write instead."""
    _check_words(given.words)
    if given.kind not in KINDS:
        raise Invalid("kind", N_("请选一类。"))
    names = [name for name, _ in given.types]
    unknown = next((name for name in names if name not in type_names()), None)
    if unknown is not None:
        raise Invalid("types", N_("没有“%(name)s”这一类仪器。请从列表里选。"), name=unknown[:40])
    if len(set(names)) < len(names) or len(names) > MOST_TYPES or any(weight not in (1, 2, 3) for _, weight in given.types):
        raise Invalid("types", N_("每类仪器只写一次，最多 %(most)s 类，分量 1 到 3。"), most=MOST_TYPES)
    if given.kind in PLAIN_KINDS and not names and not given.gone:
        raise Invalid("types", N_("请至少选一类仪器。"))
    if not 0 < len(given.note.strip()) <= 300:
        raise Invalid("note", N_("请写依据（标准号、方法或经验），最多 300 字。"))


def _check_words(words: str) -> None:
    if not 0 < len(words.strip()) <= 200 or words != words.strip():
        raise Invalid("words", N_("请写 1 到 200 个字的说法，前后没有空格。"))
    strange = _CHARACTERS.search(words)
    if strange:
        raise Invalid("words", N_("“%(char)s”不能写在说法里。"), char=strange.group())
    if words.count("{") != words.count("}") or re.search(r"\{[^}]*\{|\}[^{]*\}", words):
        raise Invalid("words", N_("花括号要成对：{甲/乙} 表示两个都可以。"))
    wordings = [wording for pattern in words.split(";") for wording in expand(pattern)]
    if len(wordings) > MOST_WORDINGS:
        raise Invalid("words", N_("一条最多 %(most)s 种说法，现在是 %(count)s 种。请分成几条。"), most=MOST_WORDINGS, count=len(wordings))
    short = next((part for wording in wordings for part in wording.split("+") if len(part.strip()) < 2), None)
    if short is not None:
        raise Invalid("words", N_("每一部分至少两个字符，“%(part)s”太短，会到处对上。"), part=short)
