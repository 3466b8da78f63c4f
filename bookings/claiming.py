"""What an order tells the check of its claim before it is sent."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings.entities import Booking, Order
from core import clock
from core.actor import Actor
from core.clock import business_date
from core.errors import Invalid, NotFound
from vouchers import claims
from vouchers.entities import Claim, Hold
from vouchers.policy import PolicyVersion
from vouchers.prechecks import Bought, Finding, Round, current_round, precheck


def check(session: Session, actor: Actor, *, order_id: int) -> list[Finding]:
    """Return what speaks against claiming the voucher's part of an order now; raise `NotFound` for who is no party or where no voucher paid."""
    row, spent = _paid_by_voucher(session, order_id)
    slot = session.scalars(select(Booking).where(Booking.order_id == row.id).order_by(Booking.id.desc())).first()
    served = business_date(slot.span.lower) if slot is not None and slot.span.lower is not None else row.contract_date
    bought = Bought((row.enterprise_id, row.carrier_id), row.contract_date, served, row.price)
    return precheck(session, actor, hold_id=spent.id, bought=bought)


def check_sound(session: Session, actor: Actor, row: Order) -> None:
    """Raise `Invalid` at the first document that makes a claim on an order wrong: doubled, dated impossibly, a sum that does not fit.

    What is missing, late or frozen is refused by `vouchers.claims` itself.
    """
    for one in check(session, actor, order_id=row.id):
        if one.level == "stop" and one.clause in ("evidence_used", "dates", "amount"):
            raise Invalid(one.kind, one.text, **one.params)


def resend(session: Session, actor: Actor, *, claim_id: int, request_id: str) -> int:
    """Send a returned claim again when nothing makes it wrong any more; return its id. `NotFound` for who is not its payee."""
    known = session.get(Claim, claim_id)
    if known is None or known.payee_id != actor.organisation_id:
        raise NotFound
    kind, _, number = session.get_one(Hold, known.hold_id).reference.partition(":")
    row = session.get(Order, int(number)) if kind == "order" and number.isdigit() else None
    if row is not None and known.state == "draft":
        check_sound(session, actor, row)
    return claims.resubmit(session, actor, claim_id=claim_id, request_id=request_id)


def settled_in(session: Session, *, order_id: int) -> Round:
    """Return the round of redemption in which a claim on an order would be settled if it were sent today."""
    _, spent = _paid_by_voucher(session, order_id)
    version = session.get_one(PolicyVersion, spent.policy_version_id)
    return current_round(version.terms.redeem.rounds_per_year, clock.today(session))


def _paid_by_voucher(session: Session, order_id: int) -> tuple[Order, Hold]:
    row = session.get(Order, order_id)
    spent = session.scalars(select(Hold).where(Hold.reference == f"order:{order_id}", Hold.state != "released")).first()
    if row is None or spent is None:
        raise NotFound
    return row, spent
