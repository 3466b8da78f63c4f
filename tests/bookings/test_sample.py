"""The sample history: books that balance, and a day in the middle of things."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.sample import enrol
from bookings.sample import history
from bookings.slots import is_open, sessions
from core.clock import SHANGHAI
from geodata import loading
from geodata.sample import lay
from geodata.sampling.organisations import DEMO_ENTERPRISES
from vouchers import policy
from vouchers.ledger import violations

DAY = date(2026, 11, 24)
SERVICES = 300


@pytest.fixture(scope="module")
def told(app_engine):
    """Lay places, policies and persons, and tell what happened among them."""
    with app_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_facts(session)
            lay(session, "tiny", day=DAY)
            for terms in policy.seed_policies():
                policy.publish(session, terms)
            history(session, enrol(session), day=DAY, services=SERVICES)
            yield session
        outer.rollback()


def ask(session, query, **values):
    return session.execute(text(query), values).scalar()


def states(session, table):
    return dict(session.execute(text(f"SELECT state, count(*) FROM {table} GROUP BY state")).all())


def test_all_invariants_of_the_books_hold(told):
    assert violations(told) == []


def test_about_as_many_services_as_asked_for_over_thirty_months(told):
    first, last, number = told.execute(text("SELECT min(contract_date), max(contract_date), count(*) FROM orders")).one()
    assert 0.9 * SERVICES <= number <= 1.1 * SERVICES
    assert first < date(2024, 9, 1)
    assert DAY - timedelta(days=5) <= last < DAY


def test_most_services_are_paid_and_the_rest_is_under_way(told):
    found = states(told, "claim")
    assert found["paid"] > 0.7 * ask(told, "SELECT count(*) FROM orders")
    assert found.get("submitted", 0) + found.get("verified", 0) + found.get("approved", 0) > 0
    assert {"settled", "contracted", "cancelled"} <= set(states(told, "orders"))
    assert {"done", "confirmed"} <= set(states(told, "booking"))
    assert ask(told, "SELECT count(*) FROM hold h WHERE state = 'used' AND NOT EXISTS (SELECT FROM claim c WHERE c.hold_id = h.id)") > 0


def test_vouchers_past_their_day_gave_their_free_money_back(told):
    assert ask(told, "SELECT count(*) FROM voucher WHERE (expires_use < :day) <> (state = 'expired')", day=DAY) == 0
    assert ask(told, "SELECT sum(returned) FROM voucher_balance") > 0


def test_nothing_has_happened_yet_on_the_day_itself(told):
    now = datetime.combine(DAY, time(), SHANGHAI)
    for column in ("audit.at", "transfer.at", "orders.created_at", "booking.created_at", "evidence.created_at"):
        table = column.split(".")[0]
        assert ask(told, f"SELECT max({column}) FROM {table}") < now


def test_bookings_lie_in_opening_hours_and_never_overlap(told):
    rows = told.execute(
        text("SELECT i.hours, lower(b.span) AS start, upper(b.span) AS until FROM booking b JOIN instrument i ON i.id = b.instrument_id")
    )
    assert all(is_open(row.hours, row.start, row.until) for row in rows)
    overlap = """SELECT count(*) FROM booking a JOIN booking b ON b.instrument_id = a.instrument_id AND b.id > a.id AND a.span && b.span
        WHERE a.state NOT IN ('cancelled', 'expired') AND b.state NOT IN ('cancelled', 'expired')"""
    assert ask(told, overlap) == 0


def test_about_an_eighth_of_the_sessions_ahead_is_taken(told):
    rows = told.execute(text("SELECT id, hours FROM instrument WHERE is_open AND status = 'working'")).all()
    ahead = sum(len(sessions(row.hours, DAY + timedelta(days=n))) for row in rows for n in range(1, 22))
    taken = ask(
        told, "SELECT count(*) FROM booking WHERE state = 'confirmed' AND lower(span) >= :start", start=datetime.combine(DAY, time(), SHANGHAI)
    )
    assert 0.10 <= taken / ahead <= 0.14


def test_three_persons_stand_between_a_claim_and_its_money(told):
    query = "SELECT count(*) FROM claim WHERE state = 'paid' AND (reviewer_id = approver_id OR approver_id = payer_id OR reviewer_id = payer_id)"
    assert ask(told, query) == 0
    assert (
        ask(
            told,
            "SELECT count(*) FROM claim c JOIN membership m ON m.user_id IN (c.reviewer_id, c.approver_id, c.payer_id) WHERE m.organisation_id = c.payee_id",
        )
        == 0
    )


def test_no_voucher_was_used_between_related_parties(told):
    query = "SELECT count(*) FROM orders o JOIN organisation e ON e.id = o.enterprise_id JOIN organisation c ON c.id = o.carrier_id WHERE e.controller = c.controller"
    assert ask(told, query) == 0


def test_both_demo_enterprises_hold_a_voucher_with_free_money(told):
    query = """SELECT o.code, sum(b.available) FROM voucher v JOIN voucher_balance b ON b.voucher_id = v.id JOIN organisation o ON o.id = v.holder_id
        WHERE o.code = ANY(:codes) AND v.state = 'active' AND v.expires_use > :day GROUP BY o.code"""
    found = dict(told.execute(text(query), {"codes": list(DEMO_ENTERPRISES), "day": DAY + timedelta(days=30)}).all())
    assert set(found) == set(DEMO_ENTERPRISES)
    assert all(free >= 1_000_000 for free in found.values())
