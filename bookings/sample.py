"""Lay the history of the sample world: about thirty months of services on vouchers under the policies in force, and the calendar ahead.

Every row is what the verbs would have written at that instant, with one audit record per change and every fen through the ledger, so all
`invariant_*` views stay empty. Who the persons are, is left to the caller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings.entities import Order
from bookings.sampling import money, story
from bookings.sampling.books import Books, write
from bookings.sampling.calendar import fill
from bookings.sampling.cast import Holder, People, Stage, offer_of, open_offers, stage
from bookings.sampling.money import Scheme
from bookings.sampling.story import Story, Visit, office
from core.clock import SHANGHAI
from geodata.sampling.organisations import DEMO_ENTERPRISES, FUNDERS
from geodata.sampling.world import SEED
from vouchers.lifecycle import add_months
from vouchers.policy import PolicyVersion

MONTHS: Final = 30
_BUDGET_PER_SERVICE: Final = 350_000
"""Fen adopted a year and funder for each service of the whole history: enough that money seldom runs out."""


def history(session: Session, people: People, *, day: date, services: int, seed: int = SEED) -> int:
    """Write about `services` services of the `MONTHS` months before `day` and the bookings ahead of it; return how many orders there are.

    The policies must be published and the organisations laid. `people` names who acts for each organisation and funder.
    """
    rng, books = np.random.default_rng([seed, day.toordinal()]), Books(session)
    offers = open_offers(session)
    stages = [stage(session, people, scheme=scheme, offers=offers, rng=rng) for scheme in _schemes(session, day)]
    told = Story(books, rng, datetime.combine(day, time(), SHANGHAI))
    for on in stages:
        _adopt_budgets(told, on, day, services * _BUDGET_PER_SERVICE)
        _demo(told, on, day)
        _yesterday(told, on, day)
    _visits(told, stages, day, services)
    told.tell()
    ahead = [offer_of(row) for row in offers if row.carrier_id in people.operators]
    fill(books, ahead, day=day, operators=people.operators, taken=told.taken)
    write(books)
    return len(books.rows[Order])


def _schemes(session: Session, day: date) -> Iterator[Scheme]:
    """Give the newest version of each policy of the sample's funders."""
    rows = session.scalars(
        select(PolicyVersion).where(PolicyVersion.funder.in_(FUNDERS)).order_by(PolicyVersion.policy, PolicyVersion.version.desc())
    )
    newest: dict[str, PolicyVersion] = {}
    for row in rows:
        newest.setdefault(row.policy, row)
    yield from (Scheme(row.id, row.terms) for row in newest.values() if row.valid_from <= day)


def _start(on: Stage, day: date) -> date:
    return max(add_months(day, -MONTHS), on.scheme.terms.valid_from)


def _adopt_budgets(told: Story, on: Stage, day: date, amount: int) -> None:
    """Let the treasury give each year's budget: at the start, then in the first days of January."""
    first = _start(on, day)
    for year in range(first.year, day.year + 1):
        when = office(max(date(year, 1, 2), first - timedelta(days=1)), 30)
        told.at(when, partial(_adopt, told, on, year, amount))


def _adopt(told: Story, on: Stage, year: int, amount: int, when: datetime) -> None:
    row = money.adopt(told.now(when), on.officers.approver, scheme=on.scheme, year=year, amount=amount)
    told.left[row["id"]] = amount


def _visits(told: Story, stages: Sequence[Stage], day: date, services: int) -> None:
    """Spread the visits over the months, rising towards the end, over the policies by their holders."""
    weights = np.array([len(on.holders) for on in stages], float)
    for n in told.rng.choice(len(stages), services, p=weights / weights.sum()):
        on = stages[int(n)]
        first = office(_start(on, day) + timedelta(days=4), 0)
        days = (told.end - first) / timedelta(days=1) * float(told.rng.random()) ** 0.8
        told.at(told.later(first + timedelta(days=days), 0, 0.5), partial(_visit, told, on))


def _visit(told: Story, on: Stage, when: datetime) -> None:
    wanted = story.choose(told, on)
    while wanted.holder.code in DEMO_ENTERPRISES:
        wanted = story.choose(told, on)
    story.visit(told, wanted, when)


def _demo(told: Story, on: Stage, day: date) -> None:
    """Give the demo enterprise of this policy an old service, a voucher with free money, and a booking ahead."""
    for holder in (holder for holder in on.holders if holder.code in DEMO_ENTERPRISES):
        for days, act in ((330, _demo_visit), (14, _demo_apply), (3, _demo_visit)):
            told.at(office(day - timedelta(days=days), 60), partial(act, told, on, holder))


def _demo_visit(told: Story, on: Stage, holder: Holder, when: datetime) -> None:
    wanted = story.choose(told, on, holder)
    while wanted.offer.service.endswith("_rd"):
        wanted = story.choose(told, on, holder)
    story.visit(told, replace(wanted, sure=True, tries=99), when)


def _demo_apply(told: Story, on: Stage, holder: Holder, when: datetime) -> None:
    wanted: Visit = replace(story.choose(told, on, holder), sure=True)
    story.apply(told, wanted, when, amount=on.scheme.terms.caps.per_application or 5_000_000, again=False)


def _yesterday(told: Story, on: Stage, day: date) -> None:
    """Let a few more apply on the last day, so that every desk has something on it."""
    for minutes in (10, 70, 200, 320):
        told.at(office(day - timedelta(days=1), minutes), partial(_apply_late, told, on))


def _apply_late(told: Story, on: Stage, when: datetime) -> None:
    for _ in range(10):
        if story.apply(told, story.choose(told, on), when):
            return
