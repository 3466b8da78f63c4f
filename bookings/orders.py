"""The life of an order after it was placed: accept, cancel, deliver, confirm, pay, claim, time out. One function per thing that can happen.

Each takes a request id and locks order → booking → vouchers in this order, writes booking rows last, and either all of it holds or nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings import binding, claiming, correcting, disputes, offers
from bookings import lifecycle as bookings
from bookings.entities import ORDER, Booking, Order
from bookings.steps import DOCUMENTS, EMPTY, Ask, Given, Verb, add_documents, hold_of, release, take
from core import clock
from core.actor import SYSTEM, Actor
from core.audit import check, move
from core.errors import N_, Forbidden, Refused
from geodata.instruments import Listing
from parties.standing import check_is_open
from vouchers import claims
from vouchers import lifecycle as money
from vouchers.entities import Claim, Hold
from vouchers.policy import PolicyVersion

__all__ = ["DOCUMENTS", "EMPTY", "EVENTS", "Given", "Verb"]


def accept(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Take the order on: the carrier's yes makes the contract. Raises `Refused("answer_by")` after the time to answer."""

    def act(row: Order, slot: Booking, request: str) -> int:
        check_is_open(session, row.carrier_id)
        move(session, actor, row, ORDER, "accept", request_id=request)
        if clock.now(session) > row.answer_by:
            raise Refused("answer_by", N_("接单的时限已经过了，券会自动解冻。请让企业重新约。"))
        bookings.change(session, actor, slot, event="accept", request_id=request)
        return row.id

    return take(session, actor, Ask("accept", order_id, request_id, given), act)


def cancel(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Call the order off and release its hold. An enterprise keeps the notice of a contract, else `Refused("notice")`."""

    def act(row: Order, slot: Booking, request: str) -> int:
        if row.state == "contracted" and actor.role == "enterprise":
            _check_notice(session, row, slot)
        move(session, actor, row, ORDER, "cancel", reason=given.reason, request_id=request)
        release(session, actor, row, reason="cancel", request=request)
        bookings.change(session, actor, slot, event="cancel", request_id=request)
        return row.id

    return take(session, actor, Ask("cancel", order_id, request_id, given), act)


def deliver(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Hand over the result: the carrier names the report (`service_result`) by number and date."""

    def act(row: Order, slot: Booking, request: str) -> int:
        move(session, actor, row, ORDER, "deliver", request_id=request)
        add_documents(session, actor, row, event="deliver", given=given)
        bookings.change(session, actor, slot, event="done", request_id=request)
        return row.id

    return take(session, actor, Ask("deliver", order_id, request_id, given), act)


def confirm(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Agree that the service was done: the enterprise's yes turns the hold into used money."""

    def act(row: Order, _slot: Booking, request: str) -> int:
        move(session, actor, row, ORDER, "confirm", request_id=request)
        held = hold_of(session, row)
        if held:
            money.use(session, actor, hold_id=held.id, amount=held.amount, request_id=f"{request}/use")
        return row.id

    return take(session, actor, Ask("confirm", order_id, request_id, given), act)


def pay_own_part(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Settle the order: the enterprise names the carrier's invoice and the proof of its own payment."""

    def act(row: Order, _slot: Booking, request: str) -> int:
        move(session, actor, row, ORDER, "pay_own_part", request_id=request)
        add_documents(session, actor, row, event="pay_own_part", given=given)
        return row.id

    return take(session, actor, Ask("pay_own_part", order_id, request_id, given), act)


def claim(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Ask the bureau for the voucher's money, as the payee that the policy names; a returned claim is sent again. Return the claim id.

    Raises `Refused` by clause: state (not settled), voucher (none), claim (sent before), and what `claims.submit` raises; `Invalid`
    at a document that makes the claim wrong.
    """

    def act(row: Order, _slot: Booking, request: str) -> int:
        spent, payee_id = _claimable(session, actor, row)
        claiming.check_sound(session, actor, row)
        earlier = session.scalars(select(Claim).where(Claim.hold_id == spent.id).order_by(Claim.id)).all()
        returned = [one for one in earlier if one.state == "draft"]
        for one, ending in zip(returned, ("", *(f"/{one.id}" for one in returned)), strict=False):
            claims.resubmit(session, actor, claim_id=one.id, request_id=f"{request}/claim{ending}")
        if returned:
            return returned[0].id
        if earlier:
            raise Refused("claim", N_("这笔已经提交过兑现，编号 %(code)s。进度在这一页看。"), code=earlier[0].code)
        parties = (row.enterprise_id, row.carrier_id)
        return claims.submit(session, actor, hold_id=spent.id, payee_id=payee_id, parties=parties, request_id=f"{request}/claim")

    return take(session, actor, Ask("claim", order_id, request_id, given), act)


def timeout(session: Session, *, order_id: int) -> int:
    """End what nobody answered in time, or whose hold came to its end before both sides agreed: the clock releases the hold; return the order id.

    Past the end of its hold a voucher can no longer be redeemed, so the parties settle a delivered service between themselves.
    """

    def act(row: Order, slot: Booking, request: str) -> int:
        check(SYSTEM, row, ORDER, "timeout")
        held = hold_of(session, row)
        if row.state in OPEN_OFFERS and clock.now(session) <= row.answer_by:
            raise Refused("answer_by", N_("载体还可以接单，时限没有到。"))
        if row.state not in OPEN_OFFERS and (held is None or held.state != "held" or clock.today(session) <= held.ends_on):
            raise Refused("ends_on", N_("券的冻结还没有到期，这笔还在办。"))
        _end(session, row, slot, event="timeout", request=request)
        return row.id

    return take(session, SYSTEM, Ask("timeout", order_id, f"timeout/{order_id}", EMPTY), act)


def end_voided(session: Session, *, order_id: int) -> int:
    """End an order whose voucher was voided before anything was delivered; return the order id. Delivered ones stay a matter of the parties."""

    def act(row: Order, slot: Booking, request: str) -> int:
        check(SYSTEM, row, ORDER, "void")
        held = hold_of(session, row)
        if held is None or held.state != "void":
            raise Refused("hold", N_("这笔的券没有作废。"))
        _end(session, row, slot, event="void", request=request)
        return row.id

    return take(session, SYSTEM, Ask("void", order_id, f"void/{order_id}", EMPTY), act)


def _end(session: Session, row: Order, slot: Booking, *, event: str, request: str) -> None:
    move(session, SYSTEM, row, ORDER, event, request_id=request)
    release(session, SYSTEM, row, reason=event, request=request)
    if slot.state in ("requested", "confirmed"):
        bookings.change(session, SYSTEM, slot, event="timeout", request_id=request)


def _check_notice(session: Session, row: Order, slot: Booking) -> None:
    query = select(Listing.notice_hours).where(Listing.instrument_id == row.instrument_id, Listing.service_code == row.service_code)
    hours = session.scalar(query) or 0
    if clock.now(session) > cast("datetime", slot.span.lower) - timedelta(hours=hours):
        raise Refused("notice", N_("开始前 %(hours)s 小时内不能自己取消。请和载体联系，由载体取消。"), hours=hours)


def _claimable(session: Session, actor: Actor, row: Order) -> tuple[Hold, int]:
    """Return the used hold of a settled order and the payee, who must be the actor's organisation."""
    if row.policy_version_id is None:
        raise Refused("voucher", N_("这笔没有用券，没有要兑现的钱。"))
    payee = session.get_one(PolicyVersion, row.policy_version_id).terms.payee
    payee_id = claims.payee_of(payee, enterprise_id=row.enterprise_id, carrier_id=row.carrier_id)
    if actor.organisation_id != payee_id:
        raise Forbidden(N_("按这张券的政策，由企业来兑现。") if payee == "enterprise" else N_("按这张券的政策，由载体来兑现。"))
    spent = hold_of(session, row)
    if row.state != "settled" or spent is None:
        raise Refused("state", N_("双方确认、付清自付部分以后才能兑现。"))
    return spent, payee_id


OPEN_OFFERS: Final = ("draft", "offered", "countered")
"""States in which an order waits for an answer until `answer_by`."""

EVENTS: Final[dict[str, Verb]] = {
    "propose": offers.propose,
    "accept": accept,
    "counter": offers.counter,
    "agree": offers.agree,
    "decline": offers.decline,
    "withdraw": offers.withdraw,
    "attach": binding.attach,
    "cancel": cancel,
    "deliver": deliver,
    "confirm": confirm,
    "dispute": disputes.dispute,
    "pay_own_part": pay_own_part,
    "claim": claim,
    **correcting.CORRECT,
}
"""What a party may do to an order, by the name of the event. A dispute is resolved by the county's reviewer: `disputes.resolve`."""
