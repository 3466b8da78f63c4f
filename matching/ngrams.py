"""Likeness of a need to types by character n-grams: BM25 over names, synonyms and lexicon phrases, one document a type.

Robertson and Zaragoza 2009, with single characters at UNIGRAM of a pair's weight; a phrase counts in a document as much as its grade
says. It orders types where no phrase was found and fills the places below; it cannot tell whether a need makes sense.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.lexicon import Phrase, live, phrases, type_names
from matching.lexicon.text import HAN, normalise, squeeze, tokens

K1: Final = 1.2
B: Final = 0.5
UNIGRAM: Final = 0.35
GRADES: Final = {1: 0.15, 2: 0.5, 3: 1.0, 4: 1.5}
SAMPLE: Final = 0.5
HAN_RUN = re.compile(f"[{HAN}]+")
Row = NDArray[np.float32]


@dataclass(frozen=True)
class Ngrams:
    """What a gram in a need adds to the score of a type, by columns: gram g adds `weights[starts[g]:starts[g + 1]]` to the types `types[…]`.

    `mass`: what a gram would add at most. Plain arrays: scipy would cost a web process 37 MB.
    """

    grams: dict[str, int]
    starts: NDArray[np.int64]
    types: NDArray[np.int32]
    weights: Row
    mass: Row

    def at(self, row: int, column: int) -> float:
        """Return one weight, 0 where there is none."""
        start, end = self.starts[column], self.starts[column + 1]
        place = start + int(np.searchsorted(self.types[start:end], row))
        return float(self.weights[place]) if place < end and self.types[place] == row else 0.0

    def scores(self, columns: list[int]) -> Row:
        """Return the sum of some columns: one score a type."""
        found = np.zeros(len(type_names()), np.float32)
        for column in columns:
            span = slice(self.starts[column], self.starts[column + 1])
            found[self.types[span]] += self.weights[span]
        return found

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays and, about, of the table of grams."""
        return sum(array.nbytes for array in (self.starts, self.types, self.weights, self.mass)) + 110 * len(self.grams)


def grams_of(chars: str) -> list[str]:
    """Return single and paired Chinese characters and stems of Latin words of two letters or more.

    >>> grams_of("断口 test")
    ['断口', '断', '口', 'test']
    """
    found: list[str] = []
    for run in HAN_RUN.findall(chars):
        found += [run[at : at + 2] for at in range(len(run) - 1)]
        found += run
    return found + [word.stem for word in tokens(chars) if len(word.stem) > 1 and not word.stem.isdigit()]


@live.cached
def index() -> Ngrams:
    """Return the arrays over the whole lexicon; built at the first call in a process."""
    names = {name: at for at, name in enumerate(type_names())}
    counts: Counter[tuple[int, str]] = Counter()
    for phrase in phrases():
        if phrase.kind not in {"vague", "offscope"}:
            for gram in grams_of(" ".join(squeeze(normalise(part)).chars for part in phrase.parts)):
                for name, worth in _pointers(phrase):
                    counts[names[name], gram] += worth  # type: ignore[assignment]
    grams = {gram: at for at, gram in enumerate(dict.fromkeys(gram for _, gram in counts))}
    types = np.fromiter((at for at, _ in counts), np.int32, len(counts))
    columns = np.fromiter((grams[gram] for _, gram in counts), np.int64, len(counts))
    return _bm25(types, columns, np.fromiter(counts.values(), np.float32, len(counts)), grams)


def similar(chars: str) -> tuple[Row, Row]:
    """Return for each type, in the order of `type_names`, its score and the share (0..1) of the telling characters it accounts for."""
    held = index()
    known = _columns(held, chars)
    if not known:
        return np.zeros(len(type_names()), np.float32), np.zeros(len(type_names()), np.float32)
    scores = held.scores(known)
    return scores, scores / (float(held.mass[known].sum()) + _unknown(held, chars))


def shared(chars: str, at: int, *, most: int = 2) -> tuple[str, ...]:
    """Return the pieces of two characters or more in a need that speak most for the type at place `at`."""
    held = index()
    pieces = {gram for gram in grams_of(chars) if len(gram) > 1 and gram in held.grams}
    worth = {gram: held.at(at, held.grams[gram]) for gram in pieces}
    return tuple(sorted((gram for gram in pieces if worth[gram] > 0), key=lambda gram: (-worth[gram], gram))[:most])


def _columns(held: Ngrams, chars: str) -> list[int]:
    return sorted({held.grams[gram] for gram in grams_of(chars) if gram in held.grams})


def _unknown(held: Ngrams, chars: str) -> float:
    """Return the mass of the words that stand in no phrase at all, each as a rare one."""
    rare = float(np.log1p(len(type_names())))
    return rare * sum(1 for gram in set(grams_of(chars)) if len(gram) > 1 and gram not in held.grams)


def _pointers(phrase: Phrase) -> Iterable[tuple[str, float]]:
    return ((name, GRADES[weight] * (SAMPLE if phrase.kind == "sample" else 1.0)) for name, weight in phrase.types)


def _bm25(types: NDArray[np.int32], columns: NDArray[np.int64], counts: Row, grams: dict[str, int]) -> Ngrams:
    """Return the BM25 weight of every gram in every document; a gram of few documents tells most."""
    many = len(type_names())
    length = np.bincount(types, counts, many)
    documents = np.bincount(columns[counts >= 0.9], minlength=len(grams))
    telling = np.log1p(many / np.maximum(documents, 1)).astype(np.float32)
    telling *= np.array([UNIGRAM if len(gram) == 1 and HAN_RUN.match(gram) else 1.0 for gram in grams], np.float32)
    saturated = counts * (K1 + 1) / (counts + K1 * (1 - B + B * length[types] / length.mean()))
    order = np.lexsort((types, columns))
    starts = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=len(grams)))])
    weights = (saturated * telling[columns]).astype(np.float32)
    return Ngrams(grams, starts, types[order], weights[order], (telling * (K1 + 1)).astype(np.float32))
