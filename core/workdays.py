"""Working days of the People's Republic of China: the holidays and the make-up workdays that the State Council announces each autumn, as data.

The package `chinese_calendar` holds the announcements. A year whose announcement it does not have yet counts Monday to Friday without New Year's
Day, and `is_known` says so: whoever shows such a date says it too.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache, lru_cache

import chinese_calendar

DAY = timedelta(days=1)


@cache
def is_known(year: int) -> bool:
    """Say whether the holidays of a year are in the data."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def last_known() -> int:
    """Return the last year whose holidays are in the data."""
    return int(max(day.year for day in chinese_calendar.holidays))


@lru_cache(maxsize=4096)
def is_workday(day: date) -> bool:
    """Say whether offices work on a day: make-up workdays at a weekend do, holidays within the week do not."""
    if is_known(day.year):
        return bool(chinese_calendar.is_workday(day))
    return day.isoweekday() <= 5 and (day.month, day.day) != (1, 1)


def add(day: date, days: int) -> date:
    """Return the working day that is `days` working days after `day`, before it for a negative number; for 0 `day` or the next working day."""
    step = DAY if days >= 0 else -DAY
    while days == 0 and not is_workday(day):
        day += DAY
    for _ in range(abs(days)):
        day += step
        while not is_workday(day):
            day += step
    return day


def between(start: date, end: date) -> int:
    """Return how many working days lie after `start` up to and with `end`; negative when `end` comes first. `add(start, n)` is n away."""
    if end < start:
        return -between(end, start)
    return sum(is_workday(start + DAY * offset) for offset in range(1, (end - start).days + 1))
