"""The last day on which the report still helps: a date, a span from today, or a day as it is spoken of."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Final

from matching.constraints import Origin
from matching.reading.calendar import FRIDAY, after, coming, day_of, month_day, next_day, next_holiday, weekday
from matching.reading.hit import Hit
from matching.reading.numbers import COUNT, ENGLISH, read_count

MONTHS: Final = {word: at for at, word in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}  # noqa: SIM905
WEEKDAYS: Final = {word: at for at, word in enumerate("mon tue wed thu fri sat sun".split())}  # noqa: SIM905
BEFORE: Final = r"(?:之前|以前|前)"
CUE: Final = r"(?:\b(?:by|before|until|no later than|due|deadline:?)\s(?:the\s)?)"
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DONE: Final = r"(?:之?内|以内|内|(?:就|能|可以|要)?\s?(?:出|给|拿|交)(?:报告|结果|数据|到|付)?|完成|搞定|turnaround)"
WEEKDAY: Final = r"(?:周|星期|礼拜)"
LATER: Final = re.compile(r"\s?(?:之后|以后|后(?!天)|起|开始|(?:就|上午|下午|可以|会|能)?(?:寄|送|发|到样)|刚|才|坏|收到|来的)")
"""What behind a day says that something begins on it."""

_DATES: Final = re.compile(
    rf"{CUE}?(?<!\d)(?P<year>20\d\d)[-/.年](?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})(?!\d)[日号]?"
    rf"|(?<![\d第])(?:(?P<that>明|今)年)?(?P<hanmonth>\d{{1,2}}|十[一二]?|[一二三四五六七八九])月(?:份)?(?:(?P<handay>\d{{1,2}}|[一二三十]{{1,3}}[一二三四五六七八九]?)[日号]?(?!\d)|(?P<part>底|末|上旬|中旬|下旬|初))"
    rf"|(?<![\d第])(?:(?P<theyear>明|今)年)?(?P<whole>\d{{1,2}})月(?:份)?(?={BEFORE}|内|之内)"
    rf"|{CUE}(?P<slashmonth>\d{{1,2}})/(?P<slashday>\d{{1,2}})(?!\d)|(?<![\d.])(?P<dotmonth>\d{{1,2}})[/.](?P<dotday>\d{{1,2}})(?={BEFORE})"
    rf"|(?<![\d.月])(?P<bare>\d{{1,2}})[号日](?={BEFORE})"
    rf"|(?P<next>下个?月|本月|这个月)(?P<nextday>\d{{1,2}})[日号]?"
    rf"|{CUE}?\b(?:(?P<word>{_MONTH})\.?\s(?P<wordday>\d{{1,2}})(?:st|nd|rd|th)?"
    rf"|(?P<dayword>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<word2>{_MONTH}))(?:,?\s(?P<wordyear>20\d\d))?(?![\da-z])"
)
_SPANS: Final = re.compile(
    rf"(?P<half>一个半|半)个?月{DONE}|加急\s?{COUNT.replace('(', '(?P<rush>', 1)}\s?个?(?P<rushed>工作日|小时|天|日|周)"
    rf"|(?<![\d.]){COUNT.replace('(', '(?P<han>', 1)}\s?个?(?:(?P<work>工作日)(?:{DONE})?|(?P<span>小时|天|日|周|星期|礼拜|月){DONE})"
    rf"|\b(?:within|in)\s(?:the next\s)?(?P<word>\d{{1,3}}|{'|'.join(ENGLISH)})\s(?P<unit>working days?|business days?|hours?|days?|weeks?|months?)\b"
    r"|\b(?P<turn>\d{1,2})[- ](?P<around>(?:working|business) days?|(?:days?|weeks?)(?=[- ]turnaround))(?:[- ]turnaround)?"
)
_SPOKEN: Final = re.compile(
    rf"(?:(?P<week>下下|下个?|本|这个?)|(?<![\d一二两三四五六七八九十每几个下本这])){WEEKDAY}(?P<at>[一二三四五六日天])|(?P<weeks>下下|下个?|本|这个?){WEEKDAY}(?![一二三四五六日天])(?:末|内)?"
    rf"|(?P<end>周末)|(?P<month>下个?月|本月|这个月|月)(?P<third>初|中旬?|上旬|下旬|底|末)|(?P<holiday>元旦|春节|过年|国庆节?|五一|劳动节|(?<![\d一二两三半几去今明])年(?=前))(?={BEFORE})"
    r"|(?P<day>今天|今日|今晚|明天|明日|大后天|后天|年底|年末|年内|今年(?=[内底末前要]|完成)|本月|这个月|下个?月)"
    rf"|(?:{CUE}|\b)(?P<nextly>next |this |coming )?(?P<name>monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b"
    rf"|(?:{CUE}|\b)(?P<english>today|tomorrow|this week|next week|this month|next month"
    r"|(?:the )?end of (?:this |the )?(?:week|month|year)|end of next week)\b"
)
_WANTS: Final = re.compile(rf"{BEFORE}?(?:之?内)?")
MOST: Final = 40
"""Days of each form that are looked at."""

_PARTS: Final = {"底": 31, "末": 31, "上旬": 10, "初": 5, "中旬": 20, "中": 15, "下旬": 31}


def deadlines(chars: str, today: date) -> Iterator[Hit]:
    """Yield every day that was said as the last one; when none was, the latest day named. A day that does not exist is passed over."""
    found: list[Hit] = []
    for pattern, read in ((_DATES, _dated), (_SPANS, _span), (_SPOKEN, _spoken)):
        for match in islice(pattern.finditer(chars), MOST):
            end = _WANTS.match(chars, match.end()).end()  # type: ignore[union-attr]
            day = None if LATER.match(chars, end) else read(match, today)
            if day and not any(match.start() < old.end and old.start < end for old in found):
                found.append(Hit(match.start(), end, "deadline", day, _origin(chars[match.start() : end], read)))
    said = [hit for hit in found if hit.origin == "said"]
    days = {hit.value for hit in said}
    yield from (said if len(days) > 1 else said[:1]) or sorted(found, key=lambda hit: str(hit.value))[-1:]


def _origin(words: str, read: Callable[[re.Match[str], date], date | None]) -> Origin:
    """Say whether a date was put as the last one; spans and spoken days always are."""
    return "said" if read is not _dated or re.search(rf"{BEFORE}$|^{CUE}|底|内$", words) else "guessed"


def _dated(match: re.Match[str], today: date) -> date | None:
    """Return the day of a date; one without a year is the next such day."""
    got = match.groupdict()
    if got["year"]:
        return day_of(int(got["year"]), int(got["month"]), int(got["day"]))
    if got["bare"] or got["nextday"]:
        return _of_month(today, int(got["bare"] or got["nextday"]), later=bool(got["next"]) and got["next"].startswith("下"))
    if got["whole"]:
        return _of_whole(match, today)
    if got["word"] or got["word2"]:
        month, day = MONTHS[(got["word"] or got["word2"])[:3]], int(got["wordday"] or got["dayword"])
        return day_of(int(got["wordyear"]), month, day) if got["wordyear"] else next_day(today, month, day)
    month = read_count(got["hanmonth"] or got["slashmonth"] or got["dotmonth"])
    day = read_count(got["handay"] or got["slashday"] or got["dotday"] or "0")
    if got["part"]:
        day = 0 if _PARTS[got["part"]] == 31 else _PARTS[got["part"]]
    return _in_year(today, got["that"], month, day) if got["that"] else next_day(today, month, day)


def _in_year(today: date, which: str, month: int, day: int) -> date | None:
    year = today.year + (which == "明")
    return (month_day(year, month, 31) if 1 <= month <= 12 else None) if day == 0 else day_of(year, month, day)


def _of_month(today: date, day: int, *, later: bool) -> date | None:
    """Return that day of this month, or of the next one when it is over; `later`: of the next month."""
    first = today.replace(day=1)
    if later:
        return day_of(today.year + today.month // 12, today.month % 12 + 1, day)
    this = day_of(first.year, first.month, day)
    return this if this is None or this >= today else day_of(today.year + today.month // 12, today.month % 12 + 1, day)


def _of_whole(match: re.Match[str], today: date) -> date | None:
    """Return the last day of a month that was said whole (3月内), or the day before it begins (3月前)."""
    month = int(match["whole"])
    before = match.string.startswith(("之前", "以前", "前"), match.end())
    end = _in_year(today, match["theyear"], month, 0) if match["theyear"] else next_day(today, month, 0)
    return end.replace(day=1) - timedelta(days=1) if end and before else end


def _span(match: re.Match[str], today: date) -> date:
    got = match.groupdict()
    if got["half"]:
        return today + timedelta(days=45 if got["half"] == "一个半" else 15)
    word = got["han"] or got["rush"] or got["word"] or got["turn"]
    return after(today, min(read_count(word), 3_000), got["work"] or got["span"] or got["rushed"] or got["unit"] or got["around"])


def _spoken(match: re.Match[str], today: date) -> date:
    """Return the last day of what was spoken of; a week ends on Friday."""
    got = match.groupdict()
    if got["at"]:
        at = min("一二三四五六日天".index(got["at"]), 6)
        return weekday(today, _weeks(got["week"]), at) if got["week"] else coming(today, at)
    if got["weeks"] or got["end"]:
        return weekday(today, _weeks(got["weeks"] or "本"), FRIDAY)
    if got["month"]:
        return month_day(today.year, today.month + got["month"].startswith("下"), _PARTS[got["third"]])
    if got["holiday"]:
        return next_holiday(today, got["holiday"].removesuffix("节"))
    if got["name"]:
        at = WEEKDAYS[got["name"][:3]]
        return weekday(today, 1, at) if got["nextly"] == "next " else coming(today, at)
    return _word(today, got["day"] or got["english"])


def _weeks(word: str) -> int:
    return 2 if word == "下下" else int(word.startswith("下"))


def _word(today: date, word: str) -> date:
    ahead = {"今天": 0, "今日": 0, "今晚": 0, "today": 0, "明天": 1, "明日": 1, "tomorrow": 1, "后天": 2, "大后天": 3}.get(word)
    if ahead is not None:
        return today + timedelta(days=ahead)
    if "week" in word:
        return weekday(today, int("next" in word), FRIDAY)
    if "年" in word or "year" in word:
        return date(today.year, 12, 31)
    return month_day(today.year, today.month + word.startswith(("下", "next")), 31)
