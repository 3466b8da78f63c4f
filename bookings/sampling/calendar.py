"""The calendar of the three weeks ahead: sessions that carriers have given away themselves, without an order of this platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np
from psycopg.types.range import TimestamptzRange

from bookings.entities import Booking
from bookings.sampling.books import Books, Now, Row, begin, born
from bookings.sampling.trade import Offer
from bookings.slots import HORIZON, Interval, sessions
from core.actor import Actor
from core.clock import SHANGHAI

SHARE: Final = 0.12
"""Part of the sessions ahead that are taken."""


def fill(books: Books, offers: Sequence[Offer], *, day: date, operators: Mapping[int, Actor], taken: set[tuple[int, datetime]]) -> int:
    """Take about `SHARE` of the free sessions of each instrument on the `HORIZON` days after `day`; return how many were taken."""
    rng, made = np.random.default_rng([day.toordinal(), 3]), 0
    midnight = datetime.combine(day, time(), SHANGHAI)
    for offer in {offer.instrument_id: offer for offer in offers}.values():
        ahead = [slot for offset in range(1, HORIZON + 1) for slot in sessions(offer.hours, day + timedelta(days=offset))]
        for slot, chance, hours in zip(ahead, rng.random(len(ahead)), rng.uniform(7, 240, len(ahead)), strict=True):
            if chance < SHARE and (offer.instrument_id, slot[0]) not in taken:
                _block(books, offer.instrument_id, slot, actor=operators[offer.carrier_id], at=midnight - timedelta(hours=round(hours)))
                made += 1
    return made


def _block(books: Books, instrument_id: int, slot: Interval, *, actor: Actor, at: datetime) -> None:
    act = begin(Now(books, at), actor, verb="block", content={"instrument": instrument_id, "start": slot[0].isoformat()})
    row: Row = {"id": books.new_id(Booking), "instrument_id": instrument_id, "order_id": None, "span": TimestamptzRange(*slot)}
    row |= {"state": "confirmed", "row_version": 0, "created_at": at, "created_by": actor.user_id}
    born(act, Booking, row, "block")
    act.answer(row["id"])
