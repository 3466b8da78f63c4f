"""Logging in and out, and the page of one's own account with the switch between seats."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from app import accounts
from app.access import ROLE_NAMES, safe_next
from app.demo import DEMO_PASSWORD, demo_people, is_sample_world
from app.errors import LogInNeeded, Malformed, Throttled
from app.i18n import gettext, translate
from core.errors import N_, MapError

bp = Blueprint("auth", __name__)


@bp.get("/login")
def log_in_form() -> ResponseReturnValue:
    """Show the form; somebody who is logged in already goes on."""
    if g.person is not None:
        return redirect(safe_next(request.args.get("next")), 303)
    return _form()


@bp.post("/login")
def log_in() -> ResponseReturnValue:
    """Open a session under a new id, or show the form again with the reason: 422, or 429 after too many attempts."""
    given = accounts.Credentials(request.form.get("login", ""), request.form.get("password", ""), request.remote_addr or "")
    try:
        token = accounts.log_in(g.session, given, secret=current_app.config["SECRET_KEY"])
    except (LogInNeeded, Throttled) as no:
        g.session.rollback()
        return _form(error=no, login=given.login[:100])
    if "login" in session:
        accounts.log_out(g.session, session["login"])
    session.clear()  # whatever a stranger may have planted in this browser ends here, the form token too
    session["login"] = token
    return redirect(safe_next(request.form.get("next")), 303)


@bp.post("/logout")
def log_out() -> ResponseReturnValue:
    """End the session on the server and in the browser."""
    if "login" in session:
        accounts.log_out(g.session, session["login"])
    session.clear()
    flash(gettext("你已退出。"), "ok")
    return redirect(url_for("auth.log_in_form"), 303)


@bp.get("/me")
def me() -> ResponseReturnValue:
    """Show one's account and seats."""
    return render_template("me.html", person=g.person, role_names=ROLE_NAMES)


@bp.post("/me/seat")
def take_seat() -> ResponseReturnValue:
    """Act from another seat from the next page on."""
    given = request.form.get("seat", "")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Malformed(N_("请选一个岗位。"))
    if g.bearer or "login" not in session:
        raise LogInNeeded(N_("换岗位要在网页上登录。"))
    accounts.take_seat(g.session, session["login"], seat_id=int(given))
    return redirect(safe_next(request.form.get("next")), 303)


def _form(*, error: MapError | None = None, login: str = "") -> ResponseReturnValue:
    sample = is_sample_world(g.session)
    page = render_template(
        "login.html",
        error=translate(error) if error else "",
        login=login,
        next=safe_next(request.values.get("next")),
        demo=demo_people(g.session) if sample else [],
        demo_password=DEMO_PASSWORD,
        role_names=ROLE_NAMES,
    )
    if isinstance(error, Throttled):
        return page, 429, {"Retry-After": str(error.retry_after)}
    return page, 422 if error else 200
