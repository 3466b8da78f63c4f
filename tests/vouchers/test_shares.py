"""Shares: co-funders' money goes the way of its hold, to the fen, and a co-funder without money pays nothing and says so beforehand."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bookings import checkout, orders
from bookings.checkout import quote
from bookings.entities import Order
from bookings.orders import Given
from core import clock
from core.errors import Refused
from tests import factories as make
from tests.bookings.test_orders import do, reach, voucher_of
from vouchers import budgets, freezing, lifecycle, shares
from vouchers.policy import PolicyVersion
from vouchers.shares import Share

CITY = "331000"


def shared(session, *, money=10_000_000):
    """Lay out a scene in which the city pays a part of each order beside the county, out of a budget of `money` fen."""
    make.region(session, CITY)
    make.at(session, "2026-11-24T10:12+08:00")
    version = make.policy_version(session, cofunding=[{"funder": make.YUHUAN, "share": "0.6"}, {"funder": CITY, "share": "0.4"}])
    scene = make.scene(session)
    assert scene.voucher.policy_version_id == version.id
    if money:
        budgets.adopt(session, make.SYSTEM, version=version, year=clock.today(session).year, amount=money, request_id=make.key(), funder=CITY)
    return scene


def of(session, order_id):
    query = "SELECT s.* FROM share s JOIN hold h ON h.id = s.hold_id WHERE h.reference = :name AND h.state <> 'released'"
    return session.execute(text(query), {"name": f"order:{order_id}"}).one()


def city_free(session):
    version = session.query(PolicyVersion).order_by(PolicyVersion.id.desc()).first()
    return budgets.free(session, budgets.open_budget(session, funder=CITY, policy=version.policy, year=clock.today(session).year))


def test_a_co_funder_pays_its_layer_from_its_own_budget(session):
    scene = shared(session)
    made = make.order(session, scene)
    row, one = session.get_one(Order, made), of(session, made)
    assert (row.price, row.voucher_part, row.share_part, row.own_part) == (120_000, 72_000, 48_000, 0)
    assert (one.funder, one.amount, one.state) == (CITY, 48_000, "held")
    assert (city_free(session), voucher_of(session, scene).held) == (9_952_000, 72_000)


def test_shares_are_used_with_the_hold_and_released_with_it(session):
    scene = shared(session)
    used, off = reach(session, scene, "confirmed"), make.order(session, scene, nth=6)
    do(session, scene, "cancel", "enterprise", order_id=off)
    assert (of(session, used).state, of(session, used).used) == ("used", 48_000)
    assert city_free(session) == 9_952_000


@pytest.mark.parametrize(("decided", "used"), [(72_000, 48_000), (36_000, 24_000), (1, 0), (71_999, 47_999)])
def test_of_a_share_the_same_part_is_used_rounded_down(session, decided, used):
    from tests.bookings.test_offers import resolve

    scene = shared(session)
    made = reach(session, scene, "disputed")
    resolve(session, made, amount=decided)
    one = of(session, made)
    assert (one.used, one.state) == (used, "used" if used else "released")
    assert city_free(session) == 10_000_000 - used


@pytest.mark.parametrize("money", [0, 47_999])
def test_a_co_funder_that_is_short_pays_nothing_and_the_quote_says_so(session, money):
    scene = shared(session, money=money)
    found = quote(session, scene.buyer, make.wish(session, scene))
    assert (found.voucher_part, found.share_part, found.own_part) == (72_000, 0, 48_000)
    assert found.ruling.clauses[-1].code == "cofunding"
    made = make.order(session, scene, expected=(72_000, 48_000))
    assert session.get_one(Order, made).own_part == 48_000


def test_money_of_a_co_funder_that_goes_in_between_refuses_the_hold_as_a_whole(session):
    scene = shared(session, money=50_000)
    found = quote(session, scene.buyer, make.wish(session, scene))
    make.order(session, scene, nth=1)
    before = voucher_of(session, scene)
    ruled = lifecycle.Ruled(found.policy_version_id, found.layers)
    facts = {"voucher_id": scene.voucher.id, "amount": 72_000, "reference": "order:0", "request_id": make.key()}
    with pytest.raises(Refused) as no:
        lifecycle.hold(session, scene.buyer, **facts, ruled=ruled)
    assert (no.value.clause, voucher_of(session, scene)) == ("cofunding", before)
    with pytest.raises(Refused) as changed:
        checkout.book_and_hold(session, scene.buyer, make.wish(session, scene, nth=2, expected=(120_000, 0)), request_id="r")
    assert changed.value.clause == "changed"


def test_void_takes_the_shares_too(session):
    scene = shared(session)
    held, used = make.order(session, scene), reach(session, scene, "confirmed", nth=6)
    auditor, facts = make.officer("auditor"), {"voucher_id": scene.voucher.id, "reason": "示例理由"}
    freezing.freeze(session, auditor, request_id="f", **facts)
    freezing.void(session, make.officer("reviewer"), request_id="v", **facts)
    assert {of(session, one).state for one in (held, used)} == {"void"}
    assert session.scalar(text("SELECT balance FROM account WHERE code LIKE 'pool:331000:%'")) == 96_000


def test_a_share_that_nobody_claimed_lapses_with_its_voucher(session):
    scene = shared(session)
    made = reach(session, scene, "settled")
    make.at(session, "2035-01-01T00:00+08:00")
    lifecycle.expire(session, voucher_id=scene.voucher.id)
    lifecycle.expire_redeem(session, voucher_id=scene.voucher.id)
    assert of(session, made).state == "lapsed"


def test_no_share_is_written_for_an_order_that_one_funder_pays(session):
    scene = make.scene(session)
    make.order(session, scene)
    assert session.query(Share).count() == 0
    assert shares.affordable(session, ()) == ((), ())
    assert Given() == orders.EMPTY
