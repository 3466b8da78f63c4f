"""Files with geometry: GeoJSON and GeoPackage, as a table whose column `geometry` holds well-known text."""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import shape

from core.errors import N_, Invalid
from geodata.imports.table import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Table
from geodata.imports.values import Said, clean, plain

GEOMETRY: Final = "geometry"
_SYSTEMS: Final = {4326: "WGS84", 4490: "CGCS2000"}


def read_geojson(text: str) -> Table:
    """Return the features of a GeoJSON text; a `crs` member (older files) declares the system, none leaves it open though the standard says WGS84.

    Raises `Invalid("file")` for what is no JSON or no GeoJSON.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        line = getattr(wrong, "lineno", 1)
        raise Invalid("file", N_("JSON 在第 %(line)s 行读不下去，文件可能没有传完。"), line=line) from wrong
    features = _features(whole)
    if not features:
        raise Invalid("file", N_("文件里没有一个要素。请上传带 features 的 GeoJSON。"))
    names = list(dict.fromkeys(name for one in features for name in _properties(one)))
    rows = [(*(_cell(_properties(one).get(name)) for name in names), _wkt(one.get("geometry"))) for one in features]
    declared, notes = _declared(whole)
    return _spatial("geojson", names, rows, declared, notes)


def read_geopackage(content: bytes) -> Table:
    """Return the rows of the first layer of a GeoPackage, its geometry carried to degrees where its system is a known one.

    Raises `Invalid("file")` for what is no GeoPackage.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given.gpkg"
        path.write_bytes(content)
        _check_geopackage(path)
        return _layer(path)


def _layer(path: Path) -> Table:
    import pyogrio

    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        layer = layers[0] if layers else ""
        if not layer:
            raise Invalid("file", N_("这个 GeoPackage 里没有图层。"))
        found = pyogrio.read_dataframe(path, layer=layer, max_features=MAX_ROWS + 1)
    except pyogrio.errors.DataSourceError as wrong:
        raise _broken() from wrong
    notes: tuple[Said, ...] = ()
    if len(layers) > 1:
        notes = ((N_("只读了图层“%(name)s”，还有 %(count)s 个没有读。"), {"name": layer[:40], "count": len(layers) - 1}),)
    declared, column = None, getattr(found, "_geometry_column_name", None)
    shapes: Sequence[str] = [""] * len(found)
    if column is not None and column in found.columns:
        declared, found, more = _carried(found)
        notes += more
        shapes = ["" if one is None or one.is_empty else shapely.to_wkt(one, rounding_precision=-1) for one in found.geometry]
    names = [str(name) for name in found.columns if name != column]
    columns = [[_cell(value) for value in found[name]] for name in names]
    rows = [(*(cells[n] for cells in columns), shapes[n]) for n in range(len(found))]
    return _spatial("gpkg", names, rows, declared, notes)


def _carried(found: Any) -> tuple[str | None, Any, tuple[Said, ...]]:
    """Return the declared system and the frame in degrees; a projected system is carried to WGS84, none stays open."""
    if found.crs is None or not (found.crs.is_geographic or found.crs.is_projected):
        return None, found, ()
    number = found.crs.to_epsg()
    if number in _SYSTEMS:
        return _SYSTEMS[number], found, ()
    return "WGS84", found.to_crs(4326), ((N_("坐标从 %(crs)s 换算成 WGS84。"), {"crs": str(found.crs.name)[:60]}),)


def _check_geopackage(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
            opened.execute("SELECT table_name FROM gpkg_contents LIMIT 1").fetchall()
    except sqlite3.Error as wrong:
        raise _broken() from wrong


def _broken() -> Invalid:
    return Invalid("file", N_("这不是可用的 GeoPackage，文件可能坏了。请从地图软件重新导出。"))


def _features(whole: Any) -> list[dict[str, Any]]:
    if isinstance(whole, list) and whole and all(isinstance(one, dict) for one in whole):
        return [one if one.get("type") == "Feature" else {"properties": one, "geometry": None} for one in whole]
    kind = whole.get("type") if isinstance(whole, dict) else None
    if kind == "FeatureCollection" and isinstance(whole.get("features"), list):
        return [one if isinstance(one, dict) else {} for one in whole["features"]]
    if kind == "Feature":
        return [whole]
    if kind == "GeometryCollection" and isinstance(whole.get("geometries"), list):
        return [{"geometry": one} for one in whole["geometries"]]
    if kind and "coordinates" in whole:
        return [{"geometry": whole}]
    raise Invalid("file", N_("这个 JSON 不是 GeoJSON。请上传带 features 的 GeoJSON，或者 CSV、XLSX。"))


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    found = feature.get("properties")
    return found if isinstance(found, dict) else {}


def _spatial(kind: str, names: Sequence[str], rows: Sequence[tuple[str, ...]], crs: str | None, notes: tuple[Said, ...]) -> Table:
    if len(rows) > MAX_ROWS:
        raise Invalid("file", N_("文件有 %(rows)s 行，一次最多 %(most)s 行。请分成几个文件。"), rows=len(rows), most=MAX_ROWS)
    if len(names) >= MAX_COLUMNS:
        raise Invalid("file", N_("文件有 %(columns)s 列，最多 %(most)s 列。"), columns=len(names), most=MAX_COLUMNS - 1)
    names = [plain(clean(name))[:100] or f"列 {place}" for place, name in enumerate(names, 1)]
    own = GEOMETRY
    while own in names:
        own += "_"
    return Table(kind, (*names, own), tuple(rows), tuple(range(1, len(rows) + 1)), notes, crs)


def _declared(whole: Any) -> tuple[str | None, tuple[Said, ...]]:
    named = json.dumps(whole.get("crs"), ensure_ascii=False) if isinstance(whole, dict) and whole.get("crs") else ""
    number = re.search(r"EPSG:{1,2}(\d+)", named)
    if "CRS84" in named or (number and int(number[1]) in _SYSTEMS):
        return _SYSTEMS.get(int(number[1]), "WGS84") if number else "WGS84", ()
    if number:
        raise Invalid("file", N_("文件的坐标是 EPSG:%(number)s。请导出成经纬度（EPSG:4326 或 4490）。"), number=number[1])
    return None, ()


def _cell(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 (NaN is the only value unlike itself)
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict | list):
        return clean(json.dumps(value, ensure_ascii=False))[:MAX_CELL]
    return re.sub(r"T00:00:00.*$|^NaT$", "", clean(str(value)).replace(" 00:00:00", ""))[:MAX_CELL].strip()


def _wkt(geometry: Any) -> str:
    """Return a GeoJSON geometry as well-known text, "" where there is none, and its own text where it is broken."""
    if not geometry:
        return ""
    try:
        found = shape(geometry)
        return "" if found.is_empty else shapely.to_wkt(shapely.force_2d(found), rounding_precision=-1)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
        return clean(json.dumps(geometry, ensure_ascii=False))[:200]
