"""A planner must not read an unknown as a zero, nor a rounding as a finding."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.gaps import gaps, rate


@dataclass(frozen=True)
class Row:
    adcode: str
    instruments: int
    population: int | None


ROWS = st.lists(st.tuples(st.integers(0, 500), st.none() | st.integers(10_000, 3_000_000)), max_size=90).map(
    lambda pairs: [Row(f"{330000 + i}", n, p) for i, (n, p) in enumerate(pairs)]
)


def test_a_rate_is_per_100_000_residents_and_unknown_without_residents():
    assert rate(5, 500_000) == pytest.approx(1.0)
    assert rate(0, 500_000) == 0
    assert rate(5, None) is None


@given(ROWS)
def test_every_county_stays_and_unknown_is_never_zero(rows):
    view = gaps(rows)
    assert {g.adcode for g in view.gaps} == {r.adcode for r in rows}
    assert all((g.rate is None) == (g.population is None) for g in view.gaps)
    assert all((g.rate == 0) == (g.instruments == 0) for g in view.gaps if g.population)


@given(ROWS)
def test_known_gaps_come_first_by_rate_and_the_bounds_rise(rows):
    view = gaps(rows)
    rates = [g.rate for g in view.gaps]
    known = [rate for rate in rates if rate is not None]
    assert known == sorted(known)
    assert rates == [*known, *[None] * (len(rates) - len(known))]
    assert len(view.breaks) <= 3
    assert list(view.breaks) == sorted(set(view.breaks))
    assert all(cut > 0 for cut in view.breaks)


def test_the_bounds_are_quartiles_of_the_rates_above_zero_to_two_figures():
    none, nine = Row("z", 0, 100_000), [Row(str(n), n * 123, 1_000_000) for n in range(1, 10)]
    assert gaps([none, *nine]).breaks == (37, 62, 86)
    assert gaps([none, *nine[:3]]).breaks == ()


def test_small_rates_are_parted_as_finely_as_large_ones():
    assert gaps([Row(str(n), n, 100_000_000) for n in (1, 2, 3, 4, 5)]).breaks == (0.002, 0.003, 0.004)


def test_the_largest_gap_with_the_most_residents_stands_first():
    view = gaps([Row("a", 0, 100_000), Row("b", 0, 900_000), Row("c", 9, 100_000), Row("d", 3, None)])
    assert [g.adcode for g in view.gaps] == ["b", "a", "c", "d"]
    assert len(view.empty) == 2
    assert [g.adcode for g in view.unknown] == ["d"]
