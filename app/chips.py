"""Chips: every piece of a need as it was understood, with the one field that puts it right and the addresses that change it or take it off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from app import filters
from app.chipfields import field_of
from app.corrections import TYPE, without_key
from app.days import short_day
from app.i18n import gettext, listed
from app.mapquery import Address, with_pairs
from app.search import Found
from app.typenames import type_name
from core.errors import N_
from matching.constraints import Constraint
from matching.types import TypeGuess

SHOWN: Final = 3
SURE: Final = 0.6
NAMES: Final = {
    "budget": N_("预算"),
    "deadline": N_("期限"),
    "region": N_("地区"),
    "not_region": N_("避开"),
    "qualification": N_("资质"),
    "quantity": N_("数量"),
    "distance": N_("距离"),
    "handover": N_("送样"),
    "type": N_("仪器种类"),
    "w": N_("权重"),
}
LOOSE: Final = frozenset({"region", "qualification"})
"""Kinds that may be wished for instead of demanded, and then say so."""

WAYS: Final = {"on_site": N_("上门做"), "post": N_("可寄样")}


def chips(found: Found, address: Address, base: str, wrong: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what was understood; `wrong`: key of a correction that could not be read → what would work."""
    shown = found.types[:SHOWN]
    made = [_type(guess, nth, found, address, base) for nth, guess in enumerate(shown)]
    if more := found.types[SHOWN:]:
        made.append(_more(more, address, base))
    made += [_condition(one, nth, address, base) for nth, one in enumerate(found.need.constraints)]
    held = {key_of(one) for one in found.need.constraints} | ({TYPE} if found.types else set())
    made += [_unread(key, address, base) for key in wrong if key not in held]
    made += _missing(held, address) if found.types else []
    return [_told(chip, wrong) for chip in made]


def restored(address: Address, base: str) -> dict[str, Any] | None:
    """Return how many conditions were taken off and the address with them, None where there are none."""
    keys = [value for name, value in address.pairs if name == "drop"]
    keys += [value.removesuffix(":-") for name, value in address.pairs if name == "fix" and value.endswith(":-")]
    if not keys:
        return None
    kept = [(name, value) for name, value in address.pairs if name != "drop" and not (name == "fix" and value.endswith(":-"))]
    return {"names": listed(key_name(key) for key in keys), "url": with_pairs(base, kept)}


def key_name(key: str) -> str:
    """Name a condition: its kind, or the quantity of a specification."""
    return key.partition(":")[2] or gettext(NAMES.get(key, key))


def key_of(one: Constraint) -> str:
    """Return the key of a condition."""
    return one.key


def value_of(one: Constraint) -> str:
    """Write what a condition asks for."""
    plain = _VALUES.get(one.kind, str)(one.value)
    return plain if one.strength == "required" or one.kind not in LOOSE else gettext("%(place)s优先", place=plain)


def _told(chip: dict[str, Any], wrong: Mapping[str, str]) -> dict[str, Any]:
    """Mark a chip whose correction could not be read, with the reason at its field."""
    reason = wrong.get(chip["key"])
    if not reason or "field" not in chip:
        return chip
    return {**chip, "origin": "conflict", "wrong": True, "field": {**chip["field"], "error": reason}}


def _type(guess: TypeGuess, nth: int, found: Found, address: Address, base: str) -> dict[str, Any]:
    others = [one.name_zh for one in found.types if one is not guess]
    chosen = guess.name_zh in address.query.types
    only = [{"label": gettext("只找这一种"), "url": address.fixed(base, TYPE, guess.name_zh), "current": chosen and not others}]
    kept = [*without_key(address.pairs, TYPE), *(("fix", f"{TYPE}:{name}") for name in others)]
    return {
        "key": TYPE if nth == 0 else f"{TYPE}-{nth}",
        "label": gettext("要做"),
        "value": type_name(guess.name_zh),
        "origin": "said" if chosen or guess.score >= SURE else "guessed",
        "dialog": f"chip-type-{nth}",
        "title": type_name(guess.name_zh),
        "why": gettext("从这些词看出来：%(words)s", words=listed(guess.why, "；")) if guess.why and not chosen else "",
        "options": only if len(found.types) > 1 else [],
        "field": field_of(TYPE, None, ""),
        "keep": kept,
        "remove_url": address.fixed(base, TYPE, *others) if others else None,
    }


def _more(rest: tuple[TypeGuess, ...], address: Address, base: str) -> dict[str, Any]:
    options = [{"label": type_name(one.name_zh), "url": address.fixed(base, TYPE, one.name_zh), "current": False} for one in rest]
    title = gettext("也可能是这几种，点一种就只找它")
    return {
        "key": "more",
        "label": "",
        "value": gettext("还有 %(n)s 种", n=len(rest)),
        "origin": "missing",
        "dialog": "chip-type-more",
        "title": title,
        "options": options,
    }


def _condition(one: Constraint, nth: int, address: Address, base: str) -> dict[str, Any]:
    corrected = key_of(one) in dict(address.query.said)
    return {
        "key": key_of(one),
        "label": key_name(key_of(one)),
        "value": value_of(one),
        "origin": "said" if corrected else one.origin,
        "dialog": f"chip-{nth}",
        "title": gettext("改正%(what)s", what=key_name(key_of(one))),
        "why": gettext("你改成了：%(text)s", text=one.text) if corrected else gettext("原话：%(text)s", text=one.text) if one.text else "",
        "options": [{"label": gettext("照原话"), "url": address.undone(base, key_of(one)), "current": False}] if corrected else [],
        "field": field_of(key_of(one), one.value, value_of(one)),
        "keep": without_key(address.pairs, key_of(one)),
        "remove_url": address.dropped(base, key_of(one)),
    }


def _unread(key: str, address: Address, base: str) -> dict[str, Any]:
    """Return the chip of words that could not be read and stand for nothing."""
    words = dict(address.query.said).get(key, "")
    return {
        "key": key,
        "label": key_name(key),
        "value": words,
        "origin": "conflict",
        "dialog": f"chip-unread-{key.replace(':', '-')}",
        "title": gettext("改正%(what)s", what=key_name(key)),
        "field": {**field_of(key, None, ""), "value": words},
        "keep": without_key(address.pairs, key),
        "remove_url": address.undone(base, key),
    }


def _missing(held: set[str], address: Address) -> list[dict[str, Any]]:
    """Ask for what would make the answer better and was not said: the day."""
    if "deadline" in held:
        return []
    title = gettext("什么时候要报告？")
    face = {"key": "deadline", "label": "", "value": title, "origin": "missing", "dialog": "chip-missing-deadline", "title": title}
    return [{**face, "field": field_of("deadline", None, ""), "keep": without_key(address.pairs, "deadline")}]


_VALUES: Final[Mapping[str, Callable[[Any], str]]] = {
    "budget": lambda fen: f"≤ ¥{filters.yuan0(fen)}",
    "deadline": lambda due: gettext("%(day)s前", day=short_day(due)),
    "distance": lambda metres: f"≤ {filters.km(float(metres))}",
    "handover": lambda way: gettext(WAYS.get(str(way), str(way))),
    "spec": lambda limit: limit.text.removeprefix(limit.quantity).strip(),
    "not_region": lambda word: gettext("不在%(place)s", place=word),
}
