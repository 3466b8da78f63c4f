"""Read what a person typed: the budget, the day, the place, the papers and the number of pieces they asked for.

Each is a `Constraint` that says whether the person said so or we guess. What is left after them is the topic, which `matching.types`
reads. Place words stay words: turning them into regions is left to the caller, who has the map.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from core.errors import N_, Invalid
from matching.constraints import Constraint, Kind, Origin, Strength
from matching.doubts import Doubt, doubts
from matching.lexicon import read_table
from matching.lexicon.text import Text, normalise
from matching.limits import Limit
from matching.reading.distance import distances
from matching.reading.handover import handovers
from matching.reading.limits import find_limits

LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Need:
    """A need as typed, with its constraints; `topic` is the typed text without them, `asked_on` the day it was asked."""

    text: str
    topic: str
    asked_on: date
    constraints: tuple[Constraint, ...] = ()

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What the need asks of the instrument's figures."""
        return tuple(one.value for one in self.constraints if isinstance(one.value, Limit))

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What has to be asked before the answer can be trusted."""
        return doubts(self.text, self.constraints, self.asked_on)

    @property
    def budget_fen(self) -> int | None:
        """The most the person wants to pay, in fen."""
        return next((one.value for one in self.constraints if one.kind == "budget" and isinstance(one.value, int)), None)

    @property
    def deadline(self) -> date | None:
        """The last day (Asia/Shanghai) on which the report still helps."""
        return next((one.value for one in self.constraints if isinstance(one.value, date)), None)


@dataclass(frozen=True, slots=True)
class Hit:
    """A constraint and its span in the normalised text."""

    start: int
    end: int
    kind: Kind
    value: int | date | str
    origin: Origin = "said"
    strength: Strength = "required"


def parse_need(text: str, *, today: date) -> Need:
    """Return the need in `text` with the constraints found in it; dates without a year are the next such day from `today` on.

    Nonsense gives a need without constraints. Raises Invalid naming the field "need" for a text over 500 characters.
    """
    if len(text) > LONGEST:
        raise Invalid("need", N_("需求最多 %(most)s 字，现在是 %(count)s 字：请只写样品、要测的指标和条件。"), most=LONGEST, count=len(text))
    spelt = normalise(text)
    hits: list[Hit] = []
    for find in FINDERS:
        hits += [hit for hit in find(spelt.chars, today) if not any(hit.start < old.end and old.start < hit.end for old in hits)]
    hits.sort(key=lambda hit: hit.start)
    constraints = tuple(Constraint(hit.kind, hit.value, spelt.as_typed(hit.start, hit.end), hit.origin, hit.strength) for hit in hits)
    return Need(text, _without(spelt, hits), today, (*constraints, *find_limits(text)))


def _without(spelt: Text, hits: list[Hit]) -> str:
    """Return the typed text with each constraint replaced by a comma, so that words around it do not grow together."""
    pieces, last = [], 0
    for hit in hits:
        start, end = spelt.origins[hit.start], spelt.origins[hit.end - 1] + 1
        pieces += [spelt.typed[last:start], "，"]
        last = end
    return "".join([*pieces, spelt.typed[last:]])


# Numbers -----------------------------------------------------------------------------------------------------------------------

DIGITS: Final = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
TENS: Final = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
SCALES: Final = {"": 1, "百": 100, "千": 1_000, "k": 1_000, "万": 10_000, "w": 10_000}
ENGLISH: Final = {
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
}
HAN_NUMBER: Final = "[零〇一二两三四五六七八九十百千万]{1,9}"
NUMBER: Final = rf"(?:\d{{1,9}}(?:,\d{{3}})*(?:\.\d{{1,2}})?|{HAN_NUMBER})"
AMOUNT: Final = rf"({NUMBER})\s?(千|万|百|k(?![a-z])|w(?![a-z]))?"
COUNT: Final = rf"(\d{{1,6}}|{HAN_NUMBER})"


def read_number(word: str) -> float:
    """Return the value of a number in figures or Chinese numerals; a last digit without a unit counts in the next lower one.

    >>> read_number("3,000"), read_number("三千五"), read_number("两万"), read_number("十二")
    (3000.0, 3500.0, 20000.0, 12.0)
    """
    if word[0].isdigit():
        return float(word.replace(",", ""))
    total, section, digit, unit = 0, 0, 0, 1
    for char in word:
        if char == "万":
            total, section, digit, unit = total + max(section + digit, 1) * 10_000, 0, 0, 10_000
        elif char in TENS:
            unit = TENS[char]
            section, digit = section + max(digit, 1) * unit, 0
        else:
            unit = 1 if char in "零〇" else unit
            digit = digit * 10 + DIGITS[char] if digit and unit == 1 else DIGITS[char]
    return float(total + section + digit * (unit // 10 if unit > 10 else 1))


# Budget ------------------------------------------------------------------------------------------------------------------------

YUAN: Final = r"(?:元|块钱|块(?!样|试)|人民币|rmb|yuan|cny)"
UPTO: Final = r"(?:人民币)?\s?(?:以内|以下|之内|内|左右|上下|封顶)?"
RANGE: Final = rf"(?:{NUMBER}\s?(?:千|万|元)?\s?[-~至到]\s?)?"
SAID_BUDGET = re.compile(
    rf"(?:预算|经费|budget)(?:[^\d零一二两三四五六七八九十,，。;]{{0,12}}?)[¥$]?\s?{RANGE}{AMOUNT}\s?{YUAN}?{UPTO}"
    rf"|(?:不超过|不高于|不超|低于|少于|最多|至多|控制在|within|under|below|up to|less than|at most|no more than|max(?:imum)?)"
    rf"\s?(?:¥|rmb|cny)?\s?{RANGE}{AMOUNT}\s?{YUAN}{UPTO}"
    rf"|(?:within|under|below|up to|at most|不超过)\s?(?:¥|rmb\s?|cny\s?){AMOUNT}"
    rf"|{RANGE}{AMOUNT}\s?{YUAN}\s?(?:以内|以下|之内|内|封顶)"
)
BARE_BUDGET = re.compile(rf"(?:¥|rmb\s?|cny\s?){RANGE}{AMOUNT}|{RANGE}{AMOUNT}\s?(?:元|块钱|人民币|rmb|yuan|cny){UPTO}")


def _budgets(chars: str, _today: date) -> Iterator[Hit]:
    for pattern, origin in ((SAID_BUDGET, "said"), (BARE_BUDGET, "guessed")):
        match = pattern.search(chars)
        if match:
            number, scale = next(group for group in _pairs(match) if group[0])
            fen = round(read_number(number) * SCALES[scale] * 100)
            if fen > 0:
                yield Hit(*match.span(), "budget", fen, "said" if origin == "said" else "guessed")
            return


def _pairs(match: re.Match[str]) -> list[tuple[str, str]]:
    groups = [group or "" for group in match.groups()]
    return list(zip(groups[::2], groups[1::2], strict=True))


# Deadline ----------------------------------------------------------------------------------------------------------------------

MONTHS: Final = {word: at for at, word in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}  # noqa: SIM905 (a list of words reads best as words)
BEFORE: Final = r"(?:之前|以前|前)"
CUE: Final = r"(?:\b(?:by|before|until|no later than|due|deadline:?)\s(?:the\s)?)"
MONTH: Final = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DONE: Final = r"(?:之?内|以内|内|出报告|出结果|拿到|拿报告|交付|完成)"
FULL_DATE = re.compile(rf"{CUE}?(?<!\d)(20\d\d)[-/.年](\d{{1,2}})[-/.月](\d{{1,2}})(?!\d)[日号]?{BEFORE}?")
HAN_DATE = re.compile(rf"(?<!\d)(\d{{1,2}})月(?:(\d{{1,2}})[日号]|底){BEFORE}?")
SLASH_DATE = re.compile(rf"{CUE}(\d{{1,2}})[/](\d{{1,2}})(?!\d)|(?<!\d)(\d{{1,2}})[/.](\d{{1,2}}){BEFORE}")
WORD_DATE = re.compile(rf"{CUE}?\b(?:{MONTH}\s(\d{{1,2}})(?:st|nd|rd|th)?|(\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?{MONTH})(?:,?\s(20\d\d))?(?![\da-z])")
SPAN_HAN = re.compile(rf"{COUNT}\s?个?(工作日|小时|天|日|周|星期|礼拜|月){DONE}")
SPAN_ENGLISH = re.compile(
    rf"\b(?:within|in)\s(?:the next\s)?(\d{{1,3}}|{'|'.join(ENGLISH)})\s(working days?|business days?|hours?|days?|weeks?|months?)\b"
)
SPOKEN = re.compile(
    rf"(下周|本周|这周)([一二三四五六日天])?{BEFORE}?内?|(今天|明天|后天|月底|本月|这个月|下个?月底?|年底|年内|今年){BEFORE}?内?"
    rf"|(?:{CUE}|\b)(today|tomorrow|this week|next week|this month|next month|end of (?:the )?month|end of (?:the )?year)\b"
)


def _deadlines(chars: str, today: date) -> Iterator[Hit]:
    """Yield the first day named: a date, a span from today, or a spoken one. A date that does not exist is passed over."""
    for read in (_full_date, _han_date, _slash_date, _word_date, _span, _spoken):
        hit = read(chars, today)
        if hit:
            yield hit
            return


def _full_date(chars: str, _today: date) -> Hit | None:
    match = FULL_DATE.search(chars)
    return _dated(match, _day(int(match[1]), int(match[2]), int(match[3]))) if match else None


def _han_date(chars: str, today: date) -> Hit | None:
    match = HAN_DATE.search(chars)
    return _dated(match, _next(today, int(match[1]), int(match[2]) if match[2] else 0)) if match else None


def _slash_date(chars: str, today: date) -> Hit | None:
    match = SLASH_DATE.search(chars)
    return _dated(match, _next(today, int(match[1] or match[3]), int(match[2] or match[4]))) if match else None


def _word_date(chars: str, today: date) -> Hit | None:
    match = WORD_DATE.search(chars)
    if not match:
        return None
    month, day = MONTHS[match[1] or match[4]], int(match[2] or match[3])
    return _dated(match, _day(int(match[5]), month, day) if match[5] else _next(today, month, day))


def _dated(match: re.Match[str], day: date | None) -> Hit | None:
    """Return a deadline; it was said as one if a word before or after says so, else we guess."""
    said = re.search(rf"{BEFORE}$|^{CUE}|底", match.group()) is not None
    return Hit(*match.span(), "deadline", day, "said" if said else "guessed") if day else None


def _span(chars: str, today: date) -> Hit | None:
    match = SPAN_HAN.search(chars) or SPAN_ENGLISH.search(chars)
    if not match:
        return None
    word, unit = match[1], match[2]
    count = ENGLISH.get(word) or int(read_number(word))
    return Hit(*match.span(), "deadline", _after(today, min(count, 3_000), unit))


def _after(today: date, count: int, unit: str) -> date:
    """Return the day `count` units after `today`; working days are Monday to Friday, a started day of hours counts in full."""
    if unit.startswith(("工作日", "work", "business")):
        weeks, rest = divmod(count, 5)
        day = today + timedelta(weeks=weeks)
        while rest or day.weekday() > 4:
            day += timedelta(days=1)
            rest -= day.weekday() < 5 and rest > 0
        return day
    if unit.startswith(("小时", "hour")):
        return today + timedelta(days=-(-count // 24))
    if unit.startswith(("月", "month")):
        months = today.month - 1 + min(count, 240)
        return _month_day(today.year + months // 12, months % 12 + 1, today.day)
    return today + timedelta(days=count * (1 if unit.startswith(("天", "日", "day")) else 7))


def _spoken(chars: str, today: date) -> Hit | None:
    match = SPOKEN.search(chars)
    if not match:
        return None
    week, weekday, word = match[1], match[2], match[3] or match[4]
    return Hit(*match.span(), "deadline", _week_day(today, week, weekday) if week else _spoken_day(today, word))


def _week_day(today: date, week: str, weekday: str | None) -> date:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=week == "下周")
    return monday + timedelta(days=min("一二三四五六日天".index(weekday), 6) if weekday else 4)


def _spoken_day(today: date, word: str) -> date:
    """Return the last day of what was spoken of; a week ends on Friday."""
    ahead = {"今天": 0, "today": 0, "明天": 1, "tomorrow": 1, "后天": 2}.get(word)
    if ahead is not None:
        return today + timedelta(days=ahead)
    if "week" in word:
        return _week_day(today, "下周" if "next" in word else "本周", None)
    if "年" in word or "year" in word:
        return date(today.year, 12, 31)
    later = word.startswith(("下", "next"))
    return _month_day(today.year + (later and today.month == 12), today.month % 12 + 1 if later else today.month, 31)


def _next(today: date, month: int, day: int) -> date | None:
    """Return the next such day from today on; day 0 is the month's last."""
    for year in (today.year, today.year + 1, today.year + 2, today.year + 3, today.year + 4):
        found = _month_day(year, month, 31) if day == 0 and 1 <= month <= 12 else _day(year, month, day)
        if found and found >= today:
            return found
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month_day(year: int, month: int, day: int) -> date:
    return next(found for found in (_day(year, month, day - less) for less in range(4)) if found)


# Pieces, papers, places --------------------------------------------------------------------------------------------------------

PIECES = re.compile(
    rf"(?<![第之.\d]){COUNT}\s?(?:个(?:样品|试样|样件|样|批次|零件|产品)|[件根片支只瓶份袋枚粒](?:样品|试样|样件|样)?(?![机层管])|[块种组批](?:样品|试样|样|次))"
    rf"|\b(\d{{1,6}}|{'|'.join(ENGLISH)})\s(?:samples?|pieces?|pcs|specimens?|batches|parts|units)\b"
)
PAPERS = re.compile(r"(?<![a-z])(cma|cnas|glp|nadcap|iso\s?/?\s?(?:iec)?\s?17025|计量认证)(?![a-z])(?:资质|认证|认可|资格|盖章|章)?(优先|preferred)?")
UNWANTED = re.compile(r"(?:不需要?|不用|无需|不要求?|不必|没有|\bno |without |not need )(?:有|the |a )?$")
UNNEEDED = re.compile(r"\s?(?:也行|也可以?|不需要|不要求|不用|is not needed|not (?:needed|required))")
PAPER_NAMES: Final = {"计量认证": "CMA"}
NEAR: Final = r"附近|周边|一带|优先|为佳|最好|就近|near|around|close to|prefer|ideally|or nearby"
AWAY: Final = re.compile(r"(?:不要|不考虑|不去|除了?|除开|别(?:给我)?(?:推荐|找|要)?|not (?:in )?|except(?: for)? |excluding |outside (?:of )?)$")
EXCEPT: Final = re.compile(r"的?(?:除外|以外|之外)")
ONLY: Final = r"市内|区内|县内|省内|内|本地|当地|限|只|必须|in |within|only|located"


def _pieces(chars: str, _today: date) -> Iterator[Hit]:
    match = PIECES.search(chars)
    if match:
        word = match[1] or match[2]
        count = ENGLISH.get(word) or int(read_number(word))
        if count:
            yield Hit(*match.span(), "quantity", count)


def _papers(chars: str, _today: date) -> Iterator[Hit]:
    for match in PAPERS.finditer(chars):
        if UNWANTED.search(chars[max(0, match.start() - 12) : match.start()]) or UNNEEDED.match(chars, match.end()):
            continue
        name = PAPER_NAMES.get(match[1]) or ("ISO/IEC 17025" if "17025" in match[1] else match[1].upper())
        yield Hit(*match.span(), "qualification", name, "said", "preferred" if match[2] else "required")


@lru_cache(maxsize=1)
def _places() -> tuple[dict[str, str], re.Pattern[str]]:
    """Return the place words (Chinese or English, lower case) with their Chinese form, and the pattern that finds a chain of them."""
    words = {row[column].lower(): row["word_zh"] for row in read_table("places") for column in ("word_zh", "word_en")}
    longest = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    one = rf"(?:(?<![a-z])(?:{longest})(?![a-z])(?:市(?!场)|区|县|省)?)"
    chain = rf"{one}(?:\s?(?:、|/|,|或者?|和|及|or|and)?\s?{one})*"
    before = (
        r"(?:仅限|限于|限|只要|必须在|必须|最好在|优先|就在|在|"
        r"(?:preferably|ideally|only|located|near|around|within|in|close to|prefer)(?:\sin)?\s)?"
    )
    after = r"(?:\s?(?:市内|区内|县内|省内|内|附近|周边|一带|本地|当地|地区|area|only|or nearby)){0,2}(?:也?(?:优先|为佳|最好)|\s(?:is\s)?preferred)?"
    return words, re.compile(f"({before})({chain})({after})")


def _regions(chars: str, _today: date) -> Iterator[Hit]:
    words, pattern = _places()
    for match in pattern.finditer(chars):
        around = match[1] + " " + match[3]
        near, only = re.search(NEAR, around), re.search(ONLY + "|^在", around)
        strength: Strength = "required" if only and not near else "preferred"
        if AWAY.search(chars[max(0, match.start() - 14) : match.start()]) or EXCEPT.match(chars, match.end()):
            yield from (replace(hit, kind="not_region") for hit in _chain(match, words, origin="said", strength="required"))
            continue
        origin: Origin = "said" if near or only else "guessed"
        yield from _chain(match, words, origin=origin, strength=strength)


def _chain(match: re.Match[str], words: dict[str, str], *, origin: Origin, strength: Strength) -> Iterator[Hit]:
    """Yield one hit a place of a chain; a city right before its county only leads to it."""
    names = sorted(words, key=len, reverse=True)
    places = list(re.finditer("|".join(map(re.escape, names)), match[2]))
    for at, place in enumerate(places):
        following = places[at + 1] if at + 1 < len(places) else None
        if following and re.fullmatch(r"[市省]?", match[2][place.end() : following.start()]):
            continue
        first = at == 0 or all(re.fullmatch(r"[市省]?", match[2][a.end() : b.start()]) for a, b in pairwise(places[: at + 1]))
        start = match.start() if first else match.start(2) + place.start()
        end = match.end() if following is None else match.start(2) + place.end()
        yield Hit(start, end, "region", words[place.group()], origin, strength)


def _distances(chars: str, today: date) -> Iterator[Hit]:
    yield from (Hit(*found) for found in distances(chars, today))  # type: ignore[arg-type]


def _handovers(chars: str, today: date) -> Iterator[Hit]:
    yield from (Hit(*found) for found in handovers(chars, today))  # type: ignore[arg-type]


Finder = Callable[[str, date], Iterator[Hit]]
FINDERS: Final[tuple[Finder, ...]] = (_distances, _budgets, _deadlines, _papers, _pieces, _handovers, _regions)
