"""Find phrases that a text holds but for a slip of the pen: a wrong character, one that sounds alike, or a near English word.

Typing by sound (pinyin) is how most Chinese text is entered, so 光普 stands for 光谱; which characters sound alike is known to `pypinyin`.
A slow look, for texts in which nothing was found.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from matching.lexicon import live
from matching.lexicon.finder import Found, HanPhrase, find, index
from matching.lexicon.text import Text, Token, tokens

ALIKE: Final = 87
FIRST: Final = 400
SHORTEST: Final = 4
SOUNDS: Final = 3
SURE_KINDS: Final = frozenset({"sample", "vague", "offscope"})


@dataclass(frozen=True)
class Slippery:
    """Phrases in which a slip can be told: `holding` gives for a character the places of those that hold it, `least` how many must be there.

    `sounds` gives the phrases that sound like a row of syllables.
    """

    entries: tuple[HanPhrase, ...]
    holding: dict[str, NDArray[np.int32]]
    least: NDArray[np.int32]
    sounds: dict[tuple[str, ...], HanPhrase]


def find_misspelt(text: Text) -> list[Found]:
    """Return phrases that the first FIRST characters hold but for a slip: at most one Chinese character in four, or a near English word."""
    start = text.chars[:FIRST]
    corrected, places = _correct_words(start)
    again = find(_as_text(text, corrected, places)) if corrected != start else []
    near = [(found, places[found.start], places[found.end - 1] + 1) for found in again]
    slips = near or [(found, found.start, found.end) for found in (*_find_sounds(start), *_find_slips(start))]
    return [Found(found.phrase, begin, end, found.quality, found.whole, manner="misspelt") for found, begin, end in slips]


@live.cached
def _slippery() -> Slippery:
    """Return the phrases of one part and of more than three characters, and what shorter ones sound like."""
    single = [entry for group in index().han.values() for entry in group if len(entry.parts) == 1 and entry.phrase.kind not in SURE_KINDS]
    entries = tuple(entry for entry in single if len(entry.parts[0]) >= SHORTEST)
    places: defaultdict[str, list[int]] = defaultdict(list)
    for at, entry in enumerate(entries):
        for char in set(entry.parts[0]):
            places[char].append(at)
    least = np.array([len(set(entry.parts[0])) - _slips(len(entry.parts[0])) for entry in entries], np.int32)
    sounds = {_syllables(entry.parts[0]): entry for entry in single if len(entry.parts[0]) >= SOUNDS}
    return Slippery(entries, {char: np.array(held, np.int32) for char, held in places.items()}, least, sounds)


def _find_sounds(chars: str) -> Iterator[Found]:
    """Yield Chinese phrases of three or more characters that sound exactly like a piece of the text."""
    held = _slippery()
    spoken = _syllables(chars)
    longest = min(len(chars), 10)
    for size in range(SOUNDS, longest + 1):
        for start in range(len(chars) - size + 1):
            entry = held.sounds.get(spoken[start : start + size])
            if entry:
                yield Found(entry.phrase, start, start + size, 1.0, whole=True)


def _find_slips(chars: str) -> Iterator[Found]:
    """Yield Chinese phrases of four or more characters that differ in one, or from eight characters in two, of them."""
    held = _slippery()
    counts = np.zeros(len(held.entries), np.int32)
    for char in set(chars) & held.holding.keys():
        counts[held.holding[char]] += 1
    for at in np.flatnonzero(counts >= held.least):
        part = held.entries[at].parts[0]
        if len(part) <= len(chars):
            place = _alignment(part, chars, 100 * (1 - _slips(len(part)) / len(part)) - 0.5)
            if place:
                yield Found(held.entries[at].phrase, *place, _likeness(len(part)), whole=True)


def _slips(size: int) -> int:
    return 1 if size < 8 else 2


def _alignment(part: str, chars: str, cutoff: float) -> tuple[int, int] | None:
    place = fuzz.partial_ratio_alignment(part, chars, score_cutoff=cutoff)
    return (place.dest_start, place.dest_end) if place and place.score >= cutoff else None


def _likeness(size: int) -> float:
    return 1 - 1 / (size + 2)


def _syllables(chars: str) -> tuple[str, ...]:
    return tuple(map(_syllable, chars))


@lru_cache(maxsize=10_000)
def _syllable(char: str) -> str:
    """Return how a character is read, without tone; any other character is its own sound."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")  # 30 MB of phrases that single characters do not need
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(char, style=Style.NORMAL)[0] if "\u3400" <= char <= "\u9fff" else char


def _as_text(text: Text, corrected: str, places: list[int]) -> Text:
    return Text(text.typed, corrected, tuple(text.origins[place] for place in places))


def _correct_words(chars: str) -> tuple[str, list[int]]:
    """Return the text with unknown Latin words of five or more letters replaced by the one known word nearly the same.

    With it, for each character of the corrected text the index in `chars` it stands for.
    """
    known = index().stems
    pieces: list[str] = []
    places: list[int] = []
    last = 0
    for word in tokens(chars):
        if len(word.stem) >= 5 and word.stem.isalpha() and word.stem not in known:
            near = process.extractOne(word.stem, _long_stems(), scorer=fuzz.ratio, score_cutoff=ALIKE)
            if near:
                pieces += [chars[last : word.start], near[0]]
                places += [*range(last, word.start), *_spread(word, len(near[0]))]
                last = word.end
    return "".join([*pieces, chars[last:]]), [*places, *range(last, len(chars))]


def _spread(word: Token, size: int) -> list[int]:
    """Return `size` indices over the word, the last at its end."""
    return [*(min(word.start + at, word.end - 1) for at in range(size - 1)), word.end - 1]


@live.cached
def _long_stems() -> tuple[str, ...]:
    return tuple(sorted(one for one in index().stems if len(one) >= 5 and one.isalpha()))
