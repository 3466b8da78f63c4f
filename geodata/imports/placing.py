"""Say where each row's instrument stands: by its own point, by a site it names, by its address or region, else at the carrier's site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import pack, unpack
from typing import Any, Final

from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from core.errors import N_, Invalid
from geodata.crs import SYSTEMS, Degrees, to_wgs84
from geodata.geocoding import geocode_many
from geodata.imports import positions
from geodata.imports.checking import Row
from geodata.imports.columns import system_named
from geodata.imports.positions import Suspicion, agrees, near_region, points_of, read_point, regions_of
from geodata.imports.regions import Regions
from geodata.imports.values import is_blank, plain
from geodata.places import Geocoded

SUSPECTED: Final = "suspected"
"""Instead of a system: each row is read in the one it was suspected of."""

_POINT_HEAD: Final = "0101000020E6100000"


@dataclass(frozen=True)
class Home:
    """The carrier whose file it is: its region and its sites with a point, WGS84 degrees."""

    id: int
    code: str
    adcode: str | None
    is_sample: bool
    sites: tuple[Mapping[str, Any], ...]

    @property
    def exact(self) -> Degrees:
        """The sites that are exact to the point, as (n, 2) degrees."""
        return points_of((s["lon"], s["lat"]) for s in self.sites if s["precision"] == "point")

    def site(self, name: str) -> Mapping[str, Any] | None:
        """Return the site of that name, or the only one whose name contains it or is contained in it."""
        said = plain(name).replace(" ", "")
        same = [s for s in self.sites if s["name"] and s["name"].replace(" ", "") == said]
        alike = same or [s for s in self.sites if s["name"] and (s["name"] in said or said in s["name"])]
        return alike[0] if len(alike) == 1 else None


@dataclass(frozen=True)
class Question:
    """What must be answered before the waiting rows can be read: which system their coordinates are in."""

    suspicion: Suspicion
    systems: Mapping[str, Sequence[int]]
    waiting: Sequence[int]


def home_of(session: Session, code: str) -> Home:
    """Return the carrier of that code; raise `Invalid("carrier")` where there is none."""
    found = session.execute(sql(_CARRIER), {"code": code}).mappings().one_or_none()
    if found is None:
        raise Invalid("carrier", N_("没有编号为“%(code)s”的载体。"), code=code[:60])
    return Home(**{**found, "sites": tuple(found["sites"])})


def place(session: Session, rows: Sequence[Row], home: Home, *, crs: str | None, declared: str | None) -> Question | None:
    """Give every row its place or its fault; return the question about rows whose system nobody declared and that look shifted.

    `crs` is what the person answered (a system, or "suspected"), `declared` what file or headers say. Raises `Invalid("crs")` for no system.
    """
    if crs is not None and crs not in (*SYSTEMS, SUSPECTED):
        raise Invalid("crs", N_("不认识的坐标系：%(crs)s。可用：%(known)s。"), crs=crs[:20], known=" / ".join((*SYSTEMS, SUSPECTED)))
    _read_points(rows)
    regions = Regions(session, home.adcode)
    _read_regions(rows, regions)
    asked = _read_systems(session, rows, home, crs, declared)
    _stand_on_points(session, rows, home, regions)
    _stand_elsewhere(session, rows, home, regions)
    return asked


def _read_points(rows: Sequence[Row]) -> None:
    known: dict[tuple[str, str, str], Any] = {}
    for row in rows:
        lon, lat, shape = (row.cells.get(name, "") for name in ("lon", "lat", "geometry"))
        key = ("" if is_blank(lon) else lon, "" if is_blank(lat) else lat, "" if is_blank(shape) else shape)
        if key not in known:
            try:
                known[key] = read_point(*key)
            except Invalid as wrong:
                known[key] = wrong
        if isinstance(known[key], Invalid):
            row.refuse(known[key])
        else:
            row.point = known[key]


def _read_regions(rows: Sequence[Row], regions: Regions) -> None:
    for row in rows:
        text = row.cells.get("region", "")
        if not text or is_blank(text):
            continue
        try:
            found = regions.stated(text, row.point)
        except Invalid as wrong:
            row.refuse(wrong)
            continue
        if found:
            row.region = found.adcode
            row.note("region", found.notes)


def _read_systems(session: Session, rows: Sequence[Row], home: Home, crs: str | None, declared: str | None) -> Question | None:
    """Settle the system of every row with a point: its own column, the answer, the header or file; else WGS84 unless it looks shifted."""
    open_: list[Row] = []
    for row in rows:
        said = row.cells.get("crs", "")
        if row.point is None:
            continue
        if said and not is_blank(said):
            row.system = system_named(said)
            if row.system is None:
                row.refuse(Invalid("crs", N_("不认识的坐标系：%(crs)s。可用：%(known)s。"), crs=said[:20], known=" / ".join(SYSTEMS)))
        elif crs in SYSTEMS or (declared and crs is None):
            row.system = crs or declared
        else:
            open_.append(row)
    return _suspect(session, open_, home, crs) if open_ else None


def _suspect(session: Session, rows: Sequence[Row], home: Home, crs: str | None) -> Question | None:
    spoken = _addresses(session, rows)
    expected = [_known_places(row, home, spoken) for row in rows]
    found = positions.suspect(session, points_of(row.point for row in rows if row.point), expected, [row.region for row in rows])
    shifted = found.system
    if shifted is None:
        for row in rows:
            row.system = "WGS84"
        return None
    several = len([name for name in found.systems if name != "WGS84"]) > 1 or "WGS84" in found.systems
    waiting = []
    for place_, row in enumerate(rows):
        vote = found.votes[place_]
        if vote == "WGS84" or (crs == SUSPECTED and (vote or not several)):
            row.system = vote or shifted
        else:
            waiting.append(row.number)
            row.refuse(_waits(vote, found))
    systems = positions.rows_by_system(found.votes, [row.number for row in rows])
    return Question(found, systems, waiting) if waiting or crs == SUSPECTED else None


def _waits(vote: str | None, found: Suspicion) -> Invalid:
    if vote is None:
        text = N_("没有写坐标系，同一文件里别的行像是 %(system)s。请答坐标系（命令行：--crs），或者加一列“坐标系”。")
        return Invalid("crs", text, system=found.system or "")
    if found.offset_m:
        text = N_(
            "没有写坐标系。按 WGS84 读，离已知地点约 %(offset)s 米；按 %(system)s 读，只差约 %(fit)s 米。"
            "请答坐标系（命令行：--crs %(system)s），或者加一列“坐标系”。"
        )
        return Invalid("crs", text, system=vote, offset=round(found.offset_m), fit=round(found.fit_m))
    text = N_("没有写坐标系。按 WGS84 读不在所写的县（市、区）里，按 %(system)s 读才在。请答坐标系（命令行：--crs %(system)s），或者加一列“坐标系”。")
    return Invalid("crs", text, system=vote)


def _known_places(row: Row, home: Home, spoken: Mapping[str, Geocoded]) -> Degrees:
    """Return the exact places that tell where a row's point should be: the site it names, the body in its address, else all sites."""
    named = home.site(row.site) if row.site else None
    if named and named["precision"] == "point":
        return points_of([(named["lon"], named["lat"])])
    found = spoken.get(row.cells.get("address", ""))
    if found is not None and found.certain and found.precision == "point" and found.lon is not None and found.lat is not None:
        return points_of([(found.lon, found.lat)])
    return home.exact


def _addresses(session: Session, rows: Sequence[Row]) -> dict[str, Geocoded]:
    texts = dict.fromkeys(row.cells["address"] for row in rows if row.cells.get("address") and not is_blank(row.cells["address"]))
    return dict(zip(texts, geocode_many(session, texts), strict=True)) if texts else {}


def _stand_on_points(session: Session, rows: Sequence[Row], home: Home, regions: Regions) -> None:
    """Carry the points to WGS84, ask whose county they are in, and compare that with what the rows say."""
    for system in SYSTEMS:
        group = [row for row in rows if row.system == system and row.point]
        carried = to_wgs84(points_of(row.point for row in group if row.point), system)
        for row, point in zip(group, carried, strict=True):
            row.point = (round(float(point[0]), 8), round(float(point[1]), 8))
    standing = [row for row in rows if row.system and row.point]
    found = regions_of(session, points_of(row.point for row in standing if row.point))
    away = [(row, code) for row, code in zip(standing, found, strict=True) if row.region and not agrees(code, row.region)]
    close = near_region(session, [row.point for row, _ in away if row.point], [row.region for row, _ in away if row.region]) if away else []
    for (row, code), near in zip(away, close, strict=True):
        if near:
            row.note("region", ((N_("点在边界外不到 500 米，按所写的县（市、区）登记。"), {}),))
        else:
            _refuse_elsewhere(row, code, regions)
    edge = {id(row) for (row, _), near in zip(away, close, strict=True) if near}
    for row, code in zip(standing, found, strict=True):
        if code is None and id(row) not in edge:
            if not any(wrong.field == "lon" for wrong in row.faults):
                row.refuse(
                    Invalid(
                        "lon",
                        N_("经度 %(lon)s、纬度 %(lat)s 不在地图收录的任何区划里（海上或外省）。请核对坐标和坐标系。"),
                        lon=row.cells.get("lon", ""),
                        lat=row.cells.get("lat", ""),
                    )
                )
            continue
        site = home.site(row.site) if row.site else None
        adcode = row.region if id(row) in edge or (code and row.region and row.region.startswith(code.rstrip("0"))) else code
        row.facts["place"] = _place(row.point, "point", row.system or "WGS84", adcode, site["id"] if site else None)


def _refuse_elsewhere(row: Row, code: str | None, regions: Regions) -> None:
    stated, there = regions.names.get(row.region or "", row.region), regions.names.get(code or "", N_("地图收录的区划之外"))
    text = N_("点在 %(there)s，表里写的是 %(stated)s。请核对坐标、坐标系和县（市、区）。")
    row.refuse(Invalid("lon", text, there=there, stated=stated))


def _stand_elsewhere(session: Session, rows: Sequence[Row], home: Home, regions: Regions) -> None:
    left = [row for row in rows if row.point is None and not any(wrong.field in ("lon", "lat", "geometry") for wrong in row.faults)]
    geocoded = _addresses(session, left)
    centres = _centres(session, {row.region for row in left if row.region})
    for row in left:
        site = home.site(row.site) if row.site else None
        if site:
            row.facts["place"] = _at_site(site)
            continue
        if row.site:
            row.note("site", ((N_("没有登记过名为“%(site)s”的地点。"), {"site": row.site[:40]}),))
        found = geocoded.get(row.cells.get("address", ""))
        if found is not None and found.certain and found.precision in ("point", "township") and (not row.region or agrees(found.adcode, row.region)):
            row.facts["place"] = _place((found.lon, found.lat), found.precision, "WGS84", found.adcode, None)
            row.note("address", ((N_("位置按地址“%(address)s”取到 %(name)s。"), {"address": row.cells["address"][:40], "name": found.name or ""}),))
            continue
        stated = row.region or (found.adcode if found is not None and found.certain else None)
        row.facts["default_place"] = _default(row, home, regions, stated, centres)


def _default(row: Row, home: Home, regions: Regions, stated: str | None, centres: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Return where an instrument without a point is taken to stand: the carrier's site in the stated region, else that region."""
    sites = [s for s in home.sites if not stated or agrees(s["adcode"], stated)]
    if sites:
        row.note("lon", ((N_("没有写位置，取载体的地点“%(site)s”。"), {"site": sites[0]["name"] or home.code}),))
        found = _at_site(sites[0])
        exact = len(home.sites) == 1 or sites[0]["precision"] != "point"
        return found if exact else {**found, "precision": "county", "site_id": None}
    if stated:
        row.note("lon", ((N_("没有写位置，按 %(region)s 登记，地图上标作大概位置。"), {"region": regions.names.get(stated, stated)}),))
        return _place(centres.get(stated), "city" if stated.endswith("00") else "county", "WGS84", stated, None)
    row.note("lon", ((N_("没有写位置，载体也没有登记地点：不会出现在地图上。"), {}),))
    return _place(None, "county" if home.adcode and not home.adcode.endswith("00") else "city", "WGS84", home.adcode, None)


def _at_site(site: Mapping[str, Any]) -> dict[str, Any]:
    return _place((site["lon"], site["lat"]), site["precision"], site["source_crs"], site["adcode"], site["id"])


def _place(point: tuple[float | None, float | None] | None, precision: str, crs: str, adcode: str | None, site_id: int | None) -> dict[str, Any]:
    """Return the columns of a place; `geom` as PostGIS writes a point in EPSG:4326, so that places can be compared as text."""
    located = point is not None and point[0] is not None and point[1] is not None
    geom = _POINT_HEAD + pack("<dd", *point).hex().upper() if located else None  # type: ignore[misc]
    return {"geom": geom, "precision": precision, "source_crs": crs, "adcode": adcode, "site_id": site_id}


def located(row: Row) -> tuple[tuple[float, float] | None, bool]:
    """Return where a row's instrument would stand (WGS84 degrees), None where nobody knows, and whether that is exact to the point."""
    place_ = row.facts.get("place") or row.facts.get("default_place") or {}
    geom = place_.get("geom")
    if not geom:
        return None, False
    lon, lat = unpack("<dd", bytes.fromhex(geom[len(_POINT_HEAD) :]))
    return (lon, lat), place_["precision"] == "point"


def _centres(session: Session, codes: set[str | None]) -> dict[str, tuple[float, float]]:
    query = "SELECT adcode, ST_X(point) AS lon, ST_Y(point) AS lat FROM region WHERE adcode = ANY(:codes) AND point IS NOT NULL"
    return {row.adcode: (row.lon, row.lat) for row in session.execute(sql(query), {"codes": [code for code in codes if code]})}


_CARRIER: Final = """
SELECT o.id, o.code, o.adcode, o.is_sample,
       coalesce((SELECT json_agg(json_build_object('id', s.id, 'name', s.name, 'lon', ST_X(s.geom), 'lat', ST_Y(s.geom), 'precision', s.precision,
                    'source_crs', s.source_crs, 'adcode', coalesce(s.adcode, o.adcode)) ORDER BY s.precision <> 'point', s.id)
                 FROM site s WHERE s.organisation_id = o.id AND s.geom IS NOT NULL), '[]') AS sites
FROM organisation o WHERE o.code = :code AND o.kind = 'carrier'
"""
