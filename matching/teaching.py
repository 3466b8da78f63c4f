"""Fit the linear model of `matching.learnt` on graded needs and the phrases of the lexicon: ridge regression, the same result every time.

A graded need weighs as much as NEED phrases, since it is worded as people word; a type's target is the gain of its grade, as in the nDCG.
The last column separates needs that no instrument serves, and those that say too little, from all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.evaluate import Graded
from matching.learnt import Learnt, packed
from matching.lexicon import phrases, type_names
from matching.lexicon.text import HAN, normalise, squeeze
from matching.needs import parse_need
from matching.ngrams import UNIGRAM, grams_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEED: Final = 10.0
SAMPLE: Final = 0.3
RIDGE: Final = 3.0
RIDGE_NONE: Final = 5.0
PHRASE_AGAINST_NONE: Final = 0.1
STEPS: Final = 40
LEAST: Final = 0.006
"""A weight nearer to nought is left out: it changes no order and would make up most of the file."""
SILENT: Final = frozenset({"vague", "offscope"})
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """One text to learn from: its grams, the grades of types (none: no instrument), and how much it weighs for types and against none."""

    grams: frozenset[str]
    grades: dict[str, int]
    weight: float
    against: float


def learn(needs: Sequence[Graded]) -> Learnt:
    """Return the weights learnt from graded needs and the phrases of the lexicon."""
    examples = [*_of_needs(needs), *_of_phrases()]
    grams = {gram: at for at, gram in enumerate(dict.fromkeys(gram for one in examples for gram in sorted(one.grams)))}
    rows, rarity = _rows(examples, grams)
    weights = np.hstack([_by_type(rows, examples), _none(rows, examples)]) * rarity[:, None]
    kept = np.abs(weights) >= LEAST * rarity[:, None]
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    columns = np.nonzero(kept)[1].astype(np.uint8)
    return Learnt(grams, type_names(), starts, columns, weights[kept].astype(np.float16), rarity.astype(np.float16))


def save(held: Learnt, file: Path) -> None:
    """Write what was learnt to a file that `matching.learnt` reads."""
    np.savez_compressed(file, **packed(held))  # type: ignore[arg-type]


def _of_needs(needs: Sequence[Graded]) -> Iterable[Example]:
    for one in needs:
        topic = parse_need(one.need, today=date(2000, 1, 1)).topic
        yield Example(_grams((topic,)), one.grades, NEED if one.grades else 0.0, NEED)


def _of_phrases() -> Iterable[Example]:
    for phrase in phrases():
        none = phrase.kind in SILENT
        weight = 0.0 if none else SAMPLE if phrase.kind == "sample" else 1.0
        grades = {} if none else {name: min(grade, 3) for name, grade in phrase.types}
        yield Example(_grams(phrase.parts), grades, weight, NEED if none else PHRASE_AGAINST_NONE)


def _grams(parts: Iterable[str]) -> frozenset[str]:
    return frozenset(gram for part in parts for gram in grams_of(squeeze(normalise(part)).chars))


def _rows(examples: Sequence[Example], grams: dict[str, int]) -> tuple[csr_matrix[Any], Array]:
    """Return one row of unit length an example, and how rare each gram is; single Chinese characters count less."""
    from scipy.sparse import csr_matrix, diags

    columns = np.fromiter((grams[gram] for one in examples for gram in sorted(one.grams)), np.int32)
    starts = np.concatenate([[0], np.cumsum([len(one.grams) for one in examples])])
    held = np.bincount(columns, minlength=len(grams))
    rarity = np.log1p(len(examples) / (1 + held)).astype(np.float32)
    rarity *= np.array([UNIGRAM if len(gram) == 1 and _is_han(gram) else 1.0 for gram in grams], np.float32)
    rows = csr_matrix((rarity[columns], columns, starts), (len(examples), len(grams)))
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return csr_matrix(diags(1 / np.maximum(length, 1e-6)).astype(np.float32) @ rows), rarity


def _is_han(gram: str) -> bool:
    return HAN[0] <= gram <= HAN[-1]


def _by_type(rows: csr_matrix[Any], examples: Sequence[Example]) -> Array:
    place = {name: at for at, name in enumerate(type_names())}
    gains = np.zeros((len(examples), len(place)), np.float32)
    for at, one in enumerate(examples):
        for name, grade in one.grades.items():
            if name in place:
                gains[at, place[name]] = (2**grade - 1) / 7
    return _ridge(rows, gains, np.array([one.weight for one in examples], np.float32), RIDGE)


def _none(rows: csr_matrix[Any], examples: Sequence[Example]) -> Array:
    signs = np.array([[-1.0 if one.grades else 1.0] for one in examples], np.float32)
    return _ridge(rows, signs, np.array([one.against for one in examples], np.float32), RIDGE_NONE)


def _ridge(rows: csr_matrix[Any], targets: Array, weights: Array, ridge: float) -> Array:
    """Return the weights that fit `targets`, by conjugate gradients on all columns at once (Hestenes and Stiefel 1952), STEPS steps."""
    from scipy.sparse import csr_matrix

    weighted = csr_matrix(rows.multiply(weights[:, None]))
    found = np.zeros((rows.shape[1], targets.shape[1]), np.float32)
    rest = np.asarray(weighted.T @ targets, np.float32)
    ahead, size = rest.copy(), (rest * rest).sum(axis=0)
    for _ in range(STEPS):
        pushed = np.asarray(rows.T @ (weighted @ ahead), np.float32) + ridge * ahead
        step = size / np.maximum((ahead * pushed).sum(axis=0), 1e-12)
        found += step * ahead
        rest -= step * pushed
        before, size = size, (rest * rest).sum(axis=0)
        ahead = rest + size / np.maximum(before, 1e-12) * ahead
    return found
