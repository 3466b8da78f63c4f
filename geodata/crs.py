"""Carry coordinates between the systems met in China: WGS84, CGCS2000, GCJ-02 and BD-09.

The database holds EPSG:4326 only; these two functions stand at the door (files that come in) and at the edge (a base map that is
shifted). Which system a source uses is for the caller to know: nothing here guesses it, and a point that is in WGS84 already must
not be passed as GCJ-02, or it is shifted twice.

WGS84 and CGCS2000 are taken as one: their ellipsoids differ by 0.1 mm on the ground, their frames by the drift of the plate
(decimetres), far below the half kilometre at stake here.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import N_, Invalid

Degrees: TypeAlias = NDArray[np.float64]
_Axes: TypeAlias = tuple[Degrees, Degrees]

SYSTEMS: Final = ("WGS84", "CGCS2000", "GCJ-02", "BD-09")
CHINA: Final = (72.004, 0.8293, 137.8347, 55.8271)  # west, south, east, north: the customary rectangle of the published formula
_A: Final = 6378245.0  # Krasovsky 1940, metres
_E2: Final = 0.00669342162296594323
_BAIDU: Final = np.pi * 3000.0 / 180.0
# The shift changes by at most 0.3 % (GCJ-02) or 3 % (BD-09) of a step, so each round gains two decimals or more. A fixed count, not a
# tolerance over the batch, gives a vertex shared by two polygons the same result whichever batch it came in.
_ROUNDS: Final = 8


def to_wgs84(lonlat: Degrees, source: str) -> Degrees:
    """Return an (n, 2) array of longitude, latitude in degrees, taken from the system `source` to WGS84.

    The inverse of the published shift is found by fixed-point iteration; a round trip closes below 1e-9 degree (0.1 mm). Points
    outside the rectangle `CHINA` come back as they are, since the shift is defined only inside.
    Raises Invalid for an unknown system, a wrong shape or a number that is not finite.
    """
    return _within_china(_checked(lonlat, source), _DOORS[source][0])


def from_wgs84(lonlat: Degrees, target: str) -> Degrees:
    """Return an (n, 2) array of longitude, latitude in degrees, taken from WGS84 to the system `target`.

    Points outside the rectangle `CHINA` come back as they are.
    Raises Invalid for an unknown system, a wrong shape or a number that is not finite.
    """
    return _within_china(_checked(lonlat, target), _DOORS[target][1])


def _checked(lonlat: Degrees, system: str) -> Degrees:
    if system not in SYSTEMS:
        raise Invalid("crs", N_("不认识的坐标系：%(crs)s"), crs=system[:20])
    points = np.asarray(lonlat, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise Invalid("lonlat", N_("坐标应为经度、纬度两列"))
    if not np.isfinite(points).all():
        raise Invalid("lonlat", N_("坐标中有空值或无穷大"))
    return points


def _within_china(points: Degrees, convert: Callable[[_Axes], _Axes]) -> Degrees:
    west, south, east, north = CHINA
    lon, lat = points.T
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    result = points.copy()
    result[inside] = np.column_stack(convert((lon[inside], lat[inside])))
    return result


def _same(point: _Axes) -> _Axes:
    return point


def _gcj_from_wgs(point: _Axes) -> _Axes:
    """Shift WGS84 to GCJ-02: the polynomial-and-sine formula published as EvilTransform (codeplex on4wp7, 2013)."""
    lon, lat = point
    east, north = _shift_metres(lon - 105.0, lat - 35.0)
    phi = np.radians(lat)
    w2 = 1.0 - _E2 * np.sin(phi) ** 2
    meridian = _A * (1.0 - _E2) / (w2 * np.sqrt(w2))
    parallel = _A / np.sqrt(w2) * np.cos(phi)
    return lon + np.degrees(east / parallel), lat + np.degrees(north / meridian)


def _shift_metres(x: Degrees, y: Degrees) -> _Axes:
    """Return the shift east and north in metres at x, y degrees from 105°E 35°N."""
    root, ripple = np.sqrt(np.abs(x)), 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + _waves(x, (20.0, 1.0), (40.0, 3.0)) + _waves(x, (150.0, 12.0), (300.0, 30.0))) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + _waves(y, (20.0, 1.0), (40.0, 3.0)) + _waves(y, (160.0, 12.0), (320.0, 30.0))) * 2.0 / 3.0
    return east, north


def _waves(t: Degrees, *parts: tuple[float, float]) -> Degrees:
    """Return the sum of amplitude · sin(π t / divisor) over the parts (amplitude, divisor)."""
    total = np.zeros_like(t)
    for amplitude, divisor in parts:
        total += amplitude * np.sin(np.pi * t / divisor)
    return total


def _bd_from_gcj(point: _Axes) -> _Axes:
    """Shift GCJ-02 to BD-09: the polar ripple and offset published with the Baidu map conversion routines (bd_encrypt)."""
    lon, lat = point
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BAIDU)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BAIDU)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _inverse(forward: Callable[[_Axes], _Axes]) -> Callable[[_Axes], _Axes]:
    """Return the inverse of a small shift by fixed-point iteration: p ← p + (goal − forward(p))."""

    def backward(goal: _Axes) -> _Axes:
        lon, lat = goal
        for _ in range(_ROUNDS):
            shifted_lon, shifted_lat = forward((lon, lat))
            lon, lat = lon + (goal[0] - shifted_lon), lat + (goal[1] - shifted_lat)
        return lon, lat

    return backward


_wgs_from_gcj = _inverse(_gcj_from_wgs)
_gcj_from_bd = _inverse(_bd_from_gcj)


def _bd_from_wgs(point: _Axes) -> _Axes:
    return _bd_from_gcj(_gcj_from_wgs(point))


def _wgs_from_bd(point: _Axes) -> _Axes:
    return _wgs_from_gcj(_gcj_from_bd(point))


_DOORS: Final[dict[str, tuple[Callable[[_Axes], _Axes], Callable[[_Axes], _Axes]]]] = {
    "WGS84": (_same, _same),
    "CGCS2000": (_same, _same),
    "GCJ-02": (_wgs_from_gcj, _gcj_from_wgs),
    "BD-09": (_wgs_from_bd, _bd_from_wgs),
}
