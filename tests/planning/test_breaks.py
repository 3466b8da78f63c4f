"""A map's classes must part what differs, and never what is equal."""

from __future__ import annotations

from itertools import combinations, pairwise
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.breaks import METHODS, natural, quantiles

FIGURES = st.lists(st.floats(1e-4, 1e4), max_size=60)


def classes(values, breaks):
    """Return the values of each class."""
    edges = [0, *breaks, float("inf")]
    return [[v for v in values if low <= v < high] for low, high in pairwise(edges)]


def scatter(groups):
    return sum((v - fmean(group)) ** 2 for group in groups for v in group)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(FIGURES)
def test_bounds_rise_above_zero_and_are_at_most_three(method, figures):
    found = METHODS[method](figures)
    assert len(found) <= 3
    assert list(found) == sorted(set(found))
    assert all(cut > 0 for cut in found)


def test_a_quarter_of_the_figures_lies_in_each_class():
    assert quantiles(range(1, 101)) == (26, 50, 76)
    assert quantiles([n * 123 / 10 for n in range(1, 10)]) == (31, 55, 80)


def test_equal_figures_are_not_parted_and_few_are_parted_as_far_as_they_go():
    assert quantiles([2.0] * 40) == ()
    assert natural([2.0] * 40) == ()
    assert quantiles([]) == natural([]) == ()
    assert natural([1, 3]) == (2,)
    assert quantiles([1, 1, 1, 1, 1, 1, 1, 9]) == ()


def test_small_figures_are_parted_as_finely_as_large_ones():
    assert quantiles([0.001 * n for n in (1, 2, 3, 4)]) == (0.0015, 0.0025, 0.0035)


def test_bounds_take_more_digits_only_where_two_would_fall_together():
    assert quantiles([1.0011, 1.0012, 1.0013, 1.0014]) == (1.00115, 1.00125, 1.00135)


def test_natural_breaks_lie_in_the_gaps():
    assert natural([1, 1.1, 1.2, 10, 10.1, 50, 51, 52, 99]) == (5.6, 30, 76)


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=5, max_size=9))
def test_natural_breaks_have_the_smallest_scatter_of_all(figures):
    values = sorted(float(f) for f in figures)
    if len(set(values)) <= 4:
        return
    best = min(scatter([values[a:b] for a, b in pairwise([0, *cuts, len(values)])]) for cuts in combinations(range(1, len(values)), 3))
    assert scatter([group for group in classes(values, natural(values)) if group]) == pytest.approx(best, rel=1e-9, abs=1e-9)
