"""Cases of officers: disputes that a reviewer decides, and vouchers that an auditor freezes and a reviewer of funder or city voids.

Every rule is checked under lock by the domain; a page only shows what is open to whoever looks at it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms, labels, names
from app.errors import kind_of
from app.i18n import translate
from app.orderforms import Grounds, Resolution, given_by
from app.views import money
from bookings import disputes
from bookings import queries as orders
from core import clock
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from core.money import yuan
from geodata.organisations import Organisation
from vouchers import freezing, queries

bp = Blueprint("cases", __name__)


@bp.get("/cases/disputes")
def all_disputes() -> ResponseReturnValue:
    """Show the disputes of the reviewer's region, the oldest first."""
    return render_template("cases/disputes.html", rows=disputes.open_for(g.session, g.actor))


@bp.get("/cases/disputes/<int:order_id>")
def dispute(order_id: int) -> ResponseReturnValue:
    """Show one dispute with what was agreed, what came and what was said."""
    return _dispute(order_id)


@bp.post("/cases/disputes/<int:order_id>")
def resolve(order_id: int) -> ResponseReturnValue:
    """Decide a dispute, or show it again with what is wrong."""
    given, faults = forms.read(Resolution, request.form)
    if given is None:
        return _dispute(order_id, faults=forms.told(faults)), 422
    try:
        disputes.resolve(g.session, g.actor, order_id=order_id, request_id=given.request_id, given=given_by("resolve", given, {}))
    except Invalid as wrong:
        g.session.rollback()
        return _dispute(order_id, faults={wrong.field: translate(wrong)}), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return _dispute(order_id, refusal=forms.refusal(no, labels.ORDER_STATES)), kind_of(no).status
    flash(gettext("已裁定，双方都能看到。"), "ok")
    return redirect(url_for("cases.all_disputes"), 303)


@bp.get("/cases/vouchers")
def vouchers() -> ResponseReturnValue:
    """Show the frozen vouchers of the officer's region, and find one by its code."""
    asked = request.args.get("code", "")[:60]
    found = queries.find(g.session, g.actor, asked) if asked else None
    if found is not None:
        return redirect(url_for("cases.voucher", voucher_id=found), 303)
    return render_template("cases/vouchers.html", rows=queries.frozen_of(g.session, g.actor), asked=asked), 404 if asked else 200


@bp.get("/cases/vouchers/<int:voucher_id>")
def voucher(voucher_id: int) -> ResponseReturnValue:
    """Show one voucher of the region: each fen of it, what happened to it, and what this officer may do."""
    return _voucher(voucher_id)


@bp.post("/cases/vouchers/<int:voucher_id>/<event>")
def voucher_event(voucher_id: int, event: str) -> ResponseReturnValue:
    """Freeze, unfreeze or void a voucher, or show it again with what is wrong."""
    verb = VERBS.get(event)
    if verb is None:
        raise NotFound
    queries.voucher_of(g.session, g.actor, voucher_id)
    given, faults = forms.read(Grounds, request.form)
    if given is None:
        return _voucher(voucher_id, event=event, faults=forms.told(faults)), 422
    try:
        verb(g.session, g.actor, voucher_id=voucher_id, reason=given.reason, request_id=given.request_id)
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return _voucher(voucher_id, event=event, refusal=forms.refusal(no, labels.VOUCHER_STATES)), kind_of(no).status
    flash(gettext(DONE[event]), "ok")
    return redirect(url_for("cases.voucher", voucher_id=voucher_id), 303)


def _dispute(order_id: int, *, faults: dict[str, str] | None = None, refusal: str = "") -> str:
    page = orders.order_of(g.session, g.actor, order_id)
    said = [step for step in page.steps if step.event in ("dispute", "resolve")]
    if not said:
        raise NotFound
    return render_template(
        "cases/dispute.html",
        page=page,
        row=names.orders(g.session, [page.row])[0],
        said=said,
        clauses=money.clause_lines(page.clauses),
        typed=request.form if request.method == "POST" else {},
        faults=faults or {},
        refusal=refusal,
        labels=labels,
        can_decide=g.actor.role == "reviewer" and page.row.state == "disputed",
        request_id=forms.new_request_id(),
        frozen=yuan(page.row.voucher_part),
    )


def _voucher(voucher_id: int, *, event: str = "", faults: dict[str, str] | None = None, refusal: str = "") -> str:
    row = queries.voucher_of(g.session, g.actor, voucher_id)
    return render_template(
        "cases/voucher.html",
        row=row,
        holder=g.session.get_one(Organisation, row.holder_id),
        trace=money.trace(queries.statement(g.session, row.id), {}, claims={}, own=False),
        parts=money.parts(row),
        steps=queries.steps_of(g.session, row.id),
        events=_open_to(row.state),
        event=event,
        typed=request.form if request.method == "POST" else {},
        faults=faults or {},
        refusal=refusal,
        labels=labels,
        today=clock.today(g.session),
        request_id=forms.new_request_id,
    )


def _open_to(state: str) -> list[str]:
    """Return what this officer may do with a voucher in a state."""
    open_: dict[tuple[str, str], list[str]] = {
        ("auditor", "active"): ["freeze"],
        ("auditor", "expired"): ["freeze"],
        ("auditor", "frozen"): ["unfreeze"],
        ("reviewer", "frozen"): ["void"],
    }
    return open_.get((g.actor.role, state), [])


VERBS: Final[dict[str, Callable[..., Any]]] = {"freeze": freezing.freeze, "unfreeze": freezing.unfreeze, "void": freezing.void}
DONE: Final = {
    "freeze": N_("已冻结。券上的钱不动，期限照走。"),
    "unfreeze": N_("已解冻，券回到冻结前的状态。"),
    "void": N_("已作废。没付出去的钱退回了财政，付出去的开了追回。"),
}
