"""Kept searches of a person: keep one, see them with what is new, pause, drop. Those of others are not found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import Field
from werkzeug.datastructures import MultiDict

from app import forms, savedlook
from app.days import short_day, slot_text
from app.forms import Form, RequestId, Text
from app.i18n import gettext, translate
from app.mapquery import Address, read, with_pairs
from app.names import named
from bookings import saved, savednews
from bookings.saved import SavedSearch, ToKeep
from core import clock
from core.errors import N_, Invalid, Refused
from core.money import yuan
from geodata.regions import Region

bp = Blueprint("saved", __name__, url_prefix="/saved")

NEWS: Final = {
    "new": N_("新的仪器，自付 ¥%(own)s"),
    "cheaper": N_("自付降到 ¥%(own)s，原来 ¥%(was)s"),
    "sooner": N_("最早 %(slot)s 可约，原来 %(was)s"),
}


class Keeping(Form):
    """The search as its address (without the question mark), and its name."""

    request_id: RequestId
    address: Annotated[str, Field(max_length=20_000)]
    name: Text = ""


@bp.get("", endpoint="list")
def list_page() -> ResponseReturnValue:
    """Show the kept searches and what is new about each."""
    rows = saved.saved_of(g.session, g.actor)
    news: dict[int, list[dict[str, Any]]] = {}
    for one in savednews.inbox(g.session, g.actor):
        news.setdefault(one.saved_id, []).append(_news(one))
    shown = [_shown(row, news.get(row.id, [])) for row in rows]
    unread = sum(one["fresh"] for found in news.values() for one in found)
    return render_template("saved/list.html", rows=shown, unread=unread, most=saved.MOST, request_id=forms.new_request_id)


@bp.get("/keep")
def keep() -> ResponseReturnValue:
    """Ask for the name of a search before it is kept; one that has no need is sent back with the reason."""
    return _form(read(request.args), request.args.get("need", "")[: saved.LONGEST_NAME], {}, forms.new_request_id())


@bp.post("/keep", endpoint="take")
def take() -> ResponseReturnValue:
    """Keep the search and remember what it finds today."""
    given, faults = forms.read(Keeping, request.form)
    if given is None:
        raise next(iter(faults.values()))
    address = read(MultiDict(parse_qsl(given.address)))
    try:
        _require_need(address)
        asked = ToKeep(given.name, savedlook.canonical(address), savedlook.origin(g.session, g.actor, address.query))
        saved_id = saved.keep(g.session, g.actor, asked, request_id=given.request_id)
    except (Invalid, Refused) as no:
        return _form(address, given.name, {getattr(no, "field", "name"): translate(no)}, given.request_id), 409 if isinstance(no, Refused) else 422
    savedlook.first_look(g.session, g.actor, saved_id)
    flash(gettext("已保存。有新的载体、更低的自付或更早的空档时会告诉你。"), "ok")
    return redirect(url_for("saved.list") + f"#s{saved_id}", 303)


@bp.post("/<int:saved_id>/pause")
def pause(saved_id: int) -> ResponseReturnValue:
    """Stop looking at a kept search, or look at it again."""
    saved.pause(g.session, g.actor, saved_id, state=request.form.get("state", ""))
    return redirect(url_for("saved.list") + f"#s{saved_id}", 303)


@bp.post("/<int:saved_id>/drop")
def drop(saved_id: int) -> ResponseReturnValue:
    """Forget a kept search and its news."""
    saved.drop(g.session, g.actor, saved_id)
    flash(gettext("已删除。"), "ok")
    return redirect(url_for("saved.list"), 303)


@bp.post("/read", endpoint="read")
def read_page() -> ResponseReturnValue:
    """Mark all news as looked at."""
    savednews.read_all(g.session, g.actor)
    return redirect(url_for("saved.list"), 303)


def _require_need(address: Address) -> None:
    if not address.query.ranks:
        raise Invalid("address", N_("先写下需求，或者选好仪器，再保存搜索。"))


def _form(address: Address, name: str, faults: dict[str, str], request_id: str) -> str:
    place = savedlook.origin(g.session, g.actor, address.query)
    try:
        _require_need(address)
    except Invalid as no:
        faults = {"address": translate(no), **faults}
    query = savedlook.canonical(address)
    facts = {"name": name, "faults": faults, "request_id": request_id, "back_url": address.link(url_for("public.search"))}
    hidden = address.link("").removeprefix("?")
    return render_template("saved/keep.html", **facts, address=hidden, said=_said(query), region=_region(place), hours=_hours(), most=saved.MOST)


def _shown(row: SavedSearch, news: list[dict[str, Any]]) -> dict[str, Any]:
    pairs = parse_qsl(row.query)
    place = [("place", _name(row.origin))] if row.origin else []
    url = with_pairs(url_for("public.search"), [*pairs, *place])
    known = [slot_text(row.first_slot)] if row.known else []
    best = [gettext("最低自付 ¥%(own)s", own=yuan(row.best_own))] if row.best_own is not None else []
    facts = {"row": row, "url": url, "said": _said(row.query), "region": _region(row.origin), "news": news, "n": len(row.known or ())}
    return {**facts, "known": [*best, *known], "fresh": sum(one["fresh"] for one in news)}


def _news(one: Any) -> dict[str, Any]:
    said = {name: yuan(value) if isinstance(value, int) else _day(value) for name, value in one.said.items() if value is not None}
    url = url_for("public.instrument", instrument_id=one.instrument_id) if one.is_open else None
    where = named(one.name_zh, one.name_en)
    told = translate((NEWS[one.kind], said))
    return {
        "text": told,
        "instrument": one.instrument,
        "carrier": where,
        "url": url,
        "at": one.at,
        "fresh": one.seen_at is None,
        "sample": one.is_sample,
    }


def _day(given: str) -> str:
    return short_day(datetime.fromisoformat(given).astimezone(clock.SHANGHAI))


def _said(query: str) -> str:
    """Say what a kept search looks for: its need, else the chosen instruments."""
    pairs = parse_qsl(query)
    return dict(pairs).get("need") or "、".join(value.removeprefix("type:") for name, value in pairs if name in ("type", "fix"))


def _name(adcode: str) -> str:
    found = g.session.get(Region, adcode)
    return found.name_zh if found else ""


def _region(adcode: str) -> str:
    found = g.session.get(Region, adcode) if adcode else None
    return named(found.name_zh, found.name_en) if found else ""


def _hours() -> int:
    return int(current_app.config["SETTINGS"].saved_hours)
