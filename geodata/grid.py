"""How many there are, and where: exact totals, clusters and counts by class or kind for any box, zoom and filter, in one statement each.

The database counts every open instrument and carrier by cells of six zooms (`geodata.opened`), and writes changes to a log in the transaction that
makes them. What the cells know (class, kind and level of carrier) is counted from whole cells, the log, and the points of the border; any other
filter from the points, through their indexes. Either way the clusters add up to the total and to the rows that `geodata.wanted` selects.

Filling many rows at once: the owner of the tables says `SET LOCAL irm.bulk = 'on'`, copies, and calls `rebuild` in the same transaction. The
triggers look who asks; for the application's role they always act.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.basemap import Box
from geodata.cells import BITS, COARSE, ZOOMS, Rect, border, counted_at, degrees_of, pieces
from geodata.wanted import TABLES, Kind, Wanted, where

CELL: Final = 2
"""Zooms between a map and its clusters: cells of 64 of the 256 pixels of a tile."""

ALONG: Final = {False: 256, True: 64}
"""Cells across a box at the finest zoom that is read for it, without and with a key: more cost more than the points of the border they save."""

NARROW: Final = 1 / 300
"""Part of the world's width below which a box is not counted by key: 1.2 degrees, on a screen from about zoom 10 on."""

EVERYWHERE: Final = Box(-180, -90, 180, 90)

By = Literal["class", "kind", "level"]


@dataclass(frozen=True)
class Cluster:
    """`n` points drawn as one at their mean (WGS84 degrees), with the cell that they lie in.

    `id`: of the only one. `carrier`: whose they all are, where that is known. `approximate`: no point of it is exact.
    """

    lon: float
    lat: float
    n: int
    cell: Box
    id: int | None
    carrier: int | None
    approximate: bool


@dataclass(frozen=True)
class Clusters:
    """All clusters of a view and their sum."""

    total: int
    clusters: tuple[Cluster, ...]


def count(session: Session, kind: Kind, wanted: Wanted) -> int:
    """Count what is wanted; without a box those without a known point count too."""
    query, values = _asked(kind, wanted, first=ZOOMS[0])
    return _number(session, f"SELECT coalesce(sum(n), 0) FROM ({query}) p", values)


def clusters(session: Session, kind: Kind, wanted: Wanted, *, zoom: int) -> Clusters:
    """Return the clusters of what is wanted in its box, in cells of about 64 pixels of a map at `zoom`, from the north-west.

    Without a box: of the whole world, without what has no known point.
    """
    fine = min(max(zoom, 0), BITS - CELL) + CELL
    query, values = _asked(kind, replace(wanted, box=wanted.box or EVERYWHERE), first=counted_at(fine))
    rows = session.execute(text(_CLUSTERS.format(points=query)), {**values, "shift": BITS - fine})
    found = tuple(_cluster(row, fine) for row in rows)
    return Clusters(sum(one.n for one in found), found)


def facets(session: Session, kind: Kind, wanted: Wanted, *, by: By) -> dict[str, int]:
    """Count what is wanted by two-digit class, kind or level of carrier ("" where there is none), most first; they add up to `count`."""
    query, values = _asked(kind, wanted, first=None if (kind, by) == ("carriers", "class") else ZOOMS[0], by=by)
    said = f"SELECT value, sum(n) AS n FROM ({query}) p GROUP BY 1 HAVING sum(n) > 0 ORDER BY 2 DESC, 1"
    return {row.value: int(row.n) for row in session.execute(text(said), values)}


def fold(session: Session) -> int:
    """Add the waiting changes to the cells and return how many there were; 0 when somebody else is at it. Readers see no difference."""
    return _number(session, "SELECT grid_fold()", {})


def pending(session: Session) -> list[int]:
    """Return [1] while changes wait for `fold`, else []."""
    return [1] if session.execute(text("SELECT EXISTS (SELECT FROM grid_delta)")).scalar() else []


def rebuild(session: Session) -> int:
    """Fill the map's tables anew from what stands in the store, as their owner, and return how many instruments are open.

    For many rows at once, after `SET LOCAL irm.bulk = 'on'` and COPY. Writers wait until the transaction ends.
    """
    session.flush()
    return _number(session, "SELECT map_rebuild()", {})


def drift(session: Session) -> list[tuple[str, int]]:
    """Return what the map's tables hold against the store, as (fault, id); empty at all times."""
    return [(row.fault, row.id) for row in session.execute(text("SELECT fault, id FROM map_drift ORDER BY 1, 2 LIMIT 100"))]


def covered(kind: Kind, wanted: Wanted, rects: Sequence[Rect], cover: Rect, *, by: By | None = None) -> tuple[str, dict[str, Any]]:
    """Return the query for the signed parts that add up to what is wanted in whole cells, and its values; no box of `wanted` is looked at.

    `rects` lie side by side at zooms of `ZOOMS` and make up `cover`. Columns: px, py, n, approximate, sx, sy, ids, carrier, value (of `by`).
    """
    keys, known = _keys(wanted, by)
    value = "NULL" if by is None else f'{{}}."{by}"'
    parts = [
        _CELLS.format(keys=keys, value=value.format("k")),
        _CHANGES.format(known=known, within=WITHIN.format("d"), value=value.format("d")),
    ]
    values: dict[str, Any] = {"layer": kind, "class": wanted.class_code[:2], "kinds": list(wanted.kinds), "levels": list(wanted.levels)}
    for left_out, more in _left_out(wanted):
        taken, asked = points(kind, replace(wanted, box=None, busy=(), working=False), by)
        parts.append(_AWAY.format(points=f"{taken} AND m.geom IS NOT NULL AND {WITHIN.format('m')} AND {left_out}"))
        values |= {**asked, **more}
    return " UNION ALL ".join(parts), {**values, **within(cover), **_arrays(rects)}


def points(kind: Kind, wanted: Wanted, by: By | None = None) -> tuple[str, dict[str, Any]]:
    """Return the query for every single point that is wanted, with the columns of `covered`, and its values; more conditions may follow."""
    condition, values = where(kind, wanted)
    return f"SELECT {_POINT[kind]}, {_VALUE[kind][by] if by else 'NULL'} AS value FROM {TABLES[kind]} WHERE {condition}", values


def within(cover: Rect) -> dict[str, int]:
    """Return the values of the condition `WITHIN`, which says that a point lies in the cells of `cover`."""
    return {"down": BITS - cover.zoom, "x0": cover.x0, "x1": cover.x1, "y0": cover.y0, "y1": cover.y1}


WITHIN: Final = "({0}.px >> :down BETWEEN :x0 AND :x1 AND {0}.py >> :down BETWEEN :y0 AND :y1)"


def touching(boxes: Sequence[Box]) -> tuple[str, dict[str, float]]:
    """Return the condition that a point lies in one of the boxes or less than a metre beside, as the index can tell, and its values."""
    said = " OR ".join(f"m.geom && ST_MakeEnvelope(:w{n}, :s{n}, :e{n}, :n{n}, 4326)" for n in range(len(boxes)))
    return f"({said})", {f"{side[0]}{n}": value for n, box in enumerate(boxes) for side, value in vars(box).items()}


def _asked(kind: Kind, wanted: Wanted, *, first: int | None, by: By | None = None) -> tuple[str, dict[str, Any]]:
    """Return the query for the signed parts that add up to what is wanted, and its values; cells are not coarser than zoom `first`."""
    single, values = points(kind, wanted, by)
    if first is None or not in_cells(kind, wanted):
        return single, values
    box = wanted.box or EVERYWHERE
    zooms = _zooms(first, box, keyed=bool(by or wanted.kinds or wanted.levels or wanted.class_code))
    rects, cover = pieces(box, zooms) if zooms else ([], None)
    if cover is None or cover.is_empty:
        return single, values
    near, edges = touching(border(box, cover))
    beyond = f"({near} AND NOT {WITHIN.format('m')}{'' if wanted.box else ' OR m.geom IS NULL'})"
    inside, more = covered(kind, wanted, rects, cover, by=by)
    return f"{inside} UNION ALL {single} AND {beyond}", {**values, **more, **edges}


def _left_out(wanted: Wanted) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the conditions on what the cells count and a filter leaves out: out of order, and busy; no row meets two of them."""
    if wanted.working:
        yield "m.status <> 'working'", {}
    if wanted.busy:
        still = " AND m.status = 'working'" if wanted.working else ""
        yield f"m.id = ANY(CAST(:busy AS bigint[])){still}", {"busy": list(wanted.busy)}


def in_cells(kind: Kind, wanted: Wanted) -> bool:
    """Say whether the cells know all that is asked for; a box over the 180th meridian is left to the points."""
    unknown = replace(wanted, box=None, kinds=(), levels=(), busy=(), working=False, class_code="") != Wanted()
    known = kind == "instruments" and (not wanted.class_code or wanted.class_code.endswith("0000"))
    across = wanted.box is not None and wanted.box.west > wanted.box.east
    return not unknown and not across and (known or not (wanted.class_code or wanted.busy or wanted.working))


def _zooms(first: int, box: Box, *, keyed: bool) -> tuple[int, ...]:
    """Return the zooms to take a box apart with, from `first` on; none where the points themselves are read sooner.

    Down to cells whose border holds few points. With a key there are many rows a cell: then fewer zooms are read, and small boxes not by cells.
    """
    wide = (box.east - box.west) / 360
    if keyed and wide < NARROW:
        return ()
    finest = next((zoom for zoom in ZOOMS if 2**zoom * wide >= ALONG[keyed]), ZOOMS[-1])
    found = tuple(zoom for zoom in ZOOMS if first <= zoom <= max(first, finest))
    return found[:: -3 if keyed else -1][::-1]


def _keys(wanted: Wanted, by: By | None) -> tuple[str, str]:
    """Return the conditions on keys `k` that count each point once, and on changes `d`: at coarse zooms there are sums by one of them alone."""
    asked = {"class": (wanted.class_code, "= :class"), "kind": (wanted.kinds, "= ANY(:kinds)"), "level": (wanted.levels, "= ANY(:levels)")}
    given = {name: said for name, (value, said) in asked.items() if value}
    needed = {*given, *([by] if by else [])}
    known = " AND ".join(["true", *(f'{{alias}}."{name}" {said}' for name, said in given.items())]).format
    full = " AND ".join(f"k.{name} {'<>' if needed else '='} '*'" for name in asked)
    if len(needed) == 1:
        alone = " AND ".join(f"k.{name} {'<>' if name in needed else '='} '*'" for name in asked)
        full = f"CASE WHEN k.zoom <= {COARSE} THEN {alone} ELSE {full} END"
    return f"{full} AND {known(alias='k')}", known(alias="d")


def _arrays(rects: Iterable[Rect]) -> dict[str, list[int]]:
    rows = [(rect.zoom, rect.x0, rect.x1, rect.y0, rect.y1) for rect in rects]
    return {name: [row[nth] for row in rows] for nth, name in enumerate(("zooms", "west", "east", "north", "south"))}


def _cluster(row: Any, zoom: int) -> Cluster:
    lon, lat = degrees_of(int(row.sx) / int(row.n) + 0.5, int(row.sy) / int(row.n) + 0.5)
    cell = Rect(zoom, row.x, row.y, row.x, row.y).box
    return Cluster(lon, lat, int(row.n), cell, int(row.ids) if row.n == 1 else None, row.carrier, row.approximate == row.n)


def _number(session: Session, query: str, values: dict[str, Any]) -> int:
    return int(session.execute(text(query), values).scalar_one())


_POINT: Final = {
    kind: f"m.px, m.py, 1 AS n, {approximate} AS approximate, m.px::bigint AS sx, m.py::bigint AS sy, m.id AS ids, {carrier} AS carrier"
    for kind, approximate, carrier in (
        ("instruments", "(m.precision <> 'point')::integer", "m.organisation_id"),
        ("carriers", "coalesce((m.precision <> 'point')::integer, 0)", "m.id"),
    )
}
_VALUE: Final = {
    kind: {"class": first, "kind": "coalesce(m.carrier_kind, '')", "level": "coalesce(m.level, '')"}
    for kind, first in (("instruments", "coalesce(left(m.class_code, 2), '')"), ("carriers", "''"))
}
_CELLS: Final = """
SELECT g.x << (30 - s.zoom) AS px, g.y << (30 - s.zoom) AS py, g.n, g.approximate, g.sx, g.sy, g.ids, NULL::bigint AS carrier, {value}::text AS value
FROM unnest(CAST(:zooms AS int[]), CAST(:west AS int[]), CAST(:east AS int[]), CAST(:north AS int[]), CAST(:south AS int[]))
    AS s (zoom, x0, x1, y0, y1)
JOIN grid_key k ON k.layer = :layer AND k.zoom = s.zoom AND {keys}
CROSS JOIN LATERAL (SELECT * FROM grid WHERE key = k.id AND x BETWEEN s.x0 AND s.x1 AND y BETWEEN s.y0 AND s.y1 OFFSET 0) g"""
_CHANGES: Final = """
SELECT d.px, d.py, d.n, d.approximate, d.n * d.px::bigint, d.n * d.py::bigint, d.ids, NULL::bigint, {value}::text
FROM grid_delta d WHERE d.layer = :layer AND d.px IS NOT NULL AND {within} AND {known}"""
_AWAY: Final = "SELECT px, py, -n, -approximate, -sx, -sy, -ids, NULL::bigint, value FROM ({points}) b"
_CLUSTERS: Final = """
SELECT px >> :shift AS x, py >> :shift AS y, sum(n) AS n, sum(approximate) AS approximate, sum(sx) AS sx, sum(sy) AS sy, sum(ids) AS ids,
       CASE WHEN count(carrier) = count(*) AND min(carrier) = max(carrier) THEN min(carrier) END AS carrier
FROM ({points}) p GROUP BY 1, 2 HAVING sum(n) > 0 ORDER BY 2, 1"""
