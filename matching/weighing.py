"""How much each signal counts for a person: 0 to 10 in halves, as the list of signals has it or as the person moved it.

    distance:8,own_part:2.5

Pure words and numbers; what a signal says is left to `matching.signals`, the sum to `matching.rank`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from core.errors import N_, Invalid
from matching.signals import SIGNALS, Signal

MOST: Final = 10.0
STEP: Final = 0.5
RELEVANCE: Final = "type_fit"
"""What every score is multiplied by, so that it is no weight."""

Weights = Mapping[str, float]
"""Signal → weight 0..10."""


def defaults(signals: Iterable[Signal] = SIGNALS) -> dict[str, float]:
    """Return the weights that hold when nobody moved any, in the order of the signals."""
    return {signal.name: float(signal.weight) for signal in signals if signal.name != RELEVANCE}


def weighed(moved: Weights | None, signals: Iterable[Signal] = SIGNALS) -> dict[str, float]:
    """Return the weight of each signal, moved ones over the defaults. Raises Invalid (w) for a name or number that is none, or all zero."""
    found = defaults(signals)
    for name, weight in (moved or {}).items():
        if name not in found:
            raise Invalid("w", N_("没有“%(name)s”这个权重：可以写 %(names)s。"), name=name[:40], names="、".join(found))
        if not (0 <= weight <= MOST and weight / STEP == int(weight / STEP)):
            raise Invalid("w", N_("权重“%(name)s”要在 0 到 10 之间，每级 0.5。"), name=name)
        found[name] = float(weight)
    if not any(found.values()):
        raise Invalid("w", N_("所有权重都是 0，就没有先后了：请至少把一项调到 0 以上。"))
    return found


def parse(given: str, signals: Iterable[Signal] = SIGNALS) -> dict[str, float]:
    """Read moved weights as an address says them; nothing written is nothing moved. Raises Invalid (w) with what may be written instead.

    >>> parse("distance:8,own_part:2.5")
    {'distance': 8.0, 'own_part': 2.5}
    """
    moved: dict[str, float] = {}
    for pair in given.replace("，", ",").split(","):
        name, _, weight = (part.strip() for part in pair.replace("：", ":").partition(":"))
        if name or weight:
            moved[name] = _number(name, weight)
    weighed(moved, signals)
    return moved


def written(moved: Weights) -> str:
    """Write weights as an address says them; `parse` reads the same again.

    >>> written({"distance": 8.0, "own_part": 2.5})
    'distance:8,own_part:2.5'
    """
    return ",".join(f"{name}:{weight:g}" for name, weight in moved.items())


def _number(name: str, weight: str) -> float:
    digits = weight.removesuffix(".0").removesuffix(".5")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 2):
        raise Invalid("w", N_("权重要写成“名称:0到10的数”，例如 distance:8；“%(name)s”后面不是这样的数。"), name=name[:40])
    return float(weight)
