"""One's own organisation: where its registration stands and what is next, its documents, accreditations, members and invitations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import evidence, forms, joinwords, members
from app.access import ROLE_NAMES
from app.errors import kind_of
from app.i18n import gettext, translate
from app.views.joining import Shown
from core import clock
from core.errors import N_, Forbidden, Invalid, Refused
from geodata.organisations import Organisation
from parties import carriers, enrolment
from parties import facts as domain
from parties.entities import CarrierEntry, Entry
from parties.notices import Notice
from vouchers.files import EvidenceFile

bp = Blueprint("organisation", __name__)

_NOTHING: Final = Shown({}, {})
_CERTIFICATE: Final = ("accreditation_kind", "accreditation_number", "expires_on")


@bp.get("/organisation")
def mine() -> ResponseReturnValue:
    """Show the organisation that the actor acts for."""
    return _page(_NOTHING)


@bp.post("/organisation")
def revise() -> ResponseReturnValue:
    """Keep what was corrected, with files of the documents, and hand it in unless it shall only be kept."""
    facts, faults = joinwords.facts_from(request.form)
    kinds = domain.DOCUMENTS.get(facts.kind, ())
    files, wrong_files = evidence.handed_in(*kinds)
    faults = {**{one.field: one for one in domain.faults(g.session, facts, own_id=g.actor.organisation_id)}, **faults, **wrong_files}
    if faults:
        return _page(Shown(joinwords.typed(request.form), forms.told(faults))), 422
    hashes = {row.id: row.sha256 for row in g.session.scalars(select(EvidenceFile).where(EvidenceFile.id.in_(files.values())))}
    facts = replace(facts, proofs=tuple(replace(one, file_sha=hashes.get(files.get(one.kind, 0))) for one in facts.proofs))

    def act() -> str:
        enrolment.revise(g.session, g.actor, facts)
        if request.form.get("event") == "save":
            return gettext("存好了，还没有交。")
        enrolment.submit(g.session, g.actor)
        return gettext("交上去了，等县（市、区）核实。")

    return _do(act, joinwords.typed(request.form))


@bp.post("/organisation/files")
def add_files() -> ResponseReturnValue:
    """Add the files of documents that were handed in without one, while they wait for the check."""
    files, wrong = evidence.handed_in(*{kind for kinds in domain.DOCUMENTS.values() for kind in kinds})
    if wrong:
        return _page(Shown({}, forms.told(wrong))), 422

    def act() -> str:
        if not files:
            raise Refused("documents", N_("请先选一个文件。"))
        for kind, file_id in sorted(files.items()):
            enrolment.attach_file(g.session, g.actor, kind=kind, file_sha=g.session.get_one(EvidenceFile, file_id).sha256)
        return gettext("文件收到了，审核员能看到。")

    return _do(act, {})


@bp.post("/organisation/certificates")
def add_certificate() -> ResponseReturnValue:
    """Hand in an accreditation, new or renewed."""

    def act() -> str:
        carriers.add_certificate(g.session, g.actor, joinwords.certificate_from(request.form))
        return gettext("收到了，审核员核对以后生效。")

    return _do(act, joinwords.typed(request.form, _CERTIFICATE))


@bp.post("/organisation/withdraw")
def withdraw() -> ResponseReturnValue:
    """Leave as a carrier, once the box that says so is ticked."""

    def act() -> str:
        if request.form.get("sure") != "yes":
            raise Invalid("sure", N_("请先勾选，确认要退出。"))
        carriers.withdraw(g.session, g.actor)
        return gettext("已退出。接下的预约仍要办完。")

    return _do(act, {})


@bp.post("/organisation/invitations")
def invite() -> ResponseReturnValue:
    """Make an invitation and show its link, this once."""
    try:
        secret = members.invite(g.session, g.actor, as_admin=request.form.get("as_admin") == "yes")
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return _page(Shown({}, {}, translate(no))), kind_of(no).status
    return _page(_NOTHING, link=url_for("joining.invitation", secret=secret, _external=True))


@bp.post("/organisation/invitations/<int:invitation_id>/revoke")
def revoke(invitation_id: int) -> ResponseReturnValue:
    """Take an invitation back."""

    def act() -> str:
        members.revoke(g.session, g.actor, invitation_id=invitation_id)
        return gettext("邀请收回了。")

    return _do(act, {})


@bp.post("/organisation/members/<int:membership_id>/<event>")
def member(membership_id: int, event: str) -> ResponseReturnValue:
    """Remove a member, or change whether the person is an administrator."""

    def act() -> str:
        if event == "remove":
            members.remove(g.session, g.actor, membership_id=membership_id)
            return gettext("移出了，这个人马上不能再以本单位办事。")
        members.change_admin(g.session, g.actor, membership_id=membership_id, admin=event == "admin")
        return gettext("改好了。")

    return _do(act, {})


def _do(act: Callable[[], str], typed: Mapping[str, str]) -> ResponseReturnValue:
    """Do it and go back to the page, or show the page with what is wrong; what was typed stays."""
    try:
        said = act()
    except Invalid as wrong:
        g.session.rollback()
        return _page(Shown(typed, {wrong.field: translate(wrong)})), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return _page(Shown(typed, {}, forms.refusal(no, joinwords.STATES))), kind_of(no).status
    flash(said, "ok")
    return redirect(url_for("organisation.mine" if g.actor.organisation_id else "auth.me"), 303)


def _page(shown: Shown, *, link: str = "") -> str:
    row = g.session.get(Organisation, g.actor.organisation_id) if g.actor.organisation_id else None
    paper = enrolment.paper_of(g.session, row.id) if row else None
    return render_template(
        "joining/organisation.html",
        row=row,
        paper=paper,
        editable=paper is not None and paper.state in ("draft", "returned"),
        values=shown.typed if shown.typed.get("kind") else _values(row, paper),
        shown=shown,
        link=link,
        words=joinwords,
        documents=domain.DOCUMENTS,
        role_names=ROLE_NAMES,
        counties=joinwords.counties(g.session),
        **_around(row, paper),
    )


def _around(row: Organisation | None, paper: Entry | None) -> dict[str, Any]:
    if row is None:
        return {"proofs": [], "people": [], "invitations": [], "admin": False, "certificates": [], "notice": None, "is_carrier": False}
    query = select(Notice).filter_by(subject=carriers.SUBJECT, subject_id=paper.id if paper else 0).order_by(Notice.id.desc()).limit(1)
    admin = members.is_admin(g.session, g.actor)
    return {
        "proofs": enrolment.documents_of(g.session, row.id),
        "people": members.members_of(g.session, row.id),
        "invitations": members.open_invitations(g.session, g.actor) if admin else [],
        "admin": admin,
        "certificates": carriers.certificates(g.session, row.id),
        "today": clock.today(g.session),
        "soon": carriers.SOON,
        "notice": g.session.scalars(query).one_or_none() if isinstance(paper, CarrierEntry) else None,
        "is_carrier": isinstance(paper, CarrierEntry) or row.kind == "carrier",
        "me": g.person.id if g.person else None,
    }


def _values(row: Organisation | None, paper: Entry | None) -> dict[str, str]:
    """Return the fields of the form as they were stated last."""
    if row is None or paper is None:
        return {}
    kind = "carrier" if isinstance(paper, CarrierEntry) else row.kind
    found = {name: getattr(row, name) or "" for name in ("credit_code", "adcode", "size_class", "carrier_kind", "level")}
    found |= {"kind": kind, "name": row.name_zh, "contact_name": paper.contact_name, "contact_phone": paper.contact_phone}
    for proof in reversed(enrolment.documents_of(g.session, row.id)):
        found |= {f"{proof.kind}_number": proof.number, f"{proof.kind}_issued_on": proof.issued_on.isoformat()}
    return found
