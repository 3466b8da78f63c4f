"""Rows for reading: where every fen of a budget is, who waits for it and what was changed. Nothing here changes anything.

given = adopted + carried + swept = free + reserved + on vouchers + paid + returned + shares: each line of a book adds up so, and a view holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound


@dataclass(frozen=True)
class BudgetRow:
    """One budget, in fen. `adopted` is net of what went back to the treasury, `carried` what came from another year less what went on to one.

    `shares` went beside vouchers as a co-funder's part, `returned` came back from vouchers, of which `pool` still lies in the pool.
    """

    id: int
    funder: str
    policy: str
    fund: str
    title: str
    year: int
    state: str
    stripes: int
    row_version: int
    carried_to: int | None
    adopted: int
    carried: int
    swept: int
    free: int
    reserved: int
    on_vouchers: int
    paid: int
    returned: int
    shares: int
    pool: int
    planned: int
    waiting: int
    waiting_sum: int
    is_sample: bool

    @property
    def given(self) -> int:
        """All that the budget had to give, fen."""
        return self.adopted + self.carried + self.swept


@dataclass(frozen=True)
class WaitingRow:
    """One place in the queue: who, how much (fen), since when; `sum` of it and all before it."""

    place: int
    application_id: int
    holder_id: int
    holder: str
    amount: int
    sum: int
    since: datetime
    is_sample: bool


@dataclass(frozen=True)
class ChangeRow:
    """One recorded change of a budget: what, by which role, why, and how much (fen; None where no sum was named)."""

    at: datetime
    event: str
    role: str
    who: str | None
    reason: str
    amount: int | None


def book(session: Session, funder: str, year: int | None = None) -> list[BudgetRow]:
    """Return the budgets of a funder, of one year or of all, the newest year first."""
    rows = session.execute(text(_BOOK.format(which="b.funder = :funder AND (:year = 0 OR b.year = :year)")), {"funder": funder, "year": year or 0})
    return [BudgetRow(**row) for row in rows.mappings()]


def budget_row(session: Session, budget_id: int) -> BudgetRow:
    """Return one budget; raise `NotFound`."""
    found = session.execute(text(_BOOK.format(which="b.id = :id")), {"id": budget_id}).mappings().one_or_none()
    if found is None:
        raise NotFound
    return BudgetRow(**found)


def years(session: Session, funder: str) -> list[int]:
    """Return the years for which a funder has budgets, the newest first."""
    return list(session.scalars(text("SELECT DISTINCT year FROM budget WHERE funder = :funder ORDER BY year DESC"), {"funder": funder}))


def queue(session: Session, budget_id: int, *, limit: int = 200) -> list[WaitingRow]:
    """Return who waits for a budget, the first to be served first."""
    return [WaitingRow(**row) for row in session.execute(text(_QUEUE), {"budget": budget_id, "limit": limit}).mappings()]


def changes(session: Session, budget_id: int) -> list[ChangeRow]:
    """Return every recorded change of a budget, the newest first."""
    return [ChangeRow(**row) for row in session.execute(text(_CHANGES), {"budget": budget_id}).mappings()]


def purposes(session: Session, funder: str) -> list[dict[str, Any]]:
    """Return what a funder may give money for: the newest version of each of its policies that issues vouchers, with its funds."""
    rows = session.execute(text(_PURPOSES), {"funder": funder}).mappings()
    return [dict(row) for row in rows]


_BOOK = """
SELECT b.id, b.funder, b.policy, b.fund, coalesce(p.title, b.policy) AS title, b.year, b.state, b.stripes, b.row_version, b.carried_to,
       m.adopted, m.carried, m.swept, m.free, m.reserved, m.shares, m.pool, v.on_vouchers, v.paid, v.returned, coalesce(n.amount, 0) AS planned,
       w.waiting, w.waiting_sum, coalesce(p.is_sample, false) AS is_sample
FROM budget b JOIN budget_balance m ON m.budget_id = b.id
LEFT JOIN LATERAL (SELECT q.title, EXISTS (SELECT FROM jsonb_each_text(q.body -> 'src') s WHERE s.value LIKE 'assumed%') AS is_sample
                   FROM policy_version q WHERE q.policy = b.policy ORDER BY q.version DESC LIMIT 1) p ON true
CROSS JOIN LATERAL (SELECT coalesce(sum(y.available + y.held + y.used), 0)::bigint AS on_vouchers, coalesce(sum(y.redeemed), 0)::bigint AS paid,
                           coalesce(sum(y.returned + y.void), 0)::bigint AS returned
                    FROM voucher x JOIN voucher_balance y ON y.voucher_id = x.id WHERE x.budget_id = b.id) v
LEFT JOIN LATERAL (SELECT (a.detail ->> 'amount')::bigint AS amount FROM audit a
                   WHERE a.subject = 'budget' AND a.subject_id = b.id AND a.event = 'plan' ORDER BY a.id DESC LIMIT 1) n ON true
CROSS JOIN LATERAL (SELECT count(*) AS waiting, coalesce(sum(a.amount), 0)::bigint AS waiting_sum FROM application a
                    WHERE a.budget_id = b.id AND a.state = 'waitlisted') w
WHERE {which} ORDER BY b.year DESC, b.policy, b.fund
"""

_QUEUE = """
SELECT row_number() OVER w AS place, a.id AS application_id, a.holder_id, o.name_zh AS holder, a.amount, (sum(a.amount) OVER w)::bigint AS sum,
       a.queued_at AS since, a.is_sample
FROM application a JOIN organisation o ON o.id = a.holder_id WHERE a.budget_id = :budget AND a.state = 'waitlisted'
WINDOW w AS (ORDER BY a.queued_at, a.id) ORDER BY 1 LIMIT :limit
"""

_CHANGES = """
SELECT a.at, a.event, a.role, u.name AS who, a.reason, (a.detail ->> 'amount')::bigint AS amount
FROM audit a LEFT JOIN app_user u ON u.id = a.user_id WHERE a.subject = 'budget' AND a.subject_id = :budget ORDER BY a.id DESC LIMIT 200
"""

_PURPOSES = """
SELECT DISTINCT ON (p.policy) p.policy, p.id AS version_id, p.title, coalesce(p.body -> 'funds', '[]'::jsonb) AS funds
FROM policy_version p WHERE p.funder = :funder AND p.body ->> 'issuance' <> 'none' ORDER BY p.policy, p.version DESC
"""
