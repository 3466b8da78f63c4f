"""The pages of one instrument and one carrier, put together from rows: what is open, when it is free, what it costs this person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import filters
from app.asking import home
from app.ground import ground
from app.i18n import gettext, language, listed
from app.labels import SPECS
from app.mapquery import PAIRS, with_pairs
from app.security import csp_nonce
from app.slotgrid import Wanted, grid
from bookings.checkout import best_terms
from core.actor import Actor
from core.errors import N_, Invalid
from geodata import sheets
from geodata.listings import UNITS
from maps import layers
from maps.page import Page, View, draw

LAST_PAGE = 5
KINDS = {
    "university": N_("高等学校"),
    "institute": N_("研究院所"),
    "facility": N_("研究设施"),
    "company": N_("企业"),
    "healthcare": N_("医疗机构"),
    "government": N_("政府机构"),
    "nonprofit": N_("非营利机构"),
    "education": N_("教育机构"),
    "archive": N_("档案机构"),
    "other": N_("其他机构"),
    "platform": N_("公共服务平台"),
    "key_lab": N_("重点实验室"),
    "enterprise_lab": N_("企业研究院"),
    "testing_center": N_("检测中心"),
    "accredited_lab": N_("认可实验室"),
}


@dataclass(frozen=True)
class Visit:
    """What the address of an instrument's page says: the need one came with, the day it must be done, the chosen slot, the page of slots."""

    need: str = ""
    due: date | None = None
    slot: str = ""
    page: int = 0
    service: str = ""
    kept: tuple[tuple[str, str], ...] = ()


def read_visit(args: MultiDict[str, str]) -> Visit:
    """Read the query; raise `Invalid` naming the field for a day or a page that cannot be meant."""
    try:
        due = date.fromisoformat(args["due"]) if args.get("due") else None
    except ValueError as wrong:
        raise Invalid("due", N_("日期要写成 2026-12-02 这样。")) from wrong
    page = args.get("page", "0")
    if not (page.isascii() and page.isdigit() and len(page) < 5 and int(page) <= LAST_PAGE):
        raise Invalid("page", N_("只能看今后 %(weeks)s 周的空档。"), weeks=2 * (LAST_PAGE + 1))
    kept = tuple((name, value) for name in ("due", "service", "seen", *PAIRS) for value in args.getlist(name) if value)
    return Visit(args.get("need", "")[:500], due, args.get("slot", ""), int(page), args.get("service", ""), kept)


def instrument_context(session: Session, actor: Actor, instrument_id: int, visit: Visit) -> dict[str, Any]:
    """Return the context of public/instrument.html."""
    me = home(session, actor)
    one = sheets.instrument_sheet(session, instrument_id, seen_from=(me.lon, me.lat) if me else None)
    listing = _listing(one, visit)
    slots = grid(session, Wanted(one.id, one.hours, listing["report_days"], visit.page, visit.due)) if listing else None
    chosen = slots.find(visit.slot) or slots.first if slots else None
    kept = [*visit.kept, *([("page", str(visit.page))] if visit.page else [])]
    return {
        "one": one,
        "carrier": _name(one.carrier, one.carrier_en),
        "region": _name(one.region or "", one.region_en),
        "specs": [(gettext(name) if name in SPECS else name, value) for name, value in one.specs.items()],
        "type_name": _name(one.type_name or "", one.type_name_en),
        "listing": listing,
        "listings": [_priced(row, one.id, visit) for row in one.listings],
        "grid": slots,
        "chosen": chosen,
        "due": visit.due,
        "keep": kept,
        "back_url": with_pairs(url_for("public.search"), [pair for pair in visit.kept if pair[0] not in ("due", "service", "seen")]),
        **_turning(one.id, visit),
        **_paying(session, actor, one, listing),
        **_place(one),
    }


def carrier_context(session: Session, organisation_id: int) -> dict[str, Any]:
    """Return the context of public/carrier.html."""
    one = sheets.carrier_sheet(session, organisation_id)
    located = [s for s in one.sites if s["lon"] is not None]
    return {
        "one": one,
        "name": _name(one.name_zh, one.name_en),
        "kind": gettext(KINDS.get(one.carrier_kind, KINDS["other"])),
        "region": _name(one.region or "", one.region_en),
        "sites": [_site(s) for s in one.sites],
        "instruments": [_opened(row) for row in one.instruments],
        "back_url": url_for("public.search"),
        "map": _small_map(located[0]["lon"], located[0]["lat"], _name(one.name_zh, one.name_en), located[0]["precision"]) if located else None,
    }


def _listing(one: sheets.InstrumentSheet, visit: Visit) -> Mapping[str, Any] | None:
    """Return the listing that the page computes with: the asked-for service, else a test, else the cheapest; none when nothing is open."""
    if not (one.is_open and one.status == "working"):
        return None
    by_service = {row["service"]: row for row in one.listings}
    return by_service.get(visit.service) or by_service.get("test_analysis") or next(iter(one.listings), None)


def _priced(row: Mapping[str, Any], instrument_id: int, visit: Visit) -> dict[str, Any]:
    kept = [pair for pair in visit.kept if pair[0] != "service"]
    url = with_pairs(url_for("public.instrument", instrument_id=instrument_id), [*kept, ("service", row["service"])])
    return {**row, "name": _name(row["name_zh"], row["name_en"]), "unit_name": gettext(UNITS[row["unit"]]), "url": url}


def _turning(instrument_id: int, visit: Visit) -> dict[str, Any]:
    def page(number: int) -> str:
        return with_pairs(url_for("public.instrument", instrument_id=instrument_id), [*visit.kept, ("page", str(number))])

    previous_url = page(visit.page - 1) if visit.page > 0 else None
    return {"page_no": visit.page, "previous_url": previous_url, "next_url": page(visit.page + 1) if visit.page < LAST_PAGE else None}


def _paying(session: Session, actor: Actor, one: sheets.InstrumentSheet, listing: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what this person pays and whether he may book: the quote only for an enterprise, the way to log in for a stranger."""
    log_in = url_for("auth.log_in_form", next=request.full_path.rstrip("?")) if actor.role == "public" else None
    if listing is None:
        return {"quote": None, "may_book": False, "log_in_url": log_in, "service_name": "", "unit_name": ""}
    named = {"service_name": _name(listing["name_zh"], listing["name_en"]), "unit_name": gettext(UNITS[listing["unit"]])}
    quote = _quote(session, actor, one, listing) if actor.role == "enterprise" else None
    return {"quote": quote, "may_book": actor.role == "enterprise", "log_in_url": log_in, **named}


def _quote(session: Session, actor: Actor, one: sheets.InstrumentSheet, listing: Mapping[str, Any]) -> dict[str, Any]:
    purse, ruling = best_terms(session, actor).choose(listing["price"], listing["service"], carrier_id=one.carrier_id)
    note = gettext("你现在没有能用的券，全部自付。") if purse is None else ""
    if purse and not ruling.amount:
        note = gettext("这次不能用券，全部自付。下一步会说明原因。")
    if purse and ruling.amount and purse.policy.settlement_mode == "post_subsidy":
        note = gettext("后补助：先全额付给载体，确认后凭发票退回券付的部分。")
    label = gettext("%(code)s 券可付", code=purse.voucher.code) if purse else ""
    named = listed((_name(listing["name_zh"], listing["name_en"]), gettext(UNITS[listing["unit"]])), "，")
    parts = {"price": listing["price"], "voucher": ruling.amount, "own": listing["price"] - ruling.amount}
    return {**parts, "price_label": named, "voucher_label": label, "note": note}


def _place(one: sheets.InstrumentSheet) -> dict[str, Any]:
    """Return the small map and the straight distance from the person's own place."""
    if one.lon is None or one.lat is None:
        return {"map": None, "distance": ""}
    far = gettext("直线 %(far)s", far=filters.km(one.distance_m)) if one.distance_m is not None else ""
    return {"map": _small_map(one.lon, one.lat, _name(one.region or one.name, one.region_en), one.precision), "distance": far}


def _small_map(lon: float, lat: float, label: str, precision: str) -> Page:
    pin = layers.Pin("here", 1, lon, lat, label, approximate=precision != "point")
    drawn = (*ground(), layers.RankedPins((pin,)))
    return draw(drawn, view=View(lon, lat, 9.5, wheel=False, still=True), nonce=csp_nonce(), label=gettext("位置图：%(place)s", place=label))


def _site(site: Mapping[str, Any]) -> dict[str, Any]:
    missing, named = site["lon"] is None, _name(site["region"] or "", site["region_en"])
    return {"name": site["name"], "region": named, "approximate": not missing and site["precision"] != "point", "missing": missing}


def _opened(row: Mapping[str, Any]) -> dict[str, Any]:
    kind = _name(row["type"] or gettext("未分类"), row["type_en"])
    named = {"name": row["name"], "type": kind, "price": row["price"], "unit": gettext(UNITS[row["unit"]]), "sample": row["is_sample"]}
    return {**named, "url": url_for("public.instrument", instrument_id=row["id"])}


def _name(chinese: str, english: str | None) -> str:
    return (english or chinese) if language() == "en" else chinese
