"""From a typed need to ranked candidates for the person who asks: the steps that the page and the API share, in their order.

Need → types → nearest of these types → slots and voucher terms → rank. Each step belongs to a package below; only their order is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import learned
from app.asking import Asked, MapQuery, ask, narrowed
from app.narrowing import hunt_for, routed, told, travelled
from app.pricing import Prices, filled
from bookings import queries
from core import clock
from core.actor import Actor
from geodata.regions import shared_digits
from geodata.wanted import Wanted
from matching import candidates as facts
from matching import lexiconbook
from matching.best import best
from matching.candidates import Candidate, Near
from matching.constraints import Constraint
from matching.correcting import correct
from matching.counterfactual import Counterfactual, waited_for
from matching.diversity import POOL, spread
from matching.learning.log import TOP
from matching.narrowing import Hunt, narrow, worth_a_look
from matching.needs import Need, parse_need
from matching.rank import Match, rank, scored
from matching.relaxing import Relaxation
from matching.types import Ask, TypeGuess, resolve

KEEP = 0.5
"""Types whose score is below this share of the best one's are left out: they would fill the list with what nobody asked for."""

Ranked = Match[Candidate]


@dataclass(frozen=True)
class Found:
    """The answer: the need as understood, the types, a question instead of types, the ranked matches, all of them, and the regions asked for.

    `wanted`: everything that is open of these types, of which the matches are the nearest; None while there is only a question. `relaxations`: where
    few meet every condition, what giving one up brings; the matches then end with the nearest misses. `counterfactual`: what would be better if.
    """

    need: Need
    types: tuple[TypeGuess, ...] = ()
    ask: Ask | None = None
    matches: tuple[Ranked, ...] = ()
    regions: Mapping[str, str] = field(default_factory=dict)
    wanted: Wanted | None = None
    relaxations: tuple[Relaxation, ...] = ()
    counterfactual: Counterfactual | None = None


@dataclass(frozen=True)
class Understood:
    """What a query means before anything is fetched: the need, the types, or a question instead, and digits of the regions that must be."""

    need: Need
    types: tuple[TypeGuess, ...] = ()
    ask: Ask | None = None
    regions: Mapping[str, str] = field(default_factory=dict)

    def within(self, asked: Asked) -> Wanted:
        """Return the filters that hold for a person, with the regions that must be; the types are left to the candidates."""
        musts = {str(one.value) for one in self.need.constraints if one.kind == "region"}
        return narrowed(replace(asked.wanted, types=()), tuple(digits for word, digits in self.regions.items() if word in musts))

    def wanted(self, asked: Asked) -> Wanted | None:
        """Return everything that is open of these types; None while there is only a question."""
        return None if self.ask else replace(self.within(asked), types=tuple(t.name_zh for t in self.types))


def search(session: Session, actor: Actor, query: MapQuery, asked: Asked | None = None, *, top: int | None = None) -> Found:
    """Answer a query: understand the need, fetch candidates, add what they cost this person and when, rank them.

    `top`: with so many of the matches, the first ones, the caller has enough; they are the same as among all, and cost less.
    """
    meant = understand(session, query)
    if meant.ask:
        return Found(meant.need, ask=meant.ask)
    asked = asked or ask(session, actor, query)
    prices = Prices(asked.terms)
    hunt = hunt_for(session, meant, asked, completes=lambda rows: travelled(complete(session, prices, rows), asked.place))
    hunt = replace(hunt, weights=dict(query.weights) or None)
    if top and query.sort == "best" and not hunt.checks and not routed():
        return _foremost(session, query, Looking(meant, asked, prices, hunt), max(top, POOL, TOP))
    narrowing = narrow(session, hunt)
    matches = spread(rank(meant.need, narrowing.rows, weights=hunt.weights, stands=narrowing.stands))
    matches = matches if query.weights else learned.reordered(matches)  # who moves the weights is asked for that order
    more = Found(meant.need, meant.types, None, tuple(ordered(matches, query.sort)), meant.regions, meant.wanted(asked))
    return replace(more, relaxations=narrowing.relaxations, counterfactual=told(session, hunt, matches))


@dataclass(frozen=True)
class Looking:
    """A search under way: what was understood, of whom, at which prices, and what is looked for."""

    meant: Understood
    asked: Asked
    prices: Prices
    hunt: Hunt


def _foremost(session: Session, query: MapQuery, look: Looking, top: int) -> Found:
    """Answer with the first `top` matches, completing only who can be among them or in the sentence below the list."""
    need, hunt, weights = look.meant.need, look.hunt, look.hunt.weights
    rows = [look.prices.sketch(one) for one in worth_a_look(session, hunt)]

    def fill(some: Sequence[Near]) -> list[Candidate]:
        return filled(session, look.prices, some, limits=bool(need.limits))

    found = best(need, rows, top=top, fill=fill, weights=weights)
    matches = spread(found.matches[:top])
    matches = matches if query.weights else learned.reordered(matches)
    others = scored(need, fill(waited_for(found, matches)), weights=weights)
    sentence = told(session, hunt, [*matches, *found.matches[top:], *others])
    return Found(need, look.meant.types, None, tuple(matches), look.meant.regions, look.meant.wanted(look.asked), counterfactual=sentence)


def understand(session: Session, query: MapQuery) -> Understood:
    """Find out which types and regions a query means; types that were chosen by hand need no question."""
    lexiconbook.refresh(session)
    need = understood(query, clock.today(session))
    answer = resolve(need)
    by_hand = query.types or query.filters.types
    if answer.ask and not by_hand:
        return Understood(need, ask=answer.ask)
    # asked of the database, not of the rows: the nearest of all may lie elsewhere
    return Understood(need, chosen_types(answer.types, by_hand), None, region_prefixes(session, need))


def understood(query: MapQuery, today: date) -> Need:
    """Read the need and put the person's corrections over what the text says."""
    need = parse_need(query.need, today=today)
    kept = [c for c in need.constraints if c.key not in query.drop]
    for kind, value in (("deadline", query.due), ("budget", query.budget)):
        if value is not None:
            kept = [c for c in kept if c.kind != kind] + [Constraint(kind, value, str(value), "said")]  # type: ignore[arg-type]
    need = replace(need, constraints=tuple(kept))
    for key, words in query.said:
        need = correct(need, key, words)
    return need


def chosen_types(guesses: tuple[TypeGuess, ...], by_hand: tuple[str, ...]) -> tuple[TypeGuess, ...]:
    """Return the types to look for: those chosen by hand, else the guesses that come near the best one."""
    if by_hand:
        known = {g.name_zh: g for g in guesses}
        return tuple(known.get(name, TypeGuess(name, 1.0, (name,))) for name in by_hand)
    return tuple(g for g in guesses if g.score >= KEEP * guesses[0].score)[:6]


def region_prefixes(session: Session, need: Need) -> dict[str, str]:
    """Map the region words that the person set as a must, or as a must not, to digits of adcodes (33 province, 3301 city, 330110 county)."""
    words = [str(c.value) for c in need.constraints if c.kind in ("region", "not_region") and c.strength == "required"]
    rows = session.execute(text(_REGIONS), {"words": words}) if words else ()
    return {row.word: shared_digits(row.adcode) for row in rows}


def complete(session: Session, prices: Prices, rows: list[Candidate]) -> list[Candidate]:
    """Add the next free slot, the day of the report and what my voucher pays to each candidate."""
    slots = queries.next_slots(session, {c.instrument_id: c.hours for c in rows}) if rows else {}
    return facts.complete(rows, lambda c: prices.terms_of(c, c.report_days, slots.get(c.instrument_id)))


def ordered(matches: list[Ranked], sort: str) -> list[Ranked]:
    """Put matches into another order than the best one; ranks follow the order that is shown."""
    keys: dict[str, Callable[[Ranked], tuple[Any, ...]]] = {
        "own": lambda m: (m.candidate.net_price_fen, m.rank),
        "soon": lambda m: (m.candidate.report_on or date.max, m.rank),
        "near": lambda m: (m.candidate.distance_m is None, m.candidate.distance_m or 0.0, m.rank),
    }
    if sort not in keys:
        return matches
    return [replace(m, rank=n) for n, m in enumerate(sorted(matches, key=lambda m: (m.tier, keys[sort](m))), start=1)]


_REGIONS = """
SELECT DISTINCT ON (w.word) w.word, r.adcode, r.level FROM unnest(CAST(:words AS text[])) AS w(word)
JOIN region r ON r.name_zh = w.word OR rtrim(r.name_zh, '省市县区') = w.word OR lower(r.name_en) = lower(w.word)
ORDER BY w.word, r.name_zh = w.word DESC, r.level <> 'city', r.adcode
"""
