"""The free slots of an instrument as a grid that a page shows: days as columns, parts of the day as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from bookings import queries
from bookings.slots import Slot, report_on, slots
from core import clock
from core.errors import N_

COLUMNS = 10
WEEKS = 2
PARTS = ((0, N_("上午")), (12, N_("下午")), (18, N_("晚上")))
Look = Literal["free", "late", "full", "closed"]


@dataclass(frozen=True)
class Cell:
    """One place of the grid: closed days have no slot; `late` is free with a report after the day that the person named."""

    day: date
    part: str
    look: Look
    slot: Slot | None = None
    report: date | None = None

    @property
    def value(self) -> str:
        """The slot as a form sends it: start and end, ISO 8601 with offset."""
        return f"{self.slot.start.isoformat()}/{self.slot.end.isoformat()}" if self.slot else ""


@dataclass(frozen=True)
class Grid:
    """Days as columns and rows of cells by part of the day; `first` is the earliest free cell."""

    days: tuple[date, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]

    @property
    def first(self) -> Cell | None:
        """The earliest free cell that is not late, else the earliest free one."""
        free = sorted((c for _, row in self.rows for c in row if c.slot and c.look in ("free", "late")), key=lambda c: (c.look, c.value))
        return free[0] if free else None

    def find(self, value: str) -> Cell | None:
        """Return the free cell whose `value` is given, or None."""
        return next((c for _, row in self.rows for c in row if c.value == value and c.look in ("free", "late")), None)


@dataclass(frozen=True)
class Wanted:
    """What the grid is drawn for: instrument, its hours, days until the report, the page of two weeks (0: now), the day that was named."""

    instrument_id: int
    hours: Mapping[str, Any]
    report_days: int
    page: int = 0
    due: date | None = None


def grid(session: Session, wanted: Wanted) -> Grid:
    """Return the grid of the two weeks of `wanted.page`: working days, and any other day on which the instrument is open."""
    now = clock.now(session)
    start = clock.today(session) + timedelta(days=7 * WEEKS * wanted.page)
    end = now + timedelta(days=7 * WEEKS * (wanted.page + 1) + 1)
    taken = queries.taken(session, [wanted.instrument_id], start=now, end=end)[wanted.instrument_id]
    found = slots(wanted.hours, start, days=7 * WEEKS, taken=taken, now=now)
    open_days = {clock.business_date(s.start) for s in found}
    days = [start + timedelta(days=n) for n in range(7 * WEEKS)]
    shown = tuple(d for d in days if d.isoweekday() <= 5 or d in open_days)[:COLUMNS]
    by_place = {(clock.business_date(s.start), _part(s.start)): s for s in reversed(found)}
    parts = [name for _, name in PARTS if name != PARTS[2][1] or any(part == name for _, part in by_place)]
    return Grid(shown, tuple((part, tuple(_cell(day, part, by_place.get((day, part)), wanted) for day in shown)) for part in parts))


def _part(at: datetime) -> str:
    hour = at.astimezone(clock.SHANGHAI).hour
    return next(name for start, name in reversed(PARTS) if hour >= start)


def _cell(day: date, part: str, slot: Slot | None, wanted: Wanted) -> Cell:
    if slot is None or slot.state == "past":
        return Cell(day, part, "closed")
    report = report_on(slot.end, wanted.report_days)
    if slot.state == "full":
        return Cell(day, part, "full", slot, report)
    return Cell(day, part, "late" if wanted.due and report > wanted.due else "free", slot, report)
