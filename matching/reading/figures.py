"""A figure of a need with the words around it, and the quantity that it is meant of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from matching.quantities import Quantity, quantities
from matching.specs import Reading

SAMPLE: Final = re.compile(
    r"厚|膜|粒径|粒度|直径|孔径|含量|浓度|剂量|模数|规格|牌号|型号|容量|额定|密度|含水|水分|样品量|取样量|[Tt]hick|[Dd]ia|density|D[159]0|content"
)
"""Words that name a figure as the sample's own."""

EXACT: Final = re.compile(r"精度|误差|公差|偏差|准确|accura|toleranc|uncertain|不确定度", re.IGNORECASE)
LAST_WORD: Final = re.compile(r"[\u4e00-\u9fff]{2,6}$|R[az]$")
BY_UNIT: Final = {"磁感应强度": "磁场", "离心力": "加速度", "含量": "检出限", "质量浓度": "检出限", "声级": "噪声"}
"""What a unit usually measures → the quantity that instruments are bought by."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A quantity that a figure is meant of; `known` when the table has it."""

    name: str
    known: Quantity | None
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


Rule = Callable[[Figure], Meant | None]


def first(rules: tuple[Rule, ...], one: Figure) -> Meant | None:
    """Return what the first of the rules says that says anything."""
    return next((found for rule in rules if (found := rule(one))), None)


def name_of(told: str, reading: Reading) -> str:
    """Return a name for a quantity that the table does not have: the last word before the figure, else what its unit measures."""
    found = LAST_WORD.search(re.sub(r"\s+", "", told))
    return found.group() if found else BY_UNIT.get(reading.usual, reading.usual) or re.sub(r"[\s~]+", "", told)[:12]


@lru_cache(maxsize=256)
def in_table(name: str, si_unit: str) -> Quantity | None:
    """Return the quantity of that name and unit, None when the table has none."""
    return next((one for one in quantities().get(si_unit, ()) if one.name == name), None)
