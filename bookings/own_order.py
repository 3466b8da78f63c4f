"""Open instruments in the order of what remains to be paid after my vouchers: exact, in pages, and without asking for the price of every row.

Within a group of services that my purses treat alike, a higher price never leaves less to pay, so each group is a run in the order of price; the
runs are merged by (own part, price, id). A page costs one query with as many parts as there are groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from bookings.limits import Group
from geodata.paging import NO_PRICE, Key, Run, by_price
from geodata.wanted import Wanted

LAST: Final = 2**62
"""After every id."""

Place = tuple[int, int, int]
"""Where one is in the order: own part (fen), price (fen), id."""

START: Final[Place] = (0, 0, 0)


@dataclass(frozen=True)
class Priced:
    """An instrument with what remains to be paid of its first offer; `NO_PRICE` where nothing is offered."""

    own: int
    key: Key

    @property
    def place(self) -> Place:
        """Its place in the order."""
        return self.own, self.key.price, self.key.id


def by_own(session: Session, wanted: Wanted, groups: Sequence[Group], *, after: Place = START, limit: int, few: bool = False) -> list[Priced]:
    """Return the next `limit` instruments after a place in the order; what has no offer comes last."""
    parts = [(group, run) for group in groups if (run := _run(group, groups, after)) is not None]
    rest = Run(after=(NO_PRICE, after[2] if after[0] >= NO_PRICE else 0))
    found = by_price(session, wanted, [*(run for _, run in parts), rest], limit=limit, few=few)
    runs = [[Priced(group.own(key.price), key) for key in keys] for (group, _), keys in zip(parts, found, strict=False)]
    rough = [Priced(NO_PRICE, key) for key in found[-1]]
    return list(islice(merge(*runs, rough, key=lambda one: one.place), limit))


def _run(group: Group, groups: Sequence[Group], after: Place) -> Run | None:
    """Return where a group goes on after a place, or None when it is through."""
    own, price, last = after
    if own >= NO_PRICE:
        return None
    done, alike = (group.dearest(own - 1), LAST), (group.dearest(own), LAST)
    start = min(max((price, last), done), alike) if after != START else (0, 0)
    related = tuple(sorted(group.terms.related)) if any(one.is_related for one in groups) else ()
    services = None if len({one.services for one in groups}) == 1 else group.services
    return Run(services, related, group.is_related, start)
