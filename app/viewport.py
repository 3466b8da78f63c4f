"""One answer for a view of the map: list, clusters, counts and files, all of the same instruments.

With a need the list is ranked and stands for the best of what is counted; without one it is everything, in pages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import g, render_template, url_for

from app import doubting, results, tabs
from app.asking import EVERYWHERE, Asked, ask
from app.i18n import translate
from app.mapquery import Address
from app.search import Found, search, understand
from app.viewing import Listing, listing
from geodata.grid import Cluster
from geodata.view import Facets, View, look, plan_afresh
from geodata.wanted import Wanted


@dataclass(frozen=True)
class Sight:
    """What an address shows to a person: what was asked, what is counted (None while a need is answered by a question), the ranked answer."""

    asked: Asked
    wanted: Wanted | None
    found: Found | None = None


def sight(address: Address) -> Sight:
    """Find out what an address means, and rank where it has a need; nothing is counted or listed yet."""
    asked = ask(g.session, g.actor, address.query)
    if address.query.ranks:
        found = search(g.session, g.actor, tabs.chosen(address.query), asked)
        if doubting.stops(found, address.query):  # nothing meets what contradicts itself: the question comes first
            found = replace(found, matches=(), relaxations=(), counterfactual=None)
        return Sight(asked, found.wanted, found)
    plan_afresh(g.session)
    return Sight(asked, asked.wanted)


def page_of(seen: Sight, address: Address, total: int) -> Listing | None:
    """Return the page of the list, None where it is ranked; `total` is what was counted."""
    return None if seen.found else listing(g.session, seen.asked, address.query, limit=address.limit, total=total)


def counted(address: Address) -> Wanted | None:
    """Return what an address counts, without its list; None while a need is answered by a question."""
    asked = ask(g.session, g.actor, address.query)
    return understand(g.session, tabs.chosen(address.query)).wanted(asked) if address.query.ranks else asked.wanted


def viewport(address: Address, zoom: float, *, with_facets: bool) -> dict[str, Any]:
    """Return the answer of `/map/view`, with facets where they are asked for."""
    seen = sight(address)
    view = look(g.session, seen.wanted, zoom=zoom, with_facets=with_facets) if seen.wanted else View(0, (), Facets())
    page = page_of(seen, address, view.total)
    rows = rows_of(seen, address, page)
    box = address.query.area or EVERYWHERE
    return {
        "bbox": [box.west, box.south, box.east, box.north],
        "zoom": zoom,
        "total": view.total,
        "clusters": [_cluster(one) for one in view.clusters],
        "list": render_template("_rows.html", rows=rows),
        "shown": len(rows),
        "next": page.next if page else None,
        "facets": facets(view.facets),
        "export": exports(address),
        "ask": translate(seen.found.ask.message) if seen.found and seen.found.ask else None,
    }


def rows_of(seen: Sight, address: Address, page: Listing | None) -> list[dict[str, Any]]:
    """Return the rows of the list, ranked or not."""
    known = g.actor.role == "enterprise"
    if seen.found:
        return [results.ranked_line(match, address, seen.found, known) for match in seen.found.matches[: address.limit]]
    return [results.line(one, address, known) for one in page.lines] if page else []


def facets(found: Facets) -> dict[str, dict[str, int]]:
    """Return counts by the names and values of the filters."""
    classes = {f"{digits}0000": n for digits, n in found.classes.items() if digits}
    return {"kind": dict(found.kinds), "level": dict(found.levels), "class": classes} if found.kinds else {}


def exports(address: Address) -> dict[str, str]:
    """Return the addresses of everything that is counted, as files."""
    return {form: address.link(url_for(f"map.view_{form}"), ("limit", None), ("sort", None)) for form in ("csv", "geojson")}


def _cluster(one: Cluster) -> dict[str, Any]:
    return {**vars(one), "lon": round(one.lon, 6), "lat": round(one.lat, 6), "cell": [one.cell.west, one.cell.south, one.cell.east, one.cell.north]}
