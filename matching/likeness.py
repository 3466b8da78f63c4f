"""Likeness of a need to types where knowledge ends: characters in common and, where it is switched on, likeness of meaning.

It orders and fills places; whether a need can be answered by it is told by `is_telling`, since likeness alone is as high for needs that
no instrument serves (measured).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from matching import embedding, knobs
from matching.answers import TypeGuess
from matching.lexicon import type_names
from matching.lexicon.chatter import substance
from matching.lexicon.text import Text
from matching.ngrams import Row, grams_of, shared, similar

FIRST: Final = 600
SAID: Final = 6
AGREE: Final = 3
SPREAD: Final = 0.05
"""Difference of cosines at which one meaning is e times as likely as another."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """For each type, in the order of `type_names`: `support` 0..1 (the most like one 1), and the share of the need's characters it accounts for."""

    support: Row
    share: Row
    meaning: Row | None
    chars: str

    def of(self) -> dict[str, float]:
        """Return the support by name, of the types that have any."""
        return {name: float(at) for name, at in zip(type_names(), self.support, strict=True) if at > 0}

    def why(self, name: str, place: int) -> tuple[str, ...]:
        """Return the pieces of the need that the type, at `place` of `type_names`, shares."""
        return tuple(f"“{piece}” ≈ {name}" for piece in shared(self.chars, place))


def likeness(text: Text) -> Likeness:
    """Return how like a squeezed text is to each type."""
    chars = substance(text.chars[:FIRST])
    scores, share = similar(chars)
    support = _share_of_most(scores)
    meaning = embedding.meaning(text.typed)
    if meaning is not None:
        near = np.exp((meaning - meaning.max()) / SPREAD).astype(np.float32)
        support = _share_of_most(support + knobs.current().likeness.embedding * near)
    return Likeness(support, share, meaning, chars)


def ranked(like: Likeness, *, worth: float, without: frozenset[str], most: int) -> list[TypeGuess]:
    """Return the `most` most like types, the first with the score `worth`, each with the pieces it shares."""
    order = sorted(((name, at) for name, at in like.of().items() if name not in without), key=lambda pair: (-pair[1], pair[0]))[:most]
    best, places = (order[0][1] if order else 1.0), {name: at for at, name in enumerate(type_names())}
    return [TypeGuess(name, score, like.why(name, places[name])) for name, at in order if (score := round(worth * at / best, 4)) > 0]


def is_telling(like: Likeness) -> bool:
    """Say whether a need without any known phrase is answered by likeness: most of it is of one type, and it says more than one word.

    With likeness of meaning, that must agree too.
    """
    if len(grams_of(like.chars)) < SAID or not like.share.any():
        return False
    best = int(like.support.argmax())
    agreed = like.meaning is None or best in np.argsort(-like.meaning)[:AGREE]
    return agreed and float(like.share[best]) >= knobs.current().bounds.telling


def _share_of_most(scores: Row) -> Row:
    most = float(scores.max())
    return scores / most if most > 0 else scores
