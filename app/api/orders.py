"""Orders under `/api/v1`: book with a voucher, see, take one step further. Every write carries an Idempotency-Key and answers alike when repeated.

What a step means and who may take it is left to `bookings`; a refusal comes as a problem with its `clause`, and nothing was changed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from flask import g
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from app.api import PREFIX, SIGNED, bp
from app.i18n import translate
from bookings import queries
from bookings.checkout import ATTRIBUTES, Wish, book_and_hold
from bookings.correcting import CORRECT
from bookings.disputes import resolve
from bookings.entities import ORDER
from bookings.offers import Quotation, draft
from bookings.orders import EVENTS, Given
from bookings.queries import OrderPage, OrderRow
from bookings.steps import Counter
from core.clock import SHANGHAI
from core.errors import NotFound
from vouchers.claims import Document

_NEXT: Final = {arrow.event: arrow.next for arrow in ORDER} | {"claim": "settled"}
_VERBS: Final = {**EVENTS, "resolve": resolve}
"""The state in which an event leaves an order: what the answer says, also when the order has moved on before it is repeated."""

Id = Annotated[int, Field(ge=1, lt=2**63)]
Fen = Annotated[int, Field(ge=0, lt=2**63, description="fen")]
Local = Annotated[datetime, AfterValidator(lambda instant: instant.astimezone(SHANGHAI))]
Attribute = Literal["statutory_test", "batch_production_test", "funded_by_city_project_this_or_last_year"]


class RequestKey(BaseModel):
    """The id of a request: the same id and content is done once and answered alike, another content is refused with 409."""

    key: str = Field(alias="Idempotency-Key", min_length=1, max_length=100)


class Sums(BaseModel):
    """What the person saw and confirmed."""

    model_config = ConfigDict(extra="forbid")
    voucher_part: Fen
    own_part: Fen


class OrderWish(BaseModel):
    """What to book and how to pay."""

    model_config = ConfigDict(extra="forbid")
    instrument: Id = Field(description="id of the instrument")
    start: AwareDatetime = Field(description="begin of the slot, within the opening hours", examples=["2026-11-26T09:00:00+08:00"])
    end: AwareDatetime = Field(description="end of the slot", examples=["2026-11-26T12:00:00+08:00"])
    service: str = Field(max_length=60, description="code of the service", examples=["test_analysis"])
    voucher: Id | Annotated[str, Field(max_length=60)] | None = Field(
        None, description='id or code of a voucher of yours; "best": the first to expire that pays anything; none: you pay in full'
    )
    attributes: list[Attribute] = Field([], max_length=len(ATTRIBUTES), description="what you declare about the service; each may exclude a voucher")
    need: str = Field("", max_length=500, description="what you want to know, for the carrier")
    expected: Sums | None = Field(None, description="refuse when the sums are no longer these")


class Paper(BaseModel):
    """A document by kind, number and date of issue."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["service_result", "invoice", "payment_proof"]
    number: str = Field(max_length=80)
    issued_on: date
    file_id: Id | None = Field(None, description="the document itself, handed in at /files")


class CounterOffer(BaseModel):
    """What the carrier offers instead; what is left out stays as it was asked for."""

    model_config = ConfigDict(extra="forbid")
    price: int | None = Field(None, description="fen")
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    report_days: int | None = Field(None, description="working days after the slot")


class QuotationWish(BaseModel):
    """What a carrier offers to an enterprise by itself."""

    model_config = ConfigDict(extra="forbid")
    enterprise: str = Field(max_length=60, description="code of the enterprise")
    instrument: Id = Field(description="id of an instrument of yours")
    service: str = Field(max_length=60)
    start: AwareDatetime
    end: AwareDatetime
    price: int = Field(description="fen")
    report_days: int = Field(description="working days after the slot")
    message: str = Field("", max_length=500)


class Step(BaseModel):
    """What an event hands in, each where it is needed.

    `deliver` and `correct_report` need service_result, `pay_own_part` invoice and payment_proof, `correct_invoice` and `correct_payment` one of
    these, `counter` a counter-offer, `dispute` a reason, `resolve` a reason
    and the outcome; `agree` may say how it is paid. Otherwise it may be left out.
    """

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("", max_length=500)
    counter: CounterOffer = CounterOffer()
    voucher: Id | Annotated[str, Field(max_length=60)] | None = Field(None, description='agree: as in an order; "none": you pay in full')
    attributes: list[Attribute] = Field([], max_length=len(ATTRIBUTES), description="agree: what you declare about the service")
    expected: Sums | None = Field(None, description="agree: refuse when the sums are no longer these; voucher_part with the co-funders' part")
    outcome: Literal["confirmed", "cancelled"] | None = Field(None, description="resolve: whether the service counts")
    amount: Fen | None = Field(None, description="resolve: what the voucher pays, fen, at most what is frozen; left out: all of it")
    documents: list[Paper] = Field([], max_length=5)

    @model_validator(mode="before")
    @classmethod
    def _no_body(cls, given: Any) -> Any:
        return {} if given is None else given


class OrderPath(BaseModel):
    """Which order."""

    order_id: Id


class StepPath(OrderPath):
    """Which order, and what happens to it."""

    event: str = Field(description="one of: " + ", ".join(_VERBS))


class OrdersQuery(BaseModel):
    """Which of your orders, the newest first."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["draft", "offered", "countered", "contracted", "delivered", "disputed", "confirmed", "settled", "cancelled"] | None = None
    limit: int = Field(100, ge=1, le=1000)
    cursor: Id | None = Field(None, description="`next` of the page before")


class ClauseOut(BaseModel):
    """One line of the ruling that decided the voucher part."""

    code: str
    outcome: str
    title: str
    detail: str
    source: str
    bound: int | None = Field(description="upper bound of the voucher part, fen")
    assumed: bool = Field(description="the deciding value is an invented example")


class ClaimOut(BaseModel):
    """The claim of the voucher part."""

    id: int
    code: str
    state: str
    amount: int


class OrderState(BaseModel):
    """An order after a step: price = voucher_part + share_part + own_part, fen. `links`: itself and the steps that you may take from here.

    `share_part` is what co-funders pay beside the voucher.
    """

    id: int
    code: str
    state: str
    price: int
    voucher_part: int
    share_part: int
    own_part: int
    clauses: list[ClauseOut]
    claim: ClaimOut | None = None
    links: dict[str, str]


class OrderLine(BaseModel):
    """An order in a list."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    code: str
    state: str
    enterprise_id: int
    enterprise: str
    carrier_id: int
    carrier: str
    instrument_id: int
    instrument: str
    service_code: str
    price: int
    voucher_part: int
    share_part: int
    own_part: int
    start: Local
    end: Local
    answer_by: Local
    report_on: date
    is_sample: bool


class Orders(BaseModel):
    """A page of orders; `next` is the cursor of the following one."""

    items: list[OrderLine]
    next: int | None


class PaperOut(BaseModel):
    """A document that was handed in."""

    model_config = ConfigDict(from_attributes=True)
    kind: str
    number: str
    issued_on: date


class StepOut(BaseModel):
    """One thing that happened."""

    model_config = ConfigDict(from_attributes=True)
    at: Local
    event: str
    role: str
    organisation: str | None
    after: str
    reason: str


class OrderOut(OrderLine):
    """One order with all that belongs to it."""

    need: str
    voucher: str | None = Field(description="code of the voucher")
    policy: str | None
    clauses: list[ClauseOut]
    claim: ClaimOut | None
    documents: list[PaperOut]
    steps: list[StepOut]
    links: dict[str, str]


@bp.get("/orders", responses={200: Orders}, security=SIGNED)
def orders(query: OrdersQuery) -> dict[str, Any]:
    """List the orders of your organisation, as enterprise or as carrier."""
    states = (query.state,) if query.state else ()
    rows = queries.orders_of(g.session, g.actor.organisation_id, states=states, before=query.cursor, limit=query.limit + 1)
    items = [OrderLine.model_validate(row) for row in rows[: query.limit]]
    return Orders(items=items, next=items[-1].id if len(rows) > query.limit else None).model_dump(mode="json")


@bp.post("/orders", responses={201: OrderState}, security=SIGNED)
def book(header: RequestKey, body: OrderWish) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Take a slot and freeze the voucher's part, both or neither."""
    wish = Wish(
        instrument_id=body.instrument,
        start=body.start,
        end=body.end,
        service=body.service,
        voucher=body.voucher,
        attributes=frozenset(body.attributes),
        need=body.need,
        expected=(body.expected.voucher_part, body.expected.own_part) if body.expected else None,
    )
    made = book_and_hold(g.session, g.actor, wish, request_id=header.key)
    answer = _state(queries.order_of(g.session, g.actor, made), "offered")
    return answer.model_dump(mode="json", exclude={"claim"}), 201, {"Location": answer.links["self"]}


@bp.post("/quotations", responses={201: OrderState}, security=SIGNED)
def quote(header: RequestKey, body: QuotationWish) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Draft an offer to an enterprise and keep its slot; the event `propose` sends it."""
    facts: dict[str, Any] = {
        "enterprise": body.enterprise,
        "instrument_id": body.instrument,
        "service": body.service,
        "start": body.start,
        "end": body.end,
    }
    quotation = Quotation(**facts, price=body.price, report_days=body.report_days, message=body.message)
    made = draft(g.session, g.actor, quotation, request_id=header.key)
    answer = _state(queries.order_of(g.session, g.actor, made), "draft")
    return answer.model_dump(mode="json", exclude={"claim"}), 201, {"Location": answer.links["self"]}


@bp.get("/orders/<int:order_id>", responses={200: OrderOut}, security=SIGNED)
def order(path: OrderPath) -> dict[str, Any]:
    """Show one order of yours: the ruling, the papers, what happened, and which steps are open to you."""
    page = queries.order_of(g.session, g.actor, path.order_id)
    found = OrderOut(
        **OrderLine.model_validate(page.row).model_dump(),
        need=page.need,
        voucher=page.voucher_code,
        policy=page.policy,
        clauses=_clauses(page),
        claim=_claim(page),
        documents=[PaperOut.model_validate(one) for one in page.documents],
        steps=[StepOut.model_validate(one) for one in page.steps],
        links=_links(page, page.row.state),
    )
    return found.model_dump(mode="json")


@bp.post("/orders/<int:order_id>/<event>", responses={200: OrderState}, security=SIGNED)
def order_event(path: StepPath, header: RequestKey, body: Step) -> dict[str, Any]:
    """Take an order one step further. A dispute is resolved by a reviewer of the region that pays; all else is done by the parties."""
    verb = _VERBS.get(path.event)
    if verb is None:
        raise NotFound
    documents = tuple(Document(paper.kind, paper.number, paper.issued_on, paper.file_id) for paper in body.documents)
    verb(g.session, g.actor, order_id=path.order_id, request_id=header.key, given=_given(body, documents))
    page = queries.order_of(g.session, g.actor, path.order_id)
    answer = _state(page, page.row.state if path.event == "resolve" else _NEXT[path.event])
    if path.event == "claim" and answer.claim:
        answer.claim.state = "submitted"
    return answer.model_dump(mode="json", exclude=set() if path.event == "claim" else {"claim"})


def _given(body: Step, documents: tuple[Document, ...]) -> Given:
    paid = (body.expected.voucher_part, body.expected.own_part) if body.expected else None
    counter = Counter(**body.counter.model_dump())
    said: dict[str, Any] = {"voucher": body.voucher, "attributes": frozenset(body.attributes), "expected": paid, "amount": body.amount}
    return Given(body.reason, documents, counter, outcome=body.outcome or "", **said)


def _state(page: OrderPage, state: str) -> OrderState:
    row: OrderRow = page.row
    sums = {"price": row.price, "voucher_part": row.voucher_part, "share_part": row.share_part, "own_part": row.own_part}
    return OrderState(id=row.id, code=row.code, state=state, **sums, clauses=_clauses(page), claim=_claim(page), links=_links(page, state))


def _clauses(page: OrderPage) -> list[ClauseOut]:
    kept = ("code", "outcome", "source", "bound", "assumed")
    return [
        ClauseOut(title=translate(one["title"]), detail=translate((one["detail"], one["params"])), **{name: one[name] for name in kept})
        for one in page.clauses
    ]


def _claim(page: OrderPage) -> ClaimOut | None:
    if page.claim_id is None:
        return None
    return ClaimOut.model_validate({"id": page.claim_id, "code": page.claim_code, "state": page.claim_state, "amount": page.claim_amount})


def _links(page: OrderPage, state: str) -> dict[str, str]:
    """Name the order itself, and the steps that this actor may take from `state`."""
    here = f"{PREFIX}/orders/{page.row.id}"
    events = [arrow.event for arrow in ORDER if arrow.state == state and g.actor.role in arrow.roles]
    if page.hold_state != "used" or (page.claim_state is not None and not page.returned):
        events = [event for event in events if event not in CORRECT]
    if state == "settled" and page.payee == g.actor.role:
        events.append("claim")
    return {"self": here, **{event: f"{here}/{event}" for event in events}}
