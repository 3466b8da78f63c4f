"""Disputes: the enterprise does not accept what was delivered; the county's reviewer decides what the voucher pays of it, or that it pays nothing.

What the reviewer decides is the voucher's part alone, at most what is frozen; what the enterprise owes beyond it is a matter of the parties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.entities import ORDER, Booking, Order
from bookings.steps import EMPTY, Ask, Given, funder_of, hold_of, release, take
from core import clock
from core.actor import Actor
from core.audit import check, move
from core.errors import N_, Invalid
from vouchers import lifecycle as money

OUTCOMES: Final = ("confirmed", "cancelled")
"""What a reviewer may decide: the service counts (the voucher pays a sum), or it does not (what is frozen goes back)."""


@dataclass(frozen=True)
class Dispute:
    """A disputed order in the reviewer's queue: since when, why, and what is frozen, fen."""

    order_id: int
    code: str
    enterprise: str
    carrier: str
    instrument: str
    price: int
    voucher_part: int
    share_part: int
    since: datetime
    reason: str
    is_sample: bool
    age: int


def dispute(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Say what is wrong with a delivered service, within 500 signs; money stays frozen until the county decides. Return the order id."""

    def act(row: Order, _slot: Booking, request: str) -> int:
        check(actor, row, ORDER, "dispute")
        _check_reason(given)
        move(session, actor, row, ORDER, "dispute", reason=given.reason.strip(), request_id=request)
        return row.id

    return take(session, actor, Ask("dispute", order_id, request_id, given), act)


def resolve(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Decide a dispute: `given.outcome` confirmed with `given.amount` fen of the voucher (1 to what is frozen), or cancelled; return the order id.

    A reviewer of the region that pays, no member of either party. Of each co-funder's share the same part is used.
    """

    def act(row: Order, _slot: Booking, request: str) -> int:
        check(actor, row, ORDER, "resolve")
        parties = (row.enterprise_id, row.carrier_id)
        money.check_officer(session, actor, funder_of(session, row), party_ids=parties, person_ids=(row.created_by,))
        _check_reason(given)
        if given.outcome not in OUTCOMES:
            raise Invalid("outcome", N_("请选：服务算数，或者不算数。"))
        arrows = tuple(arrow for arrow in ORDER if arrow.event != "resolve" or arrow.next == given.outcome)
        amount = _decided(session, row, given)
        more = {"reason": given.reason.strip(), "policy_version_id": row.policy_version_id, "detail": {"amount": amount}}
        move(session, actor, row, arrows, "resolve", request_id=request, **more)
        held = hold_of(session, row)
        if given.outcome == "cancelled":
            release(session, actor, row, reason="resolve", request=request)
        elif held and held.state == "held":
            money.use(session, actor, hold_id=held.id, amount=amount, request_id=f"{request}/use")
        return row.id

    return take(session, actor, Ask("resolve", order_id, request_id, given), act)


def open_for(session: Session, actor: Actor) -> list[Dispute]:
    """Return the disputes that a reviewer's region decides, the oldest first."""
    now = clock.now(session)
    found = session.execute(text(_OPEN), {"region": actor.region or ""}).mappings()
    return [Dispute(**row, age=(clock.business_date(now) - clock.business_date(row["since"])).days) for row in found]


def _check_reason(given: Given) -> None:
    if not 0 < len(given.reason.strip()) <= 500:
        raise Invalid("reason", N_("请写明理由，最多 500 个字，双方都能看到。"))


def _decided(session: Session, row: Order, given: Given) -> int:
    """Return what the voucher pays, fen; raise `Invalid("amount")` unless it fits what is frozen."""
    held = hold_of(session, row)
    if given.outcome == "cancelled" or held is None or held.state != "held":
        return 0
    amount = held.amount if given.amount is None else given.amount
    if type(amount) is not int or not 0 < amount <= held.amount:
        params: Mapping[str, Any] = {"most": f"{held.amount / 100:.2f}"}
        raise Invalid("amount", N_("券付的金额要大于零，不超过冻结的 ¥%(most)s。一分不付就选“不算数”。"), **params)
    return amount


_OPEN = """
SELECT o.id AS order_id, o.code, e.name_zh AS enterprise, c.name_zh AS carrier, i.name AS instrument, o.price, o.voucher_part, o.share_part,
       a.at AS since, a.reason, o.is_sample
FROM orders o JOIN organisation e ON e.id = o.enterprise_id JOIN organisation c ON c.id = o.carrier_id JOIN instrument i ON i.id = o.instrument_id
LEFT JOIN voucher v ON v.id = o.voucher_id LEFT JOIN policy_version p ON p.id = v.policy_version_id
JOIN LATERAL (SELECT at, reason FROM audit WHERE subject = 'orders' AND subject_id = o.id AND event = 'dispute' ORDER BY id DESC LIMIT 1) a ON true
WHERE o.state = 'disputed' AND coalesce(p.funder, e.adcode) = :region ORDER BY a.at, o.id
"""
