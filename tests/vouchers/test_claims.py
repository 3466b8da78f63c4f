"""Redemption: three persons and no party, every paper once, the right payee, the right day; and money leaves exactly once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import Forbidden, Invalid, NotFound, Refused
from tests.vouchers import model
from tests.vouchers.model import actor, freeze, member, passes, refused
from vouchers import batches, chart, claims, ledger, recovery
from vouchers.claims import Document
from vouchers.entities import CLAIM, Claim

STATES = ("draft", "submitted", "refused", "verified", "approved", "batched", "paid", "recovering", "recovered")


def brought_to(session: Session, state: str) -> tuple[model.Deal, int]:
    deal = model.deal(session)
    claim = model.claimed(session, deal)
    if state in ("draft", "refused"):
        model.check(session, claim, {"draft": "return", "refused": "refuse"}[state])
    place = STATES.index(state)
    if place >= STATES.index("verified"):
        model.check(session, claim)
    if place >= STATES.index("approved"):
        model.approve(session, claim)
    if state == "batched":
        model.batch(session, claim, "open")
    if place >= STATES.index("paid"):
        model.pay(session, claim)
    if place >= STATES.index("recovering"):
        case = recovery.open_case(session, model.officer("finance"), claim_id=claim, reason="示例", request_id=model.key())
    if state == "recovered":
        model.money_back(session, case)
    assert session.get_one(Claim, claim).state == state
    return deal, claim


@pytest.mark.parametrize("state", STATES)
def test_a_claim_takes_no_event_but_those_of_its_table(session: Session, state: str) -> None:
    deal, claim = brought_to(session, state)
    before = model.fingerprint(session)
    for role in model.ROLES:
        for event, act in _acts(session, claim, actor(role, deal.holder)).items():
            allowed = any((a.state, a.event) == (state, event) and role in a.roles for a in CLAIM)
            assert passes(session, act, before) == allowed, (state, event, role)


def _acts(session: Session, claim: int, who: Actor) -> dict[str, Callable[[], int]]:
    """Give every verb that a claim has, and one event that it has not, done by `who`."""
    reviews = ("check_ok", "return", "refuse")
    return {event: partial(model.check, session, claim, event, by=who) for event in reviews} | {
        "approve": partial(model.approve, session, claim, by=who),
        "void": lambda: refuse_unless(claims.drop_for_void(session, who, hold_id=hold_of(session, claim), reason="示例", request_id=model.key())),
        "recover": lambda: recovery.open_case(session, who, claim_id=claim, reason="示例", request_id=model.key(), decided=who.role == "reviewer"),
        "submit": lambda: claims.resubmit(session, who, claim_id=claim, request_id=model.key()),
    }


def refuse_unless(dropped: int) -> int:
    """Count an event that did nothing as refused."""
    if not dropped:
        raise Refused("state", "示例")
    return dropped


def hold_of(session: Session, claim: int) -> int:
    return session.get_one(Claim, claim).hold_id


def test_the_whole_way_moves_the_money_once_from_used_to_paid(session: Session) -> None:
    deal, claim = brought_to(session, "approved")
    payout = model.pay(session, claim)
    assert ledger.balance(session, chart.paid(payout)) == 500_000
    assert ledger.balance(session, chart.used(deal.voucher.id)) == 0
    with refused(session, Refused, "claims"):
        batches.open_batch(session, model.officer("finance"), request_id=model.key())


def test_no_one_person_both_checks_and_approves(session: Session) -> None:
    _, claim = brought_to(session, "submitted")
    model.check(session, claim, by=model.officer("reviewer", user_id=11))
    with refused(session, Forbidden):
        model.approve(session, claim, by=model.officer("finance", user_id=11))


STEPS = {
    "submitted": lambda session, claim, **who: model.check(session, claim, by=Actor("reviewer", **who)),
    "verified": lambda session, claim, **who: model.approve(session, claim, by=Actor("finance", **who)),
}


@pytest.mark.parametrize("state", STEPS)
def test_no_officer_of_another_region_finds_the_claim(session: Session, state: str) -> None:
    _, claim = brought_to(session, state)
    for region in ("330500", "331000", "330000", None):
        with refused(session, NotFound):
            STEPS[state](session, claim, user_id=5, region=region)


@pytest.mark.parametrize("state", STEPS)
@pytest.mark.parametrize("side", ["holder", "carrier"])
def test_no_officer_who_belongs_to_a_party_takes_a_step_whatever_hat_he_wears(session: Session, state: str, side: str) -> None:
    """An officer acts for the bureau; that the enterprise or the carrier has him on its books too, his membership tells."""
    deal, claim = brought_to(session, state)
    party = getattr(deal, side)
    with refused(session, Forbidden):
        STEPS[state](session, claim, user_id=5, organisation_id=party.id, region=model.YUHUAN)
    insider = member(session, party)
    with refused(session, Forbidden):
        STEPS[state](session, claim, user_id=insider, region=model.YUHUAN)


@pytest.mark.parametrize("state", STEPS)
def test_who_claimed_takes_no_step_and_a_step_without_a_person_is_none(session: Session, state: str) -> None:
    deal, claim = brought_to(session, state)
    for user in (model.person(deal.holder).user_id, None):
        with refused(session, Forbidden):
            STEPS[state](session, claim, user_id=user, region=model.YUHUAN)


def test_a_returned_claim_comes_back_to_the_reviewer_who_knows_it(session: Session) -> None:
    deal, claim = brought_to(session, "submitted")
    reviewer = model.officer("reviewer")
    model.check(session, claim, "return", by=reviewer)
    claims.resubmit(session, model.person(deal.holder), claim_id=claim, request_id=model.key())
    model.check(session, claim, by=reviewer)
    assert session.get_one(Claim, claim).state == "verified"


@pytest.mark.parametrize("event", ["return", "refuse"])
def test_a_reviewer_who_says_no_must_say_why(session: Session, event: str) -> None:
    _, claim = brought_to(session, "submitted")
    with refused(session, Invalid):
        claims.review(session, model.officer("reviewer"), claim_id=claim, event=event, reason=" ", request_id=model.key())


# Who is paid --------------------------------------------------------------------------------------------------------------------------------


def test_where_the_enterprise_is_paid_neither_the_carrier_nor_a_stranger_can_claim(session: Session) -> None:
    deal = model.deal(session)
    model.prove(session, deal)
    stranger = model.organisation(session)
    claim = dict(hold_id=deal.hold_id, request_id=model.key())
    for thief, parties, error in (
        (deal.carrier, deal.parties, Refused),
        (stranger, (stranger.id,), Refused),
        (stranger, (stranger.id, *deal.parties), Refused),
        (stranger, deal.parties, NotFound),
    ):
        with refused(session, error):
            claims.submit(session, model.person(thief), payee_id=thief.id, parties=parties, **claim)
    with refused(session, NotFound):
        claims.submit(session, model.person(stranger), payee_id=deal.holder.id, parties=deal.parties, **claim)


def test_where_the_carrier_is_paid_the_enterprise_cannot_claim(session: Session) -> None:
    deal = model.deal(session, code="huzhou-2017")
    model.prove(session, deal)
    with refused(session, Refused, "payee"):
        claims.submit(session, model.person(deal.holder), hold_id=deal.hold_id, payee_id=deal.holder.id, parties=deal.parties, request_id=model.key())
    claims.submit(session, model.person(deal.carrier), hold_id=deal.hold_id, payee_id=deal.carrier.id, parties=deal.parties, request_id=model.key())


@pytest.mark.parametrize("role", [role for role in model.ROLES if role != "enterprise"])
def test_only_a_person_of_the_payee_acting_for_it_can_claim(session: Session, role: Any) -> None:
    deal = model.deal(session)
    model.prove(session, deal)
    claim = dict(hold_id=deal.hold_id, payee_id=deal.holder.id, parties=deal.parties, request_id=model.key())
    who = Actor(role, 5, deal.holder.id, model.YUHUAN)
    assert passes(session, lambda: claims.submit(session, who, **claim)) == (role == "carrier")


def test_one_hold_is_claimed_once_also_after_a_refusal(session: Session) -> None:
    deal, claim = brought_to(session, "submitted")
    again = dict(hold_id=deal.hold_id, payee_id=deal.holder.id, parties=deal.parties)
    with refused(session, Refused, "claimed"):
        claims.submit(session, model.person(deal.holder), request_id=model.key(), **again)
    model.check(session, claim, "refuse")
    with refused(session, Refused, "claimed"):
        claims.submit(session, model.person(deal.holder), request_id=model.key(), **again)


def test_what_is_only_held_or_was_released_cannot_be_claimed(session: Session) -> None:
    deal = model.deal(session)
    hold_id = model.held(session, deal.holder, deal.voucher, amount=1000, reference="order:5")
    claim = dict(hold_id=hold_id, payee_id=deal.holder.id, parties=deal.parties)
    with refused(session, Refused, "hold"):
        claims.submit(session, model.person(deal.holder), request_id=model.key(), **claim)
    model.lifecycle.release(session, model.person(deal.holder), hold_id=hold_id, reason="", request_id=model.key())
    with refused(session, Refused, "hold"):
        claims.submit(session, model.person(deal.holder), request_id=model.key(), **claim)


@pytest.mark.parametrize("state", ["used", "draft"])
def test_nothing_is_claimed_while_the_voucher_is_frozen(session: Session, state: str) -> None:
    deal, claim = (model.deal(session), 0) if state == "used" else brought_to(session, state)
    acts = {
        "used": lambda: model.claimed(session, deal),
        "draft": lambda: claims.resubmit(session, model.person(deal.holder), claim_id=claim, request_id=model.key()),
    }
    if state == "used":
        model.prove(session, deal)
        acts["used"] = lambda: claims.submit(
            session, model.person(deal.holder), hold_id=deal.hold_id, payee_id=deal.holder.id, parties=deal.parties, request_id=model.key()
        )
    freeze(session, deal.voucher)
    with refused(session, Refused, "frozen"):
        acts[state]()


# Papers and days ----------------------------------------------------------------------------------------------------------------------------


def _add(session: Session, of: model.Deal, kind: str, number: str, *, day: date = date(2026, 3, 1), reference: str = "") -> None:
    document = Document(kind, number, day)
    claims.add_evidence(session, model.person(of.holder), reference=reference or of.reference, document=document)


SAME = [
    "033001900104-12345678",
    " 033001900104-12345678 ",
    "０３３００１９００１０４－１２３４５６７８",
    "033001900104–12345678",
    "033001 900104-12345678",
    "0330019\u200b00104-12345678",
]


@pytest.mark.parametrize("typed", SAME)
def test_the_same_invoice_proves_one_order_however_its_number_is_typed(session: Session, typed: str) -> None:
    deal = model.deal(session)
    _add(session, deal, "invoice", SAME[0])
    with refused(session, Refused, "evidence"):
        _add(session, deal, "invoice", typed, reference="order:2")
    _add(session, deal, "invoice", typed)


@pytest.mark.parametrize("typed", ["fp-2026-a001", "ＦＰ－２０２６－Ａ００１", "FP2026A001", "FP 2026/A001", "fp_2026.a001"])
def test_case_width_and_separators_make_no_new_invoice(session: Session, typed: str) -> None:
    deal = model.deal(session)
    _add(session, deal, "invoice", "FP-2026-A001")
    with refused(session, Refused, "evidence"):
        _add(session, deal, "invoice", typed, reference="order:2")


def test_one_number_may_be_of_two_kinds_and_two_numbers_of_one(session: Session) -> None:
    deal = model.deal(session)
    _add(session, deal, "invoice", "2026-1")
    _add(session, deal, "payment_proof", "2026-1")
    _add(session, deal, "invoice", "2026-2", reference="order:2")


@pytest.mark.parametrize("number", ["", "  ", "\u3000", "\u200b", "9" * 81])
def test_a_number_that_says_nothing_is_no_evidence(session: Session, number: str) -> None:
    deal = model.deal(session)
    with refused(session, Invalid):
        _add(session, deal, "invoice", number)


def test_a_paper_of_tomorrow_is_refused_and_one_of_today_in_shanghai_is_not(session: Session) -> None:
    deal = model.deal(session, now="2026-03-10T16:30:00+00:00")
    with refused(session, Invalid):
        _add(session, deal, "invoice", "1", day=date(2026, 3, 12))
    _add(session, deal, "invoice", "1", day=date(2026, 3, 11))


@pytest.mark.parametrize("kind", ["service_result", "invoice", "payment_proof"])
def test_a_claim_with_one_kind_of_evidence_missing_is_refused(session: Session, kind: str) -> None:
    deal = model.deal(session)
    model.prove(session, deal, but=kind)
    with refused(session, Refused, "evidence"):
        claims.submit(session, model.person(deal.holder), hold_id=deal.hold_id, payee_id=deal.holder.id, parties=deal.parties, request_id=model.key())


def test_evidence_of_another_order_does_not_count(session: Session) -> None:
    one, other = model.deal(session), model.deal(session)
    model.prove(session, other)
    with refused(session, Refused, "evidence"):
        claims.submit(session, model.person(one.holder), hold_id=one.hold_id, payee_id=one.holder.id, parties=one.parties, request_id=model.key())


@pytest.mark.parametrize(("instant", "fine"), [("2027-06-10T23:59:59+08:00", True), ("2027-06-11T00:00:00+08:00", False)])
def test_a_claim_is_taken_until_midnight_of_the_last_day_in_shanghai(session: Session, instant: str, fine: bool) -> None:
    deal = model.deal(session)
    model.prove(session, deal)
    assert deal.voucher.expires_redeem == date(2027, 6, 10)
    model.at(session, instant)
    claim = dict(hold_id=deal.hold_id, payee_id=deal.holder.id, parties=deal.parties, request_id=model.key())
    assert passes(session, lambda: claims.submit(session, model.person(deal.holder), **claim)) == fine


def test_a_claim_in_time_is_paid_after_the_last_day(session: Session) -> None:
    deal, claim = brought_to(session, "approved")
    model.at(session, "2027-06-11T00:00:00+08:00")
    model.pay(session, claim)
    assert ledger.balance(session, chart.used(deal.voucher.id)) == 0


def test_the_used_amount_of_a_hold_cannot_exceed_it_and_a_changed_one_shows_in_the_books(session: Session) -> None:
    """The rights let the application write `hold.used`: what it may do with that is bounded by a check and seen by a view."""
    deal = model.deal(session)
    for change, seen in (("used + 1", False), ("used - 1", True)):
        with session.begin_nested() as savepoint:
            query = text(f"UPDATE hold SET used = {change} WHERE id = :id")
            if not seen:
                with pytest.raises(IntegrityError, match="ck_hold_used"):
                    session.execute(query, {"id": deal.hold_id})
            else:
                session.execute(query, {"id": deal.hold_id})
                assert {row["invariant"] for row in ledger.violations(session)} == {"invariant_hold"}
            savepoint.rollback()
