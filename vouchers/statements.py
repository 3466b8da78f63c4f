"""Take a statement of the bank in: match each row with a line of the batch, pay what fits, name what does not.

A row that differs from what was sent in any way moves no money. The file is kept row by row, and its hash so that it is taken once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.audit import move, record
from core.errors import N_, Forbidden, Refused
from vouchers import batches, chart, claims, ledger
from vouchers.entities import CLAIM, Claim, Hold, Payout, Voucher
from vouchers.ledger import Move
from vouchers.lifecycle import close_if_spent, lock
from vouchers.requests import once
from vouchers.settlement import LINE, BankStatement, BatchLine, SettlementBatch, StatementLine
from vouchers.statement_file import Row, StatementFile, read

FINDINGS: Final = {
    "matched": N_("相符"),
    "unknown": N_("不是这一批的行"),
    "doubled": N_("同一行出现两次"),
    "changed": N_("金额和发出的不一样"),
    "settled": N_("这一行早就有结果了"),
    "unreadable": N_("金额或结果读不懂"),
    "no_bank_reference": N_("没有银行流水号"),
    "bank_reference_used": N_("银行流水号已经记过一笔"),
    "wrong_date": N_("日期在批次以前或今天以后"),
}
"""What can be found about a row of a statement; only `matched` moves anything."""


@dataclass(frozen=True)
class _Found:
    row: Row
    line: BatchLine | None
    finding: str


def take(session: Session, actor: Actor, *, batch_id: int, content: bytes, filename: str, request_id: str) -> int:
    """Take the bank's statement on a sent batch in and return its id: matched lines are paid or failed, everything else is named and left.

    Raises `Invalid("file")` for a file that is no statement, `Refused` by clause: state (not sent), statement (the same file was taken).
    """
    given = read(content)

    def act(request: str) -> int:
        batch = batches.lock_batch(session, actor, batch_id)
        if actor.role != "finance":
            raise Forbidden(N_("这一步要由别的岗位办理。"))
        if session.scalar(select(BankStatement.id).filter_by(sha256=given.sha256)) is not None:
            raise Refused("statement", N_("这份回单已经收过一次。同一份文件不能收两次。"))
        if batch.state != "sent":
            raise Refused("state", N_("这一步现在不能做：它已经到了别的状态。请刷新页面看最新状态。"), state=batch.state, event="statement")
        known = {line.reference: line for line in session.scalars(select(BatchLine).filter_by(batch_id=batch.id).order_by(BatchLine.id))}
        found = _judged(session, batch, known, given.rows)
        kept = _keep(session, actor, batch, given=given, name=filename, found=found)
        record(session, actor, "bank_statement", kept, "take", request_id=request, detail=_counted(found) | {"sha256": given.sha256})
        for one in sorted(found, key=lambda one: one.line.claim_id if one.line else 0):
            if one.finding == "matched" and one.line is not None:
                _settle(session, actor, batch, found=one, request=request)
        batches.conclude(session, actor, batch, request)
        return kept

    return once(session, actor, request_id, "statement", content={"batch": batch_id, "sha256": given.sha256}, act=act)


def missing(session: Session, batch_id: int) -> Sequence[BatchLine]:
    """Return the lines of which no statement has said yet that they were paid or failed."""
    return batches.lines_of(session, batch_id)


def _judged(session: Session, batch: SettlementBatch, known: dict[str, BatchLine], rows: Sequence[Row]) -> list[_Found]:
    """Say of each row what it is. Of rows about one line that agree the first counts; of rows that contradict each other none does."""
    today = clock.today(session)
    numbers = [row.bank_reference for row in rows if row.bank_reference]
    used = set(session.scalars(select(Payout.bank_reference).where(Payout.bank_reference.in_(numbers))))
    groups: dict[str, set[tuple[str, int | None]]] = defaultdict(set)
    for row in rows:
        groups[row.reference].add((row.outcome, row.amount))
    found, seen = [], set()
    for row in rows:
        line = known.get(row.reference)
        finding = _finding(row, line, span=(batch.opened_on, today))
        if finding == "matched" and (row.reference in seen or len(groups[row.reference]) > 1):
            finding = "doubled"
        if finding == "matched" and row.outcome == "paid" and row.bank_reference in used:
            finding = "bank_reference_used"
        if finding == "matched":
            seen.add(row.reference)
            used |= {row.bank_reference} if row.outcome == "paid" else set()
        found.append(_Found(row, line, finding))
    return found


def _finding(row: Row, line: BatchLine | None, *, span: tuple[date, date]) -> str:
    if line is None or line.state == "taken_out":
        return "unknown"
    paid = row.outcome == "paid"
    faults = (
        ("unreadable", row.outcome == "" or row.amount is None),
        ("settled", line.state != "listed"),
        ("changed", row.amount != line.amount),
        ("no_bank_reference", paid and not 0 < len(row.bank_reference) <= 80),
        ("wrong_date", row.paid_on is not None and not span[0] <= row.paid_on <= span[1]),
    )
    return next((name for name, there in faults if there), "matched")


def _keep(session: Session, actor: Actor, batch: SettlementBatch, *, given: StatementFile, name: str, found: Sequence[_Found]) -> int:
    """Write the statement with its rows as the bank wrote them, and return its id."""
    row = BankStatement(batch_id=batch.id, sha256=given.sha256, filename=name[-120:], encoding=given.encoding, is_sample=batch.is_sample)
    row.created_by = actor.user_id
    session.add(row)
    session.flush()
    for one in found:
        line = one.line if one.finding != "unknown" else None
        same = {key: getattr(one.row, key) for key in ("number", "reference", "amount", "outcome", "bank_reference", "paid_on", "reason")}
        session.add(StatementLine(statement_id=row.id, finding=one.finding, batch_line_id=line.id if line else None, **same))
    session.flush()
    return row.id


def _settle(session: Session, actor: Actor, batch: SettlementBatch, *, found: _Found, request: str) -> None:
    """Do to a line, and to its claim, what the bank says."""
    row, line = found.row, batches.lock_line(session, found.line.id if found.line else 0)
    claim = session.get_one(Claim, line.claim_id)
    if row.outcome == "failed":
        line.reason = row.reason
        for paper, arrows in ((line, LINE), (claim, CLAIM)):
            move(session, actor, paper, arrows, "fail", reason=row.reason, request_id=request)
        return
    hold = session.get_one(Hold, claim.hold_id)
    voucher, source = lock(session, Voucher, hold.voucher_id), claims.source_of(session, claim)
    payout = _pay_out(session, actor, claim, row)
    line.payout_id = payout
    move(session, actor, line, LINE, "pay", request_id=request)
    claim.payer_id, claim.paid_at, claim.payout_id = batch.released_by, clock.now(session), payout
    detail = {"amount": claim.amount, "bank_reference": row.bank_reference}
    audit = move(session, actor, claim, CLAIM, "pay", policy_version_id=hold.policy_version_id, request_id=request, detail=detail)
    ledger.post(session, [Move(source, chart.paid(payout), claim.amount)], kind="redeem", audit_id=audit, request_id=f"{request}/{line.reference}")
    close_if_spent(session, voucher, request=request)


def _pay_out(session: Session, actor: Actor, claim: Claim, row: Row) -> int:
    values = dict(funder=claim.funder, payee_id=claim.payee_id, amount=claim.amount, bank_reference=row.bank_reference)
    more = dict(paid_on=row.paid_on or clock.today(session), created_by=actor.user_id)
    made: int | None = session.execute(insert(Payout).values(**values, **more).on_conflict_do_nothing().returning(Payout.id)).scalar()
    if made is None:
        raise Refused("bank_reference", N_("拨付单号 %(number)s 已经记过一笔。请核对银行回单。"), number=row.bank_reference)
    return made


def _counted(found: Sequence[_Found]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for one in found:
        counts[one.finding] += 1
    return dict(counts)


def report(session: Session, batch_id: int) -> list[dict[str, object]]:
    """Return the rows of all statements on a batch, those that differ first: finding, reference, amounts in fen, what the bank wrote."""
    return [dict(row) for row in session.execute(text(_REPORT), {"batch": batch_id}).mappings()]


_REPORT: Final = """
SELECT s.id AS statement_id, s.filename, s.created_at, t.number, t.reference, t.amount, t.outcome, t.bank_reference, t.paid_on, t.reason, t.finding,
       l.amount AS sent, l.state AS line_state
FROM bank_statement s JOIN statement_line t ON t.statement_id = s.id LEFT JOIN batch_line l ON l.id = t.batch_line_id
WHERE s.batch_id = :batch ORDER BY t.finding = 'matched', s.id, t.number LIMIT 2000
"""
