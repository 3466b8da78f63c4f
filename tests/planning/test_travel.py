"""A way that is guessed must at least be the guess that the page states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pyproj import Geod

from planning.travel import EARTH_M, Travel, nearest, within

PLACES = arrays(float, st.tuples(st.integers(0, 30), st.just(2)), elements=st.floats(0, 1)).map(lambda a: a * [60, 35] + [73, 18])
GLOBE = Geod(a=EARTH_M, b=EARTH_M)


def between(origins, destinations):
    """Return all great-circle distances the slow way, metres [n, m]."""
    n, m = len(origins), len(destinations)
    starts, ends = np.repeat(origins, m, axis=0), np.tile(destinations, (n, 1))
    return GLOBE.inv(*starts.T, *ends.T)[2].reshape(n, m)


@settings(deadline=None)
@given(PLACES, PLACES, st.floats(1_000, 3_000_000))
def test_exactly_the_pairs_within_the_distance_come(origins, destinations, limit):
    metres = between(origins, destinations)
    found = within(origins, destinations, limit)
    pairs = set(zip(found.origin.tolist(), found.destination.tolist(), strict=True))
    assert {tuple(pair) for pair in np.argwhere(metres <= limit * (1 - 1e-9)).tolist()} <= pairs
    assert pairs <= {tuple(pair) for pair in np.argwhere(metres <= limit * (1 + 1e-9)).tolist()}
    assert np.allclose(found.metres, metres[found.origin, found.destination], rtol=1e-6, atol=0.2)


@settings(deadline=None)
@given(PLACES, PLACES.filter(len))
def test_the_nearest_is_the_nearest(origins, destinations):
    index, metres = nearest(origins, destinations)
    every = between(origins, destinations)
    assert np.allclose(metres, every.min(axis=1), rtol=1e-6, atol=0.2)
    assert np.allclose(every[np.arange(len(origins)), index], metres, rtol=1e-6, atol=0.2)


def test_with_nothing_to_reach_nothing_is_near():
    index, metres = nearest(np.array([[120.0, 30.0]]), np.empty((0, 2)))
    assert index.tolist() == [-1]
    assert metres.tolist() == [np.inf]
    assert len(within(np.empty((0, 2)), np.array([[120.0, 30.0]]), 1e6).metres) == 0


def test_two_things_on_one_point_are_a_pair_without_a_way():
    here = np.array([[120.15, 30.28]])
    assert within(here, here, 1_000).metres.tolist() == [0.0]


def test_minutes_follow_from_detour_and_speed_and_back():
    travel = Travel(detour=1.3, speed=50)
    assert travel.minutes(np.array([38_461.54])).round(3).tolist() == [60.0]
    assert travel.metres(60) == pytest.approx(38_461.54, abs=0.01)
