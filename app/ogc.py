"""OGC API - Features - Part 1: Core (17-069r4) over instruments, carriers and regions: GeoJSON for programs, pages for people, at `/ogc/`.

Features come as text from PostGIS (`geodata.items`); the query is read by `app.ogcquery`, the description written by `app.ogcdoc`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, g, render_template, request

from app import ogcdoc
from app.db import reading
from app.i18n import gettext, language
from app.ogcquery import CRS84, ItemsAsked, format_of, only, read_items
from app.passing import passed
from core.errors import N_, NotFound
from geodata.features import asked_of, extent
from geodata.items import Items, item, items
from geodata.properties import COLLECTIONS, Collection

bp = Blueprint("ogc", __name__, url_prefix="/ogc")

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.0"
SCHEMA: Final = "application/schema+json"
HTML: Final = "text/html"
SHOWN: Final = 20
MOST_SHOWN: Final = 500
"""Features of a page for people when the address does not say how many, and at most."""

CONFORMS: Final = tuple(f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "geojson", "html"))
Link = dict[str, str]


@bp.get("/")
def landing() -> Response:
    """Answer the landing page: where everything is."""
    only(request.args)
    more = [
        _link("service-desc", "/api?f=json", OPENAPI, "OpenAPI 3.0"),
        _link("service-doc", "/api?f=html", HTML, gettext("接口说明")),
        _link("conformance", "/conformance", JSON, gettext("遵循的标准")),
        _link("data", "/collections", JSON, gettext("数据集")),
    ]
    body = {"title": gettext("创新资源地图"), "description": gettext(_ABOUT), "links": [*_selves("/"), *more]}
    return _answer(body, "ogc/landing.html", collections=_titles())


@bp.get("/conformance")
def conformance() -> Response:
    """Answer which classes of the standard hold here."""
    only(request.args)
    return _answer({"conformsTo": CONFORMS, "links": _selves("/conformance")}, "ogc/conformance.html")


@bp.get("/api")
def api() -> Response:
    """Answer the OpenAPI 3.0 document, or a page of it."""
    only(request.args)
    found = ogcdoc.document(_base())
    if format_of(request.args, request.accept_mimetypes) == "html":
        return _page("ogc/api.html", body=found)
    return _negotiated(Response(json.dumps(found, ensure_ascii=False), content_type=OPENAPI))


@bp.get("/collections")
def collections() -> Response:
    """Answer all collections."""
    only(request.args)
    body = {"collections": [_collection(one) for one in COLLECTIONS.values()], "links": _selves("/collections")}
    return _answer(body, "ogc/collections.html")


@bp.get("/collections/<name>")
def collection(name: str) -> Response:
    """Answer one collection: what it is, how far it reaches."""
    found = _known(name)
    only(request.args)
    return _answer(_collection(found), "ogc/collection.html", properties=found.properties)


@bp.get("/collections/<name>/schema")
def schema(name: str) -> Response:
    """Answer the JSON Schema of the features of a collection, by which programs know the types of fields that happen to be empty."""
    found = _known(name)
    only(request.args)
    return Response(json.dumps(ogcdoc.schema(found, _base()), ensure_ascii=False), content_type=SCHEMA)


@bp.get("/collections/<name>/items")
def features(name: str) -> Response:
    """Answer a page of features with exact counts."""
    found = _known(name)
    asked = read_items(name, request.args)
    form = format_of(request.args, request.accept_mimetypes)
    if form == "html":
        asked = replace(asked, page=replace(asked.page, limit=min(asked.page.limit, MOST_SHOWN) if "limit" in request.args else SHOWN))
    with reading() as session:
        page = items(session, name, asked_of(name, asked.question), asked.page, form="geojson")
    links = _page_links(name, asked, page, form)
    if form == "html":
        rows = json.loads(f"[{page.text}]")
        return _page("ogc/items.html", name=name, title=gettext(found.title), page=page, rows=rows, links=_by_rel(links), fields=found.properties)
    counts = {"numberMatched": page.total, "numberReturned": page.returned, "timeStamp": _stamp(), "links": links}
    return _negotiated(passed(f'{{"type":"FeatureCollection","features":[{page.text}],{json.dumps(counts)[1:]}', GEOJSON))


@bp.get("/collections/<name>/items/<key>")
def feature(name: str, key: str) -> Response:
    """Answer one feature."""
    found = _known(name)
    only(request.args)
    if found.key == "integer" and not (key.isascii() and key.isdigit() and len(key) < 19):
        raise NotFound
    with reading() as session:
        text = item(session, name, int(key) if found.key == "integer" else key, form="geojson")
    links = [*_selves(f"/collections/{name}/items/{quote(key)}", GEOJSON), _link("collection", f"/collections/{name}", JSON, gettext(found.title))]
    if format_of(request.args, request.accept_mimetypes) == "html":
        return _page("ogc/item.html", name=name, title=gettext(found.title), one=json.loads(text), links=_by_rel(links), fields=found.properties)
    return _negotiated(passed(f'{text[:-1]},"links":{json.dumps(links, ensure_ascii=False)}}}', GEOJSON), "Accept-Language", "Cookie")


def _known(name: str) -> Collection:
    if name not in COLLECTIONS:
        raise NotFound
    return COLLECTIONS[name]


def _collection(one: Collection) -> dict[str, Any]:
    """Return what is said of a collection; its extent is that of the rows there are now."""
    reach, path = extent(g.session, one.name), f"/collections/{one.name}"
    around: dict[str, Any] = {}
    if reach.box:
        around["spatial"] = {"bbox": [[reach.box.west, reach.box.south, reach.box.east, reach.box.north]], "crs": CRS84}
    if reach.first:
        ends = [end.astimezone(UTC).isoformat().replace("+00:00", "Z") if end else None for end in (reach.first, reach.last)]
        around["temporal"] = {"interval": [ends], "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"}
    reads = [_link("items", f"{path}/items", GEOJSON, "GeoJSON"), _link("items", f"{path}/items?f=html", HTML, "HTML")]
    said = {"id": one.name, "title": gettext(one.title), "description": gettext(one.text), "itemType": "feature", "crs": [CRS84]}
    # relations are compared without regard to case (RFC 8288), but GDAL asks for this spelling
    reads.append(_link("describedBy", f"{path}/schema", SCHEMA, "JSON Schema"))
    return {**said, **({"extent": around} if around else {}), "links": [*_selves(path), *reads]}


def _titles() -> list[tuple[str, str, str]]:
    return [(one.name, gettext(one.title), gettext(one.text)) for one in COLLECTIONS.values()]


def _base() -> str:
    return request.url_root.rstrip("/") + bp.url_prefix  # type: ignore[operator]


def _link(rel: str, path: str, kind: str, title: str) -> Link:
    return {"rel": rel, "href": _base() + path, "type": kind, "title": title}


def _selves(path: str, kind: str = JSON) -> list[Link]:
    """Return the links to this resource as what is being answered, and as the other."""
    as_json, as_html = (f"{path}?f={form}" for form in ("json", "html"))
    this, other = (as_html, HTML), (as_json, kind)
    if format_of(request.args, request.accept_mimetypes) == "json":
        this, other = other, this
    return [_link("self", *this, gettext("本页")), _link("alternate", *other, gettext("另一种格式"))]


def _page_links(name: str, asked: ItemsAsked, page: Items, form: str) -> list[Link]:
    """Return self, alternate, next, prev and collection; every other parameter of the query stays in them."""
    home = f"{_base()}/collections/{name}"
    kept = urlencode([(key, value) for key, value in request.args.items() if key not in ("f", "offset")])
    start = f"{home}/items?{kept}&" if kept else f"{home}/items?"

    def link(rel: str, offset: int, form: str) -> Link:
        there = f"{start}offset={offset}&f={form}" if offset else f"{start}f={form}"
        return {"rel": rel, "href": there, "type": HTML if form == "html" else GEOJSON}

    here, after = asked.page.offset, asked.page.offset + page.returned
    found = [link("self", here, form), link("alternate", here, "json" if form == "html" else "html")]
    if page.returned and after < page.total:
        found.append(link("next", after, form))
    if here:
        found.append(link("prev", max(0, here - asked.page.limit), form))
    return [*found, {"rel": "collection", "href": home, "type": JSON}]


def _by_rel(links: Iterable[Link]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in links}


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answer(body: dict[str, Any], template: str, **more: Any) -> Response:
    if format_of(request.args, request.accept_mimetypes) == "html":
        return _page(template, body=body, **more)
    response = Response(json.dumps(body, ensure_ascii=False), content_type=JSON)
    response.content_language.add(language())
    return _negotiated(response, "Accept-Language", "Cookie")


def _page(template: str, **context: Any) -> Response:
    return _negotiated(Response(render_template(template, **context), content_type="text/html; charset=utf-8"))


def _negotiated(response: Response, *more: str) -> Response:
    """Say on what the answer depends besides its address."""
    response.vary.update(["Accept", *more])
    return response


_ABOUT: Final = N_("创新资源（仪器、载体、行政区）按 OGC API – Features 提供。坐标是 WGS84 经度、纬度，金额是分。")
