"""Likeness of a need to types: characters in common, what was learnt from graded needs and, where it is switched on, likeness of meaning.

It orders and fills places; whether a need can be answered by it is told by `is_telling`, since likeness alone is as high for needs that
no instrument serves (measured): what was learnt from such needs tells that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching import embedding, knobs
from matching.learnt import by_learning, like_none
from matching.lexicon.chatter import substance
from matching.lexicon.text import HAN, Text
from matching.ngrams import Row, shared, similar

FIRST: Final = 600
SAID: Final = 3
SAYING = re.compile(f"[{HAN}]|[a-z\u0370-\u03ff]{{2,}}")
"""What says something: a Chinese character, a word of two letters."""
AGREE: Final = 3
SPREAD: Final = 0.05
"""Difference of cosines at which one meaning is e times as likely as another."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """For each type, in the order of `type_names`: `support` 0..1 (the most like one 1), and the cosine of its meaning where that is looked at.

    `none`: how much the need sounds like those that no instrument serves or that say too little, about -1..1; `share`: what it all
    counts beside the evidence of phrases, 0..1.
    """

    support: Row
    none: float
    share: float
    meaning: Row | None
    chars: str

    def why(self, name: str, place: int) -> tuple[str, ...]:
        """Return the pieces of the need that the type, at `place` of `type_names`, shares."""
        return tuple(f"“{piece}” ≈ {name}" for piece in shared(self.chars, place))


def likeness(text: Text, *, doubtful: bool = False) -> Likeness:
    """Return how like a squeezed text is to each type; `doubtful`: it has slips of the pen, or a plain name that its characters can only blur."""
    held = knobs.current().likeness
    chars = substance(text.chars[:FIRST])
    support = _share_of_most((1 - held.learnt) * _share_of_most(similar(chars)[0]) + held.learnt * _share_of_most(by_learning(chars)))
    meaning = embedding.meaning(text.typed)
    if meaning is not None:
        near = np.exp((meaning - meaning.max()) / SPREAD).astype(np.float32)
        support = _share_of_most(support + held.embedding * near)
    return Likeness(support, none_of(text), held.beside_name if doubtful else held.weight, meaning, chars)


def none_of(text: Text) -> float:
    """Return how much a squeezed text sounds like needs that no instrument serves or that say too little, about -1..1."""
    return like_none(text.chars[:FIRST])


def is_telling(like: Likeness) -> bool:
    """Say whether a need without any clear phrase is answered by likeness: it says enough, and sounds like a need.

    With likeness of meaning, that must agree too.
    """
    if len(SAYING.findall(like.chars)) < SAID or not like.support.any():
        return False
    agreed = like.meaning is None or int(like.support.argmax()) in np.argsort(-like.meaning)[:AGREE]
    return agreed and like.none <= knobs.current().bounds.telling


def _share_of_most(scores: Row) -> Row:
    most = float(scores.max())
    return scores / most if most > 0 else scores
