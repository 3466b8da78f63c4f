"""Open instruments by their distance from a place, in metres on the ellipsoid, in pages, with their total: for programs.

The index knows degrees alone. So the next few of each type by degrees say how many metres are enough, and what lies within them is put in order by
metres: nothing is missed that is nearer in metres though not in degrees. Places that are known only roughly have no distance and are left out.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from geodata.items import Items, written
from geodata.wanted import Wanted, where


def nearest(session: Session, wanted: Wanted, place: tuple[float, float], *, limit: int, after: tuple[float, int] = (-1.0, 0)) -> Items:
    """Return the next `limit` instruments as JSON objects with `distance_m`, in one statement.

    `place`: longitude and latitude, WGS84 degrees. `after`: metres and id of the last one seen. `next` of the result is its id, `reached` its metres.
    """
    types, rest = wanted.types, replace(wanted, types=())
    condition, values = where("instruments", rest)
    values |= {"lon": place[0], "lat": place[1], "after_m": after[0], "after_id": after[1], "types": list(types), "one": types[0] if types else ""}
    named = (_NAMED if len(types) > 1 else _ONE) if types else ""
    row = session.execute(_statement(condition, named, limit, after != (-1.0, 0)), values).one()
    return Items(row.body or "", row.returned, row.total, row.last if row.more else None, row.reached)


def nearest_statement(limit: int) -> str:
    """Return the SQL that reads the first page of one type; parameters :type (its id), :lon, :lat."""
    return _sql("true", "(SELECT CAST(:type AS integer) AS id)", limit, is_after=False)


@lru_cache(maxsize=256)
def _statement(condition: str, types: str, limit: int, is_after: bool) -> TextClause:
    return text(_sql(condition, types, limit, is_after=is_after))


def _sql(condition: str, types: str, limit: int, *, is_after: bool) -> str:
    """Return the statement. The limit stands in it as a number, and one type as an equality: a plan for any place is then as good as its own."""
    said = f"({condition}) AND m.precision = 'point' AND m.geom IS NOT NULL"
    after = " AND (ST_Distance(m.geom::geography, {at}), m.id) > (CAST(:after_m AS float8), CAST(:after_id AS bigint))" if is_after else ""
    of_type = " AND m.type_id = t.id" if types else ""
    some = " AND m.type_id = ANY(ARRAY(SELECT id FROM t))" if types else ""
    return _NEAREST.format(
        limit=limit,
        types=types or "(SELECT CAST(NULL AS integer) AS id)",
        degrees=f"{said}{of_type}{after.format(at='a.g')}",
        metres=f"{said}{some}{after.format(at='a.g')}",
        all=f"{said}{some}",
        line=written("json"),
    )


_NAMED: Final = "(SELECT id FROM instrument_type WHERE name_zh = ANY(:types) OR name_en = ANY(:types))"
_ONE: Final = "(SELECT id FROM instrument_type WHERE name_zh = :one OR name_en = :one)"

_NEAREST: Final = """
WITH t AS MATERIALIZED {types},
a AS MATERIALIZED (SELECT p AS p, p::geography AS g FROM (SELECT ST_SetSRID(ST_MakePoint(CAST(:lon AS float8), CAST(:lat AS float8)), 4326) AS p) q),
k AS MATERIALIZED (
    SELECT ST_Distance(n.geom::geography, a.g) AS d FROM t CROSS JOIN a CROSS JOIN LATERAL (
        SELECT m.geom FROM open_instrument m WHERE {degrees} ORDER BY m.geom <-> a.p LIMIT {limit} + 1) n),
r AS MATERIALIZED (SELECT coalesce(max(d), -1) AS d FROM (SELECT d FROM k ORDER BY d LIMIT {limit} + 1) n),
w AS MATERIALIZED (
    SELECT d, high, high / cos(radians(least(abs(CAST(:lat AS float8)) + high, 89.9))) AS wide
    FROM (SELECT d, 1.01 * d / 110574 + 1e-6 AS high FROM r) h),
f AS MATERIALIZED (
    SELECT m.id, m.geom, ST_Distance(m.geom::geography, a.g) AS d
    FROM a CROSS JOIN w CROSS JOIN LATERAL (SELECT m.* FROM open_instrument m WHERE {metres} AND m.geom && CASE
        WHEN abs(CAST(:lon AS float8)) + wide > 180 OR abs(CAST(:lat AS float8)) + high > 89
        THEN ST_MakeEnvelope(-180, CAST(:lat AS float8) - high, 180, CAST(:lat AS float8) + high, 4326)
        ELSE ST_Expand(a.p, wide, high) END) m
    WHERE ST_Distance(m.geom::geography, a.g) <= w.d ORDER BY 3, 1 LIMIT {limit} + 1)
SELECT (SELECT count(*) FROM open_instrument m CROSS JOIN a WHERE {all}) AS total,
       count(*) FILTER (WHERE n <= {limit}) AS returned, count(*) > {limit} AS more,
       (array_agg(id ORDER BY n DESC) FILTER (WHERE n <= {limit}))[1] AS last, max(d) FILTER (WHERE n <= {limit}) AS reached,
       string_agg(line, ',' ORDER BY n) FILTER (WHERE n <= {limit}) AS body
FROM (SELECT m.id, m.d, m.n, concat(left({line}, -1), ',"distance_m":', round(m.d::numeric, 1), '}}') AS line
      FROM (SELECT f.*, row_number() OVER (ORDER BY d, id) AS n FROM f) m JOIN open_feature f ON f.id = m.id) x
"""
