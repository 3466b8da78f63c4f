"""Tell which instrument types serve a need, best first, with the words that say so; ask where the words do not say it.

A guess rests on words of the need alone: phrases of the lexicon and likeness of characters (and meaning) to each type, weighed together.
Which provider of the type is best is left to `matching.rank`, the conditions of the need to `matching.needs`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from matching import knobs, questions
from matching.answers import Ask, TypeAnswer, TypeGuess
from matching.elsewhere import is_elsewhere
from matching.evidence import guesses as weigh
from matching.lexicon import corrected, type_names
from matching.lexicon.chatter import says_something
from matching.lexicon.finder import Found, find
from matching.lexicon.slips import find_misspelt
from matching.lexicon.text import Text, normalise, squeeze
from matching.likeness import Likeness, is_telling, likeness, none_of
from matching.needs import Need, parse_need
from matching.refusing import refused as refusals
from matching.several import parts

__all__ = ["Ask", "TypeAnswer", "TypeGuess", "resolve"]

MOST: Final = 20
SURE: Final = 0.6
"""Score from which no slip of the pen is looked for."""
CODED: Final = frozenset({"name", "standard"})
"""Phrases that leave no doubt: beside them, likeness tells little."""
NAMING: Final = frozenset({"name", "method", "standard"})


def resolve(need: str | Need) -> TypeAnswer:
    """Return the types for a need, best first, or what to ask when it is empty, vague, impossible or unknown.

    A sentence with several needs is answered for each (`parts`), the types of all in one list, the best of each first.
    Raises Invalid for a text that is too long, as `matching.needs.parse_need` does.
    """
    parsed = need if isinstance(need, Need) else parse_need(need, today=date(2000, 1, 1))
    whole = _resolve(parsed.topic)
    pieces = parts(parsed.topic)
    if len(pieces) < 2:
        return whole
    answers = tuple(answer for piece in pieces if (answer := _resolve(piece)).types)
    if len({answer.types[0].name_zh for answer in answers}) < 2:
        return whole
    return TypeAnswer(_interleaved((*answers, whole)), parts=answers)


def _resolve(topic: str) -> TypeAnswer:
    text = squeeze(normalise(topic))
    if not text.chars.strip(" ,，。.;；!！?？"):
        return TypeAnswer(ask=questions.empty())
    found = find(text)
    refused, kept = refusals(text, found)
    guesses = weigh(text, kept, refused)
    if is_elsewhere(text, found, guesses):
        return TypeAnswer(ask=questions.impossible())
    if not refused and not says_something(text.chars) and not _is_told(text, kept, guesses):
        vague = questions.between(found, guesses, [], refused)
        return TypeAnswer(ask=vague if vague.kind == "vague" else questions.vague())
    slips = _beside(find_misspelt(text), found) if not refused and (not guesses or guesses[0].score < SURE) else []
    guesses = weigh(text, [*slips, *kept], refused) if slips else guesses
    plain = any(one.whole and (one.phrase.kind in CODED or one.phrase.parts in corrected()) for one in kept)
    return _answer(likeness(text, doubtful=bool(slips) or plain), found, guesses, refused)


def _is_told(text: Text, kept: list[Found], guesses: list[TypeGuess]) -> bool:
    """Say whether words that are chatter by themselves name an instrument, or a property as people word needs for one."""
    bounds = knobs.current().bounds
    return any(one.phrase.kind in NAMING for one in kept) or (bool(guesses) and none_of(text) <= 2 * bounds.telling)


def _answer(like: Likeness, found: list[Found], guesses: list[TypeGuess], refused: frozenset[str]) -> TypeAnswer:
    """Return the types by evidence and likeness together, or a question where nothing is clear."""
    bounds = knobs.current().bounds
    clear = bool(guesses) and guesses[0].score >= (bounds.clear if like.none <= bounds.strange else bounds.plain)
    if clear or (is_telling(like) and not any(one.phrase.kind == "vague" for one in found)):
        return TypeAnswer(_together(like, guesses, refused))
    return TypeAnswer(ask=questions.between(found, guesses, list(_together(like, [], refused)), refused))


def _together(like: Likeness, guesses: list[TypeGuess], refused: frozenset[str]) -> tuple[TypeGuess, ...]:
    """Return the best by evidence and likeness, weighed by its share; the pieces it shares are the reason of a type without evidence."""
    known = {one.name_zh: one for one in guesses}
    places = {name: at for at, name in enumerate(type_names()) if name not in refused}
    scores = {name: like.share * float(like.support[at]) for name, at in places.items()}
    for name, guess in known.items():
        scores[name] = scores.get(name, 0.0) + (1 - like.share) * guess.score
    best = sorted(((-round(score, 4), name) for name, score in scores.items() if score >= 0.0001))[:MOST]
    return tuple(TypeGuess(name, -score, known[name].why if name in known else like.why(name, places[name])) for score, name in best)


def _sorted(guesses: list[TypeGuess]) -> tuple[TypeGuess, ...]:
    return tuple(sorted(guesses, key=lambda one: (-one.score, one.name_zh))[:MOST])


def _interleaved(answers: tuple[TypeAnswer, ...]) -> tuple[TypeGuess, ...]:
    """Return the types of several answers, each measured by the best of its own, so that the best of every need stand first."""
    top = max(one.types[0].score for one in answers if one.types)
    best: dict[str, TypeGuess] = {}
    for answer in answers:
        for guess in answer.types:
            score = round(guess.score / answer.types[0].score * top, 4)
            if guess.name_zh not in best or best[guess.name_zh].score < score:
                best[guess.name_zh] = replace(guess, score=score)
    return _sorted(list(best.values()))


def _beside(doubtful: list[Found], found: list[Found]) -> list[Found]:
    """Return doubtful finds that do not touch a vague phrase (one short word of it aside)."""
    vague = [one for one in found if one.phrase.kind == "vague" and one.end - one.start > 2 and " " not in one.phrase.parts[0]]
    return [one for one in doubtful if not any(one.start < other.end and other.start < one.end for other in vague)]
