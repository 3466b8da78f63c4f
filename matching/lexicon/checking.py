"""Check the files of the lexicon: every fault with its file, line, reason and way out.

A fault is a row that would silently point a need to the wrong instrument or to none: a type that does not exist, a wording that matches
everything or nothing, two rows that contradict each other. What single wordings may look like stands in `matching.lexicon.wording`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.errors import N_
from matching.lexicon import SECTORS, read_table, type_names
from matching.lexicon.standardcodes import is_standard
from matching.lexicon.text import normalise
from matching.lexicon.wording import Flaw, flaws, wordings

KINDS: Final = frozenset({"measurand", "phenomenon", "sample", "method", "standard"})
QUESTIONS: Final = frozenset({"vague", "offscope"})
LANGUAGES: Final = frozenset({"zh", "en"})
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the file, its line (the header is line 1), a message id with its parameters, and the message id of the way out."""

    file: str
    line: int
    reason: str
    way_out: str
    params: Mapping[str, Any]


def check(tables: Mapping[str, Iterable[Row]] | None = None) -> list[Fault]:
    """Return the faults of all files, or of the tables given (file name without ending → rows), in order of file and line."""
    given = tables if tables is not None else {name: read_table(name) for name in (*SECTORS, "alternatives", "questions")}
    found = [Fault(f"{name}.csv", line, flaw.reason, flaw.way_out, flaw.params) for name, line, flaw in _faults(given)]
    return sorted(found, key=lambda fault: (fault.file, fault.line, fault.reason))


def _faults(tables: Mapping[str, Iterable[Row]]) -> Iterator[tuple[str, int, Flaw]]:
    weights: dict[tuple[str, str], tuple[int, str, int]] = {}
    judges = {"alternatives": _of_alternative, "questions": _of_question}
    for name, rows in tables.items():
        for line, row in enumerate(rows, 2):
            yield from ((name, line, flaw) for flaw in judges.get(name, _of_entry)(row))
            if name not in judges:
                yield from ((name, line, flaw) for flaw in _contradictions(row, weights, where=(f"{name}.csv", line)))


def _of_entry(row: Row) -> Iterator[Flaw]:
    yield from _of_choice(row, "kind", KINDS)
    yield from _of_choice(row, "lang", LANGUAGES)
    yield from _of_choice(row, "sure", frozenset({"", "?"}))
    pointers = _pointers(row)
    if not pointers:
        yield Flaw(N_("这一行没有指向任何仪器类型。"), N_("在 types 一列写“类型=权重”，或者删去这一行。"), {})
    for name, weight in pointers:
        yield from _of_pointer(name, weight, highest=3)
    yield from flaws(row["phrases"])
    if row["kind"] == "standard":
        for code in (code for code in wordings(row["phrases"]) if not is_standard(code)):
            yield Flaw(N_("“%(code)s”不像标准号。"), N_("写成“GB/T 228.1”这样：机构、空格、编号。"), {"code": code})


def _of_pointer(name: str, weight: str, *, highest: int) -> Iterator[Flaw]:
    if name not in type_names():
        yield Flaw(N_("没有“%(name)s”这个仪器类型。"), N_("用类型表里的标准名称。"), {"name": name})
    if weight not in {str(one) for one in range(1, highest + 1)}:
        yield Flaw(
            N_("“%(name)s”的权重“%(weight)s”不对。"),
            N_("写 1（有点用）、2（可替代）或 3（首选）；替代表只写 1 或 2。"),
            {"name": name, "weight": weight},
        )


def _of_choice(row: Row, column: str, allowed: frozenset[str]) -> Iterator[Flaw]:
    if row.get(column) not in allowed:
        params = {"column": column, "value": row.get(column), "allowed": ", ".join(sorted(allowed - {""}))}
        yield Flaw(N_("%(column)s 一列的“%(value)s”不对。"), N_("只能写：%(allowed)s。"), params)


def _of_alternative(row: Row) -> Iterator[Flaw]:
    yield from _of_pointer(row["alternative_zh"], row["weight"], highest=2)
    yield from _of_pointer(row["type_name_zh"], "1", highest=2)
    if row["type_name_zh"] == row["alternative_zh"]:
        yield Flaw(N_("“%(name)s”不能替代它自己。"), N_("删去这一行。"), {"name": row["type_name_zh"]})


def _of_question(row: Row) -> Iterator[Flaw]:
    yield from _of_choice(row, "kind", QUESTIONS)
    for name in filter(None, row["options"].split(";")):
        yield from _of_pointer(name, "1", highest=1)
    if not row["phrase"].strip():
        yield Flaw(N_("词语是空的。"), N_("写上词语，或者删去这一行。"), {})


def _contradictions(row: Row, weights: dict[tuple[str, str], tuple[int, str, int]], *, where: tuple[str, int]) -> Iterator[Flaw]:
    """Yield a flaw where an earlier row weighs the same plain wording and type two grades apart: a first choice cannot be of little use.

    Wordings of several parts may overlap, and a sample says only where a type is common.
    """
    plain = () if row["kind"] == "sample" else (one for one in wordings(row["phrases"]) if "+" not in one)
    for wording in plain:
        for name, weight in ((name, weight) for name, weight in _pointers(row) if weight.isdigit()):
            other, file, line = weights.setdefault((normalise(wording).chars, name), (int(weight), *where))
            if abs(other - int(weight)) >= 2:
                params = {"wording": wording, "name": name, "weight": weight, "other": other, "file": file, "line": line}
                yield Flaw(
                    N_("“%(wording)s”对“%(name)s”的权重是 %(weight)s，而 %(file)s 第 %(line)s 行是 %(other)s。"), N_("两处写同一个权重。"), params
                )


def _pointers(row: Row) -> list[tuple[str, str]]:
    return [(name, weight) for name, _, weight in (one.rpartition("=") for one in row["types"].split(";") if one)]
