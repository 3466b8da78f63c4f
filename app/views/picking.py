"""The answers to a need side by side, and picking one: the page says what it costs and why before anything is signed."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import comparing, forms, needpages, needwords
from app.errors import kind_of
from app.needforms import PickForm
from app.orderforms import DECLARED
from app.views import money
from app.views.posted import bp
from bookings import answer_queries, need_queries, picking
from bookings.need_queries import NeedRow
from core.errors import Forbidden, Invalid, NotFound, Refused


@bp.get("/needs/<int:need_id>/answers")
def compare(need_id: int) -> ResponseReturnValue:
    """Show all answers to one's own need, the best first, with the reasons."""
    return render_template("posted/compare.html", **_context(_own(need_id)))


@bp.route("/needs/<int:need_id>/pick", methods=["GET", "POST"])
def pick(need_id: int) -> ResponseReturnValue:
    """Show what picking an answer means, or pick it: the order is the next page. A refusal shows the answers that are left."""
    need = _own(need_id)
    if request.method == "GET":
        asked = request.args.get("answer", "")
        rows = comparing.compared(g.session, g.actor, need)
        one = next((row for row in rows if str(row.row.id) == asked and row.row.state == "sent"), None)
        if one is None:
            raise NotFound
        return render_template("posted/pick.html", **_pick_context(need, one))
    given, faults = forms.read(PickForm, request.form)
    if given is None:
        return render_template("posted/compare.html", **_context(need, refusal=next(iter(forms.told(faults).values())))), 422
    try:
        order_id = picking.pick(g.session, g.actor, need_id=need_id, picked=given.pick(DECLARED), request_id=given.request_id)
    except (Refused, Forbidden, Invalid) as no:
        g.session.rollback()
        return render_template("posted/compare.html", **_context(_own(need_id), refusal=forms.refusal(no, needwords.STATES))), kind_of(no).status
    flash(gettext("选定了，已签约。载体和没选上的都告诉了。"), "ok")
    return redirect(url_for("enterprise.order", order_id=order_id), 303)


def _own(need_id: int) -> NeedRow:
    need = need_queries.need_of(g.session, g.actor, need_id)
    if need.enterprise_id != g.actor.organisation_id:
        raise NotFound
    return need


def _context(need: NeedRow, *, refusal: str = "") -> dict[str, Any]:
    rows = comparing.compared(g.session, g.actor, need)
    declines = answer_queries.declines_of(g.session, need.id)
    return {"need": need, "rows": rows, "declines": declines, "refusal": refusal, **needpages.common()}


def _pick_context(need: NeedRow, one: comparing.Compared) -> dict[str, Any]:
    clauses = money.clause_lines([clause.as_json() for clause in one.ruling.clauses])
    return {"need": need, "one": one, "clauses": clauses, "request_id": forms.new_request_id(), **needpages.common()}
