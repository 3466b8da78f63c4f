"""Finance's desk: claims to approve, settlement batches through their life, the bank's statement with what differs, months, recoveries.

Every rule is checked again under lock by `vouchers`. Files for the bank and the treasury leave as attachments that nobody keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms, labels
from app.errors import kind_of
from core import clock
from core.errors import N_, Forbidden, Invalid, MapError, NotFound, Refused
from vouchers import bankfile, batches, finance, recovery, statements

bp = Blueprint("finance", __name__)

Verb = Callable[..., int]

PLAIN: Final[dict[str, Verb]] = {
    "add": batches.add,
    "freeze": batches.freeze,
    "notice": batches.notice,
    "sign": batches.sign,
    "authorise": batches.authorise,
    "send": batches.send,
    "close": batches.close,
    "reconcile": batches.reconcile,
}
"""Steps of a batch that need no word."""

LINES: Final[dict[str, Verb]] = {"take_out": batches.take_out, "fail": batches.fail_line}

NEXT: Final = {
    "open": "freeze",
    "frozen": "notice",
    "noticed": "sign",
    "signed": "authorise",
    "authorised": "send",
    "confirmed": "close",
    "partly_failed": "close",
    "closed": "reconcile",
}
"""State of a batch → the step that takes it on; a sent one waits for the bank."""

_MONTH: Final = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@bp.get("/finance")
def desk() -> ResponseReturnValue:
    """Show what waits for finance of this region."""
    return _desk({})


@bp.post("/finance/batches")
def open_batch() -> ResponseReturnValue:
    """Open a batch with every claim that can be paid, and go to it."""
    try:
        found = batches.open_batch(g.session, g.actor, request_id=_request_id())
    except MapError as no:
        return _refused(no, _desk)
    flash(gettext("批次已开，能拨付的兑现都在里面。"), "ok")
    return redirect(url_for("finance.batch", batch_id=found), 303)


@bp.get("/finance/batches/<int:batch_id>")
def batch(batch_id: int) -> ResponseReturnValue:
    """Show a batch with its lines, its steps and what the bank said."""
    return _batch(batch_id, {})


@bp.post("/finance/batches/<int:batch_id>/<event>")
def step(batch_id: int, event: str) -> ResponseReturnValue:
    """Take a batch one step on and show it."""
    key = _request_id()
    try:
        if event == "cancel":
            batches.cancel(g.session, g.actor, batch_id=batch_id, reason=request.form.get("reason", "")[:500], request_id=key)
        elif event in PLAIN:
            PLAIN[event](g.session, g.actor, batch_id=batch_id, request_id=key)
        else:
            raise NotFound
    except (Invalid, Refused, Forbidden) as no:
        return _refused(no, lambda shown: _batch(batch_id, shown))
    flash(gettext("已办：%(event)s。", event=gettext(labels.BATCH_EVENTS[event])), "ok")
    return redirect(url_for("finance.batch", batch_id=batch_id), 303)


@bp.post("/finance/batches/<int:batch_id>/lines/<int:line_id>/<event>")
def line(batch_id: int, line_id: int, event: str) -> ResponseReturnValue:
    """Take a line out of an open batch, or say that the bank did not pay it."""
    if event not in LINES:
        raise NotFound
    try:
        LINES[event](g.session, g.actor, line_id=line_id, reason=request.form.get("reason", "")[:500], request_id=_request_id())
    except (Invalid, Refused, Forbidden) as no:
        return _refused(no, lambda shown: _batch(batch_id, shown))
    flash(gettext("已办：%(event)s。", event=gettext(labels.BATCH_EVENTS[event])), "ok")
    return redirect(url_for("finance.batch", batch_id=batch_id), 303)


@bp.post("/finance/batches/<int:batch_id>/statement")
def statement(batch_id: int) -> ResponseReturnValue:
    """Take the bank's statement in: what fits is paid, what differs is named on the page."""
    given = request.files.get("file")
    content, name = (given.read(), given.filename or "") if given else (b"", "")
    try:
        found = statements.take(g.session, g.actor, batch_id=batch_id, content=content, filename=name, request_id=_request_id())
    except (Invalid, Refused, Forbidden) as no:
        return _refused(no, lambda shown: _batch(batch_id, shown))
    differs = sum(row["finding"] != "matched" for row in statements.report(g.session, batch_id) if row["statement_id"] == found)
    told = gettext("回单已收，全部相符。") if not differs else gettext("回单已收，%(count)s 行对不上，没有动钱，见下表。", count=differs)
    flash(told, "warn" if differs else "ok")
    return redirect(url_for("finance.batch", batch_id=batch_id), 303)


@bp.get("/finance/batches/<int:batch_id>/bank.csv")
def bank_csv(batch_id: int) -> ResponseReturnValue:
    """Send the file for the bank, with whole account numbers; that it was fetched is on record."""
    name, content = bankfile.bank_file(g.session, g.actor, batch_id=batch_id)
    return _file(name, [content])


@bp.get("/settlements/<int:batch_id>")
def public(batch_id: int) -> ResponseReturnValue:
    """Show everybody what a batch pays to whom, from its notice on; accounts and contracts stay out."""
    code, lines = finance.public_lines(g.session, batch_id)
    return render_template("finance/public.html", code=code, lines=lines, total=sum(line.amount for line in lines))


@bp.get("/finance/months/<month>")
def month(month: str) -> ResponseReturnValue:
    """Show what was paid and came back in a month, line by line with the total."""
    first = _first(month)
    rows = _month_rows(first)
    paid, back = (sum(row["amount"] for row in rows if row["kind"] == kind) for kind in ("paid", "recovered"))
    return render_template("finance/month.html", first=first, month=month, rows=rows, paid=paid, back=-back, net=paid + back, labels=labels)


@bp.get("/finance/months/<month>/treasury.csv")
def month_csv(month: str) -> ResponseReturnValue:
    """Send a month as CSV for the treasury."""
    rows = _month_rows(_first(month))
    return _file(f"treasury-{_region()}-{month}.csv", list(bankfile.month_file(rows)))


@bp.post("/finance/claims/<int:claim_id>/recover")
def recover(claim_id: int) -> ResponseReturnValue:
    """Ask the money of a paid claim back."""
    try:
        recovery.open_case(g.session, g.actor, claim_id=claim_id, reason=request.form.get("reason", "")[:500], request_id=_request_id())
    except (Invalid, Refused, Forbidden) as no:
        return _refused(no, _desk)
    flash(gettext("追回已立案。钱到账后由另一个人记一笔。"), "ok")
    return redirect(url_for("finance.desk") + "#recoveries", 303)


@bp.post("/finance/recoveries/<int:recovery_id>/back")
def money_back(recovery_id: int) -> ResponseReturnValue:
    """Record that the money of a recovery came."""
    try:
        on = _day(request.form.get("received_on", ""))
        bank = request.form.get("bank_reference", "")[:100]
        recovery.money_back(g.session, g.actor, recovery_id=recovery_id, bank_reference=bank, received_on=on, request_id=_request_id())
    except (Invalid, Refused, Forbidden) as no:
        return _refused(no, _desk)
    flash(gettext("已记：钱回到资金池。"), "ok")
    return redirect(url_for("finance.desk") + "#recoveries", 303)


def _desk(shown: dict[str, Any]) -> str:
    region = _region()
    held_back = [one for one in batches.waiting(g.session, region) if one.reason]
    ready = [one for one in batches.waiting(g.session, region) if not one.reason]
    return render_template(
        "finance/desk.html",
        claims=finance.to_approve(g.session, g.actor, today=clock.today(g.session)),
        ready=ready,
        held_back=held_back,
        rows=finance.batch_rows(g.session, region, limit=20),
        recoveries=finance.recoveries(g.session, g.actor),
        months=finance.months(g.session, region)[:13],
        today=clock.today(g.session),
        labels=labels,
        shown=shown,
        request_id=forms.new_request_id(),
        may_act=g.actor.role == "finance",
    )


def _batch(batch_id: int, shown: dict[str, Any]) -> str:
    page = finance.batch_page(g.session, g.actor, batch_id)
    return render_template(
        "finance/batch.html",
        page=page,
        report=statements.report(g.session, batch_id),
        findings=statements.FINDINGS,
        missing=len(statements.missing(g.session, batch_id)) if page.row.state == "sent" else 0,
        flow=finance.FLOW,
        next_step=NEXT.get(page.row.state),
        labels=labels,
        shown=shown,
        days=batches.NOTICE_DAYS,
        out=page.row.state in bankfile.OUT,
        request_id=forms.new_request_id(),
        may_act=g.actor.role == "finance",
    )


def _refused(no: MapError, page: Callable[[dict[str, Any]], str]) -> ResponseReturnValue:
    """Show the page as the database has it after all, with what was wrong; nothing of the refused step is kept."""
    g.session.rollback()
    if isinstance(no, NotFound):
        raise no
    fault = no.field if isinstance(no, Invalid) else ""
    said = forms.refusal(no, labels.BATCH_STATES)
    typed = {name: request.form.get(name, "")[:500] for name in ("reason", "bank_reference", "received_on")}
    return page({"refusal": said, "field": fault, "typed": typed}), kind_of(no).status


def _request_id() -> str:
    given = request.form.get("request_id", "")
    if not re.fullmatch(r"[0-9A-Za-z-]{8,100}", given):
        raise Invalid("request_id", N_("请求编号要有 1 到 100 个字符。"))
    return given


def _region() -> str:
    if g.actor.region is None:
        raise NotFound
    region: str = g.actor.region
    return region


def _month_rows(first: date) -> list[dict[str, Any]]:
    rows = bankfile.month_rows(g.session, _region(), first)
    if not rows:
        raise NotFound
    return rows


def _first(month: str) -> date:
    found = _MONTH.fullmatch(month)
    if found is None:
        raise NotFound
    return date(int(found[1]), int(found[2]), 1)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise Invalid("received_on", N_("日期要写成 2026-12-02 这样。")) from wrong


def _file(name: str, parts: list[str]) -> Response:
    answer = Response("".join(parts), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    answer.headers["Cache-Control"] = "no-store"
    return answer
