"""Recovery: money that was paid is asked back, and when it came it goes to the pool of the budget that it was paid from."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.audit import born, move
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from vouchers import budgets, chart, claims, ledger
from vouchers.entities import CLAIM, Claim, Hold, Voucher
from vouchers.ledger import Move
from vouchers.lifecycle import check_officer
from vouchers.policy import Budget
from vouchers.requests import once
from vouchers.settlement import RECOVERY, Recovery
from vouchers.shares import Share


def open_case(session: Session, actor: Actor, *, claim_id: int, reason: str, request_id: str, decided: bool = False) -> int:
    """Ask the money of a paid claim back, with the reason of the final decision; return the id of the recovery.

    Finance decides it for its own funder. `decided`: who may was settled by the caller, as when a reviewer voids the voucher.
    """
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由，收款人会看到。"))

    def act(request: str) -> int:
        claim = _lock_claim(session, claim_id)
        if not decided:
            check_officer(session, actor, claim.funder, party_ids=claims.parties_of(session, claim), person_ids=())
            if actor.role != "finance":
                raise Forbidden(N_("这一步要由别的岗位办理。"))
        why = {"reason": reason.strip()[:500], "request_id": request}
        move(session, actor, claim, CLAIM, "recover", **why)
        row = Recovery(claim_id=claim.id, funder=claim.funder, amount=claim.amount, reason=why["reason"], state="open", decided_by=actor.user_id)
        born(session, actor, row, "open", detail={"amount": claim.amount}, **why)
        return row.id

    return once(session, actor, request_id, "recover", content={"claim": claim_id, "reason": reason}, act=act)


def money_back(session: Session, actor: Actor, *, recovery_id: int, bank_reference: str, received_on: date, request_id: str) -> int:
    """Record that the money came back, by another person than who decided; it goes to the pool. Return the id of the recovery.

    Raises `Invalid` for an empty reference or a date after today, `Refused("bank_reference")` for one that was used.
    """
    number = bank_reference.strip()
    if not 0 < len(number) <= 80:
        raise Invalid("bank_reference", N_("请填写银行流水号，最多 80 个字。"))
    if received_on > clock.today(session):
        raise Invalid("received_on", N_("日期 %(day)s 在今天以后。请照原件填写。"), day=received_on)

    def act(request: str) -> int:
        known = session.get(Recovery, recovery_id)
        if known is None or known.funder != actor.region:
            raise NotFound
        claim = _lock_claim(session, known.claim_id)
        row = session.get_one(Recovery, recovery_id, with_for_update={"key_share": True}, populate_existing=True)
        check_officer(session, actor, row.funder, party_ids=claims.parties_of(session, claim), person_ids=(row.decided_by,))
        if session.scalar(select(Recovery.id).where(Recovery.bank_reference == number, Recovery.id != row.id)) is not None:
            raise Refused("bank_reference", N_("银行流水号 %(number)s 已经记过一笔。请核对银行回单。"), number=number)
        row.received_by, row.bank_reference, row.received_on = actor.user_id, number, received_on
        move(session, actor, row, RECOVERY, "money_back", request_id=request, detail={"amount": row.amount, "bank_reference": number})
        audit = move(session, actor, claim, CLAIM, "money_back", request_id=request, detail={"amount": row.amount})
        _post(session, claim, audit, request)
        return row.id

    content = {"recovery": recovery_id, "bank_reference": number, "received_on": received_on.isoformat()}
    return once(session, actor, request_id, "money_back", content=content, act=act)


def _post(session: Session, claim: Claim, audit: int, request: str) -> None:
    """Bring the money back: from what was paid through the recovery to the pool of the budget that it once came from."""
    if claim.payout_id is None:
        raise Forbidden(N_("这一笔还没有拨付。"))
    back = chart.recovered(claim.id)
    pool = budgets.pool_code(session.get_one(Budget, _budget_of(session, claim)))
    moves = [Move(chart.paid(claim.payout_id), back, claim.amount), Move(back, pool, claim.amount)]
    ledger.post(session, moves, kind="recover", audit_id=audit, request_id=request)


def _budget_of(session: Session, claim: Claim) -> int:
    if claim.share_id is not None:
        return session.get_one(Share, claim.share_id).budget_id
    return session.get_one(Voucher, session.get_one(Hold, claim.hold_id).voucher_id).budget_id


def _lock_claim(session: Session, claim_id: int) -> Claim:
    found = session.get(Claim, claim_id, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise NotFound
    return found
