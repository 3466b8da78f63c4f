"""The log of lists: what is noted once, what is ignored, and what is forgotten; and the file that a trained order is."""

import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from sqlalchemy import select, text

from bookings.orders import EVENTS, Given
from matching.learning import log, rerank, store
from matching.learning.lists import read_lists
from matching.learning.log import Seen, Shown, ShownList, ShownOrder, read_seen
from tests import factories as make
from tests.factories import at, key
from tests.matching.clickworld import MONDAY, world

A, B = "0123456789abcdef", "fedcba9876543210"
SHAPE = "type_fit,distance"
cancel = EVENTS["cancel"]


@pytest.fixture
def shown(session):
    at(session, "2026-11-24T10:00+08:00")
    lists = [Shown(A, ("显微镜",), (7, 9), SHAPE, (1.0, 0.5, 0.9, 0.25)), Shown(B, (), (9,), SHAPE, (1.0, 0.5))]
    log.keep(session, [*lists, lists[0]])
    return session


def of(session, list_id=A):
    return session.scalars(select(ShownList).where(ShownList.id == list_id), execution_options={"populate_existing": True}).one()


@pytest.mark.parametrize("given", ["", A, f"{A}.0", f"{A}.21", f"{A}.100", f"{A}.x", f"{A[:-1]}.1", f"{A.upper()}.1", f"{A}.1'", f"{A}.１", "\x00"])
def test_what_is_no_row_of_a_list_is_nothing(given):
    assert read_seen(given) is None


def test_a_row_is_read_as_it_is_written():
    assert read_seen(str(Seen(A, 20))) == Seen(A, 20)


def test_a_click_counts_once_and_beyond_the_list_not_at_all(shown):
    log.click(shown, [Seen(A, 2), Seen(A, 2), Seen(A, 3), Seen("0" * 16, 1)])
    log.click(shown, [Seen(A, 2)])
    assert (of(shown).clicked, of(shown, B).clicked) == ([2], [])


def test_the_log_holds_a_week_and_nothing_of_a_person(shown):
    assert of(shown).week.isoformat() == "2026-11-23"
    held = shown.execute(text("SELECT column_name FROM information_schema.columns WHERE table_name = 'shown_list'")).scalars().all()
    assert set(held) == {"id", "week", "types", "instruments", "shape", "features", "clicked", "booked", "refused", "is_sample"}


def test_an_order_finds_its_row_a_refusal_is_noted_and_then_the_link_goes(session):
    scene = make.scene(session)
    order, machine = make.order(session, scene), scene.instrument.id
    log.keep(session, [Shown(A, (), (machine,), SHAPE, (1.0, 0.5)), Shown(B, (), (machine + 1,), SHAPE, (1.0, 0.5))])
    assert not log.book(session, order, Seen("0" * 16, 1)), "no such list"
    assert not log.book(session, order, Seen(B, 1)), "another instrument stood there"
    assert log.book(session, order, Seen(A, 1))
    assert not log.book(session, order, Seen(A, 1)), "a second time is no second booking"
    assert log.ended(session) == []
    cancel(session, make.carrier_actor(scene.carrier), order_id=order, request_id=key(), given=Given(reason="设备坏了"))
    assert log.ended(session) == [order]
    assert log.settle(session, order) == 1
    assert log.settle(session, order) == 0
    assert (of(session).booked, of(session).refused) == ([1], [1])
    assert session.scalars(select(ShownOrder)).all() == []


def test_lists_come_back_as_arrays_of_the_asked_signals(shown):
    log.click(shown, [Seen(A, 2)])
    lists = read_lists(shown, MONDAY, shape=SHAPE)
    assert len(lists) == 2
    assert lists.features.shape == (2, log.TOP, 2)
    assert np.argwhere(lists.clicked).tolist() == [[0, 1]]
    assert len(read_lists(shown, MONDAY, shape="type_fit,price")) == 0, "values of other signals are never read as these"
    assert len(read_lists(shown, MONDAY, sample=True)) == 0


def test_lists_past_their_time_are_forgotten(shown):
    assert log.stale(shown) == []
    at(shown, "2027-06-10T10:00+08:00")
    assert (log.stale(shown), log.forget(shown)) == ([1], 2)
    assert shown.scalars(select(ShownOrder)).all() == []


@pytest.fixture(scope="module")
def trial():
    pytest.importorskip("lightgbm")
    return rerank.trial(world(2_000)[0])


def save(folder, found, shape=SHAPE):
    return store.save(folder, found, shape=shape, at=datetime.fromisoformat("2026-11-24T10:00+08:00"))


def test_a_trained_order_is_found_again_and_used_only_switched_on(tmp_path, trial):
    card = save(tmp_path, trial)
    assert store.read_card(tmp_path) == card
    assert store.read_model(tmp_path, card) is not None
    assert "RERANK=1" in store.why_off(tmp_path, switched_on=False, shape=SHAPE)
    assert store.why_off(tmp_path, switched_on=True, shape=SHAPE) == ""


def test_an_uncertain_gain_other_signals_or_no_model_keep_it_off(tmp_path, trial):
    assert store.why_off(tmp_path, switched_on=True, shape=SHAPE), "nothing was trained"
    save(tmp_path, trial)
    assert store.why_off(tmp_path, switched_on=True, shape=SHAPE + ",quality")
    save(tmp_path, replace(trial, gain=replace(trial.gain, low=-0.001)))
    assert "下限" in store.why_off(tmp_path, switched_on=True, shape=SHAPE)


def test_a_model_that_was_changed_is_not_asked(tmp_path, trial):
    card = save(tmp_path, trial)
    (tmp_path / store.MODEL).write_text("tree\n")
    assert store.read_model(tmp_path, card) is None
    (tmp_path / store.CARD).write_text("{")
    assert store.read_card(tmp_path) is None


def test_measures_of_graded_needs_are_kept_for_the_page(tmp_path):
    assert store.read_graded(tmp_path) is None
    store.keep_graded(tmp_path, {"n": 2, "ndcg@10": 0.9}, at=datetime.fromisoformat("2026-11-24T10:00+08:00"))
    assert store.read_graded(tmp_path)["n"] == 2
    (tmp_path / store.GRADED).write_text(json.dumps([1]))
    assert store.read_graded(tmp_path) is None
