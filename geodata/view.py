"""What is in a view of the map: where the open instruments stand, how many they are, and how many of each kind, level and class.

All numbers are of the same instruments in the same snapshot: clusters, kinds, levels and classes each add up to the total, which is also the
number of rows that `geodata.wanted` selects in the view.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata import grid
from geodata.wanted import Wanted, where

FEW: Final = 25_000
"""Up to so many instruments one pass over them counts all facets sooner than the cells of the grid do, which are asked once for each."""


@dataclass(frozen=True)
class Facets:
    """How many by kind and level of the carrier and by class (two digits); "" counts those that have none."""

    kinds: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """How many, where, and of what."""

    total: int
    clusters: tuple[grid.Cluster, ...]
    facets: Facets


def plan_afresh(session: Session) -> None:
    """Have every statement of this transaction planned for its own values: a plan for any box is a bad one for most of them."""
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


def look(session: Session, wanted: Wanted, *, zoom: float, with_facets: bool = True) -> View:
    """Return what a map shows of what is wanted, in clusters for its zoom; two to four statements."""
    found = grid.clusters(session, "instruments", wanted, zoom=round(zoom))
    return View(found.total, found.clusters, facets(session, wanted, found.total) if with_facets and found.total else Facets())


def facets(session: Session, wanted: Wanted, total: int) -> Facets:
    """Count what is wanted by kind, level and class; `total`: how many there are about."""
    if total > FEW:
        kinds, levels, classes = (grid.facets(session, "instruments", wanted, by=by) for by in ("kind", "level", "class"))
        return Facets(kinds, levels, classes)
    condition, values = where("instruments", wanted)
    sums: tuple[Counter[str], Counter[str], Counter[str]] = (Counter(), Counter(), Counter())
    for *names, n in session.execute(text(_FACETS.format(condition=condition)), values):
        for counter, name in zip(sums, names, strict=True):
            counter[name or ""] += n
    return Facets(*sums)


_FACETS: Final = """
SELECT m.carrier_kind, m.level, left(m.class_code, 2) AS class, count(*) AS n FROM open_instrument m WHERE {condition} GROUP BY 1, 2, 3
"""
