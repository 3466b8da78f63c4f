"""Whether an instrument can do what is asked of a quantity: its specifications as intervals of what it reaches, held against the asked limits.

A maker's figure says how far something goes: 300 kN is everything up to 300 kN, -70 ℃ everything from room temperature down to it, 3 nm of resolution
everything that is not finer. Figures that hold only under a condition (3 nm at 30 kV) count as the figure; the condition is no reading of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from matching.quantities import canonical
from matching.specs import Reading, parse

State = Literal["met", "unknown", "violated"]
WORTH: Final = {"met": 1.0, "unknown": 0.5, "violated": 0.0}
ROOM_K: Final = 293.15
"""Room temperature, kelvin: from there a chamber heats up or cools down."""

HAIR: Final = 1e-9
"""The share by which two figures may differ that were turned into SI from different units."""

FINER: Final = re.compile(
    "分辨|精度|误差|不确定度|检出限|检测限|灵敏度|噪声|漂移|偏差|重复性|线宽|最小|准确度|精密度|极限真空|本底|resolution|accuracy|noise|limit"
)


class Asked(Protocol):
    """What is asked of a quantity, in SI: reach at least `low` (>=), get down to `high` (<=), or have all of [low, high] within reach (covers)."""

    @property
    def quantity(self) -> str: ...  # noqa: D102
    @property
    def op(self) -> str: ...  # noqa: D102
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102
    @property
    def si_unit(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Known:
    """What an instrument reaches of a quantity: from `low` to `high` (None: no bound) in `si_unit`; `finer`: the smaller the better."""

    quantity: str
    low: float | None
    high: float | None
    si_unit: str
    finer: bool = False
    text: str = ""


def known(specs: dict[str, Any]) -> tuple[Known, ...]:
    """Return the intervals of an instrument's specifications (name → text as the maker writes it), in their order; what has no figure gives none.

    >>> [(k.quantity, k.low, k.high, k.finer) for k in known({"分辨率": "3.0 nm@30 kV", "加速电压": "0.5–30 kV"})]
    [('分辨率', 3e-09, None, True), ('加速电压', 500.0, 30000.0, False)]
    """
    return tuple(
        _interval(name, reading, str(written))
        for name, written in specs.items()
        for reading in parse(f"{name}: {written}"[:2_000])
        if not reading.condition
    )


def states(asked: Sequence[Asked], readings: Sequence[Known]) -> tuple[State, ...]:
    """Return for each limit whether it is met, violated, or not stated: no reading of its quantity and unit.

    Of several readings (three axes, two detectors) one that meets is enough.
    """
    return tuple(_state(one, [known for known in readings if same(one, known)]) for one in asked)


def violations(asked: Sequence[Asked], readings: Sequence[Known]) -> tuple[Asked, ...]:
    """Return the limits that the instrument states and does not meet."""
    return tuple(one for one, state in zip(asked, states(asked, readings), strict=True) if state == "violated")


def worth(found: Sequence[State]) -> float:
    """Return the mean worth of states: met 1, not stated ½, violated 0; 1 of none."""
    return sum(WORTH[state] for state in found) / len(found) if found else 1.0


def limits_of(need: Any) -> tuple[Asked, ...]:
    """Return the limits that a need names."""
    return tuple(need.limits)


def same(asked: Asked, reading: Known) -> bool:
    """Say whether a reading is of the quantity that is asked: the same unit, and the same name by its canonical form."""
    return asked.si_unit == reading.si_unit and asked.quantity == reading.quantity


def meets(asked: Asked, reading: Known) -> bool:
    """Say whether what an instrument reaches is enough; bounds count as within, to a hair."""
    if reading.finer:
        bound = asked.low if asked.op == ">=" else asked.high
        return bound is None or reading.low is None or reading.low <= _up(bound)
    reach, down = (asked.high, asked.low) if asked.op == "covers" else (asked.low, asked.high)
    far = reach is None or reading.high is None or reading.high >= _down(reach)
    return far and (down is None or reading.low is None or reading.low <= _up(down))


def _state(asked: Asked, readings: list[Known]) -> State:
    if not readings:
        return "unknown"
    return "met" if any(meets(asked, one) for one in readings) else "violated"


def _interval(name: str, reading: Reading, written: str) -> Known:
    """Return what a reading says of the reach: a range as it is, one figure as its end."""
    quantity, unit = canonical(reading.quantity, reading.si_unit), reading.si_unit
    finer = unit != "级" and bool(FINER.search(f"{name}{reading.quantity}")) and not (unit == "1" and "分辨" in name)
    low, high = _ends(reading, finer)
    return Known(quantity, low, high, unit, finer, f"{name} {written}"[:200])


def _ends(reading: Reading, finer: bool) -> tuple[float | None, float | None]:
    value = reading.si_value
    if isinstance(value, tuple):
        return (min(value), None) if finer else (min(value), max(value))
    if finer or reading.op == "±":
        return value, None
    if reading.op in (">=", ">"):
        return None, value  # 力 ≥ 300 kN of an instrument promises that it goes that far
    if reading.op in ("<=", "<"):
        return (None, value) if value >= 0 else (value, None)
    if reading.si_unit == "K":
        return min(value, ROOM_K), max(value, ROOM_K)
    return min(value, 0.0), max(value, 0.0)


def _up(bound: float) -> float:
    return bound + abs(bound) * HAIR


def _down(bound: float) -> float:
    return bound - abs(bound) * HAIR
