"""The papers of the sample history: which voucher pays what of which order, told visit by visit in the order of time, within every cap.

Applications lie before the orders that need them; vouchers that nobody uses are added until as much was issued for what was used as the paper
tells. Developments and tests are taken so that the mean voucher part is the paper's.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from heapq import heappop, heappush
from random import Random
from typing import Final

import numpy as np

from bookings.sampling.cast import Cast, Scheme
from bookings.sampling.schedule import Schedule
from bookings.sampling.times import DAY, NEVER, Ints, days_since_1970, is_free
from bookings.sampling.visits import DONE, LEADERS_SERVICES, Visits
from geodata.sampling.organisations import CHANGXING
from vouchers import rules
from vouchers.lifecycle import add_months

MEAN: Final = 498_000_000 * 100 / 40_299
"""Fen of a voucher used for one service: 498 million yuan, 40,299 services."""
LEADERS_MONEY: Final = 0.24
USED: Final = 26.94 / 52.34
"""Part of what was issued that was used, as the paper tells of 长兴."""

_ENOUGH: Final = 6
"""Tenths of what the policy would give that a voucher must still pay, or its holder applies for a new one first."""
_SHORT: Final = 0.25
"""Part of the applications for less than half of the contract, where the steps of the policy allow it: universities were paid 48 % in the mean."""
_RETURNED, _REFUSED = 0.04, 0.06
"""Parts of the applications that a reviewer returns (they pass when they come again), and of those without an order that are refused."""
_TRIES: Final = 24
_WINDOW: Final = 40
"""Services over which money that runs ahead or behind is made up for."""
PURPOSE: Final = "示例：新产品研发中的检测和委托开发"
_EAST: Final = 8 * 3600
_LARGEST: Final = 5_000_000


@dataclass
class Applications:
    """Applications for vouchers: numbers of holder and scheme, fen, instants (seconds; `NEVER`: not); refused ones have no voucher."""

    holder: list[int] = field(default_factory=list)
    scheme: list[int] = field(default_factory=list)
    amount: list[int] = field(default_factory=list)
    submitted: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)
    decided: list[int] = field(default_factory=list)
    refused: list[bool] = field(default_factory=list)
    purpose: list[str] = field(default_factory=list)


@dataclass
class Deals:
    """Orders that were placed: number of the application whose voucher pays, of the holder, of the row in the schedule; fen; the ruling's clauses."""

    application: list[int] = field(default_factory=list)
    holder: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    amount: list[int] = field(default_factory=list)
    clauses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Grant:
    """A voucher of `amount` fen that a holder (number) asks for at an instant, come what may."""

    at: int
    holder: int
    amount: int


@dataclass
class _Purse:
    """A voucher while the story is told: what is free on it, until when, and what was taken of it with the instant at which it was used up."""

    application: int
    face: int
    submitted: int
    decided: int
    expires: int
    refused: bool
    free: int
    parts: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class _Purpose:
    """What one sort of visit is to cost in the mean, and what it has cost so far."""

    mean: float
    test: float
    job: float
    count: int = 0
    used: int = 0

    def chance(self) -> float:
        """Return the chance of a development that leads to the mean."""
        span = max(1.0, self.job - self.test)
        return (self.mean - self.test) / span + (self.mean * self.count - self.used) / (_WINDOW * span)


@dataclass(frozen=True)
class Span:
    """The instants after which each scheme (number) takes applications, and the end of the story (seconds)."""

    first: Sequence[int]
    end: int


class Planner:
    """Tells the story: `run` gives the papers."""

    def __init__(self, cast: Cast, visits: Visits, found: Schedule, *, span: Span, luck: Random) -> None:
        self.cast, self.visits, self.found, self.end, self.first, self.luck = cast, visits, found, span.end, span.first, luck
        self.applications, self.deals = Applications(), Deals()
        self._purses: dict[int, list[_Purse]] = defaultdict(list)
        self._spent: dict[tuple[tuple[int, int] | int, int], int] = defaultdict(int)
        self._freed: list[tuple[int, int, int, int, int, _Purse]] = []
        self._served: dict[tuple[str, int], list[int]] = defaultdict(list)
        self._issued: dict[str, int] = defaultdict(int)
        self._used: dict[str, int] = defaultdict(int)
        self._lists()

    def run(self, grants: Sequence[Grant]) -> tuple[Applications, Deals]:
        """Tell everything in the order of time and return the papers."""
        waiting = sorted(grants, key=lambda grant: grant.at, reverse=True)
        for n in np.argsort(self.found.placed, kind="stable").tolist():
            while waiting and waiting[-1].at <= self._placed[n]:
                self._grant(waiting.pop())
            self._tell(n)
        for grant in reversed(waiting):
            self._grant(grant)
        return self.applications, self.deals

    def ask_at(self, holder: int, submitted: int) -> bool:
        """Let a holder ask for a voucher without an order in view; say whether its caps allowed it."""
        steps, decided, refused = self._steps(holder), self._later(submitted, 0.3, 6), self.luck.random() < _REFUSED
        before = self._purses[holder]
        if submitted >= self.end or (before and submitted <= before[-1].decided) or submitted <= self.first[self._scheme[holder]]:
            return False
        amount = next((step for step in self.luck.sample(steps, len(steps)) if self._fits(holder, submitted, step)), 0)
        if amount:
            self._file(holder, amount, (submitted, NEVER, NEVER, decided), refused=refused)
        return bool(amount)

    def _lists(self) -> None:
        """Keep what is looked at for each visit as plain numbers."""
        cast, found, visits = self.cast, self.found, self.visits
        self._placed, self._confirmed, self._cancelled = found.placed.tolist(), found.confirmed.tolist(), found.cancelled.tolist()
        self._scheme, self._groups = cast.holders.scheme.tolist(), cast.holders.groups.tolist()
        self._towns = [CHANGXING if code == CHANGXING else code[:4] for code in cast.holders.adcodes]
        neighbours: dict[tuple[str, int], list[int]] = defaultdict(list)
        alone = set(visits.holder[visits.sure].tolist())
        for n, key in enumerate(zip(self._towns, self._scheme, strict=True)):
            if n not in alone:
                neighbours[key].append(n)
        self._neighbours = neighbours
        offer = found.offer
        scheme = np.tile(cast.holders.scheme[visits.holder], 2)
        self._price = np.where(offer >= 0, cast.offers.price[offer], 0)
        self._full = full_parts(cast.schemes, scheme, self._price)
        self._service = [cast.services[n] for n in cast.offers.service[offer].tolist()]
        self._purposes = {lead: self._purpose(lead) for lead in (False, True)}

    def _purpose(self, lead: bool) -> _Purpose:
        count = len(self.visits)
        rows = np.flatnonzero(
            (self.visits.end == DONE) & (self.visits.leading == lead) & (self.found.offer[:count] >= 0) & (self.found.offer[count:] >= 0)
        )
        share, money = (LEADERS_SERVICES, LEADERS_MONEY) if lead else (1 - LEADERS_SERVICES, 1 - LEADERS_MONEY)
        if not len(rows):
            return _Purpose(MEAN, 0.0, MEAN * 1.4)
        return _Purpose(MEAN * money / share, float(self._full[rows].mean()), float(self._full[rows + count].mean()))

    def _tell(self, n: int) -> None:
        """Place the visit, with its holder or another of the town; add what the town has issued too little."""
        self._free_until(self._placed[n])
        purpose, count = self._purposes[bool(self.visits.leading[n])], len(self.visits)
        wants_job = self.visits.luck[n] < purpose.chance()
        rows = [row for row in ((n + count, n) if wants_job else (n, n + count)) if self.found.offer[row] >= 0]
        for holder in self._candidates(n):
            amount = next((part for row in rows if (part := self._place(n, row, holder))), 0)
            if amount:
                break
        else:
            return
        if self.visits.end[n] == DONE:
            purpose.count += 1
            purpose.used += amount
            self._used[self._towns[holder]] += amount
        served = self._served[self._towns[holder], self._scheme[holder]]
        if not self.visits.sure[n] and len(self._purses[holder]) == 1:
            served.append(holder)
        self._even_out(holder, self._placed[n])

    def _candidates(self, n: int) -> Iterator[int]:
        holder = int(self.visits.holder[n])
        yield holder
        others = self._neighbours[self._towns[holder], self._scheme[holder]]
        for _ in range(_TRIES if others and not self.visits.sure[n] else 0):
            yield self.luck.choice(others)

    def _place(self, n: int, row: int, holder: int) -> int:
        """Pay for the offer of a row with the holder's best voucher, or a new one; return the voucher's part, 0 when it cannot be done."""
        at, full, scheme = self._placed[n], int(self._full[row]), self.cast.schemes[self._scheme[holder]]
        group = self._groups[holder]
        if not _allowed(scheme, self._service[row]) or (group and group == int(self.cast.offers.group[self.found.offer[row]])):
            return 0
        year = _year(at)
        own, shared = self._spent[holder, year], self._spent[self._group(holder), year]
        caps = scheme.terms.caps
        most = min(full, *(cap - spent for cap, spent in ((caps.per_year, own), (caps.group_per_year, shared)) if cap))
        if most * 10 < full * _ENOUGH:
            return 0
        purse = self._best(holder, at, int(self._price[row]))
        if purse is None or min(most, purse.free) * 10 < full * _ENOUGH:
            purse = self._apply(holder, at, most, full)
        if purse is None:
            return 0
        home, place = self.cast.holders.adcodes[holder], self.cast.offers.region[int(self.found.offer[row])]
        asked = rules.Deal(int(self._price[row]), self._service[row], frozenset(), purse.free, own, shared, region=home, carrier_region=place)
        ruling = rules.rule(scheme.terms, asked)
        if not ruling.amount:
            return 0
        self._take(purse, holder, row, amount=ruling.amount)
        self.deals.clauses.append(json.dumps([clause.as_json() for clause in ruling.clauses], ensure_ascii=False))
        return ruling.amount

    def _take(self, purse: _Purse, holder: int, row: int, *, amount: int) -> None:
        for name, value in (("application", purse.application), ("holder", holder), ("row", row), ("amount", amount)):
            getattr(self.deals, name).append(value)
        purse.free -= amount
        purse.parts.append((self._confirmed[row], amount))
        year = _year(self._placed[row % len(self.visits)])
        self._spend(holder, year, amount)
        if self._cancelled[row] < NEVER:
            heappush(self._freed, (self._cancelled[row], len(self.deals.row), holder, year, amount, purse))

    def _spend(self, holder: int, year: int, amount: int) -> None:
        self._spent[holder, year] += amount
        if self._groups[holder]:
            self._spent[self._group(holder), year] += amount

    def _group(self, holder: int) -> tuple[int, int] | int:
        """Return who shares a holder's cap: its controller's group under the same policy, or itself."""
        group = self._groups[holder]
        return (group, self._scheme[holder]) if group else holder

    def _free_until(self, at: int) -> None:
        """Give back what was called off before `at`."""
        while self._freed and self._freed[0][0] <= at:
            when, _, holder, year, amount, purse = heappop(self._freed)
            self._spend(holder, year, -amount)
            purse.free += amount if when < purse.expires else 0

    def _best(self, holder: int, at: int, price: int) -> _Purse | None:
        """Return the usable voucher that pays most, the first among equals."""
        usable = [p for p in self._purses[holder] if p.free and not p.refused and p.decided < at < p.expires]
        return max(usable, key=lambda p: (min(p.free, price), -p.application), default=None)

    def _apply(self, holder: int, at: int, need: int, full: int) -> _Purse | None:
        """Ask for a voucher before `at` that pays `need` or enough of it."""
        times = self._times_before(holder, at)
        if times is None:
            return None
        steps = [step for step in self._steps(holder) if step * 10 >= full * _ENOUGH]
        short, whole = [s for s in steps if s < need][::-1], [s for s in steps if s >= need]
        town = self._towns[holder]
        if self._issued[town] < self._used[town] / USED:
            whole.reverse()
        wanted = [*short, *whole] if self.luck.random() < _SHORT else [*whole, *short]
        amount = next((step for step in wanted if self._fits(holder, times[0], step)), None)
        return self._file(holder, amount, times) if amount else None

    def _times_before(self, holder: int, at: int) -> tuple[int, int, int, int] | None:
        """Return instants before `at` to submit, be returned, submit again and pass, after all that the holder asked for before."""
        before = max([p.decided for p in self._purses[holder][-1:]] + [self.first[self._scheme[holder]]])
        room = (at - before) / DAY
        if room < 1.5:
            return None
        again, most = room > 30 and self.luck.random() < _RETURNED, min(8.0, room / 3)
        decided = self._earlier(at, 0.1, most)
        resumed = self._earlier(decided, 0.2, 3) if again else NEVER
        returned = self._earlier(resumed, 1, 5) if again else NEVER
        submitted = self._earlier(returned if again else decided, 0.2, min(6.0, most))
        return (submitted, returned, resumed, decided) if submitted > before else None

    def _file(self, holder: int, amount: int, times: tuple[int, int, int, int], *, refused: bool = False) -> _Purse:
        """Write the application down; what it gives counts as issued."""
        papers, scheme = self.applications, self.cast.schemes[self._scheme[holder]]
        number = len(papers.holder)
        values = (holder, self._scheme[holder], amount, *times, refused, PURPOSE)
        for column, value in zip(vars(papers).values(), values, strict=True):
            column.append(value)
        last = add_months(_date(times[3]), scheme.terms.use_window.months)
        expires = (days_since_1970(last) + 1) * DAY - _EAST
        purse = _Purse(number, amount, times[0], times[3], expires, refused, 0 if refused else amount)
        self._purses[holder].append(purse)
        self._issued[self._towns[holder]] += 0 if refused or times[3] >= self.end else amount
        return purse

    def _grant(self, grant: Grant) -> None:
        decided = self._later(grant.at, 0.3, 3)
        self._file(grant.holder, grant.amount, (grant.at, NEVER, NEVER, decided))

    def _even_out(self, holder: int, at: int) -> None:
        """Let others of the town who were served before ask for vouchers until as much is issued for what is used as there should be."""
        town = self._towns[holder]
        others, least = self._served[town, self._scheme[holder]], self._steps(holder)[0]
        for _ in range(_TRIES if others else 0):
            if self._issued[town] + least > self._used[town] / USED:
                return
            self.ask_at(self.luck.choice(others), self._later(at, 0, 3))

    def _fits(self, holder: int, at: int, amount: int) -> bool:
        """Say whether the holder's unspent vouchers allow another of `amount` at this instant."""
        cap = self.cast.schemes[self._scheme[holder]].terms.caps.holding
        return cap is None or self._unspent(holder, at) + amount <= cap

    def _unspent(self, holder: int, at: int) -> int:
        there = [p for p in self._purses[holder] if p.submitted <= at < p.expires and not (p.refused and p.decided <= at)]
        return sum(p.face - sum(part for used, part in p.parts if used <= at) for p in there)

    def _steps(self, holder: int) -> list[int]:
        largest = self.cast.schemes[self._scheme[holder]].terms.caps.per_application or _LARGEST
        return [largest // 2, largest * 3 // 4, largest]

    def _later(self, at: int, least: float, most: float) -> int:
        day, within = (at + int(self.luck.uniform(least, most) * DAY) + _EAST) // DAY, self._within()
        while _is_free(day) or day * DAY - _EAST + within <= at:
            day += 1
        return day * DAY - _EAST + within

    def _earlier(self, at: int, least: float, most: float) -> int:
        day, within = (at - int(self.luck.uniform(least, most) * DAY) + _EAST) // DAY, self._within()
        while _is_free(day) or day * DAY - _EAST + within >= at:
            day -= 1
        return day * DAY - _EAST + within

    def _within(self) -> int:
        return 9 * 3600 + int(self.luck.random() * 8 * 3600)


def full_parts(schemes: Sequence[Scheme], scheme: Ints, price: Ints) -> Ints:
    """Return what the tiers of each scheme give for prices in fen, each tier rounded down, as `vouchers.rules.tiers` does."""
    found = np.zeros(len(price), dtype=np.int64)
    for n, one in enumerate(schemes):
        rows, start = np.flatnonzero(scheme == n), 0
        for tier in one.terms.tiers:
            upto = NEVER if tier.upto is None else tier.upto
            part = np.clip(price[rows], start, upto) - start
            found[rows] += part * int(tier.ratio * 1_000_000) // 1_000_000
            start = upto
    return found


def _allowed(scheme: Scheme, service: str) -> bool:
    services = scheme.terms.services
    return service not in services.deny and ("*" in services.allow or service in services.allow)


@cache
def _is_free(day: int) -> bool:
    return bool(is_free(np.array([day]))[0])


def _date(at: int) -> date:
    return date(1970, 1, 1) + timedelta(days=(at + _EAST) // DAY)


def _year(at: int) -> int:
    return _date(at).year
