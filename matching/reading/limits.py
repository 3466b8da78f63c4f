"""What a need asks of the instrument's figures: "加速电压200kV以上" becomes a limit of at least 200,000 V.

A limit is said where the sentence names the quantity; where only the unit tells it ("300 kN"), it is our guess and only a preference. Figures of the
sample (thickness, content, dose) are no limits: their quantities do not stand in the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import normalize

from matching.constraints import Constraint
from matching.limits import Limit
from matching.quantities import Quantity, quantity
from matching.specs import Reading, parse

_CLAUSE = re.compile(r"[^,，;；。!！?？\n]+")
_DIGIT = re.compile(r"\d")
_SAMPLE = re.compile(r"(?:厚|膜厚|壁厚|粒径|直径|孔径|含量|浓度|剂量|模数|规格|牌号|型号|容量|额定|thick|dia)\S{0,4}$")
MOST = 400
"""Characters of a clause that is still read: a longer one is no specification."""


def find_limits(typed: str) -> Iterator[Constraint]:
    """Yield the limits in a typed text, each once; `text` is the clause's figure as typed."""
    seen: set[Limit] = set()
    for clause in _CLAUSE.finditer(normalize("NFKC", typed)):
        words = clause.group()
        for limit, named in _read(words) if len(words) <= MOST and _DIGIT.search(words) else ():
            if limit not in seen:
                seen.add(limit)
                yield Constraint("spec", limit, limit.text, "said" if named else "guessed", "required" if named else "preferred")


def _read(words: str) -> Iterator[tuple[Limit, bool]]:
    for reading in parse(words):
        told = reading.quantity.strip()
        asked = None if reading.condition else quantity(told, reading.si_unit)
        limit = _limit(reading, asked) if asked else None
        if asked and limit and not _SAMPLE.search(told):
            named = any(len(name) > 1 and name in words.lower() for name in asked.names)
            if named or asked.demand == "sure":
                yield limit, named and asked.demand != "unsure"


def _limit(reading: Reading, asked: Quantity) -> Limit | None:
    value, unit = reading.si_value, reading.si_unit
    text = _written(reading, asked)
    if isinstance(value, tuple):
        return Limit(asked.name, "covers", min(value), max(value), unit, text)
    if reading.op == "±":
        return None
    if asked.direction in ("heat", "covers"):
        return Limit(asked.name, "covers", value, value, unit, text)
    if asked.direction == "down":
        return Limit(asked.name, "<=", None, value, unit, text) if reading.op not in (">", ">=") else None
    if reading.op in ("<", "<="):
        return Limit(asked.name, "<=", None, value, unit, text)
    return Limit(asked.name, ">=", value, None, unit, text)


def _written(reading: Reading, asked: Quantity) -> str:
    """Return the limit as people write it: "力 ≥ 300 kN", "温度 -70~150 °C"."""
    if isinstance(reading.value, tuple):
        return f"{asked.name} {reading.value[0]:.6g}~{reading.value[1]:.6g} {reading.unit}".strip()
    sign = {"up": "≤ " if reading.op in ("<", "<=") else "≥ ", "down": "≤ "}.get(asked.direction, "")
    return f"{asked.name} {sign}{reading.value:.6g} {reading.unit}".strip()
