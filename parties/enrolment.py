"""Join: state who you are, hand it in, be checked by an officer of the county. For enterprises, founder teams and carriers alike.

What a carrier goes through after the check (notice, opening, suspension) is `parties.carriers`; what an unchecked organisation may not do is
`parties.standing`. Accounts and memberships are left to the edge.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.audit import born, check, move, record
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.organisations import Organisation
from geodata.regions import is_within
from parties import facts as words
from parties.entities import CARRIER, ENROLMENT, CarrierEntry, Enrolment, Entry, PartyDocument
from parties.facts import Facts

EVENTS: Final = ("check", "return", "refuse")
_TABLES: Final[dict[str, Any]] = {"enrolment": Enrolment, "carrier_entry": CarrierEntry}
_OPEN: Final = ("draft", "returned")


@dataclass(frozen=True)
class Waiting:
    """One application in an officer's queue; `subject` is 'enrolment' or 'carrier_entry'."""

    subject: str
    id: int
    organisation_id: int
    name: str
    kind: str
    adcode: str
    at: datetime
    is_sample: bool


def register(session: Session, actor: Actor, facts: Facts, *, is_sample: bool = False) -> Organisation:
    """Write a new organisation and the draft of its application; the caller makes the person its first administrator.

    A carrier is an 'applicant' until it opens, so that no map and no list shows it. Raises the first of `facts.faults`; `Forbidden` for an officer.
    """
    if actor.role in {"reviewer", "finance", "auditor"} or actor.user_id is None:
        raise Forbidden(N_("单位由它自己的人登记，审核员不能代办。"))
    for fault in words.faults(session, facts):
        raise fault
    row = Organisation(kind="applicant" if facts.kind == "carrier" else facts.kind, is_sample=is_sample, source="self")
    row.code, row.credit_code = f"J-{secrets.token_hex(6).upper()}", words.code_of(facts)
    _state(row, facts)
    session.add(row)
    session.flush()
    paper = (CarrierEntry if facts.kind == "carrier" else Enrolment)(organisation_id=row.id, created_by=actor.user_id, is_sample=is_sample)
    paper.contact_name, paper.contact_phone = facts.contact.name.strip(), facts.contact.phone.strip()
    born(session, _for(actor, row, facts.kind), paper, "register", detail={"kind": facts.kind, "adcode": facts.adcode})
    _keep(session, actor, row.id, facts)
    return row


def revise(session: Session, actor: Actor, facts: Facts) -> int:
    """Correct what the actor's organisation stated, while its paper is a draft or was returned; return the paper's id.

    Raises `NotFound`, `Refused` (state), or the first of `facts.faults`.
    """
    paper = _own(session, actor)
    row = session.get_one(Organisation, paper.organisation_id)
    if paper.state not in _OPEN:
        raise Refused("state", N_("已经交上去了，现在不能改。需要改的话，请审核员退回。"), state=paper.state)
    if (facts.kind == "carrier") != isinstance(paper, CarrierEntry):
        raise Invalid("kind", N_("企业和载体的登记不能互换。请重新登记。"))
    for fault in words.faults(session, facts, own_id=row.id):
        raise fault
    row.kind, row.credit_code = "applicant" if facts.kind == "carrier" else facts.kind, words.code_of(facts)
    _state(row, facts)
    paper.contact_name, paper.contact_phone = facts.contact.name.strip(), facts.contact.phone.strip()
    paper.row_version += 1
    session.flush()
    _keep(session, actor, row.id, facts)
    record(session, actor, paper.__tablename__, paper.id, "revise", before=paper.state, after=paper.state, detail={"adcode": facts.adcode})
    return paper.id


def submit(session: Session, actor: Actor) -> int:
    """Hand the paper of the actor's organisation to the county; return its id. Raises `NotFound`, `Refused` (state, documents), `Forbidden`."""
    paper = _own(session, actor)
    row = session.get_one(Organisation, paper.organisation_id)
    kind = "carrier" if isinstance(paper, CarrierEntry) else row.kind
    there = set(session.scalars(select(PartyDocument.kind).filter_by(organisation_id=row.id)))
    check(actor, paper, _arrows(paper), "submit")
    if not set(words.DOCUMENTS[kind]) <= there:
        raise Refused("documents", N_("还缺证照。请补上再提交。"))
    paper.submitted_at, paper.answer = clock.now(session), ""
    move(session, actor, paper, _arrows(paper), "submit")
    return paper.id


def decide(session: Session, actor: Actor, *, subject: str, paper_id: int, event: str, reason: str) -> Entry:
    """Check, return or refuse an application of the officer's region, and return the paper; what is not passed needs a reason.

    A refused one gives its credit code free. Raises `Invalid` (reason), `NotFound` outside the region, `Forbidden` to a party, `Refused` (state).
    """
    paper, row = locked(session, actor, subject=subject, paper_id=paper_id)
    if event not in EVENTS:
        raise NotFound
    check(actor, paper, _arrows(paper), event)
    if event != "check" and not reason.strip():
        raise Invalid("reason", N_("请写明理由，申请人会看到。"))
    if paper.created_by == actor.user_id:
        raise Forbidden(N_("自己登记的单位由另一位审核员办理。"))
    paper.reviewer_id, paper.answer = actor.user_id, reason.strip()[:500]
    move(session, actor, paper, _arrows(paper), event, reason=paper.answer)
    if event == "refuse":
        row.credit_code = None
        session.flush()
    return paper


def locked(session: Session, actor: Actor, *, subject: str, paper_id: int) -> tuple[Entry, Organisation]:
    """Return a paper of the officer's region, locked, with its organisation; raise `NotFound` for others, `Forbidden` for a party to it."""
    table = _TABLES.get(subject)
    found: Entry | None = session.get(table, paper_id, with_for_update=True, populate_existing=True) if table else None
    row = session.get(Organisation, found.organisation_id) if found else None
    if found is None or row is None or actor.region is None or not is_within(row.adcode or "", actor.region):
        raise NotFound
    if actor.organisation_id == row.id:
        raise Forbidden(N_("自己单位的事由别人办理。"))
    return found, row


def paper_of(session: Session, organisation_id: int | None) -> Entry | None:
    """Return the paper by which an organisation joined, None where it came with the base data."""
    rows = (session.scalars(select(table).filter_by(organisation_id=organisation_id)).one_or_none() for table in _TABLES.values())
    found: Entry | None = next((row for row in rows if row is not None), None)
    return found


def documents_of(session: Session, organisation_id: int) -> Sequence[PartyDocument]:
    """Return the documents of an organisation, the newest first."""
    return session.scalars(select(PartyDocument).filter_by(organisation_id=organisation_id).order_by(PartyDocument.id.desc())).all()


def queue(session: Session, actor: Actor) -> list[Waiting]:
    """Return what waits for a check in the officer's region, the oldest first, at most 200."""
    found = [item for subject, table in _TABLES.items() for item in _submitted(session, subject, table)]
    mine = [item for item in found if actor.region is not None and is_within(item.adcode, actor.region)]
    return sorted(mine, key=lambda item: (item.at, item.subject, item.id))[:200]


def attach_file(session: Session, actor: Actor, *, kind: str, file_sha: str) -> None:
    """Tie the file with that hash to the newest document of a kind; once the paper was handed in only where there is none yet.

    Raises `NotFound`, `Refused` (state) after the decision, `Refused` (documents) for a document that has its file.
    """
    paper = _own(session, actor)
    if paper.state not in (*_OPEN, "submitted"):
        raise Refused("state", N_("已经核实过了，不能再补文件。"), state=paper.state)
    newest = select(PartyDocument).filter_by(organisation_id=paper.organisation_id, kind=kind).order_by(PartyDocument.id.desc()).limit(1)
    found = session.scalars(newest).one_or_none()
    if found is None:
        raise NotFound
    if found.file_sha is not None and paper.state == "submitted":
        raise Refused("documents", N_("这份证照的文件已经交了。要换的话，请审核员退回。"))
    found.file_sha = file_sha
    session.flush()
    record(session, actor, "party_document", found.id, "attach", detail={"kind": kind, "file": file_sha})


def _submitted(session: Session, subject: str, table: Any) -> list[Waiting]:
    query = select(table.id, table.submitted_at, table.is_sample, Organisation).join(Organisation, Organisation.id == table.organisation_id)
    rows = session.execute(query.where(table.state == "submitted").order_by(table.submitted_at))
    return [
        Waiting(subject, row.id, row.Organisation.id, row.Organisation.name_zh, row.Organisation.kind, row.Organisation.adcode, *row[1:3])
        for row in rows
    ]


def _own(session: Session, actor: Actor) -> Entry:
    for table in _TABLES.values():
        query = select(table).filter_by(organisation_id=actor.organisation_id).with_for_update()
        found: Entry | None = session.scalars(query, execution_options={"populate_existing": True}).one_or_none()
        if found is not None and actor.organisation_id is not None and actor.role in {"enterprise", "carrier"}:
            return found
    raise NotFound


def _arrows(paper: Entry) -> tuple[Any, ...]:
    return CARRIER if isinstance(paper, CarrierEntry) else ENROLMENT


def _state(row: Organisation, facts: Facts) -> None:
    row.name_zh, row.adcode = " ".join(facts.name.split()), facts.adcode
    row.size_class = facts.size_class or None
    row.carrier_kind, row.level = (facts.carrier_kind, facts.level) if facts.kind == "carrier" else (None, None)


def _keep(session: Session, actor: Actor, organisation_id: int, facts: Facts) -> None:
    for proof in facts.proofs:
        key = {"organisation_id": organisation_id, "kind": proof.kind, "number": proof.number.strip()}
        found = session.scalars(select(PartyDocument).filter_by(**key)).one_or_none()
        if found is None:
            found = PartyDocument(**key, issued_on=proof.issued_on, created_by=actor.user_id)
            session.add(found)
        found.issued_on, found.file_sha = proof.issued_on, proof.file_sha or found.file_sha
    session.flush()


def _for(actor: Actor, row: Organisation, kind: str) -> Actor:
    return Actor("carrier" if kind == "carrier" else "enterprise", actor.user_id, row.id, None, actor.name)
