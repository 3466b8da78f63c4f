"""What a learnt order sees of a ranked row: how well the type fits, and the value of every signal, 0..1. Nothing else: no provider, no person.

What depends on who asks is seen in coarse steps: the exact distances of a few instruments would say where he stands, and with that who he is.
"""

from __future__ import annotations

from typing import Any, Final

from matching.rank import Match

FIRST: Final = "type_fit"
COARSE: Final = ("distance", "own_part")
STEPS: Final = 4
"""Into how many steps the values of `COARSE` are rounded: an invented example."""


def row_of(match: Match[Any]) -> tuple[float, ...]:
    """Return the values of one row, in the order of `shape_of`."""
    values = (round(part.value * STEPS) / STEPS if part.signal in COARSE else part.value for part in match.parts if part.signal != FIRST)
    return float(match.candidate.type_fit), *values


def shape_of(match: Match[Any]) -> str:
    """Return the names of the values, joined: what a model was trained on, and what it may be asked about."""
    return ",".join((FIRST, *(part.signal for part in match.parts if part.signal != FIRST)))
