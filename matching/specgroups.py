"""Put numbers together that belong together, and give each the unit that the words around it mean."""

import re
from dataclasses import replace
from typing import Final

from matching.specnumbers import Number
from matching.specwords import BEFORE, CONNECT, CROSS, FORCE, NAMELESS, SHAKE
from matching.units import NONE, Unit

G_FORCE: Final = Unit("g", "m/s²", 9.80665, "加速度")
KILOGRAMS: Final = ("kg", "KG", "Kg", "公斤")
WEIGHTS: Final = (*KILOGRAMS, "mg", "g")
MOST_LISTED: Final = 12
"""Numbers that one unit behind the last of them serves: a longer list is no specification."""

TON_FORCE: Final = Unit("吨", "N", 9806.65, "力")


def axes(plain: str, numbers: list[Number]) -> list[Number]:
    """Give the numbers of X:700 Y:1000 Z:600 mm the unit that stands behind the last one."""
    found: list[Number] = []
    unit = NONE
    for number in reversed(numbers):
        named = re.search(r"[XYZ]轴?[:=]?\s*$", plain[max(0, number.start - 8) : number.start]) is not None
        found.append(replace(number, unit=unit) if named and number.unit is NONE else number)
        unit = number.unit if named and number.unit is not NONE else unit if named else NONE
    return found[::-1]


def group(plain: str, numbers: list[Number], at: int) -> tuple[list[Number], str]:
    """Return the numbers that belong together from `at` on: a range, a size, a value with its tolerance, or one number."""
    one = numbers[at]
    if at + 1 < len(numbers):
        two = numbers[at + 1]
        between = plain[one.end : two.start]
        if CONNECT.fullmatch(between) and not (between.strip() == "-" and plain[one.start - 1 : one.start] == "-"):
            return [one, two], "range"
        if re.fullmatch(r"\s*(?:±|\+/-|\+-)\s*", between):
            return [one, two], "tolerance"
        slashed = _listed(plain, numbers, at)
        if len(slashed) > 1 and slashed[-1].unit is not NONE:
            return slashed, "list"
        cross = [one]
        while at + len(cross) < len(numbers) and CROSS.fullmatch(plain[cross[-1].end : numbers[at + len(cross)].start]):
            cross.append(numbers[at + len(cross)])
        if len(cross) > 1:
            return cross, "size"
    return [one], "one"


def _listed(plain: str, numbers: list[Number], at: int) -> list[Number]:
    """Return the numbers from `at` on that a slash or 、 parts and one unit at the end serves."""
    found = [numbers[at]]
    for following in numbers[at + 1 : at + MOST_LISTED]:
        if found[-1].unit is not NONE or plain[found[-1].end : following.start].strip() not in ("/", "、"):
            break
        found.append(following)
    return found


def _presses(written: str, context: str, plain: str) -> bool:
    """Say whether a weight is said of a force: the load of a hardness tester, a pull in kilograms, the contact force of a stylus."""
    if written in ("g", "kg") and "硬度" in plain and re.search(r"载荷|负荷", context):
        return True
    words = r"试验力|拉力|推力|压力|力值" if written in KILOGRAMS else r"接触力|针压|测力|法向力"
    return re.search(words, context) is not None


def meant(number: Number, context: str, plain: str) -> Unit:
    """Return the unit that the words around make of an ambiguous one: 吨 of a load is a force, g of a vibration an acceleration."""
    unit = number.unit
    if (unit.written in ("t", "吨") or (unit.written == "T" and not re.search(r"扭|磁|场", context))) and FORCE.search(context):
        return replace(TON_FORCE, written=unit.written)
    if unit.written in WEIGHTS and _presses(unit.written, context, plain):
        return replace(unit, si="N", factor=unit.factor * 9.80665, quantity="力")
    if unit.written in ("g", "G") and (SHAKE.search(context) or SHAKE.search(plain)):
        return G_FORCE
    if unit.written == "度" and re.search(r"角|旋转|倾|转动|俯仰|摆", context):
        return Unit("度", "rad", 0.017453292519943295, "角度")
    return unit


def side(unit: Unit, dimensions: int) -> Unit:
    """Return the unit of one side of a size: 400×300 mm² is said of sides in mm."""
    power = {"m²": 2, "m³": 3}.get(unit.si)
    return replace(unit, si="m", factor=unit.factor ** (1 / power), quantity="长度") if power and power == dimensions else unit


def worth(gap: str, group: list[Number], kind: str, name: str) -> bool:
    """Say whether numbers are a reading: they have a unit, or a name that goes without one, or are compared with a named quantity."""
    if any(number.unit is not NONE for number in group):
        return True
    if kind == "size":
        return bool(re.search(r"像素|分辨率|pixel|点阵|阵列|全幅|画幅|@\s*$", gap))
    said = BEFORE.search(gap) or re.search(r"[:=]\s*$|±\s*$", gap)
    named = not name.isascii() or (len(name) > 2 and re.search(r"[<>≤≥]\s*$", gap))
    return bool(name) and (bool(NAMELESS.search(name)) or (bool(said) and bool(named)) or (kind == "range" and len(name) > 1))
