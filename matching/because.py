"""The sum of a match in words: what speaks for it and against it, and why one stands before another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeVar

from core.errors import N_
from matching.rank import Match, relevance
from matching.rank import reasons as leading
from matching.signals import Facts, Reason

MOST: Final = 4
LINES: Final = 3
BETTER: Final[Mapping[str, str]] = {
    "type_fit": N_("仪器类型更对路：+%(points)s 分"),
    "spec_fit": N_("规格更合要求：+%(points)s 分"),
    "distance": N_("更近：+%(points)s 分"),
    "own_part": N_("自付更少：+%(points)s 分"),
    "slot": N_("更快约得上：+%(points)s 分"),
    "budget": N_("更合预算：+%(points)s 分"),
    "quality": N_("评价和准时率更好：+%(points)s 分"),
    "responsiveness": N_("回复更快：+%(points)s 分"),
    "accreditation": N_("资质更全：+%(points)s 分"),
}
WORSE: Final[Mapping[str, str]] = {
    "type_fit": N_("仪器类型不如它对路：−%(points)s 分"),
    "spec_fit": N_("规格不如它合要求：−%(points)s 分"),
    "distance": N_("更远：−%(points)s 分"),
    "own_part": N_("自付更多：−%(points)s 分"),
    "slot": N_("约上得更晚：−%(points)s 分"),
    "budget": N_("更超预算：−%(points)s 分"),
    "quality": N_("评价和准时率不如它：−%(points)s 分"),
    "responsiveness": N_("回复更慢：−%(points)s 分"),
    "accreditation": N_("资质不如它全：−%(points)s 分"),
}
One = TypeVar("One", bound=Facts)


def reasons(match: Match[One]) -> tuple[Reason, ...]:
    """Return at most MOST lines: what weighs most first, a trade-off among them if there is any, and last what moved it in the list."""
    told = leading(match)
    return (*told, match.moved)[:MOST] if match.moved else told


def ahead(one: Match[One], other: Match[One]) -> tuple[Reason, ...]:
    """Return why `one` stands before `other`: at most LINES differences of their sums in points of 100, what weighs most first.

    The relevance counts for what it does to the sum at the mean of both readings, so that all differences together are exactly that of the scores.
    A line that speaks for the other one is a trade-off. Where it is not the score that decides, the first line says what does.
    """
    gaps = sorted(differences(one, other).items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    lines = [_line(name, gap) for name, gap in gaps if abs(gap) >= 0.0005 and name in BETTER]
    first = _first(one, other)
    return tuple([*first, *lines][:LINES])


def differences(one: Match[One], other: Match[One]) -> dict[str, float]:
    """Return by signal, and for the relevance, how much `one` has more than `other`; their sum is the difference of the scores (to 1e-9)."""
    fits = relevance(one.candidate), relevance(other.candidate)
    mean = math.fsum(fits) / 2
    pairs = [(a, _share(a.weight, one), b, _share(b.weight, other)) for a, b in zip(one.parts, other.parts, strict=True)]
    found = {a.signal: mean * (share * a.value - across * b.value) for a, share, b, across in pairs}
    found["type_fit"] = (fits[0] - fits[1]) * math.fsum((share * a.value + across * b.value) / 2 for a, share, b, across in pairs)
    return found


def _share(weight: float, match: Match[One]) -> float:
    return weight / math.fsum(part.weight for part in match.parts)


def _line(name: str, gap: float) -> Reason:
    points = {"points": f"{abs(gap) * 100:.1f}"}
    return Reason("fits", BETTER[name], points) if gap > 0 else Reason("tradeoff", WORSE[name], points)


def _first(one: Match[One], other: Match[One]) -> list[Reason]:
    if one.tier < other.tier:
        return [Reason("fits", N_("它满足您必须的条件，后者有不满足或未标明的"))]
    if one.score < other.score:
        return [Reason("fits", N_("得分相近，先列了不同的载体"))]
    return []
