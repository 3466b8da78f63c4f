"""A file as a table of text: what every kind of file becomes before anybody asks what its columns mean."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.errors import N_, Invalid
from geodata.imports.values import Said, clean, plain

MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 300
MAX_CELL: Final = 20_000
"""Characters of one cell: a boundary written as text may be long, a name may not."""

UNCOMPUTED: Final = "\x1aformula"
"""Stands in a cell whose formula was never computed: there is no value to read."""

_HEADER_ROWS: Final = 15


@dataclass(frozen=True)
class Table:
    """Columns by their headers and rows of text. `numbers`: the row of each as the file's own program counts it (the header is row 1).

    `crs` is the coordinate system that the file itself declares, of `geodata.crs.SYSTEMS`. `surplus`: row number → cells beyond the header.
    """

    kind: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    notes: tuple[Said, ...] = ()
    crs: str | None = None
    surplus: Mapping[int, int] = field(default_factory=dict)

    def repaired(self, edits: Mapping[int, Mapping[str, str]]) -> Table:
        """Return the table with cells replaced: row number → column → text. Rows and columns that are not there are left out."""
        if not edits:
            return self
        places = {name: place for place, name in enumerate(self.columns)}
        rows = list(self.rows)
        for place, number in enumerate(self.numbers):
            for name, text in edits.get(number, {}).items():
                if name in places:
                    rows[place] = (*rows[place][: places[name]], text, *rows[place][places[name] + 1 :])
        return replace(self, rows=tuple(rows))

    def packed(self) -> bytes:
        """Return the table as compressed bytes that `unpacked` reads."""
        whole = [self.kind, self.columns, self.rows, self.numbers, self.notes, self.crs, list(self.surplus.items())]
        return zlib.compress(json.dumps(whole, ensure_ascii=False).encode(), 6)


def unpacked(content: bytes) -> Table:
    """Return the table of `Table.packed`."""
    kind, columns, rows, numbers, notes, crs, surplus = json.loads(zlib.decompress(content))
    said = tuple((text, params) for text, params in notes)
    return Table(kind, tuple(columns), tuple(map(tuple, rows)), tuple(numbers), said, crs, dict(surplus))


def table_of(kind: str, cells: Sequence[Sequence[str]], *, known: Any, numbers: Sequence[int] | None = None, notes: tuple[Said, ...] = ()) -> Table:
    """Return the table in the cells of a sheet: finds the header (the row whose words `known` knows best), drops empty rows and columns.

    `known`: header text → whether it is a usual one. Raises `Invalid("file")` for no rows, no header, a header that says a thing twice.
    """
    numbers = numbers or range(1, len(cells) + 1)
    if not any(any(cell.strip() for cell in row) for row in cells):
        raise Invalid("file", N_("文件里没有内容。请检查是否选对了文件。"))
    top = _header(cells, known)
    columns = _columns([plain(clean(cell)) for cell in cells[top]], cells[top + 1 :])
    body = [(n, row) for n, row in zip(numbers[top + 1 :], cells[top + 1 :], strict=True) if any(cell.strip() for cell in row)]
    if not body:
        raise Invalid("file", N_("文件只有表头，没有一行仪器。"))
    if len(body) > MAX_ROWS:
        raise Invalid("file", N_("文件有 %(rows)s 行，一次最多 %(most)s 行。请分成几个文件。"), rows=len(body), most=MAX_ROWS)
    width = len(columns)
    surplus = {n: len(row) for n, row in body if len(row) > width and any(cell.strip() for cell in row[width:])}
    keep = [place for place, name in enumerate(columns) if name]
    rows = tuple(tuple(clean(row[place]).strip()[:MAX_CELL] if place < len(row) else "" for place in keep) for _, row in body)
    if top:
        notes += ((N_("表头读自第 %(row)s 行，它上面的行不是数据。"), {"row": numbers[top]}),)
    return Table(kind, tuple(name for name in columns if name), rows, tuple(n for n, _ in body), notes, surplus=surplus)


def _header(cells: Sequence[Sequence[str]], known: Any) -> int:
    """Return which of the first rows is the header: the one with the most usual words, else the first with more than one cell."""
    scores = [sum(bool(known(cell)) for cell in row if cell.strip()) for row in cells[:_HEADER_ROWS]]
    if max(scores):
        return scores.index(max(scores))
    return next((place for place, row in enumerate(cells[:_HEADER_ROWS]) if any(cell.strip() for cell in row)), 0)


def _columns(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of the columns, "" for one without header and content, "列 7" for one without header."""
    header = list(header)
    while header and not header[-1]:
        header.pop()
    width = min(max([len(header), *(len(row) for row in body[:200])], default=0), len(header) or MAX_COLUMNS)
    if width > MAX_COLUMNS or len(header) > MAX_COLUMNS:
        raise Invalid("file", N_("文件有 %(columns)s 列，最多 %(most)s 列。"), columns=len(header), most=MAX_COLUMNS)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        places = "、".join(str(place) for place, name in enumerate(header, 1) if name == twice[0])
        raise Invalid("file", N_("表头里“%(name)s”出现了几次（第 %(places)s 列）。请给每一列不同的名称。"), name=twice[0][:40], places=places)
    if header and not re.search(r"[^\W\d_]", "".join(header)):
        raise Invalid("file", N_("没有找到表头。请在第一行写上列名，例如 仪器名称、型号、经度、纬度。"))
    used = [any(place < len(row) and row[place].strip() for row in body) for place in range(len(header))]
    return [name[:100] or (f"列 {place}" if used[place - 1] else "") for place, name in enumerate(header, 1)]
