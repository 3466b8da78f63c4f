"""The days that words stand for: a week from now, next Wednesday, the end of the month. All dates are days in Asia/Shanghai."""

from datetime import date, timedelta
from typing import Final

FRIDAY: Final = 4
HOLIDAYS: Final = {"元旦": (1, 1), "五一": (5, 1), "劳动节": (5, 1), "国庆": (10, 1), "十一": (10, 1), "圣诞": (12, 25)}
SPRING: Final = (
    date(2026, 2, 17), date(2027, 2, 6), date(2028, 1, 26), date(2029, 2, 13), date(2030, 2, 3), date(2031, 1, 23), date(2032, 2, 11),
    date(2033, 1, 31), date(2034, 2, 19), date(2035, 2, 8),
)  # fmt: skip
"""The first day of the Chinese year."""


def day_of(year: int, month: int, day: int) -> date | None:
    """Return the day, None when there is no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def month_day(year: int, month: int, day: int) -> date:
    """Return the day of the month, or its last when the month is shorter; months count on beyond December."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return next(found for found in (day_of(year, month, day - less) for less in range(4)) if found)


def next_day(today: date, month: int, day: int) -> date | None:
    """Return the next such day from today on; day 0 is the month's last."""
    if not 1 <= month <= 12:
        return None
    for year in range(today.year, today.year + 5):
        found = month_day(year, month, 31) if day == 0 else day_of(year, month, day)
        if found and found >= today:
            return found
    return None


def next_holiday(today: date, name: str) -> date:
    """Return the last day before the next holiday of that name."""
    if name in HOLIDAYS:
        month, day = HOLIDAYS[name]
        first = date(today.year, month, day)
        return (first if first > today else date(today.year + 1, month, day)) - timedelta(days=1)
    return next((day for day in SPRING if day > today), date(today.year + 1, 1, 31)) - timedelta(days=1)


def after(today: date, count: int, unit: str) -> date:
    """Return the day `count` units after `today`; working days are Monday to Friday, a started day of hours counts in full."""
    if unit.startswith(("工作日", "work", "business")):
        weeks, rest = divmod(count, 5)
        day = today + timedelta(weeks=weeks)
        while rest or day.weekday() > FRIDAY:
            day += timedelta(days=1)
            rest -= day.weekday() <= FRIDAY and rest > 0
        return day
    if unit.startswith(("小时", "hour")):
        return today + timedelta(days=-(-count // 24))
    if unit.startswith(("月", "month")):
        return month_day(today.year, today.month + min(count, 240), today.day)
    return today + timedelta(days=count * (1 if unit.startswith(("天", "日", "day")) else 7))


def weekday(today: date, weeks: int, at: int) -> date:
    """Return the day `at` (Monday 0) of the week `weeks` from this one."""
    return today - timedelta(days=today.weekday()) + timedelta(weeks=weeks, days=at)


def coming(today: date, at: int) -> date:
    """Return the next day `at` of the week, today included."""
    return today + timedelta(days=(at - today.weekday()) % 7)
