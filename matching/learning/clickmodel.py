"""How likely a place of the list is looked at: the position-based click model, P(click) = examined(place) × liked(type, instrument).

Craswell, Zoeter, Taylor, Ramsey: An experimental comparison of click position-bias models (WSDM 2008); fitted by expectation and maximisation as
in Wang, Golbandi, Bendersky, Metzler, Najork: Position bias estimation for unbiased learning to rank in personal search (WSDM 2018).
What makes it possible without experiments on people is that the same instrument stands at different places for different persons.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.learning.lists import Lists
from matching.learning.log import TOP

Floats = NDArray[np.float64]

ROUNDS: Final = 2_000
LEAST: Final = 0.05
"""No place is taken to be looked at less than this, compared with the first: weights stay below 20."""

PRIOR: Final = (0.2, 0.8)
"""Pseudo-clicks and pseudo-misses of an instrument that was shown rarely."""


def examined(lists: Lists) -> Floats:
    """Return how likely each of the TOP places is looked at compared with the first, [TOP]; 1 for all without any clicks.

    A place cannot be looked at more than one above it by more than chance; the estimate is not forced to fall.
    """
    if not lists.clicked.any():
        return np.ones(TOP)
    place, item, n, clicks = _cells(lists)
    theta, gamma = 1 / np.sqrt(np.arange(1, TOP + 1)), np.full(int(item.max()) + 1, 0.3)
    shown = np.bincount(place, n, TOP).astype(float)
    liked_n = np.bincount(item, n) + sum(PRIOR)
    for _ in range(ROUNDS):
        both = theta[place] * gamma[item]
        missed = (n - clicks) / np.maximum(1 - both, 1e-9)
        seen = clicks + missed * (theta[place] - both)
        liked = clicks + missed * (gamma[item] - both)
        before = theta
        theta = np.divide(np.bincount(place, seen, TOP), shown, out=theta.copy(), where=shown > 0)
        gamma = (np.bincount(item, liked) + PRIOR[0]) / liked_n
        if np.abs(theta - before).max() < 1e-6:
            break
    return _relative(theta, shown)


def weights(lists: Lists, theta: Floats) -> Floats:
    """Return for each clicked row one over how likely its place is looked at, 0 elsewhere, [n, TOP] (inverse propensity)."""
    return np.where(lists.clicked, 1 / np.maximum(theta, LEAST), 0.0)


def _cells(lists: Lists) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """Return place, item, how often shown and how often clicked, once for each pair of place and item."""
    at, place = np.nonzero(lists.shown)
    pair, which = np.unique(lists.item[at, place] * TOP + place, return_inverse=True)
    n = np.bincount(which).astype(float)
    clicks = np.bincount(which, lists.clicked[at, place].astype(float)).astype(float)
    return pair % TOP, pair // TOP, n, clicks


def _relative(theta: Floats, shown: Floats) -> Floats:
    """Return the estimate compared with the first place; a place never shown is like the one above it."""
    found = np.clip(theta / max(float(theta[0]), 1e-9), LEAST, 1.0)
    for place in range(1, TOP):
        if not shown[place]:
            found[place] = found[place - 1]
    return found
