"""Applying for a voucher: caps and budgets hold to the fen, the right officer decides, and one request is one act."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import Forbidden, Invalid, NotFound, Refused, RequestReused
from tests.vouchers import model
from tests.vouchers.model import refused
from vouchers import applications, lifecycle, queries
from vouchers.entities import Application, Voucher
from vouchers.rules import rule


def test_one_grant_is_bounded_and_the_bound_itself_is_granted(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    holder = model.organisation(session)
    with refused(session, Refused, "per_application"):
        model.applied(session, holder, amount=2_000_001)
    model.applied(session, holder, amount=2_000_000)


def test_what_is_asked_for_free_and_held_together_never_exceeds_the_holding_cap(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    holder = model.organisation(session)
    voucher = model.issued(session, holder)
    hold_id = model.held(session, holder, voucher, amount=1_000_000)
    returned = model.applied(session, holder)
    model.decided(session, returned, "return")
    with refused(session, Refused, "holding"):
        model.applied(session, holder, amount=1_000_001)
    model.applied(session, holder, amount=1_000_000)
    with refused(session, Refused, "holding"):
        model.applied(session, holder, amount=1)
    lifecycle.use(session, model.person(holder), hold_id=hold_id, amount=1_000_000, request_id=model.key())
    model.applied(session, holder, amount=1_000_000)
    with refused(session, Refused, "holding"):
        model.applied(session, holder, amount=1)


def test_the_holding_cap_of_one_holder_is_not_used_up_by_another(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    for _ in range(2):
        holder = model.organisation(session, controller="示例集团")
        for amount in (2_000_000, 2_000_000, 1_000_000):
            model.applied(session, holder, amount=amount)


def _ruled(session: Session, holder: Any, voucher: Voucher, price: int) -> int:
    """Rule and hold under one lock, as a booking does; return what was granted."""
    lifecycle.lock_vouchers_of(session, holder.id)
    row = next(v for v in queries.vouchers_of(session, holder.id) if v.id == voucher.id)
    terms, deal = queries.deal_for(session, row, price=price, service="test_analysis")
    granted = rule(terms, deal).amount
    if granted:
        model.held(session, holder, voucher, amount=granted)
    return granted


def test_the_year_cap_counts_every_voucher_of_a_holder_and_begins_again_with_the_year(session: Session) -> None:
    model.at(session, "2026-12-30T10:00:00+08:00")
    model.fund(session, model.version(session, caps={"per_year": 2_500_000}))
    holder = model.organisation(session)
    one, two = model.issued(session, holder), model.issued(session, holder)
    assert _ruled(session, holder, one, 800_000) == 800_000
    assert _ruled(session, holder, two, 9_000_000) == 1_700_000
    assert _ruled(session, holder, one, 9_000_000) == 0
    model.at(session, "2026-12-31T16:00:00+00:00")
    assert _ruled(session, holder, one, 9_000_000) == 1_200_000


def test_the_group_cap_counts_every_enterprise_of_one_controller_and_no_other(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session, "huzhou-2017", caps={"per_year": 2_000_000, "group_per_year": 2_500_000}))
    grants = []
    for controller in ("示例甲", "示例甲", "示例乙", None, None):
        holder = model.organisation(session, controller=controller, adcode="330500")
        grants.append(_ruled(session, holder, model.issued(session, holder, code="huzhou-2017"), 90_000_000))
    assert grants == [2_000_000, 500_000, 2_000_000, 2_000_000, 2_000_000]


def test_a_released_hold_gives_the_cap_of_the_year_back_and_a_part_used_counts_as_used(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session, caps={"per_year": 1_000_000}))
    holder = model.organisation(session)
    voucher = model.issued(session, holder)
    hold_id = model.held(session, holder, voucher, amount=1_000_000)
    assert _ruled(session, holder, voucher, 500_000) == 0
    lifecycle.use(session, model.person(holder), hold_id=hold_id, amount=700_000, request_id=model.key())
    assert _ruled(session, holder, voucher, 500_000) == 300_000


def test_there_is_nothing_to_apply_for_before_the_budget_of_the_year_is_adopted(session: Session) -> None:
    model.at(session, "2026-12-31T23:59:59+08:00")
    model.fund(session, model.version(session))
    holder = model.organisation(session)
    model.applied(session, holder, amount=1)
    model.at(session, "2027-01-01T00:00:00+08:00")
    with refused(session, Refused, "budget"):
        model.applied(session, holder, amount=1)


@pytest.mark.parametrize("columns", [{"adcode": "330500"}, {"kind": "team"}, {"kind": "authority"}, {"adcode": "331000"}])
def test_who_is_not_registered_here_or_of_another_kind_gets_nothing(session: Session, columns: dict[str, Any]) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    holder = model.organisation(session, **columns)
    with refused(session, Refused, "eligibility"):
        applications.apply(session, Actor("enterprise", 5, holder.id), policy_code="yuhuan-2023", amount=1, purpose="", request_id=model.key())


def test_an_officer_of_another_region_finds_no_such_application(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    row = model.applied(session, model.organisation(session))
    for region in ("330500", "331000", "330000", None):
        with refused(session, NotFound):
            applications.decide(session, Actor("reviewer", 5, None, region), application_id=row.id, event="pass", reason="", request_id=model.key())


def test_nobody_passes_an_application_of_his_own_or_of_an_enterprise_that_he_belongs_to(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    holder = model.organisation(session)
    row = model.applied(session, holder)
    member = model.member(session, holder)
    for who in (
        Actor("reviewer", model.person(holder).user_id, None, model.YUHUAN),
        Actor("reviewer", 5, holder.id, model.YUHUAN),
        Actor("reviewer", member, None, model.YUHUAN),
        Actor("reviewer", None, None, model.YUHUAN),
    ):
        with refused(session, Forbidden):
            applications.decide(session, who, application_id=row.id, event="pass", reason="", request_id=model.key())


@pytest.mark.parametrize("event", ["return", "refuse"])
def test_an_officer_who_says_no_must_say_why(session: Session, event: str) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    row = model.applied(session, model.organisation(session))
    with refused(session, Invalid):
        applications.decide(session, model.officer("reviewer"), application_id=row.id, event=event, reason="  ", request_id=model.key())


def test_one_request_id_is_one_act_and_answers_alike_while_another_content_is_refused(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    holder = model.organisation(session)
    ask = dict(policy_code="yuhuan-2023", purpose="示例", request_id="same")
    first = applications.apply(session, model.person(holder), amount=500_000, **ask)
    before = model.fingerprint(session)
    assert applications.apply(session, model.person(holder), amount=500_000, **ask) == first
    assert model.fingerprint(session) == before
    with refused(session, RequestReused):
        applications.apply(session, model.person(holder), amount=500_001, **ask)
    with refused(session, RequestReused):
        applications.resume(session, model.person(holder), application_id=first, event="withdraw", request_id="same")


def test_one_person_of_two_enterprises_does_not_get_the_answer_of_the_one_for_the_other(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    one, two = model.organisation(session), model.organisation(session)
    ask = dict(policy_code="yuhuan-2023", amount=500_000, purpose="示例", request_id="same")
    applications.apply(session, Actor("enterprise", 5, one.id), **ask)
    with refused(session, RequestReused):
        applications.apply(session, Actor("enterprise", 5, two.id), **ask)


def test_two_persons_may_use_the_same_request_id(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    ask = dict(policy_code="yuhuan-2023", amount=500_000, purpose="示例", request_id="same")
    made = {applications.apply(session, model.person(model.organisation(session)), **ask) for _ in range(2)}
    assert len(made) == 2


def test_a_refused_request_leaves_its_id_free_for_a_second_try(session: Session) -> None:
    model.at(session, model.NOW)
    version = model.version(session)
    holder = model.organisation(session)
    ask = dict(policy_code="yuhuan-2023", amount=500_000, purpose="示例", request_id="same")
    with refused(session, Refused, "budget"):
        applications.apply(session, model.person(holder), **ask)
    model.fund(session, version)
    assert session.get_one(Application, applications.apply(session, model.person(holder), **ask)).amount == 500_000


@pytest.mark.parametrize("key", ["", "k" * 401])
def test_a_request_without_a_usable_id_is_refused(session: Session, key: str) -> None:
    model.at(session, model.NOW)
    holder = model.organisation(session)
    with refused(session, Invalid):
        applications.apply(session, model.person(holder), policy_code="yuhuan-2023", amount=1, purpose="", request_id=key)
