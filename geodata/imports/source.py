"""Open a file by what it holds, whatever it is called: its kind is read from its first bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from core.errors import N_, Invalid
from geodata.imports import delimited, spatial, workbook
from geodata.imports.columns import is_usual
from geodata.imports.table import Table, table_of

KINDS: Final = {"csv": "CSV", "xlsx": "XLSX", "xls": "XLS", "geojson": "GeoJSON", "gpkg": "GeoPackage"}

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KNOWN: Final = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"\x00\x00\x27\x0a", "Shapefile"),
)


def read_file(path: Path, *, most: int) -> Table:
    """Return the table in the file at `path` of at most `most` bytes; raise `Invalid("file")` with a way out for any that cannot be read."""
    try:
        size = path.stat().st_size
    except OSError as wrong:
        raise Invalid("file", N_("没有文件“%(name)s”。"), name=path.name[:80]) from wrong
    if not path.is_file():
        raise Invalid("file", N_("“%(name)s”不是文件。"), name=path.name[:80])
    check_size(size, most=most)
    return read_bytes(path.read_bytes(), most=most)


def check_size(size: int, *, most: int) -> None:
    """Raise `Invalid("file")` for an empty file and for one above `most` bytes."""
    if size == 0:
        raise Invalid("file", N_("文件是空的（0 字节）。请重新选择。"))
    if size > most:
        text = N_("文件有 %(size)s MB，最大 %(most)s MB。请只留下仪器的那张表，或者分成几个文件。")
        raise Invalid("file", text, size=round(size / 1_000_000, 1), most=most // 1_000_000)


def read_bytes(content: bytes, *, most: int) -> Table:
    """Return the table in `content`; raise as `read_file` does."""
    check_size(len(content), most=most)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        cells, notes = workbook.sheet_of(content, zipped=True)
        return table_of("xlsx", cells, known=is_usual, notes=notes)
    if content.startswith(_OLE):
        return _old_workbook(content)
    if content.startswith(b"SQLite format 3\x00"):
        return spatial.read_geopackage(content)
    for mark, name in _KNOWN:
        if content.startswith(mark):
            raise Invalid("file", N_("这是 %(kind)s 文件。请用 CSV、XLSX、GeoJSON 或 GeoPackage。"), kind=name)
    return _text(content)


def _old_workbook(content: bytes) -> Table:
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise Invalid("file", N_("这个工作簿有密码。请去掉打开密码，另存一份再上传。"))
    if "Workbook".encode("utf-16-le") not in content and "Book".encode("utf-16-le") not in content:
        raise Invalid("file", N_("这是旧格式的 Office 文件，不是表格。请用 CSV 或 XLSX。"))
    cells, notes = workbook.sheet_of(content, zipped=False)
    return table_of("xls", cells, known=is_usual, notes=notes)


def _text(content: bytes) -> Table:
    text, encoding = delimited.decode(content)
    head = text[:2000].lstrip("\ufeff \t\r\n")
    if head.startswith(("{", "[")):
        return spatial.read_geojson(text.lstrip("\ufeff"))
    if re.match(r"<(?:!doctype|html|table|\?xml|head|meta|style)", head, re.IGNORECASE):
        raise Invalid("file", N_("这是网页或 XML，只是改了扩展名。请在电子表格里打开，另存为 XLSX 或 CSV。"))
    if not head:
        raise Invalid("file", N_("文件里没有内容。请检查是否选对了文件。"))
    rows, _ = delimited.rows_of(text.lstrip("\ufeff"))
    return table_of("csv", rows, known=is_usual, notes=delimited.encoding_note(encoding))
