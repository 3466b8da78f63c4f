"""The life of a voucher: only the arrows of the state tables pass, dates end at midnight in Shanghai, caps hold, and a refusal changes nothing."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import NotFound, Refused
from tests.vouchers import model
from tests.vouchers.model import actor, freeze, passes, refused
from vouchers import applications, budgets, chart, ledger, lifecycle, queries
from vouchers.entities import HOLD, VOUCHER, Hold, Voucher
from vouchers.lifecycle import add_months


@pytest.mark.parametrize("state", ["held", "used", "released"])
def test_a_hold_takes_no_event_but_those_of_its_table(session: Session, state: str) -> None:
    deal = model.deal(session)
    hold_id = model.held(session, deal.holder, deal.voucher, amount=100_000)
    owner = model.person(deal.holder)
    if state == "used":
        lifecycle.use(session, owner, hold_id=hold_id, amount=60_000, request_id=model.key())
    if state == "released":
        lifecycle.release(session, owner, hold_id=hold_id, reason="示例", request_id=model.key())
    for role in model.ROLES:
        act = dict(hold_id=hold_id, request_id=model.key())
        who = actor(role, deal.holder)
        acts = {
            "use": partial(lifecycle.use, session, who, amount=60_000, **act),
            "release": partial(lifecycle.release, session, who, reason="示例", **act),
        }
        for event, tried in acts.items():
            allowed = any((a.state, a.event) == (state, event) and role in a.roles for a in HOLD)
            assert passes(session, tried) == allowed, (state, event, role)


@pytest.mark.parametrize("role", model.ROLES)
def test_only_the_holder_or_the_clock_holds_and_only_an_enterprise_applies(session: Session, role: str) -> None:
    deal = model.deal(session)
    who = actor(role, deal.holder)
    hold = dict(voucher_id=deal.voucher.id, amount=1, reference="order:1", request_id=model.key())
    assert passes(session, lambda: lifecycle.hold(session, who, **hold)) == (role in ("enterprise", "system"))
    ask = dict(policy_code="yuhuan-2023", amount=1, purpose="示例", request_id=model.key())
    assert passes(session, lambda: applications.apply(session, who, **ask)) == (role == "enterprise")


@pytest.mark.parametrize("role", model.ROLES)
@pytest.mark.parametrize("region", [model.YUHUAN, "330500", None])
def test_only_finance_of_the_funder_and_the_system_adopt_a_budget(session: Session, role: Any, region: str | None) -> None:
    model.at(session, model.NOW)
    version = model.version(session)
    who = Actor(role, 5, None, region)
    act = lambda: budgets.adopt(session, who, version=version, year=2026, amount=100, request_id=model.key())  # noqa: E731
    assert passes(session, act) == (role == "system" or (role == "finance" and region == model.YUHUAN))


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("state", ["active", "expired", "closed", "frozen"])
def test_a_voucher_expires_only_from_use_and_only_after_its_last_day(session: Session, state: str) -> None:
    deal = model.deal(session)
    session.execute(
        text(
            "UPDATE voucher SET state = CAST(:state AS text), frozen_from = CASE CAST(:state AS text) WHEN 'frozen' THEN 'active' END WHERE id = :id"
        ),
        {"state": state, "id": deal.voucher.id},
    )
    assert not passes(session, lambda: lifecycle.expire(session, voucher_id=deal.voucher.id))
    model.at(session, "2027-01-01T00:00:00+08:00")
    allowed = any((a.state, a.event) == (state, "expire_use") for a in VOUCHER)
    assert passes(session, lambda: lifecycle.expire(session, voucher_id=deal.voucher.id)) == allowed


def test_another_enterprise_can_neither_use_nor_release_nor_spend_what_is_not_its_own(session: Session) -> None:
    deal = model.deal(session)
    hold_id = model.held(session, deal.holder, deal.voucher, amount=100_000)
    thief = model.person(model.organisation(session))
    with refused(session, NotFound):
        lifecycle.use(session, thief, hold_id=hold_id, amount=100_000, request_id=model.key())
    with refused(session, NotFound):
        lifecycle.release(session, thief, hold_id=hold_id, reason="示例", request_id=model.key())
    with refused(session, NotFound):
        lifecycle.hold(session, thief, voucher_id=deal.voucher.id, amount=1, reference="order:9", request_id=model.key())
    with refused(session, NotFound):
        applications.resume(session, thief, application_id=deal.voucher.application_id, event="withdraw", request_id=model.key())


def test_a_sister_of_the_same_group_cannot_spend_the_voucher_of_the_other(session: Session) -> None:
    model.at(session, model.NOW)
    model.fund(session, model.version(session))
    one, other = (model.organisation(session, controller="示例集团") for _ in range(2))
    voucher = model.issued(session, one)
    with refused(session, NotFound):
        model.held(session, other, voucher, amount=1)


def test_use_never_exceeds_the_hold_and_gives_the_rest_back(session: Session) -> None:
    deal = model.deal(session)
    hold_id = model.held(session, deal.holder, deal.voucher, amount=100_000)
    owner = model.person(deal.holder)
    for amount in (100_001, 0, -1):
        with refused(session, Refused, "hold"):
            lifecycle.use(session, owner, hold_id=hold_id, amount=amount, request_id=model.key())
    lifecycle.use(session, owner, hold_id=hold_id, amount=99_999, request_id=model.key())
    assert ledger.balance(session, chart.held(deal.voucher.id)) == 0
    assert ledger.balance(session, chart.available(deal.voucher.id)) == 1_400_001


def test_a_frozen_voucher_buys_nothing_and_its_holds_cannot_be_used(session: Session) -> None:
    deal = model.deal(session)
    hold_id = model.held(session, deal.holder, deal.voucher, amount=100_000)
    freeze(session, deal.voucher)
    with refused(session, Refused, "frozen"):
        model.held(session, deal.holder, deal.voucher, amount=1)
    with refused(session, Refused, "frozen"):
        lifecycle.use(session, model.person(deal.holder), hold_id=hold_id, amount=100_000, request_id=model.key())
    lifecycle.release(session, model.person(deal.holder), hold_id=hold_id, reason="示例", request_id=model.key())
    assert ledger.balance(session, chart.available(deal.voucher.id)) == 1_500_000


# Dates --------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "found"),
    [
        ("2024-02-29", 12, "2025-02-28"),
        ("2023-11-30", 3, "2024-02-29"),
        ("2024-11-30", 3, "2025-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2025-12-31", 2, "2026-02-28"),
        ("2025-10-15", 3, "2026-01-15"),
        ("2025-12-01", 12, "2026-12-01"),
    ],
)
def test_months_end_on_the_same_day_or_on_the_last_of_a_shorter_month(day: str, months: int, found: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(found)


@given(st.dates(date(2015, 1, 1), date(2090, 12, 31)), st.integers(1, 60))
def test_months_later_is_in_the_right_month_and_never_after_the_same_day(day: date, months: int) -> None:
    found = add_months(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day <= day.day
    assert found.day == day.day or add_months(found, 0).month != date.fromordinal(found.toordinal() + 1).month


LAST_DAY = [
    ("2026-06-10T23:59:59.999999+08:00", True),
    ("2026-06-11T00:00:00+08:00", False),
    ("2026-06-10T15:59:59Z", True),
    ("2026-06-10T16:00:00Z", False),
]


@pytest.mark.parametrize(("instant", "usable"), LAST_DAY)
def test_a_voucher_may_be_used_until_midnight_of_its_last_day_in_shanghai(session: Session, instant: str, usable: bool) -> None:
    deal = model.deal(session)
    assert deal.voucher.expires_use == date(2026, 6, 10)
    model.at(session, instant)
    assert passes(session, lambda: model.held(session, deal.holder, deal.voucher, amount=1)) == usable
    assert passes(session, lambda: lifecycle.expire(session, voucher_id=deal.voucher.id)) == (not usable)
    rows = queries.usable(queries.vouchers_of(session, deal.holder.id), model.clock.today(session))
    assert bool(rows) == usable


def test_a_voucher_issued_late_in_the_evening_has_the_date_of_shanghai(session: Session) -> None:
    deal = model.deal(session, now="2025-11-29T16:30:00+00:00")
    assert (deal.voucher.issued_on, deal.voucher.expires_use) == (date(2025, 11, 30), date(2026, 2, 28))
    assert deal.voucher.expires_redeem == date(2027, 2, 28)


@pytest.mark.parametrize("swept", [True, False])
def test_money_released_after_expiry_goes_to_the_pool_and_not_to_the_voucher(session: Session, swept: bool) -> None:
    deal = model.deal(session)
    hold_id = model.held(session, deal.holder, deal.voucher, amount=300_000)
    partly = model.held(session, deal.holder, deal.voucher, amount=200_000)
    pool = chart.pool(model.YUHUAN, "yuhuan-2023", 2026)
    model.at(session, "2026-06-11T00:00:00+08:00")
    if swept:
        lifecycle.expire(session, voucher_id=deal.voucher.id)
    free = 1_000_000 if swept else 0
    assert ledger.balance(session, pool) == free
    lifecycle.release(session, model.person(deal.holder), hold_id=hold_id, reason="示例", request_id=model.key())
    assert ledger.balance(session, pool) == free + 300_000
    lifecycle.use(session, model.person(deal.holder), hold_id=partly, amount=150_000, request_id=model.key())
    assert ledger.balance(session, pool) == free + 350_000
    assert ledger.balance(session, chart.available(deal.voucher.id)) == 1_000_000 - free


def test_expiring_twice_takes_the_money_once(session: Session) -> None:
    deal = model.deal(session)
    model.at(session, "2026-06-11T00:00:00+08:00")
    for _ in range(2):
        assert lifecycle.expire(session, voucher_id=deal.voucher.id) == deal.voucher.id
    assert ledger.balance(session, chart.pool(model.YUHUAN, "yuhuan-2023", 2026)) == 1_500_000


def test_a_voucher_that_was_refused_expiry_too_early_still_expires_in_time(session: Session) -> None:
    deal = model.deal(session)
    with refused(session, Refused, "expires_use"):
        lifecycle.expire(session, voucher_id=deal.voucher.id)
    model.at(session, "2026-06-11T00:00:00+08:00")
    lifecycle.expire(session, voucher_id=deal.voucher.id)
    assert session.get_one(Voucher, deal.voucher.id).state == "expired"


def test_a_hold_stays_with_its_voucher_whatever_the_session_had_read_before(session: Session) -> None:
    """A row read before the lock is read again under it: what another transaction changed meanwhile counts."""
    deal = model.deal(session)
    stale = session.get_one(Voucher, deal.voucher.id)
    session.execute(text("UPDATE voucher SET state = 'frozen', frozen_from = 'active' WHERE id = :id"), {"id": stale.id})
    assert stale.state == "active"
    with refused(session, Refused, "frozen"):
        model.held(session, deal.holder, deal.voucher, amount=1)
    session.execute(text("UPDATE voucher SET state = 'active', frozen_from = NULL WHERE id = :id"), {"id": stale.id})
    assert session.query(Hold).filter_by(voucher_id=stale.id).count() == 1
