"""The view of the needs' books complains of every way in which a need and its answers can contradict each other."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.bookings.needs import answer, deal

FOUND = text("SELECT id FROM invariant_need")


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE need_post SET state = 'open'",
        "UPDATE need_answer SET state = 'passed'",
        "UPDATE need_answer SET version = version + 1",
        "DELETE FROM need_answer",
        "UPDATE need_answer SET state = 'picked'",
    ],
)
def test_a_need_that_its_answers_do_not_bear_out_is_found(session, as_owner, change):
    of = deal(session)
    answer(session, of)
    assert session.scalars(FOUND).all() == []
    with as_owner(session):
        session.flush()
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(change))
        session.execute(text("SET LOCAL session_replication_role = origin"))
        assert session.scalars(FOUND).all() == [of.need]
