"""Contract first: the facts of one of the enterprise's own orders as the contract of an application."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import N_, NotFound, Refused
from vouchers.applications import Contract


@dataclass(frozen=True)
class Choice:
    """An order for which a voucher may be applied: its id, code, what and with whom, price in fen."""

    id: int
    code: str
    about: str
    carrier: str
    price: int
    is_sample: bool


def choices(session: Session, actor: Actor) -> list[Choice]:
    """Return the actor's contracted orders without a voucher, nothing delivered and no application under way, the newest first."""
    rows = session.execute(text(_ORDERS.format(which="")), {"holder": actor.organisation_id or 0}).mappings()
    names = ("id", "code", "about", "carrier", "price", "is_sample")
    return [Choice(**{name: row[name] for name in names}) for row in rows]


def contract_of(session: Session, actor: Actor, order_id: int) -> Contract:
    """Return the contract that an order is; raise `NotFound` for another's, `Refused("order")` for one that no voucher can be applied for."""
    known = text("SELECT 1 FROM orders WHERE id = :id AND enterprise_id = :holder")
    if session.execute(known, {"id": order_id, "holder": actor.organisation_id or 0}).scalar() is None:
        raise NotFound
    values = {"holder": actor.organisation_id or 0, "id": order_id}
    found = session.execute(text(_ORDERS.format(which="AND o.id = :id")), values).mappings().one_or_none()
    if found is None:
        raise Refused("order", N_("只有载体接了单、还没有交付、也没有用券的合同，才能按它申领。"))
    more = {"carrier_region": found["adcode"], "attributes": tuple(sorted(found["attributes"]))}
    return Contract(f"{found['about']} · {found['carrier']}"[:200], found["code"], found["price"], found["service_code"], f"order:{order_id}", **more)


_ORDERS = """
SELECT o.id, o.code, i.name AS about, c.name_zh AS carrier, c.adcode, o.price, o.service_code, o.is_sample,
       ARRAY(SELECT jsonb_array_elements_text(to_jsonb(o.attributes))
             UNION SELECT 'related_party' WHERE c.controller IS NOT NULL AND c.controller = e.controller) AS attributes
FROM orders o JOIN organisation c ON c.id = o.carrier_id JOIN organisation e ON e.id = o.enterprise_id JOIN instrument i ON i.id = o.instrument_id
WHERE o.enterprise_id = :holder AND o.state = 'contracted' AND o.voucher_id IS NULL {which}
  AND NOT EXISTS (SELECT FROM application a WHERE a.bound_reference = 'order:' || o.id AND a.state NOT IN ('refused', 'withdrawn'))
ORDER BY o.id DESC LIMIT 50
"""
