"""Rule again on orders that were paid by vouchers, each under the version that ruled it then: whatever was published since, the sums stay.

What a holder had used and what was on the voucher at that instant is read from the bounds of the clauses that the order keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from vouchers.policy import PolicyVersion
from vouchers.rules import Deal, rule
from vouchers.terms import Policy


@dataclass(frozen=True)
class Replayed:
    """An order, the version that ruled it, what it pays of the price (fen) and what the same facts give now."""

    order_id: int
    policy: str
    version: int
    paid: int
    ruled: int

    @property
    def agrees(self) -> bool:
        """Whether both sums are the same."""
        return self.paid == self.ruled


_ORDERS: Final = """
SELECT o.id, o.price, o.service_code AS service, o.attributes, o.clauses, o.voucher_part + o.share_part AS paid, o.policy_version_id,
       e.adcode AS region, c.adcode AS carrier_region, b.fund
FROM orders o JOIN organisation e ON e.id = o.enterprise_id JOIN organisation c ON c.id = o.carrier_id
JOIN voucher v ON v.id = o.voucher_id JOIN budget b ON b.id = v.budget_id ORDER BY o.id
"""


def replay_all(session: Session) -> Iterator[Replayed]:
    """Yield every order that a voucher pays, ruled again on the facts of its day, in the order of their numbers."""

    @lru_cache(maxsize=256)
    def version(key: int) -> tuple[PolicyVersion, Policy]:
        row = session.get_one(PolicyVersion, key)
        return row, row.terms

    for found in session.execute(text(_ORDERS)).mappings():
        row = dict(found)
        stored, terms = version(row["policy_version_id"])
        yield Replayed(row["id"], stored.policy, stored.version, row["paid"], _ruled(terms, row))


def _ruled(terms: Policy, row: Mapping[str, Any]) -> int:
    places = {"region": row["region"], "carrier_region": row["carrier_region"], "fund": row["fund"] or None}
    deal = Deal(row["price"], row["service"], frozenset(row["attributes"]), **_facts(terms, row["clauses"], row["fund"]), **places)
    # A co-funder whose budget was short paid nothing: the order keeps that as a bound of its own.
    short: list[int] = [clause["bound"] for clause in row["clauses"] if clause["code"] == "cofunding" and clause.get("bound") is not None]
    return min([rule(terms, deal).amount, *short])


def _facts(terms: Policy, clauses: Sequence[Mapping[str, Any]], fund: str) -> dict[str, Any]:
    """Return balance and former use as the bounds of an order's clauses tell them: a cap less what was left of it."""
    left = {clause["code"]: clause["bound"] for clause in clauses if clause.get("bound") is not None}
    caps = {"used_year": ("per_year", terms.caps.per_year), "group_used": ("group_per_year", terms.caps.group_per_year)}
    facts = {name: cap - left[code] for name, (code, cap) in caps.items() if cap is not None and code in left}
    purse = terms.fund(fund)
    if purse and purse.cap_per_year and "fund" in left:
        facts["fund_used"] = purse.cap_per_year - left["fund"]
    return {**facts, "balance": left.get("balance")}
