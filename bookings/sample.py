"""Lay the history of the sample world: thirty months of services on vouchers under the policies in force, and the calendar ahead.

Every row is what the verbs would have written at that instant, with one audit record per change and every fen through the ledger, so all
`invariant_*` views stay empty. Who the persons are, is left to the caller. Each province is told by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from bookings.sampling.calendar import fill
from bookings.sampling.cast import Cast, cast_of
from bookings.sampling.journal import Journal
from bookings.sampling.orders import orders_of
from bookings.sampling.papers import Given, History, VoucherPapers
from bookings.sampling.plan import Applications, Grant, Planner, Span
from bookings.sampling.schedule import Window, schedule
from bookings.sampling.services import ServicePapers
from bookings.sampling.times import DAY, HOUR, Ints, days_since_1970, is_free, midnight, years
from bookings.sampling.visits import DONE, UNDER_WAY, draw_visits, joined, sure_visits
from geodata.sampling.organisations import DEMO_ENTERPRISES
from geodata.sampling.world import SEED, Size
from vouchers.lifecycle import add_months

MONTHS: Final = 30
_SETTLING_IN: Final = 12
"""Days from the first budget to the first order: vouchers are asked for between."""

_DEMO_DAYS: Final = (330, 14, 3)
"""Days before the end: the demo enterprises' old service, their application, their order on its way."""

_LATE: Final = 4
"""Applications of each policy on the last day, so that every desk has something on it."""


def history(session: Session, province: str, *, day: date, size: Size, seed: int = SEED) -> int:
    """Write `size.services` confirmed services of the `MONTHS` months before `day` and what surrounds them; return how many orders there are.

    The policies must be published, the organisations and their persons laid. A province without any of them has no history.
    """
    rng = np.random.default_rng([seed, day.toordinal(), int(province)])
    cast = cast_of(session, province, day)
    if not len(cast.holders.ids) or not len(cast.offers):
        return 0
    end, demo = int(midnight(days_since_1970(day))), [n for n, code in enumerate(cast.holders.codes) if code in DEMO_ENTERPRISES]
    visits = draw_visits(cast, size, rng, fixed=len(demo), apart=demo)
    if demo:
        visits = joined(visits, sure_visits(cast, list(_demo_visits(demo, day)), rng))
    begins = _begins(cast, day)
    window = Window((begins + _SETTLING_IN * DAY)[cast.holders.scheme[visits.holder]], end, visits.at)
    found = schedule(cast, visits, window, rng)
    planner = Planner(cast, visits, found, span=Span(begins.tolist(), end), luck=Random(int(rng.integers(1 << 62))))  # noqa: S311 (a story)
    applications, deals = planner.run(list(_demo_grants(cast, demo, day)))
    _ask_late(planner, cast, day)
    orders = orders_of(cast, deals, visits, found, rng)
    told = History(cast, _budgets(applications, begins, end), applications, orders, end)
    _write(session, told)
    return len(orders)


def calendar(session: Session, province: str, *, day: date, seed: int = SEED) -> int:
    """Give away about an eighth of the sessions of the weeks after `day` on the instruments of a province; return how many."""
    return fill(session, cast_of(session, province, day), day, np.random.default_rng([seed, day.toordinal(), int(province), 3]))


def _write(session: Session, told: History) -> None:
    journal = Journal()
    money = VoucherPapers(session, told, journal)
    services = ServicePapers(session, told, journal, money)
    journal.write(session)
    money.write()
    services.write()


def _begins(cast: Cast, day: date) -> Ints:
    """Return when the first budget of each scheme is given: `MONTHS` months before, or when it came into force."""
    first = [days_since_1970(max(add_months(day, -MONTHS), scheme.terms.valid_from)) for scheme in cast.schemes]
    return midnight(np.array(first, dtype=np.int64)) + 9 * HOUR + HOUR // 2


def _demo_visits(demo: list[int], day: date) -> Iterator[tuple[int, int, int]]:
    old, _, recent = (_office(day - timedelta(days=days), 60) for days in _DEMO_DAYS)
    for holder in demo:
        yield from ((holder, DONE, old), (holder, UNDER_WAY, recent))


def _demo_grants(cast: Cast, demo: list[int], day: date) -> Iterator[Grant]:
    """Let each demo enterprise hold a voucher with free money."""
    for holder in demo:
        most = cast.schemes[int(cast.holders.scheme[holder])].terms.caps.per_application or 5_000_000
        yield Grant(_office(_working(day - timedelta(days=_DEMO_DAYS[1])), 60), holder, most)


def _ask_late(planner: Planner, cast: Cast, day: date) -> None:
    """Let a few holders of each scheme ask on the last working day before `day`."""
    last = _working(day - timedelta(days=1))
    for scheme in range(len(cast.schemes)):
        holders = np.flatnonzero(cast.holders.scheme == scheme).tolist()
        asked = 0
        for minutes in range(0, 480, 12):
            asked += bool(holders) and asked < _LATE and planner.ask_at(planner.luck.choice(holders), _office(last, minutes))


def _budgets(applications: Applications, begins: Ints, end: int) -> list[Given]:
    """Return what each treasury gives a year: what was asked for and a third more, given on the second of January or at the beginning."""
    asked: dict[tuple[int, int], int] = {}
    for scheme, year, amount in zip(
        applications.scheme, years(np.array(applications.submitted, dtype=np.int64)).tolist(), applications.amount, strict=True
    ):
        asked[scheme, year] = asked.get((scheme, year), 0) + amount
    last = int(years(np.array([end - 1]))[0])
    for scheme in {scheme for scheme, _ in asked}:
        asked.setdefault((scheme, last), 0)
    found = []
    for (scheme, year), amount in asked.items():
        at = max(_office(date(year, 1, 2), 30), int(begins[scheme]))
        found.append(Given(scheme, year, at, (amount * 4 // 3 // 10_000_000 + 10) * 10_000_000))
    return sorted(found, key=lambda given: (given.at, given.scheme))


def _working(day: date) -> date:
    """Return the day, or the last working day before it."""
    while is_free(np.array([days_since_1970(day)]))[0]:
        day -= timedelta(days=1)
    return day


def _office(day: date, minutes: int) -> int:
    """Return the instant `minutes` after nine o'clock in Asia/Shanghai, in seconds."""
    return int(midnight(days_since_1970(day))) + 9 * HOUR + minutes * 60
