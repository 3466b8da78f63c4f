"""Read specifications: 「放大倍数12~1,000,000×」, 「加速度 ≥ 980 m/s²」 become a quantity, an operator, a value with its unit, and that value in SI.

Conventions: ± is a tolerance or a symmetric span and gives its half-width; 优于 is at most for resolution, noise and vacuum; 最大 X alone
says what X is; up to gives an upper bound; test conditions (at 15 kV) are readings too and marked so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from matching import specgroups, specnames
from matching.specnumbers import Number
from matching.specnumbers import numbers as numbers_of
from matching.specwords import CLAUSE, CONDITION_AFTER, CONDITION_BEFORE, DIFFERENCE, SIGNS, Op
from matching.units import NONE, Unit
from matching.unittable import ALIKE

Value = float | tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a specification; ranges have two values, from low to high as written. `si_value` is in `si_unit`.

    text[start:end] is the figure.
    """

    quantity: str
    op: Op
    value: Value
    unit: str
    si_value: Value
    si_unit: str
    condition: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    usual: str = field(default="", compare=False)  # what its unit usually measures


DOUBLE_85: Final = (Reading("温度", "=", 85.0, "℃", 358.15, "K"), Reading("湿度", "=", 85.0, "%RH", 0.85, "1"))
"""What 双85 stands for: the damp heat of 85 ℃ and 85 % relative humidity."""


def parse(text: str) -> tuple[Reading, ...]:
    """Return the readings in `text`, in the order in which they stand; text without any gives none.

    >>> [(r.quantity, r.op, r.value, r.unit, r.si_value, r.si_unit) for r in parse("扫描速度 ≤ 5 μm/s")]
    [('扫描速度', '<=', 5.0, 'μm/s', 5e-06, 'm/s')]
    """
    plain = text.translate(SIGNS).translate(ALIKE)
    readings = tuple(_readings(plain, numbers_of(plain, text)))
    return (*DOUBLE_85, *readings) if "双85" in plain and not re.search(r"85\s?(?:℃|°C)", plain) else readings


def _readings(plain: str, numbers: list[Number]) -> Iterator[Reading]:
    numbers, last_end, clause_name, at = specgroups.axes(plain, numbers), 0, "", 0
    while at < len(numbers):
        group, kind = specgroups.group(plain, numbers, at)
        at += len(group)
        gap = plain[last_end : group[0].start]
        name = specnames.name(gap, clause_name)
        context = name + gap
        group = [replace(number, unit=specgroups.meant(number, context, plain)) for number in group]
        made = list(_made(plain, gap, group, kind, name)) if specgroups.worth(gap, group, kind, name) else []
        yield from made
        clause_name = made[-1].quantity if made and not CLAUSE.search(gap[-1:]) else clause_name
        last_end = group[-1].end


def _made(plain: str, gap: str, group: list[Number], kind: str, name: str) -> Iterator[Reading]:
    condition = bool(CONDITION_BEFORE.search(gap) or CONDITION_AFTER.match(plain, group[-1].end))
    unit = next((number.unit for number in reversed(group) if number.unit is not NONE), NONE)
    label = name or unit.quantity
    if kind == "range":
        yield _range(group, unit, label, condition)
        return
    if kind == "tolerance":
        first, second = group
        yield _one(label, "=", replace(first, unit=first.unit if first.unit is not NONE else unit), condition)
        yield _one(label, "±", replace(second, unit=second.unit if second.unit is not NONE else unit), condition, difference=True)
        return
    op = specnames.op(plain, gap, group[-1], name)
    if kind == "size" and len(group) == 2 and group[0].unit is NONE and unit.quantity in ("体积", "质量"):  # 6×500mL is six of them
        yield _one("数量", op, group[0], condition)
        group = group[1:]
    unit = specgroups.side(unit, len(group)) if kind == "size" else unit
    for n, number in enumerate(group):
        axis = "XYZ"[n] + label if kind == "size" and n < 3 else label
        yield _one(axis, op, replace(number, unit=unit if number.unit is NONE or number is group[-1] else number.unit), condition)


def _range(group: list[Number], unit: Unit, label: str, condition: bool) -> Reading:
    units = [number.unit if number.unit is not NONE else unit for number in group]
    written = [number.written for number in group if number.written]
    different = DIFFERENCE.search(label) is not None and not units[0].is_temperature
    values = tuple(_tidy(one.value(number.value, difference=different)) for one, number in zip(units, group, strict=True))
    shown = ",".join(dict.fromkeys(written))
    value, si_value = (group[0].value, group[1].value), (values[0], values[1])
    return Reading(label, "range", value, shown, si_value, unit.si, condition, group[0].start, group[-1].end, unit.quantity)


def _one(label: str, op: Op, number: Number, condition: bool, *, difference: bool = False) -> Reading:
    apart = difference or op == "±" or DIFFERENCE.search(label) is not None
    value = _tidy(number.unit.value(number.value, difference=apart))
    unit = number.unit
    return Reading(label, op, number.value, number.written or unit.written, value, unit.si, condition, number.start, number.end, unit.quantity)


def _tidy(value: float) -> float:
    """Return a value without the noise of conversion: twelve significant digits."""
    return float(f"{value:.12g}")
