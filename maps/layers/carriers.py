"""Carriers in the view, as dots; nearer by with a glyph for their kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import folium

from core.errors import N_
from maps.remote import RemoteGeoJson, Source


@dataclass(frozen=True)
class Carriers:
    """Carriers by bounding box from `url`, from `min_zoom` on: the province at once would be a carpet, not a map.

    Beside discs of instruments they wait until `beside_zoom`.
    """

    url: str = "/map/carriers.geojson"
    min_zoom: float = 8
    beside_zoom: float = 12.5
    name: ClassVar[str] = "carriers"
    title: ClassVar[str] = N_("创新载体")

    def add_to(self, map_: folium.Map) -> None:
        """Put the dots on the map, below pins."""
        source = Source(((0, self.url),), kind="points", pane="dots", bbox=True, min_zoom=self.min_zoom, beside_zoom=self.beside_zoom)
        RemoteGeoJson(self.name, source).add_to(map_)
