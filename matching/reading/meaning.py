"""Which quantity a figure of a need is meant of: by its name, by the words around, by what its unit usually measures; and whose it is.

A figure of the sample (the thickness of a film, the grain of a powder) is asked of no instrument.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from matching.quantities import Quantity, quantity
from matching.reading.figures import BY_UNIT, EXACT, LAST_WORD, SAMPLE, Figure, Meant, Rule, first, in_table, name_of
from matching.reading.lengths import LENGTHS
from matching.specs import Reading
from matching.specwords import DIFFERENCE

PULL: Final = re.compile(
    r"强力|万能|试验机|拉力|压力机|液压|压力|推力|载荷|负荷|拉伸|压缩|千斤顶|承载|顶力|牵引|crane|hook|load|tensile|pull|press(?:ure)?\b",
    re.IGNORECASE,
)
BEAM: Final = re.compile(r"电镜|电子显微|透射|扫描电|离子束|(?<![A-Za-z])(?:SEM|TEM|FIB|EPMA)(?![A-Za-z])", re.IGNORECASE)
SPOT: Final = re.compile(r" (?:法|处| ?chamber)")
ROOMY: Final = re.compile(r"箱|舱|罐|釜|chamber|vessel|volume", re.IGNORECASE)
WEIGHED: Final = re.compile(r"天平|称量|恒重|分度|可读性|balance|readab", re.IGNORECASE)
HEAVY: Final = re.compile(r"重(?!金属|复)|量程|熔|weigh|load|melt", re.IGNORECASE)
BY_SI: Final = {"Pa·m³/s": "漏率", "W/m²": "辐照度", "N/m": "刚度", "dB": "电平", "kg/s": "熔体流动速率", "m²/s": "运动黏度", "J/(kg·K)": "比热容"}
TRACES: Final = frozenset({"mg/kg", "µg/kg", "μg/kg", "ug/kg", "ng/g", "µg/g", "ug/g"})
COUNTS: Final = frozenset(
    "天 日 周 星期 月 年 d day days 时 分 个 台 只 件 片 点 轴 层 线 档 工位 站 样品 级 位 路 道 通道 孔 bit B u U × x X 倍".split()  # noqa: SIM905
)
"""Units that count or date things as often as they measure: without a quantity's name they say nothing."""


def meant(reading: Reading, around: str) -> Meant | None:
    """Return what a reading is meant of; `around` are the words of its clause, and of the clause before it. None: of nothing that can be asked."""
    told = reading.quantity.strip()
    one = Figure(reading, "" if told == reading.usual == "长度" and told not in around else told, around)
    if (reading.unit == "级" and not EXACT.search(one.near)) or (reading.si_unit == "m" and SPOT.search(around)):
        return None  # 4级 of a fastness is a grade, 3米法 a kind of chamber, 1米处 a place
    known = quantity(one.told, reading.si_unit)
    if known and known.name not in ("工件尺寸", "测量误差", "粒径"):
        return Meant(known.name, known, of_sample=_of_sample(one.told, known))
    return first(LENGTHS, one) if reading.si_unit == "m" else _other(one, known)


def _other(one: Figure, known: Quantity | None) -> Meant | None:
    if known:
        return Meant(known.name, known)
    if one.reading.unit in COUNTS or not (one.reading.unit or one.reading.usual):
        return None
    named = "" if one.told == one.reading.usual and one.told not in one.around else one.told
    return first(OTHERS, replace(one, told=named))


def _of_sample(told: str, known: Quantity) -> bool:
    return known.demand == "named" and bool(SAMPLE.search(told)) and known.name not in ("容积", "承重")


def _evenness(one: Figure) -> Meant | None:
    even = DIFFERENCE.search(one.told) and one.reading.si_unit != "K"
    return Meant(name_of(one.told, one.reading), None) if even else None


def _trace(one: Figure) -> Meant | None:
    trace = one.reading.unit in TRACES or (one.reading.unit == "%" and re.search("含量.{0,4}(?:到|低至) ", one.around))
    return Meant("检出限", in_table("检出限", "1")) if trace else None


def _own(one: Figure) -> Meant | None:
    own = SAMPLE.search(one.told) or (one.reading.si_unit == "kg/m³" and "密度" in one.around)
    return Meant(name_of(one.told, one.reading), None, of_sample=not one.spread) if own else None


def _named_around(one: Figure) -> Meant | None:
    known = quantity(one.around, one.reading.si_unit)
    return Meant(known.name, known) if known and len(known.name) > 1 and one.reading.usual != "质量" else None


def _pull(one: Figure) -> Meant | None:
    heavy = one.reading.unit in ("t", "吨", "kg", "公斤", "千克") and PULL.search(one.around)
    return Meant("力", in_table("力", "N")) if heavy else None


def _heaviest(one: Figure) -> float:
    """Return the value, the upper one of a range."""
    value = one.reading.si_value
    return max(value) if isinstance(value, tuple) else value


def _by_unit(one: Figure) -> Meant | None:
    reading, told = one.reading, one.told
    bare = reading.op == "=" and not told.isascii() and told not in one.around
    if reading.si_unit == "1" and reading.usual in ("比例", "") and (not told or bare):
        return None
    usual = BY_UNIT.get(reading.usual, reading.usual) or BY_SI.get(reading.si_unit, "")
    if reading.si_unit == "kg" and WEIGHED.search(one.around) and not (HEAVY.search(told) and _heaviest(one) > 0.001):
        usual = "灵敏度"
    elif usual == "电压" and BEAM.search(one.around):
        usual = "加速电压"
    elif usual == "体积" and ROOMY.search(one.around):
        usual = "容积"
    known = in_table(usual, reading.si_unit)
    if known:
        return Meant(known.name, known)
    if not usual or usual == "比例" or reading.si_unit in BY_SI:
        usual = name_of(told, reading) if LAST_WORD.search(told) else BY_SI.get(reading.si_unit, "") or name_of(told, reading)
    own = usual in ("质量", "体积", "分子量") and reading.op == "=" and not HEAVY.search(one.around)
    return Meant(usual, None, of_sample=own) if usual else None


OTHERS: Final[tuple[Rule, ...]] = (_evenness, _trace, _own, _named_around, _pull, _by_unit)
