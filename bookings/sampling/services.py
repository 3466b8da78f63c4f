"""Write the papers of the sample history that spend money: orders with bookings and holds, evidence, claims. Paying is in `settlements`.

Every row is what the verbs of `bookings` and `vouchers` would have written at that instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from bookings.entities import Booking, Order
from bookings.sampling.journal import Deed, Doers, Journal, clock, ranked
from bookings.sampling.orders import CARRIER, CLOCK, HOLDER
from bookings.sampling.papers import History, VoucherPapers
from bookings.sampling.settlements import Settlements
from bookings.sampling.times import Ints, dates, day_of, instants, years
from core.db import Base
from geodata.bulk import NOTHING, copy_columns, take_block
from vouchers import chart
from vouchers.entities import Claim, Evidence, Hold

CLAIM_RETURN_REASON, CLAIM_REFUSE_REASON = "示例：发票抬头与合同不一致，请更正", "示例：服务内容不在可用范围"
OFF_REASONS: Final = {CARRIER: "示例：仪器检修", HOLDER: "示例：改期", CLOCK: ""}

Rows = NDArray[np.intp]


class ServicePapers:
    """Writes orders and all that follows from them into a journal. Row n is order n: `ids`, `hold_ids`, `claim_ids` (0: none)."""

    def __init__(self, session: Session, history: History, journal: Journal, money: VoucherPapers) -> None:
        self.session, self.history, self.journal, self.money = session, history, journal, money
        self.cast, self.orders, self.end = history.cast, history.orders, history.end
        self._sides()
        self._place()
        self._accept()
        for by in (CARRIER, HOLDER, CLOCK):
            self._call_off(by)
        self._serve()
        self._claim()
        self._review()
        self.settlements = Settlements(session, journal, self)

    def write(self) -> None:
        """Write the rows; journal and vouchers must be written before."""
        self._write_orders()
        self._write_bookings()
        self._write_holds()
        self._write_evidence()
        self.settlements.write()
        self._write_claims()
        self.settlements.write_lines()

    def _sides(self) -> None:
        """Give the papers their ids in the order of their births and look up who stands on both sides."""
        orders, offers, holders = self.orders, self.cast.offers, self.cast.holders
        self.ids, self.booking_ids, self.hold_ids = (self._numbered(entity, orders.placed) for entity in (Order, Booking, Hold))
        self.claim_ids = self._numbered(Claim, orders.claimed)
        self.voucher, self.version = self.money.v_ids[orders.application], self.money.a_version[orders.application]
        self.enterprise = Doers("enterprise", holders.users[orders.holder], holders.ids[orders.holder])
        self.carrier = Doers("carrier", offers.user[orders.offer], offers.carrier[orders.offer])
        self.price, self.service = offers.price[orders.offer], [self.cast.services[n] for n in offers.service[orders.offer].tolist()]
        kinds = [self.cast.kinds[n] for n in offers.kind[orders.offer].tolist()]
        self.need = [f"示例：{kind}" + ("，委托开发" if code.endswith("_rd") else "") for kind, code in zip(kinds, self.service, strict=True)]
        self.reference = [f"order:{n}" for n in self.ids.tolist()]

    def _numbered(self, entity: type[Base], at: Ints) -> Ints:
        """Return new ids for the papers whose instant comes, 0 for the others."""
        found, rows = np.zeros(len(at), dtype=np.int64), self._happens(at)
        found[rows] = take_block(self.session, entity, len(rows)) + ranked([at[rows]])[0]
        return found

    def _happens(self, at: Ints) -> Rows:
        return np.flatnonzero(at < self.end)

    def _place(self) -> None:
        orders, amount, voucher = self.orders, self.orders.amount.tolist(), self.voucher.tolist()
        parts = zip(
            orders.stop.tolist(),
            self.cast.offers.instrument[orders.offer].tolist(),
            self.need,
            self.service,
            orders.start.tolist(),
            voucher,
            strict=True,
        )
        content = [
            f'{{"attributes": [], "end": {stop}.0, "expected": null, "instrument_id": {instrument}, "need": {dumps(need)}, '
            f'"service": "{service}", "start": {start}.0, "voucher": {one}}}'
            for stop, instrument, need, service, start, one in parts
        ]
        deed = self.journal.deed("order", orders.placed, self.enterprise, content, self.ids)
        detail = [f'{{"price": {price}, "voucher_part": {part}}}' for price, part in zip(self.price.tolist(), amount, strict=True)]
        self.journal.note(deed, Order, self.ids, "offer", ("", "offered"), policy_version_id=self.version, detail=detail)
        self.journal.note(deed, Booking, self.booking_ids, "request", ("", "requested"))
        papers = list(zip(amount, self.reference, voucher, strict=True))
        content = [f'{{"amount": {part}, "reference": "{name}", "voucher": {one}}}' for part, name, one in papers]
        inner = self.journal.deed("hold", orders.placed, self.enterprise, content, self.hold_ids, outer=deed, suffix="hold")
        detail = [f'{{"amount": {part}, "voucher": {one}}}' for part, _, one in papers]
        note = self.journal.note(inner, Hold, self.hold_ids, "hold", ("", "held"), policy_version_id=self.version, detail=detail)
        ways = ([chart.available(one) for one in voucher], [chart.held(one) for one in voucher])
        self.journal.move(note, "hold", ways, orders.amount)

    def _deed(self, verb: str, rows: Rows, at: Ints, by: Doers, given: Sequence[str] | None = None) -> Deed:
        """Enter an event of orders; `given` is what was handed in with it, as JSON."""
        ids, handed = self.ids[rows].tolist(), given or ['{"documents": [], "reason": ""}'] * len(rows)
        content = [f'{{"given": {one}, "order": {key}}}' for one, key in zip(handed, ids, strict=True)]
        keys = [f"timeout/{key}" for key in ids] if verb == "timeout" else None
        return self.journal.deed(verb, at[rows], by, content, self.ids[rows], keys=keys)

    def _accept(self) -> None:
        rows = self._happens(self.orders.accepted)
        deed = self._deed("accept", rows, self.orders.accepted, self.carrier.only(rows))
        self.journal.note(deed, Order, self.ids[rows], "accept", ("offered", "contracted"))
        self.journal.note(deed, Booking, self.booking_ids[rows], "accept", ("requested", "confirmed"))

    def _call_off(self, who: int) -> None:
        """Let carrier, holder or clock end orders: the hold is released, the slot is free again."""
        orders = self.orders
        rows = np.flatnonzero((orders.cancelled < self.end) & (orders.off_by == who))
        by = {CARRIER: self.carrier.only(rows), HOLDER: self.enterprise.only(rows), CLOCK: clock(len(rows))}[who]
        event, reason = "timeout" if who == CLOCK else "cancel", OFF_REASONS[who]
        deed = self._deed(event, rows, orders.cancelled, by, [f'{{"documents": [], "reason": {dumps(reason)}}}'] * len(rows))
        agreed = orders.accepted[rows] < self.end
        before = np.where(agreed, "contracted", "offered").tolist()
        self.journal.note(deed, Order, self.ids[rows], event, (before, "cancelled"), reason=reason)
        self._release(deed, rows, event)
        slot = np.where(agreed, "confirmed", "requested").tolist()
        self.journal.note(deed, Booking, self.booking_ids[rows], event, (slot, "expired" if who == CLOCK else "cancelled"))

    def _release(self, deed: Deed, rows: Rows, reason: str) -> None:
        holds, voucher = self.hold_ids[rows], self.voucher[rows].tolist()
        content = [f'{{"hold": {key}}}' for key in holds.tolist()]
        inner = self.journal.deed("release", deed.at, deed.by, content, holds, outer=deed, suffix="release")
        note = self.journal.note(inner, Hold, holds, "release", ("held", "released"), reason=reason, policy_version_id=self.version[rows])
        back = zip(voucher, self.orders.application[rows].tolist(), self.money.comes_back()[rows].tolist(), strict=True)
        ways = ([chart.held(one) for one in voucher], [chart.available(one) if home else self.money.pool(n) for one, n, home in back])
        self.journal.move(note, "release", ways, self.orders.amount[rows])

    def _serve(self) -> None:
        """Deliver, confirm (the hold becomes used money), settle."""
        orders = self.orders
        rows = self._happens(orders.delivered)
        given = _given(orders.delivered[rows], service_result=[f"SL-BG-{key:06d}" for key in self.ids[rows].tolist()])
        deed = self._deed("deliver", rows, orders.delivered, self.carrier.only(rows), given)
        self.journal.note(deed, Order, self.ids[rows], "deliver", ("contracted", "delivered"))
        self.journal.note(deed, Booking, self.booking_ids[rows], "done", ("confirmed", "done"))
        rows = self._happens(orders.confirmed)
        deed = self._deed("confirm", rows, orders.confirmed, self.enterprise.only(rows))
        self.journal.note(deed, Order, self.ids[rows], "confirm", ("delivered", "confirmed"))
        self._use(deed, rows)
        rows = self._happens(orders.settled)
        keys = self.ids[rows].tolist()
        given = _given(orders.settled[rows], invoice=[f"SL-FP-{key:06d}" for key in keys], payment_proof=[f"SL-HD-{key:06d}" for key in keys])
        deed = self._deed("pay_own_part", rows, orders.settled, self.enterprise.only(rows), given)
        self.journal.note(deed, Order, self.ids[rows], "pay_own_part", ("confirmed", "settled"))

    def _use(self, deed: Deed, rows: Rows) -> None:
        amount, holds, voucher = self.orders.amount[rows], self.hold_ids[rows], self.voucher[rows].tolist()
        content = [f'{{"amount": {part}, "hold": {key}}}' for part, key in zip(amount.tolist(), holds.tolist(), strict=True)]
        inner = self.journal.deed("use", deed.at, deed.by, content, holds, outer=deed, suffix="use")
        more = {"policy_version_id": self.version[rows], "detail": [f'{{"amount": {part}}}' for part in amount.tolist()]}
        note = self.journal.note(inner, Hold, holds, "use", ("held", "used"), **more)
        self.journal.move(note, "use", ([chart.held(one) for one in voucher], [chart.used(one) for one in voucher]), amount)

    def _claim(self) -> None:
        """Let the payee that the policy names ask for the money, and again after a return."""
        paid_back = np.array([s.terms.payee == "enterprise" for s in self.cast.schemes])
        to_enterprise = self.to_enterprise = paid_back[self.money.a_scheme[self.orders.application]]
        self.payee = np.where(to_enterprise, self.enterprise.organisations, self.carrier.organisations)
        self.claimant = np.where(to_enterprise, self.enterprise.users, self.carrier.users)
        for mine, by in ((to_enterprise, self.enterprise), (~to_enterprise, self.carrier)):
            rows = np.flatnonzero((self.orders.claimed < self.end) & mine)
            deed = self._asked(rows, self.orders.claimed, by)
            content = [f'{{"hold": {key}}}' for key in self.hold_ids[rows].tolist()]
            inner = self.journal.deed("claim", deed.at, deed.by, content, self.claim_ids[rows], outer=deed, suffix="claim")
            parties = zip(
                self.orders.amount[rows].tolist(),
                self.enterprise.organisations[rows].tolist(),
                self.carrier.organisations[rows].tolist(),
                strict=True,
            )
            detail = [f'{{"amount": {part}, "parties": [{one}, {other}]}}' for part, one, other in parties]
            more = {"policy_version_id": self.version[rows], "detail": detail}
            self.journal.note(inner, Claim, self.claim_ids[rows], "submit", ("", "submitted"), **more)
            rows = np.flatnonzero((self.orders.reclaimed < self.end) & mine)
            deed = self._asked(rows, self.orders.reclaimed, by)
            content = [f'{{"claim": {key}}}' for key in self.claim_ids[rows].tolist()]
            inner = self.journal.deed("resubmit", deed.at, deed.by, content, self.claim_ids[rows], outer=deed, suffix="claim")
            self.journal.note(inner, Claim, self.claim_ids[rows], "submit", ("draft", "submitted"), policy_version_id=self.version[rows])

    def _asked(self, rows: Rows, at: Ints, by: Doers) -> Deed:
        deed = self._deed("claim", rows, at, by.only(rows))
        deed.answer = self.claim_ids[rows]
        return deed

    def _review(self) -> None:
        """Let the bureau return, refuse or check claims, the treasury approve them."""
        orders, journal = self.orders, self.journal
        for at, event, after, reason in (
            (orders.returned, "return", "draft", CLAIM_RETURN_REASON),
            (orders.refused, "refuse", "refused", CLAIM_REFUSE_REASON),
            (orders.checked, "check_ok", "verified", ""),
        ):
            rows = self._happens(at)
            ids = self.claim_ids[rows]
            content = [f'{{"claim": {key}, "event": "{event}", "reason": {dumps(reason)}}}' for key in ids.tolist()]
            deed = journal.deed("review", at[rows], self.officer("reviewer", rows), content, ids)
            journal.note(deed, Claim, ids, event, ("submitted", after), reason=reason)
        rows = self._happens(orders.approved)
        content = [f'{{"claim": {key}}}' for key in self.claim_ids[rows].tolist()]
        deed = journal.deed("approve", orders.approved[rows], self.officer("approver", rows), content, self.claim_ids[rows])
        journal.note(deed, Claim, self.claim_ids[rows], "approve", ("verified", "approved"))

    def officer(self, role: str, rows: Rows) -> Doers:
        """Return reviewer, approver or payer of some orders' money as doers."""
        return self.money.officers(role, self.orders.application[rows])

    def _write_orders(self) -> None:
        orders, end = self.orders, self.end
        steps = [orders.accepted, orders.delivered, orders.confirmed, orders.settled]
        off = orders.cancelled < end
        state = _state(end, "offered", list(zip(steps, ("contracted", "delivered", "confirmed", "settled"), strict=True)), off, "cancelled")
        report = self.cast.offers.report_days[orders.offer]
        working = np.busday_offset(dates(day_of(orders.stop)), np.where(report > 0, report, 0), roll="backward")
        on = np.where(report > 0, working, np.busday_offset(dates(day_of(orders.stop)), 0, roll="forward"))
        columns: dict[str, Any] = {"id": self.ids, "code": [f"YY-{key}" for key in self.ids.tolist()], "enterprise_id": self.enterprise.organisations}
        columns |= {
            "carrier_id": self.carrier.organisations,
            "instrument_id": self.cast.offers.instrument[orders.offer],
            "service_code": self.service,
        }
        columns |= {"price": self.price, "voucher_part": orders.amount, "own_part": self.price - orders.amount, "voucher_id": self.voucher}
        columns |= {"policy_version_id": self.version, "clauses": orders.clauses, "contract_date": dates(day_of(orders.placed))}
        columns |= {"answer_by": instants(orders.answer_by), "report_on": on, "need": self.need, "state": state.tolist()}
        columns |= {
            "row_version": _happened(end, *steps, orders.cancelled),
            "created_at": instants(orders.placed),
            "created_by": self.enterprise.users,
        }
        copy_columns(self.session, Order, columns | {"is_sample": True}, len(self.ids))

    def _write_bookings(self) -> None:
        orders, end = self.orders, self.end
        off = orders.cancelled < end
        ended = np.where(orders.off_by == CLOCK, "expired", "cancelled")
        state = _state(end, "requested", [(orders.accepted, "confirmed"), (orders.delivered, "done")], off, ended)
        spans = zip(instants(orders.start).astype(str).tolist(), instants(orders.stop).astype(str).tolist(), strict=True)
        columns: dict[str, Any] = {"id": self.booking_ids, "instrument_id": self.cast.offers.instrument[orders.offer], "order_id": self.ids}
        columns |= {"span": [f"[{start},{stop})" for start, stop in spans], "state": state.tolist(), "created_by": self.enterprise.users}
        columns |= {"row_version": _happened(end, orders.accepted, orders.delivered, orders.cancelled), "created_at": instants(orders.placed)}
        copy_columns(self.session, Booking, columns, len(self.ids))

    def _write_holds(self) -> None:
        orders, end = self.orders, self.end
        used, off = orders.confirmed < end, orders.cancelled < end
        columns: dict[str, Any] = {"id": self.hold_ids, "voucher_id": self.voucher, "reference": self.reference, "amount": orders.amount}
        columns |= {"used": np.where(used, orders.amount, 0), "year": years(orders.placed), "created_at": instants(orders.placed)}
        columns |= {
            "state": np.select([used, off], ["used", "released"], "held").tolist(),
            "row_version": _happened(end, orders.confirmed, orders.cancelled),
        }
        copy_columns(self.session, Hold, columns, len(self.ids))

    def _write_evidence(self) -> None:
        delivered, settled = self._happens(self.orders.delivered), self._happens(self.orders.settled)
        parts = [(delivered, "service_result", "SL-BG", self.orders.delivered, self.carrier)]
        parts += [(settled, kind, word, self.orders.settled, self.enterprise) for kind, word in (("invoice", "SL-FP"), ("payment_proof", "SL-HD"))]
        ranks = ranked([at[rows] for rows, _, _, at, _ in parts])
        first = take_block(self.session, Evidence, sum(map(len, ranks)))
        for (rows, kind, word, at, by), rank in zip(parts, ranks, strict=True):
            numbers = [f"{word}-{key:06d}" for key in self.ids[rows].tolist()]
            columns: dict[str, Any] = {"id": first + rank, "reference": [self.reference[n] for n in rows.tolist()], "kind": kind, "number": numbers}
            columns |= {"issued_on": dates(day_of(at[rows])), "added_by": by.users[rows], "organisation_id": by.organisations[rows]}
            copy_columns(self.session, Evidence, columns | {"created_at": instants(at[rows])}, len(rows))

    def _write_claims(self) -> None:
        orders, end = self.orders, self.end
        rows = self._happens(orders.claimed)
        steps = [
            (orders.returned, "draft"),
            (orders.reclaimed, "submitted"),
            (orders.checked, "verified"),
            (orders.approved, "approved"),
            (orders.batched, "batched"),
            (orders.bounced, "approved"),
            (orders.rebatched, "batched"),
            (orders.paid, "paid"),
        ]
        state = _state(end, "submitted", [(at[rows], name) for at, name in steps], orders.refused[rows] < end, "refused")
        codes = [f"C-{self.money.v_codes[n]}-{key}" for n, key in zip(orders.application[rows].tolist(), self.hold_ids[rows].tolist(), strict=True)]
        columns: dict[str, Any] = {"id": self.claim_ids[rows], "code": codes, "hold_id": self.hold_ids[rows], "payee_id": self.payee[rows]}
        columns |= {
            "funder": self._funders(rows),
            "amount": orders.amount[rows],
            "state": state.tolist(),
            "created_at": instants(orders.claimed[rows]),
        }
        columns |= {"row_version": _happened(end, *(at[rows] for at, _ in steps), orders.refused[rows]), "created_by": self.claimant[rows]}
        seen = np.minimum(np.minimum(orders.returned, orders.refused), orders.checked)[rows] < end
        for name, role, done in (
            ("reviewer_id", "reviewer", seen),
            ("approver_id", "approver", orders.approved[rows] < end),
            ("payer_id", "payer", orders.paid[rows] < end),
        ):
            columns[name] = np.where(done, self.officer(role, rows).users, NOTHING)
        paid = orders.paid[rows] < end
        columns |= {"payout_id": np.where(paid, self.settlements.payouts[rows], NOTHING)}
        columns |= {
            "paid_at": [
                at if yes else "\\N"
                for at, yes in zip(instants(np.where(paid, orders.paid[rows], 0)).astype(str).tolist(), paid.tolist(), strict=True)
            ]
        }
        copy_columns(self.session, Claim, columns, len(rows))

    def _funders(self, rows: Rows) -> list[str]:
        return [self.cast.schemes[n].terms.funder for n in self.money.a_scheme[self.orders.application[rows]].tolist()]


def _given(at: Ints, **numbers: Sequence[str]) -> list[str]:
    """Write what is handed in with an event: documents of the day, each kind with its number."""
    days = dates(day_of(at)).astype(str).tolist()
    parts = [
        [f'{{"file_id": null, "issued_on": "{day}", "kind": "{kind}", "number": "{number}"}}' for day, number in zip(days, column, strict=True)]
        for kind, column in numbers.items()
    ]
    return [f'{{"documents": [{", ".join(documents)}], "reason": ""}}' for documents in zip(*parts, strict=True)]


def _state(end: int, first: str, steps: Sequence[tuple[Ints, str]], off: Any, ended: Any) -> NDArray[np.str_]:
    """Return the states that papers have reached before `end`."""
    last_first = list(reversed(steps))
    found: NDArray[np.str_] = np.select([off, *(at < end for at, _ in last_first)], [ended, *(name for _, name in last_first)], first)
    return found


def _happened(end: int, *at: Ints) -> Ints:
    """Count the events before `end`: the version of a paper."""
    found: Ints = np.sum([one < end for one in at], axis=0).astype(np.int64)
    return found
