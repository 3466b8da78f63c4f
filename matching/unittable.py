"""The written forms of single units, prefixed ones among them, from `lexicon/units.csv`."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from matching.lexicon import read_table

POWERS: Final = {"a": -18, "f": -15, "p": -12, "n": -9, "µ": -6, "u": -6, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12}
ALIKE: Final = str.maketrans({"μ": "µ", "Ω": "Ω", "，": ",", "°": "°", "º": "°", "˚": "°", "％": "%", "（": "(", "）": ")", "／": "/", "＊": "*"})
"""Signs that look alike, one for one."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A written form: its expression for pint, its SI form, and what it usually measures."""

    expression: str
    si: str
    quantity: str


@cache
def atoms() -> dict[str, Atom]:
    """Return every written form of a single unit, prefixed ones among them."""
    found: dict[str, Atom] = {}
    for row in read_table("units"):
        form, unit, si, prefixes, quantity = row["form"], row["unit"], row["si"], row["prefixes"], row["quantity"]
        found[form.translate(ALIKE)] = Atom(unit, si, quantity)
        for sign in prefixes:
            prefixed = {"k": ("k", "K"), "µ": ("µ",)}.get(sign, (sign,))
            for written in prefixed:
                found.setdefault(written + form.translate(ALIKE), Atom(f"1e{POWERS[sign]}*({unit})", si, quantity))
    return found


@cache
def forms() -> re.Pattern[str]:
    """Return the pattern of all forms, the longest first."""
    forms = sorted(atoms(), key=lambda form: (-len(form), form))
    # A Latin form ends where the word ends: "50 min" is not "50 m" and "3 Models" no metres.
    return re.compile("|".join(re.escape(form) + (r"(?![A-Za-zµΩ])" if form[-1].isascii() and form[-1].isalpha() else "") for form in forms))
