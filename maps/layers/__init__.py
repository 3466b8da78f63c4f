"""Every layer there is, from below. To add one: a file beside these and its line in LAYERS."""

from __future__ import annotations

from maps.layer import Layer
from maps.layers.base_regions import BaseRegions
from maps.layers.carriers import Carriers
from maps.layers.choropleth import Choropleth
from maps.layers.home_county import HomeCounty
from maps.layers.ranked_pins import Pin, RankedPins, pin_rows
from maps.layers.rings import Rings
from maps.layers.tianditu import Tianditu
from maps.layers.waters import Waters

LAYERS: tuple[type[Layer], ...] = (Tianditu, HomeCounty, Choropleth, BaseRegions, Waters, Rings, Carriers, RankedPins)
"""Drawing order, whatever order a page names them in. Home county and choropleth stand before the regions they colour."""

__all__ = ["LAYERS", "BaseRegions", "Carriers", "Choropleth", "HomeCounty", "Pin", "RankedPins", "Rings", "Tianditu", "Waters", "pin_rows"]
