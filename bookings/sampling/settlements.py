"""Write how the sample history pays: accounts of payees, weekly batches of each funder with their lines, notices, statements of the bank, payouts.

Every row is what the verbs of `vouchers.payees`, `vouchers.batches` and `vouchers.statements` would have written at that instant.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from json import dumps
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from bookings.sampling.journal import Deed, Doers, Journal, Spread, clock, ranked
from bookings.sampling.orders import Orders
from bookings.sampling.payday import STEPS
from bookings.sampling.times import NEVER, Ints, dates, day_of, instants, midnight
from core.db import Base
from core.money import yuan
from geodata.bulk import NOTHING, NULL, copy_columns, take_block
from parties.notices import Notice
from vouchers import chart
from vouchers.batches import NOTICE_DAYS
from vouchers.entities import Claim, Payout
from vouchers.settlement import BankAccount, BankStatement, BatchLine, SettlementBatch, StatementLine

BANK, ACCOUNT_NAME = "示例银行", "示例·收款账户"
BOUNCED: Final = "示例：账号与户名不符"
CONFIRMED_AFTER: Final = 300
"""Seconds between an account's entering and its confirmation."""

NOTICE_ENDS_AFTER: Final = 900
"""Seconds after midnight at which the clock ends a notice whose last day is over."""

STATES: Final = ("frozen", "noticed", "signed", "authorised", "sent", "confirmed", "closed", "reconciled")

Rows = NDArray[np.intp]


class Settlements:
    """Writes batches into a journal. Row n of a batch column is batch n, row n of a line column is line n; `payouts` has one id an order."""

    def __init__(self, session: Session, journal: Journal, papers: Any) -> None:
        self.session, self.journal, self.papers = session, journal, papers
        self.orders: Orders = papers.orders
        self.end: int = papers.end
        self.funders = np.array([scheme.terms.funder for scheme in papers.cast.schemes])[papers.money.a_scheme[self.orders.application]]
        self._accounts()
        self._batches()
        self._open()
        self._go_on()
        self._answer()
        self._close()

    def write(self) -> None:
        """Write the rows; journal and payouts' parties must be written before, claims after."""
        self._write_accounts()
        self._write_notices()
        self._write_batches()
        self._write_statements()
        self._write_payouts()

    def write_lines(self) -> None:
        """Write the lines of the batches and of the statements; the claims must be written before."""
        self._write_lines()
        self._write_statement_lines()

    def _ids(self, entity: type[Base], at: Ints) -> Ints:
        return take_block(self.session, entity, len(at)) + ranked([at])[0]

    def _accounts(self) -> None:
        """Let each payee of the history name its account before its first claim."""
        rows = np.flatnonzero(self.orders.claimed < self.end)
        order = rows[np.argsort(self.orders.claimed[rows], kind="stable")]
        payees, first = np.unique(self.papers.payee[order], return_index=True)
        row = order[first]
        self.payees, self.entered = payees, self.orders.claimed[row] - 2 * CONFIRMED_AFTER
        self.account_ids = self._ids(BankAccount, self.entered)
        self.numbers = [f"9999{number:012d}" for number in payees.tolist()]
        users = self.papers.claimant[row]
        to_enterprise = self.papers.to_enterprise[row]
        self.account_users = users
        given = [f'{{"bank": {dumps(BANK)}, "name": {dumps(ACCOUNT_NAME)}, "number": "{number}"}}' for number in self.numbers]
        confirmed = [f'{{"account": {key}, "number": "{number}"}}' for key, number in zip(self.account_ids.tolist(), self.numbers, strict=True)]
        for role, mine in (("enterprise", to_enterprise), ("carrier", ~to_enterprise)):
            some = np.flatnonzero(mine)
            by = Doers(role, users[some], payees[some])
            deed = self.journal.deed("bank_account", self.entered[some], by, [given[n] for n in some], self.account_ids[some])
            self.journal.note(deed, BankAccount, self.account_ids[some], "enter", ("", "entered"))
            at = self.entered[some] + CONFIRMED_AFTER
            deed = self.journal.deed("bank_confirm", at, by, [confirmed[n] for n in some], self.account_ids[some])
            self.journal.note(deed, BankAccount, self.account_ids[some], "confirm", ("entered", "active"))

    def _batches(self) -> None:
        """Sort what was approved into batches: a payment that bounces stands in two."""
        orders = self.orders
        first, again = (np.flatnonzero(at < self.end) for at in (orders.batched, orders.rebatched))
        self.l_order = np.concatenate([first, again])
        opened = np.concatenate([orders.batched[first], orders.rebatched[again]])
        fails = np.concatenate([orders.bounced[first] < NEVER, np.zeros(len(again), dtype=bool)])
        claims = self.papers.claim_ids[self.l_order]
        names = self.funders[self.l_order]
        order = np.lexsort((claims, names, opened))
        self.l_order, opened, self.l_fails, names = self.l_order[order], opened[order], fails[order], names[order]
        keys = np.array([f"{at}:{name}" for at, name in zip(opened.tolist(), names.tolist(), strict=True)])
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, dtype=np.int64)
        self.l_batch = np.cumsum(np.isin(np.arange(len(keys)), starts)) - 1
        self.opened, self.b_funder = opened[starts], names[starts].tolist()
        self.b_ids = self._ids(SettlementBatch, self.opened)
        self.l_ids = self._ids(BatchLine, opened)
        days = dates(day_of(self.opened)).astype(str).tolist()
        self.b_codes = [f"JS-{funder}-{day.replace('-', '')}-1" for funder, day in zip(self.b_funder, days, strict=True)]
        place = np.arange(len(keys)) - starts[self.l_batch] + 1 if len(keys) else np.zeros(0, dtype=np.int64)
        self.l_reference = [f"{self.b_codes[batch]}-{n:04d}" for batch, n in zip(self.l_batch.tolist(), place.tolist(), strict=True)]
        self.l_amount = orders.amount[self.l_order]
        self.l_account = np.searchsorted(self.payees, self.papers.payee[self.l_order])
        self.first_line = starts
        self._fix()

    def _fix(self) -> None:
        """Add up the batches and hash them, as freezing does."""
        count = len(self.opened)
        self.totals, self.counts = np.zeros(count, dtype=np.int64), np.bincount(self.l_batch, minlength=count)
        np.add.at(self.totals, self.l_batch, self.l_amount)
        payee = self.papers.payee[self.l_order].tolist()
        parts = zip(self.l_reference, payee, self.l_account.tolist(), self.l_amount.tolist(), strict=True)
        told = [f"{reference}|{one}|{self.numbers[account]}|{amount}" for reference, one, account, amount in parts]
        self.hashes = [sha256("\n".join(told[a:b]).encode()).hexdigest() for a, b in self._spans()]
        self.l_bank = ["" if fails else f"SL-BF-{key:06d}" for fails, key in zip(self.l_fails.tolist(), self._claims().tolist(), strict=True)]

    def _spans(self) -> list[tuple[int, int]]:
        bounds = [*self.first_line.tolist(), len(self.l_order)]
        return list(pairwise(bounds))

    def _claims(self) -> Ints:
        found: Ints = self.papers.claim_ids[self.l_order]
        return found

    def _by(self, role: str, batches: Rows) -> Doers:
        rows = self.l_order[self.first_line[batches]]
        found: Doers = self.papers.officer(role, rows)
        return found

    def _open(self) -> None:
        every = np.arange(len(self.opened))
        content = [f'{{"funder": "{funder}"}}' for funder in self.b_funder]
        deed = self.journal.deed("open_batch", self.opened, self._by("approver", every), content, self.b_ids)
        self.journal.note(deed, SettlementBatch, self.b_ids, "open", ("", "open"))
        each, claims = Spread(deed, self.l_batch), self._claims()
        detail = [f'{{"amount": {amount}, "claim": {claim}}}' for amount, claim in zip(self.l_amount.tolist(), claims.tolist(), strict=True)]
        self.journal.note(each, BatchLine, self.l_ids, "add", ("", "listed"), detail=detail)
        detail = [f'{{"batch": "{self.b_codes[batch]}"}}' for batch in self.l_batch.tolist()]
        self.journal.note(each, Claim, claims, "add_to_batch", ("approved", "batched"), detail=detail)

    def _step(self, event: str, states: tuple[str, str], *, role: str = "approver") -> tuple[Rows, Deed]:
        """Enter a step of all batches that have come to it; return their rows and the deed, whose record is written by the caller."""
        rows = np.flatnonzero(self.opened + STEPS[event] < self.end)
        content = [f'{{"batch": {key}}}' for key in self.b_ids[rows].tolist()]
        deed = self.journal.deed(f"batch_{event}", self.opened[rows] + STEPS[event], self._by(role, rows), content, self.b_ids[rows])
        if event == "notice":
            self._notice(rows, deed)
        self.journal.note(deed, SettlementBatch, self.b_ids[rows], event, states, detail=self._fixed(rows))
        return rows, deed

    def _fixed(self, rows: Rows) -> list[str]:
        return [f'{{"total": {self.totals[n]}, "lines": {self.counts[n]}, "sha256": "{self.hashes[n]}"}}' for n in rows.tolist()]

    def _go_on(self) -> None:
        before = "open"
        for event, after in zip(("freeze", "notice", "sign", "authorise", "send"), STATES, strict=False):
            self._step(event, (before, after), role="payer" if event == "authorise" else "approver")
            before = after

    def _notice(self, rows: Rows, deed: Deed) -> None:
        self.noticed, self.notice_ids = rows, self._ids(Notice, deed.at)
        last = dates(day_of(deed.at) + NOTICE_DAYS).astype(str).tolist()
        parts = zip(self.b_ids[rows].tolist(), last, strict=True)
        detail = [f'{{"subject": "settlement_batch", "subject_id": {key}, "ends": "{day}"}}' for key, day in parts]
        self.journal.note(deed, Notice, self.notice_ids, "open", ("", "running"), detail=detail, request_id=NULL)
        ends = midnight(day_of(deed.at) + NOTICE_DAYS + 1) + NOTICE_ENDS_AFTER
        self.n_over = over = ends < self.end
        by_clock = Deed("end", ends[over], clock(int(over.sum())), [], self.notice_ids[over])
        self.journal.note(by_clock, Notice, self.notice_ids[over], "end", ("running", "over"), request_id=NULL)

    def _answer(self) -> None:
        """Take the bank's statements in: each line is paid, or fails and comes back."""
        orders = self.orders
        self.answered = rows = np.flatnonzero(self.opened + STEPS["statement"] < self.end)
        at = self.opened[rows] + STEPS["statement"]
        self.statement_ids = self._ids(BankStatement, at)
        self._write_files()
        content = [f'{{"batch": {key}, "sha256": "{given}"}}' for key, given in zip(self.b_ids[rows].tolist(), self.files, strict=True)]
        deed = self.journal.deed("statement", at, self._by("approver", rows), content, self.statement_ids)
        detail = [f'{{"matched": {self.counts[n]}, "sha256": "{given}"}}' for n, given in zip(rows.tolist(), self.files, strict=True)]
        self.journal.note(deed, BankStatement, self.statement_ids, "take", ("", ""), detail=detail)
        self.l_settled = np.isin(self.l_batch, rows)
        place = np.searchsorted(rows, self.l_batch)
        self.payouts = np.zeros(len(orders), dtype=np.int64)
        paid = np.flatnonzero(self.l_settled & ~self.l_fails)
        claims = self._claims()
        paid = paid[np.lexsort((claims[paid], self.l_batch[paid]))]
        self.payouts[self.l_order[paid]] = take_block(self.session, Payout, len(paid)) + np.arange(len(paid))
        self._pay(paid, Spread(deed, place[paid]))
        self._bounce(np.flatnonzero(self.l_settled & self.l_fails), deed, place)
        failed = np.bincount(self.l_batch, weights=self.l_fails, minlength=len(self.opened)).astype(np.int64)[rows]
        for event, some, after in (("confirm", failed == 0, "confirmed"), ("confirm_partly", failed > 0, "partly_failed")):
            part = np.flatnonzero(some)
            note = Spread(deed, part)
            detail = [f'{{"failed": {n}}}' for n in failed[part].tolist()]
            self.journal.note(note, SettlementBatch, self.b_ids[rows[part]], event, ("sent", after), detail=detail)
        self.partly = np.isin(np.arange(len(self.opened)), rows[failed > 0])

    def _pay(self, paid: Rows, each: Spread) -> None:
        rows, claims = self.l_order[paid], self._claims()[paid]
        self.journal.note(each, BatchLine, self.l_ids[paid], "pay", ("listed", "paid"))
        parts = zip(self.l_amount[paid].tolist(), paid.tolist(), strict=True)
        detail = [f'{{"amount": {amount}, "bank_reference": "{self.l_bank[n]}"}}' for amount, n in parts]
        note = self.journal.note(each, Claim, claims, "pay", ("batched", "paid"), policy_version_id=self.papers.version[rows], detail=detail)
        ways = ([chart.used(one) for one in self.papers.voucher[rows]], [chart.paid(one) for one in self.payouts[rows]])
        self.journal.move(note, "redeem", ways, self.l_amount[paid], suffix=[f"/{self.l_reference[n]}" for n in paid.tolist()])

    def _bounce(self, failed: Rows, deed: Deed, place: Rows) -> None:
        each = Spread(deed, place[failed])
        self.journal.note(each, BatchLine, self.l_ids[failed], "fail", ("listed", "failed"), reason=BOUNCED)
        self.journal.note(each, Claim, self._claims()[failed], "fail", ("batched", "approved"), reason=BOUNCED)

    def _close(self) -> None:
        rows = np.flatnonzero(self.opened + STEPS["close"] < self.end)
        before = np.where(self.partly[rows], "partly_failed", "confirmed").tolist()
        self._step("close", (before, "closed"))
        self._step("reconcile", ("closed", "reconciled"))

    def _write_files(self) -> None:
        """Write each statement as the bank would, to know its hash."""
        when = dates(day_of(self.opened + STEPS["statement"])).astype(str).tolist()
        spans, self.files = self._spans(), []
        for batch in self.answered.tolist():
            rows = ["参考号,金额,结果,银行流水号,日期,失败原因"]
            for n in range(*spans[batch]):
                money = yuan(int(self.l_amount[n])).replace(",", "")
                word, why = ("失败", BOUNCED) if self.l_fails[n] else ("成功", "")
                rows.append(f"{self.l_reference[n]},{money},{word},{self.l_bank[n]},{when[batch]},{why}")
            self.files.append(sha256("\n".join(rows).encode()).hexdigest())

    def _write_accounts(self) -> None:
        columns: dict[str, Any] = {"id": self.account_ids, "organisation_id": self.payees, "bank": BANK, "name": ACCOUNT_NAME, "number": self.numbers}
        columns |= {"state": "active", "row_version": 1, "created_at": instants(self.entered), "created_by": self.account_users, "is_sample": True}
        copy_columns(self.session, BankAccount, columns, len(self.payees))

    def _write_notices(self) -> None:
        rows, at = self.noticed, self.opened[self.noticed] + STEPS["notice"]
        titles = [f"{self.b_codes[n]} · {self.counts[n]} · ¥{yuan(int(self.totals[n]))}" for n in rows.tolist()]
        columns: dict[str, Any] = {"id": self.notice_ids, "subject": "settlement_batch", "subject_id": self.b_ids[rows], "title": titles}
        columns |= {"region": [self.b_funder[n] for n in rows.tolist()], "starts": dates(day_of(at)), "ends": dates(day_of(at) + NOTICE_DAYS)}
        columns |= {"state": np.where(self.n_over, "over", "running").tolist(), "row_version": self.n_over.astype(np.int64)}
        columns |= {"is_sample": True, "created_at": instants(at)}
        copy_columns(self.session, Notice, columns, len(rows))

    def _write_batches(self) -> None:
        count = len(self.opened)
        done = np.array([self.opened + offset < self.end for offset in STEPS.values()]).reshape(len(STEPS), count)
        steps = done.sum(axis=0)
        names = np.array(["open", *STATES])
        state = np.where((names[steps] == "confirmed") & self.partly, "partly_failed", names[steps])
        frozen, signed, released = steps >= 1, steps >= 3, steps >= 4
        notice = np.full(count, NOTHING)
        notice[self.noticed] = self.notice_ids
        every = np.arange(count)
        approver, payer = self._by("approver", every).users, self._by("payer", every).users
        columns: dict[str, Any] = {"id": self.b_ids, "code": self.b_codes, "funder": self.b_funder, "opened_on": dates(day_of(self.opened))}
        columns |= {"state": state.tolist(), "total": np.where(frozen, self.totals, NOTHING), "lines": np.where(frozen, self.counts, NOTHING)}
        columns |= {"sha256": [found if yes else NULL for found, yes in zip(self.hashes, frozen.tolist(), strict=True)], "notice_id": notice}
        columns |= {"signed_by": np.where(signed, approver, NOTHING), "released_by": np.where(released, payer, NOTHING), "row_version": steps}
        columns |= {"created_at": instants(self.opened), "created_by": approver, "is_sample": True}
        copy_columns(self.session, SettlementBatch, columns, count)

    def _write_statements(self) -> None:
        rows, at = self.answered, self.opened[self.answered] + STEPS["statement"]
        columns: dict[str, Any] = {"id": self.statement_ids, "batch_id": self.b_ids[rows], "sha256": self.files, "encoding": "utf-8"}
        columns |= {"filename": [f"{self.b_codes[n]}.csv" for n in rows.tolist()], "created_at": instants(at)}
        columns |= {"created_by": self._by("approver", rows).users, "is_sample": True}
        copy_columns(self.session, BankStatement, columns, len(rows))

    def _write_payouts(self) -> None:
        rows = np.flatnonzero(self.l_settled & ~self.l_fails)
        order, at = self.l_order[rows], self.opened[self.l_batch[rows]] + STEPS["statement"]
        columns: dict[str, Any] = {"id": self.payouts[order], "funder": self.funders[order].tolist(), "payee_id": self.papers.payee[order]}
        columns |= {"amount": self.l_amount[rows], "bank_reference": [self.l_bank[n] for n in rows.tolist()], "paid_on": dates(day_of(at))}
        columns |= {"created_at": instants(at), "created_by": self._by("approver", self.l_batch[rows]).users}
        copy_columns(self.session, Payout, columns, len(rows))

    def _write_lines(self) -> None:
        batch = self.l_batch
        paid = self.l_settled & ~self.l_fails
        failed = self.l_settled & self.l_fails
        columns: dict[str, Any] = {"id": self.l_ids, "batch_id": self.b_ids[batch], "claim_id": self._claims(), "reference": self.l_reference}
        columns |= {"payee_id": self.papers.payee[self.l_order], "account_id": self.account_ids[self.l_account], "amount": self.l_amount}
        columns |= {"state": np.select([paid, failed], ["paid", "failed"], "listed").tolist(), "row_version": self.l_settled.astype(np.int64)}
        columns |= {"reason": np.where(failed, BOUNCED, "").tolist(), "payout_id": np.where(paid, self.payouts[self.l_order], NOTHING)}
        copy_columns(self.session, BatchLine, columns | {"created_at": instants(self.opened[batch])}, len(batch))

    def _write_statement_lines(self) -> None:
        rows = np.flatnonzero(self.l_settled)
        place = np.searchsorted(self.answered, self.l_batch[rows])
        fails = self.l_fails[rows].tolist()
        first = take_block(self.session, StatementLine, len(rows))
        columns: dict[str, Any] = {"id": np.arange(first, first + len(rows)), "statement_id": self.statement_ids[place]}
        columns |= {"number": rows - self.first_line[self.l_batch[rows]] + 2, "reference": [self.l_reference[n] for n in rows.tolist()]}
        columns |= {"amount": self.l_amount[rows], "outcome": ["failed" if no else "paid" for no in fails]}
        columns |= {"bank_reference": [self.l_bank[n] for n in rows.tolist()], "reason": [BOUNCED if no else "" for no in fails]}
        day = dates(day_of(self.opened[self.l_batch[rows]] + STEPS["statement"]))
        columns |= {"paid_on": day, "finding": "matched", "batch_line_id": self.l_ids[rows]}
        copy_columns(self.session, StatementLine, columns, len(rows))
