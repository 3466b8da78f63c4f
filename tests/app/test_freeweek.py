"""What is kept of who is free this week: a booking counts at once, what is given back a little later, and one's own writing always."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.dialects.postgresql import Range

from app import freeweek
from app.freeweek import busy_now
from bookings.entities import BOOKING, Booking
from core import clock
from core.actor import SYSTEM
from core.audit import born, move
from tests import factories as make
from tests.scatter import Scatter


@pytest.fixture
def market(committed_db):
    """Give two instruments that are free, in a database where commits are real."""
    with committed_db.session() as session:
        Scatter(session, instruments=0)
        found = [make.instrument(session).id for _ in range(2)]
        session.commit()
    return found


def seen(db):
    with db.session() as session:
        return busy_now(session)


def book(session, instrument_id):
    now = clock.now(session)
    row = Booking(instrument_id=instrument_id, span=Range(now, now + timedelta(days=9)), state="requested", created_at=now)
    born(session, SYSTEM, row, "request", request_id=make.key())
    return row


def test_what_is_booked_counts_at_once_for_everybody(committed_db, market):
    assert seen(committed_db) == ()
    with committed_db.session() as session:
        book(session, market[0])
        assert busy_now(session) == (market[0],)
        assert seen(committed_db) == ()
        session.commit()
    assert seen(committed_db) == (market[0],)


def test_what_is_given_back_shows_when_the_answer_is_found_anew(committed_db, market, monkeypatch):
    with committed_db.session() as session:
        row = book(session, market[1])
        session.commit()
        assert seen(committed_db) == (market[1],)
        move(session, SYSTEM, row, BOOKING, "timeout", request_id=make.key())
        session.commit()
    monkeypatch.setattr(freeweek, "STALE", -1000.0)
    assert seen(committed_db) == ()


def test_an_answer_that_is_no_longer_fresh_is_given_while_one_thread_finds_out(committed_db, market, monkeypatch):
    monkeypatch.setattr(freeweek, "FRESH", 0.0)
    monkeypatch.setattr(freeweek, "COST", 0.0)
    assert seen(committed_db) == ()
    with committed_db.session() as session:
        book(session, market[0])
        session.commit()
    assert seen(committed_db) == (market[0],)
    with freeweek._finding:
        assert freeweek._kept[committed_db.engine].ids == {market[0]}
