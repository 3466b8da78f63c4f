"""Folium elements of our own whose data comes after the page: GeoJSON by fetch(), styled by class only.

Folium's `GeoJson(embed=False)` asks synchronously and writes colours into paths; with a map that must never wait and never need
an inline style, both are out. The elements here write one call each; `app/static/js/remote.js` fetches and draws.

Shapes of what the addresses answer (all FeatureCollections, EPSG:4326, lon lat, with ETag and Cache-Control):

`/map/base/tiny.geojson`, `/map/base/simple.geojson`: regions in drawing order, Polygon or MultiPolygon, with properties
    adcode      "330110"
    name        "余杭区";  name_en  "Yuhang"
    level       "province", "city" or "county"
    parent      adcode of the region above, or null
    in_province bool: true in Zhejiang; neighbours come as level "province" only
    at          [lon, lat] inside the region, where its name goes
    (Zhejiang: all counties and all cities, no province outline; a city is drawn as a line over its counties)
`/map/waters.geojson`: lakes (Polygon), rivers (LineString) and names of open water (Point), with properties
    kind        "lake", "river" or "name";  name, name_en  or null;  at  [lon, lat] or absent
`/tiles/<layer>/{z}/{x}/{y}.mvt`: vector tiles with one layer of that name, points of `instruments` with properties
    n           how many lie there, in tiles that gather (far away)
    id, name, type, carrier, price (fen or absent), approximate, sample    in tiles of single instruments (near by)
  and areas of `regions` with adcode, name, name_en, level
`/map/carriers.geojson?bbox=west,south,east,north`: at most 300 points, with properties
    id, name, name_en, url, kind, kind_glyph (one character: 校 院 企 …), approximate (bool: known to the city only)
"""

from __future__ import annotations

from dataclasses import dataclass

from branca.element import MacroElement
from folium.template import Template

from maps.text import script_json


class ScriptCall(MacroElement):
    """A call in the page's map script: `before` + JSON of `value` + `after`, with `MAP` standing for the map's variable."""

    _template = Template("{% macro script(this, kwargs) %}{{ this.code() }}{% endmacro %}")

    def __init__(self, name: str, before: str, value: object = None, after: str = "") -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca's own signature
        self._name = name
        self._id = "layer"  # a fixed id: two renderings of the same layers are the same text
        self._parts = (before, "" if value is None else script_json(value), after)

    def code(self) -> str:
        """Return the JavaScript statement."""
        before, value, after = self._parts
        owner = self._parent.get_name() if self._parent else "map"
        return before.replace("MAP", owner) + value + after + ";"


@dataclass(frozen=True)
class Source:
    """Where a remote layer's features come from and how they are drawn.

    `urls`: (from zoom, address), ascending. `kind`: regions, lines or points. `rule`: the client's class rule, or none for the fixed
    `class_name`. `bbox`: ask anew for each view. `cased`: city lines with a paper casing, for a choropleth.
    `beside_zoom`: the lowest zoom while the list shows everything in view, whose discs would lie on these points.
    """

    urls: tuple[tuple[float, str], ...]
    kind: str = "lines"
    pane: str = "lines"
    rule: str = ""
    class_name: str = ""
    min_zoom: float = 0
    max_zoom: float = 24
    bbox: bool = False
    cased: bool = False
    beside_zoom: float = 0


class RemoteGeoJson(ScriptCall):
    """A layer of GeoJSON that is fetched after the page has been drawn."""

    def __init__(self, name: str, source: Source) -> None:
        options = {
            "name": name,
            "kind": source.kind,
            "pane": source.pane,
            "urls": source.urls,
            "rule": source.rule,
            "className": source.class_name,
            "minZoom": source.min_zoom,
            "maxZoom": source.max_zoom,
            "bbox": source.bbox,
            "cased": source.cased,
            "besideZoom": source.beside_zoom,
        }
        super().__init__(name, "irm.remote(MAP,", options, ")")
        self.source = source

    def first_url(self) -> str:
        """Return the address that is asked first whatever the view, "" when it depends on the view."""
        return "" if self.source.bbox else self.source.urls[0][1]


@dataclass(frozen=True)
class TileSource:
    """Where a layer of vector tiles comes from: `url` with {z}/{x}/{y}, `layer` its name in the tile, `kind` spots or regions.

    `max_native`: the nearest zoom that is served, nearer by it is drawn larger. `filtered`: the page's filters go along as a query.
    """

    url: str
    layer: str
    kind: str = "spots"
    pane: str = "spots"
    min_zoom: float = 0
    max_native: int = 16
    filtered: bool = False


class RemoteTiles(ScriptCall):
    """A layer of vector tiles; `app/static/js/tiles.js` fetches and draws them on canvas, in the colours of the style sheet."""

    def __init__(self, name: str, source: TileSource) -> None:
        options = {
            "name": name,
            "kind": source.kind,
            "pane": source.pane,
            "url": source.url,
            "layer": source.layer,
            "minZoom": source.min_zoom,
            "maxNativeZoom": source.max_native,
            "filtered": source.filtered,
        }
        super().__init__(name, "irm.tiles.push(", options, ")")
        self.source = source
