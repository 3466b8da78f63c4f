"""A row of a comparison: what each column says, and which says the best. Where all are alike, or nothing can be said, nobody is best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.search import Ranked

Cell = dict[str, Any]
Matches = Sequence[Ranked]


@dataclass(frozen=True)
class Row:
    """A row of the comparison: its heading and a cell a column, {text, best, sign}; `sign` as in the macro `fit`.

    `weight`: "big" for what decides, "part" for what a sum is made of.
    """

    label: str
    cells: tuple[Cell, ...]
    weight: str = ""


def row(label: str, matches: Matches, write: Callable[[Ranked], str], worth: Callable[[Ranked], float | None] | None = None) -> Row:
    """Return a row; the best has most of `worth`, None where nothing can be said of a column. What reads alike is alike: minutes decide nothing."""
    values, texts = [worth(match) if worth else None for match in matches], [write(match) for match in matches]
    best = best_of(values)
    leading = {said for said, value in zip(texts, values, strict=True) if best is not None and value == best} if len(set(texts)) > 1 else set()
    return Row(label, tuple({"text": said, "best": said in leading} for said in texts))


def best_of(values: Sequence[float | None]) -> float | None:
    """Return the most of what can be said, None where that tells nobody from another.

    >>> best_of([1.0, 2.0, None]), best_of([2.0, 2.0]), best_of([3.0, None])
    (2.0, None, None)
    """
    told = [value for value in values if value is not None]
    return max(told) if len(set(told)) > 1 else None
