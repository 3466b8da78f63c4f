"""The ranked answers as pins: the one layer whose rows travel inside the page, so that map and list appear together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import folium

from core.errors import N_
from maps.remote import ScriptCall

MOST_ROWS = 300
"""More rows than this are no longer an answer; the tail is left to the list's pages."""


@dataclass(frozen=True)
class Pin:
    """One ranked row: WGS84 degrees; `own_fen` what the person asking pays, or the price when `own_is_price`; None shows the rank alone.

    Where an instrument is looked at, the list beside the map says.
    """

    id: str
    rank: int
    lon: float
    lat: float
    label: str
    own_fen: int | None = None
    own_is_price: bool = False
    late: bool = False
    approximate: bool = False


def pin_rows(pins: Sequence[Pin]) -> list[dict[str, Any]]:
    """Return the rows as the page's scripts read them, best first, at most MOST_ROWS; coordinates to 5 decimals (about 1 m).

    What does not hold of a row is left out of it: there are hundreds of rows, and few are late.
    """
    return [_pin_row(pin) for pin in pins[:MOST_ROWS]]


def _pin_row(pin: Pin) -> dict[str, Any]:
    facts = {"id": pin.id, "rank": pin.rank, "lon": round(pin.lon, 5), "lat": round(pin.lat, 5), "label": pin.label, "own_fen": pin.own_fen}
    holds = {"own_is_price": pin.own_is_price, "late": pin.late, "approximate": pin.approximate}
    return {**facts, **{name: value for name, value in holds.items() if value}}


@dataclass(frozen=True)
class RankedPins:
    """Pins of the ranked rows, best first."""

    pins: tuple[Pin, ...]
    name: ClassVar[str] = "ranked_pins"
    title: ClassVar[str] = N_("名次与自付")

    def add_to(self, map_: folium.Map) -> None:
        """Hand the rows to the page's scripts, which place pins, discs and fans."""
        ScriptCall(self.name, "irm.rows=", pin_rows(self.pins)).add_to(map_)
