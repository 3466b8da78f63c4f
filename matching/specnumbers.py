"""Find the numbers of a text with their units; digits of names, models and standards are none."""

import re
from dataclasses import dataclass
from typing import Final

from matching.siforms import SUPER
from matching.spechan import spelt
from matching.specwords import CODES, NUMBER, ROOM, SCALE
from matching.units import NONE, Unit, find

MOST: Final = 1_000
"""Numbers of one text that are read: whoever writes more writes no specification."""

GLUED: Final = re.compile(r"(?<![A-Za-z])(?:NA|pH|PH|Ra|Rz|OD|SNR)$")
"""Quantities whose sign stands right before the number: NA1.4, pH7."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit: `start` and `end` in the text, unit included; `written` is the unit as typed."""

    value: float
    unit: Unit
    start: int
    end: int
    written: str


def numbers(plain: str, text: str) -> list[Number]:
    """Return the numbers of a text with their units; digits of names, models and standards are none."""
    hidden = {at for match in CODES.finditer(plain) for at in range(*match.span())}
    found: list[Number] = []
    at = 0
    while len(found) < MOST and (match := NUMBER.search(plain, at)):
        at = max(match.end(), match.start() + 1)
        start = match.start("power") if match["power"] else match.start("mantissa")
        joined = bool(found) and (found[-1].end == start - 1 or (found[-1].end == start and found[-1].unit is not NONE))
        if start in hidden or (not joined and _in_a_name(plain, start, match)):
            continue
        sign = _sign(plain, match, start)
        end = match.end("scale") if match["scale"] else match.end("times") if match["times"] else match.end("power" if match["power"] else "mantissa")
        value = sign * _magnitude(match)
        unit, unit_end = _unit(plain, end)
        signed = sign < 0 or match["sign"] == "+"
        found.append(Number(value, unit, match.start() if signed else start, unit_end, text[end:unit_end].strip()))
        at = max(at, unit_end)
    spelt_out = [Number(value, unit, start, end, unit.written) for value, unit, start, end in spelt(plain)]
    taken = {at for one in found for at in range(one.start, one.end)} if spelt_out else set()
    apart = [one for one in spelt_out if taken.isdisjoint(range(one.start, one.end))]
    return sorted([*found, *apart], key=lambda one: one.start)


def _in_a_name(plain: str, start: int, match: re.Match[str]) -> bool:
    """Say whether digits belong to a word of letters (PM2.5, CO2) rather than to a quantity (X130mm)."""
    before = plain[start - 1] if start else ""
    if before == "双":
        return True
    if not (before.isascii() and before.isalpha()) and before != "_":
        dashed = before == "-" and start > 1 and plain[start - 2].isascii() and plain[start - 2].isalpha()
        return before == "." or (dashed and not ROOM.search(plain[max(0, start - 30) : start]))
    if GLUED.search(plain[max(0, start - 4) : start]):
        return False
    axis = before in "XYZRDLWH" and (start < 2 or not plain[start - 2].isalnum() or ord(plain[start - 2]) > 0x2E7F)
    unit = find(plain, match.end()) if axis else None
    return unit is None or unit[0].si not in ("m", "rad")


def _sign(plain: str, match: re.Match[str], start: int) -> int:
    """Return -1 for a minus that is none of a range: it stands after nothing, a sign or a word, not after a number or its unit."""
    if match["sign"] in ("零下", "负"):
        return -1
    if match["sign"] != "-":
        return 1
    before = plain[max(0, match.start() - 24) : match.start()].rstrip(" ")
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
