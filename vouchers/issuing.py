"""From approval to voucher: the public notice, the voucher itself, or the money back when an objection was upheld. The clock acts, nobody else."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.actor import SYSTEM
from core.audit import born, check, move
from core.errors import N_, Refused
from core.money import yuan
from geodata.organisations import Organisation
from parties import notices
from vouchers import budgets, chart, ledger
from vouchers.entities import APPLICATION, Application, Voucher
from vouchers.ledger import Move
from vouchers.lifecycle import add_months, lock
from vouchers.policy import Budget, PolicyVersion
from vouchers.requests import once

SUBJECT: Final = "application"
"""What a public notice before issue is about."""


def issue(session: Session, *, application_id: int) -> int:
    """Make the voucher of an approved application whose notice is over and clear, or refuse it when an objection was upheld; return its id.

    Raises `Refused("notice")` while the notice runs.
    """

    def act(request: str) -> int:
        row = lock(session, Application, application_id)
        check(SYSTEM, row, APPLICATION, "issue")
        found = notices.outcome(session, SUBJECT, row.id)
        version = session.get_one(PolicyVersion, row.policy_version_id)
        if found == "clear":
            _issue(session, row, version, request)
        elif found == "stopped":
            more = {"reason": "objection_upheld", "policy_version_id": version.id, "request_id": request}
            unreserve(session, row, move(session, SYSTEM, row, APPLICATION, "objection", **more), request)
        else:
            raise Refused("notice", N_("公示还没有结束。"))
        return row.id

    return once(session, SYSTEM, f"issue/{application_id}", "issue", content={"application": application_id}, act=act)


def issuable(session: Session) -> list[int]:
    """Return the ids of the approved applications whose notice has an outcome."""
    query = select(Application.id).where(Application.state == "approved").order_by(Application.id)
    return [key for key in session.scalars(query) if notices.outcome(session, SUBJECT, key) in ("clear", "stopped")]


def after_approval(session: Session, row: Application, version: PolicyVersion, request: str) -> None:
    """Issue the voucher of a locked, approved application at once, or open the notice that its policy asks for."""
    days = version.terms.notice_days
    if not days:
        _issue(session, row, version, request)
        return
    holder = session.get_one(Organisation, row.holder_id)
    title = f"创新券发放公示：{holder.name_zh}，¥{yuan(row.amount)}"
    notices.open_notice(session, SYSTEM, subject=SUBJECT, subject_id=row.id, title=title, region=version.terms.funder, days=days)


def unreserve(session: Session, row: Application, audit: int, request: str) -> None:
    """Give the reserved money of a locked application back to its budget."""
    moves = budgets.returning(session, session.get_one(Budget, row.budget_id), chart.reserved(row.id), row.amount, request)
    ledger.post(session, moves, kind="unreserve", audit_id=audit, request_id=request)


def _issue(session: Session, row: Application, version: PolicyVersion, request: str) -> None:
    """Make the voucher of an approved application; the clock acts, not the reviewer."""
    terms, day = version.terms, clock.today(session)
    move(session, SYSTEM, row, APPLICATION, "issue", policy_version_id=version.id, request_id=request)
    last_use = add_months(day, terms.use_window.months)
    last_redeem = add_months(last_use, terms.use_window.redeem_months)
    made = Voucher(application_id=row.id, holder_id=row.holder_id, policy_version_id=version.id, budget_id=row.budget_id, face=row.amount)
    made.code, made.bound_reference = f"{terms.prefix}-{day.year}-{row.id:05d}", row.bound_reference
    made.issued_on, made.expires_use, made.expires_redeem, made.state, made.is_sample = day, last_use, last_redeem, "active", row.is_sample
    audit = born(session, SYSTEM, made, "issue", policy_version_id=version.id, request_id=request, detail={"face": row.amount})
    moves = [Move(chart.reserved(row.id), chart.available(made.id), row.amount)]
    ledger.post(session, moves, kind="issue", audit_id=audit, request_id=f"{request}/issue")
