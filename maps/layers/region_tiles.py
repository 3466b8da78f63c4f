"""The land of a whole country from vector tiles: as outlines in one file it would be megabytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import folium

from core.errors import N_
from maps.remote import RemoteTiles, TileSource


@dataclass(frozen=True)
class RegionTiles:
    """Provinces, cities and counties by zoom from vector tiles at `url`."""

    url: str = "/tiles/regions/{z}/{x}/{y}.mvt"
    max_native: int = 12
    name: ClassVar[str] = "region_tiles"
    title: ClassVar[str] = N_("行政区划")

    def add_to(self, map_: folium.Map) -> None:
        """Put the land at the very bottom."""
        RemoteTiles(self.name, TileSource(self.url, "regions", kind="regions", pane="areas", max_native=self.max_native)).add_to(map_)
