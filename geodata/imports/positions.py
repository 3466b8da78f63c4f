"""Points of a file: read as written, named when they cannot be meant, carried to WGS84, and suspected where no system was declared.

The shift of a system is told from known places: the carrier's sites and the county that a row states. A suspicion never converts anything by
itself; it is asked about, and the rows wait.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from core.errors import N_, Invalid
from geodata.crs import CHINA, Degrees, to_wgs84
from geodata.imports.values import plain
from geodata.regions import is_within

READINGS: Final = ("WGS84", "GCJ-02", "BD-09")
"""Systems that differ on the ground; CGCS2000 is read as WGS84."""

NEAR_M: Final = 250.0
"""Within this distance of a known place a reading fits it: a campus is no smaller."""

_CLEARER_M: Final = 150.0
_REACH_M: Final = 3_000.0
_SLACK_DEGREES: Final = 0.0055  # about 500 m: boundaries are drawn no more exactly
_SOUTH_OF_ALL: Final = 54.0
_DEGREE_M: Final = 111_195.0
_DMS: Final = re.compile(
    r"([NSEW东西南北])?(?:经|纬)?\s*(\d{1,3})\s*[°度]\s*(?:(\d{1,2}(?:\.\d+)?)\s*[′'分]\s*)?(?:(\d{1,2}(?:\.\d+)?)\s*(?:″|\"|''|′′|秒)\s*)?([NSEW东西南北])?",
    re.IGNORECASE,
)
_PAIR: Final = re.compile(r"[\[(]?\s*([^,，;；\s]+(?:\s*[°′″'\"][^,，;；]*)?)\s*[,，;；\s]\s*([^,，;；\s]+.*?)\s*[\])]?")
_POINT: Final = re.compile(r"(?:SRID=\d+;\s*)?POINT\s*(?:Z|M|ZM)?\s*\(\s*(\S+)\s+([^\s)]+)[^)]*\)", re.IGNORECASE)
_SHAPE: Final = re.compile(
    r"(?:SRID=\d+;\s*)?((?:MULTI)?(?:POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION|CIRCULARSTRING|CURVEPOLYGON)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Suspicion:
    """What the rows without a declared system look like: row → system that fits it, None for a row that nothing tells of; offsets in metres."""

    votes: Mapping[int, str | None]
    offset_m: float = 0.0
    fit_m: float = 0.0

    @property
    def systems(self) -> Counter[str]:
        """How many rows fit each system."""
        return Counter(vote for vote in self.votes.values() if vote)

    @property
    def system(self) -> str | None:
        """The shifted system that fits most rows, None where nothing looks shifted."""
        shifted = [(count, name) for name, count in self.systems.items() if name != "WGS84"]
        return max(shifted)[1] if shifted else None


def read_point(lon: str, lat: str, geometry: str) -> tuple[float, float] | None:
    """Return longitude and latitude as written, from two cells or one of both; None where all are blank.

    Raises `Invalid` at the field (lon, lat, geometry) for what is no number, no pair, no point, or cannot be a place in China.
    """
    if geometry:
        return _check(*_shaped(geometry), "geometry")
    if not lon and not lat:
        return None
    if not lon or not lat:
        raise Invalid("lat" if lon else "lon", N_("经度和纬度要一起填。"))
    return _check(_degrees(lon, "lon"), _degrees(lat, "lat"), "lon")


def regions_of(session: Session, points: Degrees) -> list[str | None]:
    """Return the adcode of the smallest region that covers each WGS84 point (n, 2), None outside of all; each place is asked for once."""
    if not len(points):
        return []
    distinct, back = np.unique(np.round(points, 7), axis=0, return_inverse=True)
    found: dict[int, str] = {}
    for level in ("county", "city", "province"):
        left = [n for n in range(len(distinct)) if n not in found]
        if left:
            values = {"ns": left, "lons": distinct[left, 0].tolist(), "lats": distinct[left, 1].tolist(), "level": level}
            found |= {row.n: row.adcode for row in session.execute(sql(_COVERS), values)}
    return [found.get(int(n)) for n in back.reshape(-1)]


def near_region(session: Session, points: Sequence[tuple[float, float]], adcodes: Sequence[str]) -> list[bool]:
    """Return for each WGS84 point whether it lies within half a kilometre of the region beside it: as exact as boundaries are drawn."""
    values = {"lons": [p[0] for p in points], "lats": [p[1] for p in points], "codes": list(adcodes), "slack": _SLACK_DEGREES}
    return [bool(row.near) for row in session.execute(sql(_NEAR), values)]


def agrees(found: str | None, stated: str) -> bool:
    """Say whether a point's region fits the stated one: inside it, or as much of it as is known of other provinces."""
    return found is not None and (is_within(found, stated) or is_within(stated, found))


def suspect(session: Session, points: Degrees, expected: Sequence[Degrees], stated: Sequence[str | None]) -> Suspicion:
    """Return which system fits each point (n, 2; as written) by the known places `expected` (k, 2; WGS84) and the `stated` region of its row.

    A place speaks only within 3 km; a region only where a shift takes the point across its border.
    """
    readings = {system: to_wgs84(points, system) for system in READINGS}
    distances = {system: _nearest(readings["WGS84"], found, expected) for system, found in readings.items()}
    votes: dict[int, str | None] = {n: _vote({s: float(distances[s][n]) for s in READINGS}) for n in range(len(points))}
    _vote_together(votes, distances)
    _vote_by_region(session, votes, readings, stated)
    at = [n for n, vote in votes.items() if vote not in (None, "WGS84") and np.isfinite(distances["WGS84"][n])]
    offset = float(np.median(distances["WGS84"][at])) if at else 0.0
    fit = float(np.median([distances[votes[n] or "WGS84"][n] for n in at])) if at else 0.0
    return Suspicion(votes, offset, fit)


def _vote(distance: Mapping[str, float]) -> str | None:
    """Return the system under which a point lies at its known place, when it does so clearly better than under the others."""
    if not np.isfinite(distance["WGS84"]):
        return None
    best = min(READINGS, key=lambda system: distance[system])
    if distance[best] <= NEAR_M and all(distance[other] - distance[best] >= _CLEARER_M for other in READINGS if other != best):
        return best
    return "WGS84" if distance["WGS84"] <= NEAR_M else None


def _vote_together(votes: dict[int, str | None], distances: Mapping[str, NDArray[np.float64]]) -> None:
    """Let many points say what no single one can: the system whose middle distance is half that of WGS84 or less."""
    open_ = [n for n, vote in votes.items() if vote is None and np.isfinite(distances["WGS84"][n])]
    if len(open_) < 5 or any(vote == "WGS84" for vote in votes.values()):
        return
    middle = {system: float(np.median(distances[system][open_])) for system in READINGS}
    best = min(READINGS, key=lambda system: middle[system])
    if best != "WGS84" and middle["WGS84"] >= NEAR_M and middle[best] <= middle["WGS84"] / 2:
        votes.update(dict.fromkeys(open_, best))


def _vote_by_region(session: Session, votes: dict[int, str | None], readings: Mapping[str, Degrees], stated: Sequence[str | None]) -> None:
    asked = [n for n, vote in votes.items() if vote is None and stated[n]]
    if not asked:
        return
    # What a shift takes out of the stated region speaks against it as much as what it takes in speaks for it.
    fits = {s: [agrees(code, stated[n] or "") for n, code in zip(asked, regions_of(session, readings[s][asked]), strict=True)] for s in READINGS}
    plain = [n for place, n in enumerate(asked) if fits["WGS84"][place] and not fits["GCJ-02"][place]]
    shifted = {n: next((s for s in READINGS if fits[s][place]), "WGS84") for place, n in enumerate(asked) if not fits["WGS84"][place]}
    shifted = {n: system for n, system in shifted.items() if system != "WGS84"}
    if len(shifted) > len(plain):
        votes.update(shifted)
    else:
        votes.update(dict.fromkeys(plain, "WGS84"))


def _nearest(raw: Degrees, found: Degrees, expected: Sequence[Degrees]) -> NDArray[np.float64]:
    """Return for each point the metres to the known place that is nearest to it as written; infinite where none is within reach."""
    result = np.full(len(raw), np.inf)
    for n, places in enumerate(expected):
        if len(places):
            away = _metres(places, raw[n])
            nearest = int(np.argmin(away))
            if away[nearest] <= _REACH_M:
                result[n] = _metres(places[nearest][None, :], found[n])[0]
    return result


def _metres(places: Degrees, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return metres on a sphere, flat over the few kilometres at stake."""
    east = (places[:, 0] - point[0]) * np.cos(np.radians(point[1]))
    return np.asarray(_DEGREE_M * np.hypot(east, places[:, 1] - point[1]))


def _check(lon: float, lat: float, field: str) -> tuple[float, float]:
    west, south, east, north = CHINA
    if lon == 0 and lat == 0:
        raise Invalid(field, N_("经度和纬度都是 0：多半是没有填。请填上，或者两格都留空。"))
    if west <= lat <= east and south <= lon <= _SOUTH_OF_ALL:
        text = N_("经度和纬度写反了：应是经度 %(lon)s、纬度 %(lat)s。")
        raise Invalid(field, text, lon=lat, lat=lon)
    if abs(lon) > 180 or abs(lat) > 90:
        raise Invalid(field, N_("%(lon)s、%(lat)s 不是度数，像是投影坐标（米）。请导出成十进制的度。"), lon=lon, lat=lat)
    if not (west <= lon <= east and south <= lat <= north):
        raise Invalid(field, N_("经度 %(lon)s、纬度 %(lat)s 不在中国。请核对小数点和正负号。"), lon=lon, lat=lat)
    return lon, lat


def _degrees(text: str, field: str) -> float:
    said = plain(text)
    try:
        found = float(said)
        if np.isfinite(found):
            return found
    except ValueError:
        pass
    bare = re.fullmatch(r"([NSEW东西南北])?(?:经|纬)?\s*(\d{1,3}(?:\.\d+)?)\s*[°度]?\s*([NSEW东西南北])?(?:经|纬)?", said, re.IGNORECASE)
    dms = None if bare else _DMS.fullmatch(said.replace("´", "'").replace("’", "'").replace("”", '"').replace("“", '"'))
    if not (bare or dms):
        raise Invalid(field, N_("“%(text)s”不是度数。请写十进制的度，例如 120.153。"), text=text[:40])
    parts = [float(part or 0) for part in ((bare[2], 0, 0) if bare else dms.group(2, 3, 4))]  # type: ignore[union-attr]
    side = (bare[1] or bare[3]) if bare else (dms[1] or dms[5])  # type: ignore[index]
    return (parts[0] + parts[1] / 60 + parts[2] / 3600) * (-1 if (side or "").lower() in {"s", "w", "南", "西"} else 1)


def _shaped(text: str) -> tuple[float, float]:
    said = plain(text)
    point = _POINT.fullmatch(said)
    if point:
        return _degrees(point[1], "geometry"), _degrees(point[2], "geometry")
    if said.startswith("{"):
        said = _from_json(said)
    shape = _SHAPE.match(said)
    if shape:
        return _middle(said, shape[1].upper())
    pair = _PAIR.fullmatch(said)
    if not pair:
        raise Invalid("geometry", N_("“%(text)s”不是一个点。请写成 120.153,30.287 或 POINT (120.153 30.287)。"), text=text[:40])
    one, two = _degrees(pair[1], "geometry"), _degrees(pair[2], "geometry")
    return (two, one) if one <= _SOUTH_OF_ALL < two else (one, two)  # in one cell either order is usual, and here they cannot be mistaken


def _middle(said: str, kind: str) -> tuple[float, float]:
    """Return the point of a shape that is one, else refuse it with its middle as a way out."""
    try:
        shape = shapely.from_wkt(re.sub(r"^SRID=\d+;\s*", "", said, flags=re.IGNORECASE))
        middle = shape.centroid
    except (shapely.errors.ShapelyError, ValueError):
        middle = None
    if middle is None or middle.is_empty or not np.isfinite([middle.x, middle.y]).all():
        raise Invalid("geometry", N_("“%(text)s”不是可用的几何。请写成 POINT (120.153 30.287)。"), text=said[:40])
    if len(shapely.get_parts(shape)) == 1 and shape.geom_type in ("Point", "MultiPoint"):
        return float(middle.x), float(middle.y)
    text = N_("这是 %(kind)s，不是一个点。可以改用它的中心：POINT (%(lon)s %(lat)s)。")
    raise Invalid("geometry", text, kind=kind, lon=round(middle.x, 6), lat=round(middle.y, 6))


def _from_json(said: str) -> str:
    try:
        return str(shapely.to_wkt(shapely.from_geojson(said), rounding_precision=-1))
    except (shapely.errors.ShapelyError, ValueError, json.JSONDecodeError):
        return said


def rows_by_system(votes: Mapping[int, str | None], numbers: Sequence[int]) -> dict[str, list[int]]:
    """Return system → numbers of the rows that fit it, "" for rows that nothing tells of."""
    found: dict[str, list[int]] = {}
    for place, vote in votes.items():
        found.setdefault(vote or "", []).append(numbers[place])
    return found


def points_of(pairs: Iterable[tuple[float, float]]) -> Degrees:
    """Return pairs of degrees as an (n, 2) array."""
    return np.array(list(pairs), dtype=np.float64).reshape(-1, 2)


_COVERS: Final = """
SELECT p.n, r.adcode FROM unnest(CAST(:ns AS integer[]), CAST(:lons AS float8[]), CAST(:lats AS float8[])) AS p(n, lon, lat)
JOIN region r ON r.level = :level AND ST_Covers(r.geom, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326))
"""
_NEAR: Final = """
SELECT EXISTS (SELECT 1 FROM region r WHERE r.adcode = p.code AND ST_DWithin(r.geom, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326), :slack)) AS near
FROM unnest(CAST(:lons AS float8[]), CAST(:lats AS float8[]), CAST(:codes AS text[])) WITH ORDINALITY AS p(lon, lat, code, n) ORDER BY p.n
"""
