"""Pages of the open instruments of a view: by registration, by price, or by distance. Keyset paging: rows that come or go move no page.

Each function returns at most `limit` rows after a cursor, in an order that is total. The rows are keys; what a list shows of them is read by
`shown`. `few` says that there are few rows in all: then they are looked up and sorted. Else the index of the order is walked until the page is
full, which would be a walk through everything if hardly a row on the way were wanted; the planner cannot know that, whoever counted does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.wanted import Near, Wanted, around, where

NO_PRICE: Final = 2**62
"""Stands for the price of what is open without an offer: after all prices."""

FURTHEST: Final = 20_100_000.0
"""Metres: no two points of the earth are further apart."""


@dataclass(frozen=True)
class Key:
    """An instrument in an order: its price in fen (`NO_PRICE` without an offer), service and carrier; metres where both places are exact."""

    id: int
    price: int
    service: str | None
    organisation_id: int
    metres: float | None = None


@dataclass(frozen=True)
class Run:
    """A part of the instruments in the order of price and id, and where to go on: offers of `services` (None: all, and what has no offer).

    `among`: only these carriers, or, when `is_among` is false, all others.
    """

    services: tuple[str, ...] | None = None
    among: tuple[int, ...] = ()
    is_among: bool = False
    after: tuple[int, int] = (0, 0)


def by_id(session: Session, wanted: Wanted, *, after: int = 0, limit: int, few: bool = False) -> list[Key]:
    """Return the next instruments in the order in which they were registered."""
    condition, values = where("instruments", wanted)
    query = f"SELECT {_KEY} FROM open_instrument m WHERE {condition} AND m.id > :after ORDER BY m.id{_SORT[few]} LIMIT :limit"
    return [Key(**row) for row in session.execute(text(query), {**values, "after": after, "limit": limit}).mappings()]


def by_price(session: Session, wanted: Wanted, runs: Sequence[Run], *, limit: int, few: bool = False) -> list[list[Key]]:
    """Return the next `limit` of each run, each in the order of price and id."""
    condition, values = where("instruments", wanted)
    parts, order = [], f"ORDER BY m.price{_SORT[few]}, m.id LIMIT :limit"
    for n, run in enumerate(runs):
        more, also = _run(run, n)
        parts.append(f"(SELECT {n} AS run, {_KEY} FROM open_instrument m WHERE {condition} AND {more} {order})")
        values |= also
    rows = session.execute(text(" UNION ALL ".join(parts)), {**values, "limit": limit}).mappings().all() if parts else ()
    found: list[list[Key]] = [[] for _ in runs]
    for row in rows:
        found[row["run"]].append(Key(**{name: row[name] for name in ("id", "price", "service", "organisation_id")}))
    return [sorted(keys, key=lambda key: (key.price, key.id)) for keys in found]


def _run(run: Run, n: int) -> tuple[str, dict[str, Any]]:
    """Return the condition of one run. What has no price is compared as null: it is asked for by id alone."""
    price, after = run.after
    values: dict[str, Any] = {f"price{n}": price, f"id{n}": after}
    said = [f"m.price IS NULL AND m.id > :id{n}" if price >= NO_PRICE else f"(m.price, m.id) > (CAST(:price{n} AS bigint), CAST(:id{n} AS bigint))"]
    if run.services is not None:
        said.append(f"m.service = ANY(:services{n})")
        values[f"services{n}"] = list(run.services)
    if run.among:
        said.append(f"m.organisation_id {'= ANY' if run.is_among else '<> ALL'}(:among{n})")
        values[f"among{n}"] = list(run.among)
    return " AND ".join(said), values


def by_distance(session: Session, place: Near, wanted: Wanted, *, after: tuple[float | None, int], limit: int, few: bool = False) -> list[Key]:
    """Return the next instruments by metres on the ellipsoid from `place`; those whose place is only approximate come last, by registration.

    The index knows degrees alone, so it is asked twice: the next `limit` by degrees say how many metres are enough, and everything within
    them is put in order by metres. A row that is nearer in metres though not in degrees is so never missed.
    """
    circle = wanted.near if wanted.near and (wanted.near.lon, wanted.near.lat) == (place.lon, place.lat) else None
    condition, values = where("instruments", replace(wanted, near=None) if circle else wanted)
    values |= {"lon": place.lon, "lat": place.lat, "limit": limit, "after": after[1]}
    if after[0] is None:
        return [] if circle else _rough(session, condition, values)
    values |= {"metres": after[0]}
    reach = session.execute(text(_REACH.format(condition=condition, sort=_SORT[few])), values).scalar_one()
    found: list[Key] = []
    if reach is not None:
        sides = dict(zip(("reach_west", "reach_south", "reach_east", "reach_north"), around(replace(place, within=reach)), strict=True))
        rows = session.execute(text(_WITHIN.format(condition=condition)), {**values, **sides, "reach": reach}).mappings()
        found = [Key(**row) for row in rows]
    if circle:  # the rows come by distance as it is: the circle only ends them
        return [key for key in found if (key.metres or 0) <= circle.within]
    if len(found) < limit:
        found += _rough(session, condition, {**values, "after": 0, "limit": limit - len(found)})
    return found


def _rough(session: Session, condition: str, values: Mapping[str, Any]) -> list[Key]:
    query = f"SELECT {_KEY} FROM open_instrument m WHERE {condition} AND {_ROUGH} AND m.id > :after ORDER BY m.id LIMIT :limit"
    return [Key(**row) for row in session.execute(text(query), values).mappings()]


@dataclass(frozen=True)
class Shown:
    """What a list shows of an instrument; price in fen of the offer that comes first, None where nothing is offered; WGS84 degrees or None.

    `metres`: on the ellipsoid from where one asks, None where a place is not known exactly.
    """

    id: int
    code: str
    name: str
    type_name: str | None
    type_name_en: str | None
    carrier_id: int
    carrier: str
    carrier_en: str | None
    region: str | None
    region_en: str | None
    lon: float | None
    lat: float | None
    precision: str
    status: str
    service: str | None
    price: int | None
    hours: Mapping[str, Any]
    is_sample: bool
    metres: float | None


def shown(session: Session, ids: Sequence[int], place: Near | None = None) -> dict[int, Shown]:
    """Return what a list shows of open instruments, by id, with the distance from `place`."""
    values = {"ids": list(ids), "lon": place.lon if place else None, "lat": place.lat if place else None}
    rows = session.execute(text(_SHOWN), values).mappings() if ids else ()
    return {row["id"]: Shown(**row) for row in rows}


_KEY: Final = f"m.id, coalesce(m.price, {NO_PRICE}) AS price, m.service, m.organisation_id"
_SORT: Final = {False: "", True: " + 0"}
"""Behind a column of the order: a sum is in no index."""

_ORIGIN: Final = "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)"
_METRES: Final = f"ST_Distance(m.geom::geography, {_ORIGIN}::geography)"
_ROUGH: Final = "(m.geom IS NULL OR m.precision <> 'point')"
_NEXT: Final = f"(CAST(:metres AS float8), CAST(:after AS bigint)) < ({_METRES}, m.id)"

_REACH: Final = f"""
SELECT max(metres) FROM (
    SELECT {_METRES} AS metres FROM open_instrument m WHERE {{condition}} AND m.geom IS NOT NULL AND m.precision = 'point' AND {_NEXT}
    ORDER BY (m.geom <-> {_ORIGIN}){{sort}} LIMIT :limit) n
"""
_WITHIN: Final = f"""
SELECT * FROM (
    SELECT {_KEY}, {_METRES} AS metres FROM open_instrument m
    WHERE {{condition}} AND m.geom && ST_MakeEnvelope(:reach_west, :reach_south, :reach_east, :reach_north, 4326)
      AND m.precision = 'point' AND {_NEXT}
) n WHERE metres <= :reach ORDER BY metres, id LIMIT :limit
"""
_SHOWN: Final = """
SELECT m.id, i.code, i.name, t.name_zh AS type_name, t.name_en AS type_name_en, m.organisation_id AS carrier_id,
       o.name_zh || coalesce(' ' || nullif(s.name, ''), '') AS carrier, o.name_en AS carrier_en, r.name_zh AS region, r.name_en AS region_en,
       ST_X(m.geom) AS lon, ST_Y(m.geom) AS lat, m.precision, m.status, m.service, m.price, i.hours, m.is_sample,
       CASE WHEN m.precision = 'point' THEN ST_Distance(m.geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography) END AS metres
FROM open_instrument m JOIN instrument i ON i.id = m.id JOIN organisation o ON o.id = m.organisation_id
LEFT JOIN instrument_type t ON t.id = m.type_id LEFT JOIN site s ON s.id = i.site_id LEFT JOIN region r ON r.adcode = m.adcode
WHERE m.id = ANY(:ids)
"""
