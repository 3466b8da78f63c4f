"""What a length in a need is: a wavelength, a resolution, an error, the sample's own, or how large a thing the instrument must take."""

import re
from typing import Final

from matching.reading.figures import EXACT, SAMPLE, Figure, Meant, Rule, in_table, name_of

PART: Final = re.compile(r"工件|零件|样品|试样|样件|最大|尺寸|长|宽|高|行程|距|part|size|length|height|sample|specimen", re.IGNORECASE)
FULL: Final = {"厚": "厚度", "膜": "膜厚", "thick": "厚度", "dia": "直径"}
BAND: Final = re.compile(r"bandwidth|带宽|狭缝", re.IGNORECASE)
FINE: Final = re.compile(r"体素|分辨|看清|清晰|resol|voxel|像素尺寸", re.IGNORECASE)
LIGHT: Final = re.compile(
    r"波长|激光|激发|光谱|透过|透光|反射|吸收|可见|紫外|红外|光纤|光源|拉曼|raman|laser|wavelength|excit|spectr|optical", re.IGNORECASE
)
WAFER: Final = re.compile(r"硅片|基片|晶圆|wafer", re.IGNORECASE)
REACH: Final = re.compile(r"位移|扬程|量程|测程|深|振幅|跨|焦距|距离|stroke|displace|depth", re.IGNORECASE)
GRAIN: Final = re.compile(r"粒|颗|D[159]0|粉|particle|powder", re.IGNORECASE)


def _resolution(one: Figure) -> Meant | None:
    near = FINE.search(one.around) and one.reading.op in ("<", "<=", "=") and not PART.search(one.told)
    fine = FINE.search(one.told) or near or (BAND.search(one.told) and one.reading.unit == "nm")
    return Meant("分辨率", in_table("分辨率", "m")) if fine else None


def _error(one: Figure) -> Meant | None:
    exact = EXACT.search(one.near)
    return Meant("测量误差", in_table("测量误差", "m")) if exact or one.reading.op == "±" else None


def _wave(one: Figure) -> Meant | None:
    light = LIGHT.search(one.near) and re.fullmatch(r"(?:nm|µm|μm|um|纳米|微米)(?:,.*)?", one.reading.unit)
    return Meant("波长", in_table("波长", "m")) if light else None


def _grain(one: Figure) -> Meant | None:
    grain = GRAIN.search(one.near) and not PART.search(one.told)
    return Meant("粒径", in_table("粒径", "m"), of_sample=not one.spread) if grain else None


def _thickness(one: Figure) -> Meant | None:
    own = SAMPLE.search(one.told) and not (re.search(r"最大|样品直径|放下|放得下", one.told) or re.search("工件|零件", one.near))
    return Meant(name_of(one.told, one.reading), None, of_sample=not one.spread or "厚" in one.told) if own else None


def _size(one: Figure) -> Meant | None:
    if REACH.search(one.told):
        return Meant(name_of(one.told, one.reading), None)
    large = PART.search(one.told) or re.search("放下|放得下", one.told) or re.search("的(?:工件|零件)", one.around)
    return Meant("工件尺寸", in_table("工件尺寸", "m")) if large or WAFER.search(one.around) else None


def _any_length(one: Figure) -> Meant | None:
    own = SAMPLE.search(one.around)
    word = own.group().lower() if own else one.told
    return Meant(FULL.get(word) or name_of(word, one.reading), None, of_sample=own is not None or one.reading.op == "=")


LENGTHS: Final[tuple[Rule, ...]] = (_resolution, _error, _wave, _grain, _thickness, _size, _any_length)
