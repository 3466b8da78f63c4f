"""Put candidates in order, and show the sum that did it: each signal's value, weight, contribution and reason.

Score = relevance × Σ weight × value ÷ Σ weights, where relevance is how well the type of instrument serves the need: what is near and cheap but the
wrong thing is never first. Pure: the same need and candidates give the same order, whatever order they came in. What the signals mean is left to
`matching.signals`, where the facts come from to `matching.candidates`, what is shown of the sum in words to `matching.because`.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from matching.needs import Need
from matching.signals import SIGNALS, Facts, Reason, Signal
from matching.standing import PLAIN, Standing
from matching.weighing import RELEVANCE, Weights, weighed

SHOWN: Final = 3
Candidate = TypeVar("Candidate", bound=Facts)
Stands = Callable[[Candidate], Standing]


@dataclass(frozen=True, slots=True)
class Part:
    """One signal's share of a score: contribution = relevance × weight × value ÷ Σ weights."""

    signal: str
    value: float
    weight: float
    contribution: float
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Match(Generic[Candidate]):
    """A candidate with its place (from 1), its score 0..1, which is the sum of its parts' contributions, and the parts.

    `misses`: keys of the conditions that it does not meet; `unknown`: keys of those of which its specification says nothing (未标明). `moved`: why
    it does not stand where its score alone would put it; `was`: its place in the plain order when a learnt order moved it.
    """

    rank: int
    score: float
    parts: tuple[Part, ...]
    candidate: Candidate
    misses: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    moved: Reason | None = None
    was: int | None = None

    @property
    def tier(self) -> int:
        """What stands before the score: 0 meets every condition, 1 where something is not stated, 1 more for each that is not met."""
        return _tier(Standing(self.misses, self.unknown))


def rank(
    need: Need,
    candidates: Iterable[Candidate],
    *,
    weights: Weights | None = None,
    stands: Stands[Candidate] | None = None,
    signals: tuple[Signal, ...] = SIGNALS,
) -> list[Match[Candidate]]:
    """Return the candidates best first: by how they stand to the conditions, then score, then distance (unknown last), then id.

    Raises Invalid (w) for weights that cannot be.
    """
    weight = weighed(weights, signals)
    rows = []
    for one in candidates:
        parts = _parts(need, one, signals, weight)
        standing = stands(one) if stands else PLAIN
        total = math.fsum(part.contribution for part in parts)
        rows.append(((_tier(standing), -total, exact_distance(one), one.id), standing, parts, one))
    rows.sort(key=lambda row: row[0])
    return [Match(n, -key[1], parts, one, standing.misses, standing.unknown) for n, (key, standing, parts, one) in enumerate(rows, start=1)]


def weigh(need: Need, facts: Facts, *, weights: Weights | None = None, signals: tuple[Signal, ...] = SIGNALS) -> tuple[Part, ...]:
    """Return one part a signal, in the order of `signals`; the relevance is in each of them, so it is none itself."""
    return _parts(need, facts, signals, weighed(weights, signals))


def relevance(facts: Facts) -> float:
    """Return how well the candidate's type serves the need, 0..1."""
    return min(max(facts.type_fit, 0.0), 1.0)


def reasons(match: Match[Candidate]) -> tuple[Reason, ...]:
    """Return at most three reasons, what weighs most first, and among them at least one trade-off if there is any.

    A line that fits weighs what it adds to the score, a trade-off what it costs. What weighs nothing is not told.
    """
    whole = math.fsum(part.weight for part in match.parts)
    told = [(_weight(part, relevance(match.candidate) / whole), part.reason) for part in match.parts if part.reason and part.weight]
    told.sort(key=lambda pair: -pair[0])
    chosen = [reason for _, reason in told[:SHOWN]]
    tradeoffs = [reason for _, reason in told if reason.sign == "tradeoff"]
    if tradeoffs and all(reason.sign == "fits" for reason in chosen):
        chosen[-1] = tradeoffs[0]
    return tuple(chosen)


def exact_distance(facts: Facts) -> float:
    """Return metres, infinite where the place is known only roughly or not at all."""
    return math.inf if facts.distance_m is None or facts.precision == "city" else facts.distance_m


def _parts(need: Need, facts: Facts, signals: tuple[Signal, ...], weights: Weights) -> tuple[Part, ...]:
    share = relevance(facts) / math.fsum(weights.values())
    read = [(signal.name, weights[signal.name], signal.read(need, facts)) for signal in signals if signal.name != RELEVANCE]
    return tuple(Part(name, found.value, weight, share * weight * found.value, found.reason) for name, weight, found in read)


def _weight(part: Part, share: float) -> float:
    return part.contribution if part.reason and part.reason.sign == "fits" else share * part.weight - part.contribution


def _tier(standing: Standing) -> int:
    return 1 + len(standing.misses) if standing.misses else int(bool(standing.unknown))
