"""The answer of a search as a page shows it: rows of the list, pins of the map, why a row stands where it stands."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import url_for

from app import filters, noting, weighing
from app.chips import key_name
from app.days import said, slot_text
from app.i18n import gettext, language, translate
from app.mapquery import LONG, PAIRS, Address, with_pairs
from app.names import named
from app.search import Found, Ranked
from app.typenames import type_name
from app.viewing import Line
from core.errors import N_
from maps.layers import Pin
from matching.candidates import Candidate
from matching.rank import reasons

KEPT = 500
"""Characters of a need that the page of an instrument is told: an address that stands in every row stays short."""

EXAMPLES = (
    N_("轴承套圈断了，想看断口形貌，12月2日前要报告，预算3000元以内"),
    N_("动力电池循环寿命测试，长兴附近"),
    N_("涂层附着力和微区硬度，5件"),
    N_("FE-SEM + EDS mapping of a coated ceramic"),
)
PLAIN_SORTS = (("best", N_("默认顺序")), ("own", N_("自付从低到高")))
"""Orders of a list without a need; with a place it is by distance first."""

NEAR_SORTS = (("best", N_("距离从近到远")), ("own", N_("自付从低到高")))
SORT_NAMES = (("best", N_("综合排序")), ("own", N_("自付从低到高")), ("soon", N_("最早出报告")), ("near", N_("距离从近到远")))


def carrier_name(one: Candidate) -> str:
    """Name the carrier in the reader's language."""
    return (one.carrier_name_en or one.carrier_name) if language() == "en" else one.carrier_name


def region_name(one: Candidate) -> str:
    """Name the county or city of a candidate in the reader's language."""
    return (one.region_name_en if language() == "en" else one.region_name) or ""


def instrument_url(instrument_id: int, address: Address, need_due: date | None = None) -> str:
    """Return the address of the instrument's page; it carries what the list was asked for and the day, so that the page can come back."""
    kept = [(name, value[:KEPT]) for name, value in address.pairs if name in PAIRS]
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
        "distance": distance(one),
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


def full_row(match: Ranked, address: Address, found: Found, *, known: bool, noted: str = "") -> dict[str, Any]:
    """Return one line of the list with the sum that gave it its place, and what moved it; `noted`: the list's id where it is kept."""
    moved, was = match.moved, match.was
    plain = row(match, address, found, known)
    return {
        **plain,
        "instrument": {**plain["instrument"], "url": noting.marked(plain["instrument"]["url"], noted, match.rank)},
        "sum": weighing.sum_of(match),
        "moved": translate((moved.text, said(moved.params))) if moved else "",
        "was": was,
        "misses": [key_name(key) for key in match.misses],
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
        "distance": straight(one.metres),
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


def pins(matches: tuple[Ranked, ...], address: Address, found: Found, known: bool) -> tuple[Pin, ...]:
    """Return the pins of the matches, best first; without log-in a pin carries the price."""
    return tuple(_pin(m, row(m, address, found, known), known) for m in matches)


def more_url(total: int, address: Address, base: str) -> str | None:
    """Return the address of the longer list, or None when it would show nothing more."""
    return address.link(base, ("limit", str(LONG))) if total > address.limit and address.limit < LONG else None


def distance(one: Candidate) -> str:
    """Say how far a candidate is, "" where that is not known exactly: as the crow flies, unless a router said how long the way takes."""
    return straight(one.distance_m)


def straight(metres: float | None) -> str:
    """Write a distance as the crow flies, "" for none."""
    return gettext("直线 %(far)s", far=filters.km(metres)) if metres is not None else ""


def _pin(match: Ranked, shown_row: dict[str, Any], known: bool) -> Pin:
    one = match.candidate
    name = shown_row["carrier"]["name"]
    fen = one.net_price_fen if known else one.price_fen
    flags = {"late": shown_row["late"], "approximate": shown_row["approximate"], "own_is_price": not known}
    return Pin(str(one.instrument_id), match.rank, one.lon, one.lat, name, own_fen=fen, **flags)
