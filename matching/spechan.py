"""Numbers of a specification written in Chinese numerals: 五十吨, 零下七十度, 三十万倍. Only with a unit that measures; 三轴, 一级 name things."""

import re
from itertools import islice
from typing import Final

from matching.reading.numbers import read_number
from matching.units import Unit, find

HAN: Final = re.compile(r"(零下|负)?([一二两三四五六七八九十百千万]{1,9}(?:点[零一二三四五六七八九]{1,3})?)(?![一二两三四五六七八九十])")
MOST: Final = 400
"""Numerals of one text that are looked at."""

COUNTED: Final = frozenset("级 位 个 次 台 只 件 片 点 轴 层 线 档 站 路 道 工位 通道 样品 分 方 丝 寸 × x X 天 日 周 月 年 u t T".split())  # noqa: SIM905
"""Units that after a numeral name a thing (三轴, 四线, 十分) as often as they measure."""


def spelt(plain: str) -> list[tuple[float, Unit, int, int]]:
    """Return value, unit, start and end of every number in Chinese numerals that a measuring unit follows."""
    found = []
    for match in islice(HAN.finditer(plain), MOST):
        if match.start() and (plain[match.start() - 1].isdigit() or plain[match.start() - 1] in "第每之"):
            continue
        read = _read(plain, match)
        if read:
            found.append(read)
    return found


def _read(plain: str, match: re.Match[str]) -> tuple[float, Unit, int, int] | None:
    """Take the longest numeral behind which a unit stands: in 六千瓦 the 千 belongs to the unit."""
    word = match[2]
    for length in range(len(word), 0, -1):
        end = match.start(2) + length
        if length > 1 and word[length - 1] == "千" and find(plain, end - 1):  # 三百千牛: the 千 is that of the unit
            continue
        unit = find(plain, end) or ((Unit("度", "K", 1.0, "温度"), end + 1) if plain.startswith("度", end) and length > 1 else None)
        if unit and unit[0].written not in COUNTED and not word[:length].startswith(("百", "千", "万")):
            whole, _, part = word[:length].partition("点")
            value = read_number(whole) + (float("0." + "".join(str("零一二三四五六七八九".index(digit)) for digit in part)) if part else 0)
            return (-value if match[1] else value), unit[0], match.start(), unit[1]
    return None
