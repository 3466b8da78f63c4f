"""Rows for reading: carriers in a box or region, the nearest open instruments of a type, counts by region. Nothing here changes anything.

Distances are metres on the ellipsoid. What a need is and how candidates are ranked is left to `matching`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_, Invalid

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees of WGS84."""

MOST: Final = 1_000
"""Rows given at once."""


@dataclass(frozen=True)
class CarrierRow:
    """One site of a carrier with the number of its open instruments there; `precision` says how exact lon and lat (degrees) are."""

    organisation_id: int
    code: str
    name_zh: str
    name_en: str | None
    carrier_kind: str
    level: str | None
    site: str
    lon: float
    lat: float
    precision: str
    adcode: str | None
    instruments: int
    is_sample: bool


@dataclass(frozen=True)
class NearRow:
    """An open instrument near a point: `distance_m` is the distance to where it stands, as exact as `precision` says."""

    instrument_id: int
    code: str
    name: str
    type_id: int
    organisation_id: int
    lon: float
    lat: float
    precision: str
    adcode: str | None
    distance_m: float
    is_sample: bool


@dataclass(frozen=True)
class RegionCount:
    """Open instruments and the carriers that have them in a region, beside its population (None: not known) and that figure's year."""

    adcode: str
    name_zh: str
    name_en: str
    population: int | None
    population_year: int | None
    instruments: int
    carriers: int


def carriers_within(session: Session, bbox: Box | None = None, *, region: str = "", kinds: Sequence[str] = (), limit: int = MOST) -> list[CarrierRow]:
    """Return the sites of carriers in a box (west, south, east, north) and in a region (six-digit adcode), those with most instruments first.

    Without a box or region there is no bound; `kinds` are carrier kinds. Sites whose point is unknown are left out. Raises `Invalid` for a
    box that is upside down.
    """
    west, south, east, north = bbox or (-180.0, -90.0, 180.0, 90.0)
    if not (west < east and south < north):
        raise Invalid("bbox", N_("范围应写成“西,南,东,北”，西小于东，南小于北。"))
    sides = {"west": west, "south": south, "east": east, "north": north}
    values = {**sides, "inside": _prefix(region) + "%", "kinds": list(kinds), "limit": min(limit, MOST)}
    return [CarrierRow(**row) for row in session.execute(text(_CARRIERS), values).mappings()]


def instruments_near(session: Session, type_ids: Sequence[int], *, lon: float, lat: float, limit: int = 40) -> list[NearRow]:
    """Return the nearest open instruments of each type, the nearest first, at most `limit` of a type; lon, lat in degrees of WGS84.

    The index orders by degrees, in which a degree of longitude counts as much as one of latitude; twice as many are therefore read as asked for,
    then put in order by metres.
    """
    values = {"types": list(type_ids), "lon": lon, "lat": lat, "reach": 2 * limit, "limit": limit}
    names = tuple(NearRow.__annotations__)
    return [NearRow(**{name: row[name] for name in names}) for row in session.execute(text(NEAREST), values).mappings()]


def counts_by_region(
    session: Session, class_code: str = "", *, level: Literal["city", "county"] = "county", within: str = "330000"
) -> list[RegionCount]:
    """Return the open instruments of a class for every region of a level inside `within` (adcode), by adcode; regions with none have 0.

    `class_code`: six digits of the national scheme, a class ("010000") with all its subclasses or one subclass; empty: all. Instruments that
    are known only to the city count for the city and for no county.
    """
    of_class = class_code[:2] if class_code.endswith("0000") else class_code
    digits = {"city": 4, "county": 6}[level]
    values = {"level": level, "within": _prefix(within) + "%", "of_class": of_class + "%", "digits": digits}
    return [RegionCount(**row) for row in session.execute(text(_COUNTS), values).mappings()]


def _prefix(adcode: str) -> str:
    """Return the digits that all adcodes inside a region share."""
    return adcode[:2] if adcode[2:] == "0000" else adcode[:4] if adcode[4:] == "00" else adcode


_CARRIERS: Final = """
SELECT o.id AS organisation_id, o.code, o.name_zh, o.name_en, o.carrier_kind, o.level, s.name AS site, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat,
       s.precision, s.adcode, count(i.id) AS instruments, o.is_sample
FROM site s JOIN organisation o ON o.id = s.organisation_id LEFT JOIN instrument i ON i.site_id = s.id AND i.is_open
WHERE o.kind = 'carrier' AND s.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326) AND coalesce(s.adcode, '') LIKE :inside
  AND (cardinality(CAST(:kinds AS text[])) = 0 OR o.carrier_kind = ANY(CAST(:kinds AS text[])))
GROUP BY o.id, s.id ORDER BY count(i.id) DESC, o.code, s.name LIMIT :limit
"""

NEAREST: Final = """
SELECT * FROM (
    SELECT n.*, row_number() OVER (PARTITION BY n.type_id ORDER BY n.distance_m, n.instrument_id) AS nth
    FROM unnest(CAST(:types AS integer[])) AS t(id) CROSS JOIN LATERAL (
        SELECT i.id AS instrument_id, i.code, i.name, i.type_id, i.organisation_id, ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat, i.precision, i.adcode,
               ST_Distance(i.geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography) AS distance_m, i.is_sample
        FROM instrument i WHERE i.type_id = t.id AND i.is_open
        ORDER BY i.geom <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) LIMIT :reach) n) n
WHERE nth <= :limit ORDER BY distance_m, instrument_id
"""
"""The type is compared as integer, its own width: any other one loses the index on (type_id, geom)."""

_COUNTS: Final = """
SELECT r.adcode, r.name_zh, r.name_en, r.population, r.population_year, coalesce(c.instruments, 0) AS instruments, coalesce(c.carriers, 0) AS carriers
FROM region r LEFT JOIN (
    SELECT rpad(left(i.adcode, :digits), 6, '0') AS adcode, count(*) AS instruments, count(DISTINCT i.organisation_id) AS carriers
    FROM instrument i JOIN instrument_type k ON k.id = i.type_id
    WHERE i.is_open AND k.class_code LIKE :of_class AND i.adcode LIKE :within GROUP BY 1) c ON c.adcode = r.adcode
WHERE r.level = :level AND r.adcode LIKE :within ORDER BY r.adcode
"""
