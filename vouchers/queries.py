"""Rows for reading: vouchers with their amounts, one voucher's statement, queues of the bureau. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from vouchers import chart
from vouchers.policy import Policy, PolicyVersion
from vouchers.rules import Deal


@dataclass(frozen=True)
class VoucherRow:
    """A voucher with its amounts in fen; face = available + held + used + redeemed + returned."""

    id: int
    code: str
    title: str
    policy: str
    policy_version_id: int
    funder: str
    holder_id: int
    state: str
    issued_on: date
    expires_use: date
    expires_redeem: date
    face: int
    available: int
    held: int
    used: int
    redeemed: int
    returned: int
    is_sample: bool


@dataclass(frozen=True)
class StatementLine:
    """One posting of a voucher: when, what, how much (fen), from and to which account code, for which reference."""

    at: datetime
    business_date: date
    kind: str
    amount: int
    source: str
    destination: str
    reference: str | None


_VOUCHERS = """
SELECT v.id, v.code, p.title, p.policy, v.policy_version_id, p.funder, v.holder_id, v.state, v.issued_on, v.expires_use, v.expires_redeem,
       b.face, b.available, b.held, b.used, b.redeemed, b.returned, v.is_sample
FROM voucher v JOIN voucher_balance b ON b.voucher_id = v.id JOIN policy_version p ON p.id = v.policy_version_id
WHERE v.holder_id = :holder ORDER BY v.expires_use, v.id
"""

_STATEMENT = """
SELECT t.at, t.business_date, t.kind, p.amount, s.code AS source, d.code AS destination, h.reference
FROM posting p JOIN transfer t ON t.id = p.transfer_id JOIN account s ON s.id = p.source_id JOIN account d ON d.id = p.destination_id
JOIN audit a ON a.id = t.audit_id
LEFT JOIN claim c ON a.subject = 'claim' AND c.id = a.subject_id
LEFT JOIN hold h ON h.id = CASE WHEN a.subject = 'hold' THEN a.subject_id ELSE c.hold_id END
WHERE s.code = ANY(:codes) OR d.code = ANY(:codes) ORDER BY p.id
"""

_SPENT = """
SELECT coalesce(sum(amount) FILTER (WHERE v.holder_id = :holder), 0)::bigint AS own, coalesce(sum(amount), 0)::bigint AS whole
FROM (SELECT voucher_id, CASE WHEN state = 'used' THEN used ELSE amount END AS amount FROM hold WHERE state <> 'released' AND year = :year) h
JOIN voucher v ON v.id = h.voucher_id JOIN policy_version p ON p.id = v.policy_version_id JOIN organisation o ON o.id = v.holder_id
WHERE p.policy = :policy
  AND (v.holder_id = :holder OR o.controller = (SELECT controller FROM organisation WHERE id = :holder))
"""


def vouchers_of(session: Session, holder_id: int) -> list[VoucherRow]:
    """Return all vouchers of a holder, the first to expire first."""
    return [VoucherRow(**row) for row in session.execute(text(_VOUCHERS), {"holder": holder_id}).mappings()]


def usable(rows: list[VoucherRow], today: date) -> list[VoucherRow]:
    """Keep the vouchers with free money that may be used on `today`, the first to expire first."""
    return [row for row in rows if row.state == "active" and row.available > 0 and today <= row.expires_use]


def expired(session: Session) -> list[int]:
    """Return the ids of the active vouchers whose last day of use has passed (business date), the oldest first."""
    query = "SELECT id FROM voucher WHERE state = 'active' AND expires_use < :today ORDER BY expires_use, id"
    return list(session.scalars(text(query), {"today": clock.today(session)}))


def statement(session: Session, voucher_id: int) -> list[StatementLine]:
    """Return every posting that touched the voucher, in the order of the ledger."""
    codes = [chart.available(voucher_id), chart.held(voucher_id), chart.used(voucher_id)]
    return [StatementLine(**row) for row in session.execute(text(_STATEMENT), {"codes": codes}).mappings()]


def deal_for(session: Session, row: VoucherRow, *, price: int = 0, service: str = "") -> tuple[Policy, Deal]:
    """Return the policy version that the voucher cites and the deal as it stands today: balance and use of this calendar year, fen."""
    spent = session.execute(text(_SPENT), {"holder": row.holder_id, "year": clock.today(session).year, "policy": row.policy}).one()
    deal = Deal(price, service, balance=row.available, used_year=spent.own, group_used=spent.whole)
    return session.get_one(PolicyVersion, row.policy_version_id).terms, deal


def related_to(session: Session, organisation_id: int) -> frozenset[int]:
    """Return the organisations under the same actual controller, itself among them; none where no controller is known."""
    query = "SELECT o.id FROM organisation o JOIN organisation me ON me.controller = o.controller WHERE me.id = :id"
    return frozenset(session.scalars(text(query), {"id": organisation_id}))


def related(session: Session, one_id: int, other_id: int) -> bool:
    """Say whether two organisations stand under one actual controller."""
    return other_id in related_to(session, one_id)
