"""What the page asks back: a clearer word, a contradiction to be settled, a condition that nobody meets. Each has its ways out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import url_for

from app import filterbar
from app.asking import Asked
from app.chips import key_name
from app.days import said
from app.doubting import open_doubts
from app.i18n import gettext, listed, translate
from app.mapquery import Address, with_pairs
from app.search import Found
from app.typenames import type_called, type_name
from geodata.places import Found as PlaceFound

KNOWN: Final = {"region", "deadline", "budget"}


def ask(found: Found, address: Address, base: str) -> dict[str, Any] | None:
    """Return the question and its options: a type is chosen, an example becomes the need; with what there is, where nothing can be meant."""
    if found.ask is None:
        return None
    options = [_option(one, address, base) for one in found.ask.options]
    return {"message": translate(found.ask.message), "options": options, "catalogue": [] if _vague(found) else _catalogue()}


def doubts(found: Found, address: Address, base: str) -> list[dict[str, Any]]:
    """Return contradictions in a need as questions, each with the conditions that may be taken off to settle it."""
    return [_doubt(one, address, base) for one in open_doubts(found, address.query)]


def wrong_words(wrong: Mapping[str, str]) -> list[str]:
    """Return what could not be read in the person's corrections, one sentence a condition."""
    return [gettext("%(what)s没有改成：%(why)s", what=key_name(key), why=why) for key, why in wrong.items()]


def ways(found: Found, address: Address, base: str) -> list[dict[str, str]]:
    """Return what would find something when nothing was found: each way takes one condition away, the most helpful first."""
    relaxed = [_relaxed(one, address, base) for one in found.relaxations]
    area = [{"text": gettext("在整个浙江找"), "url": address.link(base, ("area", None))}] if address.query.area else []
    if relaxed:
        return [*area, *relaxed]
    kinds = {c.kind for c in found.need.constraints} & KNOWN
    return area + [{"text": gettext("去掉条件：%(what)s", what=key_name(kind)), "url": address.dropped(base, kind)} for kind in sorted(kinds)]


def further(found: Found, address: Address, base: str) -> dict[str, Any] | None:
    """Return the sentence that says what one condition costs, with the address without it; None where there is none."""
    one = found.counterfactual
    if one is None:
        return None
    changed = address
    for key in one.drop:
        changed = changed.with_dropped(key)
    if one.due:
        changed = changed.with_said("deadline", one.due.isoformat())
    return {"text": translate((one.text, said(one.params))), "url": changed.link(base) if changed is not address else ""}


def spot(asked: Asked, address: Address, base: str) -> dict[str, Any] | None:
    """Return what was made of a typed place: its full name, or what it may mean, each with the address that says so; None where none was typed."""
    found = asked.spot
    if found is None:
        return None
    options = [{"text": listed((one.name, one.region), "，") if one.region else one.name, "url": _at(one, address, base)} for one in found.candidates]
    return {
        "text": address.query.spot,
        "name": found.name if not options and found.lon is not None else None,
        "rough": found.precision != "point",
        "note": translate(found.note) if found.note else "",
        "options": options,
        "missing": gettext("没有找到“%(text)s”。写县（市、区）、乡镇或载体的名称，例如“长兴县”。", text=address.query.spot[:40])
        if not options and found.lon is None
        else "",
        "remove_url": address.link(base, ("place", None)),
    }


def _option(option: str, address: Address, base: str) -> dict[str, str]:
    named, typed = type_called(option), address.query.need
    if named is not None:
        return {"label": type_name(named), "url": address.fixed(base, "type", named)}
    example = translate(option)
    whole = listed((typed, example), "，") if typed and example not in typed and len(typed) < 200 else example
    return {"label": example, "url": address.link(base, ("need", whole), ("fix", None), ("drop", None), ("said", None))}


def _vague(found: Found) -> bool:
    return found.ask is not None and any(type_called(one) for one in found.ask.options)


def _catalogue() -> list[dict[str, str]]:
    """Return the classes of what there is, each with its list."""
    return [{"label": name, "url": with_pairs(url_for("public.search"), [("class", code)])} for code, name in filterbar.classes().items()]


def _doubt(one: Any, address: Address, base: str) -> dict[str, Any]:
    options = [{"label": gettext("去掉：%(what)s", what=key_name(key)), "url": address.dropped(base, key)} for key in dict.fromkeys(one.fields)]
    return {"message": translate((one.message, dict(one.params))), "options": options}


def _relaxed(one: Any, address: Address, base: str) -> dict[str, str]:
    for key in one.keys:
        address = address.with_dropped(key)
    facts = {name: one.params[name] for name in ("what", "n")}
    return {"text": gettext("放宽“%(what)s”，有 %(n)s 家", **facts), "url": address.link(base)}


def _at(one: PlaceFound, address: Address, base: str) -> str:
    return address.link(base, ("place", one.name), ("lon", f"{one.lon:.5f}"), ("lat", f"{one.lat:.5f}"))
