"""Where to part figures into the four classes above zero that a map can show. Pure; which colour a class has is left to `maps.style`.

Bounds are rounded to two figures, more only where two would fall together: a legend of 0.4731 claims an accuracy that nobody has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import floor, log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

CLASSES = 4

Breaks = tuple[float, ...]


def quantiles(figures: Iterable[float]) -> Breaks:
    """Return at most three inner bounds, so that as many figures lie in each class as in any other; equal figures are never parted."""
    values = sorted(figures)
    return _rounded(_sides(values, [len(values) * k // CLASSES for k in range(1, CLASSES)]))


def natural(figures: Iterable[float]) -> Breaks:
    """Return at most three inner bounds, so that the squared deviations from the class means are smallest in sum.

    Exact, by dynamic programming: Fisher (1958), Journal of the American Statistical Association 53, 789-798; known as natural breaks after
    Jenks (1967).
    """
    values = sorted(figures)
    cuts = _fisher(np.array(values)) if len(set(values)) > CLASSES else range(1, len(values))
    return tuple(_between(low, high) for low, high in _sides(values, cuts))


METHODS: Final[Mapping[str, Callable[[Iterable[float]], Breaks]]] = {"quantiles": quantiles, "natural": natural}


def _fisher(values: NDArray[np.float64]) -> list[int]:
    """Return the first index of each class but the lowest; `best[i]` is the smallest sum of squares of the first i values in so many classes."""
    n, centred = len(values), values - values.mean()
    total, squares = (np.concatenate(([0.0], np.cumsum(v))) for v in (centred, centred**2))

    def cost(end: int) -> NDArray[np.float64]:
        """Return the sum of squares of the values start…end for every start below `end`."""
        counts = np.arange(end, 0, -1)
        found: NDArray[np.float64] = np.maximum(squares[end] - squares[:end] - (total[end] - total[:end]) ** 2 / counts, 0)
        return found

    costs = [np.empty(0), *(cost(end) for end in range(1, n + 1))]
    best, cuts = np.array([0.0] + [costs[end][0] for end in range(1, n + 1)]), []
    for _ in range(CLASSES - 1):
        rows = [best[:end] + costs[end] for end in range(1, n + 1)]
        cuts.append([0] + [int(np.argmin(row)) for row in rows])
        best = np.array([0.0] + [row.min() for row in rows])
    found, end = [], n
    for row in reversed(cuts):
        end = row[end]
        found.append(end)
    return found[::-1]


def _sides(values: Sequence[float], cuts: Iterable[int]) -> list[tuple[float, float]]:
    """Return the figures on both sides of each cut (an index into the sorted `values`) that parts anything."""
    return sorted({(values[cut - 1], values[cut]) for cut in cuts if 0 < cut < len(values) and values[cut - 1] < values[cut]})


def _round(value: float, digits: int) -> float:
    return round(value, digits - 1 - floor(log10(value)))


def _rounded(sides: Sequence[tuple[float, float]]) -> Breaks:
    """Return the middles, to as few figures (two at least) as tell them apart; a figure close to a middle may change its class."""
    middles = [(low + high) / 2 for low, high in sides]
    for digits in range(2, 17):
        found = tuple(dict.fromkeys(_round(middle, digits) for middle in middles))
        if len(found) == len(middles):
            return found
    return tuple(middles)


def _between(low: float, high: float) -> float:
    """Return a number above `low` and not above `high`, near their middle, to as few figures as that takes, two at least."""
    for digits in range(2, 17):
        found = _round((low + high) / 2, digits)
        if low < found <= high:
            return found
    return high
