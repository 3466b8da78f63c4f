"""Vector tiles (Mapbox Vector Tile 2.1, EPSG:3857) of instruments, carriers and regions, drawn by PostGIS in one statement with their version.

Below zoom 13 instruments and carriers come as counts in cells of 32 pixels (attribute `n`), at the mean of their points; from 13 on one by one.
A tile reaches over its edges by a cell or 16 pixels, so that a circle on an edge is drawn whole on both sides. Positions are the whole numbers of
`geodata.cells`, so a point needs no projection. What a filter means is left to `geodata.wanted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound
from geodata.cells import BITS, Rect, counted_at
from geodata.grid import WITHIN, covered, in_cells, points, touching, within
from geodata.wanted import TABLES, Kind, Wanted, where

Layer = Literal["instruments", "carriers", "regions"]

RAW: Final = 13
"""From this zoom on every point is a feature of its own."""

MOST_ZOOM: Final = 22
EXTENT: Final = 4096
"""Units across a tile."""

_CELL: Final = 3
"""Zooms between a tile and its cells: eight cells of 32 pixels each way."""

_BUFFER: Final = 4
"""Zooms between a tile and what single points reach over its edge: a sixteenth of it, 16 pixels."""


@dataclass(frozen=True)
class Tile:
    """A tile of the usual numbering: x from the west, y from the north."""

    layer: Layer
    z: int
    x: int
    y: int


@dataclass(frozen=True)
class Drawn:
    """The body of a tile, empty where there is nothing, and the version of the rows that it shows."""

    body: bytes
    version: str


def tile_of(layer: str, z: int, x: int, y: int) -> Tile:
    """Return the tile; raise `NotFound` for a layer that we do not have and for numbers outside of the world."""
    if layer not in LAYERS or not 0 <= z <= MOST_ZOOM or not (0 <= x < 1 << z and 0 <= y < 1 << z):
        raise NotFound
    return Tile(cast("Layer", layer), z, x, y)


def version(session: Session, layer: Layer) -> str:
    """Return a text that is another one after every committed change of what the layer shows, and the same in between."""
    found: str = session.execute(text(f"SELECT {_VERSION}"), {"sources": LAYERS[layer]}).scalar_one()
    return found


def draw(session: Session, tile: Tile, wanted: Wanted) -> Drawn:
    """Draw the tile for a filter without a box; regions know no filter."""
    if tile.layer == "regions":
        query, values = _regions(tile)
    else:
        query, values = (_single if tile.z >= RAW else _counted)(tile, tile.layer, replace(wanted, box=None))
    said = f"SELECT {_VERSION} AS version, (SELECT ST_AsMVT(f, :name, {EXTENT}, 'geom') FROM ({query}) f) AS body"
    row = session.execute(text(said), {**values, "sources": LAYERS[tile.layer], "name": tile.layer}).one()
    return Drawn(bytes(row.body), row.version)


def _counted(tile: Tile, kind: Kind, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """Return the query for counts by cell, one cell beyond each edge."""
    cells = _around(tile, _CELL)
    counted = counted_at(cells.zoom)
    if counted is not None and in_cells(kind, wanted):
        rect = cells.at(counted)
        query, values = covered(kind, wanted, [rect], rect)
    else:
        query, values = points(kind, wanted)
        near, edges = touching([cells.box])
        query, values = f"{query} AND {near} AND {WITHIN.format('m')}", {**values, **edges, **within(cells)}
    return _COUNTED.format(points=query), {**values, **_onto(tile), "shift": BITS - cells.zoom}


def _single(tile: Tile, kind: Kind, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """Return the query for single points."""
    cells = _around(tile, min(_BUFFER, BITS - tile.z))
    condition, values = where(kind, wanted)
    near, edges = touching([cells.box])
    return _SINGLE[kind].format(where=f"{near} AND {WITHIN.format('m')} AND {condition}"), {**values, **edges, **within(cells), **_onto(tile)}


def _regions(tile: Tile) -> tuple[str, dict[str, Any]]:
    """Return the query for the regions that can be told apart at this zoom."""
    levels = next(levels for upto, levels in _LEVELS if tile.z <= upto)
    detail = "tiny" if tile.z <= _TINY else "simple"
    return _REGIONS, {"z": tile.z, "x": tile.x, "y": tile.y, "detail": detail, "levels": list(levels)}


def _around(tile: Tile, finer: int) -> Rect:
    """Return the cells of the tile, `finer` zooms finer, with one more on each side; the world ends at its edge."""
    across = 1 << finer
    last = (1 << (tile.z + finer)) - 1
    west, north = tile.x * across - 1, tile.y * across - 1
    return Rect(tile.z + finer, max(west, 0), max(north, 0), min(west + across + 1, last), min(north + across + 1, last))


def _onto(tile: Tile) -> dict[str, Any]:
    """Return what takes positions to the units of the tile: its north-west corner, and units in a position."""
    size = BITS - tile.z
    return {"left": tile.x << size, "top": tile.y << size, "scale": EXTENT / (1 << size)}


LAYERS: Final[Mapping[Layer, list[str]]] = {
    "instruments": ["instruments"],
    "carriers": ["carriers", "instruments"],
    "regions": ["regions"],
}
"""Each layer with the logs of changes that it depends on: carriers are also asked for by what their instruments are."""

FIELDS: Final[Mapping[Layer, Mapping[str, str]]] = {
    "instruments": {
        "n": "Number",
        "id": "Number",
        "name": "String",
        "type": "String",
        "carrier": "String",
        "price": "Number",
        "approximate": "Boolean",
        "sample": "Boolean",
    },
    "carriers": {
        "n": "Number",
        "id": "Number",
        "name": "String",
        "kind": "String",
        "level": "String",
        "instruments": "Number",
        "approximate": "Boolean",
        "sample": "Boolean",
    },
    "regions": {"adcode": "String", "name": "String", "name_en": "String", "level": "String"},
}
"""Attributes of the features by layer, with their TileJSON types."""

_LEVELS: Final = ((4, ("province",)), (7, ("province", "city")), (MOST_ZOOM, ("province", "city", "county")))
_TINY: Final = 8
# While the stamp stays, changes only come and none goes: their number then names the state that a snapshot shows.
_VERSION: Final = """(SELECT string_agg(s.stamp || '.' || (SELECT count(*) FROM grid_delta d WHERE d.layer = s.layer), '-' ORDER BY s.layer)
    FROM grid_state s WHERE s.layer = ANY(:sources))"""
_COUNTED: Final = """
SELECT ST_MakePoint(floor((sum(sx) / sum(n) - :left) * :scale), floor((sum(sy) / sum(n) - :top) * :scale)) AS geom, sum(n)::integer AS n,
       sum(approximate) = sum(n) AS approximate
FROM ({points}) p GROUP BY px >> :shift, py >> :shift HAVING sum(n) > 0"""
_PLACE: Final = "ST_MakePoint(floor((m.px - :left) * :scale), floor((m.py - :top) * :scale)) AS geom"
_SINGLE: Final[Mapping[Kind, str]] = {
    "instruments": f"""
SELECT {_PLACE}, m.id, m.name, t.name_zh AS type, o.name_zh AS carrier, m.price, m.precision <> 'point' AS approximate, m.is_sample AS sample
FROM {TABLES["instruments"]} JOIN organisation o ON o.id = m.organisation_id LEFT JOIN instrument_type t ON t.id = m.type_id
WHERE {{where}}""",
    "carriers": f"""
SELECT {_PLACE}, m.id, o.name_zh AS name, m.carrier_kind AS kind, m.level, m.instruments, coalesce(m.precision <> 'point', false) AS approximate,
       m.is_sample AS sample
FROM {TABLES["carriers"]} JOIN organisation o ON o.id = m.id
WHERE {{where}}""",
}
_REGIONS: Final = """
SELECT ST_AsMVTGeom(ST_Transform(s.geom, 3857), ST_TileEnvelope(:z, :x, :y), 4096, 64, true) AS geom,
       r.adcode, r.name_zh AS name, r.name_en, r.level
FROM region r JOIN region_shape s ON s.adcode = r.adcode AND s.detail = :detail
WHERE r.geom && ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => 0.02), 4326) AND r.level = ANY(:levels)
ORDER BY array_position(:levels, r.level) DESC, r.adcode"""
