"""The life of an order after it was placed: accept, cancel, deliver, confirm, pay, claim, time out. One function per thing that can happen.

Each takes a request id and locks order → booking → vouchers in this order, writes booking rows last, and either all of it holds or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, cast

from sqlalchemy import ColumnElement, false, select, true
from sqlalchemy.orm import Session

from bookings import lifecycle as bookings
from bookings.entities import ORDER, Booking, Order
from core import clock
from core.actor import SYSTEM, Actor
from core.audit import move
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.instruments import Listing
from vouchers import claims
from vouchers import lifecycle as money
from vouchers.claims import Document
from vouchers.entities import Claim, Hold
from vouchers.policy import PolicyVersion
from vouchers.requests import once


@dataclass(frozen=True)
class Given:
    """What a person hands in with an event: a reason, documents."""

    reason: str = ""
    documents: tuple[Document, ...] = ()


class Verb(Protocol):
    """The shape of all events that a person may cause: returns the id of the order, of `claim` that of the claim."""

    def __call__(self, session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = ...) -> int:
        """Do it."""


EMPTY: Final = Given()
DOCUMENTS: Final = {"deliver": ("service_result",), "pay_own_part": ("invoice", "payment_proof")}
"""Which documents an event needs, by kind."""


def accept(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Take the order on: the carrier's yes makes the contract. Raises `Refused("answer_by")` after the time to answer."""

    def act(row: Order, slot: Booking, request: str) -> int:
        move(session, actor, row, ORDER, "accept", request_id=request)
        if clock.now(session) > row.answer_by:
            raise Refused("answer_by", N_("接单的时限已经过了，券会自动解冻。请让企业重新约。"))
        bookings.change(session, actor, slot, event="accept", request_id=request)
        return row.id

    return _once(session, actor, _Ask("accept", order_id, request_id, given), act)


def cancel(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Call the order off and release its hold. An enterprise keeps the notice of a contract, else `Refused("notice")`."""

    def act(row: Order, slot: Booking, request: str) -> int:
        if row.state == "contracted" and actor.role == "enterprise":
            _check_notice(session, row, slot)
        move(session, actor, row, ORDER, "cancel", reason=given.reason, request_id=request)
        _release(session, actor, row, reason="cancel", request=request)
        bookings.change(session, actor, slot, event="cancel", request_id=request)
        return row.id

    return _once(session, actor, _Ask("cancel", order_id, request_id, given), act)


def deliver(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Hand over the result: the carrier names the report (`service_result`) by number and date."""

    def act(row: Order, slot: Booking, request: str) -> int:
        move(session, actor, row, ORDER, "deliver", request_id=request)
        _add_documents(session, actor, row, event="deliver", given=given)
        bookings.change(session, actor, slot, event="done", request_id=request)
        return row.id

    return _once(session, actor, _Ask("deliver", order_id, request_id, given), act)


def confirm(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Agree that the service was done: the enterprise's yes turns the hold into used money."""

    def act(row: Order, _slot: Booking, request: str) -> int:
        move(session, actor, row, ORDER, "confirm", request_id=request)
        held = _hold(session, row)
        if held:
            money.use(session, actor, hold_id=held.id, amount=held.amount, request_id=f"{request}/use")
        return row.id

    return _once(session, actor, _Ask("confirm", order_id, request_id, given), act)


def pay_own_part(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Settle the order: the enterprise names the carrier's invoice and the proof of its own payment."""

    def act(row: Order, _slot: Booking, request: str) -> int:
        move(session, actor, row, ORDER, "pay_own_part", request_id=request)
        _add_documents(session, actor, row, event="pay_own_part", given=given)
        return row.id

    return _once(session, actor, _Ask("pay_own_part", order_id, request_id, given), act)


def claim(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Ask the bureau for the voucher's money, as the payee that the policy names; a returned claim is sent again. Return the claim id.

    Raises `Refused` by clause: state (not settled), voucher (none), claim (sent before), and what `claims.submit` raises.
    """

    def act(row: Order, _slot: Booking, request: str) -> int:
        spent, payee_id = _claimable(session, actor, row)
        earlier = session.scalars(select(Claim).where(Claim.hold_id == spent.id)).one_or_none()
        if earlier and earlier.state == "draft":
            return claims.resubmit(session, actor, claim_id=earlier.id, request_id=f"{request}/claim")
        if earlier:
            raise Refused("claim", N_("这笔已经提交过兑现，编号 %(code)s。进度在这一页看。"), code=earlier.code)
        parties = (row.enterprise_id, row.carrier_id)
        return claims.submit(session, actor, hold_id=spent.id, payee_id=payee_id, parties=parties, request_id=f"{request}/claim")

    return _once(session, actor, _Ask("claim", order_id, request_id, given), act)


def timeout(session: Session, *, order_id: int) -> int:
    """End an offer that nobody answered in time: the clock releases the hold and frees the slot; return the order id."""

    def act(row: Order, slot: Booking, request: str) -> int:
        if row.state == "offered" and clock.now(session) <= row.answer_by:
            raise Refused("answer_by", N_("载体还可以接单，时限没有到。"))
        move(session, SYSTEM, row, ORDER, "timeout", request_id=request)
        _release(session, SYSTEM, row, reason="timeout", request=request)
        bookings.change(session, SYSTEM, slot, event="timeout", request_id=request)
        return row.id

    return _once(session, SYSTEM, _Ask("timeout", order_id, f"timeout/{order_id}", EMPTY), act)


@dataclass(frozen=True)
class _Ask:
    event: str
    order_id: int
    request_id: str
    given: Given


def _once(session: Session, actor: Actor, ask: _Ask, act: Callable[[Order, Booking, str], int]) -> int:
    """Do `act` on the locked order and booking, once per request id."""

    def locked(request: str) -> int:
        row = _locked(session, actor, ask.order_id)
        return act(row, bookings.lock(session, row.id), request)

    content = {"order": ask.order_id, "given": asdict(ask.given)}
    return once(session, actor, ask.request_id, ask.event, content=content, act=locked)


def _locked(session: Session, actor: Actor, order_id: int) -> Order:
    """Lock an order of the actor's: a party's only in the role in which it is a party; others do not learn that the order exists."""
    query = select(Order).where(Order.id == order_id, _own(actor)).with_for_update(key_share=True)
    found = session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise NotFound
    return found


def _own(actor: Actor) -> ColumnElement[bool]:
    if actor.role == "system":
        return true()
    party = {"enterprise": Order.enterprise_id, "carrier": Order.carrier_id}.get(actor.role)
    return false() if party is None else party == actor.organisation_id


def _check_notice(session: Session, row: Order, slot: Booking) -> None:
    query = select(Listing.notice_hours).where(Listing.instrument_id == row.instrument_id, Listing.service_code == row.service_code)
    hours = session.scalar(query) or 0
    if clock.now(session) > cast("datetime", slot.span.lower) - timedelta(hours=hours):
        raise Refused("notice", N_("开始前 %(hours)s 小时内不能自己取消。请和载体联系，由载体取消。"), hours=hours)


def _hold(session: Session, row: Order) -> Hold | None:
    return session.scalars(select(Hold).where(Hold.reference == f"order:{row.id}", Hold.state != "released")).one_or_none()


def _release(session: Session, actor: Actor, row: Order, *, reason: str, request: str) -> None:
    held = _hold(session, row)
    if held:
        money.release(session, actor, hold_id=held.id, reason=reason, request_id=f"{request}/release")


def _add_documents(session: Session, actor: Actor, row: Order, *, event: str, given: Given) -> None:
    kinds = DOCUMENTS[event]
    for kind in kinds:
        found = [document for document in given.documents if document.kind == kind]
        if len(found) != 1:
            raise Invalid(kind, N_("请填写编号和日期。"))
        claims.add_evidence(session, actor, reference=f"order:{row.id}", document=found[0])
    extra = {document.kind for document in given.documents} - set(kinds)
    if extra:
        raise Invalid(min(extra), N_("这一步不要这份材料。"))


def _claimable(session: Session, actor: Actor, row: Order) -> tuple[Hold, int]:
    """Return the used hold of a settled order and the payee, who must be the actor's organisation."""
    if row.policy_version_id is None:
        raise Refused("voucher", N_("这笔没有用券，没有要兑现的钱。"))
    payee = session.get_one(PolicyVersion, row.policy_version_id).terms.payee
    payee_id = claims.payee_of(payee, enterprise_id=row.enterprise_id, carrier_id=row.carrier_id)
    if actor.organisation_id != payee_id:
        raise Forbidden(N_("按这张券的政策，由企业来兑现。") if payee == "enterprise" else N_("按这张券的政策，由载体来兑现。"))
    spent = _hold(session, row)
    if row.state != "settled" or spent is None:
        raise Refused("state", N_("双方确认、付清自付部分以后才能兑现。"))
    return spent, payee_id


EVENTS: Final[dict[str, Verb]] = {
    "accept": accept,
    "cancel": cancel,
    "deliver": deliver,
    "confirm": confirm,
    "pay_own_part": pay_own_part,
    "claim": claim,
}
"""What a person may do to an order, by the name of the event."""
