"""A carrier after its check: seven days of public notice, opening, suspension and its way back, accreditations that run out by themselves.

A carrier that is not open has no open instrument: whatever of its instruments is open is closed together with it, remembered, and opened again with
it. Search, map and booking all ask the instrument, so none of them needs to know of suspensions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import clock
from core.actor import SYSTEM, Actor
from core.audit import born, check, move
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.organisations import Organisation, Site
from geodata.regions import Region, is_within
from parties import enrolment, notices
from parties.entities import ACCREDITATION, CARRIER, Accreditation, CarrierEntry
from parties.facts import ACCREDITATIONS

SUBJECT: Final = "carrier_entry"
NOTICE_DAYS: Final = 7
"""Days of public notice before a carrier opens; the length is that of Shanghai's rules for carriers of 2026."""

SOON: Final = 60
"""Days before an accreditation runs out in which its carrier is told."""

_LONGEST: Final = timedelta(days=366 * 20)
_NUMBER: Final = re.compile(r"[^\s\x00-\x1f].{0,78}[^\s\x00-\x1f]")


@dataclass(frozen=True)
class Certificate:
    """An accreditation as stated: kind, number as printed, last day (business date)."""

    kind: str
    number: str
    expires_on: date


def decide(session: Session, actor: Actor, *, paper_id: int, event: str, reason: str) -> CarrierEntry:
    """Check, return or refuse a carrier's application; one that is passed is in public notice from today. Raises what `enrolment.decide` raises."""
    paper = enrolment.decide(session, actor, subject=SUBJECT, paper_id=paper_id, event=event, reason=reason)
    assert isinstance(paper, CarrierEntry)  # noqa: S101 (the subject says so; mypy wants to hear it)
    if event == "check":
        row = session.get_one(Organisation, paper.organisation_id)
        _pass_certificates(session, actor, row.id)
        notices.open_notice(session, actor, subject=SUBJECT, subject_id=paper.id, title=row.name_zh, region=row.adcode or "", days=NOTICE_DAYS)
        move(session, SYSTEM, paper, CARRIER, "publish")
    return paper


def due(session: Session) -> list[int]:
    """Return the ids of carriers for which time has brought something: notice over or stopped, accreditation run out or renewed."""
    today = clock.today(session)
    noticed = session.scalars(select(CarrierEntry.id).filter_by(state="noticed").order_by(CarrierEntry.id))
    ended = [found for found in noticed if notices.outcome(session, SUBJECT, found) in {"clear", "stopped"}]
    query = text(_EXPIRY)
    return sorted({*ended, *session.execute(query, {"today": today}).scalars()})


def catch_up(session: Session, *, paper_id: int) -> int:
    """Do for one carrier what time brought: open or stop after its notice, suspend or resume by its accreditations; return its id."""
    paper = session.get(CarrierEntry, paper_id, with_for_update=True, populate_existing=True)
    if paper is None:
        raise NotFound
    if paper.state == "noticed":
        _after_notice(session, paper)
    lapsed = run_out(session, paper.organisation_id)
    if paper.state == "open" and lapsed:
        _suspend(session, SYSTEM, paper, why="accreditation", reason=_lapsed(lapsed))
    elif paper.state == "suspended" and paper.suspended_for == "accreditation" and not lapsed:
        _resume(session, SYSTEM, paper, reason="")
    return paper_id


def suspend(session: Session, actor: Actor, *, paper_id: int, reason: str) -> None:
    """Suspend an open carrier of the officer's region; only an officer lifts it. Raises `Invalid` (reason), `NotFound`, `Refused`, `Forbidden`."""
    paper, _ = _of_region(session, actor, paper_id)
    check(actor, paper, CARRIER, "suspend")
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由，载体会看到。"))
    _suspend(session, actor, paper, why="officer", reason=reason.strip()[:500])


def resume(session: Session, actor: Actor, *, paper_id: int, reason: str) -> None:
    """Lift a suspension. Raises what `suspend` raises, and `Refused` (accreditation) while a qualification is not good."""
    paper, row = _of_region(session, actor, paper_id)
    check(actor, paper, CARRIER, "resume")
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由，载体会看到。"))
    lapsed = run_out(session, row.id)
    if lapsed:
        raise Refused("accreditation", N_("资质已经到期，换证并核对以后会自动恢复：%(what)s。"), what=_lapsed(lapsed))
    _resume(session, actor, paper, reason=reason.strip()[:500])


def withdraw(session: Session, actor: Actor) -> None:
    """Leave, for good; a running notice stops. Orders that were taken go on. Raises `NotFound`, `Refused` (state), `Forbidden`."""
    paper = session.scalars(select(CarrierEntry).filter_by(organisation_id=actor.organisation_id or 0).with_for_update()).one_or_none()
    if paper is None or actor.organisation_id is None:
        raise NotFound
    check(actor, paper, CARRIER, "withdraw")
    paper.suspended_for = ""
    move(session, actor, paper, CARRIER, "withdraw")
    notices.call_off(session, subject=SUBJECT, subject_id=paper.id)
    _close(session, paper.organisation_id)
    row = session.get_one(Organisation, paper.organisation_id)
    row.kind, row.credit_code = "applicant", None
    session.flush()


def add_certificate(session: Session, actor: Actor, given: Certificate) -> int:
    """Hand in an accreditation of the actor's carrier, new or renewed, and return its id; it counts once an officer has checked it.

    Raises `Forbidden`, `Invalid` (accreditation_kind, accreditation_number, expires_on), `Refused` (accreditation) when it was handed in before.
    """
    if actor.role != "carrier" or actor.organisation_id is None:
        raise Forbidden(N_("资质由载体自己填报。"))
    _check_certificate(session, given)
    owner = session.get_one(Organisation, actor.organisation_id)
    stated = {"kind": given.kind, "number": given.number.strip(), "expires_on": given.expires_on}
    if session.scalar(select(Accreditation.id).filter_by(organisation_id=owner.id, **stated)) is not None:
        raise Refused("accreditation", N_("这份资质已经交过。请看下面的清单。"))
    row = Accreditation(organisation_id=owner.id, created_by=actor.user_id, is_sample=owner.is_sample, **stated)
    born(session, actor, row, "submit", detail={**stated, "expires_on": given.expires_on.isoformat()})
    return row.id


def check_certificate(session: Session, actor: Actor, *, certificate_id: int, fits: bool, reason: str = "") -> None:
    """Check an accreditation of the officer's region; a good one ends the suspension that its predecessor brought, at once.

    Raises `NotFound`, `Forbidden`, `Invalid` (reason), `Refused` (state; accreditation: another carrier has this number).
    """
    row = session.get(Accreditation, certificate_id, with_for_update=True, populate_existing=True)
    owner = session.get(Organisation, row.organisation_id) if row else None
    if row is None or owner is None or actor.region is None or not is_within(owner.adcode or "", actor.region):
        raise NotFound
    event = "check" if fits else "refuse"
    check(actor, row, ACCREDITATION, event)
    if actor.organisation_id == owner.id or actor.user_id == row.created_by:
        raise Forbidden(N_("自己单位的事由别人办理。"))
    if not fits and not reason.strip():
        raise Invalid("reason", N_("请写明理由，载体会看到。"))
    _settle(session, actor, row, event, reason=reason.strip()[:500])
    if fits:
        catch_up(session, paper_id=_entry(session, owner).id)


def certificates(session: Session, organisation_id: int) -> Sequence[Accreditation]:
    """Return the accreditations of a carrier by kind, the last to run out first."""
    query = select(Accreditation).filter_by(organisation_id=organisation_id)
    return session.scalars(query.order_by(Accreditation.kind, Accreditation.expires_on.desc(), Accreditation.id)).all()


def to_check(session: Session, actor: Actor) -> list[tuple[Accreditation, Organisation]]:
    """Return accreditations that wait for a check in the officer's region, of carriers that are past their own check, the oldest first."""
    query = select(Accreditation, Organisation).join(Organisation, Organisation.id == Accreditation.organisation_id)
    passed = select(CarrierEntry.id).where(
        CarrierEntry.organisation_id == Organisation.id, CarrierEntry.state.not_in(("draft", "submitted", "returned", "refused", "withdrawn"))
    )
    inside = (Accreditation.state == "submitted", (Organisation.kind == "carrier") | passed.exists())
    rows = session.execute(query.where(*inside).order_by(Accreditation.id))
    return [(row, owner) for row, owner in rows if actor.region is not None and is_within(owner.adcode or "", actor.region)][:200]


def run_out(session: Session, organisation_id: int) -> list[tuple[str, date]]:
    """Return kind and last day of each kind of checked accreditation of which none is good today."""
    checked = (Accreditation.organisation_id == organisation_id, Accreditation.state == "checked")
    query = select(Accreditation.kind, func.max(Accreditation.expires_on)).where(*checked)
    today = clock.today(session)
    return [(kind, last) for kind, last in session.execute(query.group_by(Accreditation.kind).order_by(Accreditation.kind)) if last < today]


def _entry(session: Session, owner: Organisation) -> CarrierEntry:
    """Return the carrier's paper; one that came with the base data gets it now, since its accreditation may run out from here on."""
    paper = enrolment.paper_of(session, owner.id)
    if not isinstance(paper, CarrierEntry):
        paper = CarrierEntry(organisation_id=owner.id, state="open", contact_name="", contact_phone="", is_sample=owner.is_sample)
        born(session, SYSTEM, paper, "take_over")
    return paper


def _of_region(session: Session, actor: Actor, paper_id: int) -> tuple[CarrierEntry, Organisation]:
    paper, row = enrolment.locked(session, actor, subject=SUBJECT, paper_id=paper_id)
    assert isinstance(paper, CarrierEntry)  # noqa: S101 (the subject says so; mypy wants to hear it)
    return paper, row


def _after_notice(session: Session, paper: CarrierEntry) -> None:
    outcome = notices.outcome(session, SUBJECT, paper.id)
    if outcome == "stopped":
        paper.answer = notices.upheld_reason(session, SUBJECT, paper.id)
        session.get_one(Organisation, paper.organisation_id).credit_code = None
        move(session, SYSTEM, paper, CARRIER, "stop", reason=paper.answer)
    elif outcome == "clear":
        row = session.get_one(Organisation, paper.organisation_id)
        row.kind = "carrier"
        _place(session, row)
        move(session, SYSTEM, paper, CARRIER, "open")
        _open_again(session, row.id)


def _place(session: Session, row: Organisation) -> None:
    """Give a carrier without any site one at a point of its county, marked as no more exact than that."""
    if session.scalar(select(Site.id).filter_by(organisation_id=row.id).limit(1)) is None:
        point = session.scalar(select(Region.point).filter_by(adcode=row.adcode))
        session.add(
            Site(organisation_id=row.id, name=row.name_zh, geom=point, precision="county", source_crs="WGS84", adcode=row.adcode, source="self")
        )
        session.flush()


def _suspend(session: Session, actor: Actor, paper: CarrierEntry, *, why: str, reason: str) -> None:
    paper.suspended_for, paper.answer = why, reason if why == "officer" else ""
    move(session, actor, paper, CARRIER, "suspend", reason=reason)
    _close(session, paper.organisation_id)


def _resume(session: Session, actor: Actor, paper: CarrierEntry, *, reason: str) -> None:
    paper.suspended_for, paper.answer = "", reason
    move(session, actor, paper, CARRIER, "resume", reason=reason)
    _open_again(session, paper.organisation_id)


def _close(session: Session, organisation_id: int) -> None:
    session.flush()
    session.execute(text(_CLOSE), {"carrier": organisation_id})
    session.expire_all()


def _open_again(session: Session, organisation_id: int) -> None:
    session.flush()
    session.execute(text(_REOPEN), {"carrier": organisation_id})
    session.expire_all()


def _pass_certificates(session: Session, actor: Actor, organisation_id: int) -> None:
    """Whoever checks the carrier has checked what it handed in with it; one that ran out meanwhile stops the check."""
    today = clock.today(session)
    for row in session.scalars(select(Accreditation).filter_by(organisation_id=organisation_id, state="submitted").order_by(Accreditation.id)).all():
        if row.expires_on < today:
            raise Refused(
                "accreditation", N_("资质 %(number)s 已于 %(day)s 到期。请退回，让载体换证。"), number=row.number, day=row.expires_on.isoformat()
            )
        _settle(session, actor, row, "check", reason="")


def _settle(session: Session, actor: Actor, row: Accreditation, event: str, *, reason: str) -> None:
    row.reviewer_id = actor.user_id
    try:
        with session.begin_nested():
            move(session, actor, row, ACCREDITATION, event, reason=reason)
    except IntegrityError as taken:
        raise Refused("accreditation", N_("资质 %(number)s 已经是另一家载体的。请核对原件。"), number=row.number) from taken


def _check_certificate(session: Session, given: Certificate) -> None:
    today = clock.today(session)
    if given.kind not in ACCREDITATIONS:
        raise Invalid("accreditation_kind", N_("请选资质的种类。"))
    if not _NUMBER.fullmatch(given.number.strip()):
        raise Invalid("accreditation_number", N_("请填资质证书的编号，2 到 80 个字符。"))
    if not today <= given.expires_on <= today + _LONGEST:
        raise Invalid("expires_on", N_("到期日应在今天或以后，20 年以内。过期的请先换证。"))


def _lapsed(found: list[tuple[str, date]]) -> str:
    return "；".join(f"{kind} {last.isoformat()}" for kind, last in found)


_EXPIRY: Final = """
SELECT e.id FROM carrier_entry e CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE last < :today) AS lapsed FROM (
        SELECT max(expires_on) AS last FROM accreditation a WHERE a.organisation_id = e.organisation_id AND a.state = 'checked' GROUP BY a.kind) k) x
WHERE (e.state = 'open' AND x.lapsed > 0) OR (e.state = 'suspended' AND e.suspended_for = 'accreditation' AND x.lapsed = 0)
"""
_CLOSE: Final = """
WITH closed AS (UPDATE instrument SET is_open = false WHERE organisation_id = :carrier AND is_open RETURNING id, organisation_id)
INSERT INTO instrument_pause (instrument_id, organisation_id) SELECT id, organisation_id FROM closed ON CONFLICT DO NOTHING
"""
_REOPEN: Final = """
WITH over AS (DELETE FROM instrument_pause WHERE organisation_id = :carrier RETURNING instrument_id)
UPDATE instrument SET is_open = true WHERE id IN (SELECT instrument_id FROM over) AND organisation_id = :carrier
"""
