"""How much less a thing counts the farther, dearer or later it is: a function that returns a function from an amount to 0..1.

Which decay a signal uses, and over which half amount, is left to `matching.signals`.
"""

from collections.abc import Callable
from math import exp, log

Decay = Callable[[float], float]


def exponential_decay(half: float) -> Decay:
    """Return a decay that is 1 at 0 and halves with every further `half` (metres, fen, days: the unit of its argument).

    The form is the exponential impedance of gravity models (Wilson 1971), written with its half distance. Raises ValueError if `half`
    is not above 0.

    >>> near = exponential_decay(20_000)
    >>> near(0), near(20_000), near(40_000)
    (1.0, 0.5, 0.25)
    """
    if not half > 0:
        raise ValueError("a decay needs an amount above 0")
    return lambda amount: float(0.5 ** (max(amount, 0.0) / half))


def gauss_decay(offset: float, scale: float) -> Decay:
    """Return a decay that is 1 up to `offset` and one half at `offset + scale`, both in the unit of its argument.

    The form is exp(ln ½ · (max(0, x − offset) ÷ scale)²), the Gaussian impedance that floating catchments use (Dai 2010), with an offset within
    which nobody minds. Raises ValueError if `scale` is not above 0 or `offset` is below 0.

    >>> near = gauss_decay(5_000, 20_000)
    >>> near(0), near(5_000), round(near(25_000), 6), round(near(45_000), 6)
    (1.0, 1.0, 0.5, 0.0625)
    """
    if not scale > 0 or offset < 0:
        raise ValueError("a decay needs a scale above 0 and an offset that is not below 0")
    factor = log(0.5) / scale**2
    return lambda amount: exp(factor * max(0.0, amount - offset) ** 2)
