"""The desk of the officer who helps (店小二): what is stuck in the region and why, and the steps of brokering. And every organisation's messages."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import needpages, stuck
from app.i18n import translate
from app.needforms import CloseForm, InviteForm, NoteForm
from app.views.posted import bp
from bookings import brokering, need_queries
from parties import messages


@bp.get("/needs/desk")
def desk() -> ResponseReturnValue:
    """Show the needs of the region that are stuck, the one that ends first first."""
    found = stuck.stuck_needs(g.session, g.actor)
    rows = [(one, need_queries.need_of(g.session, g.actor, one.need_id)) for one in found]
    return render_template("posted/desk.html", rows=rows, limits=stuck.limits(), **needpages.common())


@bp.post("/needs/<int:need_id>/invite")
def invite(need_id: int) -> ResponseReturnValue:
    """Ask carriers to look at a need."""

    def act(given: Any) -> int:
        return brokering.invite(g.session, g.actor, need_id=need_id, carriers=given.carriers, request_id=given.request_id)

    return _step(need_id, InviteForm, act, gettext("请了，载体的消息里能看到。"))


@bp.post("/needs/<int:need_id>/note")
def note(need_id: int) -> ResponseReturnValue:
    """Write to the firm."""

    def act(given: Any) -> int:
        return brokering.note(g.session, g.actor, need_id=need_id, words=given.words, request_id=given.request_id)

    return _step(need_id, NoteForm, act, gettext("写好了，企业的消息里能看到。"))


@bp.post("/needs/<int:need_id>/close")
def close(need_id: int) -> ResponseReturnValue:
    """Close a need with its reason."""

    def act(given: Any) -> int:
        return brokering.close(g.session, g.actor, need_id=need_id, reason=given.reason, request_id=given.request_id)

    return _step(need_id, CloseForm, act, gettext("办结了，企业和答复过的载体都告诉了。"))


@bp.get("/messages", endpoint="messages")
def inbox() -> ResponseReturnValue:
    """Show the messages to one's organisation; from then on they are read."""
    rows = messages.inbox(g.session, g.actor)
    lines = [(row, translate((row.text, row.params))) for row in rows]
    fresh = {row.id for row in rows if row.read_at is None}
    if fresh:
        messages.mark_read(g.session, g.actor, upto=max(fresh))
    return render_template("posted/messages.html", lines=lines, fresh=fresh)


def _step(need_id: int, form: Any, act: Any, said: str) -> ResponseReturnValue:
    return needpages.step(need_id, form, act, said, back=url_for("posted.one", need_id=need_id))
