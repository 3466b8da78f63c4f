"""The quantities that instruments are bought by: one canonical name for many, and which way is the harder one.

`lexicon/quantities.csv`: `direction` is up (more is harder), down (less is harder), heat (away from room temperature is harder) or covers (the
asked range must lie within); `demand` says what a figure in a need is: sure (asked of the instrument), named (only where the quantity is
named), unsure (may be the sample's own).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from matching.lexicon import read_table


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity in one SI unit, with the names that people give it, the longest first."""

    name: str
    si: str
    direction: str
    demand: str
    names: tuple[str, ...]


@lru_cache(maxsize=1)
def quantities() -> dict[str, tuple[Quantity, ...]]:
    """Return the quantities by SI unit, the usual one of that unit first."""
    found: dict[str, tuple[Quantity, ...]] = {}
    for row in read_table("quantities"):
        names = tuple(sorted({row["quantity"], *row["synonyms"].replace("detection limit", "detection-limit").split()}, key=len, reverse=True))
        one = Quantity(row["quantity"], row["si"], row["direction"], row["demand"], tuple(name.replace("-", " ").lower() for name in names))
        found[one.si] = (*found.get(one.si, ()), one)
    return found


@lru_cache(maxsize=20_000)
def quantity(name: str, si_unit: str) -> Quantity | None:
    """Return the quantity of this unit that `name` ends with, or holds; the longest of the names wins. None when the table knows none."""
    plain = name.strip().lower()
    named = [(plain.endswith(word), len(word), one) for one in quantities().get(si_unit, ()) for word in one.names if word in plain]
    return max(named, key=lambda found: found[:2])[2] if named else None


def canonical(name: str, si_unit: str = "") -> str:
    """Return the canonical name of a quantity; a name that the table does not know stays as it is.

    >>> canonical("最大试验力", "N"), canonical("点分辨率", "m"), canonical("色温", "K")
    ('力', '分辨率', '色温')
    """
    known = quantity(name, si_unit) if not (si_unit == "K" and "色温" in name) else None
    return known.name if known else name.strip()
