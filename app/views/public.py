"""Pages that everybody may see: the map with its search, one instrument, one carrier, and where the data come from."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app import results, sheets
from app.ground import ground
from app.i18n import gettext, language
from app.mapquery import Address, read, with_pairs
from app.search import Found, home, search
from app.security import csp_nonce
from core import clock
from geodata import basemap
from geodata.registry import holdings
from maps import layers
from maps.page import DELTA, Page, View, draw
from matching.candidates import Place
from matching.signals import SIGNALS
from vouchers.policy import PolicyVersion

bp = Blueprint("public", __name__)

BOX = basemap.Box(DELTA[0][1], DELTA[0][0], DELTA[1][1], DELTA[1][0])


@bp.get("/", endpoint="search")
def search_page() -> ResponseReturnValue:
    """Show the map and the ranked list for what the address says; htmx gets the list alone."""
    address = read(request.args)
    found = search(g.session, g.actor, address.query) if address.query.need or address.query.types else None
    partial = request.headers.get("HX-Request") == "true"
    context = _context(found, address)
    response = make_response(render_template("_results.html" if partial else "search.html", **context))
    response.vary.add("HX-Request")
    return response


@bp.get("/instruments/<int:instrument_id>")
def instrument(instrument_id: int) -> ResponseReturnValue:
    """Show one instrument with its free slots and what it costs me; a chosen slot with `go` leads to the checkout."""
    wanted = sheets.read_visit(request.args)
    context = sheets.instrument_context(g.session, g.actor, instrument_id, wanted)
    chosen, listing = context["chosen"], context["listing"]
    if request.args.get("go") and chosen is not None and listing is not None:
        start, end = chosen.value.split("/")
        pairs = [("instrument", str(instrument_id)), ("start", start), ("end", end), ("service", listing["service"])]
        return redirect(with_pairs(url_for("enterprise.checkout"), [*pairs, *([("need", wanted.need)] if wanted.need else [])]), 303)
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
    signals = [{"name": gettext(results.SIGNAL_NAMES[signal.name]), "weight": signal.weight / whole} for signal in SIGNALS]
    return render_template("public/about.html", sources=sources, signals=signals, policies=_policies())


def _policies() -> list[dict[str, Any]]:
    query = "SELECT p.id, r.name_zh, r.name_en FROM policy_version p JOIN region r ON r.adcode = p.region ORDER BY p.region, p.version"
    rows = g.session.execute(text(query)).all()
    versions = [(g.session.get_one(PolicyVersion, row.id), row.name_en if language() == "en" else row.name_zh) for row in rows]
    return [{"title": v.title, "region": name, "version": v.version, "assumed": v.terms.is_assumed("caps")} for v, name in versions]


def _context(found: Found | None, address: Address) -> dict[str, Any]:
    base, known = url_for("public.search"), g.actor.role == "enterprise"
    me = home(g.session, g.actor)
    hidden = [(name, value) for name, value in address.pairs if name not in ("need", "sort")]
    context: dict[str, Any] = {
        "q": {"need": address.query.need, "sort": address.query.sort, "hidden": hidden},
        "sorts": [(value, gettext(name)) for value, name in results.SORT_NAMES],
        "me": {"name": g.person.seat.organisation if g.person and g.person.seat else g.actor.name, "lon": me.lon, "lat": me.lat} if me else None,
        "home_region": _home_region(),
        "printed_at": clock.now(g.session).astimezone(clock.SHANGHAI).strftime("%Y-%m-%d %H:%M"),
        "ranking_url": url_for("public.about") + "#ranking",
        "chips": [],
        "matches": [],
    }
    pins: tuple[layers.Pin, ...] = ()
    if found is None:
        context["examples"] = [{"text": gettext(e), "url": address.link(base, ("need", gettext(e)), ("fix", None))} for e in results.EXAMPLES]
        context["in_view"] = basemap.carriers_in(g.session, BOX)
    else:
        pins = results.pins(found.matches, address, found, known)
        context |= _answer(found, address, base, known)
    context["pins" if request.headers.get("HX-Request") == "true" else "page"] = (
        layers.pin_rows(pins) if request.headers.get("HX-Request") == "true" else _map(pins, me)
    )
    return context


def _answer(found: Found, address: Address, base: str, known: bool) -> dict[str, Any]:
    shown = found.matches[: address.limit]
    return {
        "chips": [] if found.ask else results.chips(found, address, base),
        "ask": results.ask(found, address, base),
        "matches": [results.row(m, address, found, known) for m in shown],
        "total": len(found.matches),
        "cheapest_own": min((m.candidate.net_price_fen for m in found.matches), default=None) if known else None,
        "more_url": results.more_url(len(found.matches), address, base),
        "ways": results.ways(found, address, base),
    }


def _home_region() -> str | None:
    """Name the region whose finance issues my vouchers, for the legend."""
    if g.actor.role != "enterprise":
        return None
    row = g.session.execute(text(_ISSUER), {"holder": g.actor.organisation_id}).one_or_none()
    return (row.name_en if language() == "en" else row.name_zh) if row else None


_ISSUER = """
SELECT r.name_zh, r.name_en, r.adcode FROM voucher v JOIN policy_version p ON p.id = v.policy_version_id JOIN region r ON r.adcode = p.region
WHERE v.holder_id = :holder AND v.state = 'active' ORDER BY v.expires_use LIMIT 1
"""


def _map(pins: tuple[layers.Pin, ...], me: Place | None) -> Page:
    """Draw the map: my county, the regions, waters, rings around me, carriers, and the ranked pins on top."""
    drawn: list[Any] = [*ground()]
    issuer = g.session.execute(text(_ISSUER), {"holder": g.actor.organisation_id}).one_or_none() if g.actor.role == "enterprise" else None
    if issuer:
        drawn.insert(0, layers.HomeCounty(issuer.adcode))
    if me:
        drawn.append(layers.Rings(me.lon, me.lat, gettext("我的企业")))
    drawn += [layers.Carriers(), layers.RankedPins(pins)]
    view = View(me.lon, me.lat, 9) if me else View()
    return draw(drawn, view=view, nonce=csp_nonce(), label=gettext("结果地图。方向键移动，加减键缩放。列表有同样的内容。"))
