"""Units as people write them: find one after a number, say what it is in SI, turn values into it.

`lexicon/units.csv` holds the written forms; compounds (mg/m³, W/(m·K), cm⁻¹) are put together here. The conversion factors are those of pint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from matching.siforms import COMPOUND, SUPER, si_form
from matching.unittable import ALIKE, Atom, atoms, forms

if TYPE_CHECKING:
    from pint import UnitRegistry

POWER: Final = re.compile(
    r"\^\s?\(?([-−]?[1-6])\)?(?![\d.])|([-−][1-6](?![A-Za-zµ])|[23](?![A-Zµ]))(?![\d.])|([⁻⁺]?[¹²³⁴⁵⁶])|\*\*(-?[1-6])|(平方|立方)"
)
JOINT: Final = re.compile(r"\s?(/|每)\s?(\()?|([·•⋅∙*.])(?=[A-Za-zµΩ])")
LONGEST: Final = 64
"""Characters of a unit, compounds whole."""

CELSIUS: Final = frozenset({"℃", "°C", "摄氏度", "℉", "°F", "度"})


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit found in a text: as written, its factor into `si` (offset only for temperatures), and what it usually measures."""

    written: str
    si: str
    factor: float
    quantity: str
    fahrenheit: bool = False

    @property
    def is_temperature(self) -> bool:
        """Whether values are points on a scale of temperature that does not begin at absolute zero."""
        return self.written in CELSIUS

    def value(self, number: float, *, difference: bool = False) -> float:
        """Return `number` of this unit in SI; a temperature becomes kelvin, as a point of the scale or as a `difference`."""
        if not self.is_temperature or difference:
            return number * self.factor
        return (number + 459.67) * self.factor if self.fahrenheit else number + 273.15


NONE: Final = Unit("", "1", 1.0, "")


def find(text: str, start: int) -> tuple[Unit, int] | None:
    """Return the unit that begins at `start` of `text` and where it ends, compounds whole; None when there is none."""
    plain = text[start : start + LONGEST].translate(ALIKE)
    parts: list[tuple[Atom, int]] = []
    end, sign, closing = 0, 1, False
    while True:
        found = forms().match(plain, end)
        if found is None:
            return None
        atom = atoms()[found.group()]
        power, end = _power(plain, found.end())
        parts.append((atom, sign * power))
        if closing and plain[end : end + 1] == ")":
            end, closing = end + 1, False
        joint = JOINT.match(plain, end)
        if joint is None or forms().match(plain, joint.end()) is None:
            break
        if joint.group(1):
            sign, closing = -1, bool(joint.group(2))
        elif not closing:
            sign = 1 if sign == 1 else -1
        end = joint.end()
    return _made(text[start : start + end].strip(), tuple(parts)), start + end


def _power(text: str, at: int) -> tuple[int, int]:
    found = POWER.match(text, at)
    if found is None:
        return 1, at
    if found.group(5):
        return {"平方": 2, "立方": 3}[found.group(5)], found.end()
    return int((found.group(1) or found.group(2) or found.group(4) or found.group(3).translate(SUPER)).replace("−", "-")), found.end()


@cache
def _made(written: str, parts: tuple[tuple[Atom, int], ...]) -> Unit:
    if len(parts) == 1 and parts[0][1] == 1 and parts[0][0].expression == "1":
        return Unit(written, parts[0][0].si, 1.0, parts[0][0].quantity)
    expression = "*".join(f"({atom.expression})**{power}" for atom, power in parts)
    fahrenheit = written.endswith("F") and len(parts) == 1
    plain = written.translate(ALIKE)
    si = si_form((atom.si, power) for atom, power in parts)
    return Unit(plain if plain in CELSIUS else written, si, _factor(expression, si), _quantity(parts, si), fahrenheit)


def _quantity(parts: tuple[tuple[Atom, int], ...], si: str) -> str:
    if len(parts) == 1:
        return {("长度", 2): "面积", ("长度", 3): "体积", ("长度", -1): "波数"}.get((parts[0][0].quantity, parts[0][1]), parts[0][0].quantity)
    return COMPOUND.get(si, "")


@cache
def _registry() -> UnitRegistry[Any]:
    from pint import UnitRegistry

    registry: UnitRegistry[Any] = UnitRegistry()
    registry.define("thou = 0.001 * inch")
    return registry


@cache
def _factor(expression: str, si: str) -> float:
    """Return what one of `expression` is in SI base units; the SI forms are coherent, so that is its factor into `si` as well."""
    quantity = _registry().parse_expression(expression)
    if not hasattr(quantity, "to_base_units"):
        return float(quantity)
    return float(quantity.to_base_units().magnitude) * _COHERENT.get(si, 1.0)


_COHERENT: Final = {"B": 1 / 8, "B/s": 1 / 8}
"""Pint counts data in bits."""
