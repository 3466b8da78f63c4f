"""How good the search is, week by week, as the planner's page shows it: how searches ended, what was clicked, and whether a learnt order helps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from time import monotonic
from typing import Any, Final

import numpy as np
from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.learned import SHAPE, folder
from app.listsample import LOOKED
from bookings.demand import monday
from core import clock
from matching.learning.bootstrap import Interval, share
from matching.learning.clickmodel import examined
from matching.learning.lists import Lists, read_lists
from matching.learning.measures import Measures, Place, measure, places
from matching.learning.store import read_card, read_graded, why_off

WEEKS: Final = 12
KEPT: Final = 600.0
"""Seconds for which the figures of clicks are kept in a process: a log of weeks does not change by the minute."""

ROUNDS: Final = 300
"""Resamplings of a single week's measures."""


@dataclass(frozen=True)
class Week:
    """One week: searches and the shares of them that ended with nothing and with a question, and the measures of its lists."""

    monday: date
    searches: int
    nothing: Interval | None
    asked: Interval | None
    relaxed: Interval | None
    measures: Measures | None


@dataclass(frozen=True)
class Clicks:
    """The measures of all lists and of each week (by ordinal), the places, how many acts there were; `sample`: with generated lists among them."""

    whole: Measures | None
    weeks: dict[int, Measures]
    places: list[Place]
    booked: int
    refused: int
    sample: bool


def context(session: Session) -> dict[str, Any]:
    """Return the context of `planner/quality.html`."""
    settings = current_app.config["SETTINGS"]
    where, found = folder(settings), _clicks(session)
    return {
        "weeks": _weeks(session, found),
        "clicks": found,
        "planted": LOOKED.tolist() if found.sample else [],
        "card": read_card(where),
        "why_off": why_off(where, switched_on=settings.rerank, shape=SHAPE),
        "graded": read_graded(where),
        "sample": found.sample or bool(session.scalar(text("SELECT EXISTS (SELECT FROM demand WHERE is_sample)"))),
    }


def _weeks(session: Session, clicks: Clicks) -> list[Week]:
    """Return the last WEEKS weeks, the newest first; weeks without anything are left out."""
    since = monday(clock.today(session)) - timedelta(weeks=WEEKS - 1)
    ends: dict[date, dict[str, int]] = {}
    for row in session.execute(text(_ENDS), {"since": since}):
        ends.setdefault(row.week, {})[row.kind] = int(row.n)
    days = sorted({*ends, *(date.fromordinal(n) for n in clicks.weeks if n >= since.toordinal())}, reverse=True)
    return [_week(day, ends.get(day, {}), clicks.weeks.get(day.toordinal())) for day in days]


def _week(day: date, ends: dict[str, int], measures: Measures | None) -> Week:
    whole = sum(ends.values())
    nothing, asked, relaxed = (share(ends.get(kind, 0), whole) for kind in ("none", "ask", "relaxed"))
    return Week(day, whole, nothing, asked, relaxed, measures)


def _clicks(session: Session) -> Clicks:
    kept = current_app.extensions.setdefault("quality", {})
    if monotonic() >= kept.get("until", 0.0) or current_app.testing:
        kept.update(found=_measured(session), until=monotonic() + KEPT)
    found: Clicks = kept["found"]
    return found


def _measured(session: Session) -> Clicks:
    since = monday(clock.today(session)) - timedelta(weeks=WEEKS - 1)
    lists = read_lists(session, since)
    sample = bool(session.scalar(text("SELECT EXISTS (SELECT FROM shown_list WHERE is_sample AND week >= :since)"), {"since": since}))
    if not len(lists):
        return Clicks(None, {}, [], 0, 0, sample=False)
    theta = examined(lists)
    weeks = {int(week): measure(_of(lists, week), theta, rounds=ROUNDS) for week in np.unique(lists.week)}
    return Clicks(measure(lists, theta), weeks, places(lists, theta), int(lists.booked.sum()), int(lists.refused.sum()), sample)


def _of(lists: Lists, week: Any) -> Lists:
    return lists.pick(lists.week == week)


_ENDS: Final = "SELECT week, kind, sum(n) AS n FROM demand WHERE week >= :since AND kind <> 'unanswered' GROUP BY week, kind"
