"""Who may take part in posted needs: firms that were let in, carriers that are open, officers of the region, and nobody on both sides."""

from __future__ import annotations

import pytest

from bookings import answering, brokering, posting
from bookings.need_entities import NeedInvitation
from core.actor import PUBLIC
from core.errors import Invalid, NotFound, Refused
from parties.entities import CarrierEntry, Enrolment, InstrumentPause
from parties.standing import check_may_act
from tests import factories as make
from tests.bookings.needs import LIMITS, answer, deal, mine, offer, pick, row_of, wanted
from tests.bookings.test_posting import world

PERSON = {"contact_name": "示例", "contact_phone": "1"}


def enrol(session, as_owner, firm, state):
    with as_owner(session):
        row = session.query(Enrolment).filter_by(organisation_id=firm.id).one_or_none() or Enrolment(organisation_id=firm.id, **PERSON)
        row.state = state
        session.add(row)


def shut(session, as_owner, of, state):
    """Let the carrier of the scene be in a `state` other than open, its instrument closed along with it."""
    carrier, instrument = of.scene.carrier, of.scene.instrument
    with as_owner(session):
        session.add(CarrierEntry(organisation_id=carrier.id, state=state, suspended_for="officer" if state == "suspended" else "", **PERSON))
        instrument.is_open = False
        session.add(InstrumentPause(instrument_id=instrument.id, organisation_id=carrier.id))


@pytest.mark.parametrize("state", ["draft", "submitted", "returned", "refused"])
def test_a_firm_that_was_not_let_in_neither_posts_nor_words_anew_nor_picks(session, as_owner, state):
    of = deal(session)
    made = answer(session, of)
    enrol(session, as_owner, of.scene.enterprise, state)
    before = world(session)
    for act in (
        lambda: posting.post(session, of.scene.buyer, wanted(), request_id=make.key()),
        lambda: posting.edit(session, of.scene.buyer, need_id=of.need, posting=wanted(text="改成看金相"), request_id=make.key()),
        lambda: pick(session, of, made),
        lambda: pick(session, of, made, voucher="none"),
    ):
        with pytest.raises(Refused) as no:
            act()
        assert (no.value.clause, world(session)) == ("standing", before)
    enrol(session, as_owner, of.scene.enterprise, "checked")
    assert posting.post(session, of.scene.buyer, wanted(), request_id=make.key())
    assert pick(session, of, made)


def test_a_firm_hears_of_its_own_standing_and_not_of_the_carriers_as_if_it_were_its_own(session, as_owner):
    of = deal(session)
    made = answer(session, of)
    shut(session, as_owner, of, "suspended")
    with pytest.raises(Refused) as no:
        pick(session, of, made)
    assert (no.value.clause, "你们单位" in no.value.text) == ("standing", False)
    enrol(session, as_owner, of.scene.enterprise, "refused")
    with pytest.raises(Refused) as own:
        check_may_act(session, of.scene.enterprise.id)
    with pytest.raises(Refused) as no:
        pick(session, of, made)
    assert no.value.text == own.value.text


def test_nobody_answers_a_need_of_its_own(session):
    of = deal(session)
    own = make.instrument(session, of.scene.enterprise)
    make.listing(session, own)
    both = make.carrier_actor(of.scene.enterprise)
    before = world(session)
    for act in (
        lambda: answering.answer(session, both, need_id=of.need, given=offer(session, own), request_id=make.key()),
        lambda: answering.decline(session, both, need_id=of.need, reason="too_far", request_id=make.key()),
    ):
        with pytest.raises(Refused) as no:
            act()
        assert (no.value.clause, world(session)) == ("parties", before)
    assert mine(session, of, both) is None


@pytest.mark.parametrize("state", ["draft", "noticed", "suspended", "withdrawn"])
def test_a_carrier_that_is_not_open_is_invited_by_nobody(session, as_owner, state):
    of = deal(session, visibility="private")
    shut(session, as_owner, of, state)
    before, closed = world(session), of.scene.carrier.id
    for carriers in ([closed], [of.other.organisation_id, closed], [of.neighbour.organisation_id], [10**12], []):
        with pytest.raises(Invalid) as no:
            brokering.invite(session, of.officer, need_id=of.need, carriers=carriers, request_id=make.key())
        assert (no.value.field, world(session)) == ("carriers", before)
    with pytest.raises(Invalid) as no:
        posting.post(session, of.scene.buyer, wanted(visibility="chosen", chosen=frozenset({closed})), request_id=make.key())
    assert no.value.field == "chosen"
    brokering.invite(session, of.officer, need_id=of.need, carriers=[of.other.organisation_id], request_id=make.key())
    assert [row.carrier_id for row in session.query(NeedInvitation).filter_by(need_id=of.need)] == [of.other.organisation_id]


def test_an_officer_sees_and_helps_what_is_stuck_in_the_region_and_nowhere_else(session):
    of = deal(session, visibility="private")
    inside = [make.officer(role, region) for role, region in (("reviewer", "331083"), ("reviewer", "331000"), ("auditor", "330000"))]
    outside = [make.officer("reviewer", region) for region in ("331081", "330500", "320000")]
    assert row_of(session, of).region == make.YUHUAN
    for who in inside:
        assert [one.need_id for one in brokering.stuck_needs(session, who, LIMITS)] == [of.need]
    for who in (*outside, make.officer("finance"), of.scene.buyer, of.scene.seller, PUBLIC):
        assert brokering.stuck_needs(session, who, LIMITS) == []
    for who in outside:
        with pytest.raises(NotFound):
            brokering.invite(session, who, need_id=of.need, carriers=[of.other.organisation_id], request_id=make.key())
