"""Fit the weights of evidence on graded needs: a seeded random search, judged by cross-validation, the same result every time.

Few weights, one draw scaled by one factor each, and a gain that must be shown on needs not used for the choice: graded needs that the
lexicon was written beside say little about the weights, so new rows should outnumber them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching import knobs
from matching.evaluate import Graded, ndcg
from matching.knobs import Knobs
from matching.types import resolve

SEED: Final = 20261124
FOLDS: Final = 5
SPREAD: Final = 0.25
RESAMPLED: Final = 1_000
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """The chosen weights, nDCG@10 on the needs with the old and the chosen ones, and the gain on held-out needs with its 95 % interval."""

    knobs: Knobs
    before: float
    after: float
    held_out_gain: float
    interval: tuple[float, float]

    @property
    def is_certain(self) -> bool:
        """Say whether the gain on held-out needs lies above zero with its whole interval."""
        return self.interval[0] > 0


def fit(needs: Sequence[Graded], *, draws: int = 60) -> Fit:
    """Return the best of `draws` sets of weights around those in force. A need that must be asked scores 1 if it is, else 0."""
    rng = np.random.default_rng(SEED)
    tried = [knobs.current(), *(_varied(knobs.current(), rng) for _ in range(draws))]
    scores = np.array([_scores(needs, one) for one in tried])
    folds = rng.permutation(len(needs)) % FOLDS
    gains = np.zeros(len(needs))
    for fold in range(FOLDS):
        held = folds == fold
        best = int(scores[:, ~held].mean(axis=1).argmax())
        gains[held] = scores[best, held] - scores[0, held]
    best = int(scores.mean(axis=1).argmax())
    low, high = np.quantile([rng.choice(gains, len(gains)).mean() for _ in range(RESAMPLED)], (0.025, 0.975))
    return Fit(tried[best], float(scores[0].mean()), float(scores[best].mean()), float(gains.mean()), (float(low), float(high)))


def as_toml(held: Knobs) -> str:
    """Return the text of `weights.toml` for a set of weights."""
    lines = ["# What a kind of evidence is worth for a type, each 0..1. Written by `flask match fit` from the graded needs it learns from."]
    for table, weights in held.model_dump().items():
        lines += ["", f"[{table}]", *(f"{name} = {value:g}" for name, value in weights.items())]
    return "\n".join(lines) + "\n"


def _varied(held: Knobs, rng: np.random.Generator) -> Knobs:
    """Return weights each multiplied by a factor around 1; the bounds, which decide what is asked, stay."""
    tables = held.model_dump()
    for table in ("lexicon", "likeness"):
        for name, value in tables[table].items():
            tables[table][name] = round(float(min(value * np.exp(rng.normal(0, SPREAD)), 0.99)), 3)
    return Knobs.model_validate(tables)


def _scores(needs: Sequence[Graded], held: Knobs) -> Scores:
    with knobs.trying(held):
        answers = [[guess.name_zh for guess in resolve(one.need).types] for one in needs]
    return np.array([ndcg(one.grades, names) if one.grades else float(not names) for one, names in zip(needs, answers, strict=True)])
