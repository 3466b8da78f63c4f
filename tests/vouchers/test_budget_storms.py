"""Many at once on one budget, with real threads and real commits: stripes give to the fen what the whole has, and nobody passes the queue."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.actor import SYSTEM
from core.errors import Refused
from tests.vouchers import model
from tests.vouchers.test_storms import THREADS, storm
from vouchers import applications, budgets, chart, closing, ledger
from vouchers.policy import Budget

pytestmark = pytest.mark.storm


def laid(db: Any, amount: int, *, stripes: int) -> tuple[int, list[Any]]:
    """Give a striped budget and as many holders as there are threads, committed."""
    with Session(db.engine, expire_on_commit=False) as session:
        model.at(session, model.NOW)
        key = model.fund(session, model.version(session), amount)
        if stripes > 1:
            budgets.stripe(session, SYSTEM, budget_id=key, stripes=stripes, request_id=model.key())
        holders = [model.organisation(session) for _ in range(THREADS)]
        session.commit()
        session.expunge_all()
    return key, holders


def free(db: Any, key: int) -> int:
    with Session(db.engine) as session:
        return budgets.free(session, session.get_one(Budget, key))


@pytest.mark.parametrize("stripes", [1, 3, 16])
def test_sixteen_gather_from_stripes_exactly_what_the_whole_has(committed_db: Any, stripes: int) -> None:
    key, _ = laid(committed_db, 1_000, stripes=stripes)

    def lower(session: Session, n: int) -> bool:
        budgets.revise(session, SYSTEM, budget_id=key, change=-90, reason="示例", request_id=f"storm-{n}")
        return True

    def gather(session: Session, n: int) -> bool:
        row = session.get_one(Budget, key)
        moves = budgets.gather(session, row, to=chart.treasury(row.funder), amount=5, key=f"g-{n}")
        assert sum(one.amount for one in moves) == 5
        return True

    assert storm(committed_db, lower) == Counter({True: 11, "promised": 5})
    assert free(committed_db, key) == 10
    found = storm(committed_db, gather)
    assert found == Counter({True: 16})


@pytest.mark.parametrize("stripes", [1, 5])
def test_sixteen_applicants_get_what_fits_and_the_others_wait_in_order(committed_db: Any, stripes: int) -> None:
    key, holders = laid(committed_db, 10_000_000, stripes=stripes)

    def apply(session: Session, n: int) -> str:
        return model.applied(session, holders[n], amount=999_999).state

    assert storm(committed_db, apply) == Counter({"county_review": 10, "waitlisted": 6})
    assert free(committed_db, key) == 10
    with Session(committed_db.engine) as session:
        order = session.scalars(text("SELECT id FROM application WHERE state = 'waitlisted' ORDER BY queued_at, id")).all()
        budgets.revise(session, SYSTEM, budget_id=key, change=3 * 999_999, reason="示例", request_id=model.key())
        session.commit()
    served = storm(committed_db, lambda session, _: applications.serve_waiting(session, budget_id=key))
    assert sum(n * times for n, times in served.items()) == 3
    with Session(committed_db.engine) as session:
        left = session.scalars(text("SELECT id FROM application WHERE state = 'waitlisted' ORDER BY queued_at, id")).all()
    assert left == order[3:]


def test_applying_and_closing_at_once_leaves_nobody_in_the_queue_of_a_closed_year(committed_db: Any) -> None:
    key, holders = laid(committed_db, 5_000_000, stripes=4)

    def act(session: Session, n: int) -> str:
        if n == 0:
            closing.close(session, SYSTEM, budget_id=key, rest="carry", reason="示例", request_id="storm-close")
            return "closed"
        return model.applied(session, holders[n], amount=400_000).state

    found = storm(committed_db, act)
    assert found["closed"] == 1
    assert set(found) <= {"closed", "county_review", "waitlisted", "budget"}
    with Session(committed_db.engine) as session:
        assert ledger.violations(session) == []
        assert free(committed_db, key) == 0


def test_refusing_serving_and_applying_at_once_lose_no_fen(committed_db: Any) -> None:
    key, holders = laid(committed_db, 3_000_000, stripes=3)
    with Session(committed_db.engine, expire_on_commit=False) as session:
        model.at(session, model.NOW)
        rows = [model.applied(session, holder, amount=600_000) for holder in holders[:8]]
        session.commit()
        session.expunge_all()

    def act(session: Session, n: int) -> str:
        if n < 5:
            model.decided(session, rows[n], "refuse" if n % 2 else "pass")
        elif n < 8:
            applications.serve_waiting(session, budget_id=key)
        elif n < 12:
            model.applied(session, holders[n], amount=100_000)
        else:
            try:
                budgets.revise(session, SYSTEM, budget_id=key, change=-100 if n % 2 else 100, reason="示例", request_id=f"storm-{n}")
            except Refused:
                return "short"
        return "done"

    found = storm(committed_db, act)
    assert set(found) <= {"done", "short"}
    with Session(committed_db.engine) as session:
        assert ledger.violations(session) == []
