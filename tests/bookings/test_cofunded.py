"""An order that a city and its district pay half each, from the hold to the account: two budgets, two claims, two batches, every fen explained."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text

from bookings import queries
from bookings.entities import Order
from bookings.orders import EVENTS, Given
from core import clock
from core.actor import SYSTEM
from core.errors import Forbidden, NotFound
from tests import factories as make
from tests.vouchers import model
from vouchers import batches, budgets, chart, claims, ledger
from vouchers.claims import Document
from vouchers.entities import Claim, Hold
from vouchers.settlement import BatchLine, SettlementBatch
from vouchers.shares import Share

CITY, DISTRICT, POLICY = "330100", "330106", "hangzhou-placeholder"
FACE, DISTRICTS, PRICE = 2_000_000, 100_000_000, 100_007
CITYS, DISTRICTS_PART, OWN = 25_002, 25_001, 50_004
"""Half of ¥1,000.07 is ruled, ¥500.03; the city and the district pay half of that each, the odd fen is the city's."""

REPORT = Document("service_result", "R-2", date(2026, 11, 24))


@pytest.fixture
def scene(session):
    make.at(session, "2026-11-24T10:12+08:00")
    version = make.policy_version(session, POLICY)
    make.region(session, DISTRICT)
    budgets.adopt(session, SYSTEM, version=version, year=2026, amount=DISTRICTS, request_id=make.key(), funder=DISTRICT)
    buyer, seller = make.enterprise(session, adcode=DISTRICT), make.carrier(session)
    opened = make.instrument(session, seller)
    voucher = make.voucher(session, buyer, code=POLICY)
    priced = make.listing(session, opened, price=PRICE)
    return make.Scene(buyer, seller, opened, priced, voucher, make.enterprise_actor(buyer), make.carrier_actor(seller))


def do(session, scene, number, event, *documents):
    who = scene.buyer if event in ("confirm", "pay_own_part") else scene.seller
    named = tuple(Document(kind, f"{kind}-{number}", clock.today(session)) for kind in documents)
    return EVENTS[event](session, who, order_id=number, request_id=make.key(), given=Given("示例理由", named))


def claimed(session, scene):
    """Take an order to its claims; return the order, the city's claim and the district's."""
    number = make.order(session, scene)
    do(session, scene, number, "accept")
    do(session, scene, number, "deliver", "service_result")
    do(session, scene, number, "confirm")
    do(session, scene, number, "pay_own_part", "invoice", "payment_proof")
    do(session, scene, number, "claim")
    hold = session.query(Hold).filter_by(reference=f"order:{number}").one()
    city, district = session.query(Claim).filter_by(hold_id=hold.id).order_by(Claim.id)
    return session.get_one(Order, number), city, district


def books(session, scene):
    """Return every fen by kind of account, but the treasuries' own."""
    session.expire_all()
    rows = session.execute(text("SELECT code, balance FROM account WHERE balance <> 0 AND kind <> 'treasury' ORDER BY code"))
    return {row.code: row.balance for row in rows}


def granted(session, claim):
    claims.review(session, make.officer("reviewer", claim.funder), claim_id=claim.id, event="check_ok", reason="", request_id=make.key())
    claims.approve(session, make.officer("finance", claim.funder), claim_id=claim.id, request_id=make.key())


def answered(session, claim, outcome):
    """Bring an approved claim into a batch of its funder and let the bank answer its one line; return the batch."""
    found = model.batch(session, claim.id)
    line = session.query(BatchLine).filter_by(batch_id=found, state="listed").one()
    bank = f"B-{make.key()}" if outcome == "成功" else ""
    model.take(session, found, model.statement(session, found, (line.reference, f"{line.amount / 100:.2f}", outcome, bank)))
    for step in (batches.close, batches.reconcile):
        step(session, make.officer("finance", claim.funder), batch_id=found, request_id=make.key())
    return session.get_one(SettlementBatch, found)


def test_the_hold_takes_both_layers_and_the_confirmation_uses_both(session, scene):
    district_budget = budgets.open_budget(session, funder=DISTRICT, policy=POLICY, year=2026)
    home = budgets.home(district_budget)
    number = make.order(session, scene)
    (share,) = session.query(Share)
    voucher = scene.voucher.id
    assert books(session, scene) == {
        chart.available(voucher): FACE - CITYS,
        chart.held(voucher): CITYS,
        chart.share_held(share.id): DISTRICTS_PART,
        home: DISTRICTS - DISTRICTS_PART,
    }
    do(session, scene, number, "accept")
    do(session, scene, number, "deliver", "service_result")
    do(session, scene, number, "confirm")
    assert books(session, scene) == {
        chart.available(voucher): FACE - CITYS,
        chart.used(voucher): CITYS,
        chart.share_used(share.id): DISTRICTS_PART,
        home: DISTRICTS - DISTRICTS_PART,
    }


@pytest.mark.parametrize("failing", ["city", "district"])
def test_two_claims_go_their_own_ways_one_fails_alone_and_is_paid_later(session, scene, failing):
    row, city, district = claimed(session, scene)
    assert [(one.funder, one.amount, one.payee_id, one.state) for one in (city, district)] == [
        (CITY, CITYS, scene.carrier.id, "submitted"),
        (DISTRICT, DISTRICTS_PART, scene.carrier.id, "submitted"),
    ]
    for one in (city, district):
        granted(session, one)
    late, soon = (city, district) if failing == "city" else (district, city)
    assert answered(session, late, "失败").state == "reconciled"
    assert answered(session, soon, "成功").state == "reconciled"
    session.expire_all()
    assert (late.state, soon.state, late.payout_id) == ("approved", "paid", None)
    source = claims.source_of(session, late)
    assert ledger.balance(session, source) == late.amount  # the money waits where it was
    assert answered(session, late, "成功").state == "reconciled"
    session.expire_all()
    assert [line.state for line in session.query(BatchLine).filter_by(claim_id=late.id).order_by(BatchLine.id)] == ["failed", "paid"]
    home = budgets.home(budgets.open_budget(session, funder=DISTRICT, policy=POLICY, year=2026))
    assert books(session, scene) == {
        chart.available(scene.voucher.id): FACE - CITYS,
        chart.paid(city.payout_id): CITYS,
        chart.paid(district.payout_id): DISTRICTS_PART,
        home: DISTRICTS - DISTRICTS_PART,
    }
    assert row.price == CITYS + DISTRICTS_PART + OWN == row.voucher_part + row.share_part + row.own_part
    treasuries = [ledger.balance(session, chart.treasury(funder)) for funder in (CITY, DISTRICT)]
    assert treasuries == [-FACE, -DISTRICTS]


def test_each_claim_is_decided_by_the_officers_of_its_own_funder_alone(session, scene):
    _, city, district = claimed(session, scene)
    for one, other in ((city, DISTRICT), (district, CITY)):
        for who in (make.officer("reviewer", other), make.officer("reviewer", model.YUHUAN)):
            with pytest.raises((Forbidden, NotFound)):
                claims.review(session, who, claim_id=one.id, event="check_ok", reason="", request_id=make.key())
    granted(session, city)
    assert (city.state, district.state) == ("approved", "submitted")
    model.account(session, scene.carrier.id)
    found = batches.open_batch(session, make.officer("finance", CITY), request_id=make.key())
    assert [line.claim_id for line in batches.lines_of(session, found)] == [city.id]


def test_one_claim_returned_alone_is_sent_again_alone(session, scene):
    row, city, district = claimed(session, scene)
    granted(session, city)
    claims.review(session, make.officer("reviewer", DISTRICT), claim_id=district.id, event="return", reason="报告缺页。", request_id=make.key())
    page = queries.order_of(session, scene.seller, row.id)
    assert (page.claim_state, page.returned) == ("approved", True)
    EVENTS["correct_report"](session, scene.seller, order_id=row.id, request_id=make.key(), given=Given(documents=(REPORT,)))
    assert do(session, scene, row.id, "claim") == district.id
    (share,) = queries.shares_of(session, row.id)
    assert (share.claim_code, share.claim_state) == (district.code, "submitted")
    assert (city.state, district.state) == ("approved", "submitted")


def test_one_claim_refused_leaves_the_other_and_its_money_is_still_explained(session, scene):
    _, city, district = claimed(session, scene)
    refusal = {"event": "refuse", "reason": "示例：不属于本区企业", "request_id": make.key()}
    claims.review(session, make.officer("reviewer", DISTRICT), claim_id=district.id, **refusal)
    granted(session, city)
    answered(session, city, "成功")
    session.expire_all()
    assert (city.state, district.state) == ("paid", "refused")
    assert ledger.balance(session, claims.source_of(session, district)) == DISTRICTS_PART
