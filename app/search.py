"""From a typed need to ranked candidates for the person who asks: the steps that the page and the API share, in their order.

Need → types → nearest of these types → slots and voucher terms → rank. Each step belongs to a package below; only their order is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import queries
from bookings.checkout import Terms as VoucherTerms
from bookings.checkout import best_terms
from bookings.slots import Slot, report_on
from core import clock
from core.actor import Actor
from geodata.regions import shared_digits
from matching import candidates as facts
from matching.candidates import Area, Candidate, Place, Terms
from matching.needs import Constraint, Need, parse_need
from matching.rank import Match, rank
from matching.types import Ask, TypeGuess, resolve

KEEP = 0.5
"""Types whose score is below this share of the best one's are left out: they would fill the list with what nobody asked for."""

SORTS = ("best", "own", "soon", "near")


Ranked = Match[Candidate]


@dataclass(frozen=True)
class MapQuery:
    """What the address bar says: the need, from where (WGS84 degrees), the order, the box looked at, and what the person corrected.

    `drop`: kinds of constraints that were taken off; `types`: type names that were chosen by hand; `due` and `budget` (fen) overrule the text.
    """

    need: str = ""
    place: Place | None = None
    sort: str = "best"
    area: Area | None = None
    drop: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    due: date | None = None
    budget: int | None = None


@dataclass(frozen=True)
class Found:
    """The answer: the need as understood, the types, a question instead of types, the ranked matches, all of them, and the regions asked for."""

    need: Need
    types: tuple[TypeGuess, ...] = ()
    ask: Ask | None = None
    matches: tuple[Ranked, ...] = ()
    regions: Mapping[str, str] = field(default_factory=dict)


def search(session: Session, actor: Actor, query: MapQuery) -> Found:
    """Answer a query: understand the need, fetch candidates, add what they cost this person and when, rank them."""
    need = understood(query, clock.today(session))
    answer = resolve(need)
    if answer.ask and not query.types:
        return Found(need, ask=answer.ask)
    types = chosen_types(answer.types, query.types)
    regions = region_prefixes(session, need)
    wanted = {t.name_zh: t.score for t in types}
    place = query.place or home(session, actor)
    area = replace(query.area or Area(), prefixes=tuple(regions.values()))  # asked of the database: the nearest of all may lie elsewhere
    rows = facts.candidates(session, wanted, place=place, area=area)
    matches = rank(need, complete(session, actor, rows))
    return Found(need, types, None, tuple(ordered(matches, query.sort)), regions)


def understood(query: MapQuery, today: date) -> Need:
    """Read the need and put the person's corrections over what the text says."""
    need = parse_need(query.need, today=today)
    kept = [c for c in need.constraints if c.kind not in query.drop]
    for kind, value in (("deadline", query.due), ("budget", query.budget)):
        if value is not None:
            kept = [c for c in kept if c.kind != kind] + [Constraint(kind, value, str(value), "said")]  # type: ignore[arg-type]
    return replace(need, constraints=tuple(kept))


def chosen_types(guesses: tuple[TypeGuess, ...], by_hand: tuple[str, ...]) -> tuple[TypeGuess, ...]:
    """Return the types to look for: those chosen by hand, else the guesses that come near the best one."""
    if by_hand:
        known = {g.name_zh: g for g in guesses}
        return tuple(known.get(name, TypeGuess(name, 1.0, (name,))) for name in by_hand)
    return tuple(g for g in guesses if g.score >= KEEP * guesses[0].score)[:6]


def region_prefixes(session: Session, need: Need) -> dict[str, str]:
    """Map the region words that the person set as a must to digits of adcodes (33 province, 3301 city, 330110 county)."""
    words = [str(c.value) for c in need.constraints if c.kind == "region" and c.strength == "required"]
    rows = session.execute(text(_REGIONS), {"words": words}) if words else ()
    return {row.word: shared_digits(row.adcode) for row in rows}


def home(session: Session, actor: Actor) -> Place | None:
    """Return where the actor's organisation stands (WGS84), or None; asked once a session, since list and map both want it."""
    if actor.role != "enterprise" or actor.organisation_id is None:
        return None
    known: dict[int, Place | None] = session.info.setdefault("homes", {})
    if actor.organisation_id not in known:
        row = session.execute(text(_HOME), {"id": actor.organisation_id}).one_or_none()
        known[actor.organisation_id] = Place(row.lon, row.lat) if row else None
    return known[actor.organisation_id]


def complete(session: Session, actor: Actor, rows: list[Candidate]) -> list[Candidate]:
    """Add the next free slot, the day of the report and what my voucher pays to each candidate: two queries for all of them."""
    terms = best_terms(session, actor)
    slots = queries.next_slots(session, {c.instrument_id: c.hours for c in rows}) if rows else {}
    return facts.complete(rows, lambda c: _terms(c, slots.get(c.instrument_id), terms))


def ordered(matches: list[Ranked], sort: str) -> list[Ranked]:
    """Put matches into another order than the best one; ranks follow the order that is shown."""
    keys: dict[str, Callable[[Ranked], tuple[Any, ...]]] = {
        "own": lambda m: (m.candidate.net_price_fen, m.rank),
        "soon": lambda m: (m.candidate.report_on or date.max, m.rank),
        "near": lambda m: (m.candidate.distance_m is None, m.candidate.distance_m or 0.0, m.rank),
    }
    if sort not in keys:
        return matches
    return [replace(m, rank=n) for n, m in enumerate(sorted(matches, key=keys[sort]), start=1)]


def _terms(one: Candidate, slot: Slot | None, terms: VoucherTerms) -> Terms:
    purse, ruling = terms.choose(one.price_fen, one.service, carrier_id=one.carrier_id)
    refusal = ruling.refusal.code if purse and ruling.refusal else ""
    report = report_on(slot.end, one.report_days) if slot else None
    return Terms(one.price_fen - ruling.amount, ruling.amount, slot.start if slot else None, slot.end if slot else None, report, refusal)


_REGIONS = """
SELECT DISTINCT ON (w.word) w.word, r.adcode, r.level FROM unnest(CAST(:words AS text[])) AS w(word)
JOIN region r ON r.name_zh = w.word OR rtrim(r.name_zh, '省市县区') = w.word OR lower(r.name_en) = lower(w.word)
ORDER BY w.word, r.name_zh = w.word DESC, r.level <> 'city', r.adcode
"""

_HOME = """
SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat FROM site WHERE organisation_id = :id AND geom IS NOT NULL ORDER BY id LIMIT 1
"""
