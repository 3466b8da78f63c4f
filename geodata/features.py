"""What a program may ask of a collection by its properties, its box and its time, as one condition; and how far a collection reaches.

The box asks as the map asks (`geodata.wanted`), so the same box gives the same rows everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.basemap import Box
from geodata.items import Asked
from geodata.properties import COLLECTIONS, Collection
from geodata.wanted import Kind, Wanted, where

KINDS: Final[Mapping[str, Kind]] = {"instruments": "instruments", "carriers": "carriers"}
"""Collections that the map filters."""


@dataclass(frozen=True)
class Question:
    """Rows in a box (WGS84 degrees; west greater than east runs over the 180th meridian), with property values, within a time (both ends count).

    What carries no time is in every time.
    """

    box: Box | None = None
    equal: tuple[tuple[str, Any], ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Extent:
    """The smallest box around all rows (WGS84 degrees, None: nothing has a place), and the first and last instant (None: rows carry no time)."""

    box: Box | None
    first: datetime | None
    last: datetime | None


def asked_of(name: str, question: Question) -> Asked:
    """Return the question to collection `name` as a condition. Properties are names of `geodata.properties`, values of their form."""
    collection = COLLECTIONS[name]
    kind = KINDS.get(name)
    condition, values = where(kind, Wanted(box=question.box)) if kind else _touching(question.box)
    said = [condition] if condition != "true" else []
    for n, (field, value) in enumerate(question.equal):
        found = collection.property(field)
        said.append(found.equals.format(f"p{n}") if found else "false")
        values |= {f"p{n}": value}
    if collection.time:
        said += [f"coalesce({collection.time} {sign} :{end}, true)" for end, sign in _ENDS.items() if getattr(question, end) is not None]
        values |= {end: at for end in _ENDS if (at := getattr(question, end)) is not None}
    alone = question.box if question == Question(box=question.box) and question.box and question.box.west <= question.box.east else None
    return Asked(" AND ".join(said) or "true", values, alone)


def extent(session: Session, name: str) -> Extent:
    """Return how far collection `name` reaches."""
    row = session.execute(text(_EXTENTS[name])).one()
    return Extent(Box(row.west, row.south, row.east, row.north) if row.west is not None else None, row.first, row.last)


_ENDS: Final = {"since": ">=", "until": "<="}


def _touching(box: Box | None) -> tuple[str, dict[str, Any]]:
    """Return the condition that an outline touches the box."""
    if box is None:
        return "true", {}
    parts = [box] if box.west <= box.east else [Box(box.west, box.south, 180, box.north), Box(-180, box.south, box.east, box.north)]
    said: list[str] = []
    values: dict[str, Any] = {}
    for n, part in enumerate(parts):
        said.append(f"ST_Intersects(m.geom, ST_MakeEnvelope(:b{n}_w, :b{n}_s, :b{n}_e, :b{n}_n, 4326))")
        values |= dict(zip((f"b{n}_w", f"b{n}_s", f"b{n}_e", f"b{n}_n"), (part.west, part.south, part.east, part.north), strict=True))
    return f"({' OR '.join(said)})", values


def _outermost(table: str, side: str) -> str:
    """Return the SQL of one side of the box around all points: the point nearest to a far meridian or parallel, which the index knows."""
    far = {
        "west": "(-180 -90, -180 90)", "east": "(180 -90, 180 90)", "south": "(-180 -90, 180 -90)", "north": "(-180 90, 180 90)",
    }[side]  # fmt: skip
    axis = "ST_X" if side in ("west", "east") else "ST_Y"
    nearest = f"geom <-> 'SRID=4326;LINESTRING{far}'::geometry"
    return f"(SELECT {axis}(geom) FROM {table} WHERE geom IS NOT NULL ORDER BY {nearest} LIMIT 1) AS {side}"


def _sides(table: str) -> str:
    return ", ".join(_outermost(table, side) for side in ("west", "south", "east", "north"))


def _around(collection: Collection) -> str:
    edges = "ST_XMin(b) AS west, ST_YMin(b) AS south, ST_XMax(b) AS east, ST_YMax(b) AS north"
    return f"SELECT {edges}, {_NO_TIME} FROM (SELECT ST_Extent(m.geom) AS b FROM {collection.source}) e"


_NO_TIME: Final = "CAST(NULL AS timestamptz) AS first, CAST(NULL AS timestamptz) AS last"

_EXTENTS: Final[Mapping[str, str]] = {
    "instruments": f"""SELECT {_sides("open_instrument")}, min(l.created_at) AS first, max(l.created_at) AS last
        FROM listing l JOIN open_instrument m ON m.id = l.instrument_id WHERE l.state = 'open'""",
    "carriers": f"SELECT {_sides('open_carrier')}, {_NO_TIME}",
    "regions": _around(COLLECTIONS["regions"]),
}
