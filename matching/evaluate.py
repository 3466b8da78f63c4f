"""How well needs are understood: the answers for graded needs against the grades of experts.

Measures: nDCG@10 with gain 2^grade - 1 (Järvelin and Kekäläinen 2002), MRR and recall@20 over the types with grade 2 or 3, and the share
of impossible or vague needs that are answered with a question.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

RELEVANT: Final = 2
ASKED: Final = ("nomatch", "vague")


@dataclass(frozen=True, slots=True)
class Graded:
    """A need with the grades (1..3) that experts gave to type names, and its tags."""

    need: str
    grades: dict[str, int]
    tags: tuple[str, ...] = ()


def evaluate(needs: Iterable[Graded], answer: Callable[[str], Sequence[str]]) -> dict[str, Any]:
    """Return the measures of `answer`, which gives type names best first, or nothing where it asks; averages are over needs with grades."""
    judged = [(one, list(answer(one.need))) for one in needs]
    graded = [(one, names) for one, names in judged if one.grades]
    tags = sorted({tag for one, _ in graded for tag in one.tags})
    found = _averages(graded)
    found["by_tag"] = {tag: _averages([pair for pair in graded if tag in pair[0].tags]) for tag in tags}
    found["asked"] = {tag: _share([not names for one, names in judged if tag in one.tags]) for tag in ASKED}
    return found


def ndcg(grades: dict[str, int], names: Sequence[str], *, depth: int = 10) -> float:
    """Return the discounted gain of `names` to `depth`, as a share of the best possible order of `grades`.

    >>> round(ndcg({"a": 3, "b": 2}, ["b", "a"]), 4)
    0.8341
    """
    best = _gain(sorted(grades.values(), reverse=True)[:depth])
    return _gain([grades.get(name, 0) for name in names[:depth]]) / best if best else 0.0


def reciprocal_rank(grades: dict[str, int], names: Sequence[str]) -> float:
    """Return one over the place of the first relevant name; 0 where there is none."""
    return next((1 / place for place, name in enumerate(names, 1) if grades.get(name, 0) >= RELEVANT), 0.0)


def recall(grades: dict[str, int], names: Sequence[str], *, depth: int = 20) -> float | None:
    """Return the share of the relevant names that stand among the first `depth`; None where nothing is relevant."""
    wanted = {name for name, grade in grades.items() if grade >= RELEVANT}
    return len(wanted & set(names[:depth])) / len(wanted) if wanted else None


def _gain(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))


def _averages(pairs: Sequence[tuple[Graded, list[str]]]) -> dict[str, Any]:
    recalls = [share for one, names in pairs if (share := recall(one.grades, names)) is not None]
    return {
        "n": len(pairs),
        "ndcg@10": _mean([ndcg(one.grades, names) for one, names in pairs]),
        "mrr": _mean([reciprocal_rank(one.grades, names) for one, names in pairs]),
        "recall@20": _mean(recalls),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None


def _share(hits: Sequence[bool]) -> float | None:
    return round(sum(hits) / len(hits), 6) if hits else None
