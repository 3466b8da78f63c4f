"""The sample history: books that balance, a day in the middle of things, and the paper's proportions."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.sample import enrol, publish_policies
from bookings.sample import calendar, history
from bookings.sampling.plan import MEAN
from bookings.slots import is_open, sessions
from core.clock import SHANGHAI
from geodata import loading
from geodata.regions import HOME
from geodata.sample import lay
from geodata.sampling.organisations import DEMO_ENTERPRISES
from geodata.sampling.world import Size
from vouchers.ledger import violations

DAY = date(2026, 11, 24)
SERVICES = 300


@pytest.fixture(scope="module")
def told(owner_engine):
    """Lay places, policies and persons, and tell what happened among them."""
    with owner_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_facts(session)
            lay(session, "tiny", day=DAY)
            publish_policies(session, [HOME])
            enrol(session)
            history(session, HOME, day=DAY, size=Size(30, 450, 80, SERVICES))
            calendar(session, HOME, day=DAY)
            yield session
        outer.rollback()


def ask(session, query, **values):
    return session.execute(text(query), values).scalar()


def states(session, table):
    return dict(session.execute(text(f"SELECT state, count(*) FROM {table} GROUP BY state")).all())


def test_all_invariants_of_the_books_hold(told):
    assert violations(told) == []


def test_as_many_services_are_confirmed_as_asked_for_over_thirty_months(told):
    number = ask(told, "SELECT count(*) FROM orders WHERE state IN ('confirmed', 'settled')")
    assert 0.97 * SERVICES <= number <= SERVICES
    first, last = told.execute(text("SELECT min(contract_date), max(contract_date) FROM orders")).one()
    assert first < date(2024, 9, 1)
    assert DAY - timedelta(days=10) <= last < DAY


def test_a_service_costs_the_voucher_what_the_paper_tells(told):
    mean = ask(told, "SELECT avg(voucher_part) FROM orders WHERE state IN ('confirmed', 'settled')")
    assert 0.93 * MEAN <= mean <= 1.07 * MEAN
    used = ask(told, "SELECT sum(used) FROM hold") / ask(told, "SELECT sum(face) FROM voucher")
    assert 0.45 <= used <= 0.60


def test_every_firm_of_the_sample_has_used_a_voucher(told):
    query = """SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM orders b WHERE b.enterprise_id = o.id AND b.state IN ('confirmed', 'settled'))), count(*)
        FROM organisation o WHERE o.is_sample AND o.kind IN ('enterprise', 'team')"""
    served, firms = told.execute(text(query)).one()
    assert served >= 0.95 * firms


def test_nothing_bad_is_told_of_a_real_organisation(told):
    real = "JOIN organisation c ON c.id = o.carrier_id WHERE NOT c.is_sample"
    assert ask(told, f"SELECT count(*) FROM orders o {real}") > 0
    assert ask(told, f"SELECT count(*) FROM orders o {real} AND o.state = 'cancelled'") == 0
    query = f"SELECT count(*) FROM claim k JOIN hold h ON h.id = k.hold_id JOIN orders o ON h.reference = 'order:' || o.id {real}"
    assert ask(told, f"{query} AND k.state IN ('refused', 'draft')") == 0
    assert (
        ask(told, f"{query} AND EXISTS (SELECT FROM audit a WHERE a.subject = 'claim' AND a.subject_id = k.id AND a.event IN ('return', 'refuse'))")
        == 0
    )


def test_no_holder_ever_held_more_than_its_policy_allows(told):
    query = """
        WITH moves AS (
            SELECT v.holder_id, v.policy_version_id, t.at, p.id,
                   CASE WHEN d.kind = 'reserved' THEN p.amount WHEN s.kind = 'reserved' AND d.kind = 'budget' THEN -p.amount
                        WHEN s.kind = 'reserved' AND d.kind = 'budget' THEN -p.amount
                        WHEN s.kind = 'held' AND d.kind = 'used' THEN -p.amount WHEN d.kind = 'pool' THEN -p.amount ELSE 0 END AS change
            FROM posting p JOIN transfer t ON t.id = p.transfer_id JOIN account s ON s.id = p.source_id JOIN account d ON d.id = p.destination_id
            JOIN voucher v ON s.code IN ('available:' || v.id, 'held:' || v.id) OR 'reserved:' || v.application_id IN (s.code, d.code))
        SELECT max(held - (y.body #>> '{caps,holding}')::bigint) FROM (
            SELECT holder_id, policy_version_id, sum(change) OVER (PARTITION BY holder_id ORDER BY at, id) AS held FROM moves) h
        JOIN policy_version y ON y.id = h.policy_version_id"""
    assert ask(told, query) <= 0


def test_most_services_are_paid_and_the_rest_is_under_way(told):
    found = states(told, "claim")
    assert found["paid"] > 0.6 * ask(told, "SELECT count(*) FROM orders")
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
