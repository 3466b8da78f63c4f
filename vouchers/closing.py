"""The end of a budget year: what was not promised is carried into the next year's budget or given back to the treasury; what came back is swept.

Money that is still promised stays where it is and runs to its own end. What of it comes back later follows the rest (`budgets.returning`), or lies
in the pool until it is swept.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.actor import SYSTEM, Actor
from core.audit import born, check, move
from core.errors import N_, Invalid, Refused
from vouchers import budgets, chart, ledger
from vouchers.entities import APPLICATION, BUDGET, Application
from vouchers.ledger import Move
from vouchers.policy import Budget
from vouchers.requests import once

Rest = Literal["carry", "treasury"]


def close(session: Session, actor: Actor, *, budget_id: int, rest: Rest, reason: str, request_id: str) -> int:
    """Close a budget: carry what is free and in the pool into next year's, queue and all, or return it to the treasury; return the budget id.

    Who waits for a budget whose money returns to the treasury gets the application back as a draft.
    """
    if rest not in ("carry", "treasury"):
        raise Invalid("rest", N_("请选择结转还是退回国库。"))
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由。"))

    def act(request: str) -> int:
        row = budgets.locked(session, actor, budget_id)
        check(actor, row, BUDGET, "close")
        heir = _heir(session, actor, row, request) if rest == "carry" else None
        for one in sorted({row.id, *([heir.id] if heir else [])}):
            budgets.hold_queue(session, one, alone=True)
        moves = [*_free(session, row, heir), *_pooled(session, row, heir)]
        row.carried_to = heir.id if heir else None
        more = {"reason": reason, "request_id": request, "detail": {"amount": sum(one.amount for one in moves), "rest": rest}}
        audit = move(session, actor, row, BUDGET, "close", **more)
        if moves:
            ledger.post(session, moves, kind="close", audit_id=audit, request_id=request)
        _send_on(session, row, heir, request)
        return row.id

    return once(session, actor, request_id, "close_budget", content={"budget": budget_id, "rest": rest, "reason": reason}, act=act)


def sweep(session: Session, actor: Actor, *, budget_id: int, request_id: str) -> int:
    """Bring what lies in the pool of a budget back into it, or into the open one that took it over, else to the treasury; return the budget id."""

    def act(request: str) -> int:
        row = budgets.locked(session, actor, budget_id)
        moves = _pooled(session, row, _open_one(session, row))
        if not moves:
            raise Refused("pool", N_("回收池里现在没有钱。"))
        audit = move(session, actor, row, BUDGET, "sweep", request_id=request, detail={"amount": sum(one.amount for one in moves)})
        ledger.post(session, moves, kind="sweep", audit_id=audit, request_id=request)
        return row.id

    return once(session, actor, request_id, "sweep", content={"budget": budget_id}, act=act)


def drop(session: Session, actor: Actor, *, budget_id: int, reason: str, request_id: str) -> int:
    """Give up a budget that was only planned; return its id."""
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由。"))

    def act(request: str) -> int:
        row = budgets.locked(session, actor, budget_id)
        move(session, actor, row, BUDGET, "drop", reason=reason, request_id=request)
        return row.id

    return once(session, actor, request_id, "drop_budget", content={"budget": budget_id, "reason": reason}, act=act)


def _heir(session: Session, actor: Actor, row: Budget, request: str) -> Budget:
    """Return the open budget of the next year, adopted with nothing when there is none yet, locked."""
    purse = budgets.Purse(row.funder, row.policy, row.year + 1, row.fund)
    names = vars(purse)
    budgets.hold_purse(session, purse)
    found = session.scalars(select(Budget).filter_by(**names).with_for_update(key_share=True)).one_or_none()
    if found is None:
        found = Budget(**names, stripes=1, state="adopted")
        born(session, actor, found, "adopt", request_id=request, detail={"amount": 0, "carried_from": row.id})
    if found.state == "planned":
        move(session, actor, found, BUDGET, "adopt", request_id=request, detail={"amount": 0, "carried_from": row.id})
    if found.state not in budgets.OPEN:
        raise Refused("heir", N_("%(year)s 年的预算已经关闭，不能结转到那里。"), year=row.year + 1)
    return found


def _open_one(session: Session, row: Budget) -> Budget | None:
    while row.state not in budgets.OPEN:
        if row.carried_to is None:
            return None
        row = session.get_one(Budget, row.carried_to)
    return row


def _free(session: Session, row: Budget, heir: Budget | None) -> list[Move]:
    to = budgets.budget_code(heir) if heir else chart.treasury(row.funder)
    return [Move(code, to, stands) for code, stands in sorted(budgets.stands(session, row).items()) if stands]


def _pooled(session: Session, row: Budget, heir: Budget | None) -> list[Move]:
    pool = budgets.pool_code(row)
    left = ledger.balance(session, pool)
    return [Move(pool, budgets.budget_code(heir) if heir else chart.treasury(row.funder), left)] if left else []


def _send_on(session: Session, row: Budget, heir: Budget | None, request: str) -> None:
    """Take the queue along in its order, or give the applications back when nothing can come any more."""
    query = select(Application).where(Application.budget_id == row.id, Application.state == "waitlisted").order_by(Application.id)
    for one in session.scalars(query.with_for_update(key_share=True), execution_options={"populate_existing": True}):
        more = {"policy_version_id": one.policy_version_id, "request_id": request}
        if heir is not None:
            one.budget_id = heir.id
            move(session, SYSTEM, one, APPLICATION, "move", **more)
        else:
            one.queued_at = None
            move(session, SYSTEM, one, APPLICATION, "budget_closed", reason="budget_closed", **more)
