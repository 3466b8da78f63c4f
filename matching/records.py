"""What a carrier's past says, read carefully: shares drawn towards what is usual, a lower bound where it is told, hours drawn likewise.

Pure arithmetic. A carrier without a past of its own stands exactly at what is usual: new and small ones are not put behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

PRIOR_ORDERS: Final = 10
"""How many orders of its own a carrier needs until they weigh as much as what is usual. A choice."""

Z: Final = 1.959963985
"""Two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual among all carriers: shares 0..1 and hours until an answer. The defaults stand until anything was counted; they are a choice."""

    on_time: float = 0.95
    undisputed: float = 0.98
    answer_hours: float = 8.0


@dataclass(frozen=True, slots=True)
class Record:
    """Counts of one carrier, and what is usual; all counts 0 and no hours: nothing is known, or nothing may be told."""

    delivered: int = 0
    on_time: int = 0
    undisputed: int = 0
    answers: int = 0
    answer_hours: float | None = None
    usual: Usual = Usual()


NOTHING: Final = Record()


def drawn(hits: int, count: int, usual: float) -> float:
    """Return the mean of a Beta posterior whose prior is worth `PRIOR_ORDERS` at `usual`: (hits + m·usual) ÷ (count + m).

    >>> drawn(0, 0, 0.9), drawn(10, 10, 0.9)
    (0.9, 0.95)
    """
    return (hits + PRIOR_ORDERS * usual) / (count + PRIOR_ORDERS)


def at_least(hits: int, count: int) -> float:
    """Return the lower end of Wilson's 95 % interval of a share (Wilson 1927); 0 of nothing.

    >>> round(at_least(38, 40), 3), round(at_least(2, 2), 3), at_least(0, 0)
    (0.835, 0.342, 0.0)
    """
    if count == 0:
        return 0.0
    share, z2 = hits / count, Z * Z
    middle = share + z2 / (2 * count)
    spread = Z * sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    return max(0.0, (middle - spread) / (1 + z2 / count))


def hours(record: Record) -> float:
    """Return the hours until an answer: the carrier's median, drawn towards what is usual as shares are."""
    own = record.usual.answer_hours if record.answer_hours is None else record.answer_hours
    return (own * record.answers + record.usual.answer_hours * PRIOR_ORDERS) / (record.answers + PRIOR_ORDERS)
