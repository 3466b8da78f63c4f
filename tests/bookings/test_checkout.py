"""Checkout: the price, what the voucher pays and why; slot and voucher are taken together or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bookings import checkout, lifecycle, orders, queries
from bookings.checkout import BEST, best_terms, book_and_hold, quote
from bookings.entities import Booking, Order
from core.errors import Forbidden, Invalid, NotFound, Refused, RequestReused
from geodata.instruments import Listing
from tests import factories as make
from vouchers import ledger, policy
from vouchers import lifecycle as money
from vouchers.entities import Hold
from vouchers.queries import vouchers_of

COUNTS = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM booking), (SELECT count(*) FROM hold), (SELECT count(*) FROM request)"


def counts(session):
    return tuple(session.execute(text(COUNTS)).one())


def available(session, scene, nth=0):
    return vouchers_of(session, scene.enterprise.id)[nth].available


def refuses(session, scene, wish, *, actor=None, request_id=None):
    """Book, expect a refusal, and see that nothing was left behind."""
    before = counts(session)
    with pytest.raises(Refused) as no:
        book_and_hold(session, actor or scene.buyer, wish, request_id=request_id or make.key())
    assert counts(session) == before
    return no.value


def test_a_booking_takes_the_slot_and_freezes_the_voucher(session):
    scene = make.scene(session)
    wish = make.wish(session, scene)
    made = session.get_one(Order, book_and_hold(session, scene.buyer, wish, request_id="r1"))
    assert (made.code, made.state, made.price, made.voucher_part, made.own_part) == (f"YY-{made.id}", "offered", 120_000, 120_000, 0)
    assert made.voucher_id == scene.voucher.id
    assert made.contract_date.isoformat() == "2026-11-24"
    assert session.query(Booking).one().state == "requested"
    held = session.query(Hold).one()
    assert (held.reference, held.amount, held.state) == (f"order:{made.id}", 120_000, "held")
    assert available(session, scene) == 2_000_000 - 120_000


def test_the_order_keeps_the_clauses_that_decided(session):
    scene = make.scene(session)
    made = session.get_one(Order, make.order(session, scene))
    assert {"service", "related_party", "statutory_test", "tiers"} <= {clause["code"] for clause in made.clauses}


def test_without_a_voucher_the_enterprise_pays_all(session):
    scene = make.scene(session)
    made = session.get_one(Order, make.order(session, scene, voucher=None))
    assert (made.voucher_part, made.own_part, made.voucher_id, made.clauses) == (0, 120_000, None, [])
    assert available(session, scene) == 2_000_000


def test_a_voucher_may_be_named_by_its_code(session):
    scene = make.scene(session)
    made = session.get_one(Order, make.order(session, scene, voucher=scene.voucher.code))
    assert made.voucher_id == scene.voucher.id


def test_a_voucher_that_is_too_small_pays_what_it_can(session):
    scene = make.scene(session, face=50_000)
    made = session.get_one(Order, make.order(session, scene))
    assert (made.voucher_part, made.own_part) == (50_000, 70_000)
    assert available(session, scene) == 0


def test_an_empty_voucher_is_refused_with_a_way_out(session):
    scene = make.scene(session, face=120_000)
    make.order(session, scene)
    no = refuses(session, scene, make.wish(session, scene, nth=1))
    assert no.clause == "balance"
    assert "1,200.00" in str(no)


def test_the_time_to_answer_is_a_day_and_never_after_the_slot_begins(session):
    scene = make.scene(session)
    late, soon = make.wish(session, scene, nth=4), make.wish(session, scene)
    make.at(session, soon.start - timedelta(hours=2))
    assert quote(session, scene.buyer, soon).answer_by == soon.start
    assert quote(session, scene.buyer, late).answer_by == soon.start + timedelta(hours=22)


def test_an_expired_voucher_is_refused_and_says_when_it_expired(session):
    scene = make.scene(session)
    make.at(session, "2027-02-25T00:00+08:00")
    no = refuses(session, scene, make.wish(session, scene))
    assert no.clause == "expires_use"
    assert "2027-02-24" in str(no)


def test_a_voucher_pays_until_the_end_of_its_last_day(session):
    scene = make.scene(session)
    make.at(session, "2027-02-24T23:59:59+08:00")
    assert session.get_one(Order, make.order(session, scene)).voucher_part == 120_000


def test_a_frozen_voucher_is_refused(session, as_owner):
    scene = make.scene(session)
    with as_owner(session):
        session.execute(text("UPDATE voucher SET state = 'frozen', frozen_from = 'active', row_version = 1"))
        session.execute(
            text(
                "INSERT INTO audit (role, subject, subject_id, event, before, after, reason, detail) VALUES ('auditor', 'voucher', :id, 'freeze', 'active', 'frozen', '', '{}')"
            ),
            {"id": scene.voucher.id},
        )
    assert refuses(session, scene, make.wish(session, scene)).clause == "frozen"


def test_another_ones_voucher_looks_as_if_it_did_not_exist(session):
    scene = make.scene(session)
    stranger = make.voucher(session)
    before = counts(session)
    for name in (stranger.id, stranger.code, 10**12, "YH-none"):
        with pytest.raises(NotFound):
            make.order(session, scene, voucher=name)
    assert counts(session) == before


def test_a_taken_slot_is_refused_and_the_next_free_one_is_named(session):
    scene = make.scene(session)
    make.order(session, scene)
    no = refuses(session, scene, make.wish(session, scene))
    assert no.clause == "slot_taken"
    assert "2026-11-24 13:30–17:00" in str(no)


def test_when_no_slot_is_left_the_refusal_says_so(session):
    scene = make.scene(session)
    scene.instrument.hours = {"5": [["09:00", "12:00"]]}
    for nth in range(3):
        make.order(session, scene, nth=nth)
    assert "三周" in str(refuses(session, scene, make.wish(session, scene, nth=0)))


def test_a_quote_refuses_a_taken_slot_before_anybody_confirms(session):
    scene = make.scene(session)
    make.order(session, scene)
    with pytest.raises(Refused) as no:
        quote(session, scene.buyer, make.wish(session, scene))
    assert no.value.clause == "slot_taken"


@pytest.mark.parametrize("state", ["draft", "suspended", "withdrawn"])
def test_a_listing_that_is_not_open_cannot_be_booked(session, state):
    scene = make.scene(session)
    session.get_one(Listing, scene.listing.id).state = state
    session.flush()
    assert refuses(session, scene, make.wish(session, scene)).clause == "listing"


def test_a_service_that_is_not_listed_cannot_be_booked(session):
    scene = make.scene(session)
    assert refuses(session, scene, make.wish(session, scene, service="novelty_search")).clause == "listing"


@pytest.mark.parametrize("columns", [{"is_open": False}, {"status": "maintenance"}, {"status": "retired"}])
def test_an_instrument_that_does_not_work_or_is_not_open_cannot_be_booked(session, columns):
    scene = make.scene(session)
    for name, value in columns.items():
        setattr(scene.instrument, name, value)
    session.flush()
    assert refuses(session, scene, make.wish(session, scene)).clause == "instrument"


def test_an_unknown_instrument_is_not_found(session):
    scene = make.scene(session)
    with pytest.raises(NotFound):
        make.order(session, scene, instrument_id=10**9)


def test_a_slot_of_the_past_cannot_be_booked(session):
    scene = make.scene(session)
    wish = make.wish(session, scene)
    make.at(session, wish.start)
    assert refuses(session, scene, wish).clause == "past"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-25T08:30", "2026-11-25T10:00"),
        ("2026-11-28T09:00", "2026-11-28T10:00"),
        ("2026-11-25T11:00", "2026-11-25T14:00"),
        ("2026-11-25T10:00", "2026-11-25T10:00"),
        ("2026-11-25T11:00", "2026-11-25T10:00"),
    ],
)
def test_a_slot_outside_the_opening_hours_cannot_be_booked(session, start, end):
    scene = make.scene(session)
    span = {"start": datetime.fromisoformat(start + "+08:00"), "end": datetime.fromisoformat(end + "+08:00")}
    assert refuses(session, scene, make.wish(session, scene, **span)).clause == "hours"


def test_a_slot_far_ahead_cannot_be_booked(session):
    scene = make.scene(session)
    far = datetime.max.replace(tzinfo=UTC)
    wish = replace(make.wish(session, scene), start=far - timedelta(hours=1), end=far)
    assert refuses(session, scene, wish).clause == "ahead"


def test_a_time_without_offset_is_not_usable(session):
    scene = make.scene(session)
    with pytest.raises(Invalid) as no:
        make.order(session, scene, start=datetime(2026, 11, 25, 9), end=datetime(2026, 11, 25, 12))  # noqa: DTZ001
    assert no.value.field == "start"


@pytest.mark.parametrize("attribute", ["statutory_test", "funded_by_city_project_this_or_last_year"])
def test_what_the_policy_excludes_gets_no_voucher_but_may_be_paid_in_full(session, attribute):
    scene = make.scene(session)
    wish = make.wish(session, scene, attributes=frozenset({attribute}))
    no = refuses(session, scene, wish)
    assert no.clause == attribute
    assert "1,200.00" in str(no)
    assert session.get_one(Order, book_and_hold(session, scene.buyer, replace(wish, voucher=None), request_id="r2")).own_part == 120_000


def test_an_attribute_that_does_not_exist_is_named(session):
    scene = make.scene(session)
    with pytest.raises(Invalid, match="related_party"):
        make.order(session, scene, attributes=frozenset({"related_party"}))


def test_organisations_under_one_controller_cannot_use_a_voucher_between_them(session):
    scene = make.scene(session)
    scene.enterprise.controller = scene.carrier.controller = "示例控制人"
    session.flush()
    assert refuses(session, scene, make.wish(session, scene)).clause == "related_party"
    assert refuses(session, scene, make.wish(session, scene, voucher=BEST)).clause == "related_party"


def test_nobody_books_at_his_own_organisation(session):
    scene = make.scene(session)
    assert refuses(session, scene, make.wish(session, scene, voucher=None), actor=make.enterprise_actor(scene.carrier)).clause == "parties"


@pytest.mark.parametrize("role", ["carrier", "reviewer", "finance", "auditor", "planner", "public", "system"])
def test_only_enterprises_and_teams_book(session, role):
    scene = make.scene(session)
    with pytest.raises(Forbidden):
        book_and_hold(session, replace(scene.buyer, role=role), make.wish(session, scene), request_id="r")


def test_a_confirmed_sum_that_no_longer_holds_is_refused_with_the_new_sums(session):
    scene = make.scene(session, face=50_000)
    wish = make.wish(session, scene, expected=(120_000, 0))
    no = refuses(session, scene, wish)
    assert no.clause == "changed"
    assert "500.00" in str(no)
    assert "700.00" in str(no)
    assert book_and_hold(session, scene.buyer, replace(wish, expected=(50_000, 70_000)), request_id="r2")


def test_the_year_cap_bounds_a_second_order(session):
    scene = make.scene(session)
    make.policy_version(session, caps={"per_application": 150_000, "per_year": 150_000})
    one, other = (make.voucher(session, scene.enterprise, face=150_000) for _ in range(2))
    make.order(session, scene, voucher=one.id)
    second = session.get_one(Order, make.order(session, scene, nth=1, voucher=other.id))
    assert (second.voucher_part, second.own_part) == (30_000, 90_000)
    assert refuses(session, scene, make.wish(session, scene, nth=2, voucher=other.id)).clause == "per_year"


def test_an_order_is_ruled_by_the_version_in_force_that_day_and_keeps_it(session):
    scene = make.scene(session)
    before = session.get_one(Order, make.order(session, scene))
    old = (before.voucher_part, before.policy_version_id)
    half = make.policy_version(session, tiers=[{"upto": None, "ratio": "0.5"}])
    after = session.get_one(Order, make.order(session, scene, nth=1))
    assert (after.voucher_part, after.policy_version_id) == (60_000, half.id)
    session.refresh(before)
    assert (before.voucher_part, before.policy_version_id) == old == (120_000, scene.voucher.policy_version_id)
    assert session.scalar(text("SELECT policy_version_id FROM hold WHERE reference = :name"), {"name": f"order:{after.id}"}) == half.id


def test_the_voucher_that_expires_first_is_used_first(session):
    scene = make.scene(session)
    make.at(session, "2026-12-24T10:00+08:00")
    make.voucher(session, scene.enterprise)
    assert session.get_one(Order, make.order(session, scene, voucher=BEST)).voucher_id == scene.voucher.id


def test_best_passes_over_a_voucher_that_may_not_buy_this_service(session):
    scene = make.scene(session)
    services = {**make.terms().services.model_dump(), "allow": ("test_analysis", "industrial_design")}
    policy.publish(session, make.terms(id="yuhuan-wider", prefix="YW", services=services))
    make.at(session, "2026-12-24T10:00+08:00")
    wider = make.voucher(session, scene.enterprise, code="yuhuan-wider")
    make.listing(session, scene.instrument, service_code="industrial_design")
    wish = make.wish(session, scene, service="industrial_design")
    asked = quote(session, scene.buyer, wish)
    assert (asked.refusal.clause, asked.instead.id) == ("service", wider.id)
    assert session.get_one(Order, book_and_hold(session, scene.buyer, replace(wish, voucher=BEST), request_id="r")).voucher_id == wider.id


def test_best_without_any_voucher_is_refused(session):
    scene = make.scene(session)
    assert refuses(session, scene, make.wish(session, scene, voucher=BEST), actor=make.enterprise_actor(make.enterprise(session))).clause == "voucher"


def test_a_quote_says_all_that_a_person_must_know(session):
    scene = make.scene(session, face=50_000)
    found = quote(session, scene.buyer, make.wish(session, scene, nth=6, voucher=BEST))
    assert (found.price, found.voucher_part, found.own_part, found.voucher.id, found.refusal) == (120_000, 50_000, 70_000, scene.voucher.id, None)
    assert found.report_on.isoformat() == "2026-12-02"
    assert found.cancel_until.isoformat() == "2026-11-29T09:00:00+08:00"
    assert counts(session)[:3] == (0, 0, 0)


def test_somebody_who_is_not_logged_in_sees_the_price(session):
    scene = make.scene(session)
    assert quote(session, replace(scene.buyer, role="public"), make.wish(session, scene, voucher=None)).own_part == 120_000


def test_the_net_price_of_many_candidates_is_what_their_quotes_say(session):
    scene = make.scene(session, face=1_500_000)
    terms = best_terms(session, scene.buyer)
    for price in (1, 99_999, 1_000_001, 1_500_000, 9_000_000):
        scene.listing.price = price
        session.flush()
        found = quote(session, scene.buyer, make.wish(session, scene, voucher=BEST))
        place = {"carrier_id": scene.carrier.id, "carrier_region": scene.carrier.adcode}
        assert terms.choose(price, "test_analysis", **place)[1] == found.ruling


def test_the_net_price_knows_related_carriers(session):
    scene = make.scene(session)
    related = make.carrier(session, controller="示例控制人")
    scene.enterprise.controller = "示例控制人"
    session.flush()
    terms = best_terms(session, scene.buyer)
    assert terms.choose(120_000, "test_analysis", carrier_id=related.id)[1].amount == 0
    assert terms.choose(120_000, "test_analysis", carrier_id=scene.carrier.id)[1].amount == 120_000


def test_the_same_request_books_once_and_answers_alike(session):
    scene = make.scene(session)
    wish = make.wish(session, scene)
    first = book_and_hold(session, scene.buyer, wish, request_id="again")
    elsewhere = replace(wish, start=wish.start.astimezone(UTC), end=wish.end.astimezone(UTC))
    assert book_and_hold(session, scene.buyer, elsewhere, request_id="again") == first
    assert counts(session)[:3] == (1, 1, 1)


def test_the_same_request_id_with_another_wish_is_refused(session):
    scene = make.scene(session)
    make_first = make.wish(session, scene)
    book_and_hold(session, scene.buyer, make_first, request_id="again")
    with pytest.raises(RequestReused):
        book_and_hold(session, scene.buyer, make.wish(session, scene, nth=1), request_id="again")
    assert counts(session)[:3] == (1, 1, 1)


@pytest.mark.parametrize(
    ("where", "what"), [(ledger, "post"), (lifecycle, "request"), (money, "hold"), (checkout, "born"), (lifecycle, "born"), (money, "born")]
)
def test_a_failure_at_any_step_leaves_nothing(session, monkeypatch, where, what):
    scene = make.scene(session)
    wish, before = make.wish(session, scene), counts(session)
    for calls_first in (False, True):
        done = getattr(where, what)

        def fails(*args, done=done, calls_first=calls_first, **more):
            if calls_first:
                done(*args, **more)
            raise ConnectionError("the step failed")

        with monkeypatch.context() as patch:
            patch.setattr(where, what, fails)
            with pytest.raises(ConnectionError):
                book_and_hold(session, scene.buyer, wish, request_id="fails")
        assert counts(session) == before
        assert available(session, scene) == 2_000_000
    assert book_and_hold(session, scene.buyer, wish, request_id="fails")


def test_a_cancelled_slot_can_be_booked_again(session):
    scene = make.scene(session)
    orders.cancel(session, scene.buyer, order_id=make.order(session, scene), request_id="c")
    assert make.order(session, scene)
    assert available(session, scene) == 2_000_000 - 120_000
    assert len(queries.orders_of(session, scene.enterprise.id)) == 2
