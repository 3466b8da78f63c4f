"""Freeze, unfreeze, void, expiry of redemption, and the table of states of a voucher: what an audit leads to, and where each fen then is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from bookings import orders, queries
from bookings.entities import Order
from core import clock
from core.actor import SYSTEM
from core.audit import check
from core.errors import Forbidden, Invalid, NotFound, Refused, RequestReused
from tests import factories as make
from tests.bookings.test_orders import do, reach, voucher_of, world
from vouchers import freezing, lifecycle
from vouchers.entities import HOLD, VOUCHER, Hold, Voucher
from vouchers.queries import statement
from vouchers.shares import SHARE, Share

STATES = ("active", "expired", "closed", "frozen", "void")
EVENTS = sorted({arrow.event for arrow in VOUCHER} | {"transfer"})
ROLES = ("public", "enterprise", "carrier", "reviewer", "finance", "auditor", "planner", "system")
WHY = "示例理由：核对发票"


def freeze(session, scene, **more):
    facts = {"voucher_id": scene.voucher.id, "reason": WHY, "request_id": make.key(), **more}
    return freezing.freeze(session, more.pop("actor", None) or make.officer("auditor"), **{k: v for k, v in facts.items() if k != "actor"})


def void(session, scene, actor=None):
    return freezing.void(session, actor or make.officer("reviewer"), voucher_id=scene.voucher.id, reason=WHY, request_id=make.key())


@pytest.mark.parametrize("table", [VOUCHER, HOLD, SHARE], ids=["voucher", "hold", "share"])
@pytest.mark.parametrize("role", ROLES)
def test_a_paper_moves_along_the_arrows_of_its_table_only(table, role):
    row = {VOUCHER: Voucher, HOLD: Hold, SHARE: Share}[table](id=1, row_version=0)
    states = {arrow.state for arrow in table} | {arrow.next for arrow in table} | set(STATES)
    events = {arrow.event for arrow in table} | {"transfer", "born", ""}
    for row.state in states:
        for event in events:
            arrows = [arrow for arrow in table if (arrow.state, arrow.event) == (row.state, event)]
            if any(role in arrow.roles for arrow in arrows):
                assert check(make.Actor(role, 1), row, table, event) in arrows
            else:
                with pytest.raises(Forbidden if arrows else Refused):
                    check(make.Actor(role, 1), row, table, event)


def in_state(session, state):
    """Bring a voucher with an open order on it to a state the way it comes about in life."""
    scene = make.scene(session)
    made = reach(session, scene, "contracted")
    if state in ("expired", "closed"):
        make.at(session, clock.now(session) + timedelta(days=200))
        lifecycle.expire(session, voucher_id=scene.voucher.id)
    if state == "closed":
        make.at(session, clock.now(session) + timedelta(days=2_000))
        orders.timeout(session, order_id=made)
        lifecycle.expire_redeem(session, voucher_id=scene.voucher.id)
    if state in ("frozen", "void"):
        freeze(session, scene)
    if state == "void":
        void(session, scene)
    return scene


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", ["enterprise", "carrier", "reviewer", "finance", "auditor", "planner", "system"])
def test_a_verb_in_any_other_state_or_role_is_refused_and_changes_nothing(session, state, role):
    scene = in_state(session, state)
    actors = {"enterprise": scene.buyer, "carrier": scene.seller, "system": SYSTEM}
    actor = actors.get(role) or make.officer(role)
    assert session.get_one(Voucher, scene.voucher.id).state == state
    verbs = {"freeze": freezing.freeze, "unfreeze": freezing.unfreeze, "void": freezing.void}
    allowed = {(arrow.state, arrow.event, one) for arrow in VOUCHER for one in arrow.roles}
    for event, verb in verbs.items():
        if (state, event, role) in allowed:
            continue
        before = world(session)
        with pytest.raises((Refused, Forbidden, NotFound)):
            verb(session, actor, voucher_id=scene.voucher.id, reason=WHY, request_id=make.key())
        with pytest.raises((Refused, NotFound)):
            freezing.transfer(session, actor, voucher_id=scene.voucher.id)
        assert world(session) == before
        assert session.get_one(Voucher, scene.voucher.id).state == state


def test_a_frozen_voucher_keeps_its_money_and_pays_nothing(session):
    scene = make.scene(session)
    made = reach(session, scene, "delivered")
    freeze(session, scene)
    for step in (lambda: do(session, scene, "confirm", "enterprise", order_id=made), lambda: make.order(session, scene, nth=5)):
        with pytest.raises(Refused) as no:
            step()
        assert no.value.clause == "frozen"
    assert (voucher_of(session, scene).available, voucher_of(session, scene).held) == (1_880_000, 120_000)
    freezing.unfreeze(session, make.officer("auditor"), voucher_id=scene.voucher.id, reason=WHY, request_id=make.key())
    do(session, scene, "confirm", "enterprise", order_id=made)
    assert voucher_of(session, scene).used == 120_000


@pytest.mark.parametrize("before", ["active", "expired"])
def test_a_frozen_voucher_returns_to_what_it_was(session, before):
    scene = in_state(session, before)
    freeze(session, scene)
    assert session.get_one(Voucher, scene.voucher.id).frozen_from == before
    freezing.unfreeze(session, make.officer("auditor"), voucher_id=scene.voucher.id, reason=WHY, request_id=make.key())
    found = session.get_one(Voucher, scene.voucher.id)
    assert (found.state, found.frozen_from) == (before, None)


def test_dates_run_while_a_voucher_is_frozen(session):
    scene = make.scene(session)
    freeze(session, scene)
    make.at(session, clock.now(session) + timedelta(days=200))
    with pytest.raises(Refused):
        lifecycle.expire(session, voucher_id=scene.voucher.id)
    freezing.unfreeze(session, make.officer("auditor"), voucher_id=scene.voucher.id, reason=WHY, request_id=make.key())
    lifecycle.expire(session, voucher_id=scene.voucher.id)
    assert voucher_of(session, scene).returned == 2_000_000


def test_void_takes_all_that_was_not_paid_to_the_pool_and_ends_what_was_not_delivered(session):
    scene = make.scene(session)
    used, open_ = reach(session, scene, "settled"), reach(session, scene, "contracted", nth=5)
    claim = do(session, scene, "claim", "enterprise", order_id=used)
    freeze(session, scene)
    void(session, scene)
    row = voucher_of(session, scene)
    assert (row.state, row.available, row.held, row.used, row.void, row.returned) == ("void", 0, 0, 0, 2_000_000, 0)
    assert statement(session, row.id)[-1].kind == "void"
    assert session.scalar(text("SELECT state FROM claim WHERE id = :id"), {"id": claim}) == "refused"
    assert queries.voided(session) == [open_]
    orders.end_voided(session, order_id=open_)
    assert session.get_one(Order, open_).state == "cancelled"
    assert set(session.scalars(select(Hold.state).where(Hold.voucher_id == row.id))) == {"void"}


def test_who_froze_a_voucher_does_not_void_it_and_no_party_decides(session):
    scene = make.scene(session)
    auditor = make.officer("auditor")
    freezing.freeze(session, auditor, voucher_id=scene.voucher.id, reason=WHY, request_id=make.key())
    same = make.Actor("reviewer", auditor.user_id, None, make.YUHUAN)
    member = make.Actor("reviewer", 77, scene.enterprise.id, make.YUHUAN)
    for actor, wrong in (
        (same, Forbidden),
        (member, Forbidden),
        (make.officer("reviewer", "330521"), NotFound),
        (make.officer("auditor"), Forbidden),
    ):
        with pytest.raises(wrong):
            void(session, scene, actor)
    void(session, scene, make.officer("reviewer", "331000"))
    assert voucher_of(session, scene).state == "void"


@pytest.mark.parametrize("region", ["330521", "330500", "320000"])
def test_an_auditor_acts_in_the_own_region_only(session, region):
    scene = make.scene(session)
    with pytest.raises(NotFound):
        freezing.freeze(session, make.officer("auditor", region), voucher_id=scene.voucher.id, reason=WHY, request_id=make.key())


@pytest.mark.parametrize("reason", ["", "  ", "长" * 501])
def test_a_reason_must_be_given(session, reason):
    scene = make.scene(session)
    with pytest.raises(Invalid) as no:
        freezing.freeze(session, make.officer("auditor"), voucher_id=scene.voucher.id, reason=reason, request_id=make.key())
    assert no.value.field == "reason"


def test_the_same_request_freezes_once(session):
    scene, auditor = make.scene(session), make.officer("auditor")
    facts = {"voucher_id": scene.voucher.id, "request_id": "once"}
    assert freezing.freeze(session, auditor, reason=WHY, **facts) == freezing.freeze(session, auditor, reason=WHY, **facts)
    with pytest.raises(RequestReused):
        freezing.freeze(session, auditor, reason="别的理由", **facts)
    assert session.get_one(Voucher, scene.voucher.id).row_version == 1


def test_used_money_that_nobody_claimed_lapses_after_the_last_day_and_not_before(session):
    scene = make.scene(session)
    reach(session, scene, "settled")
    voucher = session.get_one(Voucher, scene.voucher.id)
    make.at(session, f"{voucher.expires_use + timedelta(days=1)}T00:00:01+08:00")
    lifecycle.expire(session, voucher_id=voucher.id)
    make.at(session, f"{voucher.expires_redeem}T23:59:59+08:00")
    with pytest.raises(Refused) as no:
        lifecycle.expire_redeem(session, voucher_id=voucher.id)
    assert no.value.clause == "expires_redeem"
    make.at(session, f"{voucher.expires_redeem + timedelta(days=1)}T00:00:00+08:00")
    lifecycle.expire_redeem(session, voucher_id=voucher.id)
    row = voucher_of(session, scene)
    assert (row.state, row.used, row.returned) == ("closed", 0, 2_000_000)
    assert statement(session, row.id)[-1].kind == "lapse"


def test_an_open_claim_keeps_a_voucher_open(session):
    scene = make.scene(session)
    do(session, scene, "claim", "enterprise", order_id=reach(session, scene, "settled"))
    make.at(session, clock.now(session) + timedelta(days=2_000))
    lifecycle.expire(session, voucher_id=scene.voucher.id)
    with pytest.raises(Refused) as no:
        lifecycle.expire_redeem(session, voucher_id=scene.voucher.id)
    assert no.value.clause == "claim"


def test_a_hold_taken_before_the_last_day_runs_to_its_own_end(session):
    scene = in_state(session, "expired")
    held = session.scalars(select(Hold).where(Hold.voucher_id == scene.voucher.id)).one()
    assert (held.state, held.ends_on) == ("held", scene.voucher.expires_redeem)
    do(session, scene, "deliver", "carrier", order_id=int(held.reference.partition(":")[2]))
    do(session, scene, "confirm", "enterprise", order_id=int(held.reference.partition(":")[2]))
    assert voucher_of(session, scene).used == 120_000
