"""Workbooks: XLSX, and the older XLS. What a file claims and what it unpacks to is bounded before anything is parsed.

Values are read as the program that wrote the file last computed them; which cells are formulas or merged is told.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from core.errors import N_, Invalid
from geodata.imports.table import MAX_COLUMNS, MAX_ROWS, UNCOMPUTED
from geodata.imports.values import Said

MAX_UNPACKED: Final = 300_000_000
"""Bytes of a whole workbook unpacked: 200,000 rows of 15 columns take about 200 million."""

MAX_PARTS: Final = 5_000
_CELL: Final = re.compile(r"([A-Z]{1,3})(\d+)")


@dataclass
class Sheet:
    """What a look through the XML of one sheet finds: how far its cells reach, counted from 1, and which hold a formula (from 0)."""

    name: str
    height: int = 0
    width: int = 0
    formulas: list[tuple[int, int]] = field(default_factory=list)


def sheet_of(content: bytes, *, zipped: bool) -> tuple[list[list[str]], tuple[Said, ...]]:
    """Return the cells of the first sheet with any, as text, and notes; merged cells all carry the value of the first.

    Raises `Invalid("file")` for a workbook with a password, a damaged one, or one that unpacks to more than `MAX_UNPACKED` bytes.
    """
    looked = _look(content) if zipped else []
    chosen = next((one for one in looked if one.height), None)
    if looked and chosen is None:
        raise Invalid("file", N_("文件里没有内容。请检查是否选对了文件。"))
    if chosen is not None:
        _check_reach(chosen.height, chosen.width)
    rows, merged = _cells(content, chosen.name if chosen else None)
    notes = (*_spread(rows, merged), *_computed(rows, chosen.formulas if chosen else []))
    others = sum(1 for one in looked if one.height) - 1
    if chosen and others > 0:
        notes += ((N_("只读了工作表“%(name)s”，还有 %(count)s 张没有读。"), {"name": chosen.name[:40], "count": others}),)
    return rows, notes


def _cells(content: bytes, name: str | None) -> tuple[list[list[str]], list[Any]]:
    """Return the cells of a sheet (None: the first with any) and its merged areas."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = [name] if name else book.sheet_names
        sheet = next((one for one in map(book.get_sheet_by_name, names) if one.total_height), None)
        if sheet is None:
            raise Invalid("file", N_("文件里没有内容。请检查是否选对了文件。"))
        _check_reach(sheet.total_height, sheet.total_width)
        rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
        return rows, list(sheet.merged_cell_ranges or []) if name else []
    except PasswordError as wrong:
        raise _locked() from wrong
    except (CalamineError, ValueError, OSError) as wrong:
        raise _broken() from wrong


def _check_reach(height: int, width: int) -> None:
    """Raise before a far-out cell makes a small file a large table."""
    if height > MAX_ROWS + 1000:
        raise Invalid("file", N_("文件有 %(rows)s 行，一次最多 %(most)s 行。请分成几个文件。"), rows=height, most=MAX_ROWS)
    if width > MAX_COLUMNS:
        raise Invalid("file", N_("文件有 %(columns)s 列，最多 %(most)s 列。"), columns=width, most=MAX_COLUMNS)


def _broken() -> Invalid:
    return Invalid("file", N_("这个工作簿打不开，文件可能坏了。请在电子表格里打开，另存一份 XLSX 再上传。"))


def check_archive(content: bytes) -> None:
    """Raise `Invalid("file")` unless the archive is a workbook whose parts, as declared and as really unpacked, stay within bounds."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as wrong:
        raise _broken() from wrong
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        raise Invalid("file", N_("这是一个压缩包，不是 XLSX 工作簿。请解压后上传其中的表格。"))
    if any(part.flag_bits & 1 for part in parts):
        raise _locked()
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise _bomb()
    left = MAX_UNPACKED
    for part in parts:
        left -= _unpacked_size(archive, part, left)


def _unpacked_size(archive: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> int:
    """Return how many bytes a part really unpacks to, never holding more than one block of them."""
    size = 0
    try:
        with archive.open(part) as stream:
            while block := stream.read(1 << 20):
                size += len(block)
                if size > most:
                    raise _bomb()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as wrong:
        raise _broken() from wrong
    return size


def _bomb() -> Invalid:
    text = N_("这个工作簿解开后超过 %(most)s MB，不会打开。请只留下仪器的那张表，另存一份。")
    return Invalid("file", text, most=MAX_UNPACKED // 1_000_000)


def _locked() -> Invalid:
    return Invalid("file", N_("这个工作簿有密码。请去掉打开密码，另存一份再上传。"))


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell) if isinstance(cell, int | time | timedelta) else ""


def _spread(rows: list[list[str]], merged: list[tuple[tuple[int, int], tuple[int, int]]]) -> tuple[Said, ...]:
    """Write the value of each merged area into all of its cells below the first row of it, and say so."""
    told = 0
    for (top, left), (bottom, right) in merged:
        if bottom >= len(rows) or top == bottom or right >= len(rows[top]):
            continue  # a title across the sheet stands in one cell only
        told += 1
        for row in rows[top : bottom + 1]:
            row[left : right + 1] = [rows[top][left]] * (right + 1 - left)
    return ((N_("%(count)s 处合并单元格，每一行都按同一个值读入。"), {"count": told}),) if told else ()


def _computed(rows: list[list[str]], formulas: list[tuple[int, int]]) -> tuple[Said, ...]:
    """Mark the formulas that have no value yet, and say how many cells were computed."""
    found = 0
    for row, column in formulas:
        if row < len(rows) and column < len(rows[row]):
            found += 1
            if not rows[row][column].strip():
                rows[row][column] = UNCOMPUTED
    return ((N_("%(count)s 个单元格是公式，读入的是上次算出的值。"), {"count": found}),) if found else ()


def _look(content: bytes) -> list[Sheet]:
    """Return what each sheet holds, in their order, without building any table of cells."""
    check_archive(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        try:
            return [_reach(archive, path, name) for name, path in _parts(archive) if path in names]
        except (expat.ExpatError, ET.ParseError, KeyError, LookupError) as wrong:
            raise _broken() from wrong


def _reach(archive: zipfile.ZipFile, path: str, name: str) -> Sheet:
    found, at = Sheet(name), [0, 0]

    def start(tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            at[:] = [int(attributes.get("r", at[0] + 1)), 0]
        elif tag == "c":
            cell = _CELL.fullmatch(attributes.get("r", ""))
            at[:] = [int(cell[2]), _column(cell[1])] if cell else [at[0], at[1] + 1]
        elif tag == "f":
            found.formulas.append((at[0] - 1, at[1] - 1))
        if tag in {"v", "is", "f"}:
            found.height, found.width = max(found.height, at[0]), max(found.width, at[1])

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with archive.open(path) as stream:
        parser.ParseFile(stream)
    return found


def _parts(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return name and path of each sheet of the workbook, by its relations."""
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 (expat bounds entities; sizes are bounded above)
    sheets = [(node.get("name", ""), _relation(node)) for node in book.iter() if node.tag.rpartition("}")[2] == "sheet"]
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {node.get("Id"): node.get("Target", "") for node in relations}
    return [(name, posixpath.normpath(posixpath.join("/xl", targets.get(key, ""))).lstrip("/")) for name, key in sheets]


def _relation(node: ET.Element) -> str:
    return next((value for key, value in node.items() if key.endswith("}id")), "")


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place
