"""Orders: only the arrows of the table pass, whoever asks and whatever the state; money, slot and papers move together."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from bookings import disputes, lifecycle, orders, queries
from bookings.entities import BOOKING, ORDER, Booking, Order
from bookings.orders import EVENTS, Given
from bookings.steps import Counter
from core import clock
from core.actor import SYSTEM
from core.errors import Forbidden, Invalid, NotFound, Refused, RequestReused
from tests import factories as make
from vouchers import claims, ledger
from vouchers import lifecycle as money
from vouchers.claims import Document
from vouchers.entities import Claim
from vouchers.queries import statement, vouchers_of

PATH = ("offered", "contracted", "delivered", "confirmed", "settled")
STEPS = (("accept", "carrier"), ("deliver", "carrier"), ("confirm", "enterprise"), ("pay_own_part", "enterprise"))
STATES = ("draft", "offered", "countered", *PATH[1:3], "disputed", *PATH[3:], "cancelled")
ROLES = ("enterprise", "carrier", "reviewer", "finance", "auditor", "system")
VERBS = {**EVENTS, "resolve": disputes.resolve}
BOOKING_STATES = ("requested", "confirmed", "in_use", "done", "cancelled", "no_show", "expired")
TODAY = date(2026, 11, 24)
WORLD = """
SELECT (SELECT json_agg(o ORDER BY id)::text FROM orders o), (SELECT json_agg(b ORDER BY id)::text FROM booking b),
       (SELECT json_agg(h ORDER BY id)::text FROM hold h), (SELECT json_agg(a ORDER BY id)::text FROM account a),
       (SELECT count(*) FROM audit), (SELECT count(*) FROM evidence), (SELECT count(*) FROM request), (SELECT count(*) FROM claim)
"""


def world(session):
    return tuple(session.execute(text(WORLD)).one())


def papers(event, number="1", day=TODAY):
    documents = tuple(Document(kind, f"{kind}-{number}", day) for kind in orders.DOCUMENTS.get(event, ()))
    more = {"counter": Counter(price=100_000)} if event == "counter" else {"outcome": "confirmed", "amount": 1} if event == "resolve" else {}
    return Given("示例理由", documents, **more)


def actor_of(scene, role):
    parties = {"enterprise": scene.buyer, "carrier": scene.seller, "system": SYSTEM}
    return parties.get(role) or make.officer(role)


def do(session, scene, event, role, *, order_id, request_id=None, given=None):
    actor = actor_of(scene, role)
    more = {"order_id": order_id, "request_id": request_id or make.key()}
    return VERBS[event](session, actor, given=given or papers(event, str(order_id), clock.today(session)), **more)


def reach(session, scene, state, **wish):
    """Place an order and take it along the path to `state`; a draft is the carrier's own offer."""
    if state == "draft":
        return make.quotation(session, scene, nth=4)
    made = make.order(session, scene, **{"nth": 4, **wish})
    turns = {"cancelled": (("cancel", "enterprise"),), "countered": (("counter", "carrier"),), "disputed": (*STEPS[:2], ("dispute", "enterprise"))}
    for event, role in turns.get(state) or STEPS[: PATH.index(state)]:
        do(session, scene, event, role, order_id=made)
    return made


def voucher_of(session, scene):
    return vouchers_of(session, scene.enterprise.id)[0]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", [event for event in VERBS if event not in ("claim", "attach")])
@pytest.mark.parametrize("role", ROLES)
def test_an_order_moves_along_the_arrows_of_its_table_only(session, state, event, role):
    scene = make.scene(session)
    made = reach(session, scene, state)
    before = world(session)
    arrows = [arrow for arrow in ORDER if (arrow.state, arrow.event) == (state, event)]
    if any(role in arrow.roles for arrow in arrows):
        do(session, scene, event, role, order_id=made)
        assert session.get_one(Order, made).state in [arrow.next for arrow in arrows]
    else:
        with pytest.raises((Forbidden, NotFound, Refused) if role in ROLES[2:] else Forbidden if arrows else Refused):
            do(session, scene, event, role, order_id=made)
        assert world(session) == before


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("days", [2, 2_000])
def test_an_order_times_out_when_nobody_answered_or_its_hold_ended(session, state, days):
    scene = make.scene(session)
    made = reach(session, scene, state)
    make.at(session, clock.now(session) + timedelta(days=days))
    if state in ("draft", "offered", "countered") or (days == 2_000 and state in ("contracted", "delivered", "disputed")):
        assert made in queries.overdue(session)
        assert orders.timeout(session, order_id=made) == made
        assert session.get_one(Order, made).state == "cancelled"
        assert [one.held for one in vouchers_of(session, scene.enterprise.id)] == [0]
    else:
        before = world(session)
        assert made not in queries.overdue(session)
        with pytest.raises(Refused):
            orders.timeout(session, order_id=made)
        assert world(session) == before


@pytest.mark.parametrize("state", STATES)
def test_no_order_ends_as_voided_while_its_voucher_lives(session, state):
    scene = make.scene(session)
    made = reach(session, scene, state)
    before = world(session)
    with pytest.raises(Refused):
        orders.end_voided(session, order_id=made)
    assert world(session) == before


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", ["enterprise", "carrier"])
def test_only_the_payee_of_a_settled_order_claims(session, state, role):
    scene = make.scene(session)
    made = reach(session, scene, state)
    before = world(session)
    if (state, role) == ("settled", "enterprise"):
        assert session.get_one(Claim, do(session, scene, "claim", role, order_id=made)).state == "submitted"
    else:
        with pytest.raises(Forbidden if role == "carrier" and state != "draft" else Refused):
            do(session, scene, "claim", role, order_id=made)
        assert world(session) == before


@pytest.mark.parametrize("state", BOOKING_STATES)
@pytest.mark.parametrize("event", sorted({arrow.event for arrow in BOOKING} | {"request"}))
@pytest.mark.parametrize("role", ["enterprise", "carrier", "system"])
def test_a_booking_moves_along_the_arrows_of_its_table_only(session, state, event, role):
    row = Booking(id=1, state=state, row_version=0)
    actor = {"enterprise": make.Actor("enterprise", 1, 1), "carrier": make.Actor("carrier", 2, 2), "system": SYSTEM}[role]
    arrow = next((arrow for arrow in BOOKING if (arrow.state, arrow.event) == (state, event)), None)
    if arrow and role in arrow.roles:
        lifecycle.change(session, actor, row, event=event, request_id="r")
        assert (row.state, row.row_version) == (arrow.next, 1)
    else:
        with pytest.raises(Forbidden if arrow else Refused):
            lifecycle.change(session, actor, row, event=event, request_id="r")
        assert (row.state, row.row_version) == (state, 0)


@pytest.mark.parametrize(
    ("state", "booking"),
    [
        ("offered", "requested"),
        ("contracted", "confirmed"),
        ("delivered", "done"),
        ("confirmed", "done"),
        ("settled", "done"),
        ("cancelled", "cancelled"),
    ],
)
def test_the_booking_follows_its_order(session, state, booking):
    made = reach(session, make.scene(session), state)
    assert session.query(Booking).filter_by(order_id=made).one().state == booking


@pytest.mark.parametrize("event", list(EVENTS))
def test_others_do_not_learn_that_an_order_exists(session, event):
    scene = make.scene(session)
    made = reach(session, scene, "offered")
    strangers = [
        make.enterprise_actor(make.enterprise(session)),
        make.carrier_actor(make.carrier(session)),
        make.carrier_actor(scene.enterprise),
        make.enterprise_actor(scene.carrier),
        make.officer("reviewer"),
        make.Actor("public"),
    ]
    before = world(session)
    for actor in strangers:
        with pytest.raises(NotFound):
            EVENTS[event](session, actor, order_id=made, request_id=make.key(), given=papers(event))
        with pytest.raises(NotFound):
            EVENTS[event](session, actor, order_id=10**9, request_id=make.key(), given=papers(event))
    assert world(session) == before


def test_the_whole_path_from_offer_to_an_approved_claim_under_post_subsidy(session):
    scene = make.scene(session)
    made = reach(session, scene, "settled")
    asked = do(session, scene, "claim", "enterprise", order_id=made)
    money_path = [make.officer("reviewer"), make.officer("finance")]
    claims.review(session, money_path[0], claim_id=asked, event="check_ok", reason="", request_id="r")
    claims.approve(session, money_path[1], claim_id=asked, request_id="a")
    page = queries.order_of(session, scene.buyer, made)
    assert (page.row.state, page.hold_state, page.claim_state, page.claim_amount) == ("settled", "used", "approved", 120_000)
    row = voucher_of(session, scene)
    assert (row.available, row.held, row.used, row.redeemed) == (1_880_000, 0, 120_000, 0)
    assert [line.kind for line in statement(session, row.id)] == ["issue", "hold", "use"]
    assert ledger.violations(session) == []


def test_under_offset_the_carrier_claims(session):
    scene = make.scene(session, code="huzhou-2017")
    made = reach(session, scene, "settled")
    row = session.get_one(Order, made)
    assert (row.voucher_part, row.own_part) == (60_000, 60_000)
    with pytest.raises(Forbidden):
        do(session, scene, "claim", "enterprise", order_id=made)
    assert session.get_one(Claim, do(session, scene, "claim", "carrier", order_id=made)).payee_id == scene.carrier.id


def test_an_order_without_a_voucher_runs_its_path_and_has_nothing_to_claim(session):
    scene = make.scene(session)
    made = reach(session, scene, "settled", voucher=None)
    with pytest.raises(Refused) as no:
        do(session, scene, "claim", "enterprise", order_id=made)
    assert no.value.clause == "voucher"


def test_a_claim_is_sent_once_and_a_returned_one_again(session):
    scene = make.scene(session)
    made = reach(session, scene, "settled")
    asked = do(session, scene, "claim", "enterprise", order_id=made)
    with pytest.raises(Refused) as no:
        do(session, scene, "claim", "enterprise", order_id=made)
    assert no.value.clause == "claim"
    claims.review(session, make.officer("reviewer"), claim_id=asked, event="return", reason="合同写 8 件，报告只有 7 件。", request_id="r")
    assert do(session, scene, "claim", "enterprise", order_id=made) == asked
    assert session.get_one(Claim, asked).state == "submitted"


def test_a_cancelled_order_gives_slot_and_money_back(session):
    scene = make.scene(session)
    made = reach(session, scene, "contracted")
    assert voucher_of(session, scene).held == 120_000
    do(session, scene, "cancel", "carrier", order_id=made, given=Given(reason="仪器坏了"))
    row = voucher_of(session, scene)
    assert (row.available, row.held) == (2_000_000, 0)
    assert queries.order_of(session, scene.buyer, made).steps[-1].reason == "仪器坏了"


def test_an_enterprise_keeps_the_notice_of_a_contract_and_a_carrier_need_not(session):
    scene = make.scene(session)
    made = reach(session, scene, "contracted", nth=6)
    start = session.query(Booking).filter_by(order_id=made).one().span.lower
    make.at(session, start - timedelta(hours=24) + timedelta(seconds=1))
    with pytest.raises(Refused) as no:
        do(session, scene, "cancel", "enterprise", order_id=made)
    assert no.value.clause == "notice"
    make.at(session, start - timedelta(hours=24))
    with session.begin_nested() as undone:
        do(session, scene, "cancel", "enterprise", order_id=made)
        undone.rollback()
    make.at(session, start + timedelta(hours=1))
    do(session, scene, "cancel", "carrier", order_id=made)


def test_an_offer_needs_no_notice(session):
    scene = make.scene(session)
    made = reach(session, scene, "offered")
    make.at(session, session.query(Booking).one().span.lower - timedelta(minutes=1))
    do(session, scene, "cancel", "enterprise", order_id=made)


def test_the_carrier_answers_in_time_or_not_at_all(session):
    scene = make.scene(session)
    first, second = reach(session, scene, "offered", nth=6), reach(session, scene, "offered", nth=7)
    deadline = session.get_one(Order, first).answer_by
    make.at(session, deadline)
    do(session, scene, "accept", "carrier", order_id=first)
    make.at(session, deadline + timedelta(seconds=1))
    before = world(session)
    with pytest.raises(Refused) as no:
        do(session, scene, "accept", "carrier", order_id=second)
    assert no.value.clause == "answer_by"
    assert world(session) == before
    assert queries.overdue(session) == [second]


def test_the_clock_ends_an_offer_only_after_its_time(session):
    scene = make.scene(session)
    made = reach(session, scene, "offered")
    make.at(session, session.get_one(Order, made).answer_by)
    with pytest.raises(Refused) as no:
        orders.timeout(session, order_id=made)
    assert no.value.clause == "answer_by"
    make.at(session, session.get_one(Order, made).answer_by + timedelta(seconds=1))
    assert orders.timeout(session, order_id=made) == orders.timeout(session, order_id=made) == made
    assert session.query(Booking).one().state == "expired"
    assert voucher_of(session, scene).available == 2_000_000


def test_money_of_an_expired_voucher_goes_back_to_the_pool_when_its_order_is_cancelled(session):
    scene = make.scene(session)
    make.at(session, scene.voucher.expires_use.isoformat() + "T10:00+08:00")
    made = make.order(session, scene, nth=3)
    do(session, scene, "accept", "carrier", order_id=made)
    make.at(session, clock.now(session) + timedelta(days=1))
    money.expire(session, voucher_id=scene.voucher.id)
    do(session, scene, "cancel", "carrier", order_id=made)
    row = voucher_of(session, scene)
    assert (row.available, row.held, row.returned) == (0, 0, 2_000_000)


def test_an_order_held_before_the_voucher_expired_is_used_to_its_end(session):
    scene = make.scene(session)
    make.at(session, scene.voucher.expires_use.isoformat() + "T23:59+08:00")
    made = make.order(session, scene, nth=0)
    do(session, scene, "accept", "carrier", order_id=made)
    make.at(session, clock.now(session) + timedelta(days=3))
    money.expire(session, voucher_id=scene.voucher.id)
    for event, role in STEPS[1:]:
        do(session, scene, event, role, order_id=made)
    assert do(session, scene, "claim", "enterprise", order_id=made)


@pytest.mark.parametrize(("event", "state"), [("deliver", "contracted"), ("pay_own_part", "confirmed")])
def test_an_event_that_needs_papers_is_refused_without_each_of_them(session, event, state):
    scene = make.scene(session)
    made = reach(session, scene, state)
    role, full, before = dict(STEPS)[event], papers(event, number="x").documents, world(session)
    for missing in range(len(full)):
        with pytest.raises(Invalid) as no:
            do(session, scene, event, role, order_id=made, given=Given(documents=full[:missing] + full[missing + 1 :]))
        assert no.value.field == full[missing].kind
    for wrong in (
        Document(full[0].kind, "  ", TODAY),
        Document(full[0].kind, "x", TODAY + timedelta(days=1)),
        Document(full[0].kind, "x" * 81, TODAY),
    ):
        with pytest.raises(Invalid):
            do(session, scene, event, role, order_id=made, given=Given(documents=(wrong, *full[1:])))
    with pytest.raises(Invalid):
        do(session, scene, event, role, order_id=made, given=Given(documents=(*full, Document("photo", "1", TODAY))))
    assert world(session) == before


def test_one_invoice_settles_one_order(session):
    scene = make.scene(session)
    first, second = reach(session, scene, "confirmed"), reach(session, scene, "confirmed", nth=1)
    do(session, scene, "pay_own_part", "enterprise", order_id=first, given=papers("pay_own_part"))
    before = world(session)
    with pytest.raises(Refused) as no:
        do(session, scene, "pay_own_part", "enterprise", order_id=second, given=papers("pay_own_part"))
    assert no.value.clause == "evidence"
    assert world(session) == before


@pytest.mark.parametrize(("state", "step"), list(zip(PATH[:-1], STEPS, strict=True)))
def test_a_repeated_request_changes_nothing_and_another_content_is_refused(session, state, step):
    scene = make.scene(session)
    made = reach(session, scene, state)
    first = do(session, scene, *step, order_id=made, request_id="again")
    before = world(session)
    assert do(session, scene, *step, order_id=made, request_id="again") == first
    with pytest.raises(RequestReused):
        do(session, scene, *step, order_id=made, request_id="again", given=Given(reason="anders"))
    assert world(session) == before


@pytest.mark.parametrize(
    ("event", "state", "step"),
    [
        ("accept", "offered", (lifecycle, "change")),
        ("cancel", "contracted", (ledger, "post")),
        ("cancel", "contracted", (lifecycle, "change")),
        ("deliver", "contracted", (claims, "add_evidence")),
        ("deliver", "contracted", (lifecycle, "change")),
        ("confirm", "delivered", (ledger, "post")),
        ("pay_own_part", "confirmed", (claims, "add_evidence")),
        ("claim", "settled", (claims, "born")),
    ],
)
def test_a_failure_at_any_step_leaves_the_order_as_it_was(session, monkeypatch, event, state, step):
    scene = make.scene(session)
    made = reach(session, scene, state)
    role = next((role for name, role in STEPS if name == event), "enterprise")
    before, done = world(session), getattr(*step)

    def fails(*args, **more):
        done(*args, **more)
        raise ConnectionError("the step failed")

    with monkeypatch.context() as patch:
        patch.setattr(*step, fails)
        with pytest.raises(ConnectionError):
            do(session, scene, event, role, order_id=made, request_id="fails")
    assert world(session) == before
    assert do(session, scene, event, role, order_id=made, request_id="fails")
