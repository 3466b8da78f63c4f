"""An organisation joins: stated, handed in, checked by its county; before that it may do nothing with money."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from core import clock
from core.actor import Actor
from core.audit import Audit
from core.errors import Forbidden, Invalid, NotFound, Refused
from geodata.organisations import Organisation
from parties import enrolment, standing
from parties.entities import ENROLMENT, Enrolment
from parties.facts import Contact, Proof
from tests import factories
from tests.parties.papers import OFFICE, applicant, code, facts, person, reviewer

STATES = ("draft", "submitted", "returned", "checked", "refused")


def brought_to(session, state):
    actor, row = applicant(session, submitted=state != "draft")
    paper = enrolment.paper_of(session, row.id)
    event = {"returned": "return", "checked": "check", "refused": "refuse"}.get(state)
    if event:
        enrolment.decide(session, reviewer(session), subject="enrolment", paper_id=paper.id, event=event, reason="示例理由")
    assert paper.state == state
    return actor, row, paper


def take(session, event, actor, paper):
    if event == "submit":
        return enrolment.submit(session, actor)
    return enrolment.decide(session, reviewer(session), subject="enrolment", paper_id=paper.id, event=event, reason="示例理由")


@pytest.mark.parametrize("event", ["submit", "check", "return", "refuse"])
@pytest.mark.parametrize("state", STATES)
def test_only_the_arrows_pass(session, state, event):
    actor, _, paper = brought_to(session, state)
    arrow = next((a for a in ENROLMENT if (a.state, a.event) == (state, event)), None)
    if arrow:
        take(session, event, actor, paper)
        assert paper.state == arrow.next
        return
    before = paper.row_version
    with pytest.raises(Refused) as no:
        take(session, event, actor, paper)
    assert no.value.clause == "state"
    assert (paper.state, paper.row_version) == (state, before)


@pytest.mark.parametrize("state", STATES)
def test_only_the_checked_may_act(session, state):
    _, row, _ = brought_to(session, state)
    if state == "checked":
        standing.check_may_act(session, row.id)
    else:
        with pytest.raises(Refused) as no:
            standing.check_may_act(session, row.id)
        assert no.value.clause == "standing"


def test_who_came_with_the_base_data_counts_as_checked(session):
    standing.check_may_act(session, factories.enterprise(session).id)
    standing.check_is_open(session, factories.carrier(session).id)


def test_a_team_needs_no_credit_code_and_an_enterprise_does(session):
    _, row = applicant(session, "team")
    assert (row.kind, row.credit_code) == ("team", None)
    with pytest.raises(Invalid) as no:
        applicant(session, credit_code="")
    assert no.value.field == "credit_code"


def test_a_code_that_is_taken_says_whom_to_ask(session):
    same = code()
    applicant(session, credit_code=same)
    with pytest.raises(Invalid, match="邀请") as no:
        applicant(session, credit_code=f" {same[:8]} {same[8:]} ")
    assert no.value.field == "credit_code"


def test_a_refused_one_gives_its_code_free(session):
    same = code()
    _, row = applicant(session, credit_code=same)
    paper = enrolment.paper_of(session, row.id)
    enrolment.decide(session, reviewer(session), subject="enrolment", paper_id=paper.id, event="refuse", reason="冒名")
    applicant(session, credit_code=same)


WRONG = [
    ({"name": ""}, "name"),
    ({"name": "名" * 101}, "name"),
    ({"kind": "carrier", "carrier_kind": ""}, "carrier_kind"),
    ({"kind": "carrier", "level": "moon"}, "level"),
    ({"kind": "authority"}, "kind"),
    ({"credit_code": "91331083MA2A12345X"}, "credit_code"),
    ({"credit_code": "1"}, "credit_code"),
    ({"credit_code": "9" * 5000}, "credit_code"),
    ({"adcode": ""}, "adcode"),
    ({"adcode": "999999"}, "adcode"),
    ({"adcode": "330000"}, "adcode"),
    ({"adcode": "33108３"}, "adcode"),
    ({"size_class": "huge"}, "size_class"),
    ({"contact": Contact("", "0576-12345678")}, "contact_name"),
    ({"contact": Contact("示例", "abc")}, "contact_phone"),
    ({"contact": Contact("示例", "1" * 40)}, "contact_phone"),
    ({"proofs": ()}, "business_license_number"),
    ({"proofs": (Proof("business_license", " ", date(2024, 1, 1)),)}, "business_license_number"),
    ({"proofs": (Proof("business_license", "x" * 81, date(2024, 1, 1)),)}, "business_license_number"),
    ({"proofs": (Proof("business_license", "示例1", date(2999, 1, 1)),)}, "business_license_issued_on"),
    ({"proofs": (Proof("business_license", "示例1", date(1, 1, 1)),)}, "business_license_issued_on"),
]


@pytest.mark.parametrize(("given", "field"), WRONG)
def test_what_is_wrong_is_told_at_its_field(session, given, field):
    with pytest.raises(Invalid) as no:
        applicant(session, **given)
    assert no.value.field == field
    assert not session.scalar(select(Enrolment.id))


def test_everything_wrong_is_told_at_once(session):
    from parties.facts import faults

    found = {fault.field for fault in faults(session, facts(name="", credit_code="1", adcode="", contact=Contact("", ""), proofs=(), size_class=""))}
    assert found == {"name", "size_class", "contact_name", "contact_phone", "credit_code", "adcode", "business_license_number"}


def test_today_is_a_day_of_issue_and_tomorrow_is_not(session):
    factories.at(session, "2027-12-31T23:59:59+08:00")
    applicant(session, proofs=(Proof("business_license", "示例今天", date(2027, 12, 31)),))
    with pytest.raises(Invalid):
        applicant(session, proofs=(Proof("business_license", "示例明天", date(2028, 1, 1)),))


def test_a_returned_one_is_corrected_and_handed_in_again(session):
    actor, row, paper = brought_to(session, "returned")
    assert paper.answer == "示例理由"
    enrolment.revise(session, actor, facts(credit_code=row.credit_code, name="示例改名"))
    enrolment.submit(session, actor)
    assert (row.name_zh, paper.state, paper.answer) == ("示例改名", "submitted", "")


@pytest.mark.parametrize("state", ["submitted", "checked", "refused"])
def test_what_was_handed_in_is_not_changed(session, state):
    actor, row, _ = brought_to(session, state)
    before = row.name_zh
    with pytest.raises(Refused):
        enrolment.revise(session, actor, facts())
    assert row.name_zh == before


def test_other_counties_do_not_see_it(session):
    _, _, paper = brought_to(session, "submitted")
    other = reviewer(session, "330522")
    assert enrolment.queue(session, other) == []
    with pytest.raises(NotFound):
        enrolment.decide(session, other, subject="enrolment", paper_id=paper.id, event="check", reason="")
    assert [item.id for item in enrolment.queue(session, reviewer(session))] == [paper.id]
    assert [item.id for item in enrolment.queue(session, reviewer(session, "331000"))] == [paper.id]


def test_only_reviewers_decide_and_none_on_their_own(session):
    actor, row, paper = brought_to(session, "submitted")
    for role in ("finance", "auditor", "enterprise", "carrier", "planner"):
        with pytest.raises(Forbidden):
            enrolment.decide(session, Actor(role, 1, 2, OFFICE), subject="enrolment", paper_id=paper.id, event="check", reason="")
    for own in (Actor("reviewer", actor.user_id, 2, OFFICE), Actor("reviewer", 1, row.id, OFFICE)):
        with pytest.raises(Forbidden):
            enrolment.decide(session, own, subject="enrolment", paper_id=paper.id, event="check", reason="")


@pytest.mark.parametrize("event", ["return", "refuse"])
def test_who_is_not_passed_is_told_why(session, event):
    _, _, paper = brought_to(session, "submitted")
    with pytest.raises(Invalid):
        enrolment.decide(session, reviewer(session), subject="enrolment", paper_id=paper.id, event=event, reason=" ")


@pytest.mark.parametrize(("subject", "paper_id", "event"), [("enrolment", 10**15, "check"), ("voucher", 1, "check"), ("enrolment", None, "burn")])
def test_what_is_not_there_is_not_found(session, subject, paper_id, event):
    _, _, paper = brought_to(session, "submitted")
    with pytest.raises(NotFound):
        enrolment.decide(session, reviewer(session), subject=subject, paper_id=paper_id or paper.id, event=event, reason="x")


def test_contacts_stay_out_of_the_record(session):
    actor, row, _ = brought_to(session, "returned")
    enrolment.revise(session, actor, facts(credit_code=row.credit_code))
    assert all("12345678" not in str(row.detail) and "联系人" not in str(row.detail) for row in session.scalars(select(Audit)))


def test_an_officer_does_not_register_firms(session):
    factories.region(session, OFFICE)
    with pytest.raises(Forbidden):
        enrolment.register(session, reviewer(session), facts())


def test_strangers_have_nothing_to_hand_in(session):
    with pytest.raises(NotFound):
        enrolment.submit(session, person(session))
    with pytest.raises(NotFound):
        enrolment.submit(session, Actor("enterprise", 1, factories.enterprise(session).id))


def test_each_change_leaves_one_record(session):
    actor, row, paper = brought_to(session, "checked")
    rows = session.execute(
        select(Audit.event, Audit.before, Audit.after).filter_by(subject="enrolment", subject_id=paper.id).order_by(Audit.id)
    ).all()
    assert [tuple(one) for one in rows] == [("register", "", "draft"), ("submit", "draft", "submitted"), ("check", "submitted", "checked")]
    assert actor.organisation_id == session.get(Organisation, row.id).id
    assert clock.today(session) - timedelta(days=1) < clock.today(session)
