"""Budgets of a region: by year and purpose, where every fen is, who waits; finance plans, adopts, revises, sweeps and closes.

Each step is asked for on one page and confirmed on the next, which shows the figures before and after. The rules are checked again under lock by
`vouchers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms, labels
from app.access import allow
from app.budgetforms import FORMS, NewBudget
from app.errors import kind_of
from app.i18n import translate
from core import clock
from core.errors import N_, Forbidden, Invalid, MapError, NotFound, Refused
from core.money import yuan
from vouchers import budgetbook, budgets, closing
from vouchers.budgetbook import BudgetRow
from vouchers.entities import BUDGET
from vouchers.policy import PolicyVersion

bp = Blueprint("budgets", __name__)

SHOWN: Final = ("adopt", "revise", "sweep", "stripe", "close", "drop")
"""The steps in the order in which the page offers them."""

DONE: Final = {
    "plan": N_("已编报。下达以后才有钱。"),
    "adopt": N_("预算已下达。"),
    "revise": N_("预算已调整。排队的申领随后依次留上。"),
    "sweep": N_("回收的钱已回到预算。"),
    "stripe": N_("已分户。"),
    "close": N_("预算已关闭。"),
    "drop": N_("已不再编报。"),
}


@dataclass(frozen=True)
class Shown:
    """A form as filled in, its faults, the refusal, and what is to be confirmed."""

    event: str = ""
    typed: dict[str, str] | None = None
    faults: dict[str, str] | None = None
    refusal: str = ""
    confirm: tuple[tuple[str, int, int], ...] = ()


@bp.get("/budgets")
def book() -> ResponseReturnValue:
    """Show the budgets of the officer's region by year."""
    return _book(Shown())


@bp.post("/budgets")
def open_new() -> ResponseReturnValue:
    """Plan or adopt a budget for a purpose and a year, after a confirmation."""
    given, faults = forms.read(NewBudget, request.form)
    if given is None:
        return _book(Shown(typed=_typed(), faults=forms.told(faults))), 422
    if request.form.get("confirmed") != "yes":
        return _book(Shown(event=given.how, typed=_typed(), confirm=((gettext("新预算"), 0, given.amount),)))
    try:
        version = g.session.get(PolicyVersion, _version_of(given.purpose))
        if version is None:
            raise NotFound
        verb = budgets.adopt if given.how == "adopt" else budgets.plan
        fund = given.purpose.partition("/")[2]
        more: dict[str, Any] = {"amount": given.amount, "request_id": given.request_id, "fund": fund}
        made = verb(g.session, g.actor, version=version, year=given.year, **more)
    except (Refused, Forbidden, Invalid) as no:
        return _again(no, _book)
    flash(gettext(DONE[given.how]), "ok")
    return redirect(url_for("budgets.one", budget_id=made), 303)


@bp.get("/budgets/<int:budget_id>")
def one(budget_id: int) -> ResponseReturnValue:
    """Show one budget: its figures, its queue, what was changed, and the steps that are open."""
    return _one(_row(budget_id), Shown())


@bp.post("/budgets/<int:budget_id>/<event>")
def step(budget_id: int, event: str) -> ResponseReturnValue:
    """Ask for confirmation of a step with the figures before and after, or take it."""
    row = _row(budget_id)
    if event not in FORMS:
        raise NotFound
    given, faults = forms.read(FORMS[event], request.form)
    if given is None:
        return _one(row, Shown(event, _typed(), forms.told(faults))), 422
    if request.form.get("confirmed") != "yes":
        return _one(row, Shown(event, _typed(), confirm=_effect(row, event, given)))
    try:
        _take(row, event, given)
    except (Refused, Forbidden, Invalid) as no:
        return _again(no, lambda shown: _one(_row(budget_id), Shown(event, shown.typed, shown.faults, shown.refusal)))
    flash(gettext(DONE[event]), "ok")
    return redirect(url_for("budgets.one", budget_id=budget_id), 303)


def _take(row: BudgetRow, event: str, given: Any) -> None:
    facts: dict[str, Any] = {"budget_id": row.id, "request_id": given.request_id}
    if event == "adopt":
        version = g.session.get(PolicyVersion, _version_of(row.policy))
        if version is None:
            raise NotFound
        more: dict[str, Any] = {"fund": row.fund, "request_id": given.request_id}
        budgets.adopt(g.session, g.actor, version=version, year=row.year, amount=given.amount, **more)
    elif event == "revise":
        budgets.revise(g.session, g.actor, change=given.change, reason=given.reason, **facts)
    elif event == "stripe":
        budgets.stripe(g.session, g.actor, stripes=given.stripes, **facts)
    elif event == "sweep":
        closing.sweep(g.session, g.actor, **facts)
    elif event == "close":
        closing.close(g.session, g.actor, rest=given.rest, reason=given.reason, **facts)
    else:
        closing.drop(g.session, g.actor, reason=given.reason, **facts)


def _effect(row: BudgetRow, event: str, given: Any) -> tuple[tuple[str, int, int], ...]:
    """Return what a step changes, as (name, fen before, fen after)."""
    free, pool = gettext("没有承诺出去的"), gettext("回收池")
    if event in ("adopt", "revise"):
        change = given.amount if event == "adopt" else given.change
        return ((gettext("预算"), row.given, row.given + change), (free, row.free, row.free + change))
    if event == "sweep":
        return ((pool, row.pool, 0), (free, row.free, row.free + row.pool if row.state in budgets.OPEN else 0))
    if event == "close":
        return ((free, row.free, 0), (pool, row.pool, 0))
    return ()


def _row(budget_id: int) -> BudgetRow:
    found = budgetbook.budget_row(g.session, budget_id)
    allow(g.actor, region=found.funder)
    return found


def _version_of(purpose: str) -> int:
    policy = purpose.partition("/")[0]
    found = [one for one in budgetbook.purposes(g.session, g.actor.region or "") if one["policy"] == policy]
    return int(found[0]["version_id"]) if found else 0


def _again(no: MapError, page: Callable[[Shown], str]) -> ResponseReturnValue:
    """Show the page with what the database has after all: what was half done is rolled back first."""
    g.session.rollback()
    faults = {no.field: translate(no)} if isinstance(no, Invalid) else {}
    refusal = "" if faults else forms.refusal(no, labels.BUDGET_STATES)
    return page(Shown(typed=_typed(), faults=faults, refusal=refusal)), kind_of(no).status


def _typed() -> dict[str, str]:
    return {name: value[:600] for name, value in request.form.items() if name not in ("csrf_token", "confirmed")}


def _book(shown: Shown) -> str:
    region, today = g.actor.region or "", clock.today(g.session)
    known = budgetbook.years(g.session, region)
    asked = request.args.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else (today.year if today.year in known or not known else known[0])
    more = {"years": sorted({*known, year}, reverse=True), "year": year, "may_act": g.actor.role == "finance", "labels": labels}
    rows = budgetbook.book(g.session, region, year)
    options = _options() if g.actor.role == "finance" else []
    return render_template(
        "finance/budgets.html", rows=rows, purposes=options, shown=shown, request_id=_request_id(shown), this_year=today.year, **more
    )


def _options() -> list[tuple[str, str]]:
    found = budgetbook.purposes(g.session, g.actor.region or "")
    plain = [(one["policy"], one["title"]) for one in found]
    return plain + [(f"{one['policy']}/{fund['code']}", f"{one['title']} · {fund['title']}") for one in found for fund in one["funds"][1:]]


def _one(row: BudgetRow, shown: Shown) -> str:
    events = [event for event in SHOWN if any((arrow.state, arrow.event) == (row.state, event) for arrow in BUDGET)]
    if not row.pool:
        events = [event for event in events if event != "sweep"]
    lists = {"queue": budgetbook.queue(g.session, row.id), "changes": budgetbook.changes(g.session, row.id)}
    may_act = g.actor.role == "finance" and g.actor.region == row.funder
    more = {"events": events if may_act else [], "labels": labels, "request_id": _request_id(shown), "yuan": yuan}
    return render_template("finance/budget.html", row=row, shown=shown, **lists, **more)


def _request_id(shown: Shown) -> str:
    return (shown.typed or {}).get("request_id") or forms.new_request_id()
