"""What a carrier earned from orders, and from whom: the statement that a university books as commissioned-research income (横向经费).

An order counts in the month in which it was settled. What a voucher pays to the carrier counts as received once the treasury paid it, by its bank
reference; where the policy pays the enterprise instead, the whole price came from the enterprise. Rows only, nothing here changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class IncomeRow:
    """One settled order, fen: price = from_enterprise + from_voucher + waived; received: what of from_voucher the treasury paid."""

    order_id: int
    code: str
    settled_on: date
    enterprise: str
    instrument: str
    service: str
    service_en: str
    invoice: str
    price: int
    from_enterprise: int
    from_voucher: int
    received: int
    bank_references: str
    paid_on: date | None
    is_sample: bool

    @property
    def waived(self) -> int:
        """What a decision on a dispute took off the voucher's part."""
        return self.price - self.from_enterprise - self.from_voucher

    @property
    def waiting(self) -> int:
        """What a voucher pays and the treasury has not paid yet."""
        return self.from_voucher - self.received


@dataclass(frozen=True)
class Sums:
    """The sums of a statement, fen."""

    orders: int
    price: int
    from_enterprise: int
    from_voucher: int
    received: int
    waiting: int


def statement(session: Session, carrier_id: int, *, first: date, last: date) -> list[IncomeRow]:
    """Return the orders of a carrier that were settled from `first` to `last` (business dates, both in), in the order of settling."""
    rows = session.execute(text(_ROWS), {"carrier": carrier_id, "first": first, "last": last}).mappings()
    return [IncomeRow(**row) for row in rows]


def sums(rows: list[IncomeRow]) -> Sums:
    """Add a statement up."""
    names = ("price", "from_enterprise", "from_voucher", "received", "waiting")
    return Sums(len(rows), *(sum(getattr(row, name) for row in rows) for name in names))


_ROWS = """
SELECT o.id AS order_id, o.code, s.settled_on, e.name_zh AS enterprise, i.name AS instrument, k.name_zh AS service, k.name_en AS service_en,
       coalesce(n.number, '') AS invoice, o.price,
       CASE WHEN o.voucher_id IS NULL THEN o.price WHEN p.body ->> 'payee' = 'enterprise' THEN o.price ELSE o.own_part END AS from_enterprise,
       CASE WHEN p.body ->> 'payee' <> 'enterprise' THEN coalesce(h.spent, 0) ELSE 0 END AS from_voucher,
       coalesce(c.received, 0)::bigint AS received, coalesce(c.bank_references, '') AS bank_references, c.paid_on, o.is_sample
FROM orders o
JOIN LATERAL (SELECT (a.at AT TIME ZONE 'Asia/Shanghai')::date AS settled_on FROM audit a
              WHERE a.subject = 'orders' AND a.subject_id = o.id AND a.event = 'pay_own_part' ORDER BY a.id DESC LIMIT 1) s ON true
JOIN organisation e ON e.id = o.enterprise_id JOIN instrument i ON i.id = o.instrument_id JOIN service k ON k.code = o.service_code
LEFT JOIN policy_version p ON p.id = o.policy_version_id
LEFT JOIN LATERAL (SELECT h.id, h.used + coalesce((SELECT sum(x.used) FROM share x WHERE x.hold_id = h.id AND x.state = 'used'), 0)::bigint AS spent
                   FROM hold h WHERE h.reference = 'order:' || o.id AND h.state = 'used') h ON true
LEFT JOIN LATERAL (SELECT number FROM evidence v WHERE v.reference = 'order:' || o.id AND v.kind = 'invoice' ORDER BY v.id DESC LIMIT 1) n ON true
LEFT JOIN LATERAL (SELECT sum(y.amount) AS received, string_agg(y.bank_reference, ', ' ORDER BY y.id) AS bank_references, max(y.paid_on) AS paid_on
                   FROM claim c JOIN payout y ON y.id = c.payout_id WHERE c.hold_id = h.id AND y.payee_id = o.carrier_id) c ON true
WHERE o.carrier_id = :carrier AND o.state = 'settled' AND s.settled_on BETWEEN :first AND :last ORDER BY s.settled_on, o.id
"""
