"""Public notices under `/api/v1`: what is announced, how objections were answered, and the way to object.

Who objected, and in which words, is shown to nobody here; officers answer at `/joining/objection/…` (`app.api.joining`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from flask import g
from pydantic import BaseModel, ConfigDict, Field

from app.api import bp
from app.api.orders import Id, Local, RequestKey
from app.braking import brake
from core.errors import NotFound
from parties import notices
from parties.notices import Notice
from vouchers.requests import once


class ObjectionIn(BaseModel):
    """An objection; who is not logged in gives a name. Name and contact are for the officer only."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(max_length=notices.MAX_TEXT)]
    name: Annotated[str, Field(max_length=50)] = ""
    contact: Annotated[str, Field(max_length=100)] = ""


class NoticeOut(BaseModel):
    """A public notice; `ends` is the last day for objections."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    subject: str
    title: str
    region: str
    starts: date
    ends: date
    state: str
    is_sample: bool


class AnswerOut(BaseModel):
    """An objection as the public sees it."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    at: Local
    state: str
    reason: str


class NoticeWhole(NoticeOut):
    """A notice with the answers to objections."""

    objections: list[AnswerOut]


class Notices(BaseModel):
    """A page of notices."""

    items: list[NoticeOut]


class NoticesQuery(BaseModel):
    """Running ones, the next to end first, or past ones, the latest first."""

    model_config = ConfigDict(extra="forbid")
    running: bool = True
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=1_000_000)


class Received(BaseModel):
    """The id of the row and its state."""

    id: int
    state: str


class NoticePath(BaseModel):
    """Which notice."""

    row_id: Id


@bp.get("/notices", responses={200: Notices})
def notice_list(query: NoticesQuery) -> dict[str, Any]:
    """List public notices."""
    rows = notices.notices(g.session, running=query.running, limit=query.limit, offset=query.offset)
    return Notices(items=[NoticeOut.model_validate(row) for row in rows]).model_dump(mode="json")


@bp.get("/notices/<int:row_id>", responses={200: NoticeWhole})
def notice(path: NoticePath) -> dict[str, Any]:
    """Show a notice with the answers to objections."""
    found = g.session.get(Notice, path.row_id)
    if found is None:
        raise NotFound
    objections = [AnswerOut.model_validate(one) for one in notices.answers(g.session, found.id)]
    return NoticeWhole(**NoticeOut.model_validate(found).model_dump(), objections=objections).model_dump(mode="json")


@bp.post("/notices/<int:row_id>/objections", responses={201: Received})
def object_to(path: NoticePath, header: RequestKey, body: ObjectionIn) -> tuple[dict[str, Any], int]:
    """Object to a running notice."""
    brake("object")
    given = body.model_dump()
    made = once(
        g.session,
        g.actor,
        header.key,
        "joining.object",
        content={**given, "notice": path.row_id},
        act=lambda _: notices.object_to(g.session, g.actor, notice_id=path.row_id, **given),
    )
    return Received(id=made, state="open").model_dump(), 201
