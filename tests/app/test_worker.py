"""What time brings happens without anybody asking for it, once, and one broken row stops no other."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app import jobs, worker
from bookings.entities import Order
from core.errors import Refused
from geodata import grid
from geodata.wanted import Wanted
from tests import factories as make
from vouchers.entities import Voucher
from vouchers.queries import vouchers_of


@pytest.fixture
def waiting(committed_db):
    """An offer that nobody answered for two days, paid with a voucher."""
    with committed_db.session() as session:
        with Session(committed_db.owner) as owner:
            scene = make.scene(owner, now=(datetime.now(UTC) - timedelta(days=2)).isoformat())
            made = make.order(owner, scene, nth=8)
            owner.commit()
        yield session, scene, made


def test_an_unanswered_offer_ends_and_its_hold_returns_to_the_voucher(committed_db, waiting):
    session, scene, made = waiting
    assert worker.one_round(committed_db.engine) == 1
    assert session.get_one(Order, made).state == "cancelled"
    (row,) = vouchers_of(session, scene.buyer.organisation_id)
    assert (row.held, row.available) == (0, row.face)
    assert worker.one_round(committed_db.engine) == 0


def test_a_voucher_past_its_last_day_gives_its_money_back_to_the_pool(committed_db):
    with Session(committed_db.owner) as owner:
        make.at(owner, datetime.now(UTC) - timedelta(days=150))
        voucher = make.voucher(owner)
        owner.commit()
        key, holder = voucher.id, voucher.holder_id
    assert worker.one_round(committed_db.engine) == 1
    with committed_db.session() as session:
        assert session.get_one(Voucher, key).state == "expired"
        (row,) = vouchers_of(session, holder)
        assert (row.available, row.returned) == (0, row.face)


def test_a_row_that_fails_does_not_stop_the_others(committed_db, waiting, monkeypatch):
    session, _, made = waiting

    def broken(_session, _key):
        raise Refused("x", "x")

    monkeypatch.setattr(jobs, "JOBS", (jobs.Job("broken", jobs.overdue, broken), *jobs.JOBS))
    assert worker.one_round(committed_db.engine) == 1
    assert session.get_one(Order, made).state == "cancelled"


def test_changes_of_the_map_go_into_its_cells_without_being_counted_as_work(committed_db):
    with Session(committed_db.owner) as owner:
        make.instrument(owner, geom="SRID=4326;POINT(120.2 30.3)")
        owner.commit()
        assert grid.pending(owner) == [1]
        assert worker.one_round(committed_db.engine) == 0
        assert grid.pending(owner) == []
        assert grid.count(owner, "instruments", Wanted()) == 1
