"""What is new about a kept search: an instrument that was not there, a smaller own part, an earlier day; and the inbox that lists it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.clock import business_date

KINDS: Final = ("new", "cheaper", "sooner")
MOST_NEW: Final = 3
"""New instruments told at one look, the best ranked; the list itself shows the rest."""

DAYS_KEPT: Final = 90


@dataclass(frozen=True)
class Offered:
    """One instrument of an answer: what the person would pay (fen) and when it is free first (aware), None where it is not."""

    instrument_id: int
    own: int
    slot: datetime | None


@dataclass(frozen=True)
class Answer:
    """What a search finds now, best first."""

    offers: tuple[Offered, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the instruments' ids, best first."""
        return tuple(one.instrument_id for one in self.offers)

    @property
    def cheapest(self) -> Offered | None:
        """Return the offer with the smallest own part, the better ranked of equal ones."""
        return min(self.offers, key=lambda one: one.own, default=None)

    @property
    def soonest(self) -> Offered | None:
        """Return the offer that is free first."""
        free = [(one.slot, place) for place, one in enumerate(self.offers) if one.slot]
        return self.offers[min(free)[1]] if free else None

    @property
    def best_own(self) -> int | None:
        """Return the smallest own part, fen."""
        return self.cheapest.own if self.cheapest else None

    @property
    def first_slot(self) -> datetime | None:
        """Return the earliest free slot's start."""
        return self.soonest.slot if self.soonest else None


@dataclass(frozen=True)
class Known:
    """What was known at the last look."""

    ids: frozenset[int]
    best_own: int | None
    first_slot: datetime | None


@dataclass(frozen=True)
class News:
    """One thing to tell: its kind, which instrument, and what it was and is."""

    kind: str
    instrument_id: int
    said: Mapping[str, Any]


def news(was: Known, now: Answer) -> tuple[News, ...]:
    """Return what is new: instruments not known, an own part below the best, a first slot on an earlier day (Asia/Shanghai).

    A slot that is earlier by hours is no news: slots come and go all day.
    """
    found = [News("new", one.instrument_id, _told(one)) for one in now.offers if one.instrument_id not in was.ids][:MOST_NEW]
    cheap, soon = now.cheapest, now.soonest
    if cheap and was.best_own is not None and cheap.own < was.best_own:
        found.append(News("cheaper", cheap.instrument_id, {"own": cheap.own, "was": was.best_own}))
    if soon and soon.slot and was.first_slot and business_date(soon.slot) < business_date(was.first_slot):
        found.append(News("sooner", soon.instrument_id, {"slot": soon.slot.isoformat(), "was": was.first_slot.isoformat()}))
    return tuple(found)


def inbox(session: Session, actor: Actor, *, saved_ids: Iterable[int] | None = None, limit: int = 100) -> Sequence[Any]:
    """Return the news of the person's kept searches, newest first: id, saved_id, saved, kind, said, at, seen_at, instrument, is_open, is_sample."""
    values = {"user": actor.user_id, "organisation": actor.organisation_id, "limit": limit, "ids": None if saved_ids is None else list(saved_ids)}
    return session.execute(text(_INBOX), values).all()


def unread(session: Session, actor: Actor) -> int:
    """Return how many news the person has not looked at."""
    found: int = session.scalar(text(_UNREAD), {"user": actor.user_id, "organisation": actor.organisation_id}) or 0
    return found


def read_all(session: Session, actor: Actor) -> None:
    """Mark the person's news as looked at."""
    session.execute(text(_READ), {"user": actor.user_id, "organisation": actor.organisation_id, "now": clock.now(session)})


def stale(session: Session) -> Sequence[int]:
    """Say whether there are news past their time."""
    return [1] if session.scalar(text("SELECT EXISTS (SELECT FROM saved_news WHERE at < :since)"), {"since": _since(session)}) else []


def forget(session: Session, _key: int = 1) -> int:
    """Delete news past their time and return how many."""
    gone = session.execute(text("DELETE FROM saved_news WHERE at < :since"), {"since": _since(session)})
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _since(session: Session) -> datetime:
    return clock.now(session) - timedelta(days=DAYS_KEPT)


def _told(one: Offered) -> dict[str, Any]:
    return {"own": one.own, "slot": one.slot.isoformat() if one.slot else None}


_MINE: Final = "s.user_id = :user AND s.organisation_id = :organisation"
_INBOX: Final = f"""
SELECT n.id, n.saved_id, s.name AS saved, n.kind, n.said, n.at, n.seen_at, n.instrument_id, i.name AS instrument, i.is_open, i.is_sample,
       o.name_zh, o.name_en
FROM saved_news n JOIN saved_search s ON s.id = n.saved_id JOIN instrument i ON i.id = n.instrument_id
JOIN organisation o ON o.id = i.organisation_id
WHERE {_MINE} AND (CAST(:ids AS bigint[]) IS NULL OR s.id = ANY(:ids)) ORDER BY n.at DESC, n.id DESC LIMIT :limit
"""
_UNREAD: Final = f"SELECT count(*) FROM saved_news n JOIN saved_search s ON s.id = n.saved_id WHERE n.seen_at IS NULL AND {_MINE}"
_READ: Final = f"UPDATE saved_news n SET seen_at = :now FROM saved_search s WHERE s.id = n.saved_id AND n.seen_at IS NULL AND {_MINE}"
