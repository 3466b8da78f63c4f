"""Gaps between counties: instruments of a class per 100,000 residents, and the bounds of the classes that a map can show.

An unknown population is no zero: such a county has no rate. Which class a rate falls into, and how it looks, is left to `maps.style`. Pure:
rows in, rows out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10
from statistics import quantiles
from typing import Protocol

PER = 100_000
"""Residents to whom a rate refers."""


class Count(Protocol):
    """Instruments and residents of one county."""

    @property
    def adcode(self) -> str: ...  # noqa: D102
    @property
    def instruments(self) -> int: ...  # noqa: D102
    @property
    def population(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True)
class Gap:
    """A county's instruments per 100,000 residents; the rate is None without a population figure."""

    adcode: str
    instruments: int
    population: int | None
    rate: float | None


@dataclass(frozen=True)
class GapView:
    """All counties, the largest gap first, and the inner `breaks` between four classes of rates above zero (per 100,000 residents)."""

    gaps: tuple[Gap, ...]
    breaks: tuple[float, ...]

    @property
    def empty(self) -> tuple[Gap, ...]:
        """The counties with a population figure and no instrument at all."""
        return tuple(g for g in self.gaps if g.rate == 0)

    @property
    def unknown(self) -> tuple[Gap, ...]:
        """The counties without a population figure."""
        return tuple(g for g in self.gaps if g.rate is None)


def rate(instruments: int, population: int | None) -> float | None:
    """Return instruments per 100,000 residents, or None when the number of residents is unknown."""
    return None if not population else instruments * PER / population


def gaps(counts: Iterable[Count]) -> GapView:
    """Order counties by their gap, and part the rates above zero by their quartiles, rounded to two figures; fewer than four are not parted.

    Counties with the lowest rate stand first, among equals those with more residents; unknown ones come last.
    """
    rows = [Gap(c.adcode, c.instruments, c.population, rate(c.instruments, c.population)) for c in counts]
    rows.sort(key=lambda g: (g.rate is None, g.rate or 0.0, -(g.population or 0), g.adcode))
    return GapView(tuple(rows), _breaks([g.rate for g in rows if g.rate]))


def _breaks(rates: Sequence[float]) -> tuple[float, ...]:
    if len(rates) < 4:
        return ()
    return tuple(sorted({_round(cut) for cut in quantiles(rates, n=4, method="inclusive")}))


def _round(value: float) -> float:
    """Round to two significant figures: a legend of 0.4731 claims an accuracy that nobody has."""
    return round(value, 1 - floor(log10(value)))
