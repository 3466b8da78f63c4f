"""What a layer is: it says what it shows and does not know the page."""

from __future__ import annotations

from typing import Protocol

import folium


class Layer(Protocol):
    """Something that can be put on a map. `name` is for programs, `title` a Chinese message id for people."""

    @property
    def name(self) -> str:
        """Short name, unique on a map."""

    @property
    def title(self) -> str:
        """Message id of the layer's name in words."""

    def add_to(self, map_: folium.Map) -> None:
        """Put the layer on the map."""
