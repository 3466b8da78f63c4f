"""Put candidates in order, and show the sum that did it: each signal's value, weight, contribution and reason.

Pure: the same need and candidates give the same order, whatever order they came in. What the signals mean is left to
`matching.signals`, where the facts come from to `matching.candidates`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from matching.needs import Need
from matching.signals import SIGNALS, Facts, Reason, Signal

SHOWN: Final = 3
Candidate = TypeVar("Candidate", bound=Facts)


@dataclass(frozen=True, slots=True)
class Part:
    """One signal's share of a score: contribution = weight × value ÷ Σ weights."""

    signal: str
    value: float
    weight: float
    contribution: float
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Match(Generic[Candidate]):
    """A candidate with its place (from 1), its score 0..1, which is the sum of its parts' contributions, and the parts."""

    rank: int
    score: float
    parts: tuple[Part, ...]
    candidate: Candidate


def rank(need: Need, candidates: Iterable[Candidate], *, signals: tuple[Signal, ...] = SIGNALS) -> list[Match[Candidate]]:
    """Return the candidates best first: by score, then distance (unknown last), then id."""
    scored = [(parts, candidate) for candidate in candidates for parts in [weigh(need, candidate, signals=signals)]]
    scored.sort(key=lambda pair: (-_total(pair[0]), _exact_distance(pair[1]), pair[1].id))
    return [Match(place, _total(parts), parts, candidate) for place, (parts, candidate) in enumerate(scored, start=1)]


def weigh(need: Need, facts: Facts, *, signals: tuple[Signal, ...] = SIGNALS) -> tuple[Part, ...]:
    """Return one part a signal, in the order of `signals`."""
    whole = sum(signal.weight for signal in signals)
    readings = [(signal, signal.read(need, facts)) for signal in signals]
    return tuple(
        Part(signal.name, reading.value, signal.weight, signal.weight * reading.value / whole, reading.reason) for signal, reading in readings
    )


def reasons(match: Match[Candidate]) -> tuple[Reason, ...]:
    """Return at most three reasons, what weighs most first, and among them at least one trade-off if there is any.

    A line that fits weighs what it adds to the score, a trade-off what it costs.
    """
    told = [(_weight(part, whole=_whole(match.parts)), part.reason) for part in match.parts if part.reason]
    told.sort(key=lambda pair: -pair[0])
    chosen = [reason for _, reason in told[:SHOWN]]
    tradeoffs = [reason for _, reason in told if reason.sign == "tradeoff"]
    if tradeoffs and all(reason.sign == "fits" for reason in chosen):
        chosen[-1] = tradeoffs[0]
    return tuple(chosen)


def _weight(part: Part, *, whole: float) -> float:
    return part.contribution if part.reason and part.reason.sign == "fits" else part.weight / whole - part.contribution


def _whole(parts: tuple[Part, ...]) -> float:
    return sum(part.weight for part in parts)


def _total(parts: tuple[Part, ...]) -> float:
    return math.fsum(part.contribution for part in parts)


def _exact_distance(facts: Facts) -> float:
    return math.inf if facts.distance_m is None or facts.precision == "city" else facts.distance_m
