"""Tell which instrument types serve a need, best first, with the words that say so; ask where the words do not say it.

A guess rests on words of the need alone: phrases of the lexicon first, likeness of characters (and meaning) below them. Which provider
of the type is best is left to `matching.rank`, the conditions of the need to `matching.needs`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Final

from matching import knobs, questions
from matching.answers import Ask, TypeAnswer, TypeGuess
from matching.evidence import guesses as weigh
from matching.lexicon.chatter import says_something
from matching.lexicon.finder import Found, find
from matching.lexicon.slips import find_misspelt
from matching.lexicon.text import Text, normalise, squeeze
from matching.lexicon.traces import find_traces
from matching.likeness import Likeness, is_telling, likeness, ranked
from matching.needs import Need, parse_need
from matching.refusing import refused as refusals
from matching.several import parts

__all__ = ["Ask", "TypeAnswer", "TypeGuess", "resolve"]

MOST: Final = 20
SURE: Final = 0.6
"""Score from which no slip of the pen is looked for."""
TESTING = re.compile(r"测|检|分析|化验|试验|鉴定|表征|观察|\btest|\bmeasur|\banaly|\binspect|\bcharacteri|\bdetermin")
DEALS = re.compile(r"收购|求购|转让|转手|出售|出租|求租|租赁|二手|招聘|招工|贷款|\bfor sale\b|\bsecond-hand\b|\bto rent\b|\bhire\b")
"""Dealings that make a thing's name the object of a trade: they outweigh what the name points to, where nothing is to be tested."""
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
    if _is_elsewhere(text, found, guesses):
        return TypeAnswer(ask=questions.impossible())
    if not refused and not says_something(text.chars) and not any(one.phrase.kind in NAMING for one in kept):
        vague = questions.between(found, guesses, [], refused)
        return TypeAnswer(ask=vague if vague.kind == "vague" else questions.vague())
    if not refused and (not guesses or guesses[0].score < SURE):
        guesses = weigh(text, [*_beside(find_misspelt(text), found), *kept], refused)
        guesses = guesses or weigh(text, [*_beside(find_traces(text), found), *kept], refused)
    return _answer(likeness(text), found, guesses, refused)


def _answer(like: Likeness, found: list[Found], guesses: list[TypeGuess], refused: frozenset[str]) -> TypeAnswer:
    """Return the guesses with the types that are like the need below them, or a question where nothing is clear."""
    held = knobs.current()
    if guesses and guesses[0].score >= held.bounds.clear:
        lifted = _lifted(guesses, like.of(), held.likeness.lift)
        known = refused | {one.name_zh for one in lifted}
        below = ranked(like, worth=held.likeness.tail * lifted[0].score, without=known, most=MOST)
        return TypeAnswer(_sorted([*lifted, *below]))
    near = ranked(like, worth=held.likeness.worth, without=refused, most=MOST)
    if is_telling(like) and not any(one.phrase.kind == "vague" for one in found):
        weak = {one.name_zh: one for one in guesses}
        return TypeAnswer(_sorted([*near, *(one for name, one in weak.items() if name not in {other.name_zh for other in near})]))
    return TypeAnswer(ask=questions.between(found, guesses, near, refused))


def _lifted(guesses: list[TypeGuess], support: dict[str, float], lift: float) -> list[TypeGuess]:
    """Return guesses a little surer where the rest of the need's characters are like the type too."""
    return [replace(one, score=round(one.score + (1 - one.score) * lift * support.get(one.name_zh, 0.0), 4)) for one in guesses]


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


def _is_elsewhere(text: Text, found: list[Found], guesses: list[TypeGuess]) -> bool:
    """Say whether the need is for something no instrument does; a short word said in passing ("安装") does not outweigh a guess."""
    spans = [one for one in found if one.phrase.kind == "offscope"]
    rest = "".join(char for at, char in enumerate(text.chars) if not any(one.start <= at < one.end for one in spans))
    if DEALS.search(text.chars) and not TESTING.search(rest):
        return True
    elsewhere = [one.phrase.parts[0] for one in spans]
    if not elsewhere or not guesses:
        return bool(elsewhere)
    plainly = any(len(words) > 2 and (" " in words or not words.isascii()) for words in elsewhere)
    return plainly and not TESTING.search(rest)
