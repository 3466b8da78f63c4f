"""What an address asks for, and what that means for the person who asks: from where, which filters, with which vouchers.

`MapQuery` is the address alone; `Asked` is known only with a database and an actor. List, clusters, totals, exports and ranked matches all take
`Asked.wanted`, so they speak of the same instruments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.freeweek import busy_now
from bookings.checkout import Terms, best_terms
from bookings.limits import own_limits
from core.actor import Actor
from geodata.basemap import Box
from geodata.geocoding import geocode
from geodata.places import Geocoded
from geodata.regions import shared_digits
from geodata.wanted import Near, Wanted
from matching.candidates import Place

SORTS: Final = ("best", "own", "soon", "near")
LEVELS: Final = ("national", "province", "city", "county")
EVERYWHERE: Final = Box(-180, -90, 180, 90)
"""The view when the address names none: everything that has a place."""

NOWHERE: Final = "-"
"""Begins no adcode: the region that nothing lies in."""


@dataclass(frozen=True)
class Filters:
    """The filters of the map as the address says them; what is empty filters nothing.

    `types`: names; `class_code`: six digits of the national scheme; `kinds`, `levels`: of the carrier; `regions`: adcodes; `own_max`: fen that
    remain after my voucher; `free`: with a slot within a week; `within`: metres from where I ask; `q`: words in names.
    """

    types: tuple[str, ...] = ()
    class_code: str = ""
    kinds: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    own_max: int | None = None
    free: bool = False
    within: int | None = None
    q: str = ""


@dataclass(frozen=True)
class MapQuery:
    """What the address bar says: the need, from where (WGS84 degrees, or words), the order, the box looked at, filters, and corrections.

    `drop`: kinds of constraints that were taken off; `types`: type names that were chosen by hand; `due` and `budget` (fen) overrule the text.
    `said`: key of a condition → the words that replace it; `weights`: name of a signal → how much it counts, 0 to 10 in halves.
    `part`: which of several needs of one sentence is looked at, from 1; 0: not said. `cursor`: where the page of the list begins.
    """

    need: str = ""
    place: Place | None = None
    spot: str = ""
    sort: str = "best"
    area: Box | None = None
    filters: Filters = field(default_factory=Filters)
    cursor: str = ""
    drop: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    due: date | None = None
    budget: int | None = None
    said: tuple[tuple[str, str], ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    part: int = 0

    @property
    def ranks(self) -> bool:
        """Whether there is a need to rank by; else the list shows everything in the view."""
        return bool(self.need or self.types)


@dataclass(frozen=True)
class Asked:
    """A query as it holds for a person: the place that distances are measured from, what was made of typed words, filters, vouchers.

    `is_home`: the place is where the person's enterprise stands.
    """

    place: Place | None
    spot: Geocoded | None
    wanted: Wanted
    terms: Terms
    is_home: bool = False


def ask(session: Session, actor: Actor, query: MapQuery) -> Asked:
    """Find out what a query means for the person who asks."""
    place, spot = whence(session, actor, query)
    terms = best_terms(session, actor)
    return Asked(place, spot, _wanted(session, query, place=place, terms=terms), terms, place is not None and place == home(session, actor))


def whence(session: Session, actor: Actor, query: MapQuery) -> tuple[Place | None, Geocoded | None]:
    """Return where the person asks from: the point in the address, else the typed place, else where the enterprise stands.

    A typed place that may mean several is nowhere until the person has chosen; it is never guessed.
    """
    if query.place is not None:
        return query.place, None
    if not query.spot:
        return home(session, actor), None
    found = geocode(session, query.spot)
    if found.candidates or found.lon is None or found.lat is None:
        return home(session, actor), found
    return Place(found.lon, found.lat), found


def home(session: Session, actor: Actor) -> Place | None:
    """Return where the actor's organisation stands (WGS84), or None; asked once a session, since list and map both want it."""
    if actor.role != "enterprise" or actor.organisation_id is None:
        return None
    known: dict[int, Place | None] = session.info.setdefault("homes", {})
    if actor.organisation_id not in known:
        row = session.execute(text(_HOME), {"id": actor.organisation_id}).one_or_none()
        known[actor.organisation_id] = Place(row.lon, row.lat) if row else None
    return known[actor.organisation_id]


def services(session: Session) -> tuple[str, ...]:
    """Return the codes of all services, in order."""
    return tuple(session.scalars(text("SELECT code FROM service ORDER BY code")))


def narrowed(wanted: Wanted, regions: tuple[str, ...]) -> Wanted:
    """Return the filters with regions that must be as well: what lies in one of these and in one of those that were there."""
    if not regions or not wanted.regions:
        return replace(wanted, regions=regions or wanted.regions)
    pairs = [(shared_digits(one), shared_digits(other)) for one in wanted.regions for other in regions]
    both = {max(pair, key=len) for pair in pairs if pair[0].startswith(pair[1]) or pair[1].startswith(pair[0])}
    return replace(wanted, regions=tuple(sorted(both)) or (NOWHERE,))


def _wanted(session: Session, query: MapQuery, *, place: Place | None, terms: Terms) -> Wanted:
    said = query.filters
    found = Wanted(
        box=query.area or EVERYWHERE,
        q=said.q,
        types=said.types,
        class_code=said.class_code,
        kinds=said.kinds,
        levels=said.levels,
        regions=said.regions,
        working=said.free,
        busy=busy_now(session) if said.free else (),
        near=Near(place.lon, place.lat, said.within) if place and said.within else None,
    )
    return _affordable(session, found, terms, said.own_max)


def _affordable(session: Session, wanted: Wanted, terms: Terms, own_max: int | None) -> Wanted:
    if own_max is None:
        return wanted
    if not terms.purses:
        return replace(wanted, max_price=own_max)
    limits = own_limits(terms, services(session), own_max)
    return replace(wanted, max_price=limits.prices, apart=limits.related, apart_price=limits.related_prices)


_HOME = """
SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat FROM site WHERE organisation_id = :id AND geom IS NOT NULL ORDER BY id LIMIT 1
"""
