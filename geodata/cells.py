"""The cells of the map, as arithmetic: positions in the Web Mercator square, tiles, and a box taken apart into whole cells of several zooms.

A position is a whole number of 2^-30 of the world's width (3.7 cm at the equator), east and south of the north-west corner; the same numbers as
`map_x` and `map_y` of the database give. The tile x, y of zoom z holds the positions x * 2^(30-z) … (x+1) * 2^(30-z) - 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import asinh, atan, ceil, degrees, floor, pi, radians, sinh, tan
from typing import Final

from geodata.basemap import Box

BITS: Final = 30
WORLD: Final = 1 << BITS
NORTHEND: Final = 85.0511287
"""Degrees of latitude where the square ends; what lies beyond is drawn on its edge."""

ZOOMS: Final = (6, 8, 10, 12, 14, 16)
"""Zooms at which the database counts cells."""

COARSE: Final = 10
"""Up to this zoom cells are also counted by class, kind or level of carrier alone."""

_MARGIN: Final = 2
"""Positions that a whole cell stays away from the edge of a box: more than the rounding of the formulas."""


@dataclass(frozen=True)
class Rect:
    """Cells of one zoom from x0, y0 to x1, y1, both included; empty when x1 < x0 or y1 < y0."""

    zoom: int
    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def is_empty(self) -> bool:
        """Say whether there is no cell in it."""
        return self.x1 < self.x0 or self.y1 < self.y0

    def at(self, zoom: int) -> Rect:
        """Return the same area in cells of a finer zoom."""
        by = zoom - self.zoom
        return Rect(zoom, self.x0 << by, self.y0 << by, ((self.x1 + 1) << by) - 1, ((self.y1 + 1) << by) - 1)

    @property
    def box(self) -> Box:
        """Return its outline in WGS84 degrees."""
        size = 1 << (BITS - self.zoom)
        west, north = degrees_of(self.x0 * size, self.y0 * size)
        east, south = degrees_of((self.x1 + 1) * size, (self.y1 + 1) * size)
        return Box(west, south, east, north)


def position(lon: float, lat: float) -> tuple[float, float]:
    """Return the position of WGS84 degrees, not yet rounded down (EPSG:3857: y = asinh(tan(lat)))."""
    inside = max(-NORTHEND, min(NORTHEND, lat))
    return (lon + 180) / 360 * WORLD, (0.5 - asinh(tan(radians(inside))) / (2 * pi)) * WORLD


def degrees_of(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude in WGS84 degrees of a position."""
    return x / WORLD * 360 - 180, degrees(atan(sinh(pi * (1 - 2 * y / WORLD))))


def whole(box: Box, zoom: int) -> Rect:
    """Return the cells of `zoom` that lie in the box entirely."""
    size = 1 << (BITS - zoom)
    west, north = position(box.west, box.north)
    east, south = position(box.east, box.south)
    first, last = (ceil((low + _MARGIN) / size) for low in (west, north)), (floor((high - _MARGIN) / size) - 1 for high in (east, south))
    (x0, y0), (x1, y1) = first, last
    return Rect(zoom, x0, y0, x1, y1)


def pieces(box: Box, zooms: Sequence[int]) -> tuple[list[Rect], Rect]:
    """Take the box apart into whole cells, the largest that fit: return them without overlap, and what they cover together at the finest zoom.

    `zooms` rise. What the cells leave is the border of the box; the cover is empty when no cell fits.
    """
    nested = [whole(box, zoom) for zoom in zooms]
    fitting = [rect for rect in nested if not rect.is_empty]
    if not fitting:
        return [], nested[-1]
    found = fitting[:1]
    for inner, outer in pairwise(fitting):
        found += strips(outer, inner.at(outer.zoom))
    return found, fitting[-1]


def strips(outer: Rect, inner: Rect) -> Iterator[Rect]:
    """Yield what `outer` has around `inner`, both of one zoom, as at most four rectangles: north, south, west, east."""
    around = (
        Rect(outer.zoom, outer.x0, outer.y0, outer.x1, inner.y0 - 1),
        Rect(outer.zoom, outer.x0, inner.y1 + 1, outer.x1, outer.y1),
        Rect(outer.zoom, outer.x0, inner.y0, inner.x0 - 1, inner.y1),
        Rect(outer.zoom, inner.x1 + 1, inner.y0, outer.x1, inner.y1),
    )
    return (rect for rect in around if not rect.is_empty)


def border(box: Box, cover: Rect) -> list[Box]:
    """Return boxes that hold everything of `box` outside of `cover`; they overlap, and reach over the line between by less than a metre."""
    if cover.is_empty:
        return [box]
    inner, step = cover.box, 1e-6
    return [
        Box(box.west, box.south, inner.west + step, box.north),
        Box(inner.east - step, box.south, box.east, box.north),
        Box(box.west, inner.north - step, box.east, box.north),
        Box(box.west, box.south, box.east, inner.south + step),
    ]


def counted_at(zoom: int) -> int | None:
    """Return the coarsest zoom of `ZOOMS` whose cells make up those of `zoom`, or None when they are too large."""
    return next((known for known in ZOOMS if known >= zoom), None)
