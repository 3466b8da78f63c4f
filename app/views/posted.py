"""Pages of posted needs: the lists, posting and wording anew, one need, the carrier's answer. Comparing and picking: `app.views.picking`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms, mapquery, needforms, needpages, needwords
from app.asking import MapQuery
from app.errors import kind_of
from app.freezing import meaning_of, narrowed
from app.i18n import translate
from app.needforms import AnswerForm, DeclineForm, NeedForm, Simple
from bookings import answering, need_queries, posting
from bookings.need_terms import Posting
from core.errors import Forbidden, Invalid, NotFound, Refused

bp = Blueprint("posted", __name__)


@bp.get("/needs", endpoint="list")
def all_needs() -> ResponseReturnValue:
    """Show the public needs, and before them a firm's own or those that fit a carrier."""
    before = request.args.get("before", "")
    public = need_queries.public_needs(g.session, before=int(before) if before.isdecimal() and len(before) < 19 else None)
    own = need_queries.own_needs(g.session, g.actor.organisation_id) if g.actor.role == "enterprise" else []
    fitting = need_queries.fitting_needs(g.session, g.actor.organisation_id) if g.actor.role == "carrier" else []
    return render_template("posted/list.html", **needpages.list_context(own, fitting, public))


@bp.route("/needs/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Show the form of a need, filled from the search it came from, or post it."""
    if request.method == "GET":
        return render_template("posted/new.html", **needpages.form_context(mapquery.read(request.args).query))
    return _post(None)


@bp.route("/needs/<int:need_id>/edit", methods=["GET", "POST"])
def edit(need_id: int) -> ResponseReturnValue:
    """Show the form of a need as it stands, or keep its new wording."""
    need = need_queries.need_of(g.session, g.actor, need_id)
    if g.actor.organisation_id != need.enterprise_id:
        raise NotFound
    if request.method == "GET":
        return render_template("posted/new.html", **needpages.edit_context(need))
    return _post(need_id)


@bp.get("/needs/<int:need_id>")
def one(need_id: int) -> ResponseReturnValue:
    """Show a need: what it asks, what was understood, and what whoever looks may do next."""
    return render_template("posted/one.html", **needpages.one_context(need_queries.need_of(g.session, g.actor, need_id)))


@bp.post("/needs/<int:need_id>/withdraw")
def withdraw(need_id: int) -> ResponseReturnValue:
    """Take a need back."""
    return _step(
        need_id, Simple, lambda given: posting.withdraw(g.session, g.actor, need_id=need_id, request_id=given.request_id), gettext("需求撤回了。")
    )


@bp.route("/needs/<int:need_id>/answer", methods=["GET", "POST"])
def answer(need_id: int) -> ResponseReturnValue:
    """Show the form of an answer for the chosen instrument, or send the answer."""
    need = need_queries.need_of(g.session, g.actor, need_id)
    if request.method == "GET":
        return render_template("posted/answer.html", **needpages.answer_context(need, request.args))
    given, faults = forms.read(AnswerForm, request.form)
    said = given.answer() if given else None
    if given is None or said is None:
        wrong = forms.told(faults) or {"slot": gettext("请从列出的时段里选一个。")}
        return render_template("posted/answer.html", **needpages.answer_context(need, request.form, faults=wrong)), 422
    try:
        answering.answer(g.session, g.actor, need_id=need_id, given=said, request_id=given.request_id)
    except Invalid as no:
        g.session.rollback()
        return render_template("posted/answer.html", **needpages.answer_context(need, request.form, faults={no.field: translate(no)})), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        refusal = forms.refusal(no, needwords.STATES)
        return render_template("posted/answer.html", **needpages.answer_context(need, request.form, refusal=refusal)), kind_of(no).status
    flash(gettext("答复发出了。企业选定以前还能改、能撤。"), "ok")
    return redirect(url_for("posted.one", need_id=need_id), 303)


@bp.post("/needs/<int:need_id>/decline")
def decline(need_id: int) -> ResponseReturnValue:
    """Say that the carrier cannot do it."""

    def act(given: Any) -> int:
        return answering.decline(g.session, g.actor, need_id=need_id, reason=given.reason, request_id=given.request_id)

    return _step(need_id, DeclineForm, act, gettext("记下了。企业只看到有几家做不了。"))


@bp.post("/needs/<int:need_id>/retract")
def retract(need_id: int) -> ResponseReturnValue:
    """Take an answer back."""

    def act(given: Any) -> int:
        return answering.retract(g.session, g.actor, need_id=need_id, request_id=given.request_id)

    return _step(need_id, Simple, act, gettext("答复撤回了。"))


def _step(need_id: int, form: Any, act: Any, said: str) -> ResponseReturnValue:
    return needpages.step(need_id, form, act, said, back=url_for("posted.one", need_id=need_id))


def _post(need_id: int | None) -> ResponseReturnValue:
    """Post a need or keep a new wording, or show the form again with what is wrong; nothing typed is lost."""
    given, faults = forms.read(NeedForm, needforms.whole(request.form))
    if given is None:
        return render_template("posted/new.html", **needpages.again_context(need_id, forms.told(faults))), 422
    try:
        made = _posted(given, need_id)
    except Invalid as no:
        g.session.rollback()
        return render_template("posted/new.html", **needpages.again_context(need_id, {no.field: translate(no)})), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return render_template("posted/new.html", **needpages.again_context(need_id, {}, refusal=forms.refusal(no, needwords.STATES))), kind_of(
            no
        ).status
    flash(gettext("需求发出了。有了答复会在这里和消息里告诉你们。") if need_id is None else gettext("改好了，载体按新的内容答复。"), "ok")
    return redirect(url_for("posted.one", need_id=made), 303)


def _posted(given: NeedForm, need_id: int | None) -> int:
    meaning = meaning_of(g.session, MapQuery(need=given.text))
    if given.read.strip() == given.text.strip():  # the boxes belong to this text
        meaning = narrowed(meaning, tuple(given.type))
    terms = {"budget": given.budget, "due": given.due, "visibility": given.visibility, "answer_hours": given.answer_hours}
    said = Posting(given.text, meaning.types, meaning.constraints, chosen=frozenset(given.chosen), **terms)
    if need_id is None:
        return posting.post(g.session, g.actor, said, request_id=given.request_id)
    return posting.edit(g.session, g.actor, need_id=need_id, posting=said, request_id=given.request_id)
