"""Contract first: a voucher that was applied for with a contract comes to its order once it is issued, before anything is delivered.

The sum is what the policy version of the contract date grants, bounded by what the voucher was issued for; what remains of it is not for other use.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bookings import checkout
from bookings.checkout import Purse
from bookings.entities import ORDER, Booking, Order
from bookings.steps import EMPTY, Ask, Given, take
from core import clock
from core.actor import SYSTEM, Actor
from core.audit import check, move
from core.errors import N_, NotFound, Refused
from vouchers import lifecycle as money
from vouchers import policy
from vouchers.entities import Voucher
from vouchers.policy import PolicyVersion
from vouchers.queries import deal_for, related_to, vouchers_of
from vouchers.rules import Layer, rule


def attach(session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = EMPTY) -> int:
    """Freeze the voucher that is bound to a contracted order for it, and give the order its voucher part; return the order id.

    Raises `Refused` by clause: state, voucher (none is bound, or the order has one), what `lifecycle.check_usable` raises, and the clause by which
    the policy of the contract date pays nothing.
    """

    def act(row: Order, _slot: Booking, request: str) -> int:
        check(actor, row, ORDER, "attach")
        if row.voucher_id is not None:
            raise Refused("voucher", N_("这笔已经有券了。"))
        voucher = _bound(session, row)
        money.check_usable(voucher, clock.today(session))
        layers = _rule(session, row, voucher)
        more = {"policy_version_id": row.policy_version_id, "detail": {"voucher": voucher.id, "voucher_part": row.voucher_part}}
        move(session, actor, row, ORDER, "attach", reason=given.reason, request_id=request, **more)
        checkout.freeze(session, actor, row, layers, request=request)
        return row.id

    return take(session, actor, Ask("attach", order_id, request_id, given), act)


def attach_bound(session: Session, order_id: int) -> int:
    """Let the clock attach the voucher that is bound to an order; return the order id."""
    return attach(session, SYSTEM, order_id=order_id, request_id=f"attach/{order_id}")


def bound(session: Session) -> list[int]:
    """Return the contracted orders without a voucher to which an issued one is bound, the oldest first."""
    query = """SELECT o.id FROM voucher v JOIN orders o ON v.bound_reference = 'order:' || o.id
               WHERE v.bound_reference IS NOT NULL AND v.state = 'active' AND v.expires_use >= :today AND v.holder_id = o.enterprise_id
               AND o.state = 'contracted' AND o.voucher_id IS NULL ORDER BY o.id"""
    return list(session.scalars(text(query), {"today": clock.today(session)}))


def _bound(session: Session, row: Order) -> Voucher:
    owned = money.lock_vouchers_of(session, row.enterprise_id)
    found = next((one for one in owned if one.bound_reference == f"order:{row.id}" and one.holder_id == row.enterprise_id), None)
    if found is None:
        raise Refused("voucher", N_("还没有为这份合同发的券。"))
    return found


def _rule(session: Session, row: Order, voucher: Voucher) -> tuple[Layer, ...]:
    """Write the sums of the order as the version in force on its contract date rules; return what co-funders pay beside the voucher.

    The voucher was issued for the own funder's layer of this contract, so what is on it bounds that layer alone.
    """
    version = _version(session, row, voucher)
    shown = next(one for one in vouchers_of(session, row.enterprise_id) if one.id == voucher.id)
    purse = Purse(shown, *deal_for(session, replace(shown, ruled_by=version.id)), version.id)
    declared = frozenset(row.attributes) | ({"related_party"} if row.carrier_id in related_to(session, row.enterprise_id) else frozenset())
    place = session.scalar(text("SELECT adcode FROM organisation WHERE id = :carrier"), {"carrier": row.carrier_id})
    asked = replace(purse.deal, price=row.price, service=row.service_code, attributes=declared, carrier_region=place)
    ruling = rule(purse.policy, replace(asked, balance=None))
    if not ruling.layers or ruling.layers[0].amount > shown.available:
        ruling = rule(purse.policy, asked)
    if not ruling.layers or not ruling.layers[0].amount:
        raise checkout.refusal(ruling, row.price)
    ruling, shared = checkout.funded(session, ruling)
    row.voucher_id, row.policy_version_id, row.voucher_part = voucher.id, version.id, ruling.layers[0].amount
    row.share_part, row.own_part = sum(layer.amount for layer in shared), row.price - ruling.amount
    row.clauses = [clause.as_json() for clause in ruling.clauses]
    return shared


def _version(session: Session, row: Order, voucher: Voucher) -> PolicyVersion:
    cited = session.get_one(PolicyVersion, voucher.policy_version_id)
    try:
        return policy.in_force(session, cited.policy, row.contract_date)
    except NotFound:
        return cited


def is_waiting(session: Session, order_id: int) -> bool:
    """Say whether an application with this order as its contract is under way, or its voucher is waiting for the clock."""
    query = select(text("1")).select_from(text("application")).where(text("bound_reference = :name AND state NOT IN ('refused', 'withdrawn')"))
    return session.execute(query, {"name": f"order:{order_id}"}).first() is not None
