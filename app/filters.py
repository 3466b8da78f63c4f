"""Jinja filters of the trade: money, dates, distances, as people write them in both languages; always Asia/Shanghai."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from flask import Flask

from app.i18n import language
from core import money
from core.clock import SHANGHAI, business_date

_WEEK: Final = "一二三四五六日"
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def yuan(fen: int) -> str:
    """Write fen as yuan with two decimals: 120000 → "1,200.00". The sign ¥ is the template's."""
    return money.yuan(fen)


def yuan0(fen: int) -> str:
    """Write fen as yuan, dropping zero fen only: 120000 → "1,200", 120050 → "1,200.50". For ranking and prices."""
    return money.yuan(fen, decimals=0)


def large(fen: int) -> str:
    """Write a large sum for reading, not for paying: 145300000 fen → "145.3 万元" or "¥1,453,000"."""
    return f"¥{yuan0(round(fen, -2))}" if language() == "en" else f"{fen / 1_000_000:.1f} 万元"


def people(count: int) -> str:
    """Write a number of people, rounded: 2720000 → "272 万" or "2.72 million"."""
    return f"{count / 1_000_000:.2f} million" if language() == "en" else f"{count / 10_000:.0f} 万"


def day(at: date | datetime) -> str:
    """Write a business date: "11月26日 周四" or "Thu 26 Nov"; an instant is taken to Asia/Shanghai first."""
    on = _date(at)
    if language() == "en":
        return f"{_DAYS[on.weekday()]} {on.day} {_MONTHS[on.month - 1]}"
    return f"{on.month}月{on.day}日 周{_WEEK[on.weekday()]}"


def month(on: date) -> str:
    """Write a month of an axis: "2月" or "Feb"; the first of a year with its year: "2027年1月" or "Jan 2027"."""
    year = on.month == 1
    if language() == "en":
        return _MONTHS[on.month - 1] + (f" {on.year}" if year else "")
    return (f"{on.year}年" if year else "") + f"{on.month}月"


def fullday(at: date | datetime) -> str:
    """Write a business date with its year, for what lies far away: "2027年2月28日" or "28 Feb 2027"."""
    on = _date(at)
    return f"{on.day} {_MONTHS[on.month - 1]} {on.year}" if language() == "en" else f"{on.year}年{on.month}月{on.day}日"


def daytime(at: datetime) -> str:
    """Write an aware instant in Asia/Shanghai: "11月26日 周四 09:30" or "Thu 26 Nov 09:30"."""
    return f"{day(at)} {clock(at)}"


def clock(at: datetime) -> str:
    """Write the time of day of an aware instant in Asia/Shanghai: "09:30"."""
    return at.astimezone(SHANGHAI).strftime("%H:%M")


def km(metres: float) -> str:
    """Write a distance: metres below 1 km, one decimal below 10 km, whole kilometres above: "850 米", "8.4 公里", "19 公里"."""
    small, far = ("m", "km") if language() == "en" else ("米", "公里")
    if metres < 995:
        return f"{round(metres / 10) * 10} {small}"
    return f"{metres / 1000:.1f} {far}" if metres < 9950 else f"{metres / 1000:.0f} {far}"


def _date(at: date | datetime) -> date:
    return business_date(at) if isinstance(at, datetime) else at


FILTERS: Final = (yuan, yuan0, large, people, day, fullday, daytime, clock, km)


def init_app(app: Flask) -> None:
    """Give the templates of `app` the filters above, under their own names."""
    app.jinja_env.filters.update({found.__name__: found for found in FILTERS})
