"""The county, or all counties of the city, that issues my voucher, tinted in the voucher's colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import folium

from core.errors import N_
from maps.remote import ScriptCall


@dataclass(frozen=True)
class HomeCounty:
    """Tint the counties of the base layer that lie in the region `adcode`."""

    adcode: str
    name: ClassVar[str] = "home_county"
    title: ClassVar[str] = N_("发券的地方")

    def add_to(self, map_: folium.Map) -> None:
        """Name the county; the base layer tints it when it draws."""
        ScriptCall(self.name, "irm.home=", self.adcode).add_to(map_)
