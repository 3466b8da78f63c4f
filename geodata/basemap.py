"""What lies under the pins: regions, waters and carriers as GeoJSON text that PostGIS has written. Degrees, EPSG:4326, four decimals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_, Invalid

PROVINCE = "330000"
"""The province whose counties are drawn; its neighbours are land without inner lines."""

DETAILS = {"tiny": 3, "simple": 4}
"""Details of outlines, and decimals of a degree that they are worth (600 m and 150 m apart)."""

MOST_CARRIERS = 300


@dataclass(frozen=True)
class Box:
    """A box in WGS84 degrees with west < east and south < north."""

    west: float
    south: float
    east: float
    north: float


def read_box(given: str, field: str = "bbox") -> Box:
    """Read "west,south,east,north" in degrees; raise `Invalid` for anything that is no box on the globe."""
    try:
        west, south, east, north = (float(part) for part in given.split(","))
    except ValueError as wrong:
        raise Invalid(field, N_("范围要写成四个数：西,南,东,北（经纬度）。")) from wrong
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise Invalid(field, N_("范围不对：西要小于东，南要小于北，经度在 ±180、纬度在 ±90 以内。"))
    return Box(west, south, east, north)


def regions_geojson(session: Session, detail: str, province: str = PROVINCE) -> str:
    """Return the regions of the base map as a FeatureCollection, lowest first: neighbours, counties of `province`, then its cities as lines."""
    values = {"detail": detail, "inside": province[:2] + "%", "digits": DETAILS[detail]}
    return _kept(session, _REGIONS, values, version="region")


def waters_geojson(session: Session) -> str:
    """Return lakes, rivers and the names of open water as a FeatureCollection."""
    return _kept(session, _WATERS, {"digits": 3}, version="water")


def carriers_geojson(session: Session, box: Box, *, english: bool) -> str:
    """Return at most 300 sites of carriers in the box as a FeatureCollection; sites known to the city only are marked approximate."""
    values = {**vars(box), "most": MOST_CARRIERS, "english": english, "digits": 5}
    found: str = session.execute(text(_CARRIERS), values).scalar_one()
    return found


def carriers_in(session: Session, box: Box) -> int:
    """Count the carriers with a site in the box."""
    found: int = session.execute(text(_COUNT + _ENVELOPE), vars(box)).scalar_one()
    return found


def _kept(session: Session, query: str, values: dict[str, Any], *, version: str) -> str:
    """Return the text that `query` writes, from this process's memory as long as no row that it reads has changed."""
    wanted = (version, values.get("detail"), values.get("inside"))
    stamp: str = session.execute(text(_VERSIONS[version])).scalar_one()
    known = _KEPT.get(wanted)
    if known is None or known[0] != stamp:
        known = stamp, session.execute(text(query), values).scalar_one()
        _KEPT[wanted] = known
    return known[1]


_KEPT: Final[dict[tuple[str, str | None, str | None], tuple[str, str]]] = {}

_VERSIONS: Final = {
    "region": """SELECT concat_ws(':', r.n, r.last, s.n, s.last) FROM (SELECT count(*) AS n, max(xmin::text::bigint) AS last FROM region) r,
                 (SELECT count(*) AS n, max(xmin::text::bigint) AS last FROM region_shape) s""",
    "water": "SELECT concat_ws(':', count(*), max(xmin::text::bigint)) FROM water",
}
"""How many rows there are and the last transaction that wrote one: rows that are added, changed or removed give another value."""

_ENVELOPE = "ST_MakeEnvelope(:west, :south, :east, :north, 4326)"

_COUNT = """
SELECT count(DISTINCT s.organisation_id) FROM site s JOIN organisation o ON o.id = s.organisation_id AND o.kind = 'carrier' WHERE s.geom && """

_COLLECTION = """
SELECT json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(json_build_object(
    'type', 'Feature', 'geometry', ST_AsGeoJSON(geom, :digits)::json, 'properties', properties) ORDER BY rank, id), '[]'::json))::text
FROM ("""

_REGIONS = (
    _COLLECTION
    + """
    SELECT r.adcode AS id, s.geom,
           CASE WHEN r.level = 'province' THEN 0 WHEN r.level = 'county' THEN 1 ELSE 2 END AS rank,
           json_build_object('adcode', r.adcode, 'name', r.name_zh, 'name_en', r.name_en, 'level', r.level, 'parent', r.parent_adcode,
               'in_province', r.adcode LIKE :inside,
               'at', json_build_array(round(ST_X(r.point)::numeric, 4), round(ST_Y(r.point)::numeric, 4))) AS properties
    FROM region r JOIN region_shape s ON s.adcode = r.adcode AND s.detail = :detail
    WHERE (r.adcode LIKE :inside AND r.level IN ('city', 'county')) OR (r.adcode NOT LIKE :inside AND r.level = 'province')) f
"""
)

_WATERS = (
    _COLLECTION
    + """
    SELECT id::text, geom, CASE kind WHEN 'lake' THEN 0 WHEN 'river' THEN 1 ELSE 2 END AS rank,
           json_build_object('kind', CASE kind WHEN 'label' THEN 'name' ELSE kind END, 'name', nullif(name_zh, ''), 'name_en', nullif(name_en, ''),
               'at', CASE WHEN kind = 'lake' THEN json_build_array(round(ST_X(ST_PointOnSurface(geom))::numeric, 4),
                                                                   round(ST_Y(ST_PointOnSurface(geom))::numeric, 4)) END) AS properties
    FROM water) f
"""
)

_CARRIERS = (
    _COLLECTION
    + f"""
    SELECT s.id::text, s.geom, 0 AS rank,
           json_build_object('id', o.id, 'name', CASE WHEN :english THEN coalesce(o.name_en, o.name_zh) ELSE o.name_zh END
               || coalesce(' ' || nullif(s.name, ''), ''), 'name_en', o.name_en, 'url', '/carriers/' || o.id, 'kind', o.carrier_kind,
               'kind_glyph', CASE o.carrier_kind WHEN 'university' THEN '校' WHEN 'institute' THEN '院' WHEN 'company' THEN '企' ELSE '台' END,
               'approximate', s.precision <> 'point') AS properties
    FROM site s JOIN organisation o ON o.id = s.organisation_id AND o.kind = 'carrier'
    WHERE s.geom && {_ENVELOPE} ORDER BY s.id LIMIT :most) f
"""
)
