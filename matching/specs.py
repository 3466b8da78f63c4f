"""Read specifications: 「放大倍数12~1,000,000×」, 「加速度 ≥ 980 m/s²」 become a quantity, an operator, a value with its unit, and that value in SI.

Conventions: ± is a tolerance or a symmetric span and gives its half-width; 优于 is at most for resolution, noise and vacuum; 最大 X alone
says what X is; up to gives an upper bound; test conditions (at 15 kV) are readings too and marked so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from matching.specwords import (
    AFTER,
    BEFORE,
    CLAUSE,
    CODES,
    CONDITION_AFTER,
    CONDITION_BEFORE,
    CONNECT,
    CROSS,
    DIFFERENCE,
    FORCE,
    NAMELESS,
    NAMES,
    NUMBER,
    RISING,
    ROOM,
    SCALE,
    SHAKE,
    SIGNS,
    WORDS,
    Op,
)
from matching.units import ALIKE, NONE, SUPER, Unit, find

Value = float | tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a specification; ranges have two values, from low to high as written. `si_value` is in `si_unit`."""

    quantity: str
    op: Op
    value: Value
    unit: str
    si_value: Value
    si_unit: str
    condition: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit: `start` and `end` in the text, unit included; `written` is the unit as typed."""

    value: float
    unit: Unit
    start: int
    end: int
    written: str


DOUBLE_85: Final = (Reading("温度", "=", 85.0, "℃", 358.15, "K"), Reading("湿度", "=", 85.0, "%RH", 0.85, "1"))
"""What 双85 stands for: the damp heat of 85 ℃ and 85 % relative humidity."""

G_FORCE: Final = Unit("g", "m/s²", 9.80665, "加速度")
TON_FORCE: Final = Unit("吨", "N", 9806.65, "力")


def parse(text: str) -> tuple[Reading, ...]:
    """Return the readings in `text`, in the order in which they stand; text without any gives none.

    >>> [(r.quantity, r.op, r.value, r.unit, r.si_value, r.si_unit) for r in parse("扫描速度 ≤ 5 μm/s")]
    [('扫描速度', '<=', 5.0, 'μm/s', 5e-06, 'm/s')]
    """
    plain = text.translate(SIGNS).translate(ALIKE)
    readings = tuple(_readings(plain, _numbers(plain, text)))
    return (*DOUBLE_85, *readings) if "双85" in plain and not re.search(r"85\s?(?:℃|°C)", plain) else readings


def _numbers(plain: str, text: str) -> list[Number]:
    """Return the numbers of a text with their units; digits of names, models and standards are none."""
    hidden = [match.span() for match in CODES.finditer(plain)]
    found: list[Number] = []
    at = 0
    while match := NUMBER.search(plain, at):
        at = max(match.end(), match.start() + 1)
        start = match.start("power") if match["power"] else match.start("mantissa")
        joined = bool(found) and found[-1].end == start - 1
        if any(low <= start < high for low, high in hidden) or (not joined and _in_a_name(plain, start, match)):
            continue
        sign = _sign(plain, match, start)
        end = match.end("scale") if match["scale"] else match.end("times") if match["times"] else match.end("power" if match["power"] else "mantissa")
        value = sign * _magnitude(match)
        unit, unit_end = _unit(plain, end)
        signed = sign < 0 or match["sign"] == "+"
        found.append(Number(value, unit, match.start() if signed else start, unit_end, text[end:unit_end].strip()))
        at = max(at, unit_end)
    return found


def _in_a_name(plain: str, start: int, match: re.Match[str]) -> bool:
    """Say whether digits belong to a word of letters (PM2.5, CO2) rather than to a quantity (X130mm)."""
    before = plain[start - 1] if start else ""
    if before == "双":
        return True
    if not (before.isascii() and before.isalpha()) and before != "_":
        return before == "." or (
            before == "-" and start > 1 and plain[start - 2].isascii() and plain[start - 2].isalpha() and not ROOM.search(plain[:start])
        )
    axis = before in "XYZRDLWH" and (start < 2 or not plain[start - 2].isalnum() or ord(plain[start - 2]) > 0x2E7F)
    return not (axis and find(plain, match.end()) is not None)


def _sign(plain: str, match: re.Match[str], start: int) -> int:
    """Return -1 for a minus that is none of a range: it stands after nothing, a sign or a word, not after a number or its unit."""
    if match["sign"] in ("零下", "负"):
        return -1
    if match["sign"] != "-":
        return 1
    before = plain[: match.start()].rstrip(" ")
    if not before:
        return -1
    last = before[-1]
    if last in ":=<>≤≥~(@[,;±—–到至于为达、/到了在约+":
        return -1
    spaced = plain[match.start() - 1] == " " and plain[start - 1] == "-"
    return (
        -1 if ("\u4e00" <= last <= "\u9fff" and not _ends_a_number(before)) or (spaced and not last.isdigit() and not _ends_a_number(before)) else 1
    )


def _ends_a_number(before: str) -> bool:
    return bool(re.search(r"\d\s?(?:[A-Za-zµΩ°℃%]{0,5}|[毫微纳千厘兆]?[米升克吨秒分时天伏安瓦牛帕赫度倍目级])$", before))


def _magnitude(match: re.Match[str]) -> float:
    if match["power"]:
        exponent = next(group for group in match.groups()[2:4] if group)
        value = 10.0 ** _exponent(exponent)
    else:
        value = float(match["mantissa"].replace(",", ""))
        if match["times"]:
            exponent = next(group for group in match.groups()[6:11] if group)
            value = float(f"{value!r}e{_exponent(exponent)}") if "e" not in repr(value) else value * 10.0 ** _exponent(exponent)
    return value * SCALE.get(match["scale"] or "", 1)


def _exponent(written: str) -> int:
    return int(written.translate(SUPER).replace(" ", ""))


def _unit(plain: str, end: int) -> tuple[Unit, int]:
    """Return the unit behind a number that ends at `end`, a space or a closing bracket between them allowed, and where it ends."""
    for gap in ("", " "):
        if plain.startswith(gap, end):
            found = find(plain, end + len(gap))
            if found and not _crosses(plain, found):
                return found
    if plain.startswith("度", end):
        return Unit("度", "K", 1.0, "温度"), end + 1
    return NONE, end


def _crosses(plain: str, found: tuple[Unit, int]) -> bool:
    """Say whether the × found as a unit is the cross of a size (280×280)."""
    return found[0].written in ("×", "x", "X", "*") and re.match(r"\s*[\dφΦ.]", plain[found[1] :]) is not None


def _readings(plain: str, numbers: list[Number]) -> Iterator[Reading]:
    numbers, last_end, clause_name, at = _axes(plain, numbers), 0, "", 0
    while at < len(numbers):
        group, kind = _group(plain, numbers, at)
        at += len(group)
        gap = plain[last_end : group[0].start]
        name = _name(gap, clause_name)
        context = name + gap
        group = [replace(number, unit=_meant(number, context, plain)) for number in group]
        made = list(_made(plain, gap, group, kind, name)) if _worth(gap, group, kind, name) else []
        yield from made
        clause_name = made[-1].quantity if made and not CLAUSE.search(gap[-1:]) else clause_name
        last_end = group[-1].end


def _axes(plain: str, numbers: list[Number]) -> list[Number]:
    """Give the numbers of X:700 Y:1000 Z:600 mm the unit that stands behind the last one."""
    found: list[Number] = []
    unit = NONE
    for number in reversed(numbers):
        named = re.search(r"[XYZ]轴?[:=]?\s*$", plain[: number.start]) is not None
        found.append(replace(number, unit=unit) if named and number.unit is NONE else number)
        unit = number.unit if named and number.unit is not NONE else unit if named else NONE
    return found[::-1]


def _group(plain: str, numbers: list[Number], at: int) -> tuple[list[Number], str]:
    """Return the numbers that belong together from `at` on: a range, a size, a value with its tolerance, or one number."""
    one = numbers[at]
    if at + 1 < len(numbers):
        two = numbers[at + 1]
        between = plain[one.end : two.start]
        if CONNECT.fullmatch(between) and not (between.strip() == "-" and plain[one.start - 1 : one.start] == "-"):
            return [one, two], "range"
        if re.fullmatch(r"\s*(?:±|\+/-|\+-)\s*", between):
            return [one, two], "tolerance"
        slashed = [one]
        while (
            at + len(slashed) < len(numbers) and slashed[-1].unit is NONE and plain[slashed[-1].end : numbers[at + len(slashed)].start].strip() == "/"
        ):
            slashed.append(numbers[at + len(slashed)])
        if len(slashed) > 1 and slashed[-1].unit is not NONE:
            return slashed, "list"
        cross = [one]
        while at + len(cross) < len(numbers) and CROSS.fullmatch(plain[cross[-1].end : numbers[at + len(cross)].start]):
            cross.append(numbers[at + len(cross)])
        if len(cross) > 1:
            return cross, "size"
    return [one], "one"


def _meant(number: Number, context: str, plain: str) -> Unit:
    """Return the unit that the words around make of an ambiguous one: 吨 of a load is a force, g of a vibration an acceleration."""
    unit = number.unit
    if unit.written in ("t", "吨", "T") and FORCE.search(context):
        return replace(TON_FORCE, written=unit.written)
    if unit.written in ("kg", "KG", "Kg", "公斤") and re.search(r"试验力|拉力|推力|压力|力值", context):
        return Unit(unit.written, "N", 9.80665, "力")
    if unit.written in ("g", "G") and (SHAKE.search(context) or SHAKE.search(plain)):
        return G_FORCE
    if unit.written == "度" and re.search(r"角|旋转|倾|转动|俯仰|摆", context):
        return Unit("度", "rad", 0.017453292519943295, "角度")
    if unit.written == "T" and re.search(r"扭|磁|场", context) is None and FORCE.search(context):
        return replace(TON_FORCE, written="T")
    return unit


def _worth(gap: str, group: list[Number], kind: str, name: str) -> bool:
    """Say whether numbers are a reading: they have a unit, or a name that goes without one, or are compared with a named quantity."""
    if any(number.unit is not NONE for number in group):
        return True
    if kind == "size":
        return bool(re.search(r"像素|分辨率|pixel|点阵|阵列", gap))
    said = BEFORE.search(gap) or re.search(r"[:=]\s*$|±\s*$", gap)
    return bool(name) and (bool(NAMELESS.search(name)) or (bool(said) and not name.isascii()) or (kind == "range" and len(name) > 1))


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
    op = _op(plain, gap, group[-1], name)
    if kind == "size" and len(group) == 2 and group[0].unit is NONE and unit.quantity in ("体积", "质量"):  # 6×500mL is six of them
        yield _one("数量", op, group[0], condition)
        group = group[1:]
    for n, number in enumerate(group):
        axis = "XYZ"[n] + label if kind == "size" and n < 3 else label
        yield _one(axis, op, replace(number, unit=number.unit if number.unit is not NONE else unit), condition)


def _range(group: list[Number], unit: Unit, label: str, condition: bool) -> Reading:
    units = [number.unit if number.unit is not NONE else unit for number in group]
    written = [number.written for number in group if number.written]
    different = DIFFERENCE.search(label) is not None and not units[0].is_temperature
    values = tuple(_tidy(one.value(number.value, difference=different)) for one, number in zip(units, group, strict=True))
    shown = ",".join(dict.fromkeys(written))
    return Reading(label, "range", (group[0].value, group[1].value), shown, (values[0], values[1]), unit.si, condition)


def _one(label: str, op: Op, number: Number, condition: bool, *, difference: bool = False) -> Reading:
    apart = difference or op == "±" or DIFFERENCE.search(label) is not None
    value = _tidy(number.unit.value(number.value, difference=apart))
    return Reading(label, op, number.value, number.written or number.unit.written, value, number.unit.si, condition)


def _op(plain: str, gap: str, number: Number, name: str) -> Op:
    """Return the operator that the words before and behind a number say; none is "="."""
    said = re.split(r"[,;，、；。]", gap)[-1] if not re.search(r"[≤≥<>]", gap) else gap
    if re.search(r"±\s*$|\+/-\s*$", gap):
        return "±"
    if ROOM.search(gap) and ROOM.search(gap).end() == len(gap):  # type: ignore[union-attr]
        return "<="
    after = AFTER.match(plain, number.end)
    found = max(BEFORE.finditer(said), key=re.Match.end, default=None)  # the last one before the number decides
    if found is None:
        return "=" if after is None else (">=" if after["ge"] else "<=")
    n = next(n for n in range(len(WORDS)) if found[f"w{n}"])
    return ">=" if n == 3 and RISING.search(name + gap) else WORDS[n][1]


def _name(gap: str, earlier: str) -> str:
    """Return the quantity that the words before a number name; the one of the same clause before when there are none."""
    words = re.split(r"[,;，、；。|]", gap)[-1]
    words = ROOM.sub("", words)
    words = re.sub(r"^\s*(?:以上|以下|以内|之内|起|左右|max|min)\s*", "", words)
    words = re.sub(r"\([^()]*\)|[()\[\]{}（）【】]", "", words)
    words = BEFORE.sub(" ", words)
    words = words.replace("m/z", "质荷比").replace("M/Z", "质荷比")
    words = re.sub(r"[:=≈~±@/\-–—+<>≤≥]+", " ", words).strip()
    words = re.sub(r"^(?:处|时|下|的)\s*", "", words)
    words = re.sub(
        r"测量范围|测试范围|工作范围|使用范围|量程范围|范围|区间|(?<=.)(?:约|为|是|在|达到?|从|由)$|^(?:约|为|是|达到?|从|由|其|且|可检|可测|配|带|单通道|每通道|在)",
        "",
        words,
    ).strip()
    words = re.sub(r"^(?:最大|最高|最小|最低|最远|额定|max(?:imum)?\.?|min(?:imum)?\.?)(?=.)", "", words, flags=re.IGNORECASE).strip(" :：的为")
    words = re.sub(r"\s+", " ", words)
    return NAMES.get(words, words) if words else earlier


def _tidy(value: float) -> float:
    """Return a value without the noise of conversion: twelve significant digits."""
    return float(f"{value:.12g}")
