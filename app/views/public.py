"""Pages that everybody may see: the map with its search, one instrument, one carrier, and where the data come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app import answers, filterbar, noting, questions, results, sheets, viewport, weighing
from app.asking import Asked, home
from app.corrections import SAY, WEIGH
from app.ground import ground, opening
from app.i18n import gettext, language
from app.mapquery import Address, read, with_pairs
from app.names import named
from app.security import csp_nonce
from app.viewport import Sight, sight
from core import clock
from geodata.grid import count
from geodata.registry import holdings
from geodata.view import Facets, facets
from maps import layers
from maps.page import Page, draw
from matching.signals import SIGNALS
from vouchers.policy import PolicyVersion

bp = Blueprint("public", __name__)


@bp.get("/", endpoint="search")
def search_page() -> ResponseReturnValue:
    """Show the map and the list for what the address says, ranked where there is a need; htmx gets the list alone."""
    asked, wrong = answers.readable(g.session, read(request.args))
    partial = request.headers.get("HX-Request") == "true"
    context = _context(sight(asked), asked, partial=partial, wrong=wrong)
    response = make_response(render_template("_results.html" if partial else "search.html", **context))
    if partial and any(name.startswith((SAY, WEIGH)) for name in request.args):
        response.headers["HX-Push-Url"] = asked.link(url_for("public.search"))
    response.vary.add("HX-Request")
    return response


@bp.get("/instruments/<int:instrument_id>")
def instrument(instrument_id: int) -> ResponseReturnValue:
    """Show one instrument with its free slots and what it costs me; a chosen slot with `go` leads to the checkout."""
    wanted = sheets.read_visit(request.args)
    noting.clicked(request.args.get("seen"))
    context = sheets.instrument_context(g.session, g.actor, instrument_id, wanted)
    chosen, listing = context["chosen"], context["listing"]
    if request.args.get("go") and chosen is not None and listing is not None:
        start, end = chosen.value.split("/")
        pairs = [("instrument", str(instrument_id)), ("start", start), ("end", end), ("service", listing["service"])]
        pairs += [(name, value) for name, value in (("need", wanted.need), ("seen", request.args.get("seen", ""))) if value]
        return redirect(with_pairs(url_for("enterprise.checkout"), pairs), 303)
    return render_template("public/instrument.html", **context)


@bp.get("/carriers/<int:organisation_id>")
def carrier(organisation_id: int) -> ResponseReturnValue:
    """Show one carrier with its sites and what it opens to others."""
    return render_template("public/carrier.html", **sheets.carrier_context(g.session, organisation_id))


@bp.get("/about")
def about() -> ResponseReturnValue:
    """Say where the data come from, how the ranking is computed and which policies are in force."""
    sources = [{"name": gettext(h.name), "rows": h.rows, "source": h.source, "sample": h.sample} for h in holdings(g.session)]
    whole = sum(signal.weight for signal in SIGNALS)
    signals = [{"name": gettext(weighing.NAMES.get(signal.name, signal.name)), "weight": signal.weight / whole} for signal in SIGNALS]
    return render_template("public/about.html", sources=sources, signals=signals, policies=_policies())


def _policies() -> list[dict[str, Any]]:
    query = "SELECT p.id, r.name_zh, r.name_en FROM policy_version p JOIN region r ON r.adcode = p.region ORDER BY p.region, p.version"
    rows = g.session.execute(text(query)).all()
    versions = [(g.session.get_one(PolicyVersion, row.id), row.name_en if language() == "en" else row.name_zh) for row in rows]
    return [{"title": v.title, "region": name, "version": v.version, "assumed": v.terms.is_assumed("caps")} for v, name in versions]


def _context(seen: Sight, address: Address, *, partial: bool, wrong: Mapping[str, str]) -> dict[str, Any]:
    base, known, found = url_for("public.search"), g.actor.role == "enterprise", seen.found
    me, issuer = home(g.session, g.actor), _issuer()
    total = count(g.session, "instruments", seen.wanted) if seen.wanted else 0
    counts = facets(g.session, seen.wanted, total) if seen.wanted and total else Facets()
    pins = results.pins(found.matches, address, found, known) if found else ()
    return {
        "q": _said(address),
        "sorts": [(value, gettext(name)) for value, name in _sorts(seen)],
        "me": {"name": g.person.seat.organisation if g.person and g.person.seat else g.actor.name, "lon": me.lon, "lat": me.lat} if me else None,
        "spot": questions.spot(seen.asked, address, base),
        "home_region": named(issuer.name_zh, issuer.name_en) if issuer else None,
        "printed_at": clock.now(g.session).astimezone(clock.SHANGHAI).strftime("%Y-%m-%d %H:%M"),
        "ranking_url": url_for("public.about") + "#ranking",
        "filters": filterbar.bar(g.session, address, seen.asked, counts),
        "active": filterbar.active(g.session, address, base),
        "clear_url": filterbar.clear_url(address, base),
        "facets": viewport.facets(counts),
        "export": viewport.exports(address) if total else None,
        "known_own": known,
        "whole": total,
        "wrong": questions.wrong_words(wrong),
        "weights": weighing.sliders(address, base),
        **(answers.answer(seen, address, base, wrong) if found else _browse(seen, address, base, total)),
        **({"pins": layers.pin_rows(pins)} if partial else {"page": _map(pins, seen.asked, issuer.adcode if issuer else None)}),
    }


def _said(address: Address) -> dict[str, Any]:
    hidden = [(name, value) for name, value in address.pairs if name not in ("need", "sort")]
    return {"need": address.query.need, "sort": address.query.sort, "place": address.query.spot, "hidden": hidden}


def _sorts(seen: Sight) -> tuple[tuple[str, str], ...]:
    return results.SORT_NAMES if seen.found else results.NEAR_SORTS if seen.asked.place else results.PLAIN_SORTS


def _browse(seen: Sight, address: Address, base: str, total: int) -> dict[str, Any]:
    """Return the list of everything in the view, with examples of what one could ask for instead."""
    page = viewport.page_of(seen, address, total)
    rows, after = viewport.rows_of(seen, address, page), page.next if page else None
    return {
        "chips": [],
        "matches": [],
        "rows": rows,
        "total": total,
        "shown": len(rows),
        "next_cursor": after,
        "next_url": address.link(base, ("cursor", after)) if after else None,
        "in_area": address.query.area is not None,
        "ways": [{"text": gettext("看整张地图"), "url": address.link(base, ("area", None))}] if address.query.area else [],
        "examples": [{"text": gettext(e), "url": address.link(base, ("need", gettext(e)), ("fix", None))} for e in results.EXAMPLES],
    }


def _issuer() -> Any:
    """Return the region whose finance issues my vouchers (adcode, names), for legend and map; None for whoever has none."""
    return g.session.execute(text(_ISSUER), {"holder": g.actor.organisation_id}).one_or_none() if g.actor.role == "enterprise" else None


_ISSUER = """
SELECT r.name_zh, r.name_en, r.adcode FROM voucher v JOIN policy_version p ON p.id = v.policy_version_id JOIN region r ON r.adcode = p.region
WHERE v.holder_id = :holder AND v.state = 'active' ORDER BY v.expires_use LIMIT 1
"""


def _map(pins: tuple[layers.Pin, ...], asked: Asked, issuer: str | None) -> Page:
    """Draw the map: my county, the regions, waters, rings around where I ask from, carriers, and the ranked pins on top."""
    drawn: list[Any] = [*([layers.HomeCounty(issuer)] if issuer else []), *ground()]
    here = asked.place
    if here:
        drawn.append(layers.Rings(here.lon, here.lat, gettext("我的企业") if asked.is_home else gettext("所选地点")))
    drawn += [layers.Instruments(), layers.Carriers(), layers.RankedPins(pins)]
    view = opening(here.lon, here.lat) if here else opening()
    return draw(drawn, view=view, nonce=csp_nonce(), label=gettext("结果地图。方向键移动，加减键缩放。列表有同样的内容。"))
