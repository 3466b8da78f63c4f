"""What a file would put on the map, as dots: rows that travel inside the page of the import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import folium

from core.errors import N_
from maps.layers.ranked_pins import MOST_ROWS
from maps.remote import ScriptCall


@dataclass(frozen=True)
class Dot:
    """One place of the file: WGS84 degrees and what is said of it."""

    lon: float
    lat: float
    label: str
    approximate: bool = False


@dataclass(frozen=True)
class Would:
    """Dots of what would be imported, at most MOST_ROWS; coordinates to 5 decimals (about 1 m)."""

    dots: Sequence[Dot]
    name: ClassVar[str] = "would"
    title: ClassVar[str] = N_("会导入的仪器")

    def rows(self) -> list[dict[str, Any]]:
        """Return the dots as the page's script reads them."""
        shown = self.dots[:MOST_ROWS]
        return [{"lon": round(dot.lon, 5), "lat": round(dot.lat, 5), "label": dot.label, "approximate": dot.approximate} for dot in shown]

    def add_to(self, map_: folium.Map) -> None:
        """Hand the dots to the page's script."""
        ScriptCall(self.name, "irm.would=", self.rows()).add_to(map_)
