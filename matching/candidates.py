"""The open instruments that could serve a need, as facts: one PostGIS query, nearest of each type by the composite index (type_id, geom).

What else is known of them is asked for by `described`, of as many as can matter; slots and voucher parts are added by `complete`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import TextClause, text
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

    @property
    def ewkt(self) -> str:
        """Return it as PostGIS reads it."""
        return f"SRID=4326;POINT({self.lon} {self.lat})"


MIDDLE: Final = Place(120.1, 29.2)
"""Of the province: from there it is looked when nobody says from where."""


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


class Near(NamedTuple):
    """An open instrument near enough to be looked at: what its row of the map says; fen, metres (None where not exact), degrees.

    It has every fact that signals read, but those from `travel_s` on only once somebody completes it (`described`, `complete`).
    """

    instrument_id: int
    type_id: int
    type_name: str
    carrier_id: int
    region: str
    service: str
    price_fen: int
    precision: str
    lon: float
    lat: float
    distance_m: float | None
    type_fit: float = 0.0
    net_price_fen: int = 0
    voucher_part_fen: int = 0
    travel_s: float | None = None
    next_slot_start: datetime | None = None
    report_on: date | None = None
    readings: tuple[Known, ...] = ()
    record: Record = NOTHING
    accreditations: tuple[str, ...] = ()

    @property
    def id(self) -> int:
        """The instrument's id."""
        return self.instrument_id


METRES: Final = "ST_Distance(m.geom::geography, CAST(:origin AS geometry)::geography)"
SERVING: Final = "m.type_id = t.id AND m.status = 'working' AND m.price IS NOT NULL AND m.geom IS NOT NULL AND {condition}"
_NEAR = f"""
SELECT n.id, t.id, t.name_zh, n.organisation_id, n.adcode, n.service, n.price, n.precision, ST_X(n.geom), ST_Y(n.geom),
       CASE WHEN :located AND n.precision = 'point' THEN n.metres END
FROM (VALUES {{types}}) AS v(name) JOIN instrument_type t ON t.name_zh = v.name
CROSS JOIN LATERAL ({{found}}) far
CROSS JOIN LATERAL (
    SELECT m.id, m.organisation_id, m.adcode, m.service, m.price, m.precision, m.geom, {METRES} AS metres FROM open_instrument m
    WHERE {SERVING} AND {{beyond}} AND m.geom && ST_Expand(CAST(:origin AS geometry),
        far.metres / 109000 / cos(radians(least(89.9, abs(CAST(:lat AS float8)) + far.metres / 109000))), far.metres / 109000)
    ORDER BY metres, m.id LIMIT {{per_type}}) n
"""
"""Nearest by metres, though the index knows degrees: the nearest `per_type` by degrees say how many metres are enough, and everything in a box
that holds that circle is put in order by metres. A degree of latitude is at least 110,574 m long; 109,000 leaves room."""

MOST_TYPES: Final = 6
"""Types are asked for by so many, empty ones filled up: one statement for all needs, which each connection plans only once."""

LOOKED_AT: Final = 2_000
"""So many of a type, the nearest that meet what their row tells, are looked at for conditions that other tables tell of (papers, specifications)."""

_FOUND = f"""
SELECT max(metres) AS metres FROM (
    SELECT {METRES} AS metres FROM open_instrument m WHERE {SERVING} ORDER BY m.geom <-> CAST(:origin AS geometry) LIMIT {{per_type}}) f
"""
_FOUND_BEYOND = f"""
SELECT max(metres) AS metres FROM (
    SELECT {METRES} AS metres FROM (
        SELECT m.*, m.geom <-> CAST(:origin AS geometry) AS away FROM open_instrument m WHERE {SERVING} ORDER BY away LIMIT {LOOKED_AT}) m
    WHERE {{beyond}} ORDER BY away LIMIT {{per_type}}) f
"""


class Condition(NamedTuple):
    """One more condition: SQL over `m` (`open_instrument`) with parameters, whose names no two share; `local`: it reads nothing but that row."""

    sql: str
    values: Mapping[str, Any]
    local: bool = True


Extra = Sequence[Condition]


def padded(types: Mapping[str, float]) -> list[str | None]:
    """Return the names of types in a length that few statements have, so that their plans are kept."""
    return [*types, *[None] * (-len(types) % MOST_TYPES)]


def candidates(
    session: Session, types: Mapping[str, float], *, place: Place | None, wanted: Wanted = ANY, per_type: int = PER_TYPE, extra: Extra = ()
) -> list[Candidate]:
    """Return what `nearest` returns, with what is known of each: names, hours, specifications, the carrier's record, its accreditations."""
    return described(session, nearest(session, types, place=place, wanted=wanted, per_type=per_type, extra=extra))


def nearest(
    session: Session, types: Mapping[str, float], *, place: Place | None, wanted: Wanted = ANY, per_type: int = PER_TYPE, extra: Extra = ()
) -> list[Near]:
    """Return the nearest open instruments on offer of each type name in `types` (name_zh → fit 0..1) that meet the map's filters, unranked.

    Without a `place` the middle of the province stands in for the order of the query and every distance is None. `extra` conditions hold as well.
    """
    if not types:
        return []
    origin = place or MIDDLE
    said, values = where("instruments", wanted)
    values = {**values, **{name: value for one in extra for name, value in one.values.items()}}
    parts = {
        "condition": " AND ".join([said, *(one.sql for one in extra if one.local)]),
        "beyond": " AND ".join(one.sql for one in extra if not one.local) or "true",
        "per_type": int(per_type),
    }
    found = _FOUND if parts["beyond"] == "true" else _FOUND_BEYOND
    names = padded(types)
    slots = ", ".join(f"(CAST(:type{n} AS text))" for n in range(len(names)))  # one by one: the planner knows how many, and keeps its plan
    values |= {f"type{n}": one for n, one in enumerate(names)}
    values |= {"located": place is not None, "origin": origin.ewkt, "lat": origin.lat}
    rows = session.execute(statement(_NEAR.format(types=slots, found=found.format(**parts), **parts)), values).all()
    return [Near(*[*row, types[row[2]]]) for row in rows]


@lru_cache(maxsize=256)
def statement(sql: str) -> TextClause:
    """Read a statement once, however often it is sent."""
    return text(sql)


def type_ids(session: Session, types: Mapping[str, float]) -> dict[int, float]:
    """Map type names to their ids, keeping the fit; unknown names fall out."""
    rows = session.execute(text("SELECT id, name_zh FROM instrument_type WHERE name_zh = ANY(:names)"), {"names": list(types)})
    return {row.id: types[row.name_zh] for row in rows}


def described(session: Session, rows: Sequence[Near], *, limits: bool = True) -> list[Candidate]:
    """Return rows with what is known of each beside its row of the map; `limits`: with its specifications."""
    known = gather(session, rows, limits=limits)
    return [Candidate(**{**row._asdict(), **known[row.instrument_id]}) for row in rows if row.instrument_id in known]


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
