"""A bank's statement as a file: CSV in any of the usual encodings, columns found by their headers, every cell taken as text.

Nothing here knows what was to be paid; a row that cannot be read is kept as it is and said to be so.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Final

from core.errors import N_, Invalid
from core.money import parse_yuan
from geodata.imports.delimited import decode, rows_of

MOST_BYTES: Final = 900_000
MOST_ROWS: Final = 20_000
_HEADER_ROWS: Final = 20
_MOST_CELL: Final = 200

HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "reference": ("业务参考号", "参考号", "明细编号", "客户参考号", "附言", "摘要", "reference", "line reference", "client reference"),
    "amount": ("金额", "付款金额", "交易金额", "发生额", "借方金额", "amount", "amount (cny)", "debit"),
    "outcome": ("结果", "状态", "交易状态", "处理结果", "付款结果", "status", "result"),
    "bank_reference": ("银行流水号", "流水号", "交易流水号", "回单编号", "银行参考号", "bank reference", "transaction id", "transaction", "serial"),
    "paid_on": ("日期", "交易日期", "付款日期", "入账日期", "date", "paid on", "value date", "booking date"),
    "reason": ("失败原因", "原因", "备注", "退票原因", "reason", "error", "note"),
}
"""Column → the headers that banks give it, in plain width and small letters."""

PAID: Final = frozenset(("成功", "已付", "付款成功", "交易成功", "处理成功", "支付成功", "paid", "success", "successful", "ok", "completed"))
FAILED: Final = frozenset(("失败", "付款失败", "交易失败", "处理失败", "退回", "退票", "退汇", "failed", "failure", "returned", "rejected"))
_DATES: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日")


@dataclass(frozen=True)
class Row:
    """One row of a statement: its number in the file, amount in fen or None where it cannot be read, outcome "paid", "failed" or "" (unreadable)."""

    number: int
    reference: str
    amount: int | None
    outcome: str
    bank_reference: str
    paid_on: date | None
    reason: str


@dataclass(frozen=True)
class StatementFile:
    """The rows of a file with its hash and encoding."""

    sha256: str
    encoding: str
    rows: tuple[Row, ...]


def read(content: bytes) -> StatementFile:
    """Return the rows of a statement; raise `Invalid("file")` for a file that is empty, too large, no text, or has no known columns."""
    if not content:
        raise Invalid("file", N_("文件是空的。请选银行给的回单文件。"))
    if len(content) > MOST_BYTES:
        raise Invalid("file", N_("文件太大，最多 900 KB。请只导出这一批的回单。"))
    if content.startswith((b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff")):
        raise Invalid("file", N_("这不是 CSV 文件。请在网银里导出 CSV，或者在表格软件里另存为 CSV。"))
    words, encoding = decode(content)
    cells, _ = rows_of(words)
    start, columns = _header(cells)
    if len(cells) - start > MOST_ROWS:
        raise Invalid("file", N_("行数太多，最多 %(most)s 行。请只导出这一批的回单。"), most=MOST_ROWS)
    rows = [_row(number, row, columns) for number, row in enumerate(cells[start:], start + 1) if any(cell.strip() for cell in row)]
    found = tuple(row for row in rows if row.reference or row.amount is not None)
    if not found:
        raise Invalid("file", N_("文件里没有一行付款。请检查导出的是不是这一批的回单。"))
    return StatementFile(sha256(content).hexdigest(), encoding, found)


def _header(cells: list[list[str]]) -> tuple[int, dict[str, int]]:
    """Find the row of headers: the first that names a reference and an amount; return the number of rows up to it, and where each column is."""
    for number, row in enumerate(cells[:_HEADER_ROWS], 1):
        names = [_plain(cell).lower() for cell in row]
        found = {column: names.index(word) for column, words in HEADERS.items() for word in reversed(words) if word in names}
        if {"reference", "amount"} <= found.keys():
            return number, found
    raise Invalid("file", N_("找不到表头。要有“参考号”和“金额”两列，例如：参考号,金额,结果,银行流水号,日期,失败原因。"))


def _row(number: int, cells: list[str], columns: dict[str, int]) -> Row:
    def cell(name: str) -> str:
        place = columns.get(name)
        return _plain(cells[place]) if place is not None and place < len(cells) else ""

    outcome = cell("outcome").lower()
    word = "paid" if "outcome" not in columns or outcome in PAID else "failed" if outcome in FAILED else ""
    reference, bank = cell("reference").upper(), cell("bank_reference")
    return Row(number, reference, _amount(cell("amount")), word, bank, _day(cell("paid_on")), cell("reason"))


def _plain(cell: str) -> str:
    """Return a cell in plain width without signs that are not seen; a number that a spreadsheet was told to keep as text loses its wrapping."""
    found = "".join(sign for sign in unicodedata.normalize("NFKC", cell) if unicodedata.category(sign) not in ("Cc", "Cf", "Co", "Cs"))
    wrapped = re.fullmatch(r'="(.*)"', found.strip())
    return " ".join((wrapped[1] if wrapped else found).strip().lstrip("'").split())[:_MOST_CELL]


def _amount(text: str) -> int | None:
    try:
        return parse_yuan(text.removesuffix("元").strip()) if text and "万" not in text else None
    except Invalid:
        return None


def _day(text: str) -> date | None:
    head = text.split(" ", maxsplit=1)[0].split("T", maxsplit=1)[0]
    for form in _DATES:
        try:
            return datetime.strptime(head, form).date()  # noqa: DTZ007 (a date has no zone)
        except ValueError:
            continue
    return None
