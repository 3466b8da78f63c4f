"""Likeness of a need to types as learnt from graded needs and from the lexicon: a linear model over character n-grams, one column a type.

Ridge regression (Hoerl and Kennard 1970): BM25 counts how often a gram stands beside a type, this weighs grams against each other, so that
what every trade says tells little. One column more says how much a need sounds like those that no instrument serves. The weights are
fitted by `matching.teaching` and read from `learnt.npz`; a correction of the lexicon acts at once through the phrases and `matching.ngrams`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.lexicon import type_names
from matching.ngrams import Row, grams_of

FILE: Final = "learnt.npz"


@dataclass(frozen=True)
class Learnt:
    """Weights by gram: gram g adds `weights[starts[g]:starts[g + 1]]` to the columns `columns[…]`; `rarity` is the length it adds to a need.

    Columns are the types in the order of `names` and, last, what no instrument serves.
    """

    grams: dict[str, int]
    names: tuple[str, ...]
    starts: NDArray[np.int32]
    columns: NDArray[np.uint8]
    weights: NDArray[np.float16]
    rarity: NDArray[np.float16]

    def scores(self, chars: str) -> Row:
        """Return one score a column for a normalised text, of the length of `names` and one; zeros where no gram is known."""
        found = np.zeros(len(self.names) + 1, np.float32)
        known = sorted({self.grams[gram] for gram in grams_of(chars) if gram in self.grams})
        for gram in known:
            span = slice(self.starts[gram], self.starts[gram + 1])
            found[self.columns[span]] += self.weights[span]
        length = float(np.linalg.norm(self.rarity[known].astype(np.float32)))
        return found / np.float32(length) if length else found

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays and, about, of the table of grams."""
        return sum(array.nbytes for array in (self.starts, self.columns, self.weights, self.rarity)) + 110 * len(self.grams)


@lru_cache(maxsize=1)
def learnt() -> Learnt:
    """Return the packaged weights; read at the first call in a process."""
    with (files("matching") / FILE).open("rb") as held, np.load(held, allow_pickle=False) as arrays:
        return unpacked(dict(arrays))


def packed(held: Learnt) -> dict[str, NDArray[Any]]:
    """Return what is written to the file: arrays only, texts as UTF-8 with a line each."""
    texts = {"grams": "\n".join(held.grams), "names": "\n".join(held.names)}
    as_bytes = {name: np.frombuffer(text.encode("utf-8"), np.uint8) for name, text in texts.items()}
    return as_bytes | {"starts": held.starts, "columns": held.columns, "weights": held.weights, "rarity": held.rarity}


def unpacked(arrays: dict[str, NDArray[Any]]) -> Learnt:
    """Return the weights from the arrays of a file."""
    grams, names = (arrays[name].tobytes().decode("utf-8").split("\n") for name in ("grams", "names"))
    table = {gram: at for at, gram in enumerate(grams)}
    return Learnt(table, tuple(names), arrays["starts"], arrays["columns"], arrays["weights"], arrays["rarity"])


def by_learning(chars: str) -> Row:
    """Return for each type, in the order of `type_names`, its score from 0 up."""
    scores = learnt().scores(chars)
    scores[-1] = 0
    return np.maximum(scores[_places()], 0)


def like_none(chars: str) -> float:
    """Return how much a need sounds like those that no instrument serves or that say too little, about -1..1.

    It counts as far as the words are known: of words never seen, nothing is known either way.
    """
    return float(learnt().scores(chars)[-1]) * known_share(chars)


@lru_cache(maxsize=1)
def _places() -> NDArray[np.intp]:
    """Return the column of each type in the order of `type_names`; of one that nothing was learnt of, the last."""
    names = learnt().names
    place = {name: at for at, name in enumerate(names)}
    return np.array([place.get(name, len(names)) for name in type_names()], np.intp)


def known_share(chars: str) -> float:
    """Return the share (0..1) of a text's words, and of its pairs of Chinese characters, that something was learnt about."""
    pieces = {gram for gram in grams_of(chars) if len(gram) > 1}
    return sum(gram in learnt().grams for gram in pieces) / len(pieces) if pieces else 0.0
