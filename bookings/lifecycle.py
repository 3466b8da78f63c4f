"""The life of a booking: requested with its order, then confirmed, done, cancelled or expired. What is paid for it is the order's affair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bookings import queries
from bookings.entities import BOOKING, Booking
from bookings.slots import Interval, Slot
from core import clock
from core.actor import Actor
from core.audit import born, move
from core.errors import N_, Refused

_OVERLAP = "23P01"  # exclusion_violation


def request(session: Session, actor: Actor, *, instrument_id: int, span: Interval, order_id: int, request_id: str) -> int:
    """Book [start, end) of an instrument for an order and return the booking id; raise `Refused("slot_taken")` when somebody else has it."""
    row = Booking(instrument_id=instrument_id, order_id=order_id, span=Range(*span), state="requested")
    row.created_by, row.created_at = actor.user_id, clock.now(session)
    try:
        with session.begin_nested():
            born(session, actor, row, "request", request_id=request_id)
    except IntegrityError as wrong:
        if getattr(wrong.orig, "sqlstate", None) != _OVERLAP:
            raise
        raise Refused("slot_taken", N_("这个时段刚被别人约了。")) from wrong
    return row.id


def lock(session: Session, order_id: int) -> Booking:
    """Lock the booking of an order, as it stands now, and return it: the latest, when another slot was offered meanwhile."""
    query = select(Booking).where(Booking.order_id == order_id).order_by(Booking.id.desc()).limit(1).with_for_update(key_share=True)
    return session.scalars(query, execution_options={"populate_existing": True}).one()


def change(session: Session, actor: Actor, row: Booking, *, event: str, request_id: str) -> None:
    """Take a locked booking along the arrow of `event`; `Refused` in a wrong state, `Forbidden` for a wrong role."""
    move(session, actor, row, BOOKING, event, request_id=request_id)


def slot_taken(session: Session, *, instrument_id: int, hours: Mapping[str, Any]) -> Refused:
    """Return the refusal of a taken slot, which names the next free one."""
    following = queries.next_slots(session, {instrument_id: hours})[instrument_id]
    if following is None:
        return Refused("slot_taken", N_("这个时段刚被别人约了，三周里没有别的空档。请看别的仪器。"))
    return Refused("slot_taken", N_("这个时段刚被别人约了。下一个空档：%(slot)s。"), slot=spoken(following))


def spoken(slot: Slot) -> str:
    """Write a slot in local time for either language: 2026-11-26 09:00–12:00."""
    start, end = (instant.astimezone(clock.SHANGHAI) for instant in slot.interval)
    return f"{start:%Y-%m-%d %H:%M}–{end:%H:%M}"
