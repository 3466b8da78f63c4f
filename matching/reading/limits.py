"""What a need asks of the instrument's figures: "加速电压200kV以上" becomes a limit of at least 200,000 V.

A limit is said where the sentence names the quantity; where only the unit tells it ("300 kN"), it is our guess and only a preference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from unicodedata import normalize

from matching.constraints import Constraint
from matching.limits import Limit
from matching.reading.figures import Meant
from matching.reading.meaning import meant
from matching.reading.rewriting import rewritten
from matching.specs import Reading, parse
from matching.specwords import DIFFERENCE, ROOM

_CLAUSE = re.compile(r"[^,，;；。!！?？\n]+")
_DIGIT = re.compile(r"\d|[一二两三四五六七八九十百千万]|pp[mbt]", re.IGNORECASE)
_REACH = re.compile(
    r"(?:[测做达升降拉加扫]到|可达到?|高达|达到?|至少|最远|不低于|up to|\bto|reach(?:ing)?|as (?:high|low) as|(?<![\d\sA-Za-z℃%])到)\s*$",
    re.IGNORECASE,
)
_SHAKEN = re.compile(r"振动|加速度|离心|冲击试?验?台|半正弦|vibrat|shock|accel", re.IGNORECASE)
_GRAVITY = re.compile(r"(\d)\s?[gG](?![A-Za-z/·.\d])")
_FINE = re.compile(r"\s?的?(?:分辨|分度)")
_AT = re.compile(r"@\s*$")
_ROOM_K = 293.15
MOST = 400
"""Characters of a clause that is still read: a longer one is no specification."""
CLAUSES = 200
"""Clauses with a figure in them that are looked at."""
FIGURES = 24
"""Limits of a need: whoever writes more is asking for a catalogue."""


def find_limits(typed: str) -> Iterator[Constraint]:
    """Yield the limits in a typed text, each once; `text` is the limit as people write it. Of a very long text only the first ones are read."""
    seen: set[Limit] = set()
    before = ""
    shaken = _SHAKEN.search(typed) is not None
    read = 0
    for clause in _CLAUSE.finditer(normalize("NFKC", typed)):
        words = clause.group()
        if len(words) <= MOST and _DIGIT.search(words):
            read += 1
            plain = rewritten(words)
            for limit, named in _read(_GRAVITY.sub(r"\1 gn", plain) if shaken else plain, before):
                if limit not in seen and len(seen) < FIGURES:
                    seen.add(limit)
                    yield Constraint("spec", limit, limit.text, "said" if named else "guessed", "required" if named else "preferred")
        if len(seen) >= FIGURES or read >= CLAUSES:
            return
        before = words[-40:]


def _read(words: str, before: str) -> Iterator[tuple[Limit, bool]]:
    for reading in parse(words):
        if _AT.search(words[: reading.start]):
            continue
        around = words[max(0, reading.start - 24) : reading.start] + " " + words[reading.end : reading.end + 8]
        asked = meant(reading, around if reading.si_unit not in ("m", "1", "kg", "V") else f"{before[-12:]} {around}")
        asked = replace(asked, name=f"{asked.name}分辨率", known=None) if asked and _FINE.match(words, reading.end) else asked
        limit = _limit(reading, asked, words[: reading.start]) if asked else None
        if asked and limit:
            yield limit, _named(asked, words.lower())


def _named(asked: Meant, words: str) -> bool:
    """Say whether a clause names the quantity that is asked of the instrument; a unit alone only lets us guess."""
    known = asked.known
    return known is not None and not asked.of_sample and known.demand != "unsure" and any(len(name) > 1 and name in words for name in known.names)


def _limit(reading: Reading, asked: Meant, lead: str) -> Limit | None:
    value, unit = reading.si_value, "N" if asked.name == "力" else reading.si_unit
    if isinstance(value, tuple):
        return Limit(asked.name, "covers", min(value), max(value), unit, _written(reading, asked, ""), asked.of_sample)
    if asked.name == "力" and reading.si_unit == "kg":
        value *= 9.80665
    op = _op(reading, asked, value, lead)
    low, high = (value if op in (">=", "=", "covers") else None), (value if op in ("<=", "=", "covers") else None)
    sign = {">=": "≥ ", "<=": "≤ "}.get(op, "")
    return Limit(asked.name, op, low, high, unit, _written(reading, asked, sign), asked.of_sample)


def _op(reading: Reading, asked: Meant, value: float, lead: str) -> str:
    """Return which way a figure binds: as it is compared, else the way in which its quantity is the harder one."""
    direction = asked.known.direction if asked.known else ""
    said = {">": ">=", "<": "<="}.get(reading.op, reading.op)
    if asked.of_sample:
        return said if said in (">=", "<=") else "="
    if direction == "down" or (not asked.known and DIFFERENCE.search(asked.name)):
        return "<="
    if said == "<=" and (_REACH.search(lead) or ROOM.search(lead)):
        said = ">="
    if said in (">=", "<="):
        return said
    if direction == "heat":
        return ">=" if value >= _ROOM_K else "<="
    return "covers" if direction == "covers" and said != "±" and not _REACH.search(lead) else ">="


def _written(reading: Reading, asked: Meant, sign: str) -> str:
    """Return the limit as people write it: "力 ≥ 300 kN", "温度 -70~150 °C", "频率 10 kHz~18 GHz"."""
    units = [_unit(one, asked) for one in reading.unit.split(",")]
    if not isinstance(reading.value, tuple):
        return f"{asked.name} {sign}{_figure(reading.value)} {units[0]}".strip()
    low, high = map(_figure, reading.value)
    return f"{asked.name} {low} {units[0]}~{high} {units[1]}" if len(units) > 1 else f"{asked.name} {low}~{high} {units[0]}".strip()


def _figure(value: float) -> str:
    """Return a figure with six digits; a large whole number in full."""
    return f"{value:.0f}" if value.is_integer() and 1e6 <= abs(value) < 1e12 else f"{value:.6g}"


def _unit(written: str, asked: Meant) -> str:
    """Return a unit so that it says alone what it was meant of: 度 of a temperature, 吨 of a force."""
    if asked.name == "力":
        return {"吨": "吨力", "t": "吨力", "T": "吨力", "公斤": "公斤力", "千克": "公斤力", "kg": "kgf"}.get(written, written)
    return "℃" if written in ("度", "°C") and asked.known and asked.known.si == "K" else written
