"""The land: neighbouring provinces in grey, Zhejiang's counties, and its city lines above the waters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import folium

from core.errors import N_
from maps.remote import RemoteGeoJson, Source

DETAIL_FROM = 9.5
"""Zoom from which the finer outline is asked for: below it the two look alike."""


@dataclass(frozen=True)
class BaseRegions:
    """Region outlines from `url`/tiny.geojson and `url`/simple.geojson. `cased`: city lines that stand out on a choropleth."""

    url: str = "/map/base"
    cased: bool = False
    name: ClassVar[str] = "base"
    title: ClassVar[str] = N_("行政区划")

    def add_to(self, map_: folium.Map) -> None:
        """Put the outlines on the map."""
        urls = ((0, f"{self.url}/tiny.geojson"), (DETAIL_FROM, f"{self.url}/simple.geojson"))
        RemoteGeoJson(self.name, Source(urls, kind="regions", pane="areas", cased=self.cased)).add_to(map_)
