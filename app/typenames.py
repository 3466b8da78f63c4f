"""Instrument types by what people call them: the catalogue's own names, English ones, synonyms, however they are written."""

from __future__ import annotations

from functools import cache

from app.i18n import language
from geodata.seeds import read_seed
from matching.lexicon.text import normalise


def type_called(words: str) -> str | None:
    """Return the catalogue's name of the type that `words` name in any language, None where no type is called so."""
    return _called().get(_spelt(words))


def type_name(name_zh: str) -> str:
    """Name an instrument type in the reader's language."""
    return _english().get(name_zh, name_zh) if language() == "en" else name_zh


def _spelt(words: str) -> str:
    return normalise(" ".join(words.split())).chars.strip()


@cache
def _english() -> dict[str, str]:
    return {row["name_zh"]: row["name_en"] for row in read_seed("instrument_types")}


@cache
def _called() -> dict[str, str]:
    """Map spellings to types; a name goes before a synonym of another type, and what two types are called is nobody's."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for row in read_seed("type_names"):
        spelt = _spelt(row["text"])
        if found.setdefault(spelt, row["type_name_zh"]) != row["type_name_zh"]:
            twice.add(spelt)
    own = {_spelt(name): name_zh for name_zh, name_en in _english().items() for name in (name_zh, name_en)}
    return {**{spelt: name for spelt, name in found.items() if spelt not in twice}, **own}
