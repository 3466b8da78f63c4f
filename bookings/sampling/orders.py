"""The orders of the sample history as columns, and what follows a confirmed service: payment of the own part, claim, review, payout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bookings.sampling.cast import Cast
from bookings.sampling.payday import answered, opening
from bookings.sampling.plan import Deals
from bookings.sampling.schedule import Schedule
from bookings.sampling.times import NEVER, Ints, later
from bookings.sampling.visits import BY_HOLDER, Truth, Visits

_CLAIMED: Final = 0.94
"""Part of the settled orders whose money is claimed."""

_CLAIM_RETURNED, _CLAIM_REFUSED = 0.03, 0.005
"""Parts of the claims that a reviewer returns and refuses: never where a real carrier stands on the other side."""

_BOUNCED: Final = 0.006
"""Part of the payments that the bank sends back, to be paid in a later batch: never where a real carrier stands on the other side."""

CARRIER, HOLDER, CLOCK = range(3)
"""Who calls an order off."""


@dataclass(frozen=True)
class Orders:
    """One row an order: numbers of application (whose voucher pays), holder and offer; fen; instants in seconds, `NEVER` for what does not come."""

    application: Ints
    holder: Ints
    offer: Ints
    amount: Ints
    clauses: list[str]
    start: Ints
    stop: Ints
    placed: Ints
    answer_by: Ints
    accepted: Ints
    cancelled: Ints
    off_by: Ints
    delivered: Ints
    confirmed: Ints
    settled: Ints
    claimed: Ints
    returned: Ints
    reclaimed: Ints
    checked: Ints
    refused: Ints
    approved: Ints
    batched: Ints
    bounced: Ints
    rebatched: Ints
    paid: Ints

    def __len__(self) -> int:
        return len(self.placed)


def orders_of(cast: Cast, deals: Deals, visits: Visits, found: Schedule, rng: np.random.Generator) -> Orders:
    """Put together what was planned and let the money follow each confirmed service."""
    row = np.array(deals.row, dtype=np.int64)
    visit = row % max(1, len(visits))
    accepted, cancelled = found.accepted[row], found.cancelled[row]
    end = visits.end[visit]
    off_by = np.select([(end == BY_HOLDER) & (accepted < NEVER), accepted < NEVER], [HOLDER, CARRIER], CARRIER)
    off_by = np.where((cancelled < NEVER) & (cancelled > found.answer_by[row]) & (accepted == NEVER), CLOCK, off_by)
    offer = found.offer[row]
    after = _afterwards(found.confirmed[row], cast.offers.is_sample[offer], visits.sure[visit], rng)
    return Orders(
        np.array(deals.application, dtype=np.int64),
        np.array(deals.holder, dtype=np.int64),
        offer,
        np.array(deals.amount, dtype=np.int64),
        deals.clauses,
        found.start[row],
        found.stop[row],
        found.placed[visit],
        found.answer_by[row],
        accepted,
        cancelled,
        off_by,
        found.delivered[row],
        found.confirmed[row],
        *after,
    )


def _afterwards(confirmed: Ints, may_fail: Truth, sure: Truth, rng: np.random.Generator) -> list[Ints]:
    """Return settled, claimed, returned, reclaimed, checked, refused, approved, batched, bounced, batched again and paid."""
    count = len(confirmed)
    luck = np.where(may_fail & ~sure, rng.random(count), 1.0)
    settled = _then(confirmed, 0.5, 10, rng)
    claimed = np.where(sure | (rng.random(count) < _CLAIMED), _then(settled, 1, 20, rng), NEVER)
    reviewed = _then(claimed, 0.5, 9, rng)
    returned = np.where(luck < _CLAIM_RETURNED, reviewed, NEVER)
    refused = np.where((luck >= _CLAIM_RETURNED) & (luck < _CLAIM_RETURNED + _CLAIM_REFUSED), reviewed, NEVER)
    reclaimed = _then(returned, 1, 9, rng)
    checked = np.where(returned < NEVER, _then(reclaimed, 0.5, 9, rng), np.where(refused < NEVER, NEVER, reviewed))
    approved = _then(checked, 0.5, 6, rng)
    batched = opening(approved)
    bounced = np.where(luck > 1 - _BOUNCED, np.where(luck < 1.0, answered(batched), NEVER), NEVER)
    rebatched = opening(bounced)
    paid = answered(np.where(bounced < NEVER, rebatched, batched))
    return [settled, claimed, returned, reclaimed, checked, refused, approved, batched, bounced, rebatched, paid]


def _then(at: Ints, least: float, most: float, rng: np.random.Generator) -> Ints:
    """Return instants of office hours after those that come."""
    comes = at < NEVER
    found = np.full(len(at), NEVER)
    found[comes] = later(at[comes], least, most, rng)
    return found
