"""Shapes of posted needs in the API, and how rows become them for whoever asks."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g
from pydantic import BaseModel, Field

from app import needpages
from app.api import PREFIX
from app.api.orders import Local
from app.comparing import Compared
from app.i18n import translate
from bookings.answer_queries import AnswerRow
from bookings.need_entities import NEED
from bookings.need_queries import NeedRow


class NeedOut(BaseModel):
    """A need; budget in fen. `enterprise` is told to the firm, to officers and to open carriers only; `mine` is the state of your own answer."""

    id: int
    code: str
    state: str
    visibility: str
    version: int
    text: str
    types: list[str]
    region: str | None
    enterprise: str | None
    budget: int | None
    due: date | None
    answer_by: Local
    ends_at: Local
    posted_at: Local
    answers: int | None = Field(description="answers that stand; for the firm and officers")
    declined: int | None = Field(description="carriers that cannot do it, as a number")
    mine: str | None
    distance_m: float | None
    order: int | None
    is_sample: bool
    links: dict[str, str]


class Needs(BaseModel):
    """A page of needs; `next` is the cursor of the following one."""

    items: list[NeedOut]
    next: int | None


class ReasonOut(BaseModel):
    """One line of why."""

    sign: str
    text: str


class AnswerOut(BaseModel):
    """An answer; sums in fen, for the firm with its voucher. `trouble`: why it could not be picked now. `place`: 1 is the best."""

    id: int
    state: str
    version: int
    seen: int
    carrier_id: int
    carrier: str
    instrument_id: int
    instrument: str
    service: str
    price: int
    voucher_part: int | None
    own_part: int | None
    start: Local
    end: Local
    report_on: date
    distance_m: float | None
    accredited: list[str]
    note: str
    trouble: str
    place: int | None
    reasons: list[ReasonOut]
    is_sample: bool


class Answers(BaseModel):
    """The answers to a need, for the firm the best first."""

    items: list[AnswerOut]


class StuckOut(BaseModel):
    """A need that needs help, why, and how many carriers with such an instrument are near."""

    need: int
    reasons: list[str]
    reach: int


class StuckList(BaseModel):
    """What is stuck in the officer's region, the one that ends first first."""

    items: list[StuckOut]


class MessageOut(BaseModel):
    """A message to your organisation and the page that it is about."""

    id: int
    kind: str
    text: str
    href: str
    at: Local
    read: bool


class Messages(BaseModel):
    """The newest messages."""

    items: list[MessageOut]


def need_out(row: NeedRow) -> NeedOut:
    """Return a need as whoever asks may see it."""
    whole = needpages.sees_all(row)
    same = ("id", "code", "state", "visibility", "version", "types", "region", "budget", "due", "answer_by", "ends_at", "posted_at", "is_sample")
    facts: dict[str, Any] = {name: getattr(row, name) for name in same}
    facts |= {"text": needpages.shown(row), "distance_m": row.distance_m, "mine": row.mine or None}
    facts |= {"enterprise": row.enterprise if needpages.knows_firm(row) else None}
    facts |= {"answers": row.answers if whole else None, "declined": row.declined if whole else None, "order": row.order_id if whole else None}
    here = f"{PREFIX}/needs/{row.id}"
    mine = {"enterprise": whole, "reviewer": whole, "carrier": True}.get(g.actor.role, False)
    names = {"answer": "answers"}
    events = [arrow.event for arrow in NEED if arrow.state == row.state and g.actor.role in arrow.roles and arrow.event != "unanswer"] if mine else []
    return NeedOut(**facts, links={"self": here, **{event: f"{here}/{names.get(event, event)}" for event in events}})


def answer_out(row: AnswerRow, found: Compared | None = None) -> AnswerOut:
    """Return an answer, for the firm with its sums and its place."""
    same = (
        "id",
        "state",
        "version",
        "seen",
        "carrier_id",
        "carrier",
        "instrument_id",
        "instrument",
        "price",
        "start",
        "report_on",
        "note",
        "trouble",
    )
    facts: dict[str, Any] = {name: getattr(row, name) for name in (*same, "distance_m", "accredited", "is_sample")}
    facts |= {
        "service": row.service_code,
        "end": row.stop,
        "voucher_part": found.paid if found else None,
        "own_part": found.own_part if found else None,
    }
    why = [ReasonOut(sign=one.sign, text=translate((one.text, dict(one.params)))) for one in found.reasons] if found else []
    return AnswerOut(**facts, place=found.place or None if found else None, reasons=why)
