"""What experts know by heart: which word of a need points to which type of instrument.

One CSV a trade, and some a kind (analytes, defects, measurands, standards, wordings of laymen). A row says in one language which
`phrases` (parted by ";") point to which `types` ("type=weight;…": 3 the instrument an expert would take, 2 a good alternative, 1 partly
useful), with `lang`, `kind` (measurand, phenomenon, sample, method, standard) and `sure` ("?" where its author was not; it ranks lower).
In a phrase, "a+b" asks for both parts anywhere in the need and "{a/b}" stands for either.
`alternatives.csv` says which type can stand in for which; `questions.csv` holds what is too vague to answer or not an instrument's work;
`places.csv` the place words of the province and its neighbours. Names and abbreviations of types come from `geodata.seeds`.
How phrases are found in a text is left to `matching.lexicon.finder`.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from sys import intern
from typing import Final

from geodata.seeds import read_seed
from matching.lexicon import live

SECTORS: Final = (
    "materials",
    "mechanics",
    "chemistry",
    "life",
    "food",
    "environment",
    "electronics",
    "energy",
    "metrology",
    "fabrication",
    "earth",
    "samples",
    "standards",
    "analytes",
    "problems",
    "measurands",
    "defects",
    "wordings",
    "trades",
)
NAME_WEIGHT: Final = 4
BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One wording of a notion: its parts (all must occur), the notion's name ("": its parts), its kind and the types it points to with weights.

    Weights are 1..3 for lexicon entries and 4 for the type's own names; kind is measurand, phenomenon, sample, method, standard,
    name, vague or offscope. An entry that its author was not `sure` of ranks lower.
    """

    parts: tuple[str, ...]
    notion: str
    kind: str
    types: tuple[tuple[str, int], ...]
    sure: bool = True

    @property
    def title(self) -> str:
        """The notion's name as it is shown; sixty thousand of them are not kept."""
        return self.notion or " + ".join(self.parts)


@live.cached
def phrases() -> tuple[Phrase, ...]:
    """Return every phrase of the lexicon: entries of all sectors, questions, and the names of the types, as corrected by people."""
    packaged = (*_entries(), *_questions(), *_names())
    return tuple(_corrected(packaged)) if live.corrections() else packaged


@live.cached
def corrected() -> frozenset[tuple[str, ...]]:
    """Return the parts of the wordings that people have added: nothing that was learnt from graded needs knows them."""
    added = (one for one in live.corrections() if not one.gone)
    return frozenset(phrase.parts for one in added for phrase in read_phrase(one.words, one.kind, one.types))


def read_phrase(words: str, kind: str, types: tuple[tuple[str, int], ...], *, sure: bool = True) -> Iterator[Phrase]:
    """Yield the phrases that one entry stands for: every wording of each of its patterns, which ";" parts, named by itself."""
    for wording in (wording for pattern in words.split(";") for wording in expand(pattern)):
        yield Phrase(tuple(map(intern, wording.split("+"))), "", kind, types, sure)


def _corrected(packaged: tuple[Phrase, ...]) -> Iterator[Phrase]:
    """Yield the packaged phrases, each without what a correction took away or says anew, and what corrections added."""
    found: dict[tuple[tuple[str, ...], str], list[Phrase]] = {}
    for phrase in packaged:
        found.setdefault((phrase.parts, phrase.kind), []).append(phrase)
    for one in live.corrections():
        for phrase in read_phrase(one.words, one.kind, one.types):
            key = (phrase.parts, phrase.kind)
            old = [_without(other, one.types) for other in found.get(key, ()) if one.types]
            found[key] = [other for other in old if other.types] + ([] if one.gone else [phrase])
    for group in found.values():
        yield from group


def _without(phrase: Phrase, types: tuple[tuple[str, int], ...]) -> Phrase:
    return replace(phrase, types=tuple(pair for pair in phrase.types if pair[0] not in dict(types)))


@lru_cache(maxsize=1)
def type_names() -> tuple[str, ...]:
    """Return the canonical names of all instrument types, in the order of the fact table."""
    return tuple(row["name_zh"] for row in read_seed("instrument_types"))


@lru_cache(maxsize=1)
def alternatives() -> dict[str, tuple[tuple[str, int], ...]]:
    """Return for each type the types that can stand in for it, with weights 1..2."""
    found: dict[str, list[tuple[str, int]]] = {}
    for row in read_table("alternatives"):
        found.setdefault(row["type_name_zh"], []).append((row["alternative_zh"], int(row["weight"])))
    return {name: tuple(others) for name, others in found.items()}


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of one CSV of this folder."""
    lines = (files(__name__) / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(lines))


def expand(pattern: str) -> list[str]:
    """Return every wording that a pattern with alternatives in braces stands for.

    >>> expand("钢材+{成分/牌号}")
    ['钢材+成分', '钢材+牌号']
    """
    brace = BRACES.search(pattern)
    if brace is None:
        return [pattern]
    return [wording for choice in brace[1].split("/") for wording in expand(pattern[: brace.start()] + choice + pattern[brace.end() :])]


def _entries() -> Iterator[Phrase]:
    for sector in SECTORS:
        for row in read_table(sector):
            pointers = [pair.rpartition("=") for pair in row["types"].split(";")]
            types = tuple((name, int(weight)) for name, _, weight in pointers)
            yield from read_phrase(row["phrases"], row["kind"], types, sure=row["sure"] != "?")


def _questions() -> Iterator[Phrase]:
    for row in read_table("questions"):
        types = tuple((name, 1) for name in row["options"].split(";") if name)
        yield from read_phrase(row["phrase"], row["kind"], types)


def _names() -> Iterator[Phrase]:
    for row in read_seed("type_names"):
        name = row["type_name_zh"]
        yield Phrase((row["text"],), name, "name", ((name, NAME_WEIGHT),))
