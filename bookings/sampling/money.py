"""The rows of the verbs of `vouchers`: adopt, apply, decide, hold, release, use, expire, claim, review, approve, pay.

Each function follows the verb of the same name; what a verb checks, the story has checked before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bookings.sampling.books import Act, Now, Row, begin, born, move, post
from core.actor import SYSTEM, Actor
from core.clock import business_date
from vouchers import chart
from vouchers.entities import APPLICATION, CLAIM, HOLD, VOUCHER, Application, Claim, Evidence, Hold, Payout, Voucher
from vouchers.ledger import Move
from vouchers.lifecycle import add_months
from vouchers.policy import Budget, Policy


@dataclass(frozen=True)
class Scheme:
    """A policy version in force: its id, its terms, and its budgets by year."""

    version_id: int
    terms: Policy
    budgets: dict[int, Row] = field(default_factory=dict)


@dataclass
class Purse:
    """A voucher with what stands on it, fen."""

    row: Row
    scheme: Scheme
    available: int
    held: int = 0


def adopt(now: Now, actor: Actor, *, scheme: Scheme, year: int, amount: int) -> Row:
    """Give `amount` fen to the budget of a year; the row keeps what is left of it under `free`."""
    terms = scheme.terms
    act = begin(now, actor, verb="adopt", content={"policy": terms.id, "year": year, "amount": amount})
    names: Row = {"id": now.books.new_id(Budget), "funder": terms.funder, "policy": terms.id, "year": year}
    row = {**names, "state": "adopted", "row_version": 0, "created_at": now.at}
    audit = born(act, Budget, row, "adopt", policy_version_id=scheme.version_id, detail={"amount": amount})
    post(act, [Move(chart.treasury(terms.funder), _budget(row), amount)], kind="adopt", audit_id=audit)
    act.answer(row["id"])
    scheme.budgets[year] = row
    return row


def apply(now: Now, actor: Actor, *, scheme: Scheme, amount: int, purpose: str) -> Row:
    """Ask for a voucher and reserve its money."""
    act = begin(now, actor, verb="apply", content={"policy": scheme.terms.id, "amount": amount, "purpose": purpose})
    budget = scheme.budgets[business_date(now.at).year]
    row: Row = {"id": now.books.new_id(Application), "holder_id": actor.organisation_id, "policy_version_id": scheme.version_id}
    row |= {"budget_id": budget["id"], "amount": amount, "purpose": purpose, "state": "county_review", "row_version": 0, "created_at": now.at}
    row |= {"created_by": actor.user_id, "reviewer_id": None, "is_sample": True}
    audit = born(act, Application, row, "submit", policy_version_id=scheme.version_id, detail={"amount": amount})
    post(act, [Move(_budget(budget), chart.reserved(row["id"]), amount)], kind="reserve", audit_id=audit)
    act.answer(row["id"])
    return row


def decide(now: Now, actor: Actor, *, row: Row, event: str, scheme: Scheme, reason: str = "") -> Purse | None:
    """Review an application: pass (gives the purse of its voucher), refuse or return."""
    act = begin(now, actor, verb="decide", content={"application": row["id"], "event": event, "reason": reason})
    row["reviewer_id"] = actor.user_id
    audit = move(act, Application, row, APPLICATION, event, reason=reason, policy_version_id=scheme.version_id)
    act.answer(row["id"])
    if event == "refuse":
        budget = scheme.budgets[business_date(row["created_at"]).year]
        post(act, [Move(chart.reserved(row["id"]), _budget(budget), row["amount"])], kind="unreserve", audit_id=audit)
    return _issue(act, row, scheme) if event == "pass" else None


def resume(now: Now, actor: Actor, *, row: Row) -> None:
    """Submit a returned application again."""
    act = begin(now, actor, verb="resume", content={"application": row["id"], "event": "submit"})
    move(act, Application, row, APPLICATION, "submit", policy_version_id=row["policy_version_id"])
    act.answer(row["id"])


def hold(outer: Act, purse: Purse, amount: int, reference: str) -> Row:
    """Freeze money of a voucher for an order that is being placed."""
    voucher = purse.row
    content = {"voucher": voucher["id"], "amount": amount, "reference": reference}
    act = begin(outer.now, outer.actor, verb="hold", content=content, key=f"{outer.request}/hold")
    row: Row = {"id": act.books.new_id(Hold), "voucher_id": voucher["id"], "reference": reference, "amount": amount, "used": 0}
    row |= {"year": business_date(act.at).year, "state": "held", "row_version": 0, "created_at": act.at}
    detail = {"amount": amount, "voucher": voucher["id"]}
    audit = born(act, Hold, row, "hold", policy_version_id=voucher["policy_version_id"], detail=detail)
    post(act, [Move(chart.available(voucher["id"]), chart.held(voucher["id"]), amount)], kind="hold", audit_id=audit)
    act.answer(row["id"])
    purse.available -= amount
    purse.held += amount
    return row


def release(outer: Act, purse: Purse, row: Row, reason: str) -> None:
    """Give a hold back to its voucher, or to the pool when the voucher may no longer be used."""
    act = begin(outer.now, outer.actor, verb="release", content={"hold": row["id"]}, key=f"{outer.request}/release")
    audit = move(act, Hold, row, HOLD, "release", reason=reason, policy_version_id=purse.row["policy_version_id"])
    usable = purse.row["state"] == "active" and business_date(act.at) <= purse.row["expires_use"]
    back = chart.available(purse.row["id"]) if usable else _pool(purse)
    post(act, [Move(chart.held(purse.row["id"]), back, row["amount"])], kind="release", audit_id=audit)
    act.answer(row["id"])
    purse.held -= row["amount"]
    purse.available += row["amount"] if usable else 0


def use(outer: Act, purse: Purse, row: Row) -> None:
    """Turn a whole hold into used money."""
    content = {"hold": row["id"], "amount": row["amount"]}
    act = begin(outer.now, outer.actor, verb="use", content=content, key=f"{outer.request}/use")
    row["used"] = row["amount"]
    detail = {"amount": row["amount"]}
    audit = move(act, Hold, row, HOLD, "use", policy_version_id=purse.row["policy_version_id"], detail=detail)
    post(act, [Move(chart.held(purse.row["id"]), chart.used(purse.row["id"]), row["amount"])], kind="use", audit_id=audit)
    act.answer(row["id"])
    purse.held -= row["amount"]


def expire(now: Now, *, purse: Purse) -> None:
    """Take a voucher past its last day of use out of use; its free money goes to the pool."""
    voucher = purse.row
    act = begin(now, SYSTEM, verb="expire", content={"voucher": voucher["id"]}, key=f"expire/{voucher['id']}")
    audit = move(act, Voucher, voucher, VOUCHER, "expire_use", policy_version_id=voucher["policy_version_id"])
    if purse.available:
        post(act, [Move(chart.available(voucher["id"]), _pool(purse), purse.available)], kind="expire", audit_id=audit)
    act.answer(voucher["id"])
    purse.available = 0


def evidence(act: Act, reference: str, kind: str, number: str) -> None:
    """Store a document of the day."""
    row = {"id": act.books.new_id(Evidence), "reference": reference, "kind": kind, "number": number, "issued_on": business_date(act.at)}
    more = {"added_by": act.actor.user_id, "organisation_id": act.actor.organisation_id, "created_at": act.at}
    act.books.rows[Evidence].append({**row, **more})


def submit(outer: Act, purse: Purse, held: Row, parties: tuple[int, int]) -> Row:
    """Claim the used part of a hold for the actor's organisation."""
    act = begin(outer.now, outer.actor, verb="claim", content={"hold": held["id"]}, key=f"{outer.request}/claim")
    row: Row = {"id": act.books.new_id(Claim), "code": f"C-{purse.row['code']}-{held['id']}", "hold_id": held["id"]}
    row |= {"payee_id": act.actor.organisation_id, "funder": purse.scheme.terms.funder, "amount": held["used"], "state": "submitted"}
    row |= {"row_version": 0, "created_at": act.at, "created_by": act.actor.user_id}
    row |= dict.fromkeys(("reviewer_id", "approver_id", "payer_id", "payout_id", "paid_at"))
    detail = {"amount": held["used"], "parties": list(parties)}
    born(act, Claim, row, "submit", policy_version_id=purse.row["policy_version_id"], detail=detail)
    act.answer(row["id"])
    return row


def resubmit(outer: Act, purse: Purse, row: Row) -> None:
    """Send a returned claim again."""
    act = begin(outer.now, outer.actor, verb="resubmit", content={"claim": row["id"]}, key=f"{outer.request}/claim")
    move(act, Claim, row, CLAIM, "submit", policy_version_id=purse.row["policy_version_id"])
    act.answer(row["id"])


def review(now: Now, actor: Actor, *, row: Row, event: str, reason: str = "") -> None:
    """Check a claim: check_ok, return or refuse."""
    act = begin(now, actor, verb="review", content={"claim": row["id"], "event": event, "reason": reason})
    row["reviewer_id"] = actor.user_id
    move(act, Claim, row, CLAIM, event, reason=reason)
    act.answer(row["id"])


def approve(now: Now, actor: Actor, *, row: Row) -> None:
    """Approve a checked claim for payment."""
    act = begin(now, actor, verb="approve", content={"claim": row["id"]})
    row["approver_id"] = actor.user_id
    move(act, Claim, row, CLAIM, "approve")
    act.answer(row["id"])


def pay(now: Now, actor: Actor, *, row: Row, purse: Purse, bank_reference: str) -> None:
    """Record that the treasury paid an approved claim."""
    act = begin(now, actor, verb="pay", content={"claim": row["id"], "bank_reference": bank_reference})
    payout: Row = {"id": now.books.new_id(Payout), "funder": row["funder"], "payee_id": row["payee_id"], "amount": row["amount"]}
    payout |= {"bank_reference": bank_reference, "paid_on": business_date(now.at), "created_at": now.at, "created_by": actor.user_id}
    now.books.rows[Payout].append(payout)
    row |= {"payer_id": actor.user_id, "paid_at": now.at, "payout_id": payout["id"]}
    detail: Mapping[str, Any] = {"amount": row["amount"], "bank_reference": bank_reference}
    audit = move(act, Claim, row, CLAIM, "pay", policy_version_id=purse.row["policy_version_id"], detail=detail)
    post(act, [Move(chart.used(purse.row["id"]), chart.paid(payout["id"]), row["amount"])], kind="redeem", audit_id=audit)
    act.answer(payout["id"])


def _issue(act: Act, row: Row, scheme: Scheme) -> Purse:
    terms, day = scheme.terms, business_date(act.at)
    move(act, Application, row, APPLICATION, "issue", actor=SYSTEM, policy_version_id=scheme.version_id)
    last_use = add_months(day, terms.use_window.months)
    made: Row = {"id": act.books.new_id(Voucher), "code": f"{terms.prefix}-{day.year}-{row['id']:05d}", "application_id": row["id"]}
    made |= {name: row[name] for name in ("holder_id", "policy_version_id", "budget_id", "is_sample")}
    made |= {"face": row["amount"], "issued_on": day, "expires_use": last_use, "expires_redeem": add_months(last_use, terms.use_window.redeem_months)}
    made |= {"state": "active", "row_version": 0, "created_at": act.at}
    audit = born(act, Voucher, made, "issue", actor=SYSTEM, policy_version_id=scheme.version_id, detail={"face": row["amount"]})
    moves = [Move(chart.reserved(row["id"]), chart.available(made["id"]), row["amount"])]
    post(act, moves, kind="issue", audit_id=audit, request=f"{act.request}/issue")
    return Purse(made, scheme, row["amount"])


def _budget(row: Row) -> str:
    return chart.budget(row["funder"], row["policy"], row["year"])


def _pool(purse: Purse) -> str:
    year = next(year for year, budget in purse.scheme.budgets.items() if budget["id"] == purse.row["budget_id"])
    return chart.pool(purse.scheme.terms.funder, purse.scheme.terms.id, year)
