"""Posted needs under `/api/v1`: post, see, answer, pick, take one step further. Writes carry an Idempotency-Key: repeated, they answer alike.

What others wrote is scrubbed of numbers of persons for whoever is not the firm or an officer; a carrier sees its own answer only.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from flask import g
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from app import comparing, stuck
from app.api import PREFIX, SIGNED, bp
from app.api.needshapes import Answers, MessageOut, Messages, NeedOut, Needs, StuckList, StuckOut, answer_out, need_out
from app.api.orders import Attribute, Id, RequestKey, Sums
from app.asking import MapQuery
from app.freezing import meaning_of, narrowed
from app.i18n import translate
from bookings import answer_queries, answering, brokering, need_queries, picking, posting
from bookings.answering import Answer
from bookings.need_terms import LONGEST, Posting
from bookings.picking import Pick
from core.errors import N_, Invalid, NotFound
from parties import messages

EVENTS: Final = {
    "edit": "enterprise",
    "withdraw": "enterprise",
    "decline": "carrier",
    "retract": "carrier",
    "invite": "reviewer",
    "note": "reviewer",
    "close": "reviewer",
}
"""What may happen to a need, and whose step it is."""


class NeedPath(BaseModel):
    """Which need."""

    need_id: Id


class EventPath(NeedPath):
    """Which need, and what happens to it."""

    event: str = Field(description="one of: " + ", ".join(EVENTS))


class NeedsQuery(BaseModel):
    """Which needs: the public ones, your own (a firm), or those that fit what you offer (a carrier)."""

    model_config = ConfigDict(extra="forbid")
    scope: Literal["public", "own", "fitting"] = "public"
    limit: int = Field(50, ge=1, le=200)
    cursor: Id | None = Field(None, description="`next` of the page before")


class NeedWish(BaseModel):
    """A need to post: what is understood of the text is frozen with it; `types` keeps only these of what was understood."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=LONGEST)
    types: list[Annotated[str, Field(max_length=100)]] | None = Field(None, max_length=20)
    budget: int | None = Field(None, description="fen")
    due: date | None = Field(None, description="last day for the report")
    visibility: Literal["public", "chosen", "private"] = "public"
    carriers: list[Id] = Field([], max_length=20, description="chosen: ids of the carriers that may see it")
    answer_hours: int = Field(48, description="hours that carriers get to answer, 1 to 240")


class AnswerWish(BaseModel):
    """What a carrier offers."""

    model_config = ConfigDict(extra="forbid")
    instrument: Id
    service: str = Field(max_length=60)
    start: AwareDatetime
    end: AwareDatetime
    price: int = Field(description="fen")
    report_days: int = Field(description="working days after the slot")
    note: str = Field("", max_length=500)
    version: int | None = Field(None, description="of the need that you read; refused when it changed since")


class PickWish(BaseModel):
    """Which answer, as you saw it, and how it is paid."""

    model_config = ConfigDict(extra="forbid")
    answer: Id
    seen: int = Field(ge=0, description="`seen` of the answer: refused when the carrier changed it since")
    voucher: Id | Annotated[str, Field(max_length=60)] = Field("none", description='id or code of a voucher, "best", or "none": you pay in full')
    attributes: list[Attribute] = Field([], max_length=3)
    expected: Sums | None = Field(None, description="refuse when the sums are no longer these")


class EventWish(BaseModel):
    """What an event hands in: `need` for edit, `reason` for decline and close, `carriers` for invite, `words` for note."""

    model_config = ConfigDict(extra="forbid")
    need: NeedWish | None = None
    reason: str = Field("", max_length=60)
    carriers: list[Id] = Field([], max_length=20)
    words: str = Field("", max_length=1000)

    @model_validator(mode="before")
    @classmethod
    def _no_body(cls, given: Any) -> Any:
        return {} if given is None else given


class Picked(BaseModel):
    """The order that a pick made."""

    order: int
    links: dict[str, str]


@bp.get("/needs", responses={200: Needs})
def needs(query: NeedsQuery) -> dict[str, Any]:
    """List needs; others' private and chosen ones are never among them."""
    found = {
        "public": lambda: need_queries.public_needs(g.session, before=query.cursor, limit=query.limit + 1),
        "own": lambda: need_queries.own_needs(g.session, g.actor.organisation_id, before=query.cursor, limit=query.limit + 1),
        "fitting": lambda: need_queries.fitting_needs(g.session, g.actor.organisation_id, limit=query.limit),
    }
    wrong = {"own": g.actor.role != "enterprise", "fitting": g.actor.role != "carrier"}.get(query.scope, False)
    rows = [] if wrong else found[query.scope]()
    items = [need_out(row) for row in rows[: query.limit]]
    return Needs(items=items, next=rows[query.limit - 1].id if len(rows) > query.limit else None).model_dump(mode="json")


@bp.post("/needs", responses={201: NeedOut}, security=SIGNED)
def post_need(header: RequestKey, body: NeedWish) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Post a need."""
    made = posting.post(g.session, g.actor, _posting(body), request_id=header.key)
    return _need(made), 201, {"Location": f"{PREFIX}/needs/{made}"}


@bp.get("/needs/<int:need_id>", responses={200: NeedOut})
def need(path: NeedPath) -> dict[str, Any]:
    """Show one need."""
    return _need(path.need_id)


@bp.get("/needs/<int:need_id>/answers", responses={200: Answers}, security=SIGNED)
def need_answers(path: NeedPath) -> dict[str, Any]:
    """List the answers: for the firm all that stand, the best first, with what each costs it; for a carrier its own."""
    row = need_queries.need_of(g.session, g.actor, path.need_id)
    if g.actor.role == "enterprise":
        items = [answer_out(one.row, one) for one in comparing.compared(g.session, g.actor, row)]
    else:
        items = [answer_out(one) for one in answer_queries.answers_to(g.session, g.actor, row)]
    return Answers(items=items).model_dump(mode="json")


@bp.post("/needs/<int:need_id>/answers", responses={201: NeedOut}, security=SIGNED)
def answer_need(path: NeedPath, header: RequestKey, body: AnswerWish) -> tuple[dict[str, Any], int]:
    """Answer a need, or put another answer in the place of the earlier one."""
    given = Answer(body.instrument, body.service, body.start, body.end, body.price, body.report_days, body.note, body.version)
    answering.answer(g.session, g.actor, need_id=path.need_id, given=given, request_id=header.key)
    return _need(path.need_id), 201


@bp.post("/needs/<int:need_id>/pick", responses={201: Picked}, security=SIGNED)
def pick_answer(path: NeedPath, header: RequestKey, body: PickWish) -> tuple[dict[str, Any], int]:
    """Pick an answer: the order is made and the slot taken, or nothing changes."""
    paid = (body.expected.voucher_part, body.expected.own_part) if body.expected else None
    picked = Pick(body.answer, body.seen, body.voucher, frozenset(body.attributes), paid)
    made = picking.pick(g.session, g.actor, need_id=path.need_id, picked=picked, request_id=header.key)
    return Picked(order=made, links={"order": f"{PREFIX}/orders/{made}"}).model_dump(mode="json"), 201


@bp.post("/needs/<int:need_id>/<event>", responses={200: NeedOut}, security=SIGNED)
def need_event(path: EventPath, header: RequestKey, body: EventWish) -> dict[str, Any]:
    """Take one step: the firm edits or withdraws, a carrier declines or retracts, an officer of the region invites, notes, closes."""
    asked: dict[str, Any] = {"need_id": path.need_id, "request_id": header.key}
    if EVENTS.get(path.event) != g.actor.role:
        raise NotFound
    if path.event == "edit":
        if body.need is None:
            need_queries.need_of(g.session, g.actor, path.need_id)  # of others' needs one does not even learn what is missing
            raise Invalid("need", N_("请写出样品和要测的指标。"))
        posting.edit(g.session, g.actor, posting=_posting(body.need), **asked)
    elif path.event == "decline":
        answering.decline(g.session, g.actor, reason=body.reason, **asked)
    elif path.event == "invite":
        brokering.invite(g.session, g.actor, carriers=body.carriers, **asked)
    elif path.event == "note":
        brokering.note(g.session, g.actor, words=body.words, **asked)
    elif path.event == "close":
        brokering.close(g.session, g.actor, reason=body.reason, **asked)
    else:
        {"withdraw": posting.withdraw, "retract": answering.retract}[path.event](g.session, g.actor, **asked)
    return _need(path.need_id)


@bp.get("/needs/stuck", responses={200: StuckList}, security=SIGNED)
def stuck_needs() -> dict[str, Any]:
    """List the needs of the officer's region that are stuck, and why."""
    found = stuck.stuck_needs(g.session, g.actor)
    items = [StuckOut(need=one.need_id, reasons=list(one.reasons), reach=one.reach) for one in found]
    return StuckList(items=items).model_dump(mode="json")


@bp.get("/messages", responses={200: Messages}, security=SIGNED)
def message_list() -> dict[str, Any]:
    """List the messages to your organisation, the newest first; looking here marks none as read."""
    rows = messages.inbox(g.session, g.actor)
    items = [
        MessageOut(id=row.id, kind=row.kind, text=translate((row.text, row.params)), href=row.href, at=row.created_at, read=row.read_at is not None)
        for row in rows
    ]
    return Messages(items=items).model_dump(mode="json")


def _posting(body: NeedWish) -> Posting:
    meaning = meaning_of(g.session, MapQuery(need=body.text))
    if body.types is not None:
        meaning = narrowed(meaning, tuple(body.types))
    terms: dict[str, Any] = {"budget": body.budget, "due": body.due, "visibility": body.visibility, "answer_hours": body.answer_hours}
    return Posting(body.text, meaning.types, meaning.constraints, chosen=frozenset(body.carriers), **terms)


def _need(need_id: int) -> dict[str, Any]:
    """Return a need as its reader may see it; who may no longer see it (a refusal of a closed one) learns its state alone."""
    g.session.expire_all()
    return need_out(need_queries.need_of(g.session, g.actor, need_id)).model_dump(mode="json")
