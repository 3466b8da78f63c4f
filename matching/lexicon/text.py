"""Bring what a person typed into one spelling, and remember where each character came from.

Full-width forms, case, spaces inside Chinese and the many dashes are one thing to a reader, so they are one thing here. What the
words mean is left to `matching.lexicon.finder` and `matching.needs`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from opencc import OpenCC

HAN = "\u3400-\u9fff"
DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−－﹣"), "-")
SPELLINGS = {
    "colour": "color",
    "fibre": "fiber",
    "aluminium": "aluminum",
    "sulphur": "sulfur",
    "mould": "mold",
    "moulding": "molding",
    "analyser": "analyzer",
    "odour": "odor",
    "flavour": "flavor",
    "behaviour": "behavior",
    "vapour": "vapor",
    "harbour": "harbor",
    "metre": "meter",
    "centre": "center",
    "grey": "gray",
    "ageing": "aging",
    "tyre": "tire",
}
CODE = re.compile(r"(?:(?<![a-z0-9])(?:gb|gjb|hj|jjg|jjf|iso|iec|cispr|din|un|ul|usp|epa|aoac)|(?<=[a-z]/)t)(?=\d)")
TO_SIMPLIFIED: Final = OpenCC("t2s")
TOKEN = re.compile(r"[a-z0-9\u00b5\u00c0-\u024f\u0370-\u03ff]+")
SPACE = re.compile(rf"\s+|(?<=[{HAN}])[-/()·](?=[{HAN}])")


@dataclass(frozen=True, slots=True)
class Text:
    """A text in one spelling; `origins[i]` is the index in what was typed that character i came from."""

    typed: str
    chars: str
    origins: tuple[int, ...]

    def as_typed(self, start: int, end: int) -> str:
        """Return what the person typed for the characters start..end (end excluded)."""
        return self.typed[self.origins[start] : self.origins[end - 1] + 1].strip() if start < end else ""

    def is_upper(self, start: int, end: int) -> bool:
        """Say whether the person typed this stretch in capitals."""
        return self.as_typed(start, end).isupper()


@dataclass(frozen=True, slots=True)
class Token:
    """One Latin word of a text: as spelt, its stem, and its span in `Text.chars`."""

    word: str
    stem: str
    start: int
    end: int


def normalise(typed: str) -> Text:
    """Return `typed` in NFKC, simplified characters, lower case, with plain dashes, single spaces and none beside Chinese characters."""
    pairs = [
        (char, index) for index, raw in enumerate(typed) for char in _plain(raw) if char.isspace() or not unicodedata.category(char).startswith("C")
    ]
    return _codes_apart(_keep(typed, pairs, _spare_spaces("".join(char for char, _ in pairs))))


def squeeze(text: Text) -> Text:
    """Return `text` without the dashes, slashes, dots and brackets that stand between two Chinese characters."""
    spare = {match.start() for match in SPACE.finditer(text.chars) if not match.group().isspace()}
    return _keep(text.typed, list(zip(text.chars, text.origins, strict=True)), spare)


def tokens(chars: str) -> list[Token]:
    """Return the Latin words and numbers of a normalised text with their stems."""
    return [Token(match.group(), stem(match.group()), match.start(), match.end()) for match in TOKEN.finditer(chars)]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return a crude English stem: one spelling of British and American, no plural, no -ing, -ed or final e.

    >>> [stem(word) for word in ("coatings", "aging", "colour", "glass", "tested", "alloys")]
    ['coat', 'aging', 'color', 'glass', 'test', 'alloy']
    """
    word = SPELLINGS.get(word, word)
    if len(word) < 4 or not word.isalpha() or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    word = SPELLINGS.get(word, word)
    for ending, shortest in (("ing", 4), ("ed", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            word = word[: -len(ending)]
            word = word[:-1] if word[-2:] in {"nn", "tt", "pp", "mm", "gg", "bb"} else word
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


@lru_cache(maxsize=20_000)
def _plain(raw: str) -> str:
    """Return one typed character in NFKC, lower case and simplified; it may become several."""
    plain = unicodedata.normalize("NFKC", raw).translate(DASHES).lower()
    if "\ud800" <= plain <= "\udfff":  # half a pair: no character, dropped with the other controls
        return plain
    return plain if plain.isascii() else TO_SIMPLIFIED.convert(plain)


def _spare_spaces(chars: str) -> set[int]:
    """Return the indices of spaces that carry nothing: doubled, at an end, or beside a Chinese character."""
    spare: set[int] = set()
    for match in re.finditer(r"\s+", chars):
        start, end = match.span()
        beside = chars[start - 1 : start] + chars[end : end + 1]
        alone = len(beside) < 2 or re.search(rf"[{HAN}]", beside) is not None
        spare.update(range(start if alone else start + 1, end))
    return spare


def _codes_apart(text: Text) -> Text:
    """Return `text` with a blank between the letters of a standard and its number: GB/T228 and GB/T 228 are the same standard."""
    chars, last = "", 0
    origins: tuple[int, ...] = ()
    for match in CODE.finditer(text.chars):
        chars += text.chars[last : match.end()] + " "
        origins += (*text.origins[last : match.end()], text.origins[match.end() - 1])
        last = match.end()
    return Text(text.typed, chars + text.chars[last:], origins + text.origins[last:]) if last else text


def _keep(typed: str, pairs: list[tuple[str, int]], spare: set[int]) -> Text:
    """Return the text of `pairs` without the characters at the indices `spare`; any white space becomes one blank."""
    kept = [(" " if char.isspace() else char, origin) for index, (char, origin) in enumerate(pairs) if index not in spare]
    return Text(typed, "".join(char for char, _ in kept), tuple(origin for _, origin in kept))
