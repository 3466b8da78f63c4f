"""How much less a thing counts the farther, dearer or later it is: each function here returns a function from an amount to 0..1.

Which decay a signal uses, and over which half amount, is left to `matching.signals`.
"""

from collections.abc import Callable

Decay = Callable[[float], float]


def exponential_decay(half: float) -> Decay:
    """Return a decay that is 1 at 0 and halves with every further `half` (metres, fen, days: the unit of its argument).

    The form is the exponential impedance of gravity models (Wilson 1971), written with its half distance. Raises ValueError if `half`
    is not above 0.

    >>> near = exponential_decay(20_000)
    >>> near(0), near(20_000), near(40_000)
    (1.0, 0.5, 0.25)
    """
    _demand_positive(half)
    return lambda amount: float(0.5 ** (max(amount, 0.0) / half))


def linear_decay(reach: float) -> Decay:
    """Return a decay that falls evenly from 1 at 0 to 0 at `reach` and beyond. Raises ValueError if `reach` is not above 0.

    >>> near = linear_decay(40_000)
    >>> near(0), near(10_000), near(50_000)
    (1.0, 0.75, 0.0)
    """
    _demand_positive(reach)
    return lambda amount: max(0.0, 1.0 - max(amount, 0.0) / reach)


def step_decay(steps: tuple[tuple[float, float], ...]) -> Decay:
    """Return a decay in steps (limit, value), limits rising: the value of the first limit not exceeded, 0 beyond the last.

    >>> near = step_decay(((20_000, 1.0), (40_000, 0.4)))
    >>> near(20_000), near(20_001), near(90_000)
    (1.0, 0.4, 0.0)
    """
    return lambda amount: next((value for limit, value in steps if amount <= limit), 0.0)


def _demand_positive(amount: float) -> None:
    if not amount > 0:
        msg = "a decay needs an amount above 0"
        raise ValueError(msg)
