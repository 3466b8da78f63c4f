"""What a draft would have done to orders that were really placed: ruled again one by one in the order of time, beside the version of today. Pure.

Both columns are ruled by the same method, so that their difference is the draft's doing alone: every order is taken to be paid by a fresh voucher
as large as one application may be, the caps of a year begin empty on 1 January, and whoever bought keeps buying the same. What was really paid
stands beside. Amounts are fen; what comes out is exact, not an estimate, under these assumptions, which DEFINITION says in words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from core.errors import N_
from vouchers.rules import Clause, Deal, Ruling, rule
from vouchers.terms import Policy

DEFINITION: Final = (
    N_("算的是签约日在这一年里、合同还有效的订单：签约的、出了报告的、有争议的、已确认的、已付清的。取消的和还没签的不算。"),
    N_("每笔按同样的价格、服务和双方，先后用两份规则各算一遍：现行版本（最近发布的）和草稿。差额只来自规则。"),
    N_("每笔都当作用一张新券付：券面是“一次最多”和“手里最多”里小的一个。年度上限和集团上限从 1 月 1 日起按签约先后扣减。"),
    N_("企业会因为规则变了而多买少买，这里不猜。"),
)
"""What the figures mean, as message ids."""


@dataclass(frozen=True)
class Past:
    """One order as it was: day of contract, parties, price and what was paid by voucher and shares, fen; `group` is the actual controller."""

    order_id: int
    code: str
    on: date
    holder_id: int
    holder: str
    holder_kind: str
    size: str
    group: str | None
    region: str
    carrier_region: str | None
    service: str
    price: int
    paid: int
    attributes: frozenset[str] = frozenset()
    fund: str = ""


@dataclass(frozen=True)
class Line:
    """One order under both rules: the amounts in fen, the clause that decides now, and who pays which layer under the draft."""

    order: Past
    before: int
    after: int
    decided: Clause
    refused_before: bool
    layers: tuple[tuple[str, int], ...] = ()

    @property
    def change(self) -> int:
        """What the draft pays more (or less, below zero)."""
        return self.after - self.before

    @property
    def refused(self) -> bool:
        """Whether the draft pays nothing because a clause refuses."""
        return self.decided.outcome == "refuse"


@dataclass(frozen=True)
class Sum:
    """The orders of one county, service, size class, holder or clause: how many, and the sums in fen."""

    key: str
    orders: int
    paid: int
    before: int
    after: int
    more: int
    less: int

    @property
    def change(self) -> int:
        """What the draft pays more over all of them."""
        return self.after - self.before


@dataclass(frozen=True)
class Purse:
    """What the policy's own funder pays of the year under the draft, against its budget: fen; `adopted` is None where no budget was given.

    `short_on` is the day on which the budget would have been used up, with the order that no longer fits.
    """

    adopted: int | None
    before: int
    cost: int
    short_on: date | None = None
    short_order: str = ""

    @property
    def holds(self) -> bool:
        """Whether the budget suffices for what the draft pays."""
        return self.adopted is not None and self.cost <= self.adopted


@dataclass(frozen=True)
class Simulation:
    """All lines in the order of time and what they add up to."""

    lines: tuple[Line, ...]
    total: Sum
    purse: Purse
    layers: tuple[tuple[str, int], ...]

    def by(self, name: str) -> tuple[Sum, ...]:
        """Add up by "region", "service", "size" or "holder", the largest change first."""
        return _sums(self.lines, KEYS[name])

    @property
    def refused(self) -> tuple[tuple[Clause, tuple[Line, ...]], ...]:
        """The orders that the draft would have refused and today's rules would not, by clause, most orders first."""
        found: dict[str, list[Line]] = defaultdict(list)
        for line in self.lines:
            if line.refused and not line.refused_before:
                found[line.decided.code].append(line)
        groups = [(lines[0].decided, tuple(lines)) for lines in found.values()]
        return tuple(sorted(groups, key=lambda group: -len(group[1])))

    @property
    def spread(self) -> tuple[tuple[int, int, int], ...]:
        """How many holders gain or lose how much: (from, below, holders) in fen, with bounds at which nobody's change is cut."""
        changes = [one.change for one in self.by("holder")]
        return tuple((low, high, sum(low <= change < high for change in changes)) for low, high in STEPS)


BOUNDS: Final = (-(10**15), -2_000_000, -500_000, -100_000, 0, 1, 100_001, 500_001, 2_000_001, 10**15)
STEPS: Final = tuple(pairwise(BOUNDS))
"""Steps of the spread, fen: losing 20,000 yuan and more … nothing changes … gaining more than 20,000."""

KEYS: Final[dict[str, Callable[[Past], str]]] = {
    "region": lambda order: order.region,
    "service": lambda order: order.service,
    "size": lambda order: order.size,
    "holder": lambda order: str(order.holder_id),
}


class Book:
    """What a version pays order after order: it keeps what each holder, purse and group used in each calendar year."""

    def __init__(self, terms: Policy) -> None:
        self.terms = terms
        self.own: dict[tuple[int, int], int] = defaultdict(int)
        self.purse: dict[tuple[int, str, int], int] = defaultdict(int)
        self.whole: dict[tuple[str, int], int] = defaultdict(int)
        bounds = [cap for cap in (terms.caps.per_application, terms.caps.holding) if cap is not None]
        self.face = min(bounds, default=None)
        self.kinds = frozenset(terms.eligibility.applicant_types)

    def pay(self, order: Past) -> Ruling:
        """Rule on the next order in time and count what it uses; a kind of holder that may not apply is refused before the rules."""
        if order.holder_kind not in self.kinds:
            text = N_("这类单位不能申领：申领对象里没有它。")
            return Ruling(0, (Clause("applicant", "refuse", N_("申领对象"), text, {}, self.terms.source("eligibility.applicant_types")),))
        fund = order.fund if self.terms.fund(order.fund) else ""
        year = order.on.year
        mine, purse, ours = (order.holder_id, year), (order.holder_id, fund, year), (order.group or f"#{order.holder_id}", year)
        deal = Deal(
            order.price,
            order.service,
            order.attributes,
            balance=self.face,
            used_year=self.own[mine],
            group_used=self.whole[ours],
            region=order.region,
            carrier_region=order.carrier_region,
            fund=fund or None,
            fund_used=self.purse[purse],
        )
        ruling = rule(self.terms, deal)
        self.own[mine] += ruling.amount
        self.purse[purse] += ruling.amount
        self.whole[ours] += ruling.amount
        return ruling


def simulate(orders: Iterable[Past], *, now: Policy | None, draft: Policy, adopted: int | None) -> Simulation:
    """Rule on `orders` under today's version (None: there is none, it pays nothing) and under `draft`; `adopted` is the year's budget in fen."""
    book, today = Book(draft), Book(now) if now else None
    ordered = sorted(orders, key=lambda one: (one.on, one.order_id))
    lines, own_before = [], 0
    for order in ordered:
        old = today.pay(order) if today else Ruling(0, ())
        own_before += old.layers[0].amount if old.layers else 0
        lines.append(_line(order, old, book.pay(order)))
    totals: dict[str, int] = defaultdict(int)
    for line in lines:
        for funder, amount in line.layers:
            totals[funder] += amount
    whole = _sums(lines, lambda _: "")
    purse = _purse(lines, adopted=adopted, before=own_before)
    return Simulation(tuple(lines), whole[0] if whole else Sum("", 0, 0, 0, 0, 0, 0), purse, tuple(totals.items()))


def _line(order: Past, old: Ruling, new: Ruling) -> Line:
    layers = tuple((layer.funder, layer.amount) for layer in new.layers)
    return Line(order, old.amount, new.amount, _decided(new), old.refusal is not None, layers)


def _decided(ruling: Ruling) -> Clause:
    """Return the clause that refuses, else the narrowest bound that decided the amount, the caps before the tiers that are always there."""
    bounds = [clause for clause in ruling.clauses if clause.outcome == "limit"]
    return ruling.refusal or next(
        (clause for clause in reversed(bounds) if clause.bound == ruling.amount), bounds[0] if bounds else ruling.clauses[0]
    )


def _purse(lines: Sequence[Line], *, adopted: int | None, before: int) -> Purse:
    cost, short = 0, None
    for line in lines:
        cost += line.layers[0][1] if line.layers else 0
        if short is None and adopted is not None and cost > adopted:
            short = line.order
    return Purse(adopted, before, cost, short.on if short else None, short.code if short else "")


def _sums(lines: Iterable[Line], key: Callable[[Past], str]) -> tuple[Sum, ...]:
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        groups[key(line.order)].append(line)
    found = [_sum(name, group) for name, group in groups.items()]
    return tuple(sorted(found, key=lambda one: (-abs(one.change), -one.after, one.key)))


def _sum(name: str, lines: Sequence[Line]) -> Sum:
    return Sum(
        name,
        len(lines),
        sum(line.order.paid for line in lines),
        sum(line.before for line in lines),
        sum(line.after for line in lines),
        sum(line.change > 0 for line in lines),
        sum(line.change < 0 for line in lines),
    )
