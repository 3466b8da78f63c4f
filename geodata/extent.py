"""How far the loaded land reaches: what a map may show is read from the regions that are there, not written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.basemap import Box


@dataclass(frozen=True)
class Extent:
    """The box (WGS84 degrees) around the provinces that are loaded with their cities and counties, and the first two digits of their codes.

    Neighbours come without counties, or, as Shanghai does, with nothing else: they are the surroundings and not the land.
    """

    box: Box
    provinces: tuple[str, ...]


def extent(session: Session) -> Extent | None:
    """Return how far the counties reach, from this process's memory as long as no outline has changed; None without any."""
    stamp: str = session.execute(text(_STAMP)).scalar_one()
    known = _KEPT.get("extent")
    if known is None or known[0] != stamp:
        known = stamp, _read(session)
        _KEPT["extent"] = known
    return known[1]


def _read(session: Session) -> Extent | None:
    row = session.execute(text(_EXTENT)).one()
    return Extent(Box(row.west, row.south, row.east, row.north), tuple(row.provinces)) if row.provinces else None


_KEPT: Final[dict[str, tuple[str, Extent | None]]] = {}

_STAMP = "SELECT concat_ws(':', count(*), max(xmin::text::bigint)) FROM region"

_EXTENT = """
WITH whole AS (SELECT left(adcode, 2) AS province FROM region WHERE level IN ('city', 'county') GROUP BY 1 HAVING count(DISTINCT level) = 2)
SELECT ST_XMin(e.box) AS west, ST_YMin(e.box) AS south, ST_XMax(e.box) AS east, ST_YMax(e.box) AS north, e.provinces
FROM (SELECT ST_Extent(s.geom) AS box, array_agg(DISTINCT w.province ORDER BY w.province) AS provinces
      FROM whole w JOIN region r ON left(r.adcode, 2) = w.province AND r.level = 'county'
      JOIN region_shape s ON s.adcode = r.adcode AND s.detail = 'tiny') e
"""
