"""Write the papers of the sample history that make money: budgets, applications, vouchers. What it buys is in `services`.

Every row is what the verbs of `vouchers` and `bookings` would have written at that instant. What lies on or after the end has not happened yet.
That leaves applications and claims with the bureau, money approved and not paid, and bookings ahead, as on any day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from json import dumps
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from bookings.sampling.cast import Cast
from bookings.sampling.journal import Deed, Doers, Journal, clock, ranked
from bookings.sampling.orders import Orders
from bookings.sampling.plan import Applications
from bookings.sampling.times import NEVER, Ints, dates, day_of, days_since_1970, instants, midnight, years
from core.actor import Actor
from core.db import Base
from geodata.bulk import NOTHING, copy_columns, quoted, take_block
from vouchers import chart
from vouchers.entities import Application, Voucher
from vouchers.lifecycle import add_months
from vouchers.policy import Budget

EXPIRES_AFTER: Final = 600
"""Seconds after midnight at which the clock takes vouchers out of use."""

RETURN_REASON, REFUSE_REASON = "示例：请补充服务内容说明", "示例：内容已由市级项目资助"

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Given:
    """Money that a treasury gives: number of the scheme, calendar year, instant (seconds), fen."""

    scheme: int
    year: int
    at: int
    amount: int


@dataclass(frozen=True)
class History:
    """All that happens in a province until `end` (seconds)."""

    cast: Cast
    budgets: Sequence[Given]
    applications: Applications
    orders: Orders
    end: int


class VoucherPapers:
    """Writes budgets, applications and vouchers of a history into a journal, and keeps what the orders need to know of them.

    Row n is application n: `a_ids` its id, `v_ids` that of its voucher (0: none), `v_codes` its code, `a_version` the policy version.
    """

    def __init__(self, session: Session, history: History, journal: Journal) -> None:
        self.session, self.cast, self.orders, self.end = session, history.cast, history.orders, history.end
        self.history, self.journal = history, journal
        self.columns: list[tuple[type[Base], dict[str, Any], int]] = []
        self._budgets()
        self._applications()
        self._expire()

    def write(self) -> None:
        """Write the rows; the journal must be written before."""
        for entity, columns, count in self.columns:
            copy_columns(self.session, entity, columns, count)

    def _happens(self, at: Ints) -> Rows:
        return np.flatnonzero(at < self.end)

    def _ids(self, entity: type[Base], at: Ints) -> Ints:
        """Return new ids for papers in the order of their births."""
        return take_block(self.session, entity, len(at)) + ranked([at])[0]

    def _budgets(self) -> None:
        given = self.history.budgets
        at, amount = _ints(b.at for b in given), _ints(b.amount for b in given)
        schemes = [self.cast.schemes[b.scheme] for b in given]
        ids = self._ids(Budget, at)
        self._budget_ids = {(b.scheme, b.year): int(key) for b, key in zip(given, ids, strict=True)}
        self._budget_codes = {key: self._code(chart.budget, *key) for key in self._budget_ids}
        by = _by([s.officers.approver for s in schemes], "finance")
        content = [f'{{"amount": {b.amount}, "policy": "{s.terms.id}", "year": {b.year}}}' for b, s in zip(given, schemes, strict=True)]
        deed = self.journal.deed("adopt", at, by, content, ids)
        more = {"policy_version_id": _ints(s.version_id for s in schemes), "detail": [f'{{"amount": {b.amount}}}' for b in given]}
        note = self.journal.note(deed, Budget, ids, "adopt", ("", "adopted"), **more)
        ways = ([chart.treasury(s.terms.funder) for s in schemes], [self._budget_codes[b.scheme, b.year] for b in given])
        self.journal.move(note, "adopt", ways, amount)
        columns: dict[str, Any] = {"id": ids, "funder": [s.terms.funder for s in schemes], "policy": [s.terms.id for s in schemes]}
        columns |= {"year": _ints(b.year for b in given), "state": "adopted", "row_version": 0, "created_at": instants(at)}
        self.columns.append((Budget, columns, len(ids)))

    def _code(self, name: Callable[[str, str, int], str], scheme: int, year: int) -> str:
        terms = self.cast.schemes[scheme].terms
        return name(terms.funder, terms.id, year)

    def _applications(self) -> None:
        """Write applications from their submission to the voucher."""
        papers, holders = self.history.applications, self.cast.holders
        self.a_holder, self.a_scheme, self.face = (np.array(one, dtype=np.int64) for one in (papers.holder, papers.scheme, papers.amount))
        submitted, self.a_decided = np.array(papers.submitted, dtype=np.int64), np.array(papers.decided, dtype=np.int64)
        self.a_ids, self.a_version = self._ids(Application, submitted), _ints(s.version_id for s in self.cast.schemes)[self.a_scheme]
        year = years(submitted).tolist()
        self._budget_of = list(zip(self.a_scheme.tolist(), year, strict=True))
        by = Doers("enterprise", holders.users[self.a_holder], holders.ids[self.a_holder])
        ids = [self.cast.schemes[n].terms.id for n in papers.scheme]
        content = [
            f'{{"amount": {amount}, "policy": "{policy}", "purpose": {dumps(why)}}}'
            for amount, policy, why in zip(papers.amount, ids, papers.purpose, strict=True)
        ]
        deed = self.journal.deed("apply", submitted, by, content, self.a_ids)
        more = {"policy_version_id": self.a_version, "detail": [f'{{"amount": {amount}}}' for amount in papers.amount]}
        note = self.journal.note(deed, Application, self.a_ids, "submit", ("", "county_review"), **more)
        self.journal.move(note, "reserve", ([self._budget_codes[key] for key in self._budget_of], [chart.reserved(n) for n in self.a_ids]), self.face)
        returned = np.array(papers.returned, dtype=np.int64)
        self._return(returned, np.array(papers.resumed, dtype=np.int64))
        refused = np.array(papers.refused, dtype=bool)
        self._refuse(np.flatnonzero(refused & (self.a_decided < self.end)))
        self._pass(np.flatnonzero(~refused & (self.a_decided < self.end)))
        self._write_applications(submitted, returned, np.array(papers.resumed, dtype=np.int64), refused)

    def _decide(self, rows: Rows, at: Ints, event: str, reason: str) -> Deed:
        content = [f'{{"application": {key}, "event": "{event}", "reason": {dumps(reason)}}}' for key in self.a_ids[rows].tolist()]
        return self.journal.deed("decide", at[rows], self._officers("reviewer", self.a_scheme[rows]), content, self.a_ids[rows])

    def _officers(self, role: str, scheme: Ints) -> Doers:
        """Return reviewer, approver or payer of each scheme as doers."""
        actors = [getattr(one.officers, role) for one in self.cast.schemes]
        users, organisations = _ints(a.user_id or 0 for a in actors), _ints(a.organisation_id or 0 for a in actors)
        return Doers("reviewer" if role == "reviewer" else "finance", users[scheme], organisations[scheme])

    def _return(self, returned: Ints, resumed: Ints) -> None:
        rows = self._happens(returned)
        deed = self._decide(rows, returned, "return", RETURN_REASON)
        more = {"reason": RETURN_REASON, "policy_version_id": self.a_version[rows]}
        note = self.journal.note(deed, Application, self.a_ids[rows], "return", ("county_review", "draft"), **more)
        self.journal.move(note, "unreserve", self._ways_back(rows), self.face[rows])
        rows = self._happens(resumed)
        content = [f'{{"application": {key}, "event": "submit"}}' for key in self.a_ids[rows].tolist()]
        by = Doers("enterprise", self.cast.holders.users[self.a_holder[rows]], self.cast.holders.ids[self.a_holder[rows]])
        deed = self.journal.deed("resume", resumed[rows], by, content, self.a_ids[rows])
        more = {"policy_version_id": self.a_version[rows], "detail": [f'{{"amount": {amount}}}' for amount in self.face[rows].tolist()]}
        note = self.journal.note(deed, Application, self.a_ids[rows], "submit", ("draft", "county_review"), **more)
        back, reserved = self._ways_back(rows)[::-1], self.face[rows]
        self.journal.move(note, "reserve", back, reserved)

    def _ways_back(self, rows: Rows) -> tuple[list[str], list[str]]:
        """Return where reserved money of applications lies, and the budget that it came from."""
        return [chart.reserved(n) for n in self.a_ids[rows].tolist()], [self._budget_codes[self._budget_of[n]] for n in rows.tolist()]

    def _refuse(self, rows: Rows) -> None:
        deed = self._decide(rows, self.a_decided, "refuse", REFUSE_REASON)
        more = {"reason": REFUSE_REASON, "policy_version_id": self.a_version[rows]}
        note = self.journal.note(deed, Application, self.a_ids[rows], "refuse", ("county_review", "refused"), **more)
        self.journal.move(note, "unreserve", self._ways_back(rows), self.face[rows])

    def _pass(self, rows: Rows) -> None:
        """Pass applications: each becomes a voucher, made by the clock."""
        at, keys, version = self.a_decided[rows], self.a_ids[rows], self.a_version[rows]
        self.v_ids = np.zeros(len(self.a_ids), dtype=np.int64)
        self.v_ids[rows] = self._ids(Voucher, at)
        ids, face = self.v_ids[rows], self.face[rows]
        deed = self._decide(rows, self.a_decided, "pass", "")
        self.journal.note(deed, Application, keys, "pass", ("county_review", "approved"), policy_version_id=version)
        more = {"by": clock(len(rows)), "policy_version_id": version}
        self.journal.note(deed, Application, keys, "issue", ("approved", "issued"), **more)
        more |= {"detail": [f'{{"face": {one}}}' for one in face.tolist()]}
        note = self.journal.note(deed, Voucher, ids, "issue", ("", "active"), **more)
        self.journal.move(note, "issue", ([chart.reserved(n) for n in keys], [chart.available(n) for n in ids]), face, suffix="/issue")
        last, redeem = self._last_days(rows)
        self.v_codes = dict(zip(rows.tolist(), self._voucher_codes(rows), strict=True))
        self.v_last = np.zeros(len(self.a_ids), dtype=np.int64)
        self.v_last[rows] = last
        self.v_expired = self.v_last * 0 + NEVER
        self.v_expired[rows] = midnight(last + 1) + EXPIRES_AFTER
        columns: dict[str, Any] = {"id": ids, "code": list(self.v_codes.values()), "application_id": keys, "policy_version_id": version, "face": face}
        columns |= {"holder_id": self.cast.holders.ids[self.a_holder[rows]], "budget_id": _ints(self._budget_ids[self._budget_of[n]] for n in rows)}
        columns |= {"issued_on": dates(day_of(at)), "expires_use": dates(last), "expires_redeem": dates(redeem), "created_at": instants(at)}
        over = self.v_expired[rows] < self.end
        columns |= {"state": np.where(over, "expired", "active").tolist(), "row_version": over.astype(np.int64), "is_sample": True}
        self.vouchers = (Voucher, columns, len(rows))

    def _last_days(self, rows: Rows) -> tuple[Ints, Ints]:
        """Return the last days of use and of redemption of vouchers issued on their day of decision, as days since 1970."""
        windows = [scheme.terms.use_window for scheme in self.cast.schemes]
        known: dict[tuple[int, int], tuple[int, int]] = {}
        keys = list(zip(day_of(self.a_decided[rows]).tolist(), self.a_scheme[rows].tolist(), strict=True))
        for day, scheme in set(keys):
            last = add_months(date.fromordinal(day + _EPOCH), windows[scheme].months)
            known[day, scheme] = (days_since_1970(last), days_since_1970(add_months(last, windows[scheme].redeem_months)))
        return _ints(known[key][0] for key in keys), _ints(known[key][1] for key in keys)

    def _voucher_codes(self, rows: Rows) -> list[str]:
        year, prefix = years(self.a_decided[rows]).tolist(), [self.cast.schemes[n].terms.prefix for n in self.a_scheme[rows].tolist()]
        return [f"{word}-{one}-{key:05d}" for word, one, key in zip(prefix, year, self.a_ids[rows].tolist(), strict=True)]

    def _write_applications(self, submitted: Ints, returned: Ints, resumed: Ints, refused: NDArray[np.bool_]) -> None:
        decided = self.a_decided < self.end
        state = np.select(
            [decided & refused, decided, (returned < self.end) & (resumed >= self.end)], ["refused", "issued", "draft"], "county_review"
        )
        version = (returned < self.end).astype(np.int64) + (resumed < self.end) + np.where(decided, np.where(refused, 1, 2), 0)
        reviewer = self._officers("reviewer", self.a_scheme).users
        columns: dict[str, Any] = {"id": self.a_ids, "holder_id": self.cast.holders.ids[self.a_holder], "policy_version_id": self.a_version}
        columns |= {"budget_id": _ints(self._budget_ids[key] for key in self._budget_of), "amount": self.face}
        columns |= {"purpose": [quoted(why) for why in self.history.applications.purpose], "state": state.tolist(), "row_version": version}
        columns |= {"created_at": instants(submitted), "created_by": self.cast.holders.users[self.a_holder], "is_sample": True}
        columns |= {"reviewer_id": np.where(decided | ((returned < self.end) & (resumed >= self.end)), reviewer, NOTHING)}
        columns |= {"desk": [self.cast.schemes[n].terms.funder for n in self.a_scheme.tolist()]}
        self.columns += [(Application, columns, len(self.a_ids)), self.vouchers]

    def _expire(self) -> None:
        """Take vouchers past their last day out of use; what is free on them goes to the pool."""
        rows = self._happens(self.v_expired)
        at, ids = self.v_expired[rows], self.v_ids[rows]
        keys, content = [f"expire/{n}" for n in ids.tolist()], [f'{{"voucher": {n}}}' for n in ids.tolist()]
        deed = self.journal.deed("expire", at, clock(len(rows)), content, ids, keys=keys)
        note = self.journal.note(deed, Voucher, ids, "expire_use", ("active", "expired"), policy_version_id=self.a_version[rows])
        free = self.face.copy()
        kept = np.where((self.orders.cancelled < self.end) & self.comes_back(), 0, self.orders.amount)
        np.subtract.at(free, self.orders.application, kept)
        some = np.flatnonzero(free[rows] > 0)
        ways = ([chart.available(n) for n in ids[some]], [self.pool(n) for n in rows[some]])
        self.journal.move(note, "expire", ways, free[rows[some]], rows=some)

    def pool(self, application: int) -> str:
        """Name the pool that takes back what is left of an application's voucher."""
        return self._code(chart.pool, *self._budget_of[application])

    def comes_back(self) -> NDArray[np.bool_]:
        """Say of each order whether its money, were it called off, returns to its voucher and not to the pool."""
        found: NDArray[np.bool_] = day_of(np.minimum(self.orders.cancelled, self.end)) <= self.v_last[self.orders.application]
        return found

    def officers(self, role: str, application: Ints) -> Doers:
        """Return the `reviewer`, `approver` or `payer` of applications as doers."""
        return self._officers(role, self.a_scheme[application])


_EPOCH: Final = date(1970, 1, 1).toordinal()


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)


def _by(actors: Sequence[Actor], role: str) -> Doers:
    return Doers(role, _ints(a.user_id or 0 for a in actors), _ints(a.organisation_id or 0 for a in actors))
