"""The map's own data: regions, waters and carriers as GeoJSON, written by PostGIS and cached by the version of what they show."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from flask import Blueprint, Response, g, request

from app.i18n import language
from core.errors import NotFound
from geodata import basemap

bp = Blueprint("map", __name__, url_prefix="/map")

DAY = 86_400


@bp.get("/base/<detail>.geojson")
def base(detail: str) -> Response:
    """Answer the regions at one of the details of `basemap.DETAILS`."""
    if detail not in basemap.DETAILS:
        raise NotFound
    return _still(basemap.regions_geojson(g.session, detail))


@bp.get("/waters.geojson")
def waters() -> Response:
    """Answer lakes, rivers and names of open water."""
    return _still(basemap.waters_geojson(g.session))


@bp.get("/carriers.geojson")
def carriers() -> Response:
    """Answer the carriers in the box `bbox=west,south,east,north`."""
    box = basemap.read_box(request.args.get("bbox", ""))
    return _answer(basemap.carriers_geojson(g.session, box, english=language() == "en"), 60)


def _still(body: str) -> Response:
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
