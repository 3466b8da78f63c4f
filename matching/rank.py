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
    return placed(scored(need, candidates, weights=weights, stands=stands, signals=signals))


def scored(
    need: Need,
    candidates: Iterable[Candidate],
    *,
    weights: Weights | None = None,
    stands: Stands[Candidate] | None = None,
    signals: tuple[Signal, ...] = SIGNALS,
) -> list[Match[Candidate]]:
    """Return the candidates with their scores in the order given, none with a place yet (rank 0). Raises as `rank` does."""
    weight = weighed(weights, signals)
    found = []
    for one in candidates:
        parts = _parts(need, one, signals, weight)
        standing = stands(one) if stands else PLAIN
        found.append(Match(0, math.fsum(part.contribution for part in parts), parts, one, standing.misses, standing.unknown))
    return found


def placed(matches: Iterable[Match[Candidate]]) -> list[Match[Candidate]]:
    """Return matches in the order of `rank`, each with its place."""
    order = sorted(matches, key=lambda one: (one.tier, -one.score, exact_distance(one.candidate), one.candidate.id))
    return [Match(n, one.score, one.parts, one.candidate, one.misses, one.unknown) for n, one in enumerate(order, start=1)]


def ceilings(need: Need, rows: Iterable[Facts], *, weights: Weights | None = None, known: frozenset[str] = frozenset()) -> list[float]:
    """Return for each row the most that its score can be when only the signals `known` can be read of it yet: of the others each may say 1.

    The same products are added up as in a score, so that no rounding puts a score above it.
    """
    weight = weighed(weights)
    whole = math.fsum(weight.values())
    read = [(weight[s.name], s.read) for s in SIGNALS if s.name in known]
    others = [weight[s.name] for s in SIGNALS if s.name not in known and s.name != RELEVANCE]
    found = []
    for one in rows:
        share = relevance(one) / whole
        found.append(math.fsum([*(share * much * say(need, one).value for much, say in read), *(share * much for much in others)]))
    return found


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
