"""When a visit takes place: placed, the slot on the instrument, accepted, called off, delivered, confirmed. Two offers are kept for each visit.

No slot of an instrument is given twice. What is to be confirmed is so before the end; what is to be under way is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bookings.checkout import ANSWER_WITHIN
from bookings.sampling.cast import Cast
from bookings.sampling.times import DAY, HOUR, NEVER, Ints, day_of, later
from bookings.sampling.visits import BY_CARRIER, BY_HOLDER, DONE, UNANSWERED, UNDER_WAY, UNDER_WAY_DAYS, Visits

_ANSWER: Final = int(ANSWER_WITHIN.total_seconds())
_TIMEOUT: Final = 600
"""Seconds after the last hour for an answer at which the clock ends an offer."""
_ROUNDS: Final = 200


@dataclass
class Schedule:
    """Instants in seconds, `NEVER` for what does not come; row n of `placed` is visit n, all others have its test in row n and its job in n + len.

    `offer` is the offer of each row, -1 where there is none.
    """

    offer: Ints
    placed: Ints
    start: Ints
    stop: Ints
    answer_by: Ints
    accepted: Ints
    cancelled: Ints
    delivered: Ints
    confirmed: Ints


@dataclass(frozen=True)
class Window:
    """The first instant at which each visit may be placed, the end of the story, and the instants (0: free) at which some are placed."""

    first: Ints
    end: int
    fixed: Ints


def schedule(cast: Cast, visits: Visits, window: Window, rng: np.random.Generator) -> Schedule:
    """Put every visit in time with both of its offers."""
    count = len(visits)
    found = Schedule(np.concatenate([visits.test, visits.job]), _placed(visits, window, rng), *(np.full(2 * count, NEVER) for _ in range(7)))
    visit, bump = np.tile(np.arange(count), 2), np.zeros(2 * count, dtype=np.int64)
    ahead, session = rng.integers(2, 16, 2 * count), rng.integers(0, 6, 2 * count)
    rows = np.flatnonzero(found.offer >= 0)
    for _ in range(_ROUNDS):
        days = day_of(found.placed[visit[rows]]) + ahead[rows] + bump[rows] // 3
        pattern = cast.offers.pattern[found.offer[rows]]
        found.start[rows], found.stop[rows] = cast.hours.span(pattern, cast.hours.next_open(pattern, days), session[rows] + bump[rows])
        _go_on(cast, visits, found, rows, rng)
        taken = _taken_twice(cast, found)
        bump[taken] += 1
        moved = _move(visits, found, window, visit, rng)
        rows = np.union1d(taken, np.flatnonzero(np.isin(visit, moved) & (found.offer >= 0)))
        if not len(rows):
            return found
    found.offer[rows] = -1
    return found


def _placed(visits: Visits, window: Window, rng: np.random.Generator) -> Ints:
    spread = window.first + (window.end - window.first) * visits.when
    recent = window.end - UNDER_WAY_DAYS * DAY * rng.random(len(visits))
    at = np.where(visits.end == UNDER_WAY, np.maximum(recent, window.first), spread).astype(np.int64)
    at = np.where(window.fixed > 0, window.fixed, later(at - DAY // 2, 0, 0.5, rng))
    return np.minimum(at, window.end - HOUR)


def _go_on(cast: Cast, visits: Visits, found: Schedule, rows: Ints, rng: np.random.Generator) -> None:
    """Let the carrier answer, deliver, and the holder confirm, or somebody call it off."""
    visit = rows % max(1, len(visits))
    placed, end, offer = found.placed[visit], visits.end[visit], found.offer[rows]
    last = np.minimum(placed + _ANSWER, found.start[rows])
    answer = placed + ((last - placed) * rng.uniform(0.05, 0.9, len(rows))).astype(np.int64)
    deadline = found.start[rows] - (cast.offers.notice_hours[offer] + 2) * HOUR
    by_holder = (end == BY_HOLDER) & (deadline > answer + 1)
    off = (end == BY_CARRIER) | ((end == BY_HOLDER) & ~by_holder)
    found.answer_by[rows] = last
    found.accepted[rows] = np.where(off | (end == UNANSWERED), NEVER, answer)
    half = answer + (deadline - answer) // 2
    found.cancelled[rows] = np.select([off, by_holder, end == UNANSWERED], [answer, half, last + _TIMEOUT], NEVER)
    delivered = later(found.stop[rows], 0.1, np.maximum(0.5, cast.offers.report_days[offer]), rng)
    goes_on = end <= UNDER_WAY
    found.delivered[rows] = np.where(goes_on, delivered, NEVER)
    found.confirmed[rows] = np.where(goes_on, later(delivered, 0.1, 4, rng), NEVER)


def _taken_twice(cast: Cast, found: Schedule) -> Ints:
    """Return the rows whose slot an earlier row has."""
    rows = np.flatnonzero(found.offer >= 0)
    keys = (cast.offers.instrument[found.offer[rows]] << 32) + found.start[rows]
    first = np.unique(keys, return_index=True)[1]
    return np.delete(rows, first)


def _move(visits: Visits, found: Schedule, window: Window, visit: Ints, rng: np.random.Generator) -> Ints:
    """Place those earlier that are to be confirmed and would not, and those later that would be and are not to; return which moved."""
    count = len(visits)
    rows = found.offer >= 0
    latest, soonest = np.zeros(count, dtype=np.int64), np.full(count, NEVER)
    np.maximum.at(latest, visit[rows], found.confirmed[rows])
    np.minimum.at(soonest, visit[rows], found.confirmed[rows])
    late = np.flatnonzero((visits.end == DONE) & (latest >= window.end))
    back = found.placed[late] - (rng.uniform(3, 20, len(late)) * DAY).astype(np.int64)
    found.placed[late] = np.maximum(later(back, 0, 0.5, rng), window.first[late])
    early = np.flatnonzero((visits.end == UNDER_WAY) & (soonest < window.end))
    found.placed[early] += (window.end - HOUR - found.placed[early]) // 2
    return np.concatenate([late, early])
