"""Let no carrier fill the top of the list: maximal marginal relevance over carriers, and small carriers first among near-ties.

After Carbonell and Goldstein (1998): the next match is the one with the highest λ·score − (1−λ)·similarity to those above it, λ = 1/(1+LIKE): it is
score − LIKE·similarity up to a factor. To this comes TIE × 1/(how many of the carrier's instruments are in the pool), so that among near-ties the one
of a small carrier comes first. So a match is overtaken only by one whose score is at most LIKE + TIE lower. The score that is shown stays as it was.

Nearer, cheaper or sooner never ranks lower: similarity and size do not look at scores, so at each step a better score only makes it more likely to be
taken next, while everything before it is taken in the same order as without. The pool is the first POOL by score, which a better score only enters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heapreplace
from itertools import groupby
from typing import Final, Protocol, TypeVar

from core.errors import N_
from matching.rank import Match
from matching.signals import Facts, Reason

LIKE: Final = 0.03
"""Score that a match loses for another of the same carrier and type above it."""

TIE: Final = 0.01
"""Score that counts as a tie."""

POOL: Final = 40
"""So many of the best are put in order anew; beyond them the score alone decides."""

SAME_CARRIER, SAME_SITE, SAME_TYPE = 0.8, 0.6, 0.2


class Placed(Facts, Protocol):
    """What likeness is told by: whose it is, where, and of which type."""

    @property
    def carrier_id(self) -> int: ...  # noqa: D102
    @property
    def type_id(self) -> int: ...  # noqa: D102
    @property
    def lon(self) -> float: ...  # noqa: D102
    @property
    def lat(self) -> float: ...  # noqa: D102


One = TypeVar("One", bound=Placed)


@dataclass(frozen=True)
class Above:
    """What has been taken so far, by carrier, by carrier and type, by place, by type."""

    carriers: set[int]
    kinds: set[tuple[int, int]]
    sites: set[tuple[float, float]]
    types: set[int]

    def add(self, one: Placed) -> None:
        """Count one as taken."""
        self.carriers.add(one.carrier_id)
        self.kinds.add((one.carrier_id, one.type_id))
        self.sites.add((one.lon, one.lat))
        self.types.add(one.type_id)

    def likeness(self, one: Placed) -> float:
        """Return how much one is like the most similar one above it, 0..1."""
        if (one.carrier_id, one.type_id) in self.kinds:
            return 1.0
        if one.carrier_id in self.carriers:
            return SAME_CARRIER
        if (one.lon, one.lat) in self.sites:
            return SAME_SITE
        return SAME_TYPE if one.type_id in self.types else 0.0


def spread(matches: Sequence[Match[One]]) -> list[Match[One]]:
    """Return ranked matches with their carriers spread, each tier by itself; who has moved says why."""
    found: list[Match[One]] = []
    for _, tier in groupby(matches, key=lambda one: one.tier):
        rows = list(tier)
        found += [*_spread(rows[:POOL]), *rows[POOL:]]
    return [one if one.rank == n else replace(one, rank=n, moved=_moved(one, n)) for n, one in enumerate(found, start=1)]


def _spread(pool: list[Match[One]]) -> list[Match[One]]:
    """Take one after the other; a value only falls as more are taken, so one that is still the best by its old value is the best of all."""
    sizes = Counter(one.candidate.carrier_id for one in pool)
    values = {one.rank: one.score + TIE / sizes[one.candidate.carrier_id] for one in pool}
    above = Above(set(), set(), set(), set())
    left = [(-values[one.rank], one.rank, one) for one in pool]
    heapify(left)
    taken = []
    while left:
        _, rank, one = left[0]
        heapreplace(left, (-(values[rank] - LIKE * above.likeness(one.candidate)), rank, one))
        if left[0][1] == rank:
            taken.append(heappop(left)[2])
            above.add(one.candidate)
    return taken


def _moved(one: Match[One], place: int) -> Reason:
    was = {"was": str(one.rank)}
    if place < one.rank:
        return Reason("fits", N_("得分与前面的相近，让不同的载体都排得上来（按得分第 %(was)s 位）"), was)
    return Reason("tradeoff", N_("得分相近，前面先列了其他载体（按得分第 %(was)s 位）"), was)
