"""Hand a document in again before a claim is sent, or after it came back: the last one of a kind is the one that counts. The earlier one stays."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings.entities import ORDER, Booking, Order
from bookings.steps import EMPTY, Ask, Given, Verb, add_documents, hold_of, take
from core.actor import Actor
from core.audit import move
from core.errors import N_, Refused
from vouchers.entities import Claim


def _again(event: str) -> Verb:
    def correct(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
        def act(row: Order, _slot: Booking, request: str) -> int:
            move(session, actor, row, ORDER, event, request_id=request)
            _check_open(session, row)
            add_documents(session, actor, row, event=event, given=given)
            return row.id

        return take(session, actor, Ask(event, order_id, request_id, given), act)

    return correct


def _check_open(session: Session, row: Order) -> None:
    spent = hold_of(session, row)
    states = session.scalars(select(Claim.state).where(Claim.hold_id == spent.id)).all() if spent else ()
    if states and "draft" not in states:
        raise Refused("claim", N_("已经申请兑现，材料不能再改。科技局退回以后可以改。"))


CORRECT: Final[dict[str, Verb]] = {event: _again(event) for event in ("correct_report", "correct_invoice", "correct_payment")}
"""Hand in another report (the carrier), invoice or proof of payment (the enterprise); `Refused("claim")` while a claim is on its way."""
