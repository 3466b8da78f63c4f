"""Applications under `/api/v1`: apply for a voucher, see, send again, withdraw, review. Every write carries an Idempotency-Key."""

from __future__ import annotations

from typing import Annotated, Any, Final

from flask import g
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select

from app import contracts
from app.access import allow
from app.api import PREFIX, SIGNED, bp
from app.api.orders import Id, Local, RequestKey
from app.audiences import OFFICERS
from core import clock
from core.errors import NotFound
from vouchers import applications as verbs
from vouchers import desk
from vouchers.entities import APPLICATION, Application

REVIEWS: Final = ("pass", "refuse", "return")
OWN: Final = ("submit", "withdraw")


class ApplicationWish(BaseModel):
    """What is asked for: an amount, or with a contract-first policy the order that the voucher is to pay."""

    model_config = ConfigDict(extra="forbid")
    policy: str = Field(min_length=1, max_length=60)
    amount: Annotated[int, Field(strict=True, gt=0, lt=2**63, description="fen; left out with an order")] | None = None
    purpose: str = Field(min_length=1, max_length=500)
    fund: str = Field("", max_length=60, description="code of a fund of the policy")
    order: Id | None = Field(None, description="id of one of your contracted orders: the policy rules the amount")

    @model_validator(mode="after")
    def _one_of_both(self) -> ApplicationWish:
        if (self.amount is None) == (self.order is None):
            raise ValueError("give either amount or order")
        return self


class Why(BaseModel):
    """The reason, which the applicant sees; needed to refuse and to return."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("", max_length=500)

    @model_validator(mode="before")
    @classmethod
    def _no_body(cls, given: Any) -> Any:
        return {} if given is None else given


class ApplicationPath(BaseModel):
    """Which application."""

    application_id: Id


class ApplicationStep(ApplicationPath):
    """Which application, and what happens to it."""

    event: str = Field(description="one of: " + ", ".join((*OWN, *REVIEWS, "recall")))


class ApplicationOut(BaseModel):
    """An application; `ahead` says how many wait before it for the same budget, amounts in fen."""

    id: int
    state: str
    policy: str
    amount: int
    purpose: str
    desk: str = Field(description="adcode of the region that reviews next")
    sent_at: Local
    reason: str
    ahead: int
    notice_ends: str | None
    voucher: int | None = Field(description="id of the voucher that was issued")
    order: int | None
    is_sample: bool
    links: dict[str, str]


class Applications(BaseModel):
    """Applications of your enterprise, the newest first."""

    items: list[ApplicationOut]


class Waiting(BaseModel):
    """An application that waits at an officer's desk; `locked` says why this officer may not decide."""

    id: int
    state: str
    party: str
    title: str
    amount: int
    age: int = Field(description="days")
    locked: bool
    links: dict[str, str]


class Desk(BaseModel):
    """The applications that wait in the officer's region, first what this officer may decide, then the oldest."""

    items: list[Waiting]


@bp.get("/applications", responses={200: Applications}, security=SIGNED)
def applications_list() -> dict[str, Any]:
    """List the applications of your enterprise, or those that wait at your desk."""
    if g.actor.role in OFFICERS:
        rows = desk.queue_for(g.session, g.actor, today=clock.today(g.session))
        items = [_waiting(row) for row in rows if row.kind == "application"]
        return Desk(items=items).model_dump(mode="json")
    lines = desk.applications_of(g.session, g.actor.organisation_id or 0, limit=200)
    papers = {row.id: row for row in g.session.scalars(select(Application).where(Application.id.in_([line.id for line in lines])))}
    return Applications(items=[_shown(papers[line.id], line) for line in lines]).model_dump(mode="json")


@bp.post("/applications", responses={201: ApplicationOut}, security=SIGNED)
def application_new(header: RequestKey, body: ApplicationWish) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Apply for a voucher; when the budget is short the application joins its queue (state `waitlisted`)."""
    contract = contracts.contract_of(g.session, g.actor, body.order) if body.order else None
    more: dict[str, Any] = {"amount": body.amount, "purpose": body.purpose, "fund": body.fund, "contract": contract}
    made = verbs.apply(g.session, g.actor, policy_code=body.policy, request_id=header.key, **more)
    answer = _out(made)
    return answer.model_dump(mode="json"), 201, {"Location": answer.links["self"]}


@bp.get("/applications/<int:application_id>", responses={200: ApplicationOut}, security=SIGNED)
def application_one(path: ApplicationPath) -> dict[str, Any]:
    """Show one application of yours, or of your region."""
    return _out(path.application_id).model_dump(mode="json")


@bp.post("/applications/<int:application_id>/<event>", responses={200: ApplicationOut}, security=SIGNED)
def application_event(header: RequestKey, path: ApplicationStep, body: Why) -> dict[str, Any]:
    """Send again or withdraw (enterprise); pass, refuse, return or recall (reviewer)."""
    facts: dict[str, Any] = {"application_id": path.application_id, "request_id": header.key}
    _out(path.application_id)
    if path.event in REVIEWS:
        verbs.decide(g.session, g.actor, event=path.event, reason=body.reason, **facts)
    elif path.event in OWN:
        verbs.resume(g.session, g.actor, event=path.event, **facts)
    elif path.event == "recall":
        verbs.recall(g.session, g.actor, **facts)
    else:
        raise NotFound
    return _out(path.application_id).model_dump(mode="json")


def _out(application_id: int) -> ApplicationOut:
    row = g.session.get(Application, application_id, populate_existing=True)
    if row is None:
        raise NotFound
    if g.actor.role not in OFFICERS or g.actor.region != row.desk:
        allow(g.actor, owner=row.holder_id, region=desk.application_file(g.session, row.id).funder)
    return _shown(row, next(one for one in desk.applications_of(g.session, row.holder_id, limit=10_000) if one.id == row.id))


def _shown(row: Application, line: desk.ApplicationRow) -> ApplicationOut:
    order = (row.bound_reference or "").partition("order:")[2]
    return ApplicationOut(
        id=row.id,
        state=row.state,
        policy=line.policy,
        amount=row.amount,
        purpose=row.purpose,
        desk=row.desk,
        sent_at=line.sent_at,
        reason=line.reason,
        ahead=line.ahead if row.state == "waitlisted" else 0,
        notice_ends=line.notice_ends.isoformat() if line.notice_ends else None,
        voucher=line.voucher_id,
        order=int(order) if order else None,
        is_sample=row.is_sample,
        links=_links(row),
    )


def _links(row: Application) -> dict[str, str]:
    here = f"{PREFIX}/applications/{row.id}"
    mine = (*REVIEWS, "recall") if g.actor.role == "reviewer" and g.actor.region == row.desk else OWN if g.actor.role == "enterprise" else ()
    open_ = {arrow.event for arrow in APPLICATION if arrow.state == row.state and g.actor.role in arrow.roles and arrow.event in mine}
    return {"self": here, **{event: f"{here}/{event}" for event in sorted(open_)}}


def _waiting(row: desk.Item) -> Waiting:
    names = ("id", "state", "party", "title", "amount", "age")
    here = {"self": f"{PREFIX}/applications/{row.id}"}
    return Waiting(**{name: getattr(row, name) for name in names}, locked=row.locked is not None, links=here)
