"""Tell which instrument types serve a need, best first, with the words that say so; ask where the words do not say it.

A guess rests on words of the need alone. Which provider of the type is best is left to `matching.rank`, the conditions of the need to
`matching.needs`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from core.errors import N_
from matching.lexicon import NAME_WEIGHT, alternatives
from matching.lexicon.finder import Found, find, find_misspelt
from matching.lexicon.text import Text, normalise, squeeze
from matching.lexicon.traces import find_traces
from matching.needs import Need, parse_need

WORTH: Final = {1: 0.25, 2: 0.5, 3: 0.76, NAME_WEIGHT: 0.97}
FURTHER: Final = 0.35
CONTEXT: Final = 0.12
STANDS_IN: Final = {1: 0.2, 2: 0.38}
CLEAR: Final = 0.3
MOST: Final = 20
REASONS: Final = 4
REFUSALS = re.compile(
    r"(?:不要|不用|不做|不需要|无需|不想用|不想做|别用|不能用|不采用|除了|除去|排除|而不是|不是|\bnot|\bwithout|\bexcept(?: for)?|\bexcluding|"
    r"\binstead of|\bother than|\brather than|\bno need for)"
    r"(?:再|用|做|使用|采用|测|\s|\ba\b|\ban\b|\bthe\b|\bany\b|\buse\b|\busing\b|\bby\b|\bneed\b)*$"
)
ALSO = re.compile(r"^.{0,6}?(?:还|也|另外|再做|再测|以及|\balso\b|as well)")
JOINS = re.compile(r"\s*(?:和|、|或者?|及|与|/|,|\band\b|\bor\b)\s*")
TESTING = re.compile(r"测|检|分析|化验|试验|鉴定|表征|观察|\btest|\bmeasur|\banaly|\binspect|\bcharacteri|\bdetermin")
EXAMPLES: Final = (N_("不锈钢断口形貌"), N_("锂电池循环寿命"), N_("面料起毛起球"), N_("废水重金属含量"))


@dataclass(frozen=True, slots=True)
class TypeGuess:
    """One instrument type for the need: score 0..1 and the words that led to it."""

    name_zh: str
    score: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question instead of a guess: a message id, and options (type names, or example phrases where nothing is known)."""

    message: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeAnswer:
    """Either types, best first, or a question."""

    types: tuple[TypeGuess, ...] = ()
    ask: Ask | None = None


@dataclass
class Tally:
    """What the words of one need add up to for one type, while it is counted."""

    name: str
    clues: dict[tuple[int, int], tuple[float, str]] = field(default_factory=dict)

    def add(self, found: Found, worth: float, *, said: str) -> None:
        """Count a found phrase; of several phrases at one place only the strongest counts."""
        place = (found.start, found.end)
        reason = said if said == found.phrase.notion else f"“{said}” → {found.phrase.notion}"
        self.clues[place] = max(self.clues.get(place, (0.0, "")), (worth, reason))

    def why(self) -> tuple[str, ...]:
        """Return the strongest reasons, at most REASONS of them, each once."""
        return tuple(dict.fromkeys(reason for _, reason in sorted(self.clues.values(), reverse=True)))[:REASONS]

    def score(self) -> float:
        """Return the strongest clue, lifted by each further one (a noisy or with damped further clues)."""
        best, *further = sorted((worth for worth, _ in self.clues.values()), reverse=True)
        missing = 1 - best
        for worth in further:
            missing *= 1 - FURTHER * worth
        return 1 - missing


def resolve(need: str | Need) -> TypeAnswer:
    """Return the types for a need, best first, or what to ask when it is empty, vague, impossible or unknown.

    Raises Invalid for a text over 500 characters, as `matching.needs.parse_need` does.
    """
    parsed = need if isinstance(need, Need) else parse_need(need, today=date(2000, 1, 1))
    text = squeeze(normalise(parsed.topic))
    if not text.chars.strip(" ,，。.;；!！?？"):
        return TypeAnswer(ask=Ask(N_("请写出样品和要测的指标，例如："), EXAMPLES))
    found = find(text)
    refused, kept = _refused(text, found)
    guesses = _guesses(text, kept, refused)
    if _is_elsewhere(text, found, guesses):
        return TypeAnswer(ask=Ask(N_("这里只找检测、试验和加工用的仪器设备。请写出样品和要测的指标，例如："), EXAMPLES))
    if not guesses and not refused:
        guesses = _guesses(text, _beside(find_misspelt(text), found), refused) or _guesses(text, _beside(find_traces(text), found), refused)
    if guesses and guesses[0].score >= CLEAR:
        return TypeAnswer(types=tuple(guesses[:MOST]))
    return TypeAnswer(ask=_question(found, guesses, refused))


def _guesses(text: Text, found: list[Found], refused: frozenset[str]) -> list[TypeGuess]:
    """Return the types that the found phrases point to, with those that can stand in for them, without the refused ones."""
    tallies = _count(text, found)
    scores = {name: tally.score() for name, tally in tallies.items()}
    for name, lift in _context(found).items():
        if name in scores:
            scores[name] += (1 - scores[name]) * CONTEXT * lift
    guesses = [TypeGuess(name, round(scores[name], 4), tallies[name].why()) for name in scores]
    guesses += _stand_ins(guesses)
    return sorted((one for one in guesses if one.name_zh not in refused), key=lambda one: (-one.score, one.name_zh))


def _beside(doubtful: list[Found], found: list[Found]) -> list[Found]:
    """Return doubtful finds that do not touch a vague phrase (one short word of it aside), with what was found for certain."""
    vague = [one for one in found if one.phrase.kind == "vague" and one.end - one.start > 2 and " " not in one.phrase.parts[0]]
    return [one for one in doubtful if not any(one.start < other.end and other.start < one.end for other in vague)] + found


def _count(text: Text, found: list[Found]) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    for one in found:
        if one.phrase.kind in {"sample", "vague", "offscope"}:
            continue
        for name, weight in one.phrase.types:
            worth = WORTH[weight] * one.quality * _precision(one)
            tallies.setdefault(name, Tally(name)).add(one, worth, said=_said(text, one))
    return tallies


def _said(text: Text, found: Found) -> str:
    """Return the words that were read: as typed, or the parts of a phrase whose parts stand apart."""
    return " + ".join(found.phrase.parts) if len(found.phrase.parts) > 1 else text.as_typed(found.start, found.end)


def _precision(found: Found) -> float:
    """Return 1.0 or a little more: several parts, or more words, leave less room for another meaning."""
    several = 0.12 if len(found.phrase.parts) > 1 else 0.0
    return 1.0 if found.phrase.kind == "name" else 1.0 + several + min(sum(map(len, found.phrase.parts)), 10) * 0.006


def _context(found: list[Found]) -> dict[str, float]:
    """Return for each type how well the sample suits it, 0..1; the sample alone never makes a guess."""
    lifts: dict[str, float] = {}
    for one in found:
        if one.phrase.kind == "sample":
            for name, weight in one.phrase.types:
                lifts[name] = max(lifts.get(name, 0.0), weight / 3)
    return lifts


def _stand_ins(guesses: Iterable[TypeGuess]) -> list[TypeGuess]:
    """Return the types that can stand in for clear guesses and are not guessed themselves."""
    known = {one.name_zh for one in guesses}
    extra: dict[str, TypeGuess] = {}
    for guess in guesses:
        for name, weight in alternatives().get(guess.name_zh, ()) if guess.score >= 0.6 else ():
            score = round(STANDS_IN[weight] * guess.score, 4)
            if name not in known and (name not in extra or extra[name].score < score):
                extra[name] = TypeGuess(name, score, (f"{guess.name_zh} ↔ {name}",))
    return list(extra.values())


def _refused(text: Text, found: list[Found]) -> tuple[frozenset[str], list[Found]]:
    """Return the types whose name stands after a refusal ("不要", "除了", "not …"), alone or in a list, and what else was found."""
    names = [one for one in found if one.whole and one.phrase.kind in {"name", "method"}]
    refused: set[str] = set()
    spans: set[tuple[int, int]] = set()
    for one in sorted(names, key=lambda found: found.start):
        before = text.chars[max(0, one.start - 24) : one.start]
        listed = any(end <= one.start and JOINS.fullmatch(text.chars[end : one.start]) for _, end in spans)
        if (REFUSALS.search(before) or listed) and not _adds(text.chars, before, one.end):
            spans.add((one.start, one.end))
            refused.update(name for name, weight in one.phrase.types if weight >= 3)
    kept = [one for one in found if not any(start < one.end and one.start < end for start, end in spans)]
    return frozenset(refused), kept


def _adds(chars: str, before: str, end: int) -> bool:
    """Say whether "除了 X 还要 Y" asks for more rather than refusing X."""
    return ("除了" in before or "except" in before) and ALSO.search(chars[end:]) is not None


def _is_elsewhere(text: Text, found: list[Found], guesses: list[TypeGuess]) -> bool:
    """Say whether the need is for something no instrument does; a short word said in passing ("安装") does not outweigh a guess."""
    elsewhere = [one.phrase.parts[0] for one in found if one.phrase.kind == "offscope"]
    if not elsewhere or not guesses:
        return bool(elsewhere)
    plainly = any(len(words) > 2 and (" " in words or not words.isascii()) for words in elsewhere)
    return plainly and not TESTING.search(text.chars)


def _question(found: list[Found], guesses: list[TypeGuess], refused: frozenset[str]) -> Ask:
    """Return what to ask: with weak or vague words, the types they may mean; with none, examples."""
    vague = [name for one in found if one.phrase.kind == "vague" for name, _ in one.phrase.types]
    weak = [one.name_zh for one in guesses]
    suited = sorted(_context(found).items(), key=lambda item: -item[1])
    options = tuple(dict.fromkeys(name for name in (*weak, *(name for name, _ in suited), *vague) if name not in refused))[:6]
    if options:
        return Ask(N_("还不能确定用哪种仪器。您要测的是什么？可能是："), options)
    return Ask(N_("没有找到能做这件事的仪器。请写出样品和要测的指标，例如："), EXAMPLES)
