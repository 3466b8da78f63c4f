"""Files for the bank and the treasury: CSV that a spreadsheet opens without running anything in it, amounts in yuan to the fen.

The bank file is the one place where whole account numbers stand; who may fetch it is left to the page, that it was fetched is on record.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import N_, Forbidden, NotFound, Refused
from vouchers import batches
from vouchers.settlement import SettlementBatch

BANK_HEADERS: Final = ("参考号", "收款单位", "开户银行", "户名", "账号", "金额", "附言")
MONTH_HEADERS: Final = ("业务日期", "批次", "参考号", "收款单位", "政策", "预算年度", "金额", "银行流水号", "兑现编号", "类别")
OUT: Final = ("sent", "confirmed", "partly_failed", "closed", "reconciled")
"""States from which on the bank file exists."""

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def safe(cell: object) -> str:
    """Return a cell that no spreadsheet takes for a formula: a text that begins like one gets an apostrophe before it."""
    found = str(cell)
    return f"'{found}" if found.lstrip(" \u3000").startswith(_RISKY) else found


def lines(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Give the lines of a CSV with a byte order mark, which spreadsheets need to read Chinese."""
    yield "\ufeff" + _line(headers)
    for row in rows:
        yield _line([safe(cell) for cell in row])


def plain_yuan(fen: int) -> str:
    """Write fen as yuan with two decimals and nothing else, e.g. 123456 → "1234.56", to be added up by others."""
    whole, cents = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{cents:02d}"


def bank_file(session: Session, actor: Actor, *, batch_id: int) -> tuple[str, str]:
    """Return name and content of the file for the bank, and keep on record that it was fetched.

    Raises `NotFound` outside the region, `Forbidden` for other roles, `Refused("state")` before it was sent.
    """
    row = session.get(SettlementBatch, batch_id)
    if row is None or row.funder != actor.region:
        raise NotFound
    if actor.role != "finance":
        raise Forbidden(N_("银行文件有完整账号，只有本级财务能下载。"))
    if row.state not in OUT:
        raise Refused("state", N_("批次还没有发送，银行文件还没有生成。"), state=row.state, event="bank_file")
    batches.log_download(session, actor, row)
    found = session.execute(text(_BANK_LINES), {"batch": batch_id})
    content = "".join(
        lines(BANK_HEADERS, ((one.reference, one.payee, one.bank, one.name, one.number, plain_yuan(one.amount), row.code) for one in found))
    )
    return f"{row.code}.csv", content


def month_rows(session: Session, funder: str, first: date) -> list[dict[str, Any]]:
    """Return what a funder paid and got back in the calendar month that begins on `first`, by the ledger's business date; amounts in fen."""
    return [dict(row) for row in session.execute(text(_MONTH), {"funder": funder, "first": first}).mappings()]


def month_file(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Give the lines of the treasury's CSV of a month; money that came back stands with a minus."""
    names = ("business_date", "batch", "reference", "payee", "policy", "year", "amount", "bank_reference", "claim", "kind")
    yield "\ufeff" + _line(MONTH_HEADERS)
    for row in rows:
        yield _line([plain_yuan(row[name]) if name == "amount" else safe(row[name]) for name in names])


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


_BANK_LINES: Final = """
SELECT l.reference, o.name_zh AS payee, a.bank, a.name, a.number, l.amount FROM batch_line l JOIN bank_account a ON a.id = l.account_id
JOIN organisation o ON o.id = l.payee_id WHERE l.batch_id = :batch AND l.state <> 'taken_out' ORDER BY l.id
"""

_MONTH: Final = """
SELECT t.business_date, b.code AS batch, l.reference, o.name_zh AS payee, g.policy, g.year, p.amount, y.bank_reference, c.code AS claim,
       'paid' AS kind
FROM posting p JOIN transfer t ON t.id = p.transfer_id JOIN account d ON d.id = p.destination_id AND d.kind = 'paid'
JOIN payout y ON d.code = 'paid:' || y.id JOIN claim c ON c.payout_id = y.id JOIN organisation o ON o.id = y.payee_id
JOIN batch_line l ON l.payout_id = y.id JOIN settlement_batch b ON b.id = l.batch_id
JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id LEFT JOIN share s ON s.id = c.share_id
JOIN budget g ON g.id = coalesce(s.budget_id, v.budget_id)
WHERE y.funder = :funder AND t.business_date >= :first AND t.business_date < (CAST(:first AS date) + interval '1 month')
UNION ALL
SELECT t.business_date, '', '', o.name_zh, g.policy, g.year, -r.amount, r.bank_reference, c.code, 'recovered'
FROM recovery r JOIN claim c ON c.id = r.claim_id JOIN account d ON d.code = 'recovered:' || c.id JOIN posting p ON p.destination_id = d.id
JOIN transfer t ON t.id = p.transfer_id JOIN organisation o ON o.id = c.payee_id
JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id LEFT JOIN share s ON s.id = c.share_id
JOIN budget g ON g.id = coalesce(s.budget_id, v.budget_id)
WHERE r.funder = :funder AND t.business_date >= :first AND t.business_date < (CAST(:first AS date) + interval '1 month')
ORDER BY 1, 2, 3, 9
"""
