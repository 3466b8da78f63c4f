"""The rows of the verbs of `bookings`: place an order with its slot and hold, accept, cancel, time out, deliver, confirm, settle, claim.

Each function follows the verb of the same name in `bookings.checkout` and `bookings.orders`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.types.range import TimestamptzRange

from bookings.checkout import ANSWER_WITHIN, Wish
from bookings.entities import BOOKING, ORDER, Booking, Order
from bookings.orders import EMPTY, Given
from bookings.sampling import money
from bookings.sampling.books import Act, Now, Row, begin, born, move
from bookings.sampling.money import Purse
from bookings.slots import report_on
from core.actor import SYSTEM, Actor
from core.clock import business_date
from vouchers.claims import Document
from vouchers.rules import Ruling


@dataclass(frozen=True)
class Offer:
    """An open listing with its instrument: what a story may choose; price in fen."""

    instrument_id: int
    carrier_id: int
    type_name: str
    hours: Mapping[str, Any]
    service: str
    price: int
    report_days: int
    notice_hours: int


@dataclass
class Deal:
    """An order on its way: its row, slot, hold, purse, and the claim once there is one."""

    offer: Offer
    purse: Purse
    order: Row
    booking: Row
    hold: Row
    claim: Row | None = None

    @property
    def parties(self) -> tuple[int, int]:
        """Enterprise and carrier."""
        return self.order["enterprise_id"], self.order["carrier_id"]


def place(now: Now, actor: Actor, wish: Wish, *, offer: Offer, purse: Purse, ruling: Ruling) -> Deal:
    """Write order, booking and hold."""
    act = begin(now, actor, verb="order", content=wish.content())
    order = _order(act, wish, offer, purse=purse, ruling=ruling)
    detail = {"price": order["price"], "voucher_part": order["voucher_part"]}
    born(act, Order, order, "offer", policy_version_id=order["policy_version_id"], detail=detail)
    booking = {"id": now.books.new_id(Booking), "instrument_id": offer.instrument_id, "order_id": order["id"], "span": TimestamptzRange(*wish.span)}
    booking |= {"state": "requested", "row_version": 0, "created_at": now.at, "created_by": actor.user_id}
    born(act, Booking, booking, "request")
    held = money.hold(act, purse, order["voucher_part"], f"order:{order['id']}")
    act.answer(order["id"])
    return Deal(offer, purse, order, booking, held)


def accept(now: Now, actor: Actor, *, deal: Deal) -> None:
    """Take the order on."""
    act = _begin(now, actor, deal, "accept")
    move(act, Order, deal.order, ORDER, "accept")
    move(act, Booking, deal.booking, BOOKING, "accept")


def cancel(now: Now, actor: Actor, *, deal: Deal, reason: str) -> None:
    """Call the order off and release its hold."""
    act = _begin(now, actor, deal, "cancel", given=Given(reason))
    move(act, Order, deal.order, ORDER, "cancel", reason=reason)
    money.release(act, deal.purse, deal.hold, "cancel")
    move(act, Booking, deal.booking, BOOKING, "cancel")


def timeout(now: Now, *, deal: Deal) -> None:
    """End an offer that nobody answered in time."""
    act = _begin(now, SYSTEM, deal, "timeout", key=f"timeout/{deal.order['id']}")
    move(act, Order, deal.order, ORDER, "timeout")
    money.release(act, deal.purse, deal.hold, "timeout")
    move(act, Booking, deal.booking, BOOKING, "timeout")


def deliver(now: Now, actor: Actor, *, deal: Deal, number: str) -> None:
    """Hand over the result under a report number."""
    act = _begin(now, actor, deal, "deliver", given=_given(now.at, service_result=number))
    move(act, Order, deal.order, ORDER, "deliver")
    money.evidence(act, deal.hold["reference"], "service_result", number)
    move(act, Booking, deal.booking, BOOKING, "done")


def confirm(now: Now, actor: Actor, *, deal: Deal) -> None:
    """Agree that the service was done: the hold becomes used money."""
    act = _begin(now, actor, deal, "confirm")
    move(act, Order, deal.order, ORDER, "confirm")
    money.use(act, deal.purse, deal.hold)


def settle(now: Now, actor: Actor, *, deal: Deal, numbers: tuple[str, str]) -> None:
    """Pay the own part, with the numbers of the invoice and of the proof of payment."""
    invoice, proof = numbers
    act = _begin(now, actor, deal, "pay_own_part", given=_given(now.at, invoice=invoice, payment_proof=proof))
    move(act, Order, deal.order, ORDER, "pay_own_part")
    money.evidence(act, deal.hold["reference"], "invoice", invoice)
    money.evidence(act, deal.hold["reference"], "payment_proof", proof)


def claim(now: Now, actor: Actor, *, deal: Deal) -> Row:
    """Ask for the voucher's money, or send a returned claim again."""
    act = _begin(now, actor, deal, "claim")
    if deal.claim is None:
        deal.claim = money.submit(act, deal.purse, deal.hold, deal.parties)
    else:
        money.resubmit(act, deal.purse, deal.claim)
    act.answer(deal.claim["id"])
    return deal.claim


def _order(act: Act, wish: Wish, offer: Offer, *, purse: Purse, ruling: Ruling) -> Row:
    key, part = act.books.new_id(Order), ruling.amount
    row: Row = {"id": key, "code": f"YY-{key}", "enterprise_id": act.actor.organisation_id, "carrier_id": offer.carrier_id}
    row |= {"instrument_id": offer.instrument_id, "service_code": offer.service, "price": offer.price}
    row |= {"voucher_part": part, "own_part": offer.price - part, "voucher_id": purse.row["id"]}
    row |= {"policy_version_id": purse.row["policy_version_id"], "clauses": [clause.as_json() for clause in ruling.clauses]}
    row |= {"contract_date": business_date(act.at), "answer_by": min(act.at + ANSWER_WITHIN, wish.start)}
    row |= {"report_on": report_on(wish.end, offer.report_days), "need": wish.need, "state": "offered", "row_version": 0}
    return row | {"created_at": act.at, "created_by": act.actor.user_id, "is_sample": True}


def _begin(now: Now, actor: Actor, deal: Deal, event: str, *, given: Given = EMPTY, key: str = "") -> Act:
    content = {"order": deal.order["id"], "given": asdict(given)}
    act = begin(now, actor, verb=event, content=content, key=key)
    act.answer(deal.order["id"])
    return act


def _given(at: datetime, **numbers: str) -> Given:
    return Given(documents=tuple(Document(kind, number, business_date(at)) for kind, number in numbers.items()))
