"""What candidates cost the person who asks: the ruling of my vouchers on a price, worked out once for all that are alike to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bookings import queries
from bookings.checkout import Terms as VoucherTerms
from bookings.slots import Slot, report_on
from matching.candidates import Candidate, Near, Terms
from matching.gathering import gather

Alike = tuple[int, str, bool, str]
Ruled = tuple[int, str]
"""What the voucher pays, fen, and the code of the clause that refuses where it refuses."""


class Offered(Protocol):
    """What a price is ruled on: a service of a carrier."""

    @property
    def price_fen(self) -> int: ...  # noqa: D102
    @property
    def service(self) -> str: ...  # noqa: D102
    @property
    def carrier_id(self) -> int: ...  # noqa: D102
    @property
    def region(self) -> str: ...  # noqa: D102


class Prices:
    """The terms of one person for one search; rulings that were made are remembered by price, service, relation and county of the carrier."""

    def __init__(self, terms: VoucherTerms) -> None:
        """Take the vouchers and relations of a person."""
        self._terms = terms
        self._made: dict[Alike, Ruled] = {}

    def sketch(self, one: Near) -> Near:
        """Return a row with what it costs."""
        paid, _ = self._ruled(one)
        return one._replace(net_price_fen=one.price_fen - paid, voucher_part_fen=paid)

    def terms_of(self, one: Offered, report_days: int, slot: Slot | None) -> Terms:
        """Return what a candidate costs and when it can start, its next free slot given."""
        paid, note = self._ruled(one)
        report = report_on(slot.end, report_days) if slot else None
        return Terms(one.price_fen - paid, paid, slot.start if slot else None, slot.end if slot else None, report, note)

    def _ruled(self, one: Offered) -> Ruled:
        if not self._terms.purses:
            return 0, ""
        alike = one.price_fen, one.service, one.carrier_id in self._terms.related, one.region
        if alike not in self._made:
            purse, ruling = self._terms.choose(one.price_fen, one.service, carrier_id=one.carrier_id, carrier_region=one.region)
            self._made[alike] = ruling.amount, ruling.refusal.code if purse and ruling.refusal else ""
        return self._made[alike]


def filled(session: Session, prices: Prices, rows: Sequence[Near], *, limits: bool) -> list[Candidate]:
    """Return rows as candidates with everything: what is known of them (`limits`: with specifications), the next free slot, what they cost."""
    known = gather(session, rows, limits=limits)
    slots = queries.next_slots(session, {one: facts["hours"] for one, facts in known.items()}) if known else {}
    return [_whole(one, known[one.id], prices, slots[one.id]) for one in rows if one.id in known]


def _whole(one: Near, known: dict[str, Any], prices: Prices, slot: Slot | None) -> Candidate:
    terms = prices.terms_of(one, known["report_days"], slot)
    return Candidate(**{**one._asdict(), **known, **vars(terms)})
