"""Every layer there is, from below. To add one: a file beside these and its line in LAYERS."""

from __future__ import annotations

from maps.layer import Layer
from maps.layers.base_regions import BaseRegions
from maps.layers.carriers import Carriers
from maps.layers.choropleth import Choropleth
from maps.layers.home_county import HomeCounty
from maps.layers.instruments import Instruments
from maps.layers.ranked_pins import MOST_ROWS, Pin, RankedPins, pin_rows
from maps.layers.region_tiles import RegionTiles
from maps.layers.rings import Rings
from maps.layers.tianditu import Tianditu
from maps.layers.waters import Waters
from maps.layers.would import Dot, Would

LAYERS: tuple[type[Layer], ...] = (
    Tianditu,
    RegionTiles,
    HomeCounty,
    Choropleth,
    BaseRegions,
    Waters,
    Rings,
    Instruments,
    Carriers,
    RankedPins,
    Would,
)
"""Drawing order, whatever order a page names them in. Home county and choropleth stand before the regions they colour."""

__all__ = [
    "LAYERS",
    "MOST_ROWS",
    "BaseRegions",
    "Carriers",
    "Choropleth",
    "Dot",
    "HomeCounty",
    "Instruments",
    "Pin",
    "RankedPins",
    "RegionTiles",
    "Rings",
    "Tianditu",
    "Waters",
    "Would",
    "pin_rows",
]
