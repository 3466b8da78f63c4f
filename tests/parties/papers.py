"""Who wants to join in the tests: invented facts with a valid credit code, officers, and papers brought to a state by the verbs of life."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from app import accounts
from core import clock
from core.actor import Actor
from geodata.organisations import Organisation
from parties import carriers, enrolment, notices
from parties.carriers import Certificate
from parties.facts import Contact, Facts, Proof
from tests import factories

_number = count(1)
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
OFFICE = "331083"


def code(number: int | None = None) -> str:
    """Return a credit code with the right check digit (GB 32100-2015)."""
    body = f"9133108{(number or next(_number)):010d}"
    return body + _DIGITS[(31 - sum(_DIGITS.index(c) * w for c, w in zip(body, _WEIGHTS, strict=True)) % 31) % 31]


def facts(kind: str = "enterprise", **more) -> Facts:
    papers = {"enterprise": "business_license", "team": "team_statement", "carrier": "legal_certificate"}
    number = next(_number)
    usual = {
        "kind": kind,
        "name": f"示例待核单位{number}",
        "credit_code": "" if kind == "team" else code(),
        "adcode": OFFICE,
        "contact": Contact("示例联系人", "0576-12345678"),
        "proofs": (Proof(papers.get(kind, "none"), f"示例证照-{number}", date(2024, 2, 29)),),
        "size_class": "small" if kind == "enterprise" else "",
        "carrier_kind": "platform" if kind == "carrier" else "",
        "level": "county" if kind == "carrier" else "",
    }
    return Facts(**{**usual, **more})


def person(session) -> Actor:
    user = accounts.add_user(session, f"join-{next(_number)}", name="示例登记人")
    return Actor("public", user.id)


def reviewer(session, region: str = OFFICE) -> Actor:
    office = factories.organisation(session, kind="authority", adcode=OFFICE)
    user = accounts.add_user(session, f"officer-{next(_number)}", name="示例审核员")
    return Actor("reviewer", user.id, office.id, region)


def applicant(session, kind: str = "enterprise", *, submitted: bool = True, **more) -> tuple[Actor, Organisation]:
    """Register an organisation of a kind; return who acts for it and the organisation."""
    factories.region(session, OFFICE)
    who = person(session)
    row = enrolment.register(session, who, facts(kind, **more))
    actor = Actor("carrier" if kind == "carrier" else "enterprise", who.user_id, row.id)
    if submitted:
        enrolment.submit(session, actor)
    return actor, row


def later(session, days: int) -> None:
    factories.at(session, clock.now(session) + timedelta(days=days))


def certificate(session, days: int, kind: str = "cma", number: str = "") -> Certificate:
    return Certificate(kind, number or f"示例资质-{next(_number)}", clock.today(session) + timedelta(days=days))


def open_carrier(session, *, good_for: int | None = None) -> tuple[Actor, Organisation]:
    """Bring a carrier through check and notice; `good_for` days an accreditation lasts from the start."""
    actor, row = applicant(session, "carrier", submitted=False)
    if good_for is not None:
        carriers.add_certificate(session, actor, certificate(session, good_for))
    enrolment.submit(session, actor)
    paper = enrolment.paper_of(session, row.id)
    carriers.decide(session, reviewer(session), paper_id=paper.id, event="check", reason="")
    later(session, 8)
    carriers.catch_up(session, paper_id=paper.id)
    for notice in notices.due(session):
        notices.end(session, notice_id=notice)
    assert paper.state == "open"
    return actor, row
