"""Posted needs: only the arrows of the table pass; who may not see a need does not learn of it; a pick is an order or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from time import process_time

import pytest
from sqlalchemy import text

from bookings import answer_queries, brokering, need_queries, offers, orders, posting, queries
from bookings.entities import Order
from bookings.need_entities import NEED, NeedVersion
from bookings.orders import Given
from bookings.scrubbing import scrub
from core import clock
from core.actor import PUBLIC, SYSTEM
from core.errors import Forbidden, Invalid, NotFound, Refused, RequestReused
from parties import messages
from parties.entities import CarrierEntry, InstrumentPause
from tests import factories as make
from tests.bookings.needs import LIMITS, TEXT, answer, deal, do, mine, pick, row_of, wanted
from tests.bookings.test_orders import voucher_of

EVENTS = ("answer", "decline", "retract", "edit", "withdraw", "pick", "invite", "note", "close", "expire")
WORLD = """
SELECT (SELECT json_agg(n ORDER BY id)::text FROM need_post n), (SELECT json_agg(a ORDER BY id)::text FROM need_answer a),
       (SELECT json_agg(o ORDER BY id)::text FROM orders o), (SELECT json_agg(b ORDER BY id)::text FROM booking b),
       (SELECT json_agg(c ORDER BY id)::text FROM account c), (SELECT count(*) FROM audit), (SELECT count(*) FROM request),
       (SELECT count(*) FROM message), (SELECT count(*) FROM need_note), (SELECT count(*) FROM need_invitation)
"""


def world(session):
    return tuple(session.execute(text(WORLD)).one())


def reach(session, state):
    """Post a need and take it to `state`; the seller of the scene has answered on the way there."""
    of = deal(session)
    if state != "open":
        made = answer(session, of)
    if state == "picked":
        pick(session, of, made)
    if state == "expired":
        make.at(session, row_of(session, of).ends_at + timedelta(minutes=1))
        do(session, of, "expire", SYSTEM)
    if state in ("withdrawn", "closed"):
        do(session, of, {"withdrawn": "withdraw", "closed": "close"}[state], of.scene.buyer if state == "withdrawn" else of.officer)
    assert row_of(session, of).state == state
    return of


def actors(of):
    return {
        "enterprise": of.scene.buyer,
        "carrier": of.scene.seller,
        "reviewer": of.officer,
        "system": SYSTEM,
        "finance": make.officer("finance"),
        "auditor": make.officer("auditor"),
        "stranger": make.officer("reviewer", "330500"),
        "neighbour": of.neighbour,
    }


def allowed(state, event, role):
    """Say whether the tables let this pass: a refusal and a retraction are the answer's own, a pick wants an answer that stands."""
    if event in ("retract", "decline"):
        return role == "carrier" and (state == "answered" or (state == "open" and event == "decline"))
    if (state, event) == ("picked", "edit"):
        return False  # the order stands
    if event == "expire":
        return state == "expired"  # done again it does nothing again; the clock has not come to the others
    return any((arrow.state, arrow.event) == (state, event) and role in arrow.roles for arrow in NEED)


@pytest.mark.parametrize("state", ["open", "answered", "picked", "withdrawn", "expired", "closed"])
def test_only_the_arrows_of_the_table_pass_whoever_asks(session, state):
    of = reach(session, state)
    for event in EVENTS:
        for role, actor in actors(of).items():
            if event == "expire" and role != "system":
                continue
            if event == "pick" and mine(session, of, of.scene.seller) is None:
                continue
            before = world(session)
            trial = session.begin_nested()
            try:
                do(session, of, event, actor)
                passed = True
            except (Refused, Forbidden, NotFound):
                passed = False
                assert world(session) == before, (event, role)
            trial.rollback()
            session.expire_all()
            assert passed == allowed(state, event, role), (state, event, role)


def test_a_need_goes_from_posting_to_an_order_that_lives_on(session):
    of = deal(session)
    cheap, dear = answer(session, of, price=90_000), answer(session, of, of.other, price=120_000)
    made = pick(session, of, cheap, expected=(90_000, 0))
    row, order = row_of(session, of), session.get_one(Order, made)
    assert (row.state, row.order_id, order.state, order.price, order.voucher_part) == ("picked", made, "contracted", 90_000, 90_000)
    assert (order.need, voucher_of(session, of.scene).held) == (TEXT, 90_000)
    assert [mine(session, of, one).state for one in (of.scene.seller, of.other)] == ["picked", "passed"]
    assert [(one.role, one.price) for one in offers.offers_of(session, made)] == [("carrier", 90_000)]
    assert [step.event for step in queries.order_of(session, of.scene.buyer, made).steps] == ["pick", "agree"]
    assert [one.kind for one in messages.inbox(session, of.other)] == ["need_passed"]
    assert [one.kind for one in messages.inbox(session, of.scene.seller)] == ["need_picked"]
    assert dear != cheap


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": "长" * 10_001}, "text"),
        ({"text": "。，！🙂🙂"}, "text"),
        ({"text": "断口\x00形貌"}, "text"),
        ({"budget": 0}, "budget"),
        ({"budget": -1}, "budget"),
        ({"budget": 2**62}, "budget"),
        ({"answer_hours": 0}, "answer_hours"),
        ({"answer_hours": 241}, "answer_hours"),
        ({"answer_hours": True}, "answer_hours"),
        ({"due": date(2026, 11, 23)}, "due"),
        ({"due": date(2026, 11, 25)}, "due"),
        ({"due": date(2031, 1, 1)}, "due"),
        ({"visibility": "secret"}, "visibility"),
        ({"visibility": "chosen"}, "chosen"),
        ({"visibility": "chosen", "chosen": frozenset({10**12})}, "chosen"),
        ({"visibility": "chosen", "chosen": frozenset(range(1, 22))}, "chosen"),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_field(session, changes, field):
    scene = make.scene(session)
    before = world(session)
    with pytest.raises(Invalid) as no:
        posting.post(session, scene.buyer, wanted(**changes), request_id=make.key())
    assert (no.value.field, world(session)) == (field, before)


def test_the_same_request_posts_once_and_another_content_is_refused(session):
    scene = make.scene(session)
    first = posting.post(session, scene.buyer, wanted(), request_id="once-1234")
    assert posting.post(session, scene.buyer, wanted(understood=()), request_id="twice-1234") != first
    assert posting.post(session, scene.buyer, wanted(), request_id="once-1234") == first
    with pytest.raises(RequestReused):
        posting.post(session, scene.buyer, wanted(budget=5), request_id="once-1234")


def test_who_may_not_see_a_need_does_not_learn_of_it(session):
    chosen = make.carrier(session)
    of = deal(session, visibility="chosen", chosen=frozenset({chosen.id}))
    private = replace(of, need=posting.post(session, of.scene.buyer, wanted(visibility="private"), request_id=make.key()))
    neighbour = make.enterprise_actor(make.enterprise(session))
    strangers = (PUBLIC, of.other, of.scene.seller, neighbour, make.officer("reviewer", "330500"), make.officer("finance"), make.officer("auditor"))
    for deal_ in (of, private):
        for who in strangers:
            with pytest.raises(NotFound):
                need_queries.need_of(session, who, deal_.need)
            with pytest.raises((NotFound, Forbidden)):
                do(session, deal_, "answer", who)
        for who in (deal_.scene.buyer, deal_.officer):
            assert need_queries.need_of(session, who, deal_.need).id == deal_.need
    assert need_queries.need_of(session, make.carrier_actor(chosen), of.need).text == TEXT
    assert [one.kind for one in messages.inbox(session, make.carrier_actor(chosen))] == ["need_invited"]
    assert not {of.need, private.need} & {row.id for row in need_queries.public_needs(session)}


def test_a_new_wording_makes_answers_outdated_until_they_are_renewed(session):
    of = deal(session)
    made = answer(session, of)
    posting.edit(session, of.scene.buyer, need_id=of.need, posting=wanted(text="改成看金相"), request_id=make.key())
    assert (row_of(session, of).state, row_of(session, of).version, mine(session, of, of.scene.seller).state) == ("open", 2, "outdated")
    assert [one.text for one in session.query(NeedVersion).filter_by(need_id=of.need).order_by(NeedVersion.version)] == [TEXT, "改成看金相"]
    with pytest.raises(Refused):
        pick(session, of, made)
    with pytest.raises(Refused) as no:
        answer(session, of, version=1)
    assert no.value.clause == "version"
    assert answer(session, of, version=2) == made
    assert pick(session, of, made)


def test_after_its_order_was_called_off_a_need_may_be_posted_again(session):
    of = deal(session)
    made = pick(session, of, answer(session, of))
    again = {"need_id": of.need, "posting": wanted(), "request_id": "again-1234"}
    with pytest.raises(Refused) as no:
        posting.edit(session, of.scene.buyer, **again)
    assert no.value.clause == "order"
    orders.cancel(session, of.scene.seller, order_id=made, request_id=make.key(), given=Given("仪器坏了"))
    posting.edit(session, of.scene.buyer, **again)
    assert (row_of(session, of).state, row_of(session, of).order_id, mine(session, of, of.scene.seller).state) == ("open", None, "lapsed")
    assert answer(session, of)


def test_the_clock_ends_what_nobody_picked_and_tells_both_sides(session):
    of = deal(session, due=date(2026, 12, 1))
    answer(session, of)
    assert row_of(session, of).ends_at.astimezone(clock.SHANGHAI).date() == date(2026, 12, 2)
    with pytest.raises(Refused):
        posting.expire(session, need_id=of.need)
    make.at(session, "2026-12-02T00:01+08:00")
    assert posting.overdue(session) == [of.need]
    assert posting.expire(session, need_id=of.need) == posting.expire(session, need_id=of.need)
    assert (row_of(session, of).state, mine(session, of, of.scene.seller).state, posting.overdue(session)) == ("expired", "lapsed", [])
    assert messages.inbox(session, of.scene.buyer)[0].kind == "need_expired"


def test_an_officer_invites_writes_and_closes_and_each_step_is_on_record(session):
    of = deal(session, visibility="private", answer_hours=1)
    make.at(session, "2026-11-24T12:00+08:00")
    with pytest.raises(NotFound):
        answer(session, of)
    brokering.invite(session, of.officer, need_id=of.need, carriers=[of.scene.seller.organisation_id], request_id=make.key())
    brokering.note(session, of.officer, need_id=of.need, words="长兴那家能做", request_id=make.key())
    assert answer(session, of)
    brokering.close(session, of.officer, need_id=of.need, reason="solved_elsewhere", request_id=make.key())
    events = (
        session.execute(text("SELECT event FROM audit WHERE subject = 'need_post' AND subject_id = :id ORDER BY id"), {"id": of.need}).scalars().all()
    )
    assert events == ["post", "invite", "note", "answer", "close"]
    assert [one.text for one in brokering.notes_of(session, of.need)] == ["长兴那家能做"]
    assert {one.kind for one in messages.inbox(session, of.scene.buyer)} == {"need_brokered", "need_note", "need_answered", "need_closed"}


def test_what_is_stuck_says_why(session):
    of = deal(session)
    near = {one.need_id: one for one in brokering.stuck_needs(session, of.officer, LIMITS)}
    assert of.need not in near
    make.at(session, "2026-11-25T11:00+08:00")
    unclear = posting.post(session, of.scene.buyer, wanted(understood=()), request_id=make.key())
    nobody = posting.post(session, of.scene.buyer, wanted(understood=({"type": "同步辐射光源"},)), request_id=make.key())
    hidden = posting.post(session, of.scene.buyer, wanted(visibility="private"), request_id=make.key())
    for one in (of.scene.seller, of.other):
        do(session, of, "decline", one)
    found = {one.need_id: one.reasons for one in brokering.stuck_needs(session, of.officer, LIMITS)}
    assert found == {of.need: ("all_declined", "no_answer"), unclear: ("no_type",), nobody: ("no_carrier",), hidden: ("private",)}
    assert brokering.stuck_needs(session, make.officer("reviewer", "330500"), LIMITS) == []
    assert answer_queries.declines_of(session, of.need) == {"too_far": 2}


def test_a_closed_carrier_and_a_suspended_one_cannot_be_picked(session, as_owner):
    of = deal(session)
    made = answer(session, of)
    facts = {"organisation_id": of.scene.carrier.id, "contact_name": "示例", "contact_phone": "1"}
    with as_owner(session):
        session.add(CarrierEntry(**facts, state="suspended", suspended_for="officer"))
        of.scene.instrument.is_open = False
        session.add(InstrumentPause(instrument_id=of.scene.instrument.id, organisation_id=of.scene.carrier.id))
    for act in (lambda: pick(session, of, made), lambda: answer(session, of)):
        with pytest.raises(Refused) as no:
            act()
        assert no.value.clause == "standing"


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("电话 13800138000 找我", "电话 ××× 找我"),
        ("138-0013-8000，0571-87951234", "×××，×××"),
        ("a.b@c.com.cn / 微信：wang_8888", "××× / ×××"),
        ("GB/T 228.1-2021，300kN，12000元，0.05mm，20261202", "GB/T 228.1-2021，300kN，12000元，0.05mm，20261202"),
    ],
)
def test_the_public_sees_no_numbers_of_persons(typed, seen):
    assert scrub(typed) == seen


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("１３８　００１３　８０００", ()),
        ("138  0013  8000", ()),
        ("138\u200b0013\u200b8000", ()),
        ("+86 571 8795 1234", ()),
        ("330106 1990 0101 123X", ()),
        ("一三八零零一三八零零零", ()),
        ("微信同号wang8888", ()),
        ("加V wang8888", ()),
        ("ｌｉ＠ｅｘａｍｐｌｅ．ｃｏｍ", ()),
        ("li(at)example.com", ()),
        ("abc-lab.com.cn", ()),
        ("李经理", ()),
        ("杭州明德科技有限公司", ()),
        ("Mingde Tech Co., Ltd", ()),
        ("明德传动", ("明德传动有限公司",)),
    ],
)
def test_what_leads_to_a_person_or_a_firm_is_taken_out_however_it_is_written(typed, names):
    found = scrub(f"断口，{typed}，看形貌", *names)
    assert "×××" in found
    assert not set(typed) & set(found) - set("加微信同号·×，()（） ")
    assert found.startswith("断口，")
    assert found.endswith("，看形貌")


@pytest.mark.parametrize(
    "typed", ["V型缺口 10 x 10 x 55 mm，2mm@50Hz", "650 700 750 800 MPa", "GB 5009.15-2023", "1500 2000 2500 3000", "十二个样品"]
)
def test_what_a_test_needs_stays(typed):
    assert scrub(typed) == typed


def test_a_text_that_was_made_to_be_slow_is_scrubbed_at_once():
    began = process_time()
    for evil in ("-" * 10_000, "中" * 10_000, "1-" * 5_000, "a." * 5_000, "微信" * 5_000):
        scrub(evil, "明德传动有限公司")
    assert process_time() - began < 1


def test_whom_an_earlier_wording_was_shown_to_does_not_see_a_later_one(session):
    chosen = make.carrier(session)
    one = make.carrier_actor(chosen)
    of = deal(session, visibility="chosen", chosen=frozenset({chosen.id}))
    brokering.invite(session, of.officer, need_id=of.need, carriers=[of.scene.seller.organisation_id], request_id=make.key())
    answer(session, of)
    posting.edit(session, of.scene.buyer, need_id=of.need, posting=wanted(text="只给科技局看的事", visibility="private"), request_id=make.key())
    for who in (one, of.scene.seller):
        with pytest.raises(NotFound):
            need_queries.need_of(session, who, of.need)
        with pytest.raises(NotFound):
            do(session, of, "decline", who)
        assert of.need not in {row.id for row in need_queries.fitting_needs(session, who.organisation_id)}
    assert [row.kind for row in messages.inbox(session, of.scene.seller)] == ["need_ended", "need_invited"]
    again = wanted(visibility="chosen", chosen=frozenset({of.scene.carrier.id}))
    posting.edit(session, of.scene.buyer, need_id=of.need, posting=again, request_id=make.key())
    assert answer(session, of)
    assert of.need in {row.id for row in need_queries.fitting_needs(session, of.scene.seller.organisation_id)}
    with pytest.raises(NotFound):
        need_queries.need_of(session, one, of.need)


def test_nothing_is_picked_after_the_last_hour_though_the_clock_has_not_come_to_it(session):
    of = deal(session, answer_hours=1, due=date(2026, 11, 24))
    made = answer(session, of)
    make.at(session, row_of(session, of).ends_at + timedelta(seconds=1))
    before = world(session)
    with pytest.raises(Refused) as no:
        pick(session, of, made)
    assert (no.value.clause, world(session)) == ("ends_at", before)
