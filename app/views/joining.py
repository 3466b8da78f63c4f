"""Pages of joining for everybody: public notices with the form for objections, the registration of an organisation, the invitation of a member.

What an organisation sees of itself afterwards is `app.views.organisation`; the officer's side is `app.views.admission`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import accounts, forms, joinwords, members
from app.accounts import User
from app.braking import brake
from app.errors import Throttled, kind_of
from app.forms import Faults
from app.i18n import gettext, translate
from core import clock
from core.actor import Actor, Role
from core.errors import N_, Forbidden, Invalid, MapError, NotFound, Refused
from geodata.regions import Region
from parties import enrolment, notices
from parties import facts as domain
from parties.notices import Notice
from vouchers.requests import once

bp = Blueprint("joining", __name__)

PAGE: Final = 50
_ACCOUNT: Final = ("login", "person_name")


@dataclass(frozen=True)
class Shown:
    """A form as it was filled in, what is wrong with it by field, why it was refused as a whole."""

    typed: Mapping[str, str]
    faults: Mapping[str, str]
    refusal: str = ""


@bp.get("/notices")
def notice_list() -> ResponseReturnValue:
    """Show the running notices, and the past ones in pages."""
    given = request.args.get("page", "1")
    page = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 else 1
    past = notices.notices(g.session, running=False, limit=PAGE + 1, offset=(max(page, 1) - 1) * PAGE)
    running = notices.notices(g.session, running=True, limit=500)
    names = _regions([*running, *past])
    unanswered = notices.unanswered(g.session, [row.id for row in past])
    shown = {"running": running, "past": past[:PAGE], "more": len(past) > PAGE, "page": page, "names": names, "unanswered": unanswered}
    return render_template("joining/notices.html", words=joinwords, **shown)


@bp.get("/notices/<int:notice_id>")
def notice(notice_id: int) -> ResponseReturnValue:
    """Show one notice, the answers to objections, and the form while it runs."""
    return _notice(_found(notice_id), Shown({}, {}))


@bp.post("/notices/<int:notice_id>/objections")
def object_to(notice_id: int) -> ResponseReturnValue:
    """Take an objection, or show the form again with what is wrong."""
    found, typed = _found(notice_id), joinwords.typed(request.form, ("text", "name", "contact"))
    typed["text"] = request.form.get("text", "")[: notices.MAX_TEXT + 1]
    try:
        brake("object")
        notices.object_to(g.session, g.actor, notice_id=found.id, **{name: request.form.get(name, "") for name in ("text", "name", "contact")})
    except Invalid as wrong:
        return _notice(found, Shown(typed, {wrong.field: translate(wrong)})), 422
    except (Refused, Throttled) as no:
        g.session.rollback()
        return _notice(_found(notice_id), Shown(typed, {}, translate(no))), kind_of(no).status
    flash(gettext("收到了。审核员核实以后，答复会公开在这一页。"), "ok")
    return redirect(url_for("joining.notice", notice_id=notice_id), 303)


@bp.get("/join")
def register_form() -> ResponseReturnValue:
    """Show the form by which an enterprise, a team or a carrier registers; a person who is logged in keeps the account."""
    kind = request.args.get("kind", "enterprise")
    return _register(Shown({"kind": kind if kind in domain.KINDS else "enterprise"}, {}))


@bp.post("/join")
def register() -> ResponseReturnValue:
    """Register the organisation with its first account and hand the papers in, or show the form again with every fault at its field."""
    facts, faults = joinwords.facts_from(request.form)
    shown = joinwords.typed(request.form, (*joinwords.FIELDS, *_ACCOUNT, "request_id"))
    key = request.form.get("request_id", "")
    try:
        brake("register")
        faults = {**{one.field: one for one in domain.faults(g.session, facts)}, **faults, **_account_faults()}
        if faults:
            return _register(Shown(shown, forms.told(faults))), 422
        made = once(g.session, g.actor, key, "register", content={"facts": facts, "login": shown["login"]}, act=lambda _: _registered(facts))
    except Invalid as wrong:
        return _register(Shown(shown, {wrong.field: translate(wrong)})), 422
    except (Refused, Forbidden, Throttled) as no:
        g.session.rollback()
        return _register(Shown(shown, {}, translate(no))), kind_of(no).status
    if "join_seat" in g:
        _sit_down(g.join_seat)
    elif g.person is None:  # sent twice: the first one has made the account, and only its password proves whose it is
        return redirect(url_for("auth.log_in_form", next=url_for("organisation.mine")), 303)
    flash(gettext("交上去了，编号 %(number)s。县（市、区）核实以后，这里会写明结果。", number=made), "ok")
    return redirect(url_for("organisation.mine"), 303)


@bp.get("/invitations/<secret>")
def invitation(secret: str) -> ResponseReturnValue:
    """Show who invites to what, and the form to accept."""
    return _invitation(secret, Shown({}, {}))


@bp.post("/invitations/<secret>")
def accept(secret: str) -> ResponseReturnValue:
    """Become a member, with the account of this log-in or with a new one."""
    typed = joinwords.typed(request.form, _ACCOUNT)
    try:
        brake("invitation")
        members.invitation_of(g.session, secret)  # before anything is said about accounts
        faults = _account_faults()
        if faults:
            return _invitation(secret, Shown(typed, forms.told(faults)), status=422)
        user = _user()
        _sit_down((user, members.accept(g.session, user, secret=secret)))
    except Invalid as wrong:
        return _invitation(secret, Shown(typed, {wrong.field: translate(wrong)}), status=422)
    except (Refused, Throttled) as no:
        g.session.rollback()
        return _invitation(secret, Shown(typed, {}, translate(no)), status=kind_of(no).status)
    flash(gettext("你已加入。"), "ok")
    return redirect(url_for("organisation.mine"), 303)


def _found(notice_id: int) -> Notice:
    found: Notice | None = g.session.get(Notice, notice_id) if notice_id < 2**63 else None
    if found is None:
        raise NotFound
    return found


def _notice(found: Notice, shown: Shown) -> str:
    open_now = found.state == "running" and clock.today(g.session) <= found.ends
    answers = notices.answers(g.session, found.id)
    names = _regions([found])
    return render_template(
        "joining/notice.html", notice=found, open_now=open_now, answers=answers, names=names, shown=shown, words=joinwords, most=notices.MAX_TEXT
    )


def _regions(rows: list[Notice]) -> dict[str, str]:
    wanted = {row.region for row in rows}
    return {row.adcode: row.name_zh for row in g.session.execute(select(Region.adcode, Region.name_zh).where(Region.adcode.in_(wanted)))}


def _register(shown: Shown) -> str:
    return render_template(
        "joining/register.html",
        shown=shown,
        words=joinwords,
        documents=domain.DOCUMENTS,
        counties=joinwords.counties(g.session),
        request_id=shown.typed.get("request_id") or forms.new_request_id(),
        officer=g.actor.role in ("reviewer", "finance", "auditor"),
    )


def _account_faults() -> Faults:
    """Return what is wrong with the new account of somebody who is not logged in."""
    found: Faults = {}
    if g.person is not None:
        return found
    if not 2 <= len(request.form.get("person_name", "").strip()) <= 50:
        found["person_name"] = Invalid("person_name", N_("请填你的姓名，2 到 50 个字。"))
    login = request.form.get("login", "")
    try:
        members.check_login(g.session, login)
    except Invalid as wrong:
        found[wrong.field] = wrong
    try:
        accounts.hash_password(request.form.get("password", ""), login)
    except Invalid as wrong:
        found[wrong.field] = wrong
    return found


def _user() -> User:
    if g.person is not None:
        known: User = g.session.get_one(User, g.person.id)
        return known
    login, name = members.check_login(g.session, request.form.get("login", "")), request.form.get("person_name", "").strip()
    return accounts.add_user(g.session, login, name=name, password=request.form.get("password", ""))


def _registered(facts: domain.Facts) -> int:
    """Make account, organisation, membership and paper, hand the paper in, and return its id; the seat is noted for the log-in."""
    if g.actor.role in ("reviewer", "finance", "auditor"):
        raise Forbidden(N_("单位由它自己的人登记，审核员不能代办。"))
    user = _user()
    row = enrolment.register(g.session, Actor("public", user.id, name=user.name), facts)
    role: Role = "carrier" if facts.kind == "carrier" else "enterprise"
    g.join_seat = (user, members.join_first(g.session, user, organisation_id=row.id, role=role))
    return enrolment.submit(g.session, Actor(role, user.id, row.id, name=user.name))


def _sit_down(seat: tuple[User, accounts.Membership]) -> None:
    """Act from the new seat from the next page on; whoever was not logged in is now."""
    user, membership = seat
    if g.bearer:
        return
    if g.person is None:
        session.clear()  # whatever a stranger may have planted in this browser ends here, the form token too
        session["login"] = accounts.open_session(g.session, user)
    accounts.take_seat(g.session, session["login"], seat_id=membership.id)


def _invitation(secret: str, shown: Shown, *, status: int = 200) -> tuple[str, int]:
    try:
        row, owner = members.invitation_of(g.session, secret)
    except (NotFound, Refused) as no:
        return render_template("joining/invitation.html", row=None, owner=None, shown=shown, refusal=_dead(no)), 404 if isinstance(
            no, NotFound
        ) else 410
    return render_template("joining/invitation.html", row=row, owner=owner, shown=shown, refusal=shown.refusal, secret=secret), status


def _dead(no: MapError) -> str:
    return gettext("没有这个邀请。请检查链接是不是完整，或者让管理员再发一个。") if isinstance(no, NotFound) else translate(no)
