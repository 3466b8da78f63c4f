"""Joining under `/api/v1`: the own organisation's registration, accreditations and members, the officer's decisions. Notices: `app.api.notices`.

Every write carries an Idempotency-Key and is done once. Contacts are shown to nobody here but the organisation itself and the officer who checks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from flask import g, url_for
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from app import admission, members
from app.accounts import User
from app.api import SIGNED, bp
from app.api.orders import Id, Local, RequestKey
from core.actor import Actor, Role
from core.errors import N_, Forbidden, Invalid, NotFound
from geodata.organisations import Organisation
from parties import carriers, enrolment
from parties.carriers import Certificate
from parties.entities import Entry
from parties.facts import Contact, Facts, Proof
from vouchers.files import EvidenceFile, EvidenceUpload
from vouchers.requests import once

Text = Annotated[str, Field(max_length=300)]
Kind = Literal["enterprise", "team", "carrier"]


class ProofIn(BaseModel):
    """A document by kind, number and date of issue; `file_id` is the document itself where your organisation handed it in at /files."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["business_license", "team_statement", "legal_certificate"]
    number: Annotated[str, Field(max_length=80)]
    issued_on: date
    file_id: Id | None = None


class FactsIn(BaseModel):
    """What an organisation states of itself."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    name: Text
    credit_code: Text = Field("", description="18 characters; a team may have none")
    adcode: Text = Field(description="county or zone of registration")
    contact_name: Text
    contact_phone: Text
    documents: list[ProofIn] = Field(max_length=5)
    size_class: Text = ""
    carrier_kind: Text = ""
    level: Text = ""

    @property
    def facts(self) -> Facts:
        """As the domain takes it; raises `Invalid` for a file that your organisation did not hand in."""
        proofs = tuple(Proof(one.kind, one.number, one.issued_on, _hash_of(one.file_id)) for one in self.documents)
        contact = Contact(self.contact_name, self.contact_phone)
        return Facts(self.kind, self.name, self.credit_code, self.adcode, contact, proofs, self.size_class, self.carrier_kind, self.level)


class Reason(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("", max_length=500)


class CertificateIn(BaseModel):
    """An accreditation: good to the end of `expires_on`."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["cma", "cnas", "open_unit"]
    number: Annotated[str, Field(max_length=80)]
    expires_on: date


class InvitationIn(BaseModel):
    """Whether the invited becomes an administrator."""

    model_config = ConfigDict(extra="forbid")
    admin: bool = False


class Done(BaseModel):
    """The id of the row and its state afterwards."""

    id: int
    state: str


class InvitationOut(BaseModel):
    """An invitation; its link is shown once, in the answer that made it."""

    id: int
    link: str | None


class CertificateOut(BaseModel):
    """An accreditation of a carrier."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    kind: str
    number: str
    expires_on: date
    state: str


class OrganisationOut(BaseModel):
    """One's own organisation; `state` is "checked" or "open" where it came with the base data."""

    id: int
    code: str
    name: str
    kind: str
    state: str
    answer: str
    accreditations: list[CertificateOut]


class WaitingOut(BaseModel):
    """An application in the officer's queue."""

    model_config = ConfigDict(from_attributes=True)
    subject: str
    id: int
    name: str
    kind: str
    adcode: str
    at: Local
    is_sample: bool


class Queue(BaseModel):
    """What waits for the officer."""

    items: list[WaitingOut]


class OnePath(BaseModel):
    """Which row."""

    row_id: Id


class EventOnly(BaseModel):
    """What happens."""

    event: str


class EventPath(OnePath):
    """Which row, and what happens to it."""

    event: str


class DecisionPath(EventPath):
    """Which paper: enrolment, carrier_entry, accreditation or objection."""

    subject: Literal["enrolment", "carrier_entry", "accreditation", "objection"]


@bp.post("/organisations", responses={201: Done}, security=SIGNED)
def register(header: RequestKey, body: FactsIn) -> tuple[dict[str, Any], int]:
    """Register an organisation of which you become the administrator, and hand its papers in; `id` is the organisation's."""
    made = _once(header.key, "register", body.model_dump(), lambda: _register(body.facts))
    return Done(id=made, state="submitted").model_dump(), 201


@bp.get("/organisation", responses={200: OrganisationOut}, security=SIGNED)
def organisation() -> dict[str, Any]:
    """Show your organisation and where its registration stands."""
    row = g.session.get(Organisation, g.actor.organisation_id or 0)
    if row is None:
        raise NotFound
    paper = enrolment.paper_of(g.session, row.id)
    held = [CertificateOut.model_validate(one) for one in carriers.certificates(g.session, row.id)]
    state, answer = (paper.state, paper.answer) if paper else ("open" if row.kind == "carrier" else "checked", "")
    facts = {"id": row.id, "code": row.code, "name": row.name_zh, "kind": row.kind, "state": state, "answer": answer}
    return OrganisationOut(**facts, accreditations=held).model_dump(mode="json")


@bp.post("/organisation/facts", responses={200: Done}, security=SIGNED)
def revise(header: RequestKey, body: FactsIn) -> dict[str, Any]:
    """Correct what was stated, while it is a draft or was returned."""
    made = _once(header.key, "revise", body.model_dump(), lambda: enrolment.revise(g.session, g.actor, body.facts))
    return Done(id=made, state=_own_paper().state).model_dump()


@bp.post("/organisation/<event>", responses={200: Done}, security=SIGNED)
def organisation_event(path: EventOnly, header: RequestKey) -> dict[str, Any]:
    """Hand the registration in (submit), or leave as a carrier (withdraw)."""
    verbs: dict[str, Callable[[], int]] = {"submit": lambda: enrolment.submit(g.session, g.actor), "withdraw": _withdraw}
    if path.event not in verbs:
        raise NotFound
    made = _once(header.key, path.event, {}, verbs[path.event])
    return Done(id=made, state="submitted" if path.event == "submit" else "withdrawn").model_dump()


@bp.post("/organisation/certificates", responses={201: Done}, security=SIGNED)
def add_certificate(header: RequestKey, body: CertificateIn) -> tuple[dict[str, Any], int]:
    """Hand in an accreditation, new or renewed."""
    given = Certificate(body.kind, body.number, body.expires_on)
    made = _once(header.key, "certificate", body.model_dump(), lambda: carriers.add_certificate(g.session, g.actor, given))
    return Done(id=made, state="submitted").model_dump(), 201


@bp.post("/organisation/invitations", responses={201: InvitationOut}, security=SIGNED)
def invite(header: RequestKey, body: InvitationIn) -> tuple[dict[str, Any], int]:
    """Invite somebody into your organisation by a link that works once."""
    links: list[str] = []

    def act() -> int:
        secret = members.invite(g.session, g.actor, as_admin=body.admin)
        links.append(url_for("joining.invitation", secret=secret, _external=True))
        return members.invitation_of(g.session, secret)[0].id

    made = _once(header.key, "invite", body.model_dump(), act)
    return InvitationOut(id=made, link=links[0] if links else None).model_dump(), 201


@bp.post("/organisation/invitations/<int:row_id>/revoke", responses={200: Done}, security=SIGNED)
def revoke(path: OnePath, header: RequestKey) -> dict[str, Any]:
    """Take an invitation back."""
    made = _once(header.key, "revoke", {"id": path.row_id}, _of(path.row_id, lambda: members.revoke(g.session, g.actor, invitation_id=path.row_id)))
    return Done(id=made, state="revoked").model_dump()


@bp.post("/organisation/members/<int:row_id>/<event>", responses={200: Done}, security=SIGNED)
def member(path: EventPath, header: RequestKey) -> dict[str, Any]:
    """Remove a member (remove), make one an administrator (admin) or a plain member (member)."""
    if path.event not in {"remove", "admin", "member"}:
        raise NotFound

    def act() -> None:
        if path.event == "remove":
            members.remove(g.session, g.actor, membership_id=path.row_id)
        else:
            members.change_admin(g.session, g.actor, membership_id=path.row_id, admin=path.event == "admin")

    made = _once(header.key, path.event, {"id": path.row_id}, _of(path.row_id, act))
    return Done(id=made, state={"remove": "removed"}.get(path.event, path.event)).model_dump()


@bp.get("/joining", responses={200: Queue}, security=SIGNED)
def joining_queue() -> dict[str, Any]:
    """List the registrations that wait for a check in your region."""
    return Queue(items=[WaitingOut.model_validate(item) for item in enrolment.queue(g.session, g.actor)]).model_dump(mode="json")


@bp.post("/joining/<subject>/<int:row_id>/<event>", responses={200: Done}, security=SIGNED)
def joining_event(path: DecisionPath, header: RequestKey, body: Reason) -> dict[str, Any]:
    """Decide. enrolment: check, return, refuse; carrier_entry: these, suspend, resume; accreditation: check, refuse; objection: uphold, dismiss."""
    content = {"subject": path.subject, "id": path.row_id, "reason": body.reason}

    def act() -> int:
        admission.decide(path.subject, path.row_id, path.event, reason=body.reason)
        return path.row_id

    made = _once(header.key, f"{path.subject}.{path.event}", content, act)
    return Done(id=made, state=_AFTER.get((path.subject, path.event), _AFTER.get(("", path.event), ""))).model_dump()


def _hash_of(file_id: int | None) -> str | None:
    """Return the hash of a file of the actor's own: naming another's would open it to the actor."""
    if file_id is None:
        return None
    mine = select(EvidenceUpload.file_id).filter_by(file_id=file_id, organisation_id=g.actor.organisation_id)
    found: str | None = g.session.scalar(select(EvidenceFile.sha256).where(EvidenceFile.id.in_(mine)))
    if found is None:
        raise Invalid("documents", N_("没有这个文件。请先交文件，再写它的编号。"))
    return found


def _once(key: str, verb: str, content: dict[str, Any], act: Callable[[], int]) -> int:
    return once(g.session, g.actor, key, f"joining.{verb}", content=content, act=lambda _: act())


def _of(row_id: int, act: Callable[[], None]) -> Callable[[], int]:
    def done() -> int:
        act()
        return row_id

    return done


def _withdraw() -> int:
    paper = _own_paper()
    carriers.withdraw(g.session, g.actor)
    return paper.id


def _own_paper() -> Entry:
    found = enrolment.paper_of(g.session, g.actor.organisation_id)
    if found is None:
        raise NotFound
    return found


def _register(facts: Facts) -> int:
    if g.person is None or g.actor.role in ("reviewer", "finance", "auditor"):
        raise Forbidden(N_("单位由它自己的人登记，审核员不能代办。"))
    user = g.session.get_one(User, g.person.id)
    row = enrolment.register(g.session, Actor("public", user.id, name=user.name), facts)
    role: Role = "carrier" if facts.kind == "carrier" else "enterprise"
    members.join_first(g.session, user, organisation_id=row.id, role=role)
    enrolment.submit(g.session, Actor(role, user.id, row.id, name=user.name))
    return row.id


_AFTER = {
    ("enrolment", "check"): "checked",
    ("carrier_entry", "check"): "noticed",
    ("accreditation", "check"): "checked",
    ("", "return"): "returned",
    ("", "refuse"): "refused",
    ("", "suspend"): "suspended",
    ("", "resume"): "open",
    ("", "uphold"): "upheld",
    ("", "dismiss"): "dismissed",
}
"""The state in which a decision leaves a paper: what the answer says, also when it is repeated later."""
