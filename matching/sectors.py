"""How far people go for an instrument: sectors of types with the distance that nobody minds and the further one that halves its worth.

The figures of `sectors.csv` are a choice of this project and marked so there; a type that is named goes before its class.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from geodata.seeds import read_seed
from matching.decay import Decay, gauss_decay

TABLE: Final = Path(__file__).with_name("sectors.csv")
DEFAULT: Final = "research"
SPEED: Final = 60_000 / 3_600
"""Metres a second by which a travel time is held against the same distances: 60 km/h. A choice."""


@dataclass(frozen=True, slots=True)
class Sector:
    """A sector: metres within which distance does not count, and further metres at which it counts one half."""

    name: str
    offset_m: float
    scale_m: float
    near: Decay


@cache
def sectors() -> dict[str, Sector]:
    """Return all sectors by name."""
    return {name: Sector(name, offset, scale, gauss_decay(offset, scale)) for name, offset, scale in _sizes()}


def sector_of(type_name: str) -> Sector:
    """Return the sector of an instrument type by its Chinese name; a type that is in no table counts as one of research."""
    return sectors()[_by_type().get(type_name, DEFAULT)]


def _sizes() -> list[tuple[str, float, float]]:
    return [(row["sector"], float(row["offset_km"]) * 1_000, float(row["scale_km"]) * 1_000) for row in _rows()]


@cache
def _by_type() -> dict[str, str]:
    of_class = {code: row["sector"] for row in _rows() for code in row["classes"].split(";") if code}
    named = {name: row["sector"] for row in _rows() for name in row["types"].split(";") if name}
    return {row["name_zh"]: of_class.get(row["class_code"], DEFAULT) for row in read_seed("instrument_types")} | named


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
