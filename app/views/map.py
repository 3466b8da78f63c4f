"""The map's own data: regions, waters and carriers as GeoJSON, written by PostGIS and cached by the version of what they show; and the view."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from typing import Literal

from flask import Blueprint, Response, g, jsonify, request

from app.api.items import file_of
from app.api.problem import FieldError
from app.errors import Malformed
from app.i18n import language, translate
from app.mapquery import read, read_zoom
from app.viewport import counted, viewport
from core.errors import N_, Invalid, NotFound
from geodata import basemap
from geodata.items import asked

bp = Blueprint("map", __name__, url_prefix="/map")

DAY = 86_400


@bp.get("/base/<detail>.geojson")
def base(detail: str) -> Response:
    """Answer the regions at one of the details of `basemap.DETAILS`."""
    if detail not in basemap.DETAILS:
        raise NotFound
    return still(basemap.regions_geojson(g.session, detail))


@bp.get("/waters.geojson")
def waters() -> Response:
    """Answer lakes, rivers and names of open water."""
    return still(basemap.waters_geojson(g.session))


@bp.get("/carriers.geojson")
def carriers() -> Response:
    """Answer the carriers in the box `bbox=west,south,east,north`."""
    box = basemap.read_box(request.args.get("bbox", ""))
    return _answer(basemap.carriers_geojson(g.session, box, english=language() == "en"), 60)


@bp.get("/view")
def view() -> Response:
    """Answer one view: the list, the clusters and the counts of what the address asks for in `area`, drawn for the zoom of `view`.

    `facets=1` also counts by kind, level and class.
    """
    with _readable():
        address = read(request.args)
        found = viewport(address, read_zoom(request.args.get("view", ""), address.query.area), with_facets=request.args.get("facets") == "1")
    response = jsonify(found)
    response.cache_control.private, response.cache_control.no_cache = True, True
    return response


@bp.get("/view.csv")
def view_csv() -> Response:
    """Answer everything that a view counts as CSV."""
    return _file("csv")


@bp.get("/view.geojson")
def view_geojson() -> Response:
    """Answer everything that a view counts as GeoJSON."""
    return _file("geojson")


def _file(form: Literal["csv", "geojson"]) -> Response:
    with _readable():
        wanted = counted(read(request.args))
    if wanted is None:
        raise Invalid("need", N_("这句需求还不够清楚，没有可以下载的仪器。请先把需求说清楚一点。"))
    return file_of("instruments", asked("instruments", wanted), form)


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what is wrong with a box, a cursor or a view into `Malformed`: no person types them."""
    try:
        yield
    except Invalid as wrong:
        if wrong.field not in ("area", "cursor", "view"):
            raise
        raise Malformed(wrong.text, fields=(FieldError(field=wrong.field, reason=translate(wrong)),), **wrong.params) from wrong


def still(body: str) -> Response:
    """Answer GeoJSON that changes rarely: kept for a day, and known again by its tag."""
    return _answer(body, DAY)


def _answer(body: str, seconds: int) -> Response:
    response = Response(body, mimetype="application/geo+json")
    response.cache_control.public, response.cache_control.max_age = True, seconds
    response.set_etag(_tag(body))
    response.make_conditional(request)
    return response


@lru_cache(maxsize=64)
def _tag(body: str) -> str:
    return sha256(body.encode()).hexdigest()[:20]
