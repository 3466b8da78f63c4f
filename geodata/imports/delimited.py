"""Text files: which encoding, which delimiter, which rows. A file in no known encoding is refused with the line that shows it."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import Final

from charset_normalizer import from_bytes

from core.errors import N_, Invalid
from geodata.imports.table import MAX_ROWS
from geodata.imports.values import Said

_DELIMITERS: Final = ",\t;|"
_DAMAGE: Final = 0.02
"""Share of unreadable bytes up to which a text counts as damaged UTF-8 rather than as another encoding."""

_SAMPLE: Final = 200_000


def decode(content: bytes) -> tuple[str, str]:
    """Return the text of a file and the name of its encoding: UTF-8 (with or without mark), UTF-16, GB18030, else what the bytes look like.

    Raises `Invalid("file")` for damaged UTF-8, with the line, and for what is no text in any encoding.
    """
    for mark, name in ((BOM_UTF8, "utf-8-sig"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return _strictly(content, name), name
    wide = _wide(content)
    if wide:
        return _strictly(content, wide), wide
    if b"\x00" in content:
        raise Invalid("file", N_("这不是文字文件。请用 CSV、XLSX、GeoJSON 或 GeoPackage。"))
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as wrong:
        _refuse_damaged(content, wrong)
    return _other(content)


def rows_of(text: str) -> tuple[list[list[str]], str]:
    """Return the cells of a delimited text and its delimiter; raise `Invalid("file")` for one that ends inside a quoted cell."""
    delimiter = _delimiter(text)
    csv.field_size_limit(10_000_000)
    found: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=delimiter, strict=False):
            found.append(row)
            if len(found) > MAX_ROWS + 1000:
                break
    except csv.Error as wrong:
        raise Invalid("file", N_("第 %(row)s 行附近的引号不成对，读不下去。请检查那一行的英文引号。"), row=len(found) + 1) from wrong
    return found, delimiter


def encoding_note(name: str) -> tuple[Said, ...]:
    """Return a note on an encoding that a person may want to know of."""
    return () if name.startswith("utf-8") else ((N_("文字按 %(encoding)s 编码读入。"), {"encoding": name.upper()}),)


def _strictly(content: bytes, name: str) -> str:
    try:
        return content.decode(name)
    except UnicodeDecodeError as wrong:
        text = N_("文件开头说是 %(encoding)s，里面却有读不出的字节（第 %(line)s 行附近）。请另存为 UTF-8。")
        raise Invalid("file", text, encoding=name.upper(), line=content[: wrong.start].count(b"\n") + 1) from wrong


def _wide(content: bytes) -> str:
    """Return utf-16-le or utf-16-be for a text of two-byte signs without a mark, by where its zero bytes stand; else ""."""
    head = content[:4000]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < len(head) * 0.05 or min(even, odd) > max(even, odd) * 0.1:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _refuse_damaged(content: bytes, first: UnicodeDecodeError) -> None:
    """Raise for UTF-8 with a few broken bytes: read as another encoding it would become other words."""
    signs = content.decode("utf-8", errors="replace")
    high = sum(ord(sign) > 127 for sign in signs[:_SAMPLE])
    broken = signs[:_SAMPLE].count("\ufffd")
    if broken <= max(1, high * _DAMAGE) and high > 50:
        line = content[: first.start].count(b"\n") + 1
        raise Invalid("file", N_("文件是 UTF-8，但第 %(line)s 行附近有损坏的字节。请从原来的程序重新另存一次。"), line=line)


def _other(content: bytes) -> tuple[str, str]:
    try:
        text = content.decode("gb18030")
        if _reads_as_chinese(text):
            return text, "gb18030"
    except UnicodeDecodeError:
        pass
    best = from_bytes(content[:_SAMPLE]).best()
    if best is None:
        raise Invalid("file", N_("看不出文字的编码。请在电子表格里另存为“CSV UTF-8”。"))
    try:
        return content.decode(best.encoding), best.encoding
    except UnicodeDecodeError as wrong:
        line = content[: wrong.start].count(b"\n") + 1
        raise Invalid("file", N_("看不出文字的编码（第 %(line)s 行附近）。请在电子表格里另存为“CSV UTF-8”。"), line=line) from wrong


def _reads_as_chinese(text: str) -> bool:
    """Say whether the signs beyond ASCII are those of everyday Chinese: other encodings read as GB18030 give rare ones."""
    high = [sign for sign in text[:_SAMPLE] if ord(sign) > 127]
    usual = sum(
        "\u4e00" <= sign <= "\u9fa5" or "\u3000" <= sign <= "\u303f" or "\uff00" <= sign <= "\uffef" or sign in "°±×÷·—“”‘’…μλΩαβγ℃②①③≤≥"
        for sign in high
    )
    common = sum(len(sign.encode("gb2312", errors="ignore")) == 2 for sign in high)
    return usual >= 0.9 * len(high) and common >= 0.9 * len(high)


def _delimiter(text: str) -> str:
    """Return the sign that parts the cells of the first lines most evenly."""
    lines = [line for line in text[:50_000].splitlines() if line.strip()][:20]
    best, most = ",", 0.0
    for sign in _DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=sign)]
        usual = max(set(widths), key=widths.count) if widths else 1
        score = (usual - 1) * widths.count(usual) / len(widths) if widths else 0.0
        if score > most:
            best, most = sign, score
    return best
