"""Instants of the sample history as whole seconds since 1970 (UTC), many at once: office hours in Asia/Shanghai, sessions of instruments.

Shanghai has kept UTC+8 without summer time since 1992, so a local day is plain arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bookings.slots import sessions

DAY: Final = 86_400
HOUR: Final = 3_600
_EAST: Final = 8 * HOUR
_NINE: Final = 9 * HOUR
_OFFICE_MINUTES: Final = 480
NEVER: Final = 1 << 60
"""An instant that does not come."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def day_of(at: Ints) -> Ints:
    """Return the business dates of instants as days since 1970."""
    return (at + _EAST) // DAY


def midnight(days: Ints | int) -> Ints:
    """Return the first instant of business dates (days since 1970)."""
    return np.asarray(days, dtype=np.int64) * DAY - _EAST


def dates(days: Ints) -> NDArray[np.datetime64]:
    """Return days since 1970 as dates."""
    return days.astype("datetime64[D]")


def instants(at: Ints) -> NDArray[np.datetime64]:
    """Return seconds since 1970 as instants in UTC."""
    return at.astype("datetime64[s]")


def days_since_1970(day: date) -> int:
    """Return the number of a date."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def years(at: Ints) -> Ints:
    """Return the calendar years of instants, by business date."""
    found: Ints = dates(day_of(at)).astype("datetime64[Y]").astype(np.int64) + 1970
    return found


def is_free(days: Ints) -> NDArray[np.bool_]:
    """Say which days no office works on: Saturday, Sunday, and the first two of the year (the new budgets come on the second)."""
    day = dates(days)
    found: NDArray[np.bool_] = ((days + 3) % 7 >= 5) | ((day - day.astype("datetime64[Y]")).astype(np.int64) < 2)
    return found


def later(at: Ints, least: float | Floats, most: float | Floats, rng: np.random.Generator) -> Ints:
    """Return instants of office hours `least` to `most` days after `at`, moved on to a working day, always after `at`."""
    seconds = np.asarray(at + rng.uniform(least, most, len(at)) * DAY, dtype=np.int64)
    day, within = day_of(seconds), _minutes(len(at), rng)
    while (early := is_free(day) | (midnight(day) + within <= at)).any():
        day += early
    return midnight(day) + within


def earlier(at: Ints, least: float, most: float, rng: np.random.Generator) -> Ints:
    """Return instants of office hours `least` to `most` days before `at`, moved back to a working day, always before `at`."""
    seconds = np.asarray(at - rng.uniform(least, most, len(at)) * DAY, dtype=np.int64)
    day, within = day_of(seconds), _minutes(len(at), rng)
    while (late := is_free(day) | (midnight(day) + within >= at)).any():
        day -= late
    return midnight(day) + within


def _minutes(count: int, rng: np.random.Generator) -> Ints:
    return _NINE + rng.integers(0, _OFFICE_MINUTES * 60, count)


@dataclass(frozen=True)
class Hours:
    """The patterns of opening hours that there are: the sessions of each by weekday, as seconds of the local day, as `bookings.slots` reads them."""

    starts: Ints
    ends: Ints
    number: Ints
    """[pattern, weekday, session]; of `number[pattern, weekday]` sessions."""

    @classmethod
    def of(cls, patterns: Sequence[Mapping[str, Any]]) -> Hours:
        """Read patterns as instruments keep them."""
        monday = date(2024, 1, 1)
        found = [[sessions(hours, monday + timedelta(days=n)) for n in range(7)] for hours in patterns]
        most = max((len(day) for week in found for day in week), default=0)
        shape = (len(found), 7, max(1, most))
        starts, ends = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for p, week in enumerate(found):
            for n, day in enumerate(week):
                for k, (opens, closes) in enumerate(day):
                    starts[p, n, k], ends[p, n, k] = _of_day(opens, monday + timedelta(days=n)), _of_day(closes, monday + timedelta(days=n))
        return cls(starts, ends, np.array([[len(day) for day in week] for week in found], dtype=np.int64).reshape(-1, 7))

    def next_open(self, pattern: Ints, days: Ints) -> Ints:
        """Return the first day from each of `days` on which its pattern opens (a pattern that never opens stays where it is)."""
        found = days.copy()
        for _ in range(6):
            found += self.number[pattern, (found + 3) % 7] == 0
        return found

    def span(self, pattern: Ints, days: Ints, session: Ints) -> tuple[Ints, Ints]:
        """Return start and end of the sessions (counted from 0, going round) of open days."""
        weekday = (days + 3) % 7
        nth = session % np.maximum(1, self.number[pattern, weekday])
        return midnight(days) + self.starts[pattern, weekday, nth], midnight(days) + self.ends[pattern, weekday, nth]


def _of_day(at: datetime, day: date) -> int:
    return int((at.replace(tzinfo=None) - datetime.combine(day, datetime.min.time())).total_seconds())
