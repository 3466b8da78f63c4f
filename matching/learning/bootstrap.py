"""How sure a measure is: percentile intervals by resampling lists (Efron 1979). Pure; the same values and seed give the same interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS: Final = 1_000
BLOCKS: Final = 2_000
"""Beyond so many lists, lists are put together at random into so many blocks, which are resampled instead: the same spread at a bounded cost."""

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure with the bounds between which it lies in `LEVEL` of the resamplings."""

    value: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether all of the interval lies above zero."""
        return self.low > 0


def ratio(above: Any, below: Any, *, seed: int = 0, rounds: int = ROUNDS) -> Interval | None:
    """Return Σ above ÷ Σ below over lists with its interval; None where the sum below is 0 or there are no two lists.

    >>> ratio([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])
    Interval(value=0.5, low=0.5, high=0.5)
    """
    tops, bottoms = np.asarray(above, float), np.asarray(below, float)
    if len(tops) < 2 or bottoms.sum() <= 0:
        return None
    rng = np.random.default_rng(seed)
    one, other = _blocks(tops, bottoms, rng)
    weights = rng.multinomial(len(one), np.full(len(one), 1 / len(one)), size=rounds)
    sums = weights @ other
    drawn = np.divide(weights @ one, sums, out=np.full(rounds, np.nan), where=sums > 0)
    low, high = np.nanquantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(tops.sum() / bottoms.sum()), float(low), float(high))


def share(hits: int, of: int, *, seed: int = 0) -> Interval | None:
    """Return hits ÷ of with its interval: resampling yes and no is drawing from a binomial distribution; None of nothing."""
    if of <= 0:
        return None
    drawn = np.random.default_rng(seed).binomial(of, hits / of, ROUNDS) / of
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(hits / of, float(low), float(high))


def _blocks(tops: Floats, bottoms: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    if len(tops) <= BLOCKS:
        return tops, bottoms
    block = rng.permutation(len(tops)) % BLOCKS
    return np.bincount(block, tops, BLOCKS).astype(float), np.bincount(block, bottoms, BLOCKS).astype(float)
