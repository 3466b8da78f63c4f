"""The open instruments that could serve a need, as facts: one PostGIS query, nearest of each type by the composite index (type_id, geom).

Slots and voucher parts are added by `complete`, so that the query stays one and the arithmetic stays pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.wanted import Wanted, where
from matching.gathering import gather
from matching.records import NOTHING, Record
from matching.specfit import Known

ANY = Wanted()
"""Every filter left empty."""

PER_TYPE = 40
"""Nearest instruments looked at for each type: enough that price and date can overtake distance."""


@dataclass(frozen=True)
class Place:
    """Where the person asks from: WGS84 degrees."""

    lon: float
    lat: float


@dataclass(frozen=True)
class Candidate:
    """One listing of one open instrument, the test with a report where the carrier offers one; money in fen.

    `distance_m` is None where the location is only approximate or no place is known; `travel_s`: seconds by road, None where no router answered.
    """

    instrument_id: int
    code: str
    name: str
    type_id: int
    type_name: str
    type_fit: float
    carrier_id: int
    carrier_name: str
    carrier_name_en: str | None
    region: str
    region_name: str
    region_name_en: str
    lon: float
    lat: float
    precision: str
    distance_m: float | None
    service: str
    price_fen: int
    unit: str
    report_days: int
    hours: Mapping[str, Any]
    is_sample: bool
    net_price_fen: int = 0
    voucher_part_fen: int = 0
    next_slot_start: datetime | None = None
    next_slot_end: datetime | None = None
    report_on: date | None = None
    voucher_note: str = ""
    travel_s: float | None = None
    readings: tuple[Known, ...] = ()
    record: Record = NOTHING
    accreditations: tuple[str, ...] = ()

    @property
    def id(self) -> int:
        """The instrument's id: what a stable order falls back on."""
        return self.instrument_id


_METRES = "ST_Distance(m.geom::geography, CAST(:origin AS geometry)::geography)"
_SERVING = "m.type_id = t.id AND m.status = 'working' AND m.price IS NOT NULL AND m.geom IS NOT NULL AND {condition}"
_NEAR = f"""
WITH n AS MATERIALIZED (
    SELECT n.* FROM unnest(CAST(ARRAY[{{types}}] AS integer[])) AS t(id)
    CROSS JOIN LATERAL (
        SELECT max(metres) AS metres FROM (
            SELECT {_METRES} AS metres FROM open_instrument m
            WHERE {_SERVING} ORDER BY m.geom <-> CAST(:origin AS geometry) LIMIT {{per_type}}) f) far
    CROSS JOIN LATERAL (
        SELECT m.id, m.geom, m.precision, m.adcode, m.service, {_METRES} AS metres FROM open_instrument m
        WHERE {_SERVING} AND m.geom && ST_Expand(CAST(:origin AS geometry),
            far.metres / 109000 / cos(radians(least(89.9, abs(CAST(:lat AS float8)) + far.metres / 109000))), far.metres / 109000)
        ORDER BY metres, m.id LIMIT {{per_type}}) n)
SELECT i.id AS instrument_id, i.code, i.name, i.type_id, k.name_zh AS type_name, i.organisation_id AS carrier_id,
       o.name_zh || coalesce(' ' || nullif(s.name, ''), '') AS carrier_name, o.name_en AS carrier_name_en,
       n.adcode AS region, r.name_zh AS region_name, r.name_en AS region_name_en,
       ST_X(n.geom) AS lon, ST_Y(n.geom) AS lat, n.precision,
       CASE WHEN :located AND n.precision = 'point' THEN n.metres END AS distance_m,
       l.service_code AS service, l.price AS price_fen, l.unit, l.report_days, i.hours, i.is_sample
FROM n JOIN instrument i ON i.id = n.id
JOIN listing l ON l.instrument_id = n.id AND l.service_code = n.service
JOIN instrument_type k ON k.id = i.type_id
JOIN organisation o ON o.id = i.organisation_id
LEFT JOIN site s ON s.id = i.site_id
LEFT JOIN region r ON r.adcode = n.adcode
"""
"""Nearest by metres, though the index knows degrees: the nearest `per_type` by degrees say how many metres are enough, and everything in a box
that holds that circle is put in order by metres. A degree of latitude is at least 110,574 m long; 109,000 leaves room."""

Extra = Sequence[tuple[str, Mapping[str, Any]]]
"""More conditions: SQL over `m` (`open_instrument`) and its parameters, whose names no two conditions share."""


def candidates(
    session: Session, types: Mapping[str, float], *, place: Place | None, wanted: Wanted = ANY, per_type: int = PER_TYPE, extra: Extra = ()
) -> list[Candidate]:
    """Return what `nearest` returns, with what is known of each: specifications, the carrier's record, its accreditations."""
    return gather(session, nearest(session, types, place=place, wanted=wanted, per_type=per_type, extra=extra))


def nearest(
    session: Session, types: Mapping[str, float], *, place: Place | None, wanted: Wanted = ANY, per_type: int = PER_TYPE, extra: Extra = ()
) -> list[Candidate]:
    """Return the nearest open instruments on offer of each type name in `types` (name_zh → fit 0..1) that meet the map's filters, unranked.

    Without a `place` the middle of the province stands in for the order of the query and every distance is None. `extra` conditions hold as well.
    """
    ids = type_ids(session, types)
    if not ids:
        return []
    origin = place or Place(120.1, 29.2)
    said, values = where("instruments", wanted)
    condition = " AND ".join([said, *(sql for sql, _ in extra)])
    values = {**values, **{name: value for _, params in extra for name, value in params.items()}}
    slots = ", ".join(f":type{n}" for n in range(len(ids)))  # one by one: the planner knows how many, and keeps its plan
    values |= {f"type{n}": one for n, one in enumerate(ids)}
    values |= {"located": place is not None, "origin": f"SRID=4326;POINT({origin.lon} {origin.lat})", "lat": origin.lat}
    statement = _NEAR.format(condition=condition, types=slots, per_type=int(per_type))
    rows = session.execute(text(statement), values).mappings()
    return [Candidate(type_fit=ids[row["type_id"]], **row) for row in rows]


def type_ids(session: Session, types: Mapping[str, float]) -> dict[int, float]:
    """Map type names to their ids, keeping the fit; unknown names fall out."""
    rows = session.execute(text("SELECT id, name_zh FROM instrument_type WHERE name_zh = ANY(:names)"), {"names": list(types)})
    return {row.id: types[row.name_zh] for row in rows}


@dataclass(frozen=True)
class Terms:
    """What a candidate costs me and when it can start: own part and voucher part in fen, the next slot and the day of the report."""

    net_price_fen: int
    voucher_part_fen: int
    next_slot_start: datetime | None
    next_slot_end: datetime | None
    report_on: date | None
    voucher_note: str = ""


def complete(found: Sequence[Candidate], terms: Callable[[Candidate], Terms]) -> list[Candidate]:
    """Return the candidates with the terms that hold for the person who asks."""
    return [replace(one, **vars(terms(one))) for one in found]
