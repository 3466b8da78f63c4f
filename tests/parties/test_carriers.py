"""A carrier is admitted by check and notice; while it is not open nothing of it is open, and an accreditation that runs out suspends by itself."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core import clock
from core.actor import PUBLIC, SYSTEM, Actor
from core.audit import Audit, move
from core.errors import Forbidden, Invalid, NotFound, Refused
from geodata.grid import fold
from geodata.instruments import Instrument
from geodata.organisations import Site
from parties import carriers, enrolment, notices, standing
from parties.carriers import Certificate
from parties.entities import ACCREDITATION, CARRIER, Accreditation, CarrierEntry
from tests import factories
from tests.parties.papers import OFFICE, applicant, certificate, code, facts, later, open_carrier, reviewer
from vouchers import ledger

STATES = ("draft", "submitted", "returned", "refused", "noticed", "open", "suspended", "withdrawn")
EVENTS = sorted({arrow.event for arrow in CARRIER})


def brought_to(session, state):
    if state in ("open", "suspended", "withdrawn"):
        actor, row = open_carrier(session)
        paper = enrolment.paper_of(session, row.id)
        if state == "suspended":
            carriers.suspend(session, reviewer(session), paper_id=paper.id, reason="示例理由")
        if state == "withdrawn":
            carriers.withdraw(session, actor)
    else:
        actor, row = applicant(session, "carrier", submitted=state != "draft")
        paper = enrolment.paper_of(session, row.id)
        event = {"returned": "return", "refused": "refuse", "noticed": "check"}.get(state)
        if event:
            carriers.decide(session, reviewer(session), paper_id=paper.id, event=event, reason="示例理由")
    assert paper.state == state
    return actor, row, paper


def take(session, event, actor, paper):
    if event == "submit":
        enrolment.submit(session, actor)
    elif event == "withdraw":
        carriers.withdraw(session, actor)
    elif event in ("suspend", "resume"):
        getattr(carriers, event)(session, reviewer(session), paper_id=paper.id, reason="示例理由")
    elif event in ("publish", "open", "stop"):
        move(session, SYSTEM, paper, CARRIER, event)
    else:
        carriers.decide(session, reviewer(session), paper_id=paper.id, event=event, reason="示例理由")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", STATES)
def test_only_the_arrows_pass(session, state, event):
    actor, _, paper = brought_to(session, state)
    arrow = next((a for a in CARRIER if (a.state, a.event) == (state, event)), None)
    if arrow:
        take(session, event, actor, paper)
        assert paper.state == ("noticed" if event == "check" else arrow.next)
        return
    before = paper.row_version
    with pytest.raises(Refused) as no:
        take(session, event, actor, paper)
    assert no.value.clause == "state"
    assert (paper.state, paper.row_version) == (state, before)


@pytest.mark.parametrize("event", ["check", "refuse"])
@pytest.mark.parametrize("state", ["submitted", "checked", "refused"])
def test_an_accreditation_is_decided_once(session, state, event):
    actor, _ = open_carrier(session)
    found = carriers.add_certificate(session, actor, certificate(session, 100))
    if state != "submitted":
        carriers.check_certificate(session, reviewer(session), certificate_id=found, fits=state == "checked", reason="示例理由")
    fits = event == "check"
    if any((a.state, a.event) == (state, event) for a in ACCREDITATION):
        carriers.check_certificate(session, reviewer(session), certificate_id=found, fits=fits, reason="示例理由")
        assert session.get(Accreditation, found).state == ("checked" if fits else "refused")
    else:
        with pytest.raises(Refused):
            carriers.check_certificate(session, reviewer(session), certificate_id=found, fits=fits, reason="示例理由")


def test_an_applicant_is_on_no_map_until_it_opens(session):
    _, row, paper = brought_to(session, "noticed")
    assert row.kind == "applicant"
    assert session.scalar(text("SELECT count(*) FROM open_carrier WHERE id = :id"), {"id": row.id}) == 0
    later(session, 8)
    assert carriers.due(session) == [paper.id]
    carriers.catch_up(session, paper_id=paper.id)
    assert (row.kind, paper.state, carriers.due(session)) == ("carrier", "open", [])
    assert session.scalar(text("SELECT count(*) FROM open_carrier WHERE id = :id"), {"id": row.id}) == 1
    assert session.scalars(select(Site).filter_by(organisation_id=row.id)).one().precision == "county"


def test_seven_days_of_notice_are_not_six(session):
    _, _, paper = brought_to(session, "noticed")
    later(session, 7)
    assert carriers.due(session) == []
    carriers.catch_up(session, paper_id=paper.id)
    assert paper.state == "noticed"


def test_an_upheld_objection_stops_the_carrier(session):
    _, row, paper = brought_to(session, "noticed")
    notice = notices.notices(session, running=True)[0]
    found = notices.object_to(session, PUBLIC, notice_id=notice.id, text="没有这个地方。", name="示例来人")
    notices.answer(session, reviewer(session), objection_id=found, upheld=True, reason="属实")
    assert carriers.due(session) == [paper.id]
    carriers.catch_up(session, paper_id=paper.id)
    assert (paper.state, paper.answer, row.credit_code, row.kind) == ("refused", "属实", None, "applicant")


def test_an_open_objection_holds_it_up(session):
    _, _, paper = brought_to(session, "noticed")
    notice = notices.notices(session, running=True)[0]
    found = notices.object_to(session, PUBLIC, notice_id=notice.id, text="没有这个地方。", name="示例来人")
    later(session, 30)
    assert carriers.due(session) == []
    notices.answer(session, reviewer(session), objection_id=found, upheld=False, reason="有")
    assert carriers.due(session) == [paper.id]


def test_leaving_during_the_notice_ends_the_notice(session):
    actor, _, _ = brought_to(session, "noticed")
    carriers.withdraw(session, actor)
    assert not notices.notices(session, running=True)


def instruments(session, row):
    site = session.scalars(select(Site).filter_by(organisation_id=row.id)).first()
    one = factories.instrument(session, row)
    two = factories.instrument(session, row, is_open=False)
    session.flush()
    assert site
    return one, two


def opened(session, *rows):
    session.expire_all()
    return [session.get(Instrument, row.id).is_open for row in rows]


def test_suspension_closes_what_was_open_and_opens_just_that_again(session):
    _, row, paper = brought_to(session, "open")
    one, two = instruments(session, row)
    assert opened(session, one, two) == [True, False]
    carriers.suspend(session, reviewer(session), paper_id=paper.id, reason="示例理由")
    assert opened(session, one, two) == [False, False]
    assert session.scalar(text("SELECT count(*) FROM open_instrument WHERE organisation_id = :id"), {"id": row.id}) == 0
    with pytest.raises(Refused):
        standing.check_is_open(session, row.id)
    carriers.resume(session, reviewer(session), paper_id=paper.id, reason="示例理由")
    assert opened(session, one, two) == [True, False]
    assert session.scalar(text("SELECT count(*) FROM instrument_pause")) == 0
    fold(session)


def test_what_is_opened_during_a_suspension_waits(session):
    _, row, paper = brought_to(session, "suspended")
    new = factories.instrument(session, row)
    assert opened(session, new) == [False]
    session.execute(text("UPDATE instrument SET is_open = true WHERE id = :id"), {"id": new.id})
    assert opened(session, new) == [False]
    carriers.resume(session, reviewer(session), paper_id=paper.id, reason="示例理由")
    assert opened(session, new) == [True]


def test_leaving_closes_for_good_and_frees_the_code(session):
    actor, row, _ = brought_to(session, "open")
    one, _ = instruments(session, row)
    carriers.withdraw(session, actor)
    assert opened(session, one) == [False]
    assert (row.kind, row.credit_code) == ("applicant", None)


def test_an_accreditation_that_runs_out_suspends_by_itself_and_its_renewal_resumes(session):
    factories.at(session, "2028-01-31T12:00:00+08:00")
    actor, row = open_carrier(session, good_for=29)
    paper = enrolment.paper_of(session, row.id)
    one, _ = instruments(session, row)
    factories.at(session, "2028-02-29T23:59:59+08:00")
    assert carriers.due(session) == []
    factories.at(session, "2028-03-01T00:00:00+08:00")
    assert carriers.due(session) == [paper.id]
    carriers.catch_up(session, paper_id=paper.id)
    assert (paper.state, paper.suspended_for, carriers.due(session)) == ("suspended", "accreditation", [])
    assert opened(session, one) == [False]
    with pytest.raises(Refused) as no:
        carriers.resume(session, reviewer(session), paper_id=paper.id, reason="先开着")
    assert no.value.clause == "accreditation"
    found = carriers.add_certificate(session, actor, certificate(session, 365))
    assert paper.state == "suspended"
    carriers.check_certificate(session, reviewer(session), certificate_id=found, fits=True)
    assert (paper.state, paper.suspended_for) == ("open", "")
    assert opened(session, one) == [True]


def test_a_renewal_in_time_is_never_noticed(session):
    actor, row = open_carrier(session, good_for=20)
    found = carriers.add_certificate(session, actor, certificate(session, 300))
    carriers.check_certificate(session, reviewer(session), certificate_id=found, fits=True)
    later(session, 100)
    assert carriers.due(session) == []
    later(session, 300)
    assert carriers.due(session) == [enrolment.paper_of(session, row.id).id]


def test_one_kind_does_not_stand_in_for_another(session):
    actor, row = open_carrier(session, good_for=20)
    found = carriers.add_certificate(session, actor, certificate(session, 300, kind="cnas"))
    carriers.check_certificate(session, reviewer(session), certificate_id=found, fits=True)
    later(session, 20)
    assert carriers.due(session) == [enrolment.paper_of(session, row.id).id]


def test_an_officers_suspension_does_not_end_by_itself(session):
    actor, row = open_carrier(session, good_for=30)
    paper = enrolment.paper_of(session, row.id)
    carriers.suspend(session, reviewer(session), paper_id=paper.id, reason="示例理由")
    later(session, 60)
    found = carriers.add_certificate(session, actor, certificate(session, 300))
    carriers.check_certificate(session, reviewer(session), certificate_id=found, fits=True)
    assert (paper.state, paper.suspended_for, carriers.due(session)) == ("suspended", "officer", [])


def test_one_that_ran_out_before_the_check_is_not_passed(session):
    actor, row = applicant(session, "carrier", submitted=False)
    carriers.add_certificate(session, actor, certificate(session, 3))
    enrolment.submit(session, actor)
    later(session, 4)
    with pytest.raises(Refused) as no:
        carriers.decide(session, reviewer(session), paper_id=enrolment.paper_of(session, row.id).id, event="check", reason="")
    assert no.value.clause == "accreditation"


def test_a_carrier_of_the_base_data_is_suspended_too(session):
    owner = factories.carrier(session)
    actor = Actor("carrier", 1, owner.id)
    found = carriers.add_certificate(session, actor, certificate(session, 10))
    assert [one.id for one, _ in carriers.to_check(session, reviewer(session))] == [found]
    carriers.check_certificate(session, reviewer(session), certificate_id=found, fits=True)
    later(session, 11)
    (paper_id,) = carriers.due(session)
    carriers.catch_up(session, paper_id=paper_id)
    assert session.get(CarrierEntry, paper_id).state == "suspended"


def test_a_number_belongs_to_one_carrier(session):
    first, _ = open_carrier(session)
    second, _ = open_carrier(session)
    given = certificate(session, 100)
    for actor in (first, second):
        carriers.add_certificate(session, actor, given)
    one, two = session.scalars(select(Accreditation.id).order_by(Accreditation.id))
    carriers.check_certificate(session, reviewer(session), certificate_id=one, fits=True)
    with pytest.raises(Refused) as no:
        carriers.check_certificate(session, reviewer(session), certificate_id=two, fits=True)
    assert no.value.clause == "accreditation"
    with pytest.raises(Refused):
        carriers.add_certificate(session, first, given)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (("?", "示例号", 10), "accreditation_kind"),
        (("cma", "", 10), "accreditation_number"),
        (("cma", "x" * 81, 10), "accreditation_number"),
        (("cma", "示例号", -1), "expires_on"),
        (("cma", "示例号", 366 * 21), "expires_on"),
    ],
)
def test_a_bad_accreditation_is_told_at_its_field(session, given, field):
    actor, _ = open_carrier(session)
    kind, number, days = given
    with pytest.raises(Invalid) as no:
        carriers.add_certificate(session, actor, Certificate(kind, number, clock.today(session) + timedelta(days=days)))
    assert no.value.field == field


def test_others_neither_see_nor_decide(session):
    actor, row = open_carrier(session)
    paper = enrolment.paper_of(session, row.id)
    found = carriers.add_certificate(session, actor, certificate(session, 100))
    abroad = reviewer(session, "330522")
    assert carriers.to_check(session, abroad) == []
    for act in (
        lambda: carriers.check_certificate(session, abroad, certificate_id=found, fits=True),
        lambda: carriers.suspend(session, abroad, paper_id=paper.id, reason="x"),
        lambda: carriers.suspend(session, reviewer(session), paper_id=10**15, reason="x"),
        lambda: carriers.withdraw(session, Actor("carrier", 1, factories.carrier(session).id)),
    ):
        with pytest.raises(NotFound):
            act()
    for role in ("finance", "auditor", "carrier", "enterprise"):
        with pytest.raises(Forbidden):
            carriers.suspend(session, Actor(role, 1, 2, OFFICE), paper_id=paper.id, reason="x")
        with pytest.raises(Forbidden):
            carriers.check_certificate(session, Actor(role, 1, 2, OFFICE), certificate_id=found, fits=True)
    with pytest.raises(Forbidden):
        carriers.add_certificate(session, Actor("enterprise", 1, row.id), certificate(session, 5))


def test_enterprise_and_carrier_do_not_change_places(session):
    actor, _ = applicant(session, "carrier", submitted=False)
    with pytest.raises(Invalid) as no:
        enrolment.revise(session, actor, facts(credit_code=code()))
    assert no.value.field == "kind"


def test_each_change_leaves_one_record(session):
    _, _, paper = brought_to(session, "open")
    rows = session.execute(select(Audit.event, Audit.role).filter_by(subject="carrier_entry", subject_id=paper.id).order_by(Audit.id)).all()
    assert [tuple(row) for row in rows] == [
        ("register", "carrier"),
        ("submit", "carrier"),
        ("check", "reviewer"),
        ("publish", "system"),
        ("open", "system"),
    ]


@pytest.mark.breaks_invariants
def test_the_view_finds_an_open_instrument_of_a_carrier_that_is_not(owner_session):
    _, row, _ = brought_to(owner_session, "suspended")
    found = factories.instrument(owner_session, row)
    assert ledger.violations(owner_session) == []
    owner_session.execute(text("SET LOCAL session_replication_role = replica"))
    owner_session.execute(text("UPDATE instrument SET is_open = true WHERE id = :id"), {"id": found.id})
    owner_session.execute(text("SET LOCAL session_replication_role = origin"))
    assert {one["invariant"] for one in ledger.violations(owner_session)} == {"invariant_carrier"}
