"""Write a need's figures the way specifications are written: "HRC 60" as 60 HRC, 一千万次 as 10000000次, a sieve of 200 目 as 75 µm."""

import re
from collections.abc import Callable
from typing import Final

from matching.reading.numbers import read_number

SIEVES: Final = {
    10: 2000, 12: 1700, 14: 1400, 16: 1180, 18: 1000, 20: 850, 25: 710, 30: 600, 35: 500, 40: 425, 45: 355, 50: 300, 60: 250, 70: 212, 80: 180,
    100: 150, 120: 125, 140: 106, 170: 90, 200: 75, 230: 63, 270: 53, 325: 45, 400: 38, 450: 32, 500: 25, 635: 20,
}  # fmt: skip
"""Mesh → opening in µm (GB/T 6003.1, ASTM E11)."""

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def opening(mesh: int) -> float:
    """Return the opening of a sieve in µm; between the standard ones by the rule of thumb that mesh × µm is 15,000."""
    return SIEVES.get(mesh) or round(15_000 / mesh, 1)


def _sieve(match: re.Match[str]) -> str:
    return f"粒径{opening(int(match[1])):g}µm" if int(match[1]) else match.group()


def _numeral(match: re.Match[str]) -> str:
    return f"{read_number(match.group()):.0f}"


def _level(match: re.Match[str]) -> str:
    """Return what 「ppb级」 or 「几个ppm」 asks: a detection limit of ten of it; 纳米级 of a resolution is ten nanometres."""
    return f"检出限≤10 {match[1] or match[2]}"


def _hard(match: re.Match[str]) -> str:
    """Return "HRC 60" as 60 HRC; HV10 names the load of a hardness test, not a hardness."""
    return match.group() if match[1].upper() in ("HV", "HK") and float(match[2]) <= 100 else f"{match[2]} {match[1].upper()}"


def _half(match: re.Match[str]) -> str:
    return f"{read_number(match[1]):.0f}.{read_number(match[2]):.0f}米"


RULES: Final[tuple[Rule, ...]] = (
    (re.compile(r"([一二两三四五六七八九十]{1,3}|\d{1,2})米([一二三四五六七八九])(?![十百千米])"), _half),
    (re.compile(r"(?<!\d)10\s?的\s?([一二三四五六七八九]|\d{1,2})\s?次方"), lambda m: f"10^{read_number(m[1]):.0f}"),
    (re.compile(r"(?<=\d)\s?\+\s?L\s?/\s?\d{2,4}"), ""),
    (re.compile(r"(?<![A-Za-z])(HRC|HRB|HRA|HBW|HLD|HB|HV|HK|HL)\s?(?:[:：=为]\s?)?(?=\d)(\d{1,5}(?:\.\d{1,2})?)", re.IGNORECASE), _hard),
    (re.compile(r"(?:邵氏?|shore)\s?(?:硬度)?\s?([AD])\s?(\d{1,3})(?!\d)", re.IGNORECASE), lambda m: f"{m[2]} H{m[1].upper()}"),
    (re.compile(r"\bminus\s?(?=\d)", re.IGNORECASE), "-"),
    (re.compile(r"(\d[\d.]{0,8})\s?million\b", re.IGNORECASE), r"\1e6"),
    (re.compile(r"(?<=\d)\s?个\s?(?=[微纳毫厘]米|大气压|pp[mbt])"), ""),
    (re.compile(r"(-?\d+(?:\.\d+)?)\s?(?:℃|°C|度|C)?\s?/\s?\+?(\d+(?:\.\d+)?)\s?(?:℃|°C|度)(?![/A-Za-z])"), r"\1~\2℃"),
    (re.compile(r"((?:-|零下)?\d+)\s?C?\s?(?:to|~|-|至|到)\s?(-?\d+)\s?C(?![A-Za-z/·])"), r"\1~\2℃"),
    (re.compile(r"(?<=\d) C(?![A-Za-z/·])"), "℃"),
    (re.compile(r"(?<=\d)\s?(?:deg(?:rees?)?\s?C(?:elsius)?|degrees?(?: celsius)?|celsius|centigrade)(?![A-Za-z])", re.IGNORECASE), "℃"),
    (re.compile(r"(?<=\d)\s+(?=度)"), ""),
    (re.compile(r"((?:2\s?θ|2theta|角度?)[^,，。;；]{0,10}?\d)\s?度"), r"\1°"),
    (re.compile(r"(?<=\d)(\s?)立方(?![米厘毫分英])"), r"\1立方米"),
    (re.compile(r"(?<=\d)(\s?)%(?=\s?(?:的)?(?:相对)?(?:湿度|humidity))"), r"\1%RH"),
    (re.compile(r"(?<![A-Za-z])(R[az])\s?([≤<=]?\s?\d+(?:\.\d+)?)(?!\s?(?:[µμun]m|微米|[\d.]))"), r"\1 \2 µm"),
    (re.compile(r"[一二两三四五六七八九十百千万]{2,9}(?=\s?(?:次|转|帧))"), _numeral),
    (re.compile(r"(\d\s?[万千百]?)\s?转(?!\s?/|每|速|换|移|角|子)"), r"\1 rpm"),
    (re.compile(r"(\d\s?[万千百]?)\s?(?:帧|frames?)(?!\s?(?:/|每|率|per))"), r"\1 fps"),
    (re.compile(r"(?<=\d)\s?个?(?:cycles?|循环)(?![A-Za-z])"), "次"),
    (re.compile(r"(?<![\d.])(\d{2,3})\s?(?:目|mesh)(?!标|前|录)"), _sieve),
    (re.compile(r"(?<![\d.\s])\s?(pp[mbt])\s?(?:级|level)|(?:几|数|若干)十?个?\s?(pp[mbt])", re.IGNORECASE), _level),
    (re.compile(r"(?<![\d.])([纳微])米级(?:的)?(?=分辨|精度|定位)"), r"分辨率≤10 \1米，"),
)


def rewritten(words: str) -> str:
    """Return the text of a need with its figures in the form that specifications have."""
    for pattern, into in RULES:
        words = pattern.sub(into, words)
    return words
