"""Weigh what the phrases found in a need say about types: the strongest first, further ones add, the sample lends a little."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from matching import knobs
from matching.answers import TypeGuess
from matching.lexicon import NAME_WEIGHT, alternatives
from matching.lexicon.finder import Found
from matching.lexicon.text import Text

REASONS: Final = 4
SILENT: Final = frozenset({"sample", "vague", "offscope"})


@dataclass
class Tally:
    """What the words of one need add up to for one type, while it is counted."""

    name: str
    clues: dict[tuple[int, int], tuple[float, str]] = field(default_factory=dict)

    def add(self, found: Found, worth: float, *, said: str) -> None:
        """Count a found phrase; of several phrases at one place only the strongest counts."""
        place = (found.start, found.end)
        reason = said if said == found.phrase.title else f"“{said}” → {found.phrase.title}"
        self.clues[place] = max(self.clues.get(place, (0.0, "")), (worth, reason))

    def why(self) -> tuple[str, ...]:
        """Return the strongest reasons, at most REASONS of them, each once."""
        return tuple(dict.fromkeys(reason for _, reason in sorted(self.clues.values(), reverse=True)))[:REASONS]

    def score(self) -> float:
        """Return the strongest clue, lifted by each further one (a noisy or with damped further clues)."""
        best, *further = sorted((worth for worth, _ in self.clues.values()), reverse=True)
        missing = 1 - best
        for worth in further:
            missing *= 1 - knobs.current().lexicon.further * worth
        return 1 - missing


def guesses(text: Text, found: list[Found], refused: frozenset[str]) -> list[TypeGuess]:
    """Return the types that the found phrases point to, with those that can stand in for them, without the refused ones, best first."""
    tallies = _count(text, found)
    scores = {name: tally.score() for name, tally in tallies.items()}
    for name, lift in suited(found).items():
        if name in scores:
            scores[name] += (1 - scores[name]) * knobs.current().lexicon.context * lift
    named = [TypeGuess(name, min(round(scores[name], 4), 1.0), tallies[name].why()) for name in scores if scores[name] > 0]
    named += _stand_ins(named)
    return sorted((one for one in named if one.name_zh not in refused), key=lambda one: (-one.score, one.name_zh))


def suited(found: list[Found]) -> dict[str, float]:
    """Return for each type how well the sample suits it, 0..1; the sample alone never makes a guess."""
    lifts: dict[str, float] = {}
    for one in found:
        if one.phrase.kind == "sample":
            for name, weight in one.phrase.types:
                lifts[name] = max(lifts.get(name, 0.0), weight / 3)
    return lifts


def _count(text: Text, found: list[Found]) -> dict[str, Tally]:
    held = knobs.current().lexicon
    grades = {1: held.partly, 2: held.good, 3: held.expert, NAME_WEIGHT: held.name}
    manners = {"exact": 1.0, "loose": held.loose, "misspelt": held.misspelt}
    tallies: dict[str, Tally] = {}
    for one in found:
        if one.phrase.kind in SILENT:
            continue
        said, fits = _said(text, one), one.quality * manners[one.manner] * _precision(one, held.apart)
        for name, weight in one.phrase.types:
            worth = min(grades[weight] * fits * (1.0 if one.phrase.sure else held.unsure), 0.99)
            tallies.setdefault(name, Tally(name)).add(one, worth, said=said)
    return tallies


def _said(text: Text, found: Found) -> str:
    """Return the words that were read: as typed, or the parts of a phrase whose parts stand apart."""
    return " + ".join(found.phrase.parts) if len(found.phrase.parts) > 1 else text.as_typed(found.start, found.end)


def _precision(found: Found, apart: float) -> float:
    """Return 1.0 or a little more: several parts, or more words, leave less room for another meaning."""
    several = apart if len(found.phrase.parts) > 1 else 0.0
    return 1.0 if found.phrase.kind == "name" else 1.0 + several + min(sum(map(len, found.phrase.parts)), 10) * 0.006


def _stand_ins(named: Iterable[TypeGuess]) -> list[TypeGuess]:
    """Return the types that can stand in for clear guesses and are not guessed themselves."""
    held = knobs.current().lexicon
    worth = {1: held.stands_in_partly, 2: held.stands_in_good}
    known = {one.name_zh for one in named}
    extra: dict[str, TypeGuess] = {}
    for guess in named:
        for name, weight in alternatives().get(guess.name_zh, ()) if guess.score >= 0.6 else ():
            score = round(worth[weight] * guess.score, 4)
            if score > 0 and name not in known and (name not in extra or extra[name].score < score):
                extra[name] = TypeGuess(name, score, (f"{guess.name_zh} ↔ {name}",))
    return list(extra.values())
