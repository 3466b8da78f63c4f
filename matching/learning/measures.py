"""What a log of lists says about the order: clicks by place, reciprocal rank of the first click, discounted gain corrected for places.

Corrected gain: a click counts as many times as its place is overlooked (inverse propensity; Joachims, Swaminathan, Schnabel: Unbiased
learning-to-rank with biased feedback, WSDM 2017), and sums of lists are divided, not lists by themselves: the weight of a list with one click
would cancel out of its own quotient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.learning.bootstrap import ROUNDS, Interval, ratio, share
from matching.learning.clickmodel import weights
from matching.learning.lists import Lists
from matching.learning.log import TOP

Floats = NDArray[np.float64]

DISCOUNT: Final = 1 / np.log2(np.arange(2, TOP + 2))


@dataclass(frozen=True)
class Measures:
    """Of some lists: how many, with any click, the mean reciprocal rank of the first click (0 without one), nDCG as clicked and corrected."""

    lists: int
    clicked: Interval | None
    mrr: Interval | None
    ndcg_naive: Interval | None
    ndcg: Interval | None


@dataclass(frozen=True)
class Place:
    """A place of the list: how often shown, share clicked, and how likely it is looked at compared with the first."""

    position: int
    shown: int
    clicks: Interval | None
    examined: float


def measure(lists: Lists, theta: Floats, *, rounds: int = ROUNDS) -> Measures:
    """Return the measures of lists under the click model's `theta`; intervals of `rounds` resamplings."""
    any_click = lists.clicked.any(axis=1)
    first = np.where(any_click, 1 / (lists.clicked.argmax(axis=1) + 1.0), 0.0)
    return Measures(
        len(lists),
        share(int(any_click.sum()), len(lists)),
        ratio(first, np.ones(len(lists)), rounds=rounds),
        ratio(*gains(lists.clicked.astype(float)), rounds=rounds),
        ratio(*gains(weights(lists, theta)), rounds=rounds),
    )


def gains(value: Floats, order: NDArray[np.int64] | None = None) -> tuple[Floats, Floats]:
    """Return of each list the discounted gain and the best possible, [n]; `order` is another order of the rows, [n, TOP] indices."""
    shown = value if order is None else np.take_along_axis(value, order, axis=1)
    return shown @ DISCOUNT, -np.sort(-value, axis=1) @ DISCOUNT


def places(lists: Lists, theta: Floats) -> list[Place]:
    """Return the places that were ever shown."""
    shown, clicks = lists.shown.sum(axis=0), lists.clicked.sum(axis=0)
    return [Place(n + 1, int(shown[n]), share(int(clicks[n]), int(shown[n])), float(theta[n])) for n in range(TOP) if shown[n]]
