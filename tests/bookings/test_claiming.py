"""What an order's claim is checked for before it is sent: all of it told at once, what makes it wrong refused at its document, the rest a warning."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256

import pytest

from bookings import claiming
from bookings.entities import Order
from bookings.orders import EVENTS, Given
from core import clock
from core.errors import Forbidden, Invalid, NotFound, Refused
from tests import factories as make
from vouchers import claims
from vouchers.claims import Document
from vouchers.entities import Claim, Evidence
from vouchers.files import EvidenceFile

TODAY = date(2026, 11, 24)


def do(session, scene, number, event, *documents):
    who = scene.seller if event in ("accept", "deliver", "correct_report") else scene.buyer
    return EVENTS[event](session, who, order_id=number, request_id=make.key(), given=Given("示例理由", documents))


def settled(session, scene, *, nth=0, invoice=TODAY, payment=TODAY):
    """Book, deliver, confirm and pay at today's dates unless told; return the order's id."""
    number = make.order(session, scene, nth=nth)
    do(session, scene, number, "accept")
    do(session, scene, number, "deliver", Document("service_result", f"R-{number}", clock.today(session)))
    do(session, scene, number, "confirm")
    do(session, scene, number, "pay_own_part", Document("invoice", f"F-{number}", invoice), Document("payment_proof", f"P-{number}", payment))
    return number


def found(session, scene, number):
    return [(one.clause, one.kind, one.level) for one in claiming.check(session, scene.buyer, order_id=number)]


def another(session, number, *, day=TODAY, **read):
    """Put another invoice on top as no verb would take it, its file reading as told by its own code: one that was there before the check."""
    name = make.key()
    sha = sha256(name.encode()).hexdigest()
    row = EvidenceFile(sha256=sha, given=sha, size=1, mime="application/pdf", pages=1, bands=[], read=read)
    session.add(row)
    session.flush()
    session.add(Evidence(reference=f"order:{number}", kind="invoice", number=f"F-{name}", issued_on=day, file_id=row.id))
    session.flush()


@pytest.fixture
def scene(session):
    return make.scene(session)


def test_a_sound_claim_is_sent_and_both_parties_see_that_it_is(session, scene):
    number = settled(session, scene)
    for who in (scene.buyer, scene.seller):
        assert [one for one in claiming.check(session, who, order_id=number) if one.level == "stop"] == []
    assert session.get_one(Claim, do(session, scene, number, "claim")).state == "submitted"


def test_a_warning_only_warns(session, scene):
    number = settled(session, scene, payment=TODAY - timedelta(days=30))
    assert ("dates", "payment_proof", "warn") in found(session, scene, number)
    assert do(session, scene, number, "claim")


@pytest.mark.parametrize("days", [-1, 1, 40_000])
def test_an_impossible_date_stops_the_claim_at_its_document_until_it_is_corrected(session, scene, days):
    number = settled(session, scene)
    another(session, number, day=TODAY + timedelta(days=days))
    assert found(session, scene, number)[0] == ("dates", "invoice", "stop")
    with pytest.raises(Invalid) as no:
        do(session, scene, number, "claim")
    assert (no.value.field, "更正材料" in no.value.text) == ("invoice", True)
    do(session, scene, number, "correct_invoice", Document("invoice", f"F2-{number}", TODAY))
    assert do(session, scene, number, "claim")


@pytest.mark.parametrize(("event", "kind"), [("deliver", "service_result"), ("pay_own_part", "invoice")])
def test_a_document_older_than_its_contract_is_not_taken_at_all(session, scene, event, kind):
    number = make.order(session, scene)
    do(session, scene, number, "accept")
    day = TODAY - timedelta(days=1)
    if event == "pay_own_part":
        do(session, scene, number, "deliver", Document("service_result", f"R-{number}", TODAY))
        do(session, scene, number, "confirm")
    with pytest.raises(Invalid) as no:
        do(session, scene, number, event, Document(kind, f"X-{number}", day), Document("payment_proof", "P", TODAY))
    assert (no.value.field, no.value.params["day"]) == (kind, day)


@pytest.mark.parametrize(("total", "level"), [("1199.99", "stop"), ("0", None), ("0.01", "stop"), ("1200.00", None), ("99999", None), ("x", None)])
def test_an_invoice_below_what_is_claimed_stops_it(session, scene, total, level):
    """The voucher pays all of ¥1,200.00 here."""
    number = settled(session, scene)
    another(session, number, total=total)
    assert [one[2] for one in found(session, scene, number) if one[0] == "amount"] == ([level] if level else [])


def test_an_invoice_below_the_price_that_covers_the_claim_warns(session):
    scene = make.scene(session)
    scene.listing.price = 5_000_000
    session.flush()
    number = settled(session, scene)
    row = session.get_one(Order, number)
    assert row.voucher_part < row.price
    another(session, number, total=f"{(row.price - 1) / 100:.2f}")
    assert ("amount", "invoice", "warn") in found(session, scene, number)
    assert do(session, scene, number, "claim")


def test_the_same_invoice_behind_another_order_stops_the_claim(session, scene):
    first, second = settled(session, scene), settled(session, scene, nth=1)
    for number in (first, second):
        another(session, number, invoice="31002200", total="1200.00")
    with pytest.raises(Invalid) as no:
        do(session, scene, second, "claim")
    assert (no.value.field, "已经用在另一笔上" in no.value.text) == ("invoice", True)
    do(session, scene, second, "correct_invoice", Document("invoice", "F-OTHER", TODAY))
    assert do(session, scene, second, "claim")


def test_what_is_missing_is_told_before_anything_was_paid_and_not_sent(session, scene):
    number = make.order(session, scene)
    for event in ("accept", "deliver", "confirm"):
        do(session, scene, number, event, *([Document("service_result", f"R-{number}", TODAY)] if event == "deliver" else []))
    missing = [("evidence", "invoice", "stop"), ("evidence", "payment_proof", "stop")]
    assert [one for one in found(session, scene, number) if one[0] == "evidence"] == missing
    with pytest.raises(Refused):
        do(session, scene, number, "claim")


def test_a_document_is_corrected_only_while_no_claim_is_on_its_way_and_by_its_own_side(session, scene):
    number = settled(session, scene)
    report = Document("service_result", "R-NEW", TODAY)
    with pytest.raises(Forbidden):
        EVENTS["correct_report"](session, scene.buyer, order_id=number, request_id=make.key(), given=Given(documents=(report,)))
    asked = do(session, scene, number, "claim")
    with pytest.raises(Refused) as no:
        do(session, scene, number, "correct_report", report)
    assert no.value.clause == "claim"
    claims.review(session, make.officer("reviewer"), claim_id=asked, event="return", reason="报告不是这一份。", request_id=make.key())
    do(session, scene, number, "correct_report", report)
    assert do(session, scene, number, "claim") == asked


def test_a_returned_claim_is_checked_when_it_is_sent_again_by_its_id(session, scene):
    number = settled(session, scene)
    asked = do(session, scene, number, "claim")
    claims.review(session, make.officer("reviewer"), claim_id=asked, event="return", reason="发票日期不对。", request_id=make.key())
    another(session, number, day=TODAY - timedelta(days=1))
    with pytest.raises(Invalid):
        claiming.resend(session, scene.buyer, claim_id=asked, request_id=make.key())
    with pytest.raises(NotFound):
        claiming.resend(session, scene.seller, claim_id=asked, request_id=make.key())
    do(session, scene, number, "correct_invoice", Document("invoice", f"F2-{number}", TODAY))
    assert claiming.resend(session, scene.buyer, claim_id=asked, request_id=make.key()) == asked
    assert session.get_one(Claim, asked).state == "submitted"


def test_the_round_is_that_of_the_policy_and_strangers_learn_nothing(session, scene):
    number = settled(session, scene)
    told = claiming.settled_in(session, order_id=number)
    assert (1 <= told.number <= told.of, told.closes_on.year) == (True, 2026)
    stranger = make.enterprise_actor(make.enterprise(session))
    for act in (lambda: claiming.check(session, stranger, order_id=number), lambda: claiming.settled_in(session, order_id=0)):
        with pytest.raises(NotFound):
            act()
