"""How much less a thing counts the farther, dearer or later it is: a function that returns a function from an amount to 0..1.

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
    if not half > 0:
        raise ValueError("a decay needs an amount above 0")
    return lambda amount: float(0.5 ** (max(amount, 0.0) / half))
