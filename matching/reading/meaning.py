"""Which quantity a figure of a need is meant of: by its name, by the words around, by what its unit usually measures; and whose it is.

A figure of the sample (the thickness of a film, the grain of a powder) is asked of no instrument.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from matching.quantities import Quantity, quantities, quantity
from matching.specs import Reading
from matching.specwords import DIFFERENCE

SAMPLE: Final = re.compile(
    r"厚|膜|粒径|粒度|直径|孔径|含量|浓度|剂量|模数|规格|牌号|型号|容量|额定|密度|样品量|取样量|[Tt]hick|[Dd]ia|density|D[159]0|content"
)
PART: Final = re.compile(r"工件|零件|样品|试样|样件|最大|尺寸|长|宽|高|行程|距|part|size|length|height|sample|specimen", re.IGNORECASE)
FINE: Final = re.compile(r"体素|分辨|看清|清晰|resol|voxel|像素尺寸", re.IGNORECASE)
EXACT: Final = re.compile(r"精度|误差|公差|偏差|准确|accura|toleranc|uncertain|不确定度", re.IGNORECASE)
LIGHT: Final = re.compile(
    r"波长|激光|激发|光谱|透过|透光|反射|吸收|可见|紫外|红外|光纤|光源|拉曼|raman|laser|wavelength|excit|spectr|optical", re.IGNORECASE
)
WAFER: Final = re.compile(r"硅片|基片|晶圆|wafer", re.IGNORECASE)
REACH: Final = re.compile(r"位移|扬程|量程|测程|深|振幅|跨|焦距|距离|stroke|displace|depth", re.IGNORECASE)
GRAIN: Final = re.compile(r"粒|颗|D[159]0|粉|particle|powder", re.IGNORECASE)
PULL: Final = re.compile(r"强力|万能|试验机|拉力|压力机|液压|压力|推力|载荷|负荷|拉伸|压缩|千斤顶|承载|顶力|牵引")
SPOT: Final = re.compile(r" (?:法|处| ?chamber)")
ROOMY: Final = re.compile(r"箱|舱|罐|釜|chamber|vessel|volume", re.IGNORECASE)
WEIGHED: Final = re.compile(r"天平|称量|恒重|分度|可读性|balance|readab", re.IGNORECASE)
HEAVY: Final = re.compile(r"重(?!金属|复)|量程|熔|weigh|load|melt", re.IGNORECASE)
LAST_WORD: Final = re.compile(r"[\u4e00-\u9fff]{2,6}$|R[az]$")
BY_UNIT: Final = {"磁感应强度": "磁场", "离心力": "加速度", "含量": "检出限", "质量浓度": "检出限", "声级": "噪声"}
BY_SI: Final = {"Pa·m³/s": "漏率", "W/m²": "辐照度", "N/m": "刚度", "dB": "电平", "kg/s": "熔体流动速率", "m²/s": "运动黏度", "J/(kg·K)": "比热容"}
TRACES: Final = frozenset({"mg/kg", "µg/kg", "μg/kg", "ug/kg", "ng/g", "µg/g", "ug/g"})
COUNTS: Final = frozenset(
    "天 日 周 星期 月 年 d day days 时 分 个 台 只 件 片 点 轴 层 线 档 工位 站 样品 级 位 路 道 通道 孔 bit u U × x X 倍".split()  # noqa: SIM905
)
"""Units that count or date things as often as they measure: without a quantity's name they say nothing."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A quantity that a figure is meant of; `known` when the table has it; `said` when a word named it, else its unit told."""

    name: str
    known: Quantity | None
    said: bool
    of_sample: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A reading, the words that name it, and those around it."""

    reading: Reading
    told: str
    around: str

    @property
    def near(self) -> str:
        """All the words."""
        return f"{self.told} {self.around}"

    @property
    def spread(self) -> bool:
        """Whether it is a range."""
        return isinstance(self.reading.si_value, tuple)


def meant(reading: Reading, around: str) -> Meant | None:
    """Return what a reading is meant of; `around` are the words of its clause, and of the clause before it. None: of nothing that can be asked."""
    told = reading.quantity.strip()
    one = Figure(reading, "" if told == reading.usual == "长度" and told not in around else told, around)
    if (reading.unit == "级" and not EXACT.search(one.near)) or (reading.si_unit == "m" and SPOT.search(around)):
        return None  # 4级 of a fastness is a grade, 3米法 a kind of chamber, 1米处 a place
    known = quantity(one.told, reading.si_unit)
    if known and known.name not in ("工件尺寸", "测量误差", "粒径"):
        return Meant(known.name, known, True, of_sample=_of_sample(one.told, known))
    return _first(LENGTHS, one) if reading.si_unit == "m" else _other(one, known)


def _other(one: Figure, known: Quantity | None) -> Meant | None:
    if known:
        return Meant(known.name, known, True)
    if one.reading.unit in COUNTS or not (one.reading.unit or one.reading.usual):
        return None
    named = "" if one.told == one.reading.usual and one.told not in one.around else one.told
    return _first(OTHERS, replace(one, told=named))


def _first(rules: tuple[Rule, ...], one: Figure) -> Meant | None:
    return next((found for rule in rules if (found := rule(one))), None)


def _of_sample(told: str, known: Quantity) -> bool:
    return known.demand == "named" and bool(SAMPLE.search(told)) and known.name not in ("容积", "承重")


# Lengths: a wavelength, a resolution, an error, the sample's own, or how large a thing the instrument must take ---------------------


def _resolution(one: Figure) -> Meant | None:
    fine = FINE.search(one.told) or (FINE.search(one.around) and one.reading.op in ("<", "<=", "="))
    return Meant("分辨率", _table("分辨率", "m"), True) if fine else None


def _error(one: Figure) -> Meant | None:
    exact = EXACT.search(one.near)
    return Meant("测量误差", _table("测量误差", "m"), bool(exact)) if exact or one.reading.op == "±" else None


def _wave(one: Figure) -> Meant | None:
    light = LIGHT.search(one.near) and re.fullmatch(r"(?:nm|µm|μm|um|纳米|微米)(?:,.*)?", one.reading.unit)
    return Meant("波长", _table("波长", "m"), True) if light else None


def _grain(one: Figure) -> Meant | None:
    grain = GRAIN.search(one.near) and not PART.search(one.told)
    return Meant("粒径", _table("粒径", "m"), True, of_sample=not one.spread) if grain else None


def _thickness(one: Figure) -> Meant | None:
    own = SAMPLE.search(one.told) and not re.search(r"工件|零件|最大|样品直径", one.told)
    return Meant(_name(one.told, one.reading), None, True, of_sample=not one.spread or "厚" in one.told) if own else None


def _size(one: Figure) -> Meant | None:
    if REACH.search(one.told):
        return Meant(_name(one.told, one.reading), None, True)
    return Meant("工件尺寸", _table("工件尺寸", "m"), True) if PART.search(one.told) or WAFER.search(one.around) else None


def _any_length(one: Figure) -> Meant | None:
    own = SAMPLE.search(one.around)
    return Meant(_name(own.group() if own else one.told, one.reading), None, bool(own), of_sample=own is not None or one.reading.op == "=")


# Everything else ---------------------------------------------------------------------------------------------------------------


def _evenness(one: Figure) -> Meant | None:
    even = DIFFERENCE.search(one.told) and one.reading.si_unit != "K"
    return Meant(_name(one.told, one.reading), None, True) if even else None


def _trace(one: Figure) -> Meant | None:
    trace = one.reading.unit in TRACES or (one.reading.unit == "%" and re.search("含量.{0,4}(?:到|低至) ", one.around))
    return Meant("检出限", _table("检出限", "1"), "检出" in one.around) if trace else None


def _own(one: Figure) -> Meant | None:
    own = SAMPLE.search(one.told) or (one.reading.si_unit == "kg/m³" and "密度" in one.around)
    return Meant(_name(one.told, one.reading), None, True, of_sample=not one.spread) if own else None


def _named_around(one: Figure) -> Meant | None:
    known = quantity(one.around, one.reading.si_unit)
    return Meant(known.name, known, True) if known and len(known.name) > 1 and one.reading.usual != "质量" else None


def _pull(one: Figure) -> Meant | None:
    heavy = one.reading.unit in ("t", "吨", "kg", "公斤", "千克") and PULL.search(one.around)
    return Meant("力", _table("力", "N"), True) if heavy else None


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
    elif usual == "体积" and ROOMY.search(one.around):
        usual = "容积"
    known = _table(usual, reading.si_unit)
    if known:
        return Meant(known.name, known, False)
    if not usual or usual == "比例" or reading.si_unit in BY_SI:
        usual = BY_SI.get(reading.si_unit, "") or _name(told, reading)
    own = usual in ("质量", "体积") and reading.op == "=" and not HEAVY.search(one.around)
    return Meant(usual, None, bool(LAST_WORD.search(told)), of_sample=own) if usual else None


Rule = Callable[[Figure], Meant | None]
LENGTHS: Final[tuple[Rule, ...]] = (_resolution, _error, _wave, _grain, _thickness, _size, _any_length)
OTHERS: Final[tuple[Rule, ...]] = (_evenness, _trace, _own, _named_around, _pull, _by_unit)


def _name(told: str, reading: Reading) -> str:
    found = LAST_WORD.search(re.sub(r"\s+", "", told))
    return found.group() if found else BY_UNIT.get(reading.usual, reading.usual) or re.sub(r"[\s~]+", "", told)[:12]


@lru_cache(maxsize=256)
def _table(name: str, si_unit: str) -> Quantity | None:
    return next((one for one in quantities().get(si_unit, ()) if one.name == name), None)
