"""Say which type an instrument is by its names, for files that are brought in: the thesaurus first, then the words of the search.

Only what is clear is taken: a wrong type is worse than none, since nobody looks for what is filed under another name.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from core.errors import MapError
from geodata.seeds import read_seed
from matching.lexicon import live
from matching.lexicon.finder import find
from matching.lexicon.text import normalise, squeeze
from matching.types import resolve

CLEAR: Final = 0.75
"""Score from which a reading counts as the name of a type and not as a hint."""

LONGEST: Final = 300
_NUMBERING: Final = re.compile(r"[#№＃]\s*\d+|\((?:19|20)\d\d\)|（(?:19|20)\d\d）|\d+\s*[号#]|\bno\.?\s*\d+", re.IGNORECASE)
"""What tells one of several alike from the others: it says nothing of the type."""
_FAMILIES: Final = (
    (re.compile(r"mass spectromet|\bms\b|质谱", re.IGNORECASE), "质谱"),
    (re.compile(r"microscop|显微镜|电镜", re.IGNORECASE), "显微镜|电镜"),
    (re.compile(r"chromatograph|色谱", re.IGNORECASE), "色谱|质谱"),
    (re.compile(r"diffractomet|衍射", re.IGNORECASE), "衍射"),
)


@cache
def _thesaurus() -> dict[str, str]:
    """Return the plain text of every name of a type → its canonical name; a text of two types is left out."""
    found: dict[str, set[str]] = {}
    for row in read_seed("type_names"):
        found.setdefault(_plain(row["text"]), set()).add(row["type_name_zh"])
    return {text: names.pop() for text, names in found.items() if len(names) == 1}


def type_of(texts: tuple[str, ...]) -> str | None:
    """Return the canonical name of the type that `texts` (the most telling first) name, None where they do not say it clearly."""
    for text in texts:
        known = _thesaurus().get(_plain(text))
        if known:
            return known
    return next((found for text in texts if (found := _read(text))), None)


def _read(text: str) -> str | None:
    return _understood(_NUMBERING.sub(" ", text[:LONGEST]).strip(), live.version())


@lru_cache(maxsize=50_000)
def _understood(text: str, _version: int) -> str | None:
    if not find(squeeze(normalise(text))):  # a search also looks for slips of the pen, twenty times as long: a register has none to spare
        return None
    try:
        guesses = resolve(text).types
    except MapError:
        return None
    families = [words for said, words in _FAMILIES if said.search(text)]
    fitting = [guess for guess in guesses if all(re.search(words, guess.name_zh) for words in families)]
    return fitting[0].name_zh if fitting and fitting[0].score >= CLEAR else None


def _plain(text: str) -> str:
    return re.sub(r"[\s\-_/()（）·,，:：]+", "", text.lower())
