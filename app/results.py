"""The answer of a search as a page shows it: chips of what was understood, rows of the list, pins of the map, ways out of nothing."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

from flask import url_for

from app import filters
from app.asking import Asked
from app.i18n import gettext, language, listed, translate
from app.mapquery import LONG, OFF, PAIRS, Address, with_pairs
from app.names import named
from app.search import Found, Ranked
from app.viewing import Line
from core.clock import SHANGHAI
from core.errors import N_
from geodata.places import Found as PlaceFound
from geodata.seeds import read_seed
from maps.layers import Pin
from matching.candidates import Candidate
from matching.needs import Constraint
from matching.rank import reasons

EXAMPLES = (
    N_("轴承套圈断了，想看断口形貌，12月2日前要报告，预算3000元以内"),
    N_("动力电池循环寿命测试，长兴附近"),
    N_("涂层附着力和微区硬度，5件"),
    N_("FE-SEM + EDS mapping of a coated ceramic"),
)
SIGNAL_NAMES = {
    "type_fit": N_("仪器种类和需求吻合多少"),
    "distance": N_("离我多远"),
    "own_part": N_("用券后自付多少"),
    "slot": N_("多快能约上、赶不赶得上期限"),
    "budget": N_("在不在预算里"),
}
PLAIN_SORTS = (("best", N_("默认顺序")), ("own", N_("自付从低到高")))
"""Orders of a list without a need; with a place it is by distance first."""

NEAR_SORTS = (("best", N_("距离从近到远")), ("own", N_("自付从低到高")))
SORT_NAMES = (("best", N_("综合排序")), ("own", N_("自付从低到高")), ("soon", N_("最早出报告")), ("near", N_("距离从近到远")))
CHIP_NAMES = {"budget": N_("预算"), "deadline": N_("期限"), "region": N_("地区"), "qualification": N_("资质"), "quantity": N_("数量")}


def carrier_name(one: Candidate) -> str:
    """Name the carrier in the reader's language."""
    return (one.carrier_name_en or one.carrier_name) if language() == "en" else one.carrier_name


def region_name(one: Candidate) -> str:
    """Name the county or city of a candidate in the reader's language."""
    return (one.region_name_en if language() == "en" else one.region_name) or ""


def short_day(at: date | datetime) -> str:
    """Write a business date without its weekday: "11月26日" or "26 Nov"."""
    return filters.day(at).rsplit(" ", 1)[0] if language() == "zh" else filters.day(at).split(" ", 1)[1]


def part_of_day(at: datetime) -> str:
    """Say which part of the day an instant is in."""
    hour = at.astimezone(SHANGHAI).hour
    return gettext("上午") if hour < 12 else gettext("下午") if hour < 18 else gettext("晚上")


def instrument_url(instrument_id: int, address: Address, need_due: date | None = None) -> str:
    """Return the address of the instrument's page; it carries what the list was asked for and the day, so that the page can come back."""
    kept = [(name, value) for name, value in address.pairs if name in PAIRS]
    due = [("due", need_due.isoformat())] if need_due else []
    return with_pairs(url_for("public.instrument", instrument_id=instrument_id), [*kept, *due])


def row(match: Ranked, address: Address, found: Found, known: bool) -> dict[str, Any]:
    """Return one line of the list; `known` says whether the person's own part is known."""
    one, due = match.candidate, found.need.deadline
    link = {"url": instrument_url(one.instrument_id, address, due), "sample": one.is_sample}
    late = bool(due and one.report_on and one.report_on > due)
    return {
        "id": str(one.instrument_id),
        "rank": match.rank,
        "instrument": {"id": one.instrument_id, "name": one.name, "type": type_name(one.type_name) if language() == "en" else "", **link},
        "carrier": {"name": carrier_name(one), "region": region_name(one)},
        "distance": _distance(one.distance_m),
        "approximate": one.precision != "point",
        "price": one.price_fen,
        "voucher_part": one.voucher_part_fen,
        "own_part": one.net_price_fen if known else None,
        "slot": slot_text(one.next_slot_start),
        "reasons": [{"sign": "ok" if r.sign == "fits" else "warn", "text": translate((r.text, said(r.params)))} for r in reasons(match)],
        "late": late or one.next_slot_start is None,
        "usable": not one.voucher_note,
        "why": gettext("这次不能用券，全部自付") if one.voucher_note else "",
    }


def line(shown: Line, address: Address, known: bool) -> dict[str, Any]:
    """Return one row of a list without ranks; `known` says whether the person's own part is known."""
    one = shown.one
    return {
        "id": str(one.id),
        "lon": one.lon,
        "lat": one.lat,
        "approximate": one.precision != "point",
        "url": instrument_url(one.id, address),
        "name": one.name,
        "type": named(one.type_name, one.type_name_en),
        "carrier": {"name": named(one.carrier, one.carrier_en), "region": named(one.region, one.region_en)},
        "distance": _distance(one.metres),
        "price": one.price,
        "own_part": shown.own_part if known else None,
        "voucher_part": shown.voucher_part,
        "sample": one.is_sample,
        "slot": slot_text(shown.slot.start if shown.slot else None) if one.status == "working" else gettext("停用或检修中"),
    }


def ranked_line(match: Ranked, address: Address, found: Found, known: bool) -> dict[str, Any]:
    """Return a ranked match as a row of the same shape as `line`, with its rank."""
    one, shown = match.candidate, row(match, address, found, known)
    more = {"url": shown["instrument"]["url"], "name": one.name, "type": type_name(one.type_name), "sample": one.is_sample, "rank": match.rank}
    names = ("id", "approximate", "carrier", "distance", "price", "own_part", "voucher_part", "slot")
    return {**{name: shown[name] for name in names}, "lon": one.lon, "lat": one.lat, **more}


def said(params: Any) -> dict[str, Any]:
    """Write the parameters of a reason as people read them: its date as a day; everything else is text already."""
    return {name: short_day(date.fromisoformat(value)) if name == "date" else value for name, value in dict(params).items()}


def pins(matches: tuple[Ranked, ...], address: Address, found: Found, known: bool) -> tuple[Pin, ...]:
    """Return the pins of the matches, best first; without log-in a pin carries the price."""
    return tuple(_pin(m, row(m, address, found, known), known) for m in matches)


def chips(found: Found, address: Address, base: str) -> list[dict[str, Any]]:
    """Return what was understood, each piece with the addresses that change it or take it off."""
    types = [_type_chip(n, found, address, base) for n in range(min(3, len(found.types)))]
    conditions = [_condition(n, c, address, base) for n, c in enumerate(found.need.constraints)]
    return [*types, *conditions, *_missing(found)]


def ways(found: Found, address: Address, base: str) -> list[dict[str, str]]:
    """Return what would find something when nothing was found: each way takes one condition away."""
    kinds = {c.kind for c in found.need.constraints} & {"region", "deadline", "budget"}
    drop = [{"text": gettext("去掉条件：%(what)s", what=gettext(CHIP_NAMES[kind])), "url": address.fixed(base, kind, OFF)} for kind in sorted(kinds)]
    area = [{"text": gettext("在整个浙江找"), "url": address.link(base, ("area", None))}] if address.query.area else []
    return area + drop


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


def _at(one: PlaceFound, address: Address, base: str) -> str:
    return address.link(base, ("place", one.name), ("lon", f"{one.lon:.5f}"), ("lat", f"{one.lat:.5f}"))


def ask(found: Found, address: Address, base: str) -> dict[str, Any] | None:
    """Return the question and its options; an option continues what was typed."""
    if found.ask is None:
        return None
    typed = address.query.need
    options = [{"label": translate(o), "url": address.link(base, ("need", _joined(typed, translate(o))), ("fix", None))} for o in found.ask.options]
    return {"message": translate(found.ask.message), "options": options}


def more_url(total: int, address: Address, base: str) -> str | None:
    """Return the address of the longer list, or None when it would show nothing more."""
    return address.link(base, ("limit", str(LONG))) if total > address.limit and address.limit < LONG else None


def slot_text(start: datetime | None) -> str:
    """Say when the next free slot is."""
    if start is None:
        return gettext("三周内没有空档")
    return gettext("最早 %(day)s %(part)s", day=short_day(start), part=part_of_day(start))


def _distance(metres: float | None) -> str:
    return gettext("直线 %(far)s", far=filters.km(metres)) if metres is not None else ""


def _pin(match: Ranked, shown_row: dict[str, Any], known: bool) -> Pin:
    one = match.candidate
    name, url = shown_row["carrier"]["name"], shown_row["instrument"]["url"]
    fen = one.net_price_fen if known else one.price_fen
    flags = {"late": shown_row["late"], "approximate": shown_row["approximate"], "own_is_price": not known}
    return Pin(str(one.instrument_id), match.rank, one.lon, one.lat, name, url, own_fen=fen, **flags)


def _joined(typed: str, option: str) -> str:
    return listed((typed, option), "，")[:500] if typed and option not in typed else option


def _type_chip(place: int, found: Found, address: Address, base: str) -> dict[str, Any]:
    guess = found.types[place]
    others = [t.name_zh for t in found.types if t is not guess]
    return {
        "kind": "type",
        "label": gettext("要做"),
        "value": type_name(guess.name_zh),
        "origin": "said" if guess.name_zh in address.query.types or guess.score >= 0.6 else "guessed",
        "dialog": f"chip-type-{place}",
        "title": type_name(guess.name_zh),
        "why": gettext("从这些词看出来：%(words)s", words=listed(guess.why, "；")) if guess.why else "",
        "options": [{"label": gettext("只找这一种"), "url": address.fixed(base, "type", guess.name_zh), "current": False}],
        "remove_url": address.fixed(base, "type", *others) if others else None,
    }


def type_name(name_zh: str) -> str:
    """Name an instrument type in the reader's language."""
    return _english().get(name_zh, name_zh) if language() == "en" else name_zh


@cache
def _english() -> dict[str, str]:
    return {row["name_zh"]: row["name_en"] for row in read_seed("instrument_types")}


def _condition(place: int, one: Constraint, address: Address, base: str) -> dict[str, Any]:
    named, value = gettext(CHIP_NAMES[one.kind]), _value(one)
    chip: dict[str, Any] = {"kind": one.kind, "label": named, "value": value, "origin": one.origin, "dialog": f"chip-{one.kind}-{place}"}
    chip["why"] = gettext("原话：%(text)s", text=one.text)
    chip["remove_url"] = address.fixed(base, one.kind, OFF)
    if one.kind == "budget":
        chip["field"] = {
            "name": "budget",
            "label": gettext("最多付多少元"),
            "value": filters.yuan0(int(str(one.value))),
            "attrs": {"inputmode": "decimal"},
        }
    if one.kind == "deadline":
        chip["field"] = {"name": "deadline", "label": gettext("最晚哪天要报告"), "type": "date", "value": str(one.value)}
    return chip


def _value(one: Constraint) -> str:
    match one.kind, one.value:
        case "budget", int(fen):
            return f"≤ ¥{filters.yuan0(fen)}"
        case "deadline", date() as due:
            return gettext("%(day)s前", day=short_day(due))
        case "region", word:
            return str(word) if one.strength == "required" else gettext("%(place)s优先", place=word)
        case _, value:
            return str(value)


def _missing(found: Found) -> list[dict[str, Any]]:
    """Ask for what would make the answer better and was not said: the day."""
    said_kinds = {c.kind for c in found.need.constraints}
    if not found.types or "deadline" in said_kinds:
        return []
    field = {"name": "deadline", "label": gettext("最晚哪天要报告"), "type": "date", "value": ""}
    title = gettext("什么时候要报告？")
    return [{"kind": "deadline", "label": "", "value": title, "origin": "missing", "dialog": "chip-missing-deadline", "title": title, "field": field}]
