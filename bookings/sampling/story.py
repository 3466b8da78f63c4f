"""What happens in the sample history: visits of holders to carriers over time, and all that follows from each.

Everything stands on one queue of instants; what lies on or after the day of the world has not happened yet. That leaves applications and
claims with the bureau, money approved and not paid, and bookings ahead, as on any day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

import numpy as np

from bookings.checkout import Wish
from bookings.sampling import money, trade
from bookings.sampling.books import Books, Now, Row
from bookings.sampling.cast import Carrier, Holder, Stage, drawn
from bookings.sampling.money import Purse
from bookings.sampling.trade import Deal, Offer
from bookings.slots import Interval, sessions
from core.actor import Actor
from core.clock import SHANGHAI, business_date
from vouchers import rules

_TRIES: Final = 8
"""Holders who are asked before a visit is given up: the caps of one are no reason for another to stay at home."""

_KEPT: Final = 10_000_000
"""Fen of each budget that the story leaves to those whose voucher is certain."""

_JOBS: Final = 0.4
"""Part of the visits that are for development, where the carrier offers it."""

_ENOUGH: Final = 6
"""Tenths of what the policy would give that a voucher must still pay, or its holder applies for a new one first."""

_RETURNED, _REFUSED = 0.04, 0.03
"""Parts of the applications that a reviewer returns (they pass when they come again) and refuses."""

_UNANSWERED, _CALLED_OFF, _CHANGED = 0.025, 0.02, 0.02
"""Parts of the orders that nobody answers, that the carrier calls off, and that the enterprise calls off after the carrier's yes."""

_CLAIMED: Final = 0.94
"""Part of the settled orders whose money is claimed."""

_CLAIM_RETURNED, _CLAIM_REFUSED = 0.03, 0.005
"""Parts of the claims that a reviewer returns and refuses."""


@dataclass
class Story:
    """The state of the world while it is told."""

    books: Books
    rng: np.random.Generator
    end: datetime
    taken: set[tuple[int, datetime]] = field(default_factory=set)
    purses: dict[tuple[int, int], list[Purse]] = field(default_factory=lambda: defaultdict(list))
    pending: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    spent: dict[tuple[Any, ...], int] = field(default_factory=lambda: defaultdict(int))
    left: dict[int, int] = field(default_factory=dict)
    queue: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    numbers: count[int] = field(default_factory=lambda: count(1))

    def at(self, when: datetime, what: Callable[[datetime], None]) -> None:
        """Let `what` happen at the instant `when`; nothing happens on or after the end."""
        if when < self.end:
            heappush(self.queue, (when, next(self.numbers), what))

    def now(self, when: datetime) -> Now:
        """Return the books at the instant `when`."""
        return Now(self.books, when)

    def tell(self) -> None:
        """Let everything happen in the order of time."""
        while self.queue:
            when, _, what = heappop(self.queue)
            what(when)

    def chance(self, share: float) -> bool:
        """Say yes in `share` of all cases."""
        return bool(self.rng.random() < share)

    def later(self, when: datetime, least: float, most: float) -> datetime:
        """Return an instant of office hours `least` to `most` days after `when`."""
        found = (when + timedelta(days=float(self.rng.uniform(least, most)))).astimezone(SHANGHAI)
        day, minutes = found.date(), int(self.rng.integers(0, 480))
        while day.isoweekday() > 5 or office(day, minutes) <= when:
            day += timedelta(days=1)
        return office(day, minutes)


@dataclass(frozen=True)
class Visit:
    """A holder wants an offer under a policy; `sure`: nobody calls it off."""

    stage: Stage
    holder: Holder
    offer: Offer
    tries: int = 0
    sure: bool = False


@dataclass(frozen=True)
class Claimed:
    """A deal and the row of its claim."""

    deal: Deal
    row: Row


@dataclass(frozen=True)
class Paper:
    """An application under review, the visit that waits for its voucher, and whether it is certain to pass."""

    on: Stage
    row: Row
    come: Visit | None
    sure: bool


def office(day: date, minutes: int) -> datetime:
    """Return the instant `minutes` after nine o'clock in Asia/Shanghai."""
    return datetime.combine(day, time(9), SHANGHAI) + timedelta(minutes=minutes)


def choose(story: Story, on: Stage, holder: Holder | None = None, *, tries: int = 0) -> Visit:
    """Draw who goes where: a holder by its chance, a carrier that is not related to it by its chance, and one of its offers."""
    rng = story.rng
    who = holder or on.holders[drawn(on.holder_chances, rng)]
    carrier = on.carriers[drawn(on.carrier_chances, rng)]
    while carrier.controller and carrier.controller == who.controller:
        carrier = on.carriers[drawn(on.carrier_chances, rng)]
    return Visit(on, who, _offer(story, carrier), tries)


def visit(story: Story, wanted: Visit, when: datetime) -> None:
    """Place the order if a voucher pays enough of it, else apply for one and come again, else let somebody else go."""
    scheme, best = wanted.stage.scheme, _best_purse(story, wanted, when)
    share = rules.rule(scheme.terms, rules.Deal(wanted.offer.price, wanted.offer.service)).amount
    ruling = _ruling(story, wanted, best, when) if best else None
    if best and ruling and ruling.amount * 10 >= share * _ENOUGH:
        if _place(story, wanted, best, ruling=ruling, when=when):
            return
    elif apply(story, wanted, when):
        return
    if wanted.tries < _TRIES:
        visit(story, choose(story, wanted.stage, tries=wanted.tries + 1), when)


def apply(story: Story, wanted: Visit, when: datetime, *, amount: int | None = None, again: bool = True) -> bool:
    """Ask for a voucher within all caps and come again when it is there; say whether that could be done."""
    holder, scheme, caps = wanted.holder, wanted.stage.scheme, wanted.stage.scheme.terms.caps
    largest = caps.per_application or 5_000_000
    amount = amount or int(story.rng.choice((largest // 2, largest * 3 // 4, largest)))
    key, budget = (holder.id, scheme.version_id), scheme.budgets.get(business_date(when).year)
    unspent = sum(purse.available + purse.held for purse in story.purses[key])
    if budget is None or story.pending[key] or (caps.holding and unspent + amount > caps.holding):
        return False
    if story.left[budget["id"]] < amount + (_KEPT if again else 0):
        return False
    if caps.per_year and story.spent[key[0], scheme.terms.id, business_date(when).year] + unspent + amount > caps.per_year:
        return False
    story.left[budget["id"]] -= amount
    story.pending[key] += 1
    row = money.apply(story.now(when), holder.actor, scheme=scheme, amount=amount, purpose=f"示例：{wanted.offer.type_name}的测试和研发服务")
    paper = Paper(wanted.stage, row, wanted if again else None, wanted.sure)
    story.at(story.later(when, 0.5, 8), lambda at: _decide(story, paper, at))
    return True


def _decide(story: Story, paper: Paper, when: datetime, *, first: bool = True) -> None:
    officer, scheme, row, come, luck = paper.on.officers.reviewer, paper.on.scheme, paper.row, paper.come, story.rng.random()
    key = (row["holder_id"], scheme.version_id)
    if first and luck < _RETURNED and not paper.sure:
        money.decide(story.now(when), officer, row=row, event="return", scheme=scheme, reason="示例：请补充服务内容说明")
        story.at(story.later(when, 1, 5), lambda at: _send_again(story, paper, at))
        return
    story.pending[key] -= 1
    if first and luck > 1 - _REFUSED and not paper.sure:
        money.decide(story.now(when), officer, row=row, event="refuse", scheme=scheme, reason="示例：内容已由市级项目资助")
        story.left[row["budget_id"]] += row["amount"]
        return
    purse = money.decide(story.now(when), officer, row=row, event="pass", scheme=scheme)
    if purse is None:
        return
    story.purses[key].append(purse)
    story.at(datetime.combine(purse.row["expires_use"] + timedelta(days=1), time(0, 10), SHANGHAI), lambda at: _expire(story, key, purse, at))
    if come:
        story.at(story.later(when, 0.1, 8), lambda at: visit(story, come, at))


def _send_again(story: Story, paper: Paper, when: datetime) -> None:
    holder = next(holder for holder in paper.on.holders if holder.id == paper.row["holder_id"])
    money.resume(story.now(when), holder.actor, row=paper.row)
    story.at(story.later(when, 0.2, 3), lambda at: _decide(story, paper, at, first=False))


def _expire(story: Story, key: tuple[int, int], purse: Purse, when: datetime) -> None:
    money.expire(story.now(when), purse=purse)
    story.purses[key].remove(purse)


def _place(story: Story, wanted: Visit, purse: Purse, *, ruling: rules.Ruling, when: datetime) -> bool:
    """Place the order on a free slot and let an answer follow; say whether there was a slot."""
    offer, slot = wanted.offer, _slot(story, wanted.offer, when)
    if slot is None:
        return False
    need = f"示例：{offer.type_name}" + ("，委托开发" if offer.service.endswith("_rd") else "")
    wish = Wish(offer.instrument_id, *slot, offer.service, voucher=purse.row["id"], need=need)
    deal = trade.place(story.now(when), wanted.holder.actor, wish, offer=offer, purse=purse, ruling=ruling)
    story.taken.add((wanted.offer.instrument_id, slot[0]))
    _spend(story, wanted, when, ruling.amount)
    hours = (deal.order["answer_by"] - when) / timedelta(days=1)
    answer = when + timedelta(days=hours * float(story.rng.uniform(0.05, 0.9)))
    luck = 1.0 if wanted.sure else story.rng.random()
    if luck < _UNANSWERED:
        story.at(deal.order["answer_by"] + timedelta(minutes=10), lambda at: _fall_through(story, wanted, deal, at))
    elif luck < _UNANSWERED + _CALLED_OFF:
        story.at(answer, lambda at: _call_off(story, wanted, deal, at))
    else:
        story.at(answer, lambda at: _accept(story, wanted, deal, at, called_off=luck < _UNANSWERED + _CALLED_OFF + _CHANGED))
    return True


def _accept(story: Story, wanted: Visit, deal: Deal, when: datetime, *, called_off: bool) -> None:
    trade.accept(story.now(when), _carrier(wanted, deal), deal=deal)
    start, end = deal.booking["span"].lower, deal.booking["span"].upper
    notice = start - timedelta(hours=wanted.offer.notice_hours + 2)
    if called_off and notice > when:
        story.at(when + (notice - when) / 2, lambda at: _call_off(story, wanted, deal, at, by_holder=True))
        return
    story.at(story.later(end, 0.1, max(0.5, wanted.offer.report_days)), lambda at: _deliver(story, wanted, deal, at))


def _deliver(story: Story, wanted: Visit, deal: Deal, when: datetime) -> None:
    trade.deliver(story.now(when), _carrier(wanted, deal), deal=deal, number=f"SL-BG-{deal.order['id']:06d}")
    story.at(story.later(when, 0.1, 4), lambda at: _confirm(story, wanted, deal, at))


def _confirm(story: Story, wanted: Visit, deal: Deal, when: datetime) -> None:
    trade.confirm(story.now(when), wanted.holder.actor, deal=deal)
    story.at(story.later(when, 0.5, 10), lambda at: _settle(story, wanted, deal, at))


def _settle(story: Story, wanted: Visit, deal: Deal, when: datetime) -> None:
    numbers = (f"SL-FP-{deal.order['id']:06d}", f"SL-HD-{deal.order['id']:06d}")
    trade.settle(story.now(when), wanted.holder.actor, deal=deal, numbers=numbers)
    if story.chance(_CLAIMED) or wanted.sure:
        story.at(story.later(when, 1, 20), lambda at: _claim(story, wanted, deal, at))


def _claim(story: Story, wanted: Visit, deal: Deal, when: datetime) -> None:
    payee = wanted.holder.actor if wanted.stage.scheme.terms.payee == "enterprise" else _carrier(wanted, deal)
    sure = deal.claim is not None or wanted.sure
    row = trade.claim(story.now(when), payee, deal=deal)
    story.at(story.later(when, 0.5, 9), lambda at: _review(story, wanted, Claimed(deal, row), at, sure=sure))


def _review(story: Story, wanted: Visit, of: Claimed, when: datetime, *, sure: bool) -> None:
    officer, luck = wanted.stage.officers.reviewer, 1.0 if sure else story.rng.random()
    if luck < _CLAIM_RETURNED:
        money.review(story.now(when), officer, row=of.row, event="return", reason="示例：发票抬头与合同不一致，请更正")
        story.at(story.later(when, 1, 9), lambda at: _claim(story, wanted, of.deal, at))
    elif luck < _CLAIM_RETURNED + _CLAIM_REFUSED:
        money.review(story.now(when), officer, row=of.row, event="refuse", reason="示例：服务内容不在可用范围")
    else:
        money.review(story.now(when), officer, row=of.row, event="check_ok")
        story.at(story.later(when, 0.5, 6), lambda at: _approve(story, wanted, of, at))


def _approve(story: Story, wanted: Visit, of: Claimed, when: datetime) -> None:
    money.approve(story.now(when), wanted.stage.officers.approver, row=of.row)
    story.at(story.later(when, 1, 12), lambda at: _pay(story, wanted, of, at))


def _pay(story: Story, wanted: Visit, of: Claimed, when: datetime) -> None:
    number = f"SL-BF-{of.row['id']:06d}"
    money.pay(story.now(when), wanted.stage.officers.payer, row=of.row, purse=of.deal.purse, bank_reference=number)


def _call_off(story: Story, wanted: Visit, deal: Deal, when: datetime, *, by_holder: bool = False) -> None:
    actor = wanted.holder.actor if by_holder else _carrier(wanted, deal)
    trade.cancel(story.now(when), actor, deal=deal, reason="示例：改期" if by_holder else "示例：仪器检修")
    _free(story, wanted, deal)


def _fall_through(story: Story, wanted: Visit, deal: Deal, when: datetime) -> None:
    trade.timeout(story.now(when), deal=deal)
    _free(story, wanted, deal)


def _free(story: Story, wanted: Visit, deal: Deal) -> None:
    story.taken.discard((deal.offer.instrument_id, deal.booking["span"].lower))
    _spend(story, wanted, deal.order["created_at"], -deal.order["voucher_part"])


def _spend(story: Story, wanted: Visit, when: datetime, amount: int) -> None:
    policy, year = wanted.stage.scheme.terms.id, business_date(when).year
    story.spent[wanted.holder.id, policy, year] += amount
    story.spent["group", wanted.holder.group, policy, year] += amount


def _best_purse(story: Story, wanted: Visit, when: datetime) -> Purse | None:
    """Return the usable voucher that pays most, the first to expire among equals."""
    day = business_date(when)
    usable = [p for p in story.purses[wanted.holder.id, wanted.stage.scheme.version_id] if p.available and day <= p.row["expires_use"]]
    return max(usable, key=lambda p: (min(p.available, wanted.offer.price), -p.row["id"]), default=None)


def _ruling(story: Story, wanted: Visit, purse: Purse, when: datetime) -> rules.Ruling:
    policy, year, offer = wanted.stage.scheme.terms, business_date(when).year, wanted.offer
    own, group = story.spent[wanted.holder.id, policy.id, year], story.spent["group", wanted.holder.group, policy.id, year]
    return rules.rule(policy, rules.Deal(offer.price, offer.service, frozenset(), purse.available, own, group))


def _slot(story: Story, offer: Offer, when: datetime) -> Interval | None:
    """Return a free session of the instrument, from one to sixteen days ahead."""
    first = business_date(when) + timedelta(days=int(story.rng.integers(2, 16)))
    for offset in range(12):
        free = [slot for slot in sessions(offer.hours, first + timedelta(days=offset)) if (offer.instrument_id, slot[0]) not in story.taken]
        if free:
            return free[int(story.rng.integers(len(free)))]
    return None


def _offer(story: Story, carrier: Carrier) -> Offer:
    jobs = carrier.jobs if carrier.jobs and (story.chance(_JOBS) or not carrier.tests) else carrier.tests
    return jobs[int(story.rng.integers(len(jobs)))]


def _carrier(wanted: Visit, deal: Deal) -> Actor:
    """Return who acts for the carrier of an order."""
    return wanted.stage.people.operators[deal.offer.carrier_id]
