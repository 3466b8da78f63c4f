"""Days as a list says them: without the weekday, and with the part of the day in which something starts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from app import filters
from app.i18n import gettext, language
from core.clock import SHANGHAI


def short_day(at: date | datetime) -> str:
    """Write a business date without its weekday: "11月26日" or "26 Nov"."""
    return filters.day(at).rsplit(" ", 1)[0] if language() == "zh" else filters.day(at).split(" ", 1)[1]


def part_of_day(at: datetime) -> str:
    """Say which part of the day an instant is in."""
    hour = at.astimezone(SHANGHAI).hour
    return gettext("上午") if hour < 12 else gettext("下午") if hour < 18 else gettext("晚上")


def slot_text(start: datetime | None) -> str:
    """Say when the next free slot is."""
    if start is None:
        return gettext("三周内没有空档")
    return gettext("最早 %(day)s %(part)s", day=short_day(start), part=part_of_day(start))


def said(params: Mapping[str, Any]) -> dict[str, Any]:
    """Write the parameters of a reason as people read them: its date as a day; everything else is text already."""
    return {name: short_day(date.fromisoformat(value)) if name == "date" else value for name, value in dict(params).items()}
