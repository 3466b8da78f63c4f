"""From what somebody would pay to what a thing may cost: the price limits that a sum after vouchers stands for. Pure arithmetic, fen.

The own part never falls when the price rises: each tier pays at most one fen more for one fen more of the price, every other bound is a constant,
and a purse that comes to pay begins with a fen. So the dearest price for an own part is found by bisection over the very rulings that a
checkout uses. Only two things about an offer decide besides its price: whether each purse buys its service, and whether the carrier is related.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from bookings.checkout import Terms
from vouchers.rules import service_allowed

NOBODY: Final = -1
"""The id of no carrier: it is related to nobody."""


@dataclass(frozen=True)
class Group:
    """Services that are alike to all my purses, at carriers that are related to me, or at all others."""

    services: tuple[str, ...]
    is_related: bool
    terms: Terms

    def own(self, price: int) -> int:
        """Return what remains to be paid of a price."""
        return price - self.terms.choose(price, self.services[0], carrier_id=self._carrier)[1].amount

    def dearest(self, own: int) -> int:
        """Return the highest price of which at most `own` remains to be paid; 0 when `own` is below zero."""
        if own < 0:
            return 0
        if self.own(own + self._most) == own + self._most:
            return own  # nobody pays of the dearest that could be, so of nothing cheaper either
        return own + bisect_right(range(1, self._most + 1), own, key=lambda more: self.own(own + more))

    @cached_property
    def _carrier(self) -> int:
        return min(self.terms.related) if self.is_related else NOBODY

    @cached_property
    def _most(self) -> int:
        """No purse pays more than is on it."""
        return max((purse.deal.balance or 0 for purse in self.terms.purses), default=0)


@dataclass(frozen=True)
class Limits:
    """The highest prices by service, and those at related carriers, where they are others."""

    prices: tuple[tuple[str, int], ...]
    related: tuple[int, ...] = ()
    related_prices: tuple[tuple[str, int], ...] = ()


def groups(terms: Terms, services: Iterable[str]) -> tuple[Group, ...]:
    """Sort services (codes) into groups that every ruling treats alike, those at related carriers apart."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for service in services:
        seen = tuple(service_allowed(purse.policy, replace(purse.deal, service=service)).outcome for purse in terms.purses)
        alike.setdefault(seen, []).append(service)
    sides = (False, True) if terms.purses and terms.related else (False,)
    return tuple(Group(tuple(members), side, terms) for side in sides for members in alike.values())


def own_limits(terms: Terms, services: Iterable[str], own: int) -> Limits:
    """Return what an instrument may cost by service so that at most `own` fen remain after my vouchers."""
    found: dict[bool, list[tuple[str, int]]] = {False: [], True: []}
    for group in groups(terms, services):
        found[group.is_related] += [(service, group.dearest(own)) for service in group.services]
    related = tuple(sorted(terms.related)) if found[True] else ()
    return Limits(tuple(sorted(found[False])), related, tuple(sorted(found[True])))
