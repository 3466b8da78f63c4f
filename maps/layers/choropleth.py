"""Counties by the class of a figure: pale is little, dark is much, hatched is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import folium

from core.errors import N_
from maps.remote import ScriptCall
from maps.style import class_of


@dataclass(frozen=True)
class Choropleth:
    """Classes of the base layer's counties.

    `values`: adcode → figure, None where there is no data; `breaks`: at most three inner bounds between the classes above zero; `texts`:
    adcode → the sentence shown over the county, in the reader's language. Needs `BaseRegions(cased=True)` on the same map.
    """

    values: Mapping[str, float | None]
    breaks: tuple[float, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    name: ClassVar[str] = "choropleth"
    title: ClassVar[str] = N_("分级图")

    def add_to(self, map_: folium.Map) -> None:
        """Hand classes and sentences to the base layer, which paints when it draws."""
        classes = {adcode: class_of(value, self.breaks) for adcode, value in self.values.items()}
        ScriptCall(self.name, "Object.assign(irm,", {"values": classes, "texts": dict(self.texts)}, ")").add_to(map_)
