"""Budgets: the money that a funder gives to one policy for one calendar year. Amounts stand on the ledger."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.audit import born, record
from core.errors import N_, Forbidden, Refused
from vouchers import chart, ledger
from vouchers.ledger import Move
from vouchers.policy import Budget, PolicyVersion
from vouchers.requests import once


def budget_code(row: Budget) -> str:
    """Name the ledger account of a budget."""
    return chart.budget(row.funder, row.policy, row.year)


def pool_code(row: Budget) -> str:
    """Name the ledger account that takes back unused voucher money of a budget."""
    return chart.pool(row.funder, row.policy, row.year)


def adopt(session: Session, actor: Actor, *, version: PolicyVersion, year: int, amount: int, request_id: str) -> int:
    """Give `amount` fen of the funder's treasury to a policy for a calendar year, opening the budget when it is new; return the budget id."""
    if actor.role != "system" and not (actor.role == "finance" and actor.region == version.funder):
        raise Forbidden(N_("预算由本级财政局下达。"))

    ledger.check_amount(amount)

    def act(request: str) -> int:
        names = {"funder": version.funder, "policy": version.policy, "year": year}
        # A budget that does not exist yet locks nothing: the first adoptions of a year wait for each other here.
        code = chart.budget(version.funder, version.policy, year)
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:code, 0))"), {"code": code})
        row = session.scalars(select(Budget).filter_by(**names).with_for_update(key_share=True)).one_or_none()
        more = {"policy_version_id": version.id, "request_id": request, "detail": {"amount": amount}}
        if row is None:
            row = Budget(**names, state="adopted")
            audit = born(session, actor, row, "adopt", **more)
        else:
            row.row_version += 1
            session.flush()
            audit = record(session, actor, "budget", row.id, "revise", before=row.state, after=row.state, **more)
        ledger.post(session, [Move(chart.treasury(row.funder), budget_code(row), amount)], kind="adopt", audit_id=audit, request_id=request)
        return row.id

    content = {"policy": version.policy, "year": year, "amount": amount}
    return once(session, actor, request_id, "adopt", content=content, act=act)


def adopted(session: Session, version: PolicyVersion) -> Budget:
    """Return the adopted budget of this calendar year (Asia/Shanghai); raise `Refused("budget")` when there is none yet."""
    year = clock.today(session).year
    found = session.scalars(select(Budget).filter_by(funder=version.funder, policy=version.policy, year=year, state="adopted")).one_or_none()
    if found is None:
        raise Refused("budget", N_("%(year)s 年的预算还没有下达，现在不能申领。"), year=year)
    return found
