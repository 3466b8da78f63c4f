"""The generated searches of a sample world: marked, kept as real ones are, and by a law that the estimates find again."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from sqlalchemy import select, text

from app import listsample
from app.listsample import LOOKED
from app.searchsample import WEEKS, busyness, lay_searches
from bookings.demand import FEWEST, KINDS, Demand, monday, untidy
from geodata.sampling.world import World
from matching.learning.clickmodel import examined
from matching.learning.lists import from_rows, read_lists
from matching.learning.log import ShownList
from tests import factories as make

DAY = date(2026, 11, 24)


@pytest.fixture
def laid(session, clock):
    for _ in range(6):
        make.listing(session, make.instrument(session))
    make.enterprise(session)
    session.flush()
    lay_searches(session, World(size="tiny", day=DAY, seed=7))
    return session


def test_every_generated_search_says_so_and_is_kept_as_a_real_one_would_be(laid):
    rows = laid.scalars(select(Demand)).all()
    assert all(row.is_sample for row in rows)
    assert {row.kind for row in rows} == set(KINDS)
    assert {row.week for row in rows} == {week for week, _ in busyness(DAY)}
    assert len({row.week for row in rows}) == WEEKS
    assert not [row for row in rows if row.text and row.week < monday(DAY) and row.askers < FEWEST], "words of too few are not shown"
    assert all(row.askers <= row.n for row in rows)
    assert untidy(laid) == []


def test_the_same_world_has_the_same_searches(laid):
    query = "SELECT md5(string_agg(concat(week, region, kind, type, text, n, askers), '' ORDER BY week, region, kind, type, text)) FROM demand"
    lists = "SELECT md5(string_agg(concat(id, instruments, clicked, booked), '' ORDER BY id)) FROM shown_list"
    before = [laid.scalar(text(one)) for one in (query, lists)]
    laid.execute(text("DELETE FROM demand"))
    laid.execute(text("DELETE FROM shown_list"))
    lay_searches(laid, World(size="tiny", day=DAY, seed=7))
    assert [laid.scalar(text(one)) for one in (query, lists)] == before


def test_what_is_booked_was_opened_and_what_is_called_off_was_booked(laid):
    rows = laid.scalars(select(ShownList)).all()
    assert len(read_lists(laid, monday(DAY), sample=True)) <= len(rows)
    assert all(row.is_sample and set(row.refused) <= set(row.booked) <= set(row.clicked) for row in rows)


def test_the_planted_bias_is_found_again_from_the_clicks_alone():
    rng = np.random.default_rng(3)
    standing = [listsample._standing(rng, listsample.POOL) for _ in range(listsample.KINDS)]
    rows = []
    for n in range(1_500):
        which = n % listsample.KINDS
        order, _, opened = listsample._shown(rng, standing[which])
        rows.append((DAY, [str(which)], order.tolist(), [], (np.flatnonzero(opened) + 1).tolist(), [], []))
    found = examined(from_rows(rows, 0))
    assert np.abs(found - LOOKED).max() < 0.12
    assert found[0] > found[3] > found[10]
