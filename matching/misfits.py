"""Figures that cannot be meant: a force in GHz, a temperature below absolute zero, a humidity of 150 %."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from core.errors import N_
from matching.constraints import Constraint
from matching.doubting import Doubt
from matching.limits import Limit
from matching.units import find

UNITS_OF: Final[dict[str, tuple[str, frozenset[str]]]] = {
    **dict.fromkeys(("温度", "temperature"), ("温度", frozenset({"K"}))),
    **dict.fromkeys(("频率", "frequency"), ("频率", frozenset({"Hz", "1/s", "rad/s"}))),
    **dict.fromkeys(("加速电压", "accelerating voltage"), ("加速电压", frozenset({"V", "J"}))),
    **dict.fromkeys(("电压", "voltage"), ("电压", frozenset({"V", "V/m", "dBμV"}))),
    **dict.fromkeys(("电流", "current"), ("电流", frozenset({"A"}))),
    **dict.fromkeys(("波长", "wavelength"), ("波长", frozenset({"m", "1/m"}))),
    **dict.fromkeys(("功率", "power"), ("功率", frozenset({"W", "V·A", "dBm"}))),
    **dict.fromkeys(("转速", "rotation speed"), ("转速", frozenset({"1/s", "rad/s", "Hz", "m/s²"}))),
    **dict.fromkeys(("扭矩", "torque"), ("扭矩", frozenset({"N·m"}))),
    **dict.fromkeys(("最大力", "试验力", "拉力", "force"), ("力", frozenset({"N", "kg", "Pa", "N/m"}))),
    **dict.fromkeys(("分辨率", "resolution"), ("分辨率", frozenset(["m", "1/m", "1", "K", "J", "rad", "Hz", "s", "kg", "A", "Pa", "T"]))),
}  # fmt: skip
"""What a quantity is called → its name, and the SI units that its figures may have."""

PHYSICAL: Final = frozenset({"m", "kg", "s", "A", "K", "N", "Hz", "V", "W", "Pa", "J", "T", "N·m", "Ω", "m³", "m²"})
_NAMED: Final = re.compile(
    rf"({'|'.join(sorted(UNITS_OF, key=len, reverse=True))})(?:范围)?\s?[:：为是到≥≤<>=]{{0,2}}\s?(-?\d[\d.]{{0,8}}\s?)", re.IGNORECASE
)


def misfits(text: str, said: tuple[Constraint, ...], _today: date) -> Iterator[Doubt]:
    """Yield a doubt for the first figure whose unit is none of its quantity, and for figures beyond what there is."""
    for match in _NAMED.finditer(text):
        name, units = UNITS_OF[match[1].lower()]
        unit = find(text, match.end())
        if unit and unit[0].si in PHYSICAL - units:
            message = N_("“%(words)s”：%(quantity)s不能用%(unit)s表示。请改数和单位，或去掉这个条件。")
            yield Doubt(message, (f"spec:{name}",), {"words": text[match.start() : unit[1]], "quantity": name, "unit": unit[0].written}, True)
            break
    for one in said:
        if isinstance(one.value, Limit) and _beyond(one.value):
            yield Doubt(N_("“%(words)s”达不到：没有这样的数值。请改这个数，或去掉这个条件。"), (one.key,), {"words": one.value.text}, True)


def _beyond(limit: Limit) -> bool:
    """Say whether a limit lies below absolute zero, or above 100 % of a relative humidity."""
    ends = [bound for bound in (limit.low, limit.high) if bound is not None]
    return (limit.quantity == "温度" and min(ends) < 0) or (limit.quantity == "湿度" and max(ends) > 1)
