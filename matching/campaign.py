"""A campaign: the needs of many firms against the open time of all carriers in some weeks, for an officer who hands out vouchers.

What each need could take is what a search from the middle of its county would offer, without anybody's voucher; how many needs an instrument can
take is how many of its sessions are free in these weeks. Who gets what is left to `matching.assign`, why to `matching.assigned`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import queries
from bookings.slots import slots
from core import clock
from core.clock import SHANGHAI
from core.errors import N_, MapError
from matching.assign import Fairness, Option, Places, Want, assign
from matching.assigned import Verdicts, explain
from matching.candidates import Candidate, Place, candidates
from matching.needs import Need, parse_need
from matching.rank import rank
from matching.types import TypeGuess, resolve

OPTIONS: Final = 25
"""Instruments that a need may go to: the best of a search."""

KEEP: Final = 0.5
"""Types below this share of the best one's score are left out, as in a search."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One need of a list: its number there, its words, the firm's name as given, and its county (an adcode)."""

    number: int
    text: str
    firm: str
    region: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The weeks looked at (business dates, `days` from `start`), the part 0..1 of the free time that the campaign may take, and evenness."""

    start: date
    days: int = 28
    part: float = 0.5
    fairness: Fairness = field(default_factory=Fairness)


@dataclass(frozen=True)
class Line:
    """What became of one need: an offer or none, with the verdict; `ask` (a message id) where its words do not say enough."""

    entry: Entry
    verdict: Verdicts | None
    ask: str = ""
    types: tuple[TypeGuess, ...] = ()
    offer: Candidate | None = None
    first: Candidate | None = None
    value: float = 0.0


@dataclass(frozen=True)
class Campaign:
    """The lines in the order given, and the open time they share: instrument → sessions."""

    lines: tuple[Line, ...]
    places: Mapping[int, int]

    @property
    def served(self) -> int:
        """How many needs got an offer."""
        return sum(line.offer is not None for line in self.lines)


@dataclass(frozen=True)
class _Wanted:
    entry: Entry
    types: tuple[TypeGuess, ...] = ()
    ask: str = ""
    offers: tuple[tuple[Candidate, float], ...] = ()


def plan(session: Session, entries: Sequence[Entry], terms: Terms) -> Campaign:
    """Return who could serve whom; nothing is written."""
    wanted = [_understand(session, entry) for entry in entries]
    middles = _middles(session, {entry.region for entry in entries})
    seen: dict[tuple[tuple[TypeGuess, ...], str], list[Candidate]] = {}
    wanted = [_offered(session, one, middles, seen) for one in wanted]
    found = {candidate.id: candidate for one in wanted for candidate, _ in one.offers}
    places = free_places(session, found.values(), terms)
    wants = [Want(at, one.entry.region, tuple(Option(c.id, min(1.0, max(0.0, value))) for c, value in one.offers)) for at, one in enumerate(wanted)]
    done = assign(wants, [Places(number, found[number].carrier_id, free) for number, free in places.items()], fairness=terms.fairness)
    verdicts = explain(done, wants)
    return Campaign(tuple(_line(one, verdict) for one, verdict in zip(wanted, verdicts, strict=True)), places)


def free_places(session: Session, found: Iterable[Candidate], terms: Terms) -> dict[int, int]:
    """Return how many sessions of each instrument the campaign may take: the part of the free ones, rounded up."""
    hours = {one.id: one.hours for one in found}
    begin = datetime.combine(terms.start, time(), SHANGHAI)
    taken = queries.taken(session, hours, start=begin, end=begin + timedelta(days=terms.days)) if hours else {}
    now = clock.now(session)
    found_slots = {number: slots(of, terms.start, days=terms.days, taken=taken[number], now=now) for number, of in hours.items()}
    return {number: math.ceil(sum(slot.state == "free" for slot in these) * terms.part) for number, these in found_slots.items()}


def _understand(session: Session, entry: Entry) -> _Wanted:
    try:
        answer = resolve(_need(session, entry))
    except MapError as no:
        return _Wanted(entry, ask=no.text)
    if answer.ask:
        return _Wanted(entry, ask=answer.ask.message)
    best = answer.types[0].score
    return _Wanted(entry, tuple(one for one in answer.types if one.score >= KEEP * best)[:6])


def _need(session: Session, entry: Entry) -> Need:
    return parse_need(entry.text, today=clock.today(session))


def _middles(session: Session, regions: Iterable[str]) -> dict[str, Place]:
    query = """SELECT adcode, ST_X(p) AS lon, ST_Y(p) AS lat
               FROM (SELECT adcode, ST_PointOnSurface(geom) AS p FROM region WHERE adcode = ANY(:regions) AND geom IS NOT NULL) r"""
    return {row.adcode: Place(row.lon, row.lat) for row in session.execute(text(query), {"regions": list(regions)})}


def _offered(session: Session, one: _Wanted, middles: Mapping[str, Place], seen: dict[tuple[tuple[TypeGuess, ...], str], list[Candidate]]) -> _Wanted:
    """Add what a search would offer; counties that ask for the same types share one query."""
    if not one.types:
        return one
    key = (one.types, one.entry.region)
    if key not in seen:
        rows = candidates(session, {guess.name_zh: guess.score for guess in one.types}, place=middles.get(one.entry.region))
        seen[key] = [replace(row, net_price_fen=row.price_fen) for row in rows]
    matches = rank(_need(session, one.entry), seen[key])[:OPTIONS]
    return replace(one, offers=tuple((match.candidate, match.score) for match in matches))


def _line(one: _Wanted, verdict: Verdicts) -> Line:
    if one.ask:
        return Line(one.entry, None, one.ask)
    held = {candidate.id: (candidate, value) for candidate, value in one.offers}
    offer, value = held.get(verdict.instrument or 0, (None, 0.0))
    first, _ = held.get(verdict.first or 0, (None, 0.0))
    return Line(one.entry, verdict, "", one.types, offer, first, value)


VERDICTS: Final = {
    "first": N_("得到首选"),
    "moved": N_("首选已满，改给次选"),
    "open": N_("能做的都已满"),
    "none": N_("这段时间没有能做的空档"),
}
"""A verdict in words."""
