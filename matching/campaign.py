"""A campaign: the needs of many firms against the open time of all carriers in some weeks, for an officer who hands out vouchers.

What each need could take is what a search from the middle of its county would offer, without anybody's voucher and without what misses a condition
that it sets; how many needs an instrument can take is how many of its sessions are free in these weeks. Who gets what is left to `matching.assign`,
why to `matching.assigned`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import queries
from bookings.checkout import Terms as Purses
from bookings.slots import report_on, slots
from core import clock
from core.clock import SHANGHAI
from core.errors import N_, MapError
from geodata.regions import shared_digits
from matching import lexiconbook
from matching.assign import Fairness, Option, Places, Want, assign
from matching.assigned import Verdicts, explain
from matching.candidates import Candidate, Condition, Place, candidates
from matching.hard import Grounds, checks
from matching.needs import Need, parse_need
from matching.rank import rank
from matching.types import TypeGuess, resolve

OPTIONS: Final = 25
"""Instruments that a need may go to: the best of a search."""

NO_VOUCHERS: Final = Purses((), frozenset())
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
    """What became of one need: an offer or none, with the verdict; `ask` (a message id) where its words do not say enough.

    `unmet`: nobody has an open instrument of these types that meets its conditions, whatever time is free.
    """

    entry: Entry
    verdict: Verdicts | None
    ask: str = ""
    types: tuple[TypeGuess, ...] = ()
    offer: Candidate | None = None
    first: Candidate | None = None
    unmet: bool = False
    value: float = 0.0

    @property
    def kind(self) -> str:
        """What is said of it, by name: see `VERDICTS`; "unclear" where its words do not say enough."""
        return "unclear" if self.verdict is None else "unmet" if self.unmet else self.verdict.verdict


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
    need: Need | None = None
    types: tuple[TypeGuess, ...] = ()
    ask: str = ""
    offers: tuple[tuple[Candidate, float], ...] = ()


def plan(session: Session, entries: Sequence[Entry], terms: Terms) -> Campaign:
    """Return who could serve whom; nothing is written."""
    lexiconbook.refresh(session, at_once=True)
    wanted = [_understand(session, entry) for entry in entries]
    middles = _middles(session, {entry.region for entry in entries})
    seen: dict[Any, list[Candidate]] = {}
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
        need = parse_need(entry.text, today=clock.today(session))
        answer = resolve(need)
    except MapError as no:
        return _Wanted(entry, ask=no.text)
    if answer.ask:
        return _Wanted(entry, ask=answer.ask.message)
    best = answer.types[0].score
    return _Wanted(entry, need, tuple(one for one in answer.types if one.score >= KEEP * best)[:6])


def _middles(session: Session, regions: Iterable[str]) -> dict[str, Place]:
    query = """SELECT adcode, ST_X(p) AS lon, ST_Y(p) AS lat
               FROM (SELECT adcode, ST_PointOnSurface(geom) AS p FROM region WHERE adcode = ANY(:regions) AND geom IS NOT NULL) r"""
    return {row.adcode: Place(row.lon, row.lat) for row in session.execute(text(query), {"regions": list(regions)})}


def _offered(session: Session, one: _Wanted, middles: Mapping[str, Place], seen: dict[Any, list[Candidate]]) -> _Wanted:
    """Add what a search would offer; needs of a county that ask for the same types under the same conditions share one query."""
    if one.need is None:
        return one
    place = middles.get(one.entry.region)
    ways = checks(one.need, Grounds(place, NO_VOUCHERS, (), _digits(session, one.need), clock.today(session)))
    key = (one.types, one.entry.region, tuple((check.key, check.text) for check in ways))
    if key not in seen:
        extra = [Condition(f"({check.sql}) IS NOT FALSE", dict(check.values), check.local) for check in ways]
        rows = candidates(session, {guess.name_zh: guess.score for guess in one.types}, place=place, extra=extra)
        seen[key] = _in_time(session, rows, min((check.due for check in ways if check.due), default=None))
    matches = rank(one.need, seen[key])[:OPTIONS]
    return replace(one, offers=tuple((match.candidate, match.score) for match in matches))


def _in_time(session: Session, rows: list[Candidate], due: date | None) -> list[Candidate]:
    """Return candidates at their price without vouchers; where a report is due, those whose first free session is early enough for it."""
    done = [replace(row, net_price_fen=row.price_fen) for row in rows]
    if due is None or not done:
        return done
    first = queries.next_slots(session, {row.instrument_id: row.hours for row in done})
    return [row for row in done if (slot := first.get(row.instrument_id)) and report_on(slot.end, row.report_days) <= due]


def _digits(session: Session, need: Need) -> dict[str, str]:
    words = [str(one.value) for one in need.constraints if one.kind in ("region", "not_region")]
    rows = session.execute(text(_REGIONS), {"words": words}) if words else ()
    return {row.word: shared_digits(row.adcode) for row in rows}


_REGIONS: Final = """
SELECT DISTINCT ON (w.word) w.word, r.adcode FROM unnest(CAST(:words AS text[])) AS w(word)
JOIN region r ON r.name_zh = w.word OR rtrim(r.name_zh, '省市县区') = w.word OR lower(r.name_en) = lower(w.word)
ORDER BY w.word, r.name_zh = w.word DESC, r.level <> 'city', r.adcode
"""


def _line(one: _Wanted, verdict: Verdicts) -> Line:
    if one.ask:
        return Line(one.entry, None, one.ask)
    held = {candidate.id: (candidate, value) for candidate, value in one.offers}
    offer, value = held.get(verdict.instrument or 0, (None, 0.0))
    first, _ = held.get(verdict.first or 0, (None, 0.0))
    return Line(one.entry, verdict, "", one.types, offer, first, not one.offers, value)


VERDICTS: Final = {
    "first": N_("得到首选"),
    "moved": N_("首选已满，改给次选"),
    "open": N_("能做的都已满"),
    "none": N_("这段时间没有能做的空档"),
    "unmet": N_("没有满足条件的仪器"),
}
"""A verdict in words."""
