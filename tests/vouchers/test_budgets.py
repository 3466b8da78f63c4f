"""Budgets: money comes and goes only as adopted, revised, closed and swept; stripes change nothing but speed; the queue is strict."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.actor import SYSTEM
from core.errors import Forbidden, Invalid, NotFound, Refused, RequestReused
from tests.vouchers import model
from tests.vouchers.model import passes, refused
from vouchers import applications, budgets, chart, closing, ledger, lifecycle
from vouchers.entities import BUDGET, Application
from vouchers.policy import Budget

DAY = "2026-03-10T10:00:00+08:00"
OWN = {"finance", "system"}


def laid(session: Session, amount: int = 3_000_000, *, stripes: int = 1) -> Budget:
    """Give an open budget of this year of which everything is free."""
    model.at(session, DAY)
    key = model.fund(session, model.version(session), amount)
    if stripes > 1:
        budgets.stripe(session, SYSTEM, budget_id=key, stripes=stripes, request_id=model.key())
    return session.get_one(Budget, key)


def stands(session: Session, row: Budget) -> list[int]:
    return [ledger.balance(session, code) for code in budgets.codes(row)]


def figures(session: Session, row: Budget) -> dict[str, int]:
    return dict(session.execute(text("SELECT * FROM budget_balance WHERE budget_id = :id"), {"id": row.id}).mappings().one())


def revise(session: Session, row: Budget, change: Any, who: Any = SYSTEM) -> int:
    return budgets.revise(session, who, budget_id=row.id, change=change, reason="示例", request_id=model.key())


def close(session: Session, row: Budget, rest: Any, who: Any = SYSTEM) -> int:
    return closing.close(session, who, budget_id=row.id, rest=rest, reason="示例", request_id=model.key())


def asked(session: Session, amount: int, **columns: Any) -> Application:
    return model.applied(session, model.organisation(session, **columns), amount=amount)


def test_a_budget_is_planned_without_money_then_adopted_revised_and_closed(session: Session) -> None:
    model.at(session, DAY)
    version = model.version(session)
    ask = dict(version=version, year=2026, amount=500, request_id=model.key())
    row = session.get_one(Budget, budgets.plan(session, SYSTEM, **ask))
    assert (row.state, budgets.free(session, row)) == ("planned", 0)
    with refused(session, Refused, "budget"):
        asked(session, 100)
    model.fund(session, version, 700)
    assert (row.state, budgets.free(session, row)) == ("adopted", 700)
    revise(session, row, -200)
    assert (row.state, budgets.free(session, row)) == ("revised", 500)
    close(session, row, "treasury")
    assert (row.state, budgets.free(session, row), ledger.balance(session, chart.treasury(row.funder))) == ("closed", 0, 0)


@pytest.mark.parametrize("state", ["planned", "adopted", "revised", "closed"])
def test_a_budget_takes_no_event_but_those_of_its_table(session: Session, state: str) -> None:
    model.at(session, DAY)
    version = model.version(session)
    row = session.get_one(Budget, budgets.plan(session, SYSTEM, version=version, year=2026, amount=5, request_id=model.key()))
    if state != "planned":
        model.fund(session, version, 1000)
    if state in ("revised", "closed"):
        revise(session, row, 1)
    if state == "closed":
        close(session, row, "treasury")
    assert row.state == state
    before = model.fingerprint(session)
    for role in model.ROLES:
        who = model.actor(role, model.organisation(session)) if role not in OWN else model.officer(role)
        facts = {"budget_id": row.id, "request_id": model.key()}
        before = model.fingerprint(session)
        acts = {
            "revise": partial(budgets.revise, session, who, change=-1, reason="示例", **facts),
            "stripe": partial(budgets.stripe, session, who, stripes=2, **facts),
            "close": partial(closing.close, session, who, rest="treasury", reason="示例", **facts),
            "drop": partial(closing.drop, session, who, reason="示例", **facts),
        }
        for event, act in acts.items():
            allowed = any((a.state, a.event) == (state, event) and role in a.roles for a in BUDGET)
            assert passes(session, act, before) == allowed, (state, event, role)


def test_another_regions_finance_learns_not_even_that_a_budget_exists(session: Session) -> None:
    row = laid(session)
    stranger = model.officer("finance", "330521")
    for act in (partial(revise, session, row, 5, stranger), partial(close, session, row, "carry", stranger)):
        with refused(session, NotFound):
            act()
    with refused(session, Forbidden):
        budgets.plan(session, stranger, version=model.version(session), year=2027, amount=5, request_id=model.key())


@pytest.mark.parametrize("change", [0, 0.5, "5", True, None, 2**62, -(2**62)])
def test_a_change_that_is_no_amount_is_refused(session: Session, change: Any) -> None:
    row = laid(session)
    with refused(session, Invalid):
        revise(session, row, change)


@pytest.mark.parametrize("year", [2009, 2101, -1])
def test_a_year_that_is_none_is_refused(session: Session, year: int) -> None:
    model.at(session, DAY)
    version = model.version(session)
    with refused(session, Invalid):
        budgets.adopt(session, SYSTEM, version=version, year=year, amount=5, request_id=model.key())


def test_a_budget_is_never_revised_below_what_is_promised(session: Session) -> None:
    row = laid(session, stripes=3)
    asked(session, 1_200_000)
    with refused(session, Refused, "promised"):
        revise(session, row, -1_800_001)
    revise(session, row, -1_800_000)
    assert budgets.free(session, row) == 0


def test_the_same_revision_sent_twice_is_one_and_another_content_is_refused(session: Session) -> None:
    row = laid(session)
    ask = dict(budget_id=row.id, reason="示例", request_id="same")
    assert budgets.revise(session, SYSTEM, change=5, **ask) == budgets.revise(session, SYSTEM, change=5, **ask) == row.id
    assert budgets.free(session, row) == 3_000_005
    with refused(session, RequestReused):
        budgets.revise(session, SYSTEM, change=6, **ask)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stripes=st.integers(1, 7), total=st.integers(1, 60), asks=st.lists(st.integers(1, 25), min_size=1, max_size=8))
def test_stripes_give_exactly_what_one_account_would(session: Session, stripes: int, total: int, asks: list[int]) -> None:
    point = session.begin_nested()
    row = laid(session, total, stripes=stripes)
    left = total
    for amount in asks:
        key = model.key()
        try:
            moves = budgets.gather(session, row, to=chart.treasury(row.funder), amount=amount, key=key)
        except Refused:
            assert amount > left
            continue
        assert amount <= left
        assert sum(one.amount for one in moves) == amount
        revise(session, row, -amount)
        left -= amount
        assert sum(stands(session, row)) == left
    point.rollback()
    session.expire_all()


def test_spreading_over_more_accounts_moves_money_and_makes_none(session: Session) -> None:
    row = laid(session, 10)
    budgets.stripe(session, SYSTEM, budget_id=row.id, stripes=4, request_id=model.key())
    assert stands(session, row) == [3, 3, 2, 2]
    revise(session, row, 7)
    assert stands(session, row) == [5, 5, 4, 3]
    with refused(session, Refused, "stripes"):
        budgets.stripe(session, SYSTEM, budget_id=row.id, stripes=2, request_id=model.key())
    budgets.stripe(session, SYSTEM, budget_id=row.id, stripes=4, request_id=model.key())
    assert stands(session, row) == [5, 4, 4, 4]


@pytest.mark.parametrize("stripes", [0, 65, -1, 2.0, "2"])
def test_a_number_of_stripes_that_is_none_is_refused(session: Session, stripes: Any) -> None:
    row = laid(session)
    with refused(session, Invalid):
        budgets.stripe(session, SYSTEM, budget_id=row.id, stripes=stripes, request_id=model.key())


def test_what_a_budget_lacks_makes_a_queue_that_nobody_passes(session: Session) -> None:
    row = laid(session)
    first = asked(session, 2_000_000)
    big, small = asked(session, 1_500_000), asked(session, 1)
    assert [one.state for one in (first, big, small)] == ["county_review", "waitlisted", "waitlisted"]
    assert applications.serve_waiting(session, budget_id=row.id) == 0
    assert applications.servable(session) == []
    model.decided(session, first, "refuse")
    assert applications.servable(session) == [row.id]
    assert asked(session, 1).state == "waitlisted"
    assert applications.serve_waiting(session, budget_id=row.id) == 3
    assert (big.state, small.state, big.queued_at) == ("county_review", "county_review", None)
    assert budgets.free(session, row) == 1_499_998


@pytest.mark.parametrize("way", ["revise", "return", "withdraw", "sweep"])
def test_whatever_brings_money_back_serves_the_first_in_the_queue(session: Session, way: str) -> None:
    row = laid(session, 2_000_000)
    holder = model.organisation(session)
    if way == "sweep":
        voucher = model.issued(session, holder)
        model.at(session, "2026-07-10T10:00:00+08:00")
        lifecycle.expire(session, voucher_id=voucher.id)
        waiting = asked(session, 2_000_000)
        closing.sweep(session, SYSTEM, budget_id=row.id, request_id=model.key())
    else:
        first = model.applied(session, holder)
        waiting = asked(session, 2_000_000)
    if way == "revise":
        revise(session, row, 2_000_000)
    if way == "return":
        model.decided(session, first, "return")
    if way == "withdraw":
        applications.resume(session, model.person(holder), application_id=first.id, event="withdraw", request_id=model.key())
    assert waiting.state == "waitlisted"
    assert applications.serve_waiting(session, budget_id=row.id) == 1
    assert waiting.state == "county_review"


def test_who_leaves_the_queue_lets_the_next_one_through(session: Session) -> None:
    row = laid(session, 100)
    holder = model.organisation(session)
    head, tail = model.applied(session, holder, amount=101), asked(session, 100)
    applications.resume(session, model.person(holder), application_id=head.id, event="withdraw", request_id=model.key())
    assert applications.serve_waiting(session, budget_id=row.id) == 1
    assert (head.state, tail.state) == ("withdrawn", "county_review")


def test_a_year_that_closes_carries_its_rest_its_pool_and_its_queue_into_the_next(session: Session) -> None:
    row = laid(session, 3_000_000, stripes=3)
    voucher = model.issued(session, model.organisation(session))
    waiting = asked(session, 1_500_000)
    model.at(session, "2026-12-31T23:00:00+08:00")
    lifecycle.expire(session, voucher_id=voucher.id)
    close(session, row, "carry")
    heir = session.get_one(Budget, row.carried_to)
    assert (heir.year, heir.state, budgets.free(session, heir)) == (2027, "adopted", 3_000_000)
    assert (budgets.free(session, row), ledger.balance(session, budgets.pool_code(row))) == (0, 0)
    assert (waiting.budget_id, waiting.state) == (heir.id, "waitlisted")
    assert applications.serve_waiting(session, budget_id=heir.id) == 1
    assert figures(session, heir)["carried"] == 2_000_000 - 1_000_000


def test_a_year_that_returns_its_rest_gives_the_queue_back_as_drafts(session: Session) -> None:
    row = laid(session, 100)
    waiting = asked(session, 101)
    close(session, row, "treasury")
    assert (waiting.state, waiting.queued_at) == ("draft", None)
    assert ledger.balance(session, chart.treasury(row.funder)) == 0


@pytest.mark.parametrize("rest", ["carry", "treasury"])
def test_money_refused_after_the_close_follows_the_rest(session: Session, rest: str) -> None:
    row = laid(session, 3_000_000)
    late = asked(session, 1_000_000)
    close(session, row, rest)
    model.decided(session, late, "refuse")
    where = chart.budget(row.funder, row.policy, 2027) if rest == "carry" else chart.treasury(row.funder)
    assert ledger.balance(session, where) == (3_000_000 if rest == "carry" else 0)
    assert budgets.free(session, row) == 0


def test_a_voucher_that_expires_after_the_close_is_swept_to_where_the_rest_went(session: Session) -> None:
    row = laid(session, 2_000_000)
    voucher = model.issued(session, model.organisation(session))
    close(session, row, "carry")
    model.at(session, "2026-07-10T10:00:00+08:00")
    lifecycle.expire(session, voucher_id=voucher.id)
    closing.sweep(session, SYSTEM, budget_id=row.id, request_id=model.key())
    assert budgets.free(session, session.get_one(Budget, row.carried_to)) == 2_000_000
    with refused(session, Refused, "pool"):
        closing.sweep(session, SYSTEM, budget_id=row.id, request_id=model.key())


def test_a_closed_year_cannot_take_what_is_left_of_an_earlier_one(session: Session) -> None:
    row = laid(session)
    heir = session.get_one(Budget, budgets.adopt(session, SYSTEM, version=model.version(session), year=2027, amount=5, request_id=model.key()))
    close(session, heir, "treasury")
    with refused(session, Refused, "heir"):
        close(session, row, "carry")


def test_a_fund_of_a_policy_is_a_budget_of_its_own(session: Session) -> None:
    model.at(session, DAY)
    version = model.version(session)
    common = session.get_one(Budget, model.fund(session, version, 10))
    apart = budgets.adopt(session, SYSTEM, version=version, year=2026, amount=7, fund="linked", request_id=model.key())
    assert apart != common.id
    assert ledger.balance(session, "budget:331083:yuhuan-2023.linked:2026") == 7
    assert budgets.free(session, common) == 10


@pytest.mark.parametrize(
    "way",
    [
        ("budget:331083:a:2026", "budget:330521:a:2026"),
        ("budget:331083:a:2026", "budget:331083:b:2026"),
        ("pool:331083:a:2026", "budget:331083:b:2026"),
        ("pool:331083:a:2026", "treasury:330521"),
        ("share_held:1", "share_used:2"),
        ("available:1", "available:2"),
        ("paid:1", "pool:331083:a:2026"),
        ("recovered:1", "budget:331083:a:2026"),
        ("reserved:1", "pool:331083:a:2026"),
        ("treasury:331083", "pool:331083:a:2026"),
    ],
)
@pytest.mark.breaks_invariants
def test_money_takes_no_way_that_the_chart_does_not_know(session: Session, way: tuple[str, str]) -> None:
    model.at(session, DAY)
    row = laid(session)
    with pytest.raises(Exception, match="no such way"), session.begin_nested():
        ledger.post(session, [ledger.Move(*way, 1)], kind="test", audit_id=row.id, request_id=model.key())


def test_the_29th_of_february_is_a_day_of_its_budget(session: Session) -> None:
    model.at(session, "2028-02-29T23:59:59+08:00")
    model.fund(session, model.version(session), 10**7)
    assert model.issued(session, model.organisation(session)).issued_on == date(2028, 2, 29)
