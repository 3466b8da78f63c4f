"""Offers and counter-offers: the carrier answers with another price, slot or date, or proposes by itself; the enterprise agrees or declines.

Every offer of either side stays (`order_offer`), so both see side by side what was asked and what is offered. Money moves only when the enterprise
agrees: what was frozen goes back and the new sum is ruled on by the policy version in force that day, which is then the contract date.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final, cast

from sqlalchemy import CheckConstraint, ForeignKey, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from bookings import checkout
from bookings import lifecycle as bookings
from bookings.checkout import ANSWER_WITHIN, ATTRIBUTES, BOOK_AHEAD, Offer, Quote, Wish
from bookings.entities import ORDER, Booking, Order
from bookings.slots import Interval, is_open, report_on
from bookings.steps import EMPTY, Ask, Counter, Given, release, take
from core import clock
from core.actor import Actor
from core.audit import born, check, move
from core.db import Base, BigId, Created, Fen, Instant
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.instruments import Instrument, Service
from geodata.organisations import Organisation
from parties.standing import check_is_open
from vouchers import ledger
from vouchers.requests import once

REPORT_DAYS: Final = 60
"""A report later than this many working days after the slot is offered to nobody."""


class OrderOffer(Base):
    """What one side offered for an order: price (fen), half-open slot of aware instants, day of the report, and until when it is good."""

    __tablename__ = "order_offer"
    __table_args__ = (
        CheckConstraint("price > 0", name="price"),
        CheckConstraint("start < stop", name="span"),
        CheckConstraint("role IN ('enterprise', 'carrier')", name="role"),
    )
    id: Mapped[BigId]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    role: Mapped[str]
    price: Mapped[Fen]
    start: Mapped[Instant]
    stop: Mapped[Instant]
    answer_by: Mapped[Instant]
    report_on: Mapped[date]
    message: Mapped[str]
    created_at: Mapped[Created]
    created_by: Mapped[int | None]


@dataclass(frozen=True)
class Quotation:
    """What a carrier offers to an enterprise (its code) by itself; price in fen, report in working days after the slot."""

    enterprise: str
    instrument_id: int
    service: str
    start: datetime
    end: datetime
    price: int
    report_days: int
    message: str = ""


def draft(session: Session, actor: Actor, quotation: Quotation, *, request_id: str) -> int:
    """Write an offer to an enterprise and keep its slot; nobody sees it before `propose`. Return the order id.

    Raises `NotFound` for an instrument that is not the carrier's, `Invalid` by field, `Refused("slot_taken")`.
    """
    if actor.role != "carrier" or actor.organisation_id is None:
        raise Forbidden(N_("报价由载体自己办。"))
    check_is_open(session, actor.organisation_id)

    def act(request: str) -> int:
        instrument, buyer = _own_instrument(session, actor, quotation), _buyer(session, actor, quotation)
        _check_price(quotation.price)
        _check_slot(session, instrument, quotation.start, quotation.end)
        row = _drafted(session, actor, quotation, instrument=instrument, buyer=buyer)
        born(session, actor, row, "draft", request_id=request, detail={"price": row.price})
        _book(session, actor, row, instrument, span=(quotation.start, quotation.end), request=request)
        _note(session, actor, row, span=(quotation.start, quotation.end), message=quotation.message)
        return row.id

    content = {**quotation.__dict__, "start": quotation.start.timestamp(), "end": quotation.end.timestamp()}
    return once(session, actor, request_id, "draft", content=content, act=act)


def stand(session: Session, actor: Actor, quotation: Quotation, *, offered_by: Actor, need: str, request: str) -> Order:
    """Write a carrier's standing offer as an order that waits for the enterprise's yes; its slot is kept. Only for a step that agrees to it.

    `quotation.enterprise` is not read: `actor` is the enterprise. Raises what `draft` raises.
    """
    instrument = _own_instrument(session, offered_by, quotation)
    _check_price(quotation.price)
    _check_slot(session, instrument, quotation.start, quotation.end)
    row = _drafted(session, offered_by, quotation, instrument=instrument, buyer=session.get_one(Organisation, actor.organisation_id))
    row.state, row.need, row.created_by = "countered", need[:500], actor.user_id
    born(session, actor, row, "pick", request_id=request, detail={"price": row.price})
    _book(session, actor, row, instrument, span=(quotation.start, quotation.end), request=request)
    _note(session, offered_by, row, span=(quotation.start, quotation.end), message=quotation.message)
    return row


def propose(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Send a drafted offer to the enterprise, which has the usual time to answer; return the order id."""

    def act(row: Order, slot: Booking, request: str) -> int:
        check(actor, row, ORDER, "propose")
        row.answer_by = _answer_by(session, slot)
        move(session, actor, row, ORDER, "propose", reason=given.reason, request_id=request)
        return row.id

    return take(session, actor, Ask("propose", order_id, request_id, given), act)


def counter(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Answer a request with another price, slot or day of the report; the slot is kept for the enterprise until it answers. Return the order id.

    What the enterprise froze stays frozen. Raises `Invalid` by field, `Refused` by clause: state, answer_by, hours, slot_taken.
    """

    def act(row: Order, slot: Booking, request: str) -> int:
        check(actor, row, ORDER, "counter")
        _check_in_time(session, row)
        asked = given.counter
        instrument = session.get_one(Instrument, row.instrument_id)
        span = _span(asked, slot)
        price, promised = _terms(row, asked, span=span)
        if (price, span, promised) == (row.price, _interval(slot), row.report_on):
            raise Invalid("price", N_("和企业要的一样，直接接单就行。要还价，就改价格、时段或报告日期。"))
        _note(session, actor, row, span=_interval(slot), message=row.need, role="enterprise")
        if span != _interval(slot):
            _check_slot(session, instrument, *span)
            bookings.change(session, actor, slot, event="cancel", request_id=request)
            slot = _book(session, actor, row, instrument, span=span, request=request)
        row.report_on, row.answer_by = promised, _answer_by(session, slot)
        _note(session, actor, row, span=span, message=given.reason, price=price)
        move(session, actor, row, ORDER, "counter", reason=given.reason, request_id=request, detail={"price": price})
        return row.id

    return take(session, actor, Ask("counter", order_id, request_id, given), act)


def agree(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Take what the carrier offers: the sums are worked out anew under the policy version in force today, and that makes the contract.

    `given.voucher` says how it is paid ("none": in full; left out: by the voucher of the request), `given.expected` the sums that the person saw.
    Raises what `checkout.book_and_hold` raises. Returns the order id.
    """

    def act(row: Order, slot: Booking, request: str) -> int:
        check(actor, row, ORDER, "agree")
        _check_in_time(session, row)
        _check_attributes(given)
        release(session, actor, row, reason="agree", request=request)
        found = quote(session, actor, row, slot, given=given)
        if found.refusal:
            raise found.refusal
        checkout.check_expected(Wish(row.instrument_id, *_interval(slot), row.service_code, expected=given.expected), found)
        _take_sums(session, row, found, given)
        more = {"policy_version_id": row.policy_version_id, "detail": {"price": row.price, "voucher_part": row.voucher_part}}
        move(session, actor, row, ORDER, "agree", request_id=request, **more)
        checkout.freeze(session, actor, row, found.layers, request=request)
        bookings.change(session, actor, slot, event="accept", request_id=request)
        return row.id

    return take(session, actor, Ask("agree", order_id, request_id, given), act)


def decline(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Turn down what the carrier offers; what was frozen goes back. Return the order id."""
    return _call_off(session, actor, Ask("decline", order_id, request_id, given))


def withdraw(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Take an own offer back before it is answered; what was frozen goes back. Return the order id."""
    return _call_off(session, actor, Ask("withdraw", order_id, request_id, given))


def quote(session: Session, actor: Actor, row: Order, slot: Booking, *, given: Given = EMPTY) -> Quote:
    """Say what the carrier's offer costs the enterprise today. What is still frozen for the order does not count as free: see `preview`."""
    wanted = given.voucher if given.voucher is not None else row.voucher_id
    wish = Wish(row.instrument_id, *_interval(slot), row.service_code, voucher=None if wanted == "none" else wanted)
    wish = replace(wish, attributes=given.attributes | frozenset(row.attributes))
    return checkout.price_out(session, actor, wish, _as_offer(session, row, price=latest(session, row).price))


def preview(session: Session, actor: Actor, row: Order, *, given: Given = EMPTY) -> Quote:
    """Say what `agree` would cost now: ruled on in a savepoint in which the order's own money is free again, and that is then undone."""
    with session.begin_nested() as trial:
        slot = bookings.lock(session, row.id)
        release(session, actor, row, reason="preview", request=f"preview/{row.id}")
        found = quote(session, actor, row, slot, given=given)
        trial.rollback()
    session.expire_all()
    return found


def paying(how: str) -> Given:
    """Return an answer that says only how it is paid: a voucher by id or code, "best", "none", or "" for that of the request."""
    return Given(voucher=int(how) if how.isascii() and how.isdigit() else how or None)


def latest(session: Session, row: Order) -> OrderOffer:
    """Return the offer of the carrier that stands; raise `NotFound` when there is none."""
    query = select(OrderOffer).where(OrderOffer.order_id == row.id, OrderOffer.role == "carrier").order_by(OrderOffer.id.desc()).limit(1)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def offers_of(session: Session, order_id: int) -> list[OrderOffer]:
    """Return every offer of an order, in the order in which they were made."""
    return list(session.scalars(select(OrderOffer).where(OrderOffer.order_id == order_id).order_by(OrderOffer.id)))


def _call_off(session: Session, actor: Actor, ask: Ask) -> int:
    def act(row: Order, slot: Booking, request: str) -> int:
        move(session, actor, row, ORDER, ask.event, reason=ask.given.reason, request_id=request)
        release(session, actor, row, reason=ask.event, request=request)
        bookings.change(session, actor, slot, event="cancel", request_id=request)
        return row.id

    return take(session, actor, ask, act)


def _take_sums(session: Session, row: Order, found: Quote, given: Given) -> None:
    paid_by = found.voucher if found.voucher_part else None
    row.price, row.voucher_part, row.share_part, row.own_part = found.price, found.voucher_part, found.share_part, found.own_part
    row.voucher_id, row.policy_version_id = (paid_by.id, found.policy_version_id) if paid_by else (None, None)
    row.clauses, row.contract_date = [clause.as_json() for clause in found.ruling.clauses], clock.today(session)
    row.attributes = sorted(given.attributes | frozenset(row.attributes))


def _as_offer(session: Session, row: Order, *, price: int) -> Offer:
    one = session.get_one(Instrument, row.instrument_id)
    region = session.get_one(Organisation, row.carrier_id).adcode
    facts: dict[str, Any] = {"instrument_id": one.id, "carrier_id": row.carrier_id, "carrier_region": region, "instrument": one.name}
    facts |= {"hours": one.hours}
    return Offer(**facts, price=price, unit="job", report_days=0, notice_hours=0, is_sample=row.is_sample)


def _note(session: Session, actor: Actor, row: Order, *, span: Interval, message: str, price: int = 0, role: str = "carrier") -> None:
    """Keep an offer: of the carrier, or what the enterprise had asked for."""
    facts: dict[str, Any] = {"order_id": row.id, "role": role, "price": price or row.price, "start": span[0], "stop": span[1]}
    facts |= {"answer_by": row.answer_by, "report_on": row.report_on, "message": message[:500]}
    session.add(OrderOffer(**facts, created_at=clock.now(session), created_by=actor.user_id if role == actor.role else row.created_by))
    session.flush()


def _drafted(session: Session, actor: Actor, quotation: Quotation, *, instrument: Instrument, buyer: Organisation) -> Order:
    drawn: int = session.execute(text("SELECT nextval(pg_get_serial_sequence('orders', 'id'))")).scalar_one()
    parties = {"enterprise_id": buyer.id, "carrier_id": actor.organisation_id, "instrument_id": instrument.id, "service_code": quotation.service}
    sums = {"price": quotation.price, "voucher_part": 0, "share_part": 0, "own_part": quotation.price, "clauses": [], "attributes": []}
    dates = {"contract_date": clock.today(session), "answer_by": min(clock.now(session) + ANSWER_WITHIN, quotation.start)}
    dates["report_on"] = report_on(quotation.end, quotation.report_days)
    more = {"state": "draft", "created_at": clock.now(session), "created_by": actor.user_id, "is_sample": instrument.is_sample}
    return Order(id=drawn, code=f"YY-{drawn}", **parties, **sums, **dates, **more)


def _own_instrument(session: Session, actor: Actor, quotation: Quotation) -> Instrument:
    found = session.get(Instrument, quotation.instrument_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise NotFound
    if session.get(Service, quotation.service) is None:
        raise Invalid("service", N_("没有这类服务。请从列表里选。"))
    if not 0 <= quotation.report_days <= REPORT_DAYS:
        raise Invalid("report_days", N_("报告要在 0 到 %(days)s 个工作日里出。"), days=REPORT_DAYS)
    return found


def _buyer(session: Session, actor: Actor, quotation: Quotation) -> Organisation:
    """Return the enterprise that is named by its code or by its whole name; who it might be is not guessed."""
    asked = quotation.enterprise.strip()
    query = select(Organisation).where(or_(Organisation.code == asked, Organisation.name_zh == asked), Organisation.kind.in_(("enterprise", "team")))
    found = session.scalars(query.limit(2)).all()
    if len(found) != 1 or found[0].id == actor.organisation_id:
        raise Invalid("enterprise", N_("没有这家企业。请填它的编号，或者一字不差的全称。"))
    return found[0]


def _book(session: Session, actor: Actor, row: Order, instrument: Instrument, *, span: Interval, request: str) -> Booking:
    try:
        bookings.request(session, actor, instrument_id=instrument.id, span=span, order_id=row.id, request_id=request)
    except Refused as no:
        raise bookings.slot_taken(session, instrument_id=instrument.id, hours=instrument.hours) from no
    return bookings.lock(session, row.id)


def _span(asked: Counter, slot: Booking) -> Interval:
    if (asked.start is None) != (asked.end is None):
        raise Invalid("start", N_("换时段要写开始和结束。"))
    if asked.start is None or asked.end is None:
        return _interval(slot)
    return asked.start, asked.end


def _interval(slot: Booking) -> Interval:
    return cast("Interval", (slot.span.lower, slot.span.upper))


def _terms(row: Order, asked: Counter, *, span: Interval) -> tuple[int, date]:
    """Return the price and the day of the report that a counter-offer names, else those of the order."""
    price = row.price if asked.price is None else asked.price
    _check_price(price)
    if asked.report_days is None:
        return price, max(row.report_on, clock.business_date(span[1]))
    if not 0 <= asked.report_days <= REPORT_DAYS:
        raise Invalid("report_days", N_("报告要在 0 到 %(days)s 个工作日里出。"), days=REPORT_DAYS)
    return price, report_on(span[1], asked.report_days)


def _check_price(price: int) -> None:
    try:
        ledger.check_amount(price)
    except Invalid as wrong:
        raise Invalid("price", wrong.text, **wrong.params) from wrong


def _check_slot(session: Session, instrument: Instrument, start: datetime, end: datetime) -> None:
    now = clock.now(session)
    for name, instant in (("start", start), ("end", end)):
        if instant.utcoffset() is None:
            raise Invalid(name, N_("要是带时区的时间，例如 2026-11-26T09:00:00+08:00。"))
    if start <= now:
        raise Refused("past", N_("这个时段已经过去了。请选以后的时段。"))
    if start > now + BOOK_AHEAD:
        raise Refused("ahead", N_("最多提前 %(days)s 天约。请选近一些的时段。"), days=BOOK_AHEAD.days)
    if start >= end or not is_open(instrument.hours, start, end):
        raise Refused("hours", N_("这个时段不在开放时间里。请从列出的时段里选一个。"))


def _check_attributes(given: Given) -> None:
    unknown = given.attributes - set(ATTRIBUTES)
    if unknown:
        raise Invalid("attributes", N_("没有这一项：%(name)s。"), name=min(unknown)[:60])


def _check_in_time(session: Session, row: Order) -> None:
    if clock.now(session) > row.answer_by:
        raise Refused("answer_by", N_("答复的时限已经过了，这笔会自动取消，券会解冻。"))


def _answer_by(session: Session, slot: Booking) -> datetime:
    start: datetime = slot.span.lower  # type: ignore[assignment]
    return min(clock.now(session) + ANSWER_WITHIN, start)
