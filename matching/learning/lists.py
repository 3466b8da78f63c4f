"""Shown lists as arrays, read from the log: what click model, measures and re-ranker all compute with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matching.learning.log import TOP

MOST: Final = 20_000
"""Lists that are read at most; ids are random, so the first by id are a fair sample."""


@dataclass(frozen=True)
class Lists:
    """n lists of at most TOP rows as [n, TOP] arrays; `item` < 0 where a list is shorter.

    `item` numbers instruments within a first type: the same number is the same pair. `features` is [n, TOP, k], or k = 0 where unknown;
    `clicked`, `booked`, `refused` are booleans; `week` is [n] ordinals of Mondays.
    """

    week: NDArray[np.int64]
    item: NDArray[np.int64]
    features: NDArray[np.float32]
    clicked: NDArray[np.bool_]
    booked: NDArray[np.bool_]
    refused: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.week)

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Where a row stands, [n, TOP]."""
        return self.item >= 0

    def pick(self, chosen: Any) -> Lists:
        """Return the lists that a mask or an index chooses."""
        return Lists(*(getattr(self, name)[chosen] for name in ("week", "item", "features", "clicked", "booked", "refused")))


def read_lists(session: Session, since: date, *, shape: str | None = None, sample: bool | None = None) -> Lists:
    """Read the lists since a Monday; with a `shape` only those whose features are of these signals, `sample` only generated or only real ones."""
    names = shape.split(",") if shape else []
    found = session.execute(text(_READ), {"since": since, "shape": shape, "sample": sample, "most": MOST}).all()
    return from_rows([tuple(row) for row in found], len(names))


def from_rows(rows: list[tuple[Any, ...]], k: int) -> Lists:
    """Make arrays of rows (week, types, instruments, features, clicked, booked, refused); a list with no or too few values is left out for k > 0."""
    kept = [row for row in rows if row[2] and (not k or len(row[3]) == k * len(row[2]))]
    n, codes = len(kept), dict[tuple[str, int], int]()
    item, features = np.full((n, TOP), -1, np.int64), np.zeros((n, TOP, k), np.float32)
    marks = np.zeros((3, n, TOP), bool)
    for at, (_, types, instruments, values, *acted) in enumerate(kept):
        top = instruments[:TOP]
        item[at, : len(top)] = [codes.setdefault((types[0] if types else "", one), len(codes)) for one in top]
        if k:
            features[at, : len(top)] = np.asarray(values, np.float32).reshape(-1, k)[:TOP]
        for mark, positions in zip(marks, acted, strict=True):
            mark[at, [place - 1 for place in positions if 0 < place <= len(top)]] = True
    week = np.array([row[0].toordinal() for row in kept], np.int64)
    return Lists(week, item, features, *marks)


_READ: Final = """
SELECT week, types, instruments, features, clicked, booked, refused FROM shown_list
WHERE week >= :since AND (CAST(:shape AS text) IS NULL OR shape = :shape) AND (CAST(:sample AS boolean) IS NULL OR is_sample = :sample)
ORDER BY id LIMIT :most
"""
