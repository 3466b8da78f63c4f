"""Policies: what each gives, for everybody; and the bureau's pages on which a county writes, tries out and publishes its own rules.

A draft is saved as a whole; "add a row" and "remove a row" show the form again and save nothing. Every rule is checked by `vouchers.drafts`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import forms, policyform, policypages, policywords
from app.errors import kind_of
from app.i18n import gettext, translate
from app.policypages import Typed
from core import clock
from core.errors import N_, Forbidden, Invalid, MapError, NotFound, Refused
from geodata.regions import HOME
from vouchers import drafts, versions
from vouchers.drafts import Edit, PolicyDraft
from vouchers.drafttext import Unreadable
from vouchers.policy import PolicyVersion

bp = Blueprint("policies", __name__)

YEARS: Final = range(2000, 2200)
"""Calendar years that an address may ask for."""

_REQUEST: Final = re.compile(r"[0-9A-Za-z-]{8,100}")


@bp.get("/policies")
def overview() -> str:
    """List every policy with its gist, and the counties that have none of their own."""
    found, said = versions.newest_of_each(g.session), policywords.words(g.session)
    cards = policypages.cards(g.session, found, said, today=clock.today(g.session))
    return render_template("policies/overview.html", cards=cards, **policypages.without_policy(g.session, HOME, found))


@bp.get("/policies/<code>")
def one(code: str) -> str:
    """Show what a policy gives today, every clause with its source, and all its versions."""
    return render_template("policies/one.html", **policypages.public_context(g.session, code))


@bp.get("/policies/<code>/<int:number>")
def version(code: str, number: int) -> str:
    """Show one version and what it changed."""
    return render_template("policies/version.html", **policypages.version_context(g.session, code, number))


@bp.get("/bureau/policies")
def desk() -> str:
    """List the policies that this officer's region pays, with their drafts."""
    return _desk()


@bp.post("/bureau/policies")
def first() -> ResponseReturnValue:
    """Begin the first policy of this region."""
    title = request.form.get("title", "")
    try:
        made = drafts.start_first(g.session, g.actor, title=title, request_id=_key())
    except (Invalid, Refused, Forbidden) as no:
        g.session.rollback()
        return _desk(error=translate(no), title=title[:300]), kind_of(no).status
    return redirect(url_for("policies.draft", draft_id=made), 303)


@bp.post("/bureau/policies/<code>/draft")
def start(code: str) -> ResponseReturnValue:
    """Begin the next version of a policy, or go to the draft that there is."""
    made = drafts.start(g.session, g.actor, policy=code, request_id=_key())
    return redirect(url_for("policies.draft", draft_id=made), 303)


@bp.get("/bureau/policies/drafts/<int:draft_id>")
def draft(draft_id: int) -> str:
    """Show a draft: the form while it is edited, what differs, and the steps."""
    return _page(drafts.seen_by(g.session, g.actor, draft_id), Typed())


@bp.post("/bureau/policies/drafts/<int:draft_id>")
def save(draft_id: int) -> ResponseReturnValue:
    """Save the whole form, or show it again with a row more or less."""
    row, sheet = drafts.seen_by(g.session, g.actor, draft_id), policyform.typed(request.form)
    changed = _rows_changed(sheet)
    if changed:
        return _page(row, Typed(changed, note=gettext("表格改了行，还没有保存。")))
    body, faults = policyform.read(sheet, row.body)
    if faults:
        return _page(row, Typed(sheet, policypages.told(faults))), 422
    try:
        drafts.edit(g.session, g.actor, draft_id, Edit(body, sheet.text["reason"], _seen()), request_id=_key())
    except Unreadable as wrong:
        return _again(draft_id, Typed(sheet, policypages.told(wrong.faults)), wrong)
    except Invalid as wrong:
        return _again(draft_id, Typed(sheet, {wrong.field: translate(wrong)}), wrong)
    except (Refused, Forbidden) as no:
        return _again(draft_id, Typed(sheet, refusal=forms.refusal(no, policypages.STATES)), no)
    flash(gettext("草稿已保存。"), "ok")
    return redirect(url_for("policies.draft", draft_id=draft_id), 303)


@bp.post("/bureau/policies/drafts/<int:draft_id>/<event>")
def step(draft_id: int, event: str) -> ResponseReturnValue:
    """Submit, give back, renew, give up or publish a draft."""
    drafts.seen_by(g.session, g.actor, draft_id)
    try:
        made = _step(draft_id, event)
    except Unreadable as wrong:
        return _again(draft_id, Typed(faults=policypages.told(wrong.faults)), wrong)
    except (Invalid, Refused, Forbidden) as no:
        return _again(draft_id, Typed(refusal=forms.refusal(no, policypages.STATES)), no)
    flash(gettext("已办：%(event)s。", event=gettext(policypages.EVENTS[event])), "ok")
    if event == "publish":
        done = g.session.get_one(PolicyVersion, made)
        return redirect(url_for("policies.version", code=done.policy, number=done.version), 303)
    return redirect(url_for("policies.draft", draft_id=draft_id), 303)


@bp.get("/bureau/policies/drafts/<int:draft_id>/simulation")
def simulation(draft_id: int) -> str:
    """Show what the draft would have done to a year's orders."""
    row = drafts.seen_by(g.session, g.actor, draft_id)
    return render_template("bureau/policy_simulation.html", **policypages.simulation_context(g.session, row, **_asked()))


@bp.get("/bureau/policies/drafts/<int:draft_id>/simulation.csv")
def simulation_csv(draft_id: int) -> Response:
    """Answer every order of the simulation as CSV (UTF-8 with BOM, so that spreadsheets read it)."""
    row, asked = drafts.seen_by(g.session, g.actor, draft_id), _asked()
    answer = Response(policypages.simulation_csv(g.session, row, **asked), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{row.policy}-draft-{row.id}-{asked["year"]}.csv"'
    return answer


def _step(draft_id: int, event: str) -> int:
    more: dict[str, Any] = {"draft_id": draft_id, "request_id": _key()}
    if event == "submit":
        return drafts.submit(g.session, g.actor, seen=_seen(), **more)
    if event == "rebase":
        return drafts.rebase(g.session, g.actor, **more)
    if event == "publish":
        if request.form.get("sure") != "yes":
            raise Invalid("sure", N_("请先勾选“我已看过变化和模拟”。"))
        return drafts.publish_draft(g.session, g.actor, seen=_seen(), **more)
    return drafts.turn(g.session, g.actor, event=event, reason=request.form.get("reason", ""), **more)


def _rows_changed(sheet: policyform.Sheet) -> policyform.Sheet | None:
    table, _, number = request.form.get("remove", "").partition(".")
    if table in policyform.TABLES and number.isascii() and number.isdigit() and len(number) < 4:
        return sheet.without_row(table, int(number))
    return sheet.with_row(request.form["add"]) if request.form.get("add") in policyform.TABLES else None


def _again(draft_id: int, shown: Typed, no: MapError) -> ResponseReturnValue:
    """Show the page with what the database has after all: what was half done is rolled back first."""
    g.session.rollback()
    return _page(drafts.seen_by(g.session, g.actor, draft_id), shown), kind_of(no).status


def _page(row: PolicyDraft, shown: Typed) -> str:
    context = policypages.draft_context(g.session, g.actor, row, shown)
    return render_template("bureau/policy_draft.html", request_id=forms.new_request_id(), **context)


def _desk(error: str = "", title: str = "") -> str:
    region = g.actor.region or ""
    said, found = policywords.words(g.session), versions.newest_of_each(g.session, funder=region)
    cards = policypages.cards(g.session, found, said, today=clock.today(g.session))
    more: dict[str, Any] = {"own": [card for card in cards if card.version.region == region], "error": error, "title": title}
    waiting = drafts.open_draft(g.session, f"p-{region}") if not more["own"] else None
    return render_template(
        "bureau/policies.html",
        cards=cards,
        region=said.region(region),
        first=waiting,
        request_id=forms.new_request_id(),
        states=policypages.STATES,
        **more,
    )


def _asked() -> dict[str, Any]:
    """Read which year and which orders a simulation is of: last calendar year unless the address says another."""
    text = request.args.get("year", "")
    year = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else clock.today(g.session).year - 1
    if year not in YEARS:
        raise NotFound
    return {"year": year, "own_paid": request.args.get("own") == "yes"}


def _seen() -> int:
    text = request.form.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _key() -> str:
    text = request.form.get("request_id", "")
    if not _REQUEST.fullmatch(text):
        raise Invalid("request_id", N_("请求编号要有 8 到 100 个字母、数字或短横。"))
    return text
