"""What finance of a funder needs to see: claims to approve, batches with their lines, months with their totals, recoveries. Reading only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import NotFound
from vouchers.reconciling import Sums, sums
from vouchers.settlement import SettlementBatch, masked

FLOW: Final = ("open", "frozen", "noticed", "signed", "authorised", "sent", "confirmed", "closed", "reconciled")
"""The states of a batch on its way, in order; partly_failed stands where confirmed does."""


@dataclass(frozen=True)
class BatchRow:
    """A batch as a line of a list; `total` in fen is what stands in it now, `waiting` the lines without an answer of the bank."""

    id: int
    code: str
    state: str
    opened_on: date
    total: int
    lines: int
    waiting: int
    failed: int
    ends: date | None
    signed_by: int | None
    released_by: int | None
    is_sample: bool


@dataclass(frozen=True)
class LineRow:
    """A line of a batch; `account` is masked, amount in fen."""

    id: int
    reference: str
    claim_id: int
    claim: str
    payee: str
    bank: str
    account: str
    amount: int
    state: str
    reason: str
    bank_reference: str | None
    said: bool
    """A statement of the bank has spoken of the line."""


@dataclass(frozen=True)
class PublicLine:
    """What everybody may know of a line: payee, its region, policy, amount in fen."""

    payee: str
    region: str
    policy: str
    amount: int
    is_sample: bool


@dataclass(frozen=True)
class BatchPage:
    """A batch with its lines, who did which step, and the four figures that must agree."""

    row: BatchRow
    sha256: str | None
    lines: tuple[LineRow, ...]
    steps: tuple[dict[str, Any], ...]
    sums: Sums


@dataclass(frozen=True)
class ClaimRow:
    """A claim that waits for finance; `age` in days since it was sent, amount in fen."""

    id: int
    code: str
    state: str
    payee: str
    amount: int
    age: int
    mine: bool
    is_sample: bool


@dataclass(frozen=True)
class RecoveryRow:
    """Money asked back: amount in fen, `mine`: this person decided it, so another records that it came."""

    id: int
    claim: str
    payee: str
    amount: int
    reason: str
    state: str
    created_at: datetime
    received_on: date | None
    bank_reference: str | None
    mine: bool


@dataclass(frozen=True)
class MonthRow:
    """A month of a funder: number of payments, paid and recovered in fen, and what is left of both."""

    month: date
    count: int
    paid: int
    back: int

    @property
    def net(self) -> int:
        """Return what left the treasury for good, fen."""
        return self.paid - self.back


def batch_rows(session: Session, funder: str, *, limit: int = 60) -> list[BatchRow]:
    """Return the batches of a funder, those under way first, then the newest."""
    return [BatchRow(**row) for row in session.execute(text(_BATCHES), {"funder": funder, "id": None, "limit": limit}).mappings()]


def batch_page(session: Session, actor: Actor, batch_id: int) -> BatchPage:
    """Return a batch of the officer's funder; raise `NotFound` for any other."""
    found = session.get(SettlementBatch, batch_id)
    if found is None or found.funder != actor.region:
        raise NotFound
    row = BatchRow(**session.execute(text(_BATCHES), {"funder": found.funder, "id": batch_id, "limit": 1}).mappings().one())
    lines = tuple(LineRow(**{**one, "account": masked(one["account"])}) for one in session.execute(text(_LINES), {"batch": batch_id}).mappings())
    steps = tuple(dict(one) for one in session.execute(text(_STEPS), {"batch": batch_id}).mappings())
    return BatchPage(row, found.sha256, lines, steps, sums(session, batch_id))


def public_lines(session: Session, batch_id: int) -> tuple[str, list[PublicLine]]:
    """Return the number of a batch and what it pays to whom; raise `NotFound` for one that was never shown in public."""
    found = session.get(SettlementBatch, batch_id)
    if found is None or found.notice_id is None or found.state == "cancelled":
        raise NotFound
    return found.code, [PublicLine(**row) for row in session.execute(text(_PUBLIC), {"batch": batch_id}).mappings()]


def to_approve(session: Session, actor: Actor, *, today: date) -> list[ClaimRow]:
    """Return the checked claims of the actor's funder, the oldest first; `mine`: a step of it was this person's, so another approves."""
    values = {"funder": actor.region, "today": today, "user": actor.user_id}
    return [ClaimRow(**row) for row in session.execute(text(_TO_APPROVE), values).mappings()]


def recoveries(session: Session, actor: Actor) -> list[RecoveryRow]:
    """Return the recoveries of the actor's funder, the open ones first."""
    return [RecoveryRow(**row) for row in session.execute(text(_RECOVERIES), {"funder": actor.region, "user": actor.user_id}).mappings()]


def months(session: Session, funder: str) -> list[MonthRow]:
    """Return each month in which a funder paid or got money back, by the ledger's business date, the newest first."""
    return [MonthRow(**row) for row in session.execute(text(_MONTHS), {"funder": funder}).mappings()]


def batches_seen(session: Session, actor: Actor, *, before: int | None, limit: int) -> Sequence[BatchRow]:
    """Return the batches of the actor's funder for a program, the newest first, older than the id `before`."""
    query = _BATCHES.replace("ORDER BY b.state IN", "AND (CAST(:before AS bigint) IS NULL OR b.id < :before) ORDER BY b.id DESC, b.state IN")
    values = {"funder": actor.region, "id": None, "before": before, "limit": limit}
    return [BatchRow(**row) for row in session.execute(text(query), values).mappings()]


_BATCHES: Final = """
SELECT b.id, b.code, b.state, b.opened_on, coalesce(b.total, l.total) AS total, coalesce(b.lines, l.count)::int AS lines, l.waiting, l.failed, n.ends,
       b.signed_by, b.released_by, b.is_sample
FROM settlement_batch b LEFT JOIN notice n ON n.id = b.notice_id LEFT JOIN LATERAL (
    SELECT coalesce(sum(x.amount), 0)::bigint AS total, count(*) AS count, count(*) FILTER (WHERE x.state = 'listed') AS waiting,
           count(*) FILTER (WHERE x.state = 'failed') AS failed
    FROM batch_line x WHERE x.batch_id = b.id AND x.state <> 'taken_out') l ON true
WHERE b.funder = :funder AND (CAST(:id AS bigint) IS NULL OR b.id = :id)
ORDER BY b.state IN ('reconciled', 'cancelled'), b.id DESC LIMIT :limit
"""

_LINES: Final = """
SELECT l.id, l.reference, l.claim_id, c.code AS claim, o.name_zh AS payee, a.bank, a.number AS account, l.amount, l.state, l.reason, y.bank_reference,
       EXISTS (SELECT FROM statement_line t WHERE t.batch_line_id = l.id) AS said
FROM batch_line l JOIN claim c ON c.id = l.claim_id JOIN organisation o ON o.id = l.payee_id JOIN bank_account a ON a.id = l.account_id
LEFT JOIN payout y ON y.id = l.payout_id WHERE l.batch_id = :batch ORDER BY l.state = 'taken_out', l.id
"""

_PUBLIC: Final = """
SELECT o.name_zh AS payee, coalesce(r.name_zh, '') AS region, p.title AS policy, l.amount, v.is_sample
FROM batch_line l JOIN organisation o ON o.id = l.payee_id LEFT JOIN region r ON r.adcode = o.adcode JOIN claim c ON c.id = l.claim_id
JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id JOIN policy_version p ON p.id = v.policy_version_id
WHERE l.batch_id = :batch AND l.state <> 'taken_out' ORDER BY l.id
"""

_STEPS: Final = """
SELECT a.at, a.event, a.after, a.reason, a.user_id, u.name FROM audit a LEFT JOIN app_user u ON u.id = a.user_id
WHERE a.subject = 'settlement_batch' AND a.subject_id = :batch ORDER BY a.id
"""

_TO_APPROVE: Final = """
SELECT c.id, c.code, c.state, o.name_zh AS payee, c.amount, v.is_sample, coalesce(:user IN (c.created_by, c.reviewer_id), false) AS mine,
       greatest(0, :today - (c.created_at AT TIME ZONE 'Asia/Shanghai')::date) AS age
FROM claim c JOIN organisation o ON o.id = c.payee_id JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id
WHERE c.funder = :funder AND c.state = 'verified' ORDER BY c.id LIMIT 500
"""

_RECOVERIES: Final = """
SELECT r.id, c.code AS claim, o.name_zh AS payee, r.amount, r.reason, r.state, r.created_at, r.received_on, r.bank_reference,
       coalesce(r.decided_by = :user, false) AS mine
FROM recovery r JOIN claim c ON c.id = r.claim_id JOIN organisation o ON o.id = c.payee_id
WHERE r.funder = :funder ORDER BY r.state <> 'open', r.id DESC LIMIT 200
"""

_MONTHS: Final = """
SELECT month, sum(count)::bigint AS count, sum(paid)::bigint AS paid, sum(back)::bigint AS back FROM (
    SELECT date_trunc('month', t.business_date)::date AS month, count(*) AS count, sum(p.amount) AS paid, 0 AS back
    FROM posting p JOIN transfer t ON t.id = p.transfer_id JOIN account d ON d.id = p.destination_id AND d.kind = 'paid'
    JOIN payout y ON d.code = 'paid:' || y.id WHERE y.funder = :funder GROUP BY 1
    UNION ALL
    SELECT date_trunc('month', t.business_date)::date, 0, 0, sum(p.amount)
    FROM recovery r JOIN account d ON d.code = 'recovered:' || r.claim_id JOIN posting p ON p.destination_id = d.id
    JOIN transfer t ON t.id = p.transfer_id WHERE r.funder = :funder GROUP BY 1) m
GROUP BY month ORDER BY month DESC
"""
