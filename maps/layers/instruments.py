"""Open instruments as spots on canvas: how densely they stand from afar, one dot each from near by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import folium

from core.errors import N_
from maps.remote import RemoteTiles, TileSource


@dataclass(frozen=True)
class Instruments:
    """Instruments from vector tiles at `url`; the page's filters go along, so that spots and numbers speak of the same rows."""

    url: str = "/tiles/instruments/{z}/{x}/{y}.mvt"
    max_native: int = 16
    name: ClassVar[str] = "instruments"
    title: ClassVar[str] = N_("仪器分布")

    def add_to(self, map_: folium.Map) -> None:
        """Put the spots on the map, below all pins."""
        RemoteTiles(self.name, TileSource(self.url, "instruments", max_native=self.max_native, filtered=True)).add_to(map_)
