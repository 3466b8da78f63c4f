"""Read the cells that people write: prices, values, dates, hours, states. Pure; a cell that cannot be meant is refused by name.

Money is an integer of fen. What a cell says beyond its value ("from", "about", a range) comes back as a note, so that nothing said is lost.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from core.errors import N_, Invalid
from core.money import MAX_FEN
from geodata.listings import parse_hours

Said = tuple[str, dict[str, Any]]
"""A message id and its parameters, to be translated where it is shown."""

HOUR_LIMIT: Final = 24

_UNUSABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x19\x1b-\x1f\x7f\ud800-\udfff]")
_SCALE: Final = {"": 100, "元": 100, "百元": 10_000, "千元": 100_000, "万": 1_000_000, "万元": 1_000_000, "亿": 10**10, "亿元": 10**10}
_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_SIGN: Final = r"(?:¥|￥|人民币|rmb|cny)?"
_UNIT: Final = r"(亿元?|万元?|千元|百元|元整?|块|圆|rmb|cny|yuan)?"
_AMOUNT: Final = re.compile(rf"{_SIGN}({_NUMBER}){_UNIT}")
_RANGE: Final = re.compile(rf"{_SIGN}({_NUMBER}){_UNIT}(?:-|~|至|到|—+|–){_SIGN}({_NUMBER}){_UNIT}")
_FOREIGN: Final = re.compile(r"[$€£]|us\$|usd|eur|gbp|jpy|hkd|美元|美金|欧元|英镑|日元|港币|港元|万円")
_NONE: Final = frozenset(
    {"", "-", "--", "—", "/", "\\", "无", "n/a", "na", "none", "null", "nan", "暂无", "未知", "不详", "unknown", "?", "？", "待定", "tbd"}
)
_TALKS: Final = re.compile(r"面议|电议|另议|议价|协商|商议|咨询|洽谈|negotiable|on request|contact|按.*实际")
_FREE: Final = re.compile(r"免费|不收费|free(?: of charge)?|无偿")
_ABOUT: Final = re.compile(r"^(?:约|大约|近|~|about|approx\.?|ca\.?)|(?:左右|上下|约|起|以上|from)$|^(?:from|起)")
_UNITS: Final = (
    ("hour", re.compile(r"小时|机时|时|h|hr|hrs|hour|hours|台时")),
    ("sample", re.compile(r"(?:个|件|份|支|只)?(?:样品|样本|样|试样|sample|samples|件|个|份|只|片|支|specimen|pcs)")),
    ("job", re.compile(r"次|项|批|批次|测试|场|单|job|run|test|time|times|套|组")),
)
_OTHER_UNITS: Final = re.compile(r"天|日|day|days|周|week|月|month|年|year|分钟|min|minute|minutes|班|半天|元素|点|张|针")


@dataclass(frozen=True)
class Price:
    """What a price cell says: `fen` per `unit`, None where nothing is charged by a listing (free, to be agreed); `notes` keep what else it says."""

    fen: int | None
    unit: str | None
    notes: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Hours:
    """Opening hours by weekday "1".."7", empty where the text could only be kept as it is."""

    hours: dict[str, list[list[str]]] = field(default_factory=dict)
    notes: tuple[Said, ...] = ()


def clean(text: str) -> str:
    """Return `text` without signs that no column can hold: control signs and halves of surrogate pairs."""
    return _UNUSABLE.sub("", text)


def plain(text: str) -> str:
    """Return `text` in plain signs: full-width letters and digits as usual ones, runs of white space as one blank, none at the ends."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


def is_blank(text: str) -> bool:
    """Say whether a cell is left open, in words or by a stroke."""
    return plain(text).lower() in _NONE


def heading_unit(heading: str) -> str:
    """Return what a header adds to its cells in brackets: "原值（万元）" → "万元", "价格(元/小时)" → "元/小时", else ""."""
    found = re.search(r"[(\[【/]\s*((?:亿|万|千|百)?元?[^)\]】]*)\s*[)\]】]?\s*$", plain(heading))
    said = found[1].strip() if found and found[0][0] != "/" else ""
    return said if re.match(r"(?:亿|万|千|百)?元|万|¥|rmb|cny|[$€]|us", said.lower()) else ""


def read_value(text: str, *, unit: str = "") -> tuple[int | None, tuple[Said, ...]]:
    """Return an original value in fen ("360万元", "94.94 万元", "3,600,000") and notes; `unit` is that of the header, for bare numbers.

    Nothing where the cell is blank or says that it is not told. Raises `Invalid("value")` for foreign money, a range, or anything else.
    """
    said = _tight(text)
    if said in _NONE or _TALKS.search(said) or re.fullmatch(r"保密|涉密|0(?:\.0+)?(?:万?元)?", said):
        return None, ((N_("“%(text)s”按没有原值处理。"), {"text": text.strip()[:40]}),) if said not in _NONE else ()
    about, notes = _strip_about(said, text)
    _refuse_foreign(about + unit, text, "value")
    if _RANGE.fullmatch(about):
        raise Invalid("value", N_("“%(text)s”是一个范围，原值要写成一个数，例如 360万元。"), text=text.strip()[:40])
    found = _AMOUNT.fullmatch(about)
    if not found:
        raise Invalid("value", N_("“%(text)s”不是可用的原值。请写成 360万元、94.94万元 或 3600000。"), text=text.strip()[:40])
    return _fen(found[1], found[2] or _money_of(unit), "value", text), notes


def read_price(text: str, *, unit: str = "") -> Price:
    """Return what a price cell says; `unit` is that of the header or of a column of units ("元/小时", "样").

    A range is offered at its upper end, since nobody shall pay more than was shown. Raises `Invalid("price")` naming what cannot be read.
    """
    said = _tight(text)
    if said in _NONE:
        return Price(None, None)
    if _TALKS.search(said):
        return Price(None, None, ((N_("“%(text)s”：没有定价，先登记仪器，不上架。定价后可在接单台上架。"), {"text": text.strip()[:40]}),))
    if _FREE.fullmatch(said) or re.fullmatch(r"0(?:\.0+)?(?:元)?(?:/.*)?", said):
        return Price(None, None, ((N_("“%(text)s”：免费的服务不用券结算，先登记仪器，不上架。"), {"text": text.strip()[:40]}),))
    _refuse_foreign(said + unit, text, "price")
    if re.search(r"\d.*[;、].*\d", said) or said.count("元/") > 1:
        raise Invalid("price", N_("“%(text)s”里有几种价格。请一行只写一种，其余的导入后在接单台上架。"), text=text.strip()[:60])
    amount, per = _split(said)
    amount, notes = _strip_about(amount, text)
    kind = _unit(per, unit, text)
    low, high = _bounds(amount, _money_of(unit), text)
    if low != high:
        notes += ((N_("“%(text)s”是一个范围，按上限上架：没有人会多付。"), {"text": text.strip()[:40]}),)
    return Price(high, kind, notes)


def read_date(text: str, today: date) -> str | None:
    """Return a day, month or year as exact as it is written: "2019年5月" → "2019-05"; also a spreadsheet's day number. None where blank.

    Raises `Invalid("acquired")` for what is no date, not before `today`, or before 1950.
    """
    said = _tight(text)
    if said in _NONE:
        return None
    if re.fullmatch(r"\d{5}(?:\.0)?", said):  # days since 1899-12-30, as spreadsheets count where a cell is not formatted as a date
        said = (date(1899, 12, 30) + timedelta(days=int(said[:5]))).isoformat()
    found = re.fullmatch(r"(\d{4})(?:[-/.年]?(\d{1,2})(?:[-/.月]?(\d{1,2})日?)?月?|年)?(?:t?\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)?", said)
    try:
        year, month, day = (int(part) if part else None for part in found.groups()) if found else (None, None, None)
        at = date(year or 0, month or 1, day or 1)
    except ValueError:
        at = date.min
    if not found or not date(1950, 1, 1) <= at <= today:
        raise Invalid("acquired", N_("“%(text)s”不是可用的日期。请写成 2019-05-03、2019-05 或 2019。"), text=text.strip()[:40])
    return "-".join([f"{year:04d}", *([f"{month:02d}"] if month else []), *([f"{day:02d}"] if day else [])])


def read_status(text: str) -> str | None:
    """Return working, maintenance or retired for the words registers use, None where blank; raise `Invalid("status")` for any other."""
    said = _tight(text)
    if said in _NONE:
        return None
    for status, words in _STATUSES.items():
        if said in words:
            return status
    raise Invalid("status", N_("“%(text)s”不是可用的状态。请写 在用、维修 或 停用。"), text=text.strip()[:40])


def read_yes(text: str) -> bool | None:
    """Return whether a cell says yes or no, None where blank; raise `Invalid("open")` for any other word."""
    said = _tight(text)
    if said in _NONE - {"无"}:
        return None
    if said in _YES or said in _NO:
        return said in _YES
    raise Invalid("open", N_("“%(text)s”看不出开放还是不开放。请写 是 或 否。"), text=text.strip()[:40])


def read_hours(text: str) -> Hours:
    """Return opening hours by weekday; what can only be kept as text comes back empty with a note. Never refuses: the text is kept."""
    said = plain(text).lower()
    if said in _NONE:
        return Hours()
    days, rest = _weekdays(said)
    if re.fullmatch(r"(?:7\s*[x×*天]\s*)?24\s*(?:h|hrs?|hours?|小时)?|全天|24小时.*|全天候", rest.strip(" ,，:")):
        return Hours({day: [["00:00", "23:59"]] for day in days or "1234567"}, ((N_("“%(text)s”按全天开放读入。"), {"text": text.strip()[:40]}),))
    periods = re.sub(r"\b(\d{1,2})\s*(?:-|~|至|到|—|–)\s*(\d{1,2})\b(?![:：])", r"\1:00-\2:00", _PM.sub(_evening, rest))
    try:
        found = parse_hours(re.sub(r"[;；和及/&]|\band\b", ",", periods).strip(" ,，:：()（）"), "hours")
    except Invalid:
        found = []
    if not found:
        return Hours({}, ((N_("“%(text)s”作为文字保存，没有变成可约的时段。可在接单台填写开放时间。"), {"text": text.strip()[:60]}),))
    notes: tuple[Said, ...] = () if days else ((N_("“%(text)s”没有写哪几天，按周一至周五读入。"), {"text": text.strip()[:40]}),)
    return Hours(dict.fromkeys(days or "12345", found), notes)


def _evening(found: re.Match[str]) -> str:
    hour = int(found[1]) % 12 + (12 if found[3].startswith("p") else 0)
    return f"{hour:02d}:{found[2] or '00'}"


def _weekdays(said: str) -> tuple[str, str]:
    """Return the weekdays that a text names, as digits, and what is left of it."""
    text = said
    for word, digit in _DAYS.items():
        text = text.replace(word, f"<{digit}>")
    text = re.sub(r"工作日|周内|weekdays?|workdays?", "<1>-<5>", text)
    text = re.sub(r"每天|每日|天天|daily|every day", "<1>-<7>", text)
    text = re.sub(r"双休日|周末|weekends?", "<6>-<7>", text)
    days: set[str] = set()
    for first, last in re.findall(r"<(\d)>(?:\s*(?:-|~|至|到|—|–|to)\s*<(\d)>)?", text):
        days.update(str(day) for day in range(int(first), int(last or first) + 1))
    left = re.sub(r"<\d>(?:\s*(?:-|~|至|到|—|–|to|、|,)\s*<\d>)*", " ", text)
    return "".join(sorted(days)), left.strip()


def _tight(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def _strip_about(said: str, text: str) -> tuple[str, tuple[Said, ...]]:
    stripped = _ABOUT.sub("", _ABOUT.sub("", said))
    if stripped == said:
        return said, ()
    return stripped, ((N_("“%(text)s”只说了大概，按写出的数读入。"), {"text": text.strip()[:40]}),)


def _refuse_foreign(said: str, text: str, name: str) -> None:
    if _FOREIGN.search(said):
        raise Invalid(name, N_("“%(text)s”不是人民币。请换算成元再填。"), text=text.strip()[:40])


def _split(said: str) -> tuple[str, str]:
    """Return the amount and the unit of "200元/样", "每小时1200元", "1200元每小时"."""
    before = re.match(r"(?:每个?|/)([^\d¥￥]+?)[:：]?(?=[\d¥￥])", said)
    if before:
        return said[before.end() :], before[1]
    amount, _, per = said.partition("/")
    if not per:
        amount, _, per = said.partition("每")
    if not per and (per_word := re.search(r"(?:per|/)(\w+)$", said)):
        return said[: per_word.start()], per_word[1]
    return amount.strip("()"), per.strip("()")


def _unit(per: str, heading: str, text: str) -> str:
    said = per or _tight(heading).rpartition("/")[2].replace("元", "")
    said = re.sub(r"^(?:1|一|每|个(?!样))|(?:起|以上)$", "", said)
    for unit, words in _UNITS:
        if words.fullmatch(said):
            return unit
    if not said:
        raise Invalid("price", N_("“%(text)s”没有写按什么计价。请写成 200元/样、1200元/小时 或 5000元/次。"), text=text.strip()[:40])
    if _OTHER_UNITS.fullmatch(said):
        raise Invalid("price", N_("“%(text)s”：这里按样品、小时或次计价。请换算成其中一种。"), text=text.strip()[:40])
    raise Invalid("price", N_("“%(text)s”的计价单位看不懂。请写成 200元/样、1200元/小时 或 5000元/次。"), text=text.strip()[:40])


def _bounds(amount: str, money: str, text: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(amount)
    if found:
        last = found[4] or money
        low, high = _fen(found[1], found[2] or last, "price", text), _fen(found[3], last, "price", text)
        if low > high:
            raise Invalid("price", N_("“%(text)s”的上限小于下限。"), text=text.strip()[:40])
        return low, high
    one = _AMOUNT.fullmatch(amount)
    if not one:
        raise Invalid("price", N_("“%(text)s”不是可用的价格。请写成 200元/样、1200元/小时，或者 面议、免费。"), text=text.strip()[:40])
    fen = _fen(one[1], one[2] or money, "price", text)
    return fen, fen


def _money_of(unit: str) -> str:
    """Return the sign of money in a header's unit: "万元" of "万元/台"."""
    found = re.match(r"亿元?|万元?|千元|百元|元", plain(unit))
    return found[0] if found else ""


def _fen(number: str, unit: str, name: str, text: str) -> int:
    scale = _SCALE.get(unit, 100)
    fen = Decimal(number.replace(",", "")) * scale
    if name == "value":
        fen = fen.to_integral_value()  # converted currencies and sums of depreciation leave fractions of a fen
    if fen != fen.to_integral_value() or not 0 < fen <= MAX_FEN:
        raise Invalid(name, N_("“%(text)s”不是可用的金额：要大于 0，最多到分，不超过一千亿元。"), text=text.strip()[:40])
    return int(fen)


_PM: Final = re.compile(r"\b(\d{1,2})(?::(\d{2}))?\s*([ap])\.?m\.?")
_STATUSES: Final = {
    status: frozenset(words.split())
    for status, words in {
        "working": "在用 正常 使用中 运行 运行中 可用 完好 良好 启用 working active inuse ok 1 true yes y 是 operational available good",
        "maintenance": "维修 维修中 维护 维护中 检修 故障 停机 maintenance repair down broken underrepair outofservice",
        "retired": "停用 报废 已报废 待报废 闲置 退役 注销 封存 retired inactive scrapped 0 false no n 否 decommissioned disposed",
    }.items()
}
_YES: Final = frozenset(["是", "开放", "对外开放", "共享", "可", "可以", "y", "yes", "true", "1", "√", "✓", "对外", "open", "shared"])
_NO: Final = frozenset(["否", "不开放", "不共享", "不", "不对外", "n", "no", "false", "0", "×", "x", "无", "closed", "内部"])
_DAYS: Final = {
    **{f"{word}{sign}": digit for word in ("星期", "礼拜", "周") for sign, digit in zip("一二三四五六日天", "12345677", strict=True)},
    **{day: str(n) for n, day in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), 1)},
    **{day: str(n) for n, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1)},
}
