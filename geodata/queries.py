"""Rows for reading: instruments counted by region. Nothing here changes anything.

The nearest instruments of a type are found by `matching.candidates`, which knows what a need is; carriers in a box by `geodata.basemap`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.regions import HOME, shared_digits


@dataclass(frozen=True)
class RegionCount:
    """Open instruments and the carriers that have them in a region, beside its population (None: not known) and that figure's year."""

    adcode: str
    name_zh: str
    name_en: str
    population: int | None
    population_year: int | None
    instruments: int
    carriers: int


def counts_by_region(session: Session, class_code: str = "") -> list[RegionCount]:
    """Return the open instruments of a class for every county of the home province, by adcode; counties with none have 0.

    `class_code`: six digits of the national scheme, a class ("010000") with all its subclasses or one subclass; empty: all. Instruments that
    are known only to the city count for no county.
    """
    of_class = class_code[:2] if class_code.endswith("0000") else class_code
    values = {"within": shared_digits(HOME) + "%", "of_class": of_class + "%"}
    return [RegionCount(**row) for row in session.execute(text(_COUNTS), values).mappings()]


_COUNTS: Final = """
SELECT r.adcode, r.name_zh, r.name_en, r.population, r.population_year, coalesce(c.instruments, 0) AS instruments, coalesce(c.carriers, 0) AS carriers
FROM region r LEFT JOIN (
    SELECT i.adcode, count(*) AS instruments, count(DISTINCT i.organisation_id) AS carriers
    FROM instrument i JOIN instrument_type k ON k.id = i.type_id
    WHERE i.is_open AND k.class_code LIKE :of_class AND i.adcode LIKE :within GROUP BY i.adcode) c ON c.adcode = r.adcode
WHERE r.level = 'county' AND r.adcode LIKE :within ORDER BY r.adcode
"""
