"""The officer's page of joining: who waits for a check, objections to answer, accreditations to look at, carriers to suspend or let back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import admission, forms, joinwords
from app.errors import kind_of
from app.i18n import gettext, translate
from app.views.joining import Shown
from core.errors import N_, Forbidden, Invalid, Refused
from geodata.organisations import Organisation
from geodata.regions import Region, is_within
from parties import carriers, enrolment, notices
from parties.entities import CarrierEntry, Enrolment
from vouchers.files import EvidenceFile

bp = Blueprint("admission", __name__)

DONE: Final = {
    "check": N_("通过了"),
    "return": N_("退回了"),
    "refuse": N_("没有通过"),
    "suspend": N_("暂停了"),
    "resume": N_("恢复了"),
    "uphold": N_("异议成立，公示停止"),
    "dismiss": N_("异议不成立"),
}


@bp.get("/desk/joining")
def desk() -> ResponseReturnValue:
    """Show everything of joining that waits in the officer's region."""
    return _page(Shown({}, {}))


@bp.post("/desk/joining/<subject>/<int:paper_id>/<event>")
def decide(subject: str, paper_id: int, event: str) -> ResponseReturnValue:
    """Take one decision with its reason, or show the page again with what is wrong."""
    reason = request.form.get("reason", "")[:500]
    try:
        admission.decide(subject, paper_id, event, reason=reason)
    except Invalid as wrong:
        g.session.rollback()
        return _page(Shown({"at": f"{subject}-{paper_id}", "reason": reason}, {wrong.field: translate(wrong)})), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return _page(Shown({"at": f"{subject}-{paper_id}", "reason": reason}, {}, forms.refusal(no, joinwords.STATES))), kind_of(no).status
    flash(gettext(DONE[event]), "ok")
    return redirect(url_for("admission.desk"), 303)


def _page(shown: Shown) -> str:
    queue = enrolment.queue(g.session, g.actor)
    owners = [item.organisation_id for item in queue]
    proofs = {owner: enrolment.documents_of(g.session, owner) for owner in owners}
    return render_template(
        "joining/admission.html",
        queue=queue,
        papers={(item.subject, item.id): g.session.get(CarrierEntry if item.subject == "carrier_entry" else Enrolment, item.id) for item in queue},
        owners={row.id: row for row in g.session.scalars(select(Organisation).where(Organisation.id.in_(owners)))},
        proofs=proofs,
        files=_files(proof.file_sha for found in proofs.values() for proof in found),
        held={owner: carriers.certificates(g.session, owner) for owner in owners},
        objections=notices.waiting(g.session, g.actor),
        certificates=carriers.to_check(g.session, g.actor),
        admitted=_admitted(),
        places={row.adcode: row.name_zh for row in g.session.execute(select(Region.adcode, Region.name_zh).where(Region.adcode.startswith("33")))},
        decides=g.actor.role == "reviewer",
        shown=shown,
        words=joinwords,
    )


def _admitted() -> Sequence[Any]:
    """Return the carriers of the region that stand in notice, are open or suspended by a paper of their own, the suspended first."""
    query = select(CarrierEntry, Organisation).join(Organisation, Organisation.id == CarrierEntry.organisation_id)
    rows = g.session.execute(
        query.where(CarrierEntry.state.in_(("noticed", "open", "suspended"))).order_by(CarrierEntry.state.desc(), CarrierEntry.id)
    )
    return [(paper, row) for paper, row in rows if g.actor.region and is_within(row.adcode or "", g.actor.region)][:200]


def _files(hashes: Any) -> dict[str, EvidenceFile]:
    wanted = [one for one in hashes if one]
    return {row.sha256: row for row in g.session.scalars(select(EvidenceFile).where(EvidenceFile.sha256.in_(wanted)))} if wanted else {}
