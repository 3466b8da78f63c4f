"""Budgets under `/api/v1`: where every fen is, who waits; plan, adopt, revise, sweep, close. Every write carries an Idempotency-Key."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from flask import g
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.access import allow
from app.api import PREFIX, SIGNED, bp
from app.api.orders import Id, Local, RequestKey
from core.errors import N_, Invalid, NotFound
from vouchers import budgetbook, budgets, closing
from vouchers.entities import BUDGET
from vouchers.policy import PolicyVersion

EVENTS: Final = ("adopt", "revise", "stripe", "sweep", "close", "drop")
Sum = Annotated[int, Field(strict=True, gt=0, lt=2**63, description="fen")]


class BudgetWish(BaseModel):
    """A new budget: money of your region for one of its policies, or a fund of it, in a calendar year; planned only, or adopted at once."""

    model_config = ConfigDict(extra="forbid")
    policy: str = Field(min_length=1, max_length=60)
    fund: str = Field("", max_length=60)
    year: int = Field(strict=True, ge=2010, le=2100)
    amount: Sum
    adopt: bool = True


class BudgetChange(BaseModel):
    """What a step needs: `adopt` an amount, `revise` a signed change and a reason, `stripe` a number, `close` where the rest goes and a reason."""

    model_config = ConfigDict(extra="forbid")
    amount: Sum | None = None
    change: Annotated[int, Field(strict=True, gt=-(2**63), lt=2**63)] | None = None
    stripes: Annotated[int, Field(strict=True, ge=1, le=64)] | None = None
    rest: Literal["carry", "treasury"] | None = None
    reason: str = Field("", max_length=500)

    @model_validator(mode="before")
    @classmethod
    def _no_body(cls, given: Any) -> Any:
        return {} if given is None else given


class BudgetPath(BaseModel):
    """Which budget."""

    budget_id: Id


class BudgetStep(BudgetPath):
    """Which budget, and what happens to it."""

    event: str = Field(description="one of: " + ", ".join(EVENTS))


class BudgetsQuery(BaseModel):
    """Of which year; all when left out."""

    model_config = ConfigDict(extra="forbid")
    year: int | None = Field(None, ge=2010, le=2100)


class BudgetOut(BaseModel):
    """One budget, fen: given = adopted + carried + swept = free + reserved + on_vouchers + paid + returned + shares."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    funder: str
    policy: str
    fund: str
    title: str
    year: int
    state: str
    stripes: int
    carried_to: int | None
    planned: int
    given: int
    adopted: int
    carried: int
    swept: int
    free: int
    reserved: int
    on_vouchers: int
    paid: int
    returned: int
    shares: int
    pool: int
    waiting: int
    waiting_sum: int
    is_sample: bool
    links: dict[str, str] = {}


class Budgets(BaseModel):
    """Budgets of your region, the newest year first."""

    items: list[BudgetOut]


class PlaceOut(BaseModel):
    """One place in the queue."""

    model_config = ConfigDict(from_attributes=True)
    place: int
    application_id: int
    holder: str
    amount: int
    sum: int
    since: Local


class BudgetWhole(BudgetOut):
    """One budget with its queue."""

    queue: list[PlaceOut]


@bp.get("/budgets", responses={200: Budgets}, security=SIGNED)
def budgets_list(query: BudgetsQuery) -> dict[str, Any]:
    """List the budgets of your region."""
    rows = budgetbook.book(g.session, g.actor.region or "", query.year)
    return Budgets(items=[_out(row) for row in rows]).model_dump(mode="json")


@bp.post("/budgets", responses={201: BudgetOut}, security=SIGNED)
def budget_new(header: RequestKey, body: BudgetWish) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Plan a budget, or adopt it at once; more for one that is open already raises it."""
    verb = budgets.adopt if body.adopt else budgets.plan
    more: dict[str, Any] = {"amount": body.amount, "fund": body.fund, "request_id": header.key}
    made = verb(g.session, g.actor, version=_version(body.policy, body.fund), year=body.year, **more)
    answer = _out(budgetbook.budget_row(g.session, made))
    return answer.model_dump(mode="json"), 201, {"Location": answer.links["self"]}


@bp.get("/budgets/<int:budget_id>", responses={200: BudgetWhole}, security=SIGNED)
def budget_one(path: BudgetPath) -> dict[str, Any]:
    """Show one budget of your region and who waits for it."""
    row = _own(path.budget_id)
    waiting = [PlaceOut.model_validate(one) for one in budgetbook.queue(g.session, row.id)]
    return BudgetWhole(**_out(row).model_dump(), queue=waiting).model_dump(mode="json")


@bp.post("/budgets/<int:budget_id>/<event>", responses={200: BudgetOut}, security=SIGNED)
def budget_event(header: RequestKey, path: BudgetStep, body: BudgetChange) -> dict[str, Any]:
    """Adopt, revise, stripe, sweep, close or drop."""
    row = _own(path.budget_id)
    if path.event not in EVENTS:
        raise NotFound
    _take(row, path.event, body=body, request=header.key)
    return _out(budgetbook.budget_row(g.session, row.id)).model_dump(mode="json")


def _take(row: budgetbook.BudgetRow, event: str, *, body: BudgetChange, request: str) -> None:
    facts: dict[str, Any] = {"budget_id": row.id, "request_id": request}
    if event == "adopt":
        version, amount = _version(row.policy, row.fund), _needed("amount", body.amount)
        more: dict[str, Any] = {"fund": row.fund, "request_id": request}
        budgets.adopt(g.session, g.actor, version=version, year=row.year, amount=amount, **more)
    elif event == "revise":
        budgets.revise(g.session, g.actor, change=_needed("change", body.change), reason=body.reason, **facts)
    elif event == "stripe":
        budgets.stripe(g.session, g.actor, stripes=_needed("stripes", body.stripes), **facts)
    elif event == "sweep":
        closing.sweep(g.session, g.actor, **facts)
    elif event == "close":
        closing.close(g.session, g.actor, rest=_needed("rest", body.rest), reason=body.reason, **facts)
    else:
        closing.drop(g.session, g.actor, reason=body.reason, **facts)


def _needed(field: str, value: Any) -> Any:
    if value is None:
        raise Invalid(field, N_("这一步要写明这一项。"))
    return value


def _version(policy: str, fund: str) -> PolicyVersion:
    found = next((one for one in budgetbook.purposes(g.session, g.actor.region or "") if one["policy"] == policy), None)
    if found is None or (fund and fund not in {one["code"] for one in found["funds"]}):
        raise Invalid("policy", N_("本级没有出资的这项政策或资金。"))
    version: PolicyVersion = g.session.get_one(PolicyVersion, found["version_id"])
    return version


def _own(budget_id: int) -> budgetbook.BudgetRow:
    row = budgetbook.budget_row(g.session, budget_id)
    allow(g.actor, region=row.funder)
    return row


def _out(row: budgetbook.BudgetRow) -> BudgetOut:
    here = f"{PREFIX}/budgets/{row.id}"
    may = g.actor.role == "finance" and g.actor.region == row.funder
    events = {arrow.event for arrow in BUDGET if arrow.state == row.state} & set(EVENTS) if may else set()
    return BudgetOut.model_validate(row).model_copy(update={"links": {"self": here, **{one: f"{here}/{one}" for one in sorted(events)}}})
