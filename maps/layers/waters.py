"""Lakes, rivers and the names of open water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import folium

from core.errors import N_
from maps.remote import RemoteGeoJson, Source


@dataclass(frozen=True)
class Waters:
    """Waters from one address."""

    url: str = "/map/waters.geojson"
    name: ClassVar[str] = "waters"
    title: ClassVar[str] = N_("水系")

    def add_to(self, map_: folium.Map) -> None:
        """Put the waters on the map, between the land and the city lines."""
        RemoteGeoJson(self.name, Source(((0, self.url),), pane="waters", rule="waters")).add_to(map_)
