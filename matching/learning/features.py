"""What a learnt order sees of a ranked row: how well the type fits, and the value of every signal, 0..1. Nothing else: no provider, no person."""

from __future__ import annotations

from typing import Any, Final

from matching.rank import Match

FIRST: Final = "type_fit"


def row_of(match: Match[Any]) -> tuple[float, ...]:
    """Return the values of one row, in the order of `shape_of`."""
    return float(match.candidate.type_fit), *(part.value for part in match.parts if part.signal != FIRST)


def shape_of(match: Match[Any]) -> str:
    """Return the names of the values, joined: what a model was trained on, and what it may be asked about."""
    return ",".join((FIRST, *(part.signal for part in match.parts if part.signal != FIRST)))
