"""Every state of an application × every event × every role: only the arrows of its table pass, and a refusal changes nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import Forbidden, Invalid, NotFound, Refused
from parties import notices
from tests.vouchers import model
from tests.vouchers.model import actor, passes, refused
from vouchers import applications, closing, issuing, ledger
from vouchers.applications import Contract
from vouchers.entities import APPLICATION, Application, Voucher

CITY = "331000"
STATES = sorted({arrow.state for arrow in APPLICATION} | {arrow.next for arrow in APPLICATION})
ASKED = {"decide": ("pass", "refuse", "return"), "resume": ("submit", "withdraw"), "recall": ("recall",), "issue": ("issue",)}
"""Which events a verb takes; the others of the table are what it makes of them, or what the clock does."""


def laid(session: Session, state: str) -> Application:
    """Give an application in `state` under a policy with two reviews and a notice."""
    model.at(session, model.NOW)
    model.region(session, CITY)
    version = model.version(session, review=("county", "city"), notice_days=3)
    model.fund(session, version, 100 if state == "waitlisted" else 10**9)
    holder = model.organisation(session)
    row = model.applied(session, holder)
    ways = {"draft": ["return"], "refused": ["refuse"], "city_review": ["pass"], "approved": ["pass", "pass"], "issued": ["pass", "pass"]}
    for event in ways.get(state, []):
        decided(session, row, event)
    if state == "withdrawn":
        applications.resume(session, model.person(holder), application_id=row.id, event="withdraw", request_id=model.key())
    if state == "issued":
        model.at(session, "2026-04-10T10:00:00+08:00")
        issuing.issue(session, application_id=row.id)
    assert row.state == state
    return row


def decided(session: Session, row: Application, event: str) -> None:
    who = model.officer("reviewer", row.desk)
    applications.decide(session, who, application_id=row.id, event=event, reason="示例理由", request_id=model.key())


@pytest.mark.parametrize("state", STATES)
def test_an_application_takes_no_event_but_those_of_its_table(session: Session, state: str) -> None:
    row = laid(session, state)
    holder = model.organisation_of(session, row.holder_id)
    before = model.fingerprint(session)
    events = sorted({arrow.event for arrow in APPLICATION} | {""})
    for role in model.ROLES:
        who = actor(role, holder)
        who = Actor(who.role, who.user_id, who.organisation_id, row.desk if who.region else None)
        for event in events:
            for verb, act in _verbs(session, who, row, event).items():
                allowed = event in ASKED[verb] and any((a.state, a.event) == (state, event) and role in a.roles for a in APPLICATION)
                assert passes(session, act, before) == allowed, (state, event, role, verb)


def _verbs(session: Session, who: Actor, row: Application, event: str) -> dict[str, Any]:
    facts = {"application_id": row.id, "event": event, "request_id": model.key()}
    return {
        "decide": partial(applications.decide, session, who, reason="示例", **facts),
        "resume": partial(applications.resume, session, who, **facts),
    }


def test_two_levels_are_two_persons_and_each_decides_at_its_own_desk(session: Session) -> None:
    row = laid(session, "county_review")
    county = model.officer("reviewer", model.YUHUAN)
    for wrong, error in ((model.officer("reviewer", CITY), NotFound), (model.officer("reviewer", "330521"), NotFound)):
        with refused(session, error):
            applications.decide(session, wrong, application_id=row.id, event="pass", reason="", request_id=model.key())
    applications.decide(session, county, application_id=row.id, event="pass", reason="", request_id=model.key())
    assert (row.state, row.desk) == ("city_review", CITY)
    with refused(session, NotFound):
        applications.decide(session, county, application_id=row.id, event="pass", reason="", request_id=model.key())
    same = Actor("reviewer", county.user_id, None, CITY)
    with refused(session, Forbidden):
        applications.decide(session, same, application_id=row.id, event="pass", reason="", request_id=model.key())
    decided(session, row, "pass")
    assert row.state == "approved"


def test_who_asked_reviews_on_no_level(session: Session) -> None:
    row = laid(session, "county_review")
    for _ in range(2):
        with refused(session, Forbidden):
            who = Actor("reviewer", row.created_by, None, row.desk)
            applications.decide(session, who, application_id=row.id, event="pass", reason="", request_id=model.key())
        decided(session, row, "pass")


def test_what_was_passed_up_can_be_taken_back_by_who_did_it_until_the_city_acts(session: Session) -> None:
    row = laid(session, "county_review")
    county = model.officer("reviewer", model.YUHUAN)
    applications.decide(session, county, application_id=row.id, event="pass", reason="", request_id=model.key())
    with refused(session, NotFound):
        applications.recall(session, model.officer("reviewer"), application_id=row.id, request_id=model.key())
    applications.recall(session, county, application_id=row.id, request_id=model.key())
    assert (row.state, row.desk, row.reviewer_id) == ("county_review", model.YUHUAN, None)
    decided(session, row, "pass")
    decided(session, row, "pass")
    with refused(session, NotFound):
        applications.recall(session, county, application_id=row.id, request_id=model.key())


def test_a_voucher_is_issued_after_the_notice_and_not_a_day_before(session: Session) -> None:
    row = laid(session, "approved")
    assert issuing.issuable(session) == []
    with refused(session, Refused, "notice"):
        issuing.issue(session, application_id=row.id)
    model.at(session, "2026-03-13T23:59:59+08:00")
    with refused(session, Refused, "notice"):
        issuing.issue(session, application_id=row.id)
    model.at(session, "2026-03-14T00:00:00+08:00")
    assert issuing.issuable(session) == [row.id]
    issuing.issue(session, application_id=row.id)
    assert session.query(Voucher).filter_by(application_id=row.id).one().issued_on.isoformat() == "2026-03-14"
    assert issuing.issue(session, application_id=row.id) == row.id


@pytest.mark.parametrize(("upheld", "state"), [(True, "refused"), (False, "issued")])
def test_an_upheld_objection_refuses_and_gives_the_money_back_an_answered_one_does_not(session: Session, *, upheld: bool, state: str) -> None:
    row = laid(session, "approved")
    notice = session.query(notices.Notice).filter_by(subject="application", subject_id=row.id).one()
    found = notices.object_to(session, Actor("public", None, None), notice_id=notice.id, text="示例异议：材料不实", name="示例人", contact="示例")
    model.at(session, "2026-03-20T10:00:00+08:00")
    assert issuing.issuable(session) == []
    notices.answer(session, model.officer("reviewer"), objection_id=found, upheld=upheld, reason="示例答复")
    assert issuing.issuable(session) == [row.id]
    issuing.issue(session, application_id=row.id)
    assert row.state == state
    assert ledger.balance(session, f"reserved:{row.id}") == 0


def test_a_contract_gives_the_amount_and_binds_the_voucher(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session, issuance="contract_first"))
    holder = model.organisation(session)
    contract = Contract("示例合同", "HT-1", 3_000_000, "test_analysis", "order:9")
    ask = dict(policy_code="yuhuan-2023", amount=None, purpose="示例")
    row = session.get_one(Application, applications.apply(session, model.person(holder), contract=contract, request_id=model.key(), **ask))
    assert (row.amount, row.bound_reference, row.contract_value) == (2_000_000, "order:9", 3_000_000)
    model.decided(session, row, "pass")
    assert session.query(Voucher).filter_by(application_id=row.id).one().bound_reference == "order:9"


@pytest.mark.parametrize(
    ("issuance", "contract", "error"),
    [
        ("contract_first", None, Refused),
        ("quota_first", Contract("示例", "HT", 100, "test_analysis", "order:1"), Refused),
        ("contract_first", Contract("示例", "HT", 0, "test_analysis", "order:1"), Invalid),
        ("contract_first", Contract("示例", "HT", -1, "test_analysis", "order:1"), Invalid),
        ("contract_first", Contract("示例", " ", 100, "test_analysis", "order:1"), Invalid),
        ("contract_first", Contract("示例", "HT", 100, "gardening", "order:1"), Refused),
    ],
)
def test_a_policy_issues_in_its_own_way_only(session: Session, issuance: str, contract: Contract | None, error: Any) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session, issuance=issuance))
    who = model.person(model.organisation(session))
    with refused(session, error):
        applications.apply(session, who, policy_code="yuhuan-2023", amount=100, purpose="示例", contract=contract, request_id=model.key())


def test_a_draft_keeps_no_money_and_cannot_go_back_to_a_closed_year(session: Session) -> None:
    row = laid(session, "draft")
    assert ledger.balance(session, f"reserved:{row.id}") == 0
    closing.close(session, model.officer("finance"), budget_id=row.budget_id, rest="treasury", reason="示例", request_id=model.key())
    holder = model.organisation_of(session, row.holder_id)
    with refused(session, Refused, "budget"):
        applications.resume(session, model.person(holder), application_id=row.id, event="submit", request_id=model.key())
