"""The best of many in two steps: what is known at once says how good each can be at most, and only who can still be among the best is completed.

The answer is that of completing everybody (`matching.rank`): who is left out can score at most his ceiling, and that lies below the last of the best.
Distance, price and own part are known at once; the free slot, the carrier's record, its papers and specifications are what is completed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from matching.candidates import Candidate, Near
from matching.needs import Need
from matching.rank import Match, ceilings, placed, scored
from matching.weighing import Weights

AT_ONCE: Final = frozenset({"distance", "own_part", "budget"})
"""Signals that read nothing but what `Near` knows from the start."""

LIKELY: Final = 0.93
"""The last of the best usually reaches this share of its ceiling: who lies below is completed only where it turns out to be needed. A choice."""

Fill = Callable[[Sequence[Near]], list[Candidate]]


@dataclass(frozen=True)
class Best:
    """The best, in the order of `rank` over everybody, and those who were not completed."""

    matches: list[Match[Candidate]]
    rest: list[Near]


def best(need: Need, rows: Sequence[Near], *, top: int, fill: Fill, weights: Weights | None = None) -> Best:
    """Return the first `top` of all `rows`, whose own parts are known, with whoever else was completed on the way.

    `fill` completes rows; it is called at most twice.
    """
    known = AT_ONCE if need.limits else AT_ONCE | {"spec_fit"}  # without a limit to hold it against every specification fits
    order = sorted(zip(ceilings(need, rows, weights=weights, known=known), rows, strict=True), key=lambda pair: (-pair[0], pair[1].id))
    if len(order) <= top:
        return Best(placed(scored(need, fill(rows), weights=weights)), [])
    bar = LIKELY * order[top - 1][0]
    first = next((n for n, (ceiling, _) in enumerate(order) if ceiling < bar), len(order))
    found = scored(need, fill([one for _, one in order[:first]]), weights=weights)
    last = sorted((one.score for one in found), reverse=True)[top - 1] if len(found) >= top else 0.0
    end = next((n for n, (ceiling, _) in enumerate(order) if ceiling < last), len(order))
    if end > first:
        found += scored(need, fill([one for _, one in order[first:end]]), weights=weights)
    return Best(placed(found), [one for _, one in order[max(first, end) :]])
