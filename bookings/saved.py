"""Searches that a person of an enterprise keeps: named, looked at again by the worker, paused, dropped; and what is new about them.

Where a person stands is not kept: a search starts from the enterprise's registered place, or from a county (`origin`, adcode). How an address
becomes an answer is left to the edge; here it is only compared with what was known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, delete, select, text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from bookings import savednews
from bookings.savednews import Answer
from core import clock
from core.actor import Actor
from core.db import Base, BigId, Created, Fen, Instant
from core.errors import N_, Invalid, NotFound, Refused
from vouchers.requests import once

MOST: Final = 20
"""Searches that one person keeps for one enterprise."""

MOST_KNOWN: Final = 500
LONGEST_NAME: Final = 80
STATES: Final = ("active", "paused")


class SavedSearch(Base):
    """A kept search: the canonical query of the map's address without any place, and what was known when it was last looked at.

    `known`: ids of instruments, None before the first look; `best_own` fen, `first_slot` the earliest free slot among them.
    """

    __tablename__ = "saved_search"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES!r}", name="state"),
        CheckConstraint(f"name <> '' AND length(name) <= {LONGEST_NAME}", name="name"),
        CheckConstraint("length(query) <= 4000", name="query"),
        CheckConstraint("query !~ '(^|&)(lon|lat|area|view|place)='", name="place"),
        CheckConstraint("origin ~ '^([0-9]{6})?$'", name="origin"),
        UniqueConstraint("user_id", "organisation_id", "query", "origin"),
        Index(None, "checked_at", postgresql_where=sql("state = 'active'")),
    )
    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(BigInteger)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str]
    query: Mapped[str]
    origin: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="active")
    known: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    best_own: Mapped[Fen | None]
    first_slot: Mapped[Instant | None]
    checked_at: Mapped[Instant | None]
    created_at: Mapped[Created]
    is_sample: Mapped[bool] = mapped_column(default=False)


class SavedNews(Base):
    """One thing that is new about a kept search; `said` is what it was and what it is (fen, or ISO 8601)."""

    __tablename__ = "saved_news"
    __table_args__ = (CheckConstraint(f"kind IN {savednews.KINDS!r}", name="kind"),)
    id: Mapped[BigId]
    saved_id: Mapped[int] = mapped_column(ForeignKey("saved_search.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    instrument_id: Mapped[int] = mapped_column(ForeignKey("instrument.id"), index=True)
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[Created]
    seen_at: Mapped[Instant | None]


@dataclass(frozen=True)
class ToKeep:
    """A search to be kept: its name, the canonical query without a place, and the county it starts from ("" for the registered place)."""

    name: str
    query: str
    origin: str = ""


def keep(session: Session, actor: Actor, asked: ToKeep, *, request_id: str) -> int:
    """Keep a search for the person and return its id; one that the person keeps already is that one.

    Raises `Invalid` for a name that is empty or too long, `Refused` beyond `MOST`.
    """
    name = " ".join(asked.name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid("name", N_("名称要有 1 到 %(most)s 个字。"), most=LONGEST_NAME)
    if not asked.query or len(asked.query) > 4000:
        raise Invalid("query", N_("这个搜索没有内容，或者太长，不能保存。请先在地图页写下需求或选好筛选。"))
    content = {"name": name, "query": asked.query, "origin": asked.origin}
    return once(session, actor, request_id, "keep_search", content=content, act=lambda _request: _kept(session, actor, content))


def _kept(session: Session, actor: Actor, content: Mapping[str, str]) -> int:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('saved_search'), :who)"), {"who": (actor.user_id or 0) % 2**31})
    mine = select(SavedSearch.id).where(*_own(actor))
    same = session.scalar(mine.where(SavedSearch.query == content["query"], SavedSearch.origin == content["origin"]))
    if same is not None:
        return same
    if len(session.scalars(mine).all()) >= MOST:
        raise Refused("limit", N_("最多保存 %(most)s 个搜索。请先删掉一个不再需要的。"), most=MOST)
    values = {**content, "user_id": actor.user_id, "organisation_id": actor.organisation_id, "state": "active", "is_sample": False}
    made: int = session.execute(insert(SavedSearch).values(values).returning(SavedSearch.id)).scalar_one()
    return made


def saved_of(session: Session, actor: Actor) -> Sequence[SavedSearch]:
    """Return what the person keeps for this enterprise, newest first."""
    return session.scalars(select(SavedSearch).where(*_own(actor)).order_by(SavedSearch.id.desc())).all()


def one_of(session: Session, actor: Actor, saved_id: int) -> SavedSearch:
    """Return one kept search of the person; raise `NotFound` for anybody else's."""
    found = session.scalar(select(SavedSearch).where(SavedSearch.id == saved_id, *_own(actor)))
    if found is None:
        raise NotFound
    return found


def drop(session: Session, actor: Actor, saved_id: int) -> None:
    """Forget a kept search and all that was told about it; dropping it twice is dropping it once, others' are not found."""
    gone = session.execute(delete(SavedSearch).where(SavedSearch.id == saved_id, *_own(actor)).returning(SavedSearch.id)).first()
    if gone is None:
        raise NotFound


def drop_all(session: Session, actor: Actor) -> None:
    """Forget all that a person keeps for an enterprise: what becomes of it when the person leaves."""
    session.execute(delete(SavedSearch).where(*_own(actor)))


def pause(session: Session, actor: Actor, saved_id: int, *, state: str) -> None:
    """Stop looking, or look again: `state` is "paused" or "active". What was missed meanwhile is told at the next look."""
    found = one_of(session, actor, saved_id)
    if state not in STATES:
        raise Invalid("state", N_("只能暂停或恢复。"))
    found.state = state
    session.flush()


def due(session: Session, hours: int) -> Sequence[int]:
    """Return the kept searches that nobody looked at for `hours`, longest ago first."""
    since = clock.now(session) - timedelta(hours=hours)
    query = select(SavedSearch.id).where(SavedSearch.state == "active", SavedSearch.checked_at.is_(None) | (SavedSearch.checked_at <= since))
    return session.scalars(query.order_by(SavedSearch.checked_at.asc().nulls_first(), SavedSearch.id)).all()


def learn(session: Session, saved: SavedSearch, answer: Answer) -> int:
    """Compare today's answer with what was known, write down what is new, remember today's; return how many news there are.

    The first look only remembers. Instruments that were known once stay known, so that one that comes and goes is told once.
    """
    was = None if saved.known is None else savednews.Known(frozenset(saved.known), saved.best_own, saved.first_slot)
    news = savednews.news(was, answer) if was else ()
    facts = {"saved_id": saved.id, "at": clock.now(session)}
    session.add_all(SavedNews(**facts, kind=one.kind, instrument_id=one.instrument_id, said=one.said) for one in news)
    saved.known = _remembered(saved.known or (), answer.ids)
    saved.best_own, saved.first_slot, saved.checked_at = answer.best_own, answer.first_slot, clock.now(session)
    session.flush()
    return len(news)


def _remembered(known: Iterable[int], seen: Iterable[int]) -> list[int]:
    """Return what stays known: everything of today first, then of before, bounded."""
    return list(dict.fromkeys([*seen, *known]))[:MOST_KNOWN]


def _own(actor: Actor) -> tuple[Any, Any]:
    return SavedSearch.user_id == actor.user_id, SavedSearch.organisation_id == actor.organisation_id
