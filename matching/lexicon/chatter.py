"""Take the words out of a need that name neither a sample nor a property ("我们想检测一下产品质量"): what is left is its substance."""

from __future__ import annotations

import re
from functools import lru_cache

from matching.lexicon import read_table
from matching.lexicon.text import HAN, stem

SUBSTANCE = re.compile(rf"[{HAN}]{{2,}}|[a-z\u0370-\u03ff]{{2,}}|[{HAN}](?=[a-z\d])")
ENGLISH = re.compile(r"[a-z']+")


@lru_cache(maxsize=1)
def _words() -> tuple[re.Pattern[str], frozenset[str]]:
    """Return the pattern of Chinese chatter, the longest word first, and the stems of English chatter."""
    rows = read_table("chatter")
    chinese = sorted((row["word"] for row in rows if row["lang"] == "zh"), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, chinese))), frozenset(stem(row["word"]) for row in rows if row["lang"] == "en")


def substance(chars: str) -> str:
    """Return a normalised text with chatter replaced by blanks."""
    chinese, english = _words()
    return ENGLISH.sub(lambda word: " " if stem(word.group()) in english else word.group(), chinese.sub(" ", chars))


def says_something(chars: str) -> bool:
    """Say whether anything is left without chatter: two Chinese characters, or a word of two letters."""
    return SUBSTANCE.search(substance(chars)) is not None
