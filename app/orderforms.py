"""Forms of the steps of an order and of a voucher: counter-offer, quotation, agreement, dispute, decision. How they are read: `app.forms`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from app import forms
from app.forms import Event, Form, Id, RequestId, Required, Text, empty_is_none, yuan_field
from bookings.orders import DOCUMENTS
from bookings.steps import Counter, Given
from core.clock import SHANGHAI
from core.errors import Invalid
from vouchers.claims import Document


def _local(at: datetime | None) -> datetime | None:
    """Read a time without an offset as local time: a form's date and time say no offset."""
    return at.replace(tzinfo=SHANGHAI) if at is not None and at.tzinfo is None else at


class CounterOffer(Form):
    """What the carrier offers instead: price in yuan, a slot in local time or none, days until the report or none."""

    request_id: RequestId
    price: Annotated[int, yuan_field("price")]
    start: Annotated[datetime | None, BeforeValidator(empty_is_none), AfterValidator(_local)] = None
    end: Annotated[datetime | None, BeforeValidator(empty_is_none), AfterValidator(_local)] = None
    report_days: Annotated[Annotated[int, Field(ge=0, le=60)] | None, BeforeValidator(empty_is_none)] = None
    reason: Annotated[Text, Field(max_length=500)] = ""


class Quotation(CounterOffer):
    """An offer that a carrier makes by itself: to which enterprise (its code), on which instrument, for which service."""

    enterprise: Annotated[Required, Field(max_length=60)]
    instrument: Id
    service: Annotated[Required, Field(max_length=60)]
    start: Annotated[datetime, AfterValidator(_local)]
    end: Annotated[datetime, AfterValidator(_local)]
    report_days: Annotated[int, Field(ge=0, le=60)]


class Agreement(Form):
    """The enterprise takes the carrier's offer: how it is paid, what it declares, and the sums that it saw, fen."""

    request_id: RequestId
    voucher: Annotated[Text, Field(max_length=60)] = ""
    statutory: bool = False
    funded: bool = False
    batch: bool = False
    expected_voucher: Annotated[int, Field(ge=0, lt=2**63)]
    expected_own: Annotated[int, Field(ge=0, lt=2**63)]


class Resolution(Form):
    """The reviewer decides a dispute: whether the service counts, what the voucher pays of it in yuan, and why."""

    request_id: RequestId
    outcome: Literal["confirmed", "cancelled"]
    amount: Annotated[int | None, yuan_field("amount")] = None
    reason: Annotated[Required, Field(max_length=500)]


class Grounds(Form):
    """A step that must say why: a dispute, a freeze, a void."""

    request_id: RequestId
    reason: Annotated[Required, Field(max_length=500)]


def given_by(event: str, form: BaseModel, papers: dict[str, int]) -> Given:
    """Return what a form hands in as the domain takes it; `papers` maps a kind of document to the id of its file."""
    values = form.model_dump()
    named = [(kind, *FIELDS[kind]) for kind in DOCUMENTS.get(event, ())]
    documents = tuple(Document(kind, values[number], values[day], papers.get(kind)) for kind, number, day in named)
    if isinstance(form, CounterOffer):
        return Given(form.reason, counter=Counter(form.price, form.start, form.end, form.report_days))
    if isinstance(form, Agreement):
        declared = frozenset(name for name, field in DECLARED.items() if getattr(form, field))
        voucher = int(form.voucher) if form.voucher.isascii() and form.voucher.isdigit() else form.voucher or None
        return Given(voucher=voucher, attributes=declared, expected=(form.expected_voucher, form.expected_own))
    if isinstance(form, Resolution):
        return Given(form.reason, outcome=form.outcome, amount=form.amount)
    return Given(values.get("reason", ""), documents)


def field_of(wrong: Invalid) -> str:
    """Return the form's field that a fault of a document belongs to."""
    if wrong.field not in FIELDS:
        return wrong.field
    return FIELDS[wrong.field][1 if "day" in wrong.params else 0]


FIELDS: Final = {
    "service_result": ("report_number", "report_date"),
    "invoice": ("invoice_number", "invoice_date"),
    "payment_proof": ("payment_number", "payment_date"),
}
DECLARED: Final = {"statutory_test": "statutory", "batch_production_test": "batch", "funded_by_city_project_this_or_last_year": "funded"}
FORMS: Final[dict[str, type[BaseModel]]] = {
    "deliver": forms.Delivery,
    "pay_own_part": forms.OwnPayment,
    "correct_report": forms.Delivery,
    "correct_invoice": forms.InvoiceAgain,
    "correct_payment": forms.PaymentAgain,
    "counter": CounterOffer,
    "agree": Agreement,
    "dispute": Grounds,
}
"""The form of an event, where it is more than a word (`Event`)."""


def form_of(event: str) -> type[BaseModel]:
    """Return the form of an event."""
    return FORMS.get(event, Event)
