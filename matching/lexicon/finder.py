"""Find the phrases of the lexicon in a text: exactly, loosely, and at last with spelling mistakes.

Abbreviations count as whole words only; the longest wording wins over those inside it. What a found phrase says about instruments is
left to `matching.types`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from sys import intern
from typing import Final, Literal, TypeVar

from matching.lexicon import Phrase, live, phrases
from matching.lexicon.text import TOKEN, Text, Token, normalise, squeeze, stem, tokens

GAP: Final = 6
# Saying a thing more often than this says no more, and a text of ten thousand characters stays quick to read.
TIMES: Final = 6
LONG: Final = 400
# Abbreviations that are English words as well: only capitals tell them apart.
SHOUTED: Final = frozenset("arc bet cap cone cri dem fish her hip ici ra rt sa sec se sic tg tis ups".split())  # noqa: SIM905 (a list of words reads best as words)
COMMON: Final = frozenset("a an and any as at be by can do for from have i in is it need of on or our test the this to we with".split())  # noqa: SIM905 (a list of words reads best as words)
Manner = Literal["exact", "loose", "misspelt"]
SENTENCE_ENDS: Final = frozenset("，。；,;!?！？")


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase in a text: the span of its (first) part in `Text.chars`, how alike it is (0..1), whether it stands there as one piece.

    `manner`: exact, loose (its pieces a little apart) or misspelt.
    """

    phrase: Phrase
    start: int
    end: int
    quality: float
    whole: bool
    manner: Manner = "exact"


@dataclass(frozen=True, slots=True)
class HanPhrase:
    """A phrase with Chinese characters, ready to be searched: `splits` are its cuts in two for loose matching."""

    phrase: Phrase
    parts: tuple[str, ...]
    splits: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LatinPhrase:
    """A phrase of Latin words as stems, part by part."""

    phrase: Phrase
    parts: tuple[tuple[str, ...], ...]


Entry = TypeVar("Entry", HanPhrase, LatinPhrase)


@dataclass(frozen=True)
class Index:
    """All phrases, prepared once: Chinese ones under their first part, Latin ones under the first stem of their first part.

    `ends` holds the phrases that may be found loosely, under their first two characters. `longest`: characters of the longest first part.
    """

    han: dict[str, tuple[HanPhrase, ...]]
    ends: dict[str, tuple[HanPhrase, ...]]
    latin: dict[str, tuple[LatinPhrase, ...]]
    stems: frozenset[str]
    longest: int


class _Spelt(dict[str, str]):
    """One spelling of each part of a phrase, however many phrases share it."""

    def __missing__(self, part: str) -> str:
        self[part] = intern(squeeze(normalise(part)).chars)
        return self[part]


@live.cached
def index() -> Index:
    """Return the index of the whole lexicon; built at the first call in a process."""
    han: dict[str, list[HanPhrase]] = {}
    ends: dict[str, list[HanPhrase]] = {}
    latin: dict[str, list[LatinPhrase]] = {}
    spelt = _Spelt()
    for phrase in phrases():
        parts = tuple(spelt[part] for part in phrase.parts)
        if all(part.isascii() or not _has_han(part) for part in parts):
            for stems in _latin_forms(parts, capitals=phrase.parts[0].isupper()):
                latin.setdefault(stems[0][0], []).append(LatinPhrase(phrase, stems))
        else:
            entry = HanPhrase(phrase, parts, _splits(parts))
            han.setdefault(parts[0], []).append(entry)
            if entry.splits:
                ends.setdefault(parts[0][:2], []).append(entry)
    known = frozenset(one for group in latin.values() for entry in group for part in entry.parts for one in part)
    return Index(_frozen(han), _frozen(ends), _frozen(latin), known, max(map(len, han), default=0))


def _frozen(groups: dict[str, list[Entry]]) -> dict[str, tuple[Entry, ...]]:
    return {key: tuple(group) for key, group in groups.items()}


def find(text: Text) -> list[Found]:
    """Return the phrases in a squeezed text, the longest of nested ones only, in order of place."""
    words = tokens(text.chars)
    everything = [*_find_han(text.chars), *_find_latin(text, words)]
    return sorted(_longest(everything), key=lambda found: (found.start, -found.end))


def _has_han(part: str) -> bool:
    return any("\u3400" <= char <= "\u9fff" for char in part)


def _splits(parts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the ways to cut a phrase of four or more characters in two pieces of two or more."""
    if len(parts) != 1 or len(parts[0]) < 4 or not all(map(_has_han, parts[0])):
        return ()
    return tuple((parts[0][:cut], parts[0][cut:]) for cut in range(2, len(parts[0]) - 1))


def _latin_forms(parts: tuple[str, ...], *, capitals: bool) -> Iterator[tuple[tuple[str, ...], ...]]:
    """Yield the stems of a Latin phrase; capitals stay whole (PPMS is no plural of ppm), and GC-MS is gcms as well."""
    stems = tuple(tuple(word if capitals else stem(word) for word in TOKEN.findall(part)) for part in parts)
    yield stems
    joined = "".join(stems[0])
    if len(stems) == 1 and len(stems[0]) > 1 and "-" in parts[0] and len(joined) <= 8:
        yield ((joined,),)


def _find_han(chars: str) -> Iterator[Found]:
    held = index()
    for part in _held_in(chars, held.han, held.longest):
        place = _place(chars, part)
        for entry in held.han[part] if place >= 0 else ():
            if len(entry.parts) == 1:
                yield from _occurrences(chars, entry, place)
            elif all(other in chars and _place(chars, other) >= 0 for other in entry.parts[1:]):
                yield Found(entry.phrase, place, place + len(part), 1.0, whole=False)
    for pair in {chars[at : at + 2] for at in range(len(chars) - 1)}:
        for entry in held.ends.get(pair, ()):
            if entry.parts[0][-2:] in chars and entry.parts[0] not in chars:
                yield from _loosely(chars, entry)


def _held_in(chars: str, parts: Mapping[str, object], longest: int) -> list[str]:
    """Return the parts that occur in a text, in order of place: of a short text every piece is looked up, of a long one only what its pairs begin."""
    if len(chars) < LONG:
        pieces = (chars[at : at + size] for at in range(len(chars)) for size in range(min(longest, len(chars) - at), 0, -1))
        return list(dict.fromkeys(piece for piece in pieces if piece in parts))
    begun = {*chars, *(chars[at : at + 2] for at in range(len(chars) - 1))}
    return sorted((part for part in parts if part[:2] in begun and part in chars), key=chars.index)


def _occurrences(chars: str, entry: HanPhrase, place: int) -> Iterator[Found]:
    for _ in range(TIMES):
        if place >= 0:
            yield Found(entry.phrase, place, place + len(entry.parts[0]), 1.0, whole=True)
            place = _place(chars, entry.parts[0], place + 1)


def _place(chars: str, part: str, start: int = 0) -> int:
    """Return where `part` occurs from `start` on, its Latin ends not inside a longer word; -1 if nowhere."""
    place = chars.find(part, start)
    while place >= 0:
        before, after = chars[place - 1 : place] if place else "", chars[place + len(part) : place + len(part) + 1]
        if not (_glued(before, part[0]) or _glued(after, part[-1])):
            return place
        place = chars.find(part, place + 1)
    return -1


def _glued(outside: str, inside: str) -> bool:
    return bool(outside) and TOKEN.fullmatch(outside) is not None and TOKEN.fullmatch(inside) is not None


def _loosely(chars: str, entry: HanPhrase) -> Iterator[Found]:
    """Yield the phrase if its two pieces follow each other within GAP characters of the same sentence."""
    for head, tail in entry.splits:
        start = chars.find(head)
        if start < 0:
            continue
        after = start + len(head)
        place = chars.find(tail, after, after + GAP + len(tail))
        if place >= 0 and not SENTENCE_ENDS & set(chars[after:place]):
            yield Found(entry.phrase, start, place + len(tail), 1.0, whole=False, manner="loose")
            return


def _find_latin(text: Text, words: list[Token]) -> Iterator[Found]:
    present = {form for word in words for form in (word.stem, word.word)}
    for first in present:
        for entry in index().latin.get(first, ()):
            if all(one in present for part in entry.parts for one in part):
                yield from _match_words(text, words, entry=entry)


def _match_words(text: Text, words: list[Token], *, entry: LatinPhrase) -> Iterator[Found]:
    if len(entry.parts) > 1:
        spans = [_run(words, part) or _window(words, part) for part in entry.parts]
        if all(spans) and spans[0]:
            yield Found(entry.phrase, spans[0][0], spans[0][1], 1.0, whole=False)
        return
    stems = entry.parts[0]
    runs = list(islice(_runs(words, stems), TIMES))
    for start, end in runs:
        if _is_meant(text, entry, span=(start, end)):
            yield Found(entry.phrase, start, end, 1.0, whole=True)
    window = _window(words, stems) if not runs and len(stems) > 1 else None
    if window:
        yield Found(entry.phrase, *window, 1.0, whole=False, manner="loose")


def _is_meant(text: Text, entry: LatinPhrase, *, span: tuple[int, int]) -> bool:
    """Say whether a single word is meant as the term: not a common word, and in capitals where it is another word too."""
    first, *rest = entry.parts[0]
    if rest:
        return True
    return first not in COMMON and (first not in SHOUTED or not entry.phrase.parts[0].isupper() or text.is_upper(*span))


def _runs(words: list[Token], stems: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    size = len(stems)
    for at in range(len(words) - size + 1):
        piece = words[at : at + size]
        near = all(right.start - left.end <= 2 for left, right in pairwise(piece))
        if near and all(one in (word.stem, word.word) for word, one in zip(piece, stems, strict=True)):
            yield piece[0].start, piece[-1].end


def _run(words: list[Token], stems: tuple[str, ...]) -> tuple[int, int] | None:
    return next(_runs(words, stems), None)


def _window(words: list[Token], stems: tuple[str, ...]) -> tuple[int, int] | None:
    """Return the first stretch of words that holds all stems in any order with at most three strangers."""
    size, wanted = len(stems) + 3, set(stems)
    for at, word in enumerate(words):
        if word.stem in wanted:
            piece = words[at : at + size]
            hits = [one for one in piece if one.stem in wanted]
            if len({one.stem for one in hits}) == len(wanted):
                return hits[0].start, max(one.end for one in hits)
    return None


def _longest(everything: list[Found]) -> list[Found]:
    """Drop each whole match (and each question) that lies strictly inside a longer whole match."""
    spans = {(found.start, found.end) for found in everything if found.whole and found.phrase.kind not in {"vague", "offscope"}}
    return [found for found in everything if not found.whole or not _inside((found.start, found.end), spans)]


def _inside(span: tuple[int, int], spans: set[tuple[int, int]]) -> bool:
    start, end = span
    return any(left <= start and end <= right and right - left > end - start for left, right in spans)
