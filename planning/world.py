"""What the planner's figures are made of, as arrays: counties and townships with their demand, places with open instruments. Read only.

Kept in the memory of the process until a row changes (`_VERSION`). How figures are made of it is left to `planning.accessibility`.

An instrument counts as exactly as its place is known: to the point or the township at its own point, to the county at the point of the county,
to the city in equal parts at the points of the city's counties. One that is known to the province or not at all counts nowhere and is numbered.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import cos, radians
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from geodata.regions import HOME, shared_digits

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Zone:
    """A county, or a city without counties, seen from its point (degrees); `population` is None where no figure is known."""

    adcode: str
    name_zh: str
    name_en: str
    city_zh: str
    city_en: str
    lon: float
    lat: float
    population: int | None
    population_year: int | None
    enterprises: int


@dataclass(frozen=True)
class Supply:
    """Open instruments as entries e: `number[e]` of the class `code[e]` stand at the place `place[e]`, whose degrees are `places[place[e]]`.

    `code` is the six-digit class as a whole number, 0 without a type; `zone` the adcode of the county, 0 where none is known; `owner` the
    organisation; `kind` how the place is known, an index into `KINDS`. Entries of the kind `lost` stand at no place (-1).
    """

    places: Floats
    place: Whole
    zone: Whole
    owner: Whole
    code: Whole
    number: Floats
    kind: Whole

    def of_class(self, class_code: str) -> NDArray[np.bool_]:
        """Return which entries belong to a class with all its subclasses ("010000"), to a subclass ("010100"), or to any ("")."""
        if not class_code:
            return np.ones(len(self.code), dtype=np.bool_)
        span = 10_000 if class_code.endswith("0000") else 1
        first = int(class_code)
        return (self.code >= first) & (self.code < first + span)


CELL: Final = 0.005
"""Degrees (some 500 m): what stands in one cell of this size stands at one place."""

DEGREE_M: Final = 111_195.0
"""Metres in a degree of a great circle."""

KINDS: Final = ("point", "county", "city", "lost")
"""How an entry's place is known: exactly, by its county, in equal parts over its city, not at all."""


@dataclass(frozen=True)
class Points:
    """Where zones are looked at from: point p at the degrees `places[p]` stands for the part `share[p]` of the zone `zone[p]`; parts sum to 1."""

    places: Floats
    zone: Whole
    share: Floats


@dataclass(frozen=True)
class World:
    """Zones by adcode, supply as far as `around` metres about a province, towns (adcode, lon, lat a row), and the instant all were read."""

    version: str
    around: float
    at: datetime
    zones: tuple[Zone, ...]
    supply: Supply
    towns: Floats

    @cached_property
    def codes(self) -> Whole:
        """Return the adcodes of the zones as whole numbers, rising."""
        return np.array([int(zone.adcode) for zone in self.zones], dtype=np.int64)

    @cached_property
    def middles(self) -> Points:
        """Return one point a zone, inside its boundary."""
        places = np.array([(zone.lon, zone.lat) for zone in self.zones], dtype=np.float64).reshape(-1, 2)
        return Points(places, np.arange(len(places)), np.ones(len(places)))

    @cached_property
    def townships(self) -> Points:
        """Return the townships whose point is known, each for the same part of its zone; a zone without any has its middle."""
        known = self.towns[np.isin(self.towns[:, 0], self.codes)]
        zone = np.searchsorted(self.codes, known[:, 0].astype(np.int64))
        bare = np.setdiff1d(np.arange(len(self.zones)), zone)
        zone = np.concatenate((zone, bare))
        parts = np.bincount(zone, minlength=len(self.zones))
        return Points(np.concatenate((known[:, 1:], self.middles.places[bare])), zone, 1 / parts[zone])

    def demand(self, kind: str) -> Floats:
        """Return the zones' demand of a kind (`population`, `enterprises`), float[n], NaN where it is not known."""
        return np.array([getattr(zone, kind) for zone in self.zones], dtype=np.float64)


def read_world(session: Session, province: str = HOME, metres: float = 0.0) -> World:
    """Return zones, and supply in and around a province as far as `metres` (150 km at least), as the session sees them.

    It comes from this process's memory as long as no row has changed.
    """
    around = next(far for far in AROUND if far >= metres)
    key = (_version(session), province, around)
    if key not in _KEPT:
        _KEPT[key] = _read(session, key)
        while len(_KEPT) > 3:
            _KEPT.popitem(last=False)
    return _KEPT[key]


AROUND: Final = (150_000.0, 600_000.0, float("inf"))
"""How far around a province supply is read, metres: the first that is far enough."""

LONG: Final = 0.1
"""Seconds: what is told faster is asked every time."""

_KEPT: Final[OrderedDict[tuple[str, str, float], World]] = OrderedDict()
_KNOWN: Final[dict[str, tuple[str, float]]] = {}


def _version(session: Session) -> str:
    """Return what changes with every row; where telling takes long (0.3 s with a million instruments), ask again only after fifty times as long."""
    known, until = _KNOWN.get("version", ("", 0.0))
    if time.monotonic() < until:
        return known
    began = time.monotonic()
    version: str = session.execute(text(_VERSION)).scalar_one()
    took = time.monotonic() - began
    _KNOWN["version"] = version, time.monotonic() + 50 * took if took > LONG else 0.0
    return version


def _read(session: Session, key: tuple[str, str, float]) -> World:
    version, province, around = key
    session.execute(text("SET LOCAL work_mem = '64MB'"))  # the grouping below stays in memory
    zones = tuple(Zone(**row) for row in session.execute(text(_ZONES)).mappings())
    towns = _numbers(session, _TOWNS, 3)
    lon, lat, *rest = _numbers(session, _SUPPLY.format(box=_box(zones, province, around)), 7).T
    zone, owner, code, kind = (column.astype(np.int64) for column in (rest[0], rest[1], rest[2], rest[4]))
    located, place = kind != KINDS.index("lost"), np.full(len(kind), -1, np.int64)
    places, place[located] = gathered(np.column_stack((lon, lat))[located], rest[3][located], CELL)
    return World(version, around, clock.now(session), zones, Supply(places, place, zone, owner, code, rest[3], kind), towns)


def _box(zones: tuple[Zone, ...], province: str, around: float) -> str:
    """Return the condition that a point lies in the box that reaches so far around the zones of a province."""
    at = [(zone.lon, zone.lat) for zone in zones if zone.adcode.startswith(shared_digits(province))]
    if not at or around == float("inf"):
        return "true"
    lons, lats = zip(*at, strict=True)
    high = around / DEGREE_M
    wide = high / cos(radians(min(max(lats) + high, 80)))
    corners = (min(lons) - wide, min(lats) - high, max(lons) + wide, max(lats) + high)
    return f"geom && ST_MakeEnvelope({', '.join(f'{corner:.4f}' for corner in corners)}, 4326)"


def gathered(places: Floats, number: Floats, cell: float) -> tuple[Floats, Whole]:
    """Return one place for all that stands in a cell of so many degrees, in the middle of their numbers, and the index of it for each place given."""
    cells, found = np.unique(np.round(places / cell), axis=0, return_inverse=True)
    found = found.reshape(-1)
    whole = np.bincount(found, number, len(cells))
    return np.column_stack([np.bincount(found, axis * number, len(cells)) / whole for axis in places.T]).reshape(-1, 2), found


def _numbers(session: Session, query: str, columns: int) -> Floats:
    """Return the rows of a query of numbers through COPY: a million of them come in a second instead of ten."""
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as lines:
        said = b"".join(lines)
    return np.fromstring(said, dtype=np.float64, sep=" ").reshape(-1, columns)


_VERSION: Final = """
SELECT concat_ws(':', i.n, i.xs, r.n, r.xs, p.n, p.xs, o.n, o.xs)
FROM (SELECT count(*) AS n, sum(xmin::text::bigint) AS xs FROM open_instrument) i,
     (SELECT count(*) AS n, sum(xmin::text::bigint) AS xs FROM region) r,
     (SELECT count(*) AS n, sum(xmin::text::bigint) AS xs FROM place WHERE kind = 'township') p,
     (SELECT count(*) AS n, sum(xmin::text::bigint) AS xs FROM organisation WHERE kind IN ('enterprise', 'team')) o
"""
"""How many rows there are and the sum of the transactions that wrote them: rows that are added, changed or removed give another value."""

_LEAVES: Final = """
    SELECT r.* FROM region r
    WHERE r.level = 'county' OR r.level = 'city'
        AND NOT EXISTS (SELECT FROM region below WHERE below.parent_adcode = r.adcode)
        AND EXISTS (SELECT FROM region beside WHERE beside.level = 'county' AND left(beside.adcode, 2) = left(r.adcode, 2))
"""
"""Counties, and cities without counties, in provinces whose counties are loaded."""

_ZONES: Final = f"""
SELECT r.adcode, r.name_zh, r.name_en, coalesce(c.name_zh, '') AS city_zh, coalesce(c.name_en, '') AS city_en,
       ST_X(r.point) AS lon, ST_Y(r.point) AS lat, r.population, r.population_year, coalesce(e.n, 0) AS enterprises
FROM ({_LEAVES}) r
LEFT JOIN region c ON c.adcode = r.parent_adcode
LEFT JOIN (SELECT adcode, count(*) AS n FROM organisation WHERE kind IN ('enterprise', 'team') GROUP BY adcode) e ON e.adcode = r.adcode
WHERE r.point IS NOT NULL ORDER BY r.adcode
"""

_TOWNS: Final = "SELECT adcode, ST_X(geom), ST_Y(geom) FROM place WHERE kind = 'township' AND geom IS NOT NULL ORDER BY code"

_SUPPLY: Final = f"""
WITH zone AS (
    SELECT r.adcode, ST_X(r.point) AS lon, ST_Y(r.point) AS lat, left(r.adcode, 4) AS city, count(*) OVER (PARTITION BY left(r.adcode, 4)) AS parts
    FROM ({_LEAVES}) r WHERE r.point IS NOT NULL),
held AS (
    SELECT avg(ST_X(at)) AS lon, avg(ST_Y(at)) AS lat, adcode, min(organisation_id) AS owner, coalesce(class_code, '0') AS code, count(*)::float8 AS n
    FROM (SELECT *, geom AS at FROM open_instrument WHERE precision IN ('point', 'township') AND geom IS NOT NULL AND {{box}}
          UNION ALL SELECT *, NULL FROM open_instrument WHERE precision NOT IN ('point', 'township') OR geom IS NULL) i
    GROUP BY round(ST_X(at) / {CELL}), round(ST_Y(at) / {CELL}), adcode, class_code),
vague AS (SELECT *, CASE WHEN adcode LIKE '%00' THEN left(adcode, 4) END AS city FROM held WHERE lon IS NULL)
SELECT coalesce(lon, 'NaN'), coalesce(lat, 'NaN'), coalesce(adcode, '0'), owner, code, n, kind
FROM (
    SELECT lon, lat, adcode, owner, code, n, 0 AS kind FROM held WHERE lon IS NOT NULL
    UNION ALL SELECT z.lon, z.lat, z.adcode, v.owner, v.code, v.n, 1 FROM vague v JOIN zone z ON z.adcode = v.adcode
    UNION ALL SELECT z.lon, z.lat, z.adcode, v.owner, v.code, v.n / z.parts, 2 FROM vague v JOIN zone z ON z.city = v.city AND z.adcode <> v.adcode
    UNION ALL SELECT NULL, NULL, v.adcode, v.owner, v.code, v.n, 3
              FROM vague v WHERE NOT EXISTS (SELECT FROM zone z WHERE z.adcode = v.adcode OR z.city = v.city)) entries
"""
