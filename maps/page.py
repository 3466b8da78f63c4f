"""Render layers into the parts of a page: the one place where Folium renders.

Left out on purpose: the frame Folium would put around a map, its links to other hosts and its style elements. The template links
Leaflet and our scripts from our own host; the only inline script carries the request's nonce.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, floor, log2, radians
from typing import Any, cast

import folium
from branca.element import Figure
from folium.template import Template
from folium.utilities import JsCode

from maps.layer import Layer
from maps.layers import LAYERS
from maps.remote import RemoteGeoJson
from maps.style import PANES
from maps.text import attribute, script_json

DELTA = ((26.3, 116.5), (33.2, 124.6))
"""South-west and north-east corner (lat, lon) of what may be looked at where nothing else is said: Zhejiang and the delta around it."""

AROUND = 0.3
"""Share of the land's width and height that may be looked at beyond it on each side."""

NEAREST = 17

OPENING = 560
"""Pixels that the land takes where a map opens on the whole of it."""

Corners = tuple[tuple[float, float], tuple[float, float]]


def corners_around(west: float, south: float, east: float, north: float) -> Corners:
    """Return the corners (lat, lon) of what may be looked at when the land reaches so far (WGS84 degrees)."""
    wide, high = AROUND * (east - west), AROUND * (north - south)
    return (round(south - high, 2), round(west - wide, 2)), (round(min(north + high, 85), 2), round(east + wide, 2))


@dataclass(frozen=True)
class View:
    """Where a map opens: degrees, zoom; `wheel` false on pages that scroll; `still` for a picture that cannot be moved.

    `corners`: south-west and north-east (lat, lon) of what may be looked at; they also say how far out one may zoom.
    """

    lon: float = 120.15
    lat: float = 29.2
    zoom: float = 7.25
    wheel: bool = True
    still: bool = False
    corners: Corners = DELTA

    @property
    def farthest(self) -> float:
        """Return the lowest zoom: there the corners are some 500 pixels apart, in steps of a quarter."""
        (_, west), (_, east) = self.corners
        return max(2.0, round(4 * log2(360 / (east - west) * 500 / 256)) / 4)

    @classmethod
    def of_land(cls, west: float, south: float, east: float, north: float) -> View:
        """Return the view that opens on the whole of the land (WGS84 degrees), with air around it."""
        lat = (south + north) / 2
        wide = max(east - west, (north - south) / cos(radians(lat)))
        zoom = floor(4 * log2(360 / wide * OPENING / 256)) / 4
        return cls(round((west + east) / 2, 2), round(lat, 2), zoom, corners=corners_around(west, south, east, north))


@dataclass(frozen=True)
class Page:
    """Parts of a page with a map: `head` (preloads), `body` (the map's box), `script` (a script element with the nonce)."""

    head: str
    body: str
    script: str


class OwnMap(folium.Map):
    """A Folium map that writes only its box and its script, under a name that does not change from one rendering to the next."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 (Folium's own attribute: no links to other hosts)
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    _template = Template("""
{% macro html(this, kwargs) %}{{ this.box() }}{% endmacro %}
{% macro script(this, kwargs) %}
var {{ this.get_name() }} = L.map({{ this.element_id|tojson }}, {
    center: {{ this.location|tojson }},
    ...{{ this.options|tojavascript }}
});
{{ this.get_name() }}.attributionControl.setPrefix(false);
for (const [name, z] of {{ this.panes }}) {{ this.get_name() }}.createPane(name).style.zIndex = z;
irm.map = {{ this.get_name() }};
irm.still = {{ this.view.still|tojson }};
{% endmacro %}""")

    def __init__(self, view: View, element_id: str, label: str) -> None:
        self.view, self.element_id, self.label, self.panes = view, element_id, label, script_json(PANES)
        super().__init__(location=[view.lat, view.lon], tiles=None, zoom_control=False)
        self.options.update(_options(view))

    def get_name(self) -> str:
        """Return the map's variable in the page's script."""
        return "map_" + self.element_id.replace("-", "_")

    def box(self) -> str:
        """Return the element the map is drawn into."""
        role = 'role="img"' if self.view.still else 'role="application" tabindex="0"'
        return f'<div class="map" id="{attribute(self.element_id)}" {role} aria-label="{attribute(self.label)}"></div>'


def _options(view: View) -> dict[str, Any]:
    """Return Leaflet's options, in Folium's spelling."""
    moving = not view.still
    return {
        "zoom": view.zoom,
        "min_zoom": view.farthest,
        "max_zoom": NEAREST,
        "zoom_snap": 0.25,
        "zoom_delta": 0.5,
        "wheel_px_per_zoom_level": 120,
        "max_bounds": [list(corner) for corner in view.corners],
        "max_bounds_viscosity": 1.0,
        "keyboard": moving,
        "keyboard_pan_delta": 80,
        "dragging": moving,
        "touch_zoom": moving,
        "double_click_zoom": moving,
        "box_zoom": False,
        "scroll_wheel_zoom": moving and view.wheel,
        "zoom_animation": JsCode('!matchMedia("(prefers-reduced-motion: reduce)").matches'),
        "inertia": JsCode('!matchMedia("(prefers-reduced-motion: reduce)").matches'),
    }


def draw(layers: Sequence[Layer], *, view: View, nonce: str, element_id: str = "map", label: str = "") -> Page:
    """Draw `layers` in the order of `LAYERS` and return the parts of the page.

    `nonce` is the request's script nonce, `label` the map's accessible name in the reader's language.
    """
    map_ = OwnMap(view, element_id, label)
    for layer in sorted(layers, key=lambda layer: LAYERS.index(type(layer))):
        layer.add_to(map_)
    map_.render()  # type: ignore[no-untyped-call]  # branca's own signature
    figure = cast("Figure", map_.get_root())
    script = f'<script nonce="{attribute(nonce)}">{figure.script.render()}</script>'
    return Page(head=_preloads(map_), body=figure.html.render().strip(), script=script)


def _preloads(map_: OwnMap) -> str:
    """Return links that let the browser fetch the base map's data beside the scripts, not after them."""
    remote = [child for child in map_._children.values() if isinstance(child, RemoteGeoJson)]  # noqa: SLF001 (branca has no public list)
    urls = [url for url in (child.first_url() for child in remote) if url]
    return "\n".join(f'<link rel="preload" href="{attribute(url)}" as="fetch" crossorigin="anonymous">' for url in urls)
