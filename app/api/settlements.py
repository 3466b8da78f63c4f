"""Claims, settlement batches, the bank's statements, recoveries and bank accounts under `/api/v1`.

Every write carries an Idempotency-Key and answers alike when repeated; who may take a step is left to `vouchers`. Account numbers are masked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final

from flask import g
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api import SIGNED, bp
from app.api.orders import Id, RequestKey
from bookings import claiming
from core import clock
from core.audit import Arrow
from core.errors import NotFound
from vouchers import batches, claims, desk, finance, payees, recovery, statements
from vouchers.entities import CLAIM
from vouchers.settlement import BATCH, LINE, BankAccount, BankStatement, SettlementBatch

Fen = Annotated[int, Field(ge=0, lt=2**63, description="fen")]

BATCH_STEPS: Final[dict[str, Callable[..., int]]] = {
    "add": batches.add,
    "freeze": batches.freeze,
    "notice": batches.notice,
    "sign": batches.sign,
    "authorise": batches.authorise,
    "send": batches.send,
    "close": batches.close,
    "reconcile": batches.reconcile,
}


class _Body(BaseModel):
    @model_validator(mode="before")
    @classmethod
    def _no_body(cls, given: Any) -> Any:
        return {} if given is None else given


class Reason(_Body):
    """Why; needed where something is returned, refused, taken out, given up or asked back."""

    reason: str = Field("", max_length=500)


class ClaimPath(BaseModel):
    """Which claim."""

    claim_id: Id


class ClaimStep(ClaimPath):
    """Which claim, and what happens to it."""

    event: str = Field(description="one of: submit, check_ok, return, refuse, approve")


class BatchPath(BaseModel):
    """Which batch."""

    batch_id: Id


class BatchStep(BatchPath):
    """Which batch, and its next step."""

    event: str = Field(description="one of: " + ", ".join((*BATCH_STEPS, "cancel")))


class LineStep(BaseModel):
    """Which line of a batch, and what happens to it."""

    line_id: Id
    event: str = Field(description="one of: take_out, fail")


class StatementPath(BaseModel):
    """Which statement."""

    statement_id: Id


class RecoveryPath(BaseModel):
    """Which recovery."""

    recovery_id: Id


class Page(BaseModel):
    """How many, the newest first."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(100, ge=1, le=1000)
    cursor: Id | None = Field(None, description="`next` of the page before")


class StatementIn(BaseModel):
    """The bank's statement on a sent batch, as the text of its CSV."""

    model_config = ConfigDict(extra="forbid")
    batch: Id
    filename: str = Field("", max_length=200)
    content: str = Field(max_length=900_000, description="CSV with the columns 参考号/reference and 金额/amount at least")


class MoneyBack(BaseModel):
    """By which reference of the bank the money came, and when."""

    model_config = ConfigDict(extra="forbid")
    bank_reference: str = Field(max_length=80)
    received_on: date


class AccountIn(BaseModel):
    """Where the organisation wants its money."""

    model_config = ConfigDict(extra="forbid")
    bank: str = Field(max_length=120)
    name: str = Field(max_length=120)
    number: str = Field(max_length=60)


class AccountPath(BaseModel):
    """Which account."""

    account_id: Id


class Again(BaseModel):
    """The account number once more."""

    model_config = ConfigDict(extra="forbid")
    number: str = Field(max_length=60)


class ClaimOut(BaseModel):
    """A claim: its amount and state."""

    id: int
    code: str
    state: str
    amount: Fen
    sent_at: datetime | None = None
    paid_on: date | None = None
    bank_reference: str | None = None


class Claims(BaseModel):
    """Claims of your organisation, or those that wait for you."""

    items: list[ClaimOut]


class LineOut(BaseModel):
    """A line of a batch; the account is masked."""

    id: int
    reference: str
    claim: str
    payee: str
    account: str
    amount: Fen
    state: str
    reason: str
    bank_reference: str | None


class BatchOut(BaseModel):
    """A settlement batch."""

    id: int
    code: str
    state: str
    opened_on: date
    total: Fen
    lines: int
    waiting: int = Field(description="lines of which the bank has not said anything")
    failed: int
    notice_ends: date | None
    sha256: str | None = None
    items: list[LineOut] | None = None
    sums: dict[str, int] | None = Field(None, description="payouts, claims, ledger, statement: equal to the fen when it can be reconciled")


class Batches(BaseModel):
    """Batches of your funder."""

    items: list[BatchOut]
    next: int | None


class Row(BaseModel):
    """A row of a statement and what was found about it."""

    number: int
    reference: str
    amount: int | None
    outcome: str
    bank_reference: str
    finding: str


class StatementOut(BaseModel):
    """A statement that was taken in, with its rows."""

    id: int
    batch: int
    rows: list[Row]


class Done(BaseModel):
    """What was taken a step on, and the state that the step left it in: alike however often it is asked for."""

    id: int
    state: str


class AccountOut(BaseModel):
    """An account of yours, masked."""

    id: int
    state: str
    bank: str
    account: str


@bp.get("/claims", security=SIGNED, responses={200: Claims})
def claims_list() -> dict[str, Any]:
    """List the claims of your organisation, or as an officer of a funder those that wait for a decision."""
    if g.actor.region is not None:
        found = desk.queue_for(g.session, g.actor, today=clock.today(g.session))
        items = [ClaimOut(id=one.id, code=one.about, state=one.state, amount=one.amount) for one in found if one.kind == "claim"]
    else:
        same = ("id", "code", "state", "amount", "sent_at", "paid_on", "bank_reference")
        rows = desk.claims_of(g.session, g.actor.organisation_id or 0)
        items = [ClaimOut(**{name: getattr(row, name) for name in same}) for row in rows]
    return Claims(items=items).model_dump(mode="json")


@bp.post("/claims/<int:claim_id>/<event>", security=SIGNED, responses={200: Done})
def claim_event(path: ClaimStep, header: RequestKey, body: Reason) -> dict[str, Any]:
    """Take a claim one step on: its payee sends a returned one again, a reviewer checks it, finance approves it."""
    key, one = header.key, path.claim_id
    if path.event == "submit":
        claiming.resend(g.session, g.actor, claim_id=one, request_id=key)
    elif path.event == "approve":
        claims.approve(g.session, g.actor, claim_id=one, request_id=key)
    elif path.event in ("check_ok", "return", "refuse"):
        claims.review(g.session, g.actor, claim_id=one, event=path.event, reason=body.reason, request_id=key)
    else:
        raise NotFound
    return _done(one, CLAIM, path.event)


@bp.get("/batches", security=SIGNED, responses={200: Batches})
def batches_list(query: Page) -> dict[str, Any]:
    """List the settlement batches of your funder, the newest first."""
    rows = finance.batches_seen(g.session, g.actor, before=query.cursor, limit=query.limit)
    return Batches(items=[_batch(row) for row in rows], next=rows[-1].id if len(rows) == query.limit else None).model_dump(mode="json")


@bp.post("/batches", security=SIGNED, responses={201: Done})
def batch_open(header: RequestKey) -> tuple[dict[str, Any], int]:
    """Open a batch with every claim that can be paid."""
    found = batches.open_batch(g.session, g.actor, request_id=header.key)
    return Done(id=found, state="open").model_dump(), 201


@bp.get("/batches/<int:batch_id>", security=SIGNED, responses={200: BatchOut})
def batch_one(path: BatchPath) -> dict[str, Any]:
    """Show a batch with its lines and the four figures."""
    page = finance.batch_page(g.session, g.actor, path.batch_id)
    found = _batch(page.row)
    found.sha256, found.sums = page.sha256, vars(page.sums).copy()
    found.items = [LineOut(**{name: getattr(line, name) for name in LineOut.model_fields}) for line in page.lines]
    return found.model_dump(mode="json")


@bp.post("/batches/<int:batch_id>/<event>", security=SIGNED, responses={200: Done})
def batch_event(path: BatchStep, header: RequestKey, body: Reason) -> dict[str, Any]:
    """Take a batch one step on: add, freeze, notice, sign, authorise, send, close, reconcile; or cancel it with a reason."""
    if path.event == "cancel":
        batches.cancel(g.session, g.actor, batch_id=path.batch_id, reason=body.reason, request_id=header.key)
    elif path.event in BATCH_STEPS:
        BATCH_STEPS[path.event](g.session, g.actor, batch_id=path.batch_id, request_id=header.key)
    else:
        raise NotFound
    return _done(path.batch_id, BATCH, path.event)


@bp.post("/batch-lines/<int:line_id>/<event>", security=SIGNED, responses={200: Done})
def batch_line_event(path: LineStep, header: RequestKey, body: Reason) -> dict[str, Any]:
    """Take a line out of an open batch, or say that the bank did not pay it."""
    verb = {"take_out": batches.take_out, "fail": batches.fail_line}.get(path.event)
    if verb is None:
        raise NotFound
    verb(g.session, g.actor, line_id=path.line_id, reason=body.reason, request_id=header.key)
    return _done(path.line_id, LINE, path.event)


@bp.post("/statements", security=SIGNED, responses={201: StatementOut})
def statement_take(header: RequestKey, body: StatementIn) -> tuple[dict[str, Any], int]:
    """Take the bank's statement on a sent batch in: what fits is paid, what differs is named and moves nothing."""
    content = body.content.encode("utf-8", "replace")
    found = statements.take(g.session, g.actor, batch_id=body.batch, content=content, filename=body.filename, request_id=header.key)
    return _statement(found), 201


@bp.get("/statements/<int:statement_id>", security=SIGNED, responses={200: StatementOut})
def statement_one(path: StatementPath) -> dict[str, Any]:
    """Show a statement with what was found about each row."""
    row = g.session.get(BankStatement, path.statement_id)
    if row is None or g.session.get_one(SettlementBatch, row.batch_id).funder != g.actor.region:
        raise NotFound
    return _statement(row.id)


@bp.post("/claims/<int:claim_id>/recover", security=SIGNED, responses={201: Done})
def recovery_open(path: ClaimPath, header: RequestKey, body: Reason) -> tuple[dict[str, Any], int]:
    """Ask the money of a paid claim back; the answer names the recovery."""
    found = recovery.open_case(g.session, g.actor, claim_id=path.claim_id, reason=body.reason, request_id=header.key)
    return Done(id=found, state="open").model_dump(), 201


@bp.post("/recoveries/<int:recovery_id>/money_back", security=SIGNED, responses={200: Done})
def recovery_back(path: RecoveryPath, header: RequestKey, body: MoneyBack) -> dict[str, Any]:
    """Record that the money came back, by another person than who decided it."""
    found = recovery.money_back(g.session, g.actor, recovery_id=path.recovery_id, request_id=header.key, **body.model_dump())
    return Done(id=found, state="recovered").model_dump()


@bp.post("/bank-accounts", security=SIGNED, responses={201: AccountOut})
def account_enter(header: RequestKey, body: AccountIn) -> tuple[dict[str, Any], int]:
    """Enter a bank account of your organisation; it counts after it was confirmed."""
    found = payees.enter(g.session, g.actor, request_id=header.key, **body.model_dump())
    return _account(found, "entered"), 201


@bp.post("/bank-accounts/<int:account_id>/confirm", security=SIGNED, responses={200: AccountOut})
def account_confirm(path: AccountPath, header: RequestKey, body: Again) -> dict[str, Any]:
    """Confirm an account by its number once more."""
    return _account(payees.confirm(g.session, g.actor, account_id=path.account_id, number=body.number, request_id=header.key), "active")


def _done(key: int, arrows: tuple[Arrow, ...], event: str) -> dict[str, Any]:
    return Done(id=key, state=next(arrow.next for arrow in arrows if arrow.event == event)).model_dump()


def _batch(row: finance.BatchRow) -> BatchOut:
    same = ("id", "code", "state", "opened_on", "total", "lines", "waiting", "failed")
    return BatchOut(**{name: getattr(row, name) for name in same}, notice_ends=row.ends)


def _statement(statement_id: int) -> dict[str, Any]:
    row = g.session.get_one(BankStatement, statement_id)
    seen = [Row.model_validate(one) for one in statements.report(g.session, row.batch_id) if one["statement_id"] == statement_id]
    return StatementOut(id=row.id, batch=row.batch_id, rows=sorted(seen, key=lambda one: one.number)).model_dump(mode="json")


def _account(account_id: int, state: str) -> dict[str, Any]:
    row = g.session.get_one(BankAccount, account_id)
    return AccountOut(id=row.id, state=state, bank=row.bank, account=row.masked).model_dump()
