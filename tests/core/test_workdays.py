"""Working days follow the calendar that offices follow, and a year that nobody announced yet is said to be unknown."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import workdays

DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2026, 11, 24), 0, date(2026, 11, 24)),
        (date(2026, 11, 28), 0, date(2026, 11, 30)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2025, 1, 25), 2, date(2025, 1, 27)),
        (date(2025, 1, 27), 1, date(2025, 2, 5)),  # spring festival: 28 January to 4 February
        (date(2025, 2, 7), 1, date(2025, 2, 8)),  # Saturday, a make-up workday
        (date(2025, 9, 30), 1, date(2025, 10, 9)),  # national day and mid-autumn together
        (date(2024, 2, 28), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 1, date(2024, 3, 1)),
        (date(2025, 12, 31), 1, date(2026, 1, 4)),  # 1 to 3 January off, Sunday the fourth is worked
        (date(2026, 11, 30), -1, date(2026, 11, 27)),
        (date(2025, 2, 5), -1, date(2025, 1, 27)),
    ],
)
def test_days_are_counted_as_offices_count_them(start, days, end):
    assert workdays.add(start, days) == end


def test_a_year_without_data_counts_weeks_and_says_so():
    unknown = workdays.last_known() + 1
    assert workdays.is_known(unknown - 1)
    assert not workdays.is_known(unknown)
    assert not workdays.is_workday(date(unknown, 1, 1))
    friday = next(date(unknown, 3, day) for day in range(1, 8) if date(unknown, 3, day).isoweekday() == 5)
    assert (workdays.add(friday, 1) - friday).days == 3


@given(DAYS, st.integers(0, 60))
def test_adding_and_counting_agree(start, days):
    end = workdays.add(start, days)
    assert workdays.is_workday(end)
    assert workdays.between(start, end) == days or (days == 0 and not workdays.is_workday(start))


@given(DAYS, st.integers(1, 40))
def test_the_way_back_from_a_working_day_is_as_long(start, days):
    base = workdays.add(start, 0)
    assert workdays.add(workdays.add(base, days), -days) == base
    assert workdays.between(workdays.add(base, days), base) == -days
