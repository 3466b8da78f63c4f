"""A carrier's record counts what happened, and a real name never carries what happened in the sample world."""

import pytest
from sqlalchemy import text

from bookings import records
from tests import factories as make

ORDER = """INSERT INTO orders (code, enterprise_id, carrier_id, instrument_id, service_code, price, voucher_part, share_part, own_part, clauses,
    contract_date, answer_by, report_on, state, row_version, is_sample, need)
SELECT 'T-' || :n, :firm, :carrier, :instrument, 'test_analysis', 100, 0, 0, 100, '[]', '2026-07-01', '2026-07-02', '2026-07-06', 'delivered', 3, :sample, ''
RETURNING id"""
AUDIT = """INSERT INTO audit (at, role, subject, subject_id, event, before, after, reason, detail)
VALUES (CAST(:at AS timestamptz), :role, 'orders', :id, :event, :before, :after, '', '{}')"""
STEPS = (("offer", "enterprise", "", "offered"), ("accept", "carrier", "offered", "contracted"), ("deliver", "carrier", "contracted", "delivered"))


def deliver(session, carrier, n, *, on, sample):
    one = make.listing(session, make.instrument(session, carrier)).instrument_id
    values = {"n": n, "firm": make.enterprise(session).id, "carrier": carrier.id, "instrument": one, "sample": sample}
    order = session.scalar(text(ORDER), values)
    for (event, role, before, after), at in zip(STEPS, ("2026-07-01 09:00+08", "2026-07-01 12:00+08", f"{on} 12:00+08"), strict=True):
        session.execute(text(AUDIT), {"at": at, "role": role, "id": order, "event": event, "before": before, "after": after})


def row(session, carrier):
    query = "SELECT delivered, on_time, undisputed, answers, answer_hours FROM carrier_record WHERE organisation_id = :id"
    return session.execute(text(query), {"id": carrier.id}).one_or_none()


@pytest.mark.breaks_invariants
def test_a_record_counts_deliveries_in_time_and_hours_until_an_answer(session):
    invented, real = make.carrier(session, is_sample=True), make.carrier(session, is_sample=False)
    deliver(session, invented, 1, on="2026-07-06", sample=True)
    deliver(session, invented, 2, on="2026-07-07", sample=True)
    deliver(session, real, 3, on="2026-07-06", sample=True)
    records.refresh(session)
    assert tuple(row(session, invented)) == (2, 1, 2, 2, 3.0)
    assert row(session, real) is None
    deliver(session, real, 4, on="2026-07-06", sample=False)
    records.refresh(session)
    assert tuple(row(session, real)) == (1, 1, 1, 1, 3.0)
    assert records.due(session) == []
