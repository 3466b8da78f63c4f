"""The SI form of a compound unit: like units drawn together, mass over mass cancelled, denominators behind one slash."""

from collections.abc import Iterable
from typing import Final

SUPER: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
RAISED: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

COMPOUND: Final = {
    "m/s": "速度", "m/s²": "加速度", "kg/m³": "质量浓度", "m³/s": "流量", "K/s": "升降温速率", "N·m": "扭矩", "Pa·s": "黏度", "W/(m·K)": "导热系数",
    "Ω·m": "电阻率", "S/m": "电导率", "mol/m³": "浓度", "rad/s": "角速度", "V/m": "电场强度", "J/m²": "冲击韧性", "N/m": "表面张力",
}  # fmt: skip
"""What a compound usually measures."""


def si_form(parts: Iterable[tuple[str, int]]) -> str:
    """Return the SI form of a product of SI forms with their powers.

    >>> si_form([("kg", 1), ("m³", -1)])
    'kg/m³'
    """
    powers: dict[str, int] = {}
    for si, power in parts:
        for name, own in _split(si):
            powers[name] = powers.get(name, 0) + own * power
    above = [_raised(name, power) for name, power in powers.items() if power > 0]
    below = [_raised(name, -power) for name, power in powers.items() if power < 0]
    if not below:
        return "·".join(above) or "1"
    foot = "·".join(below)
    return f"{'·'.join(above) or '1'}/{foot if len(below) == 1 else f'({foot})'}"


def _split(si: str) -> list[tuple[str, int]]:
    """Return the parts of an SI form with their powers; forms kept as they are (dBc/Hz, HV) stay whole."""
    if si == "1":
        return []
    if si.startswith("dB"):
        return [(si, 1)]
    above, _, below = si.partition("/")
    found = []
    for side, sign in ((above, 1), (below, -1)):
        for piece in filter(None, side.strip("()").split("·")):
            power = piece.lstrip("".join(set(piece) - set("²³⁴")))
            name = piece.rstrip("²³⁴")
            if name != "1":
                found.append((name, sign * (int(power.translate(SUPER)) if power else 1)))
    return found


def _raised(name: str, power: int) -> str:
    return name if power == 1 else name + str(power).translate(RAISED)
