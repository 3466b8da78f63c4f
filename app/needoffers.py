"""What a carrier can offer for a need, and which carriers a firm or an officer can ask: the choices of the forms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.asking import MapQuery
from app.search import search
from bookings import queries
from bookings.need_queries import NeedRow
from bookings.slots import HORIZON, Slot, slots
from core import clock
from core.actor import Actor
from core.errors import Invalid
from matching.candidates import Place
from matching.needs import LONGEST

MOST: Final = 12
"""Carriers that a form suggests."""


@dataclass(frozen=True)
class Offerable:
    """A service on an instrument of the carrier's; `fits` says whether its type is among those of the need."""

    key: str
    instrument_id: int
    instrument: str
    type_name: str
    service: str
    service_en: str
    price: int
    report_days: int
    fits: bool
    hours: dict[str, Any]


@dataclass(frozen=True)
class Suggested:
    """A carrier that could be asked: the rank of its best instrument, metres from the firm, price in fen."""

    carrier_id: int
    name: str
    name_en: str | None
    instrument: str
    distance_m: float | None
    price: int
    is_sample: bool


def offerable(session: Session, actor: Actor, need: NeedRow) -> list[Offerable]:
    """Return what the carrier has open, what fits the need first."""
    rows = session.execute(text(_OFFERABLE), {"carrier": actor.organisation_id, "types": need.types}).mappings()
    return [Offerable(**row) for row in rows]


def free(session: Session, one: Offerable) -> list[Slot]:
    """Return the free slots of an instrument in the next three weeks."""
    now = clock.now(session)
    found = slots(one.hours, clock.business_date(now), days=HORIZON, taken=[], now=now)
    booked = queries.taken(session, [one.instrument_id], start=found[0].start, end=found[-1].end)[one.instrument_id] if found else []
    return [slot for slot in slots(one.hours, clock.business_date(now), days=HORIZON, taken=booked, now=now) if slot.state == "free"]


def suggested(session: Session, actor: Actor, query: MapQuery) -> list[Suggested]:
    """Return the carriers that the map would put first for a query, each once; none where it only has a question."""
    try:
        matches = search(session, actor, replace(query, need=query.need[:LONGEST])).matches
    except Invalid:
        return []
    found: dict[int, Suggested] = {}
    for match in matches:
        one = match.candidate
        row = Suggested(one.carrier_id, one.carrier_name, one.carrier_name_en, one.name, one.distance_m, one.price_fen, one.is_sample)
        found.setdefault(one.carrier_id, row)
    return list(found.values())[:MOST]


def query_of(session: Session, need: NeedRow) -> MapQuery:
    """Return a posted need as the query of the map, from where the firm stands."""
    home = "SELECT ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat FROM need_post n JOIN site s ON s.id = n.site_id WHERE n.id = :id AND s.geom IS NOT NULL"
    row = session.execute(text(home), {"id": need.id}).one_or_none()
    place = Place(row.lon, row.lat) if row else None
    return MapQuery(need=need.text, place=place, types=tuple(need.types), budget=need.budget, due=need.due)


_OFFERABLE: Final = """
SELECT i.id || ':' || l.service_code AS key, i.id AS instrument_id, i.name AS instrument, coalesce(t.name_zh, '') AS type_name,
       s.name_zh AS service, s.name_en AS service_en, l.price, l.report_days, coalesce(t.name_zh = ANY(:types), false) AS fits, i.hours
FROM instrument i JOIN listing l ON l.instrument_id = i.id AND l.state = 'open' JOIN service s ON s.code = l.service_code
LEFT JOIN instrument_type t ON t.id = i.type_id
WHERE i.organisation_id = :carrier AND i.is_open AND i.status = 'working'
ORDER BY fits DESC, array_position(CAST(:types AS text[]), t.name_zh), (l.service_code = 'test_analysis') DESC, i.id LIMIT 200
"""
