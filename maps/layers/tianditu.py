"""The national map service's tiles under our layers, only where an operator has a key for them.

Tianditu's CGCS2000 tiles in Web Mercator ("w" matrix sets) fit EPSG:3857 without a shift. Its terms ask for its name and 审图号 on the map.
The content security policy must then allow images from `HOSTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

import folium

from core.errors import N_
from maps.remote import ScriptCall

HOSTS = "https://*.tianditu.gov.cn"
_ADDRESS = (
    "https://t{{s}}.tianditu.gov.cn/{name}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={name}&STYLE=default"
    "&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
)


@dataclass(frozen=True)
class Tianditu:
    """Vector base (vec) and Chinese names (cva) of Tianditu."""

    key: str
    name: ClassVar[str] = "tianditu"
    title: ClassVar[str] = N_("天地图")

    def add_to(self, map_: folium.Map) -> None:
        """Put both tile layers on the map and let our areas become transparent."""
        for name in ("vec", "cva"):
            tiles = folium.TileLayer(_ADDRESS.format(name=name, key=quote(self.key)), attr="© 天地图", subdomains="01234567", control=False)
            tiles._id = name  # noqa: SLF001 (Folium draws random ids: ours must be the same each time)
            tiles.add_to(map_)
        ScriptCall(self.name, 'MAP.getContainer().classList.add("tiled")').add_to(map_)
