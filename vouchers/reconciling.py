"""The four figures that must be one for a batch, each added up from its own rows: payouts, claims, ledger, the bank's statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Sums:
    """Payouts, claims, ledger and the bank's statement of the paid lines of a batch, in fen."""

    payouts: int
    claims: int
    ledger: int
    statement: int

    @property
    def agree(self) -> bool:
        """Say whether all four are equal."""
        return len({self.payouts, self.claims, self.ledger, self.statement}) == 1


def sums(session: Session, batch_id: int) -> Sums:
    """Return the four figures of a batch. The bank's is what its statements say was paid, each bank reference once and as it was said last."""
    return Sums(**session.execute(text(_SUMS), {"batch": batch_id}).mappings().one())


_SUMS: Final = """
WITH line AS (SELECT l.* FROM batch_line l WHERE l.batch_id = :batch AND l.state = 'paid')
SELECT coalesce((SELECT sum(p.amount) FROM line JOIN payout p ON p.id = line.payout_id), 0)::bigint AS payouts,
       coalesce((SELECT sum(c.amount) FROM line JOIN claim c ON c.id = line.claim_id
                 WHERE c.payout_id = line.payout_id AND c.state IN ('paid', 'recovering', 'recovered')), 0)::bigint AS claims,
       coalesce((SELECT sum(g.amount) FROM line JOIN account a ON a.code = 'paid:' || line.payout_id
                 JOIN posting g ON g.destination_id = a.id), 0)::bigint AS ledger,
       coalesce((SELECT sum(s.amount) FROM (SELECT DISTINCT ON (t.batch_line_id, t.bank_reference) t.amount
                 FROM statement_line t JOIN batch_line l ON l.id = t.batch_line_id
                 WHERE l.batch_id = :batch AND t.outcome = 'paid' ORDER BY t.batch_line_id, t.bank_reference, t.id DESC) s), 0)::bigint AS statement
"""
