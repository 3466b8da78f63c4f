"""Joining in the sample world: an invented enterprise that waits for its county's check, and an invented carrier that stands in public notice.

They act through the same verbs as anybody; names say that they are examples.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import members
from app.accounts import Membership, User, add_user, hash_password
from app.demo import DEMO_PASSWORD
from core import clock
from core.actor import SYSTEM, Actor, Role
from geodata.sampling.names import credit_code
from parties import carriers, enrolment
from parties.carriers import Certificate
from parties.facts import Contact, Facts, Proof

COUNTY: Final = "331083"
_SERIAL: Final = {"enterprise": 9_000_001, "carrier": 9_000_002}
_ACCREDITATIONS: Final = """
WITH made AS (
    INSERT INTO accreditation (organisation_id, kind, number, expires_on, state, row_version, is_sample)
    SELECT o.id, k.kind, '示例资质-' || upper(k.kind) || '-' || o.code, CAST(:today AS date) + 400 + CAST(o.nth % 500 AS integer), 'checked', 1, true
    FROM (SELECT id, code, row_number() OVER (ORDER BY code) AS nth FROM organisation WHERE kind = 'carrier' AND is_sample) o
    JOIN (VALUES ('cma', 3), ('cnas', 5)) AS k(kind, every) ON o.nth % k.every = 0 ORDER BY o.code, k.kind RETURNING id)
INSERT INTO audit (at, role, subject, subject_id, event, before, after, reason, detail)
SELECT :now, :role, 'accreditation', id, 'check', 'submitted', 'checked', '', '{}' FROM made ORDER BY id
"""
_ADMINS: Final = "UPDATE membership SET is_admin = true WHERE id IN (SELECT min(id) FROM membership GROUP BY organisation_id)"


def make_admins(session: Session) -> None:
    """Make the first member of every organisation its administrator."""
    session.execute(text(_ADMINS))
    session.expire_all()


def lay_accreditations(session: Session) -> None:
    """Give every third invented carrier a CMA and every fifth a CNAS, checked and valid for a year and more; real ones get nothing."""
    session.execute(text(_ACCREDITATIONS), {"today": clock.today(session), "now": clock.now(session), "role": SYSTEM.role})


def lay_joining(session: Session) -> None:
    """Register both, hand their papers in, and let the county's officer pass the carrier; without that county or its officer nothing happens."""
    officer = session.scalars(
        select(Membership).join(User, User.id == Membership.user_id).where(Membership.role == "reviewer", Membership.region == COUNTY, User.is_sample)
    ).first()
    if officer is None:
        return
    reviewer = Actor("reviewer", officer.user_id, officer.organisation_id, COUNTY)
    _apply(session, "newfirm", "enterprise", "示例待核实企业（玉环）")
    carrier = _apply(session, "newlab", "carrier", "示例公示中检测站（玉环）")
    carriers.decide(session, reviewer, paper_id=carrier, event="check", reason="")


def _apply(session: Session, login: str, kind: Role, name: str) -> int:
    """Make a person and an organisation, hand its paper in and return the paper's id; all of it is marked as sample."""
    user = add_user(session, login, name=f"示例登记人（{login}）", is_sample=True)
    user.password_hash = hash_password(DEMO_PASSWORD, login)
    row = enrolment.register(session, Actor("public", user.id, name=user.name), _facts(session, kind, name), is_sample=True)
    row.code, row.source = f"SAMPLE-{login.upper()}", "app/joinsample.py"
    members.join_first(session, user, organisation_id=row.id, role=kind)
    actor = Actor(kind, user.id, row.id, name=user.name)
    if kind == "carrier":
        carriers.add_certificate(session, actor, Certificate("cma", f"示例资质-{login}", clock.today(session) + timedelta(days=45)))
    return enrolment.submit(session, actor)


def _facts(session: Session, kind: str, name: str) -> Facts:
    """State invented facts, with a credit code of a region that does not exist."""
    carrier = kind == "carrier"
    proof = Proof("legal_certificate" if carrier else "business_license", f"示例证照-{kind}", clock.today(session) - timedelta(days=700))
    stated = (kind, name, credit_code(_SERIAL[kind]), COUNTY, Contact("示例联系人", "0576-00000000"), (proof,))
    return Facts(*stated, "" if carrier else "small", "testing_center" if carrier else "", "county" if carrier else "")
