"""What all steps of an order share: the request taken once, order and booking locked in this order, hold, release, documents.

The verbs themselves stand in `bookings.orders`, `bookings.offers` and `bookings.disputes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, false, select, text, true
from sqlalchemy.orm import Session

from bookings import lifecycle as bookings
from bookings.entities import Booking, Order
from core.actor import Actor
from core.errors import N_, Invalid, NotFound
from geodata.regions import is_within
from vouchers import claims
from vouchers import lifecycle as money
from vouchers.claims import Document
from vouchers.entities import Hold
from vouchers.requests import once


@dataclass(frozen=True)
class Counter:
    """What the carrier offers instead: price in fen, the slot, and the day of the report; where one is None it stays as it was asked for."""

    price: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    report_days: int | None = None


@dataclass(frozen=True)
class Given:
    """What a person hands in with an event: a reason, documents; for an offer what is offered, for its answer how it is paid, for a ruling the sum.

    `voucher` as in `checkout.Wish`; `expected` the sums (paid by vouchers, own part) that the person saw; `amount` what the voucher pays, fen.
    """

    reason: str = ""
    documents: tuple[Document, ...] = ()
    counter: Counter = Counter()
    voucher: int | str | None = None
    attributes: frozenset[str] = field(default_factory=frozenset)
    expected: tuple[int, int] | None = None
    amount: int | None = None
    outcome: str = ""


class Verb(Protocol):
    """The shape of all events that a person may cause: returns the id of the order, of `claim` that of the claim."""

    def __call__(self, session: Session, actor: Actor, *, order_id: int, request_id: str, given: Given = ...) -> int:
        """Do it."""


@dataclass(frozen=True)
class Ask:
    """One event asked for: on which order, under which request id, with what."""

    event: str
    order_id: int
    request_id: str
    given: Given


EMPTY: Final = Given()
DOCUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "deliver": ("service_result",),
    "pay_own_part": ("invoice", "payment_proof"),
    "correct_report": ("service_result",),
    "correct_invoice": ("invoice",),
    "correct_payment": ("payment_proof",),
}
"""Which documents an event needs, by kind."""


def take(session: Session, actor: Actor, ask: Ask, act: Callable[[Order, Booking, str], int]) -> int:
    """Do `act` on the locked order and booking, once per request id."""

    def locked(request: str) -> int:
        row = locked_order(session, actor, ask)
        return act(row, bookings.lock(session, row.id), request)

    content = {"order": ask.order_id, "given": _content(ask.given)}
    return once(session, actor, ask.request_id, ask.event, content=content, act=locked)


def locked_order(session: Session, actor: Actor, ask: Ask) -> Order:
    """Lock an order of the actor's: a party's in the role in which it is a party, for a decision an officer's; others do not learn that it exists."""
    query = select(Order).where(Order.id == ask.order_id, _own(actor, ask.event)).with_for_update(key_share=True)
    found = session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
    if found is None or (actor.role == "reviewer" and not is_within(funder_of(session, found), actor.region or "none")):
        raise NotFound
    return found


def funder_of(session: Session, row: Order) -> str:
    """Return the region whose bureau decides about an order: that which pays its voucher, else the home of the enterprise."""
    query = """SELECT coalesce((SELECT p.funder FROM voucher v JOIN policy_version p ON p.id = v.policy_version_id WHERE v.id = :voucher),
                               (SELECT adcode FROM organisation WHERE id = :enterprise), '')"""
    found: str = session.execute(text(query), {"voucher": row.voucher_id, "enterprise": row.enterprise_id}).scalar_one()
    return found


def hold_of(session: Session, row: Order) -> Hold | None:
    """Return the live hold of an order, if there is one."""
    return session.scalars(select(Hold).where(Hold.reference == f"order:{row.id}", Hold.state != "released")).one_or_none()


def release(session: Session, actor: Actor, row: Order, *, reason: str, request: str) -> None:
    """Give the frozen money of an order back; without a hold, or with one that was voided, there is nothing to give."""
    held = hold_of(session, row)
    if held and held.state != "void":
        money.release(session, actor, hold_id=held.id, reason=reason, request_id=f"{request}/release")


def add_documents(session: Session, actor: Actor, row: Order, *, event: str, given: Given) -> None:
    """Store the documents that an event needs; raise `Invalid` for one that is missing, doubled, not asked for or older than the contract.

    A payment may be older: a deposit.
    """
    kinds = DOCUMENTS[event]
    for kind in kinds:
        found = [document for document in given.documents if document.kind == kind]
        if len(found) != 1:
            raise Invalid(kind, N_("请填写编号和日期。"))
        if kind != "payment_proof" and found[0].issued_on < row.contract_date:
            raise Invalid(kind, N_("日期 %(day)s 比签约的 %(since)s 还早。请照原件填写。"), day=found[0].issued_on, since=row.contract_date)
        claims.add_evidence(session, actor, reference=f"order:{row.id}", document=found[0])
    extra = {document.kind for document in given.documents} - set(kinds)
    if extra:
        raise Invalid(min(extra), N_("这一步不要这份材料。"))


def _own(actor: Actor, event: str) -> ColumnElement[bool]:
    if actor.role == "system" or (actor.role == "reviewer" and event == "resolve"):
        return true()
    party = {"enterprise": Order.enterprise_id, "carrier": Order.carrier_id}.get(actor.role)
    return false() if party is None else party == actor.organisation_id


def _content(given: Given) -> Mapping[str, Any]:
    """Return what was handed in as plain data; what was left out says nothing, so that adding a field leaves earlier requests alike."""
    whole = asdict(given)
    kept = {name: value for name, value in whole.items() if name in ("reason", "documents") or value != _NOTHING[name]}
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in kept.items()}


_NOTHING: Final = asdict(EMPTY)
