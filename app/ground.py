"""What lies under every map: our own boundaries and waters, over the operator's base map where there is a key for one; and where a map opens.

One province's outlines are one file; of a whole country the land comes as vector tiles, a few kilobytes a view.
"""

from __future__ import annotations

from dataclasses import replace

from flask import current_app, g

from geodata.extent import extent
from maps import layers
from maps.layer import Layer
from maps.page import View

NEAR_ME = 9
"""Zoom of a map that opens on one's own place: some forty kilometres to each side."""


def ground(*, cased: bool = False) -> tuple[Layer, ...]:
    """Return the lowest layers of a map; `cased` city lines stand out on a choropleth, which needs the outlines themselves."""
    key = current_app.config["SETTINGS"].tianditu_key
    land: Layer = layers.RegionTiles() if not cased and _is_wide() else layers.BaseRegions(cased=cased)
    ours = (land, layers.Waters())
    return (layers.Tianditu(key), *ours) if key else ours


def opening(lon: float | None = None, lat: float | None = None) -> View:
    """Return where the map opens: around a place (WGS84 degrees), or on all the land that is loaded."""
    land = extent(g.session)
    whole = View.of_land(land.box.west, land.box.south, land.box.east, land.box.north) if land else View()
    return whole if lon is None or lat is None else replace(whole, lon=lon, lat=lat, zoom=NEAR_ME)


def _is_wide() -> bool:
    land = extent(g.session)
    return land is not None and len(land.provinces) > 1
