"""Orders that were placed in a year, as facts for ruling on them again. Reading only, one query whatever the number of orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.regions import shared_digits
from vouchers.simulate import Past

LIVE: Final = ("contracted", "delivered", "disputed", "confirmed", "settled")
"""States of an order whose contract stands."""

RELATED: Final = "related_party"

_ORDERS: Final = """
SELECT o.id AS order_id, o.code, o.contract_date AS "on", o.enterprise_id AS holder_id, e.name_zh AS holder, e.kind AS holder_kind,
       coalesce(e.size_class, '') AS size, e.controller AS "group", e.adcode AS region, c.adcode AS carrier_region, o.service_code AS service,
       o.price, o.voucher_part + o.share_part AS paid, o.attributes, coalesce(b.fund, '') AS fund,
       coalesce(e.controller = c.controller, false) AS related
FROM orders o JOIN organisation e ON e.id = o.enterprise_id JOIN organisation c ON c.id = o.carrier_id
LEFT JOIN voucher v ON v.id = o.voucher_id LEFT JOIN policy_version p ON p.id = v.policy_version_id LEFT JOIN budget b ON b.id = v.budget_id
WHERE o.contract_date BETWEEN make_date(:year, 1, 1) AND make_date(:year, 12, 31) AND o.state = ANY(:live) AND e.adcode LIKE :within
  AND (p.policy = :policy OR (:own AND o.voucher_id IS NULL))
ORDER BY o.contract_date, o.id
"""
_YEARS: Final = """
SELECT DISTINCT extract(year FROM o.contract_date)::int FROM orders o JOIN organisation e ON e.id = o.enterprise_id
WHERE e.adcode LIKE :within AND o.state = ANY(:live) ORDER BY 1 DESC
"""
_BUDGET: Final = """
SELECT sum(s.adopted + s.carried)::bigint FROM budget b JOIN budget_balance s ON s.budget_id = b.id
WHERE b.funder = :funder AND b.policy = :policy AND b.year = :year AND b.state <> 'planned'
"""


@dataclass(frozen=True)
class Wanted:
    """Which orders: the policy that paid them, its region (adcode), the calendar year of the contract, and with those that no voucher paid."""

    policy: str
    region: str
    year: int
    own_paid: bool = False


def orders_of(session: Session, wanted: Wanted) -> list[Past]:
    """Return the orders with a standing contract of the holders of a region in a year, in the order of time."""
    values = {"policy": wanted.policy, "year": wanted.year, "own": wanted.own_paid, "live": list(LIVE), "within": _within(wanted.region)}
    found = []
    for row in session.execute(text(_ORDERS), values):
        facts = dict(row._mapping)  # noqa: SLF001 (the documented way to a row's columns)
        attributes = frozenset(facts.pop("attributes")) | ({RELATED} if facts.pop("related") else frozenset())
        found.append(Past(**facts, attributes=attributes))
    return found


def years_of(session: Session, region: str) -> list[int]:
    """Return the calendar years in which holders of a region placed orders, the newest first."""
    return list(session.scalars(text(_YEARS), {"within": _within(region), "live": list(LIVE)}))


def budget_of(session: Session, *, funder: str, policy: str, year: int) -> int | None:
    """Return what was given to a policy for a year over all its funds, fen: adopted, revised and carried over; None where nothing was."""
    found: int | None = session.scalar(text(_BUDGET), {"funder": funder, "policy": policy, "year": year})
    return found


def _within(region: str) -> str:
    return shared_digits(region) + "%"
