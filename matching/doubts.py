"""What has to be asked before an answer can be trusted: conditions that speak against each other, and figures that cannot be meant."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from core.errors import N_
from matching.constraints import Constraint
from matching.doubting import Doubt
from matching.limits import Limit
from matching.misfits import misfits
from matching.quantities import quantity

_NOTHING = r"((?:-|负)\s?\d+|0+(?:\.0+)?(?![\d.])|零)\s?"
_MONEY = re.compile(
    rf"(?:预算|经费|费用|总价|budget)[^\d\-负零]{{0,6}}?{_NOTHING}(?:元|块|yuan|rmb)?|(?:不超过|低于|价格|under|within)\s?{_NOTHING}(?:元|块|yuan|rmb)",
    re.IGNORECASE,
)
_SIZED = re.compile(r"(?<![\d.])(\d[\d.]{0,12}\s?(?:[kM]?N|吨))\s?(?:at|@|在)\s?(\d[\d.]{0,12}\s?(?:nm|µm|μm|Hz|pm))(?![A-Za-z])", re.IGNORECASE)
_MORE = re.compile(r"另|还要|还想|还有|第二|再[测做]|also|[;；\n]|2[、.]")
"""What says that a second need begins, which may cost and take its own."""

_TWICE: Final = (
    ("budget", N_("又说“%(one)s”，又说“%(other)s”：以哪个预算为准？请只留一个。")),
    ("deadline", N_("又说“%(one)s”，又说“%(other)s”：以哪个日期为准？请只留一个。")),
    ("distance", N_("又说“%(one)s”，又说“%(other)s”：以哪个距离为准？请只留一个。")),
)
_NOWHERE = re.compile(r"(?<![\d.])0{1,3}(?:\.0{1,3})?\s?(?:公里|千米|km)\s?(?:以内|之内|内)?", re.IGNORECASE)


def doubts(text: str, constraints: tuple[Constraint, ...], today: date) -> tuple[Doubt, ...]:
    """Return the doubts about a typed text and the conditions read in it, in the order of `CHECKS`."""
    return tuple(one for check in CHECKS for one in check(text, constraints, today))


def _money(text: str, _said: tuple[Constraint, ...], _today: date) -> Iterator[Doubt]:
    match = _MONEY.search(text)
    if match:
        yield Doubt(N_("“%(words)s”：预算要大于 0。请写最多愿意付多少元，或去掉这个条件。"), ("budget",), {"words": match.group().strip()}, True)


def _units(text: str, _said: tuple[Constraint, ...], _today: date) -> Iterator[Doubt]:
    match = _SIZED.search(text)
    if match:
        message = N_("“%(one)s”是力，“%(other)s”不能是它的条件：单位对不上。请把力和尺寸或频率分开写，例如“力 300 kN，分辨率 5 nm”。")
        yield Doubt(message, ("spec:力",), {"one": match[1], "other": match[2]}, True)


def _nowhere(text: str, _said: tuple[Constraint, ...], _today: date) -> Iterator[Doubt]:
    match = _NOWHERE.search(text)
    if match:
        yield Doubt(N_("“%(words)s”以内没有地方：距离要大于 0。请写公里数，例如 20 公里以内。"), ("distance",), {"words": match.group()}, True)


def _past(_text: str, said: tuple[Constraint, ...], today: date) -> Iterator[Doubt]:
    for one in said:
        if one.kind == "deadline" and isinstance(one.value, date) and one.value < today:
            yield Doubt(N_("“%(words)s”已经过去。请写今天以后的日期，或去掉这个条件。"), ("deadline",), {"words": one.text}, True)


def _here_and_not(_text: str, said: tuple[Constraint, ...], _today: date) -> Iterator[Doubt]:
    away = {one.value for one in said if one.kind == "not_region"}
    for one in said:
        if one.kind == "region" and one.value in away:
            yield Doubt(N_("又要在%(place)s、又不要在%(place)s：请去掉其中一个条件。"), ("region", "not_region"), {"place": one.value}, True)
            return


def _empty(_text: str, said: tuple[Constraint, ...], _today: date) -> Iterator[Doubt]:
    limits = [one.value for one in said if one.kind == "spec" and not isinstance(one.value, int | str | date)]
    for one in limits:
        for other in limits:
            if one.quantity != other.quantity or one.si_unit != other.si_unit or one.low is None or other.high is None:
                continue
            if one.op == ">=" and other.op == "<=" and one.low > other.high and not _reaches_both_ways(one):
                message = N_("“%(one)s”和“%(other)s”不能同时成立：请改其中一个。")
                yield Doubt(message, (f"spec:{one.quantity}",), {"one": one.text, "other": other.text}, True)


def _reaches_both_ways(limit: Limit) -> bool:
    """Say whether up to one figure and down to another go together: a chamber of 150 ℃ and -40 ℃, a band from 1 MHz to 18 GHz."""
    known = quantity(limit.quantity, limit.si_unit)
    return known is not None and known.direction in ("heat", "covers")


def _twice(text: str, said: tuple[Constraint, ...], _today: date) -> Iterator[Doubt]:
    for kind, message in _TWICE:
        found = [one for one in said if one.kind == kind and one.origin == "said"]
        first = found[0] if found else None
        other = next((one for one in found if first and one.value != first.value), None)
        if first and other and not _MORE.search(text[max(0, text.find(first.text)) : max(0, text.find(other.text))]):
            yield Doubt(message, (kind,), {"one": first.text, "other": other.text}, True)


Check = Callable[[str, tuple[Constraint, ...], date], Iterator[Doubt]]
CHECKS: Final[tuple[Check, ...]] = (_money, _units, misfits, _nowhere, _past, _here_and_not, _twice, _empty)
