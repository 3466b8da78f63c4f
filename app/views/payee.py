"""Where an enterprise or a carrier wants its money: the bank account, entered and then typed once more to confirm."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms
from app.errors import kind_of
from app.i18n import translate
from core.errors import N_, Invalid, Refused
from vouchers import payees

bp = Blueprint("payee", __name__)

_FIELDS = ("bank", "name", "number", "again")


@bp.get("/account")
def account() -> ResponseReturnValue:
    """Show the account that counts and the form for a new one."""
    return _page({}, {})


@bp.post("/account")
def enter() -> ResponseReturnValue:
    """Take a new account; it counts after it was typed once more."""
    given = {name: request.form.get(name, "")[:200] for name in ("bank", "name", "number")}
    try:
        payees.enter(g.session, g.actor, request_id=_request_id(), **given)
    except (Invalid, Refused) as no:
        return _again(no)
    return redirect(url_for("payee.account") + "#confirm", 303)


@bp.post("/account/<int:account_id>/confirm")
def confirm(account_id: int) -> ResponseReturnValue:
    """Let the entered account count when its number was typed alike."""
    try:
        payees.confirm(g.session, g.actor, account_id=account_id, number=request.form.get("again", "")[:200], request_id=_request_id())
    except (Invalid, Refused) as no:
        if isinstance(no, Invalid):
            no.field = "again" if no.field == "number" else no.field
        return _again(no)
    flash(gettext("收款账户已确认，以后的兑现付到这个账户。"), "ok")
    return redirect(url_for("payee.account"), 303)


def _again(no: Invalid | Refused) -> ResponseReturnValue:
    g.session.rollback()
    faults = {no.field: translate(no)} if isinstance(no, Invalid) else {"": translate(no)}
    return _page({name: request.form.get(name, "")[:200] for name in _FIELDS}, faults), kind_of(no).status


def _page(typed: dict[str, str], faults: dict[str, Any]) -> str:
    found = payees.accounts_of(g.session, g.actor.organisation_id or 0)
    return render_template("enterprise/account.html", accounts=found, typed=typed, faults=faults, request_id=forms.new_request_id())


def _request_id() -> str:
    given = request.form.get("request_id", "")
    if not re.fullmatch(r"[0-9A-Za-z-]{8,100}", given):
        raise Invalid("request_id", N_("请求编号要有 1 到 100 个字符。"))
    return given
