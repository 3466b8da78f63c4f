"""Where I am, and how far 20 and 40 kilometres reach from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import folium

from core.errors import N_
from maps.remote import ScriptCall


@dataclass(frozen=True)
class Rings:
    """A diamond at (lon, lat) with rings of `kilometres` around it; `label` names the place in the reader's language."""

    lon: float
    lat: float
    label: str = ""
    kilometres: tuple[int, ...] = (20, 40)
    name: ClassVar[str] = "rings"
    title: ClassVar[str] = N_("离我的距离")

    def add_to(self, map_: folium.Map) -> None:
        """Put the place and its rings on the map."""
        value = {"lon": self.lon, "lat": self.lat, "label": self.label, "kilometres": self.kilometres}
        ScriptCall(self.name, "irm.circles(MAP,", value, ")").add_to(map_)
