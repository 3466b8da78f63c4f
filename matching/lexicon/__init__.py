"""What experts know by heart: which word of a need points to which type of instrument.

One CSV a trade. A row is one notion in one language: `phrases` (parted by ";", the first plain one names the notion), `lang`, `kind` (measurand,
phenomenon, sample, method, standard) and `types` ("type=weight;…": 3 the instrument an expert would take, 2 a good alternative, 1 partly
useful). In a phrase, "a+b" asks for both parts anywhere in the need and "{a/b}" stands for either.
`alternatives.csv` says which type can stand in for which; `questions.csv` holds what is too vague to answer or not an instrument's work;
`places.csv` the place words of the province and its neighbours. Names and abbreviations of types come from `geodata.seeds`.
How phrases are found in a text is left to `matching.lexicon.finder`.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from geodata.seeds import read_seed

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
)
NAME_WEIGHT: Final = 4
BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One wording of a notion: its parts (all must occur), the notion's name, its kind and the types it points to with weights.

    Weights are 1..3 for lexicon entries and 4 for the type's own names; kind is measurand, phenomenon, sample, method, standard,
    name, vague or offscope.
    """

    parts: tuple[str, ...]
    notion: str
    kind: str
    types: tuple[tuple[str, int], ...]


@lru_cache(maxsize=1)
def phrases() -> tuple[Phrase, ...]:
    """Return every phrase of the lexicon: entries of all sectors, questions, and the names of the types."""
    return (*_entries(), *_questions(), *_names())


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
            patterns = row["phrases"].split(";")
            notion = next((one for one in patterns if "+" not in one and "{" not in one), expand(patterns[0])[0].replace("+", " + "))
            for pattern in patterns:
                yield from (Phrase(tuple(wording.split("+")), notion, row["kind"], types) for wording in expand(pattern))


def _questions() -> Iterator[Phrase]:
    for row in read_table("questions"):
        types = tuple((name, 1) for name in row["options"].split(";") if name)
        yield Phrase((row["phrase"],), row["phrase"], row["kind"], types)


def _names() -> Iterator[Phrase]:
    for row in read_seed("type_names"):
        name = row["type_name_zh"]
        yield Phrase((row["text"],), name, "name", ((name, NAME_WEIGHT),))
