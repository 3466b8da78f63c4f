"""Learning from clicks: the place's part of a click is told apart from the row's, and an order is only taken for better when it is."""

import numpy as np
import pytest

from core.errors import Refused
from matching.learning import bootstrap, clickmodel, measures, rerank
from matching.learning.clickmodel import examined, weights
from matching.learning.lists import from_rows
from matching.learning.log import TOP
from tests.matching.clickworld import MONDAY, looked_at, world

lightgbm = pytest.importorskip("lightgbm")


@pytest.fixture(scope="module")
def log():
    return world()


@pytest.fixture(scope="module")
def theta(log):
    return examined(log[0])


def truth(order, liked):
    """Return nDCG of each list against what people really like, [n]."""
    won, best = measures.gains(liked, order)
    return won / best


def test_the_click_model_finds_how_far_people_look_down(theta):
    assert np.abs(theta - np.maximum(looked_at(), clickmodel.LEAST)).max() < 0.06


def test_without_bias_every_place_counts_alike():
    assert np.abs(examined(world(bias=False)[0]) - 1).max() < 0.12


def test_a_log_without_clicks_corrects_nothing():
    lists, _ = world(50, likes=(0.0, 0.0))
    assert examined(lists).tolist() == [1.0] * TOP


def test_naive_training_learns_the_bias_and_corrected_training_the_preference(log, theta):
    lists, liked = log
    later = np.arange(len(lists)) >= 3_000
    earlier, rest = lists.pick(~later), lists.pick(later)
    naive = rerank.train(earlier, earlier.clicked.astype(float))
    fair = rerank.train(earlier, weights(earlier, theta))
    biased, corrected = (truth(rerank.order_of(model, rest), liked[later]) for model in (naive, fair))
    gain = bootstrap.ratio(corrected - biased, np.ones(len(biased)))
    assert gain.above_zero, gain
    assert corrected.mean() > truth(None, liked[later]).mean() + 0.1


def test_the_gain_is_judged_on_later_weeks_and_lies_above_zero(log):
    found = rerank.trial(log[0])
    assert found.gain.above_zero
    assert found.learnt[1] < found.judged[0], "no week is both learnt from and judged on"


def test_clicks_at_random_give_no_gain():
    assert not rerank.trial(world(likes=(0.3, 0.3))[0]).gain.above_zero


def test_corrected_ndcg_sees_through_the_bias(log, theta):
    """People click the first rows more whatever stands there: the plain order looks good only as long as places are not corrected."""
    found = measures.measure(log[0], theta)
    assert found.ndcg.value < found.ndcg_naive.value
    assert found.ndcg.low <= found.ndcg.value <= found.ndcg.high


@pytest.mark.parametrize(("lists", "clause"), [(world(500, weeks=1)[0], "weeks"), (world(60)[0], "clicks")])
def test_too_little_to_learn_from_is_refused_by_name(lists, clause):
    with pytest.raises(Refused) as no:
        rerank.trial(lists)
    assert no.value.clause == clause


def test_rows_become_arrays_and_what_does_not_fit_is_left_out():
    good = (MONDAY, ["显微镜"], [7, 9], [0.1, 0.2, 0.3, 0.4], [2], [], [1, 5])
    short = (MONDAY, ["显微镜"], [7, 9], [0.1], [1], [], [])
    lists = from_rows([good, short], 2)
    assert len(lists) == 1
    assert np.allclose(lists.features[0, :2], [[0.1, 0.2], [0.3, 0.4]])
    assert (lists.clicked[0].nonzero()[0].tolist(), lists.refused[0].nonzero()[0].tolist()) == ([1], [0])
    assert lists.shown.sum() == 2


def test_intervals_hold_their_value_and_shrink_with_more():
    few, many = bootstrap.share(5, 10), bootstrap.share(5_000, 10_000)
    assert few.low < few.value < few.high
    assert many.high - many.low < few.high - few.low
    assert bootstrap.share(0, 0) is None
    assert bootstrap.ratio([1.0], [1.0]) is None
    rng = np.random.default_rng(1)
    drawn = rng.random(10_000)
    blocks = bootstrap.ratio(drawn, np.ones(10_000))
    assert 0.008 < blocks.high - blocks.low < 0.015, "blocks spread as lists do: 2 × 1.96 × 0.289 ÷ √10,000 = 0.0113"
