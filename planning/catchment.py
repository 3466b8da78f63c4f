"""Floating catchments: how much supply a zone can reach, shared with everybody else who can reach it. Pure arrays, sums of sparse products.

Notation, for zones i = 1…n and sites j = 1…m: P demand, S supply (one column a class), W the decay of the way between them (0: out of reach).

Where no demand reaches a site its supply is left out, so that demand · access adds up to the supply of all sites that somebody can reach.
Travel times and where the arrays come from are left to `planning.travel` and `planning.supply`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]


def two_step(demand: ArrayLike, supply: ArrayLike, weights: Any) -> Floats:
    """Return the two-step floating catchment access of every zone: R_j = S_j / Σ_i P_i W_ij, then A_i = Σ_j W_ij R_j.

    `demand` float[n]; `supply` float[m], or float[m,k] for k classes at once; `weights` scipy sparse or array [n,m]. Returns float[n] or
    float[n,k]: units of supply per unit of demand, 0 for a zone that reaches nothing. Raises ValueError naming the argument that is negative,
    not finite or of another shape.

    With W of 0 and 1 this is the 2SFCA of Luo & Wang (2003), Environment and Planning B 30(6), 865-884, eq. 5; with W falling by steps the
    enhanced one of Luo & Qi (2009), Health & Place 15(4), 1100-1107, eq. 2 and 3; with the Gaussian kernel that of Dai (2010), Health & Place
    16(5), 1038-1052.
    """
    reach = _weights(weights, "weights")
    return _shared(*_amounts(demand, supply, reach.shape), reach)


def three_step(demand: ArrayLike, supply: ArrayLike, weights: Any, selection: Any = None) -> Floats:
    """Return the three-step floating catchment access: A_i = Σ_j G_ij W_ij R_j, R_j = S_j / Σ_i G_ij P_i W_ij, G_ij = T_ij / Σ_j T_ij.

    `selection` [n,m] holds T, what the choice of a site goes by; G normalises it per zone over all its pairs, also those out of reach. It
    defaults to `weights`. Everything else is as in `two_step`. Source: Wan, Zou & Sternberg (2012), International Journal of Geographical
    Information Science 26(6), 1073-1089, eq. 1 to 3.
    """
    reach = _weights(weights, "weights")
    if selection is None:
        chosen, both = reach, reach.copy()
        both.data *= reach.data
    else:
        chosen = _weights(selection, "selection")
        if chosen.shape != reach.shape:
            raise ValueError(f"selection has the shape {chosen.shape}, weights has {reach.shape}")
        both = chosen.multiply(reach).tocsr()
    both.data *= np.repeat(_inverse(chosen @ np.ones(chosen.shape[1])), np.diff(both.indptr))
    return _shared(*_amounts(demand, supply, reach.shape), both)


def step_decay(minutes: ArrayLike, steps: Mapping[float, float] | Iterable[tuple[float, float]]) -> Floats:
    """Return the weight of the first step whose bound is not exceeded, 0 beyond the last: {10: 1, 20: 0.68, 30: 0.22} of Luo & Qi (2009).

    `minutes` of any shape, `steps` bound (minutes, inclusive) → weight, in any order.

    >>> step_decay([0, 10, 11, 30, 31], {10: 1, 20: 0.68, 30: 0.22}).tolist()
    [1.0, 1.0, 0.68, 0.22, 0.0]
    """
    pairs = sorted(steps.items() if isinstance(steps, Mapping) else steps)
    table = _finite(np.array(pairs, dtype=np.float64).reshape(-1, 2), "steps")
    weights: Floats = np.append(table[:, 1], 0.0)
    return weights[np.searchsorted(table[:, 0], _minutes(minutes), side="left")]


def gaussian_decay(minutes: ArrayLike, width: float, *, reach: float | None = None) -> Floats:
    """Return exp(-t²/2w²) for minutes t of any shape and the width w in minutes: 1 at once, 0.607 after one width, never quite 0.

    With `reach` the curve is lowered to 0 there, stretched to 1 at t = 0 and cut: (g(t) - g(reach)) / (1 - g(reach)). At `reach` = `width` that
    is the kernel of Dai (2010): (exp(-½ (t/t₀)²) - exp(-½)) / (1 - exp(-½)) up to t₀.

    >>> gaussian_decay([0, 20, 40], 20).round(4).tolist(), gaussian_decay([0, 15, 30], 30, reach=30).round(4).tolist()
    ([1.0, 0.6065, 0.1353], [1.0, 0.7014, 0.0])
    """
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"width must be above 0 minutes, not {width}")
    if reach is not None and not (np.isfinite(reach) and reach > 0):
        raise ValueError(f"reach must be above 0 minutes, not {reach}")
    curve: Floats = np.exp(-np.square(_minutes(minutes) / width) / 2)
    if reach is None:
        return curve
    edge = np.exp(-((reach / width) ** 2) / 2)
    lowered: Floats = np.maximum((curve - edge) / (1 - edge), 0.0)
    return lowered


def _shared(demand: Floats, supply: Floats, reach: csr_array[Any]) -> Floats:
    """Share each site's supply among the demand in its reach, and add up what every zone reaches of it."""
    ratio = _inverse(reach.T @ demand)
    return np.asarray(reach @ (supply * (ratio if supply.ndim == 1 else ratio[:, None])), dtype=np.float64)


def _inverse(amounts: Floats) -> Floats:
    """Return 1/x, and 0 for 0: what nobody reaches is shared by nobody."""
    return np.divide(1.0, amounts, out=np.zeros_like(amounts), where=amounts > 0)


def _weights(given: Any, name: str) -> csr_array[Any]:
    from scipy.sparse import csr_array

    found = csr_array(given, dtype=np.float64)
    if found.ndim != 2:
        raise ValueError(f"{name} must have two axes, zones and sites")
    _finite(found.data, name)
    return found


def _amounts(demand: ArrayLike, supply: ArrayLike, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    wanted, offered = _finite(demand, "demand"), _finite(supply, "supply")
    if wanted.shape != shape[:1]:
        raise ValueError(f"demand has the shape {wanted.shape}, the weights have {shape[0]} zones")
    if offered.ndim not in (1, 2) or offered.shape[:1] != shape[1:]:
        raise ValueError(f"supply has the shape {offered.shape}, the weights have {shape[1]} sites")
    return wanted, offered


def _minutes(given: ArrayLike) -> Floats:
    """Return minutes as an array; infinite ones are no error: there is no way."""
    found = np.asarray(given, dtype=np.float64)
    if found.size and not (found >= 0).all():
        raise ValueError("minutes must be 0 or more, and a number")
    return found


def _finite(given: ArrayLike, name: str) -> Floats:
    found = np.asarray(given, dtype=np.float64)
    if found.size and not (found.min() >= 0 and np.isfinite(found.max())):
        raise ValueError(f"{name} must be finite and 0 or more")
    return found
