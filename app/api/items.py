"""Instruments and carriers for programs: pages as JSON, GeoJSON or CSV, one item by its id, and everything that is wanted as one file.

The text of a page comes from PostGIS and is passed through; what is wanted is read by `app.itemquery`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Any, Literal

from flask import Flask, Response, current_app, g, jsonify, request
from flask_openapi3.models.media_type import MediaType
from flask_openapi3.models.schema import Schema
from pydantic import BaseModel, ConfigDict, Field

from app.api import bp
from app.db import new_session, reading
from app.itemquery import Filters, ItemQuery, cursor_of, wanted
from app.passing import passed
from core.errors import N_, Invalid
from geodata.items import Asked, Items, asked, export, head, item, items
from geodata.nearest import nearest
from geodata.sheets import carrier_sheet, instrument_sheet
from geodata.wanted import Kind

OBJECT, TEXT = Schema(type="object"), Schema(type="string")
GEOJSON = "application/geo+json"


class Item(BaseModel):
    """An item; money in fen, lon and lat in degrees, WGS84."""

    model_config = ConfigDict(extra="allow")
    id: int
    code: str
    name: str
    lon: float | None
    lat: float | None
    precision: str | None = Field(description="how exact the place is: point, township, county or city")
    source_crs: str | None = Field(description="coordinate system in which the place was given")
    region: str | None = Field(description="six-digit adcode of the smallest known region")
    is_sample: bool


class ItemPage(BaseModel):
    """A page of items; `next` is the cursor of the next page, null on the last one. As CSV total and cursor are the headers X-Total and X-Next."""

    model_config = ConfigDict(openapi_extra={"content": {GEOJSON: MediaType(schema=OBJECT), "text/csv": MediaType(schema=TEXT)}})  # type: ignore[typeddict-unknown-key]
    items: list[Item]
    total: int
    next: str | None


class ItemFile(BaseModel):
    """Everything that is wanted, by id: CSV, or a FeatureCollection of points."""

    model_config = ConfigDict(openapi_extra={"content": {GEOJSON: MediaType(schema=OBJECT), "text/csv": MediaType(schema=TEXT)}})  # type: ignore[typeddict-unknown-key]


class ItemPath(BaseModel):
    """The id of an item."""

    id: int = Field(ge=1, le=2**63 - 1)


class ExportQuery(Filters):
    """Which items, and how the file is written."""

    format: Literal["csv", "geojson"] = "csv"


@bp.get("/instruments", responses={200: ItemPage})
def instruments(query: ItemQuery) -> Response:
    """Return open instruments."""
    return _answer("instruments", query)


@bp.get("/carriers", responses={200: ItemPage})
def carriers(query: ItemQuery) -> Response:
    """Return carriers."""
    return _answer("carriers", query)


@bp.get("/instruments/export", responses={200: ItemFile})
def instruments_file(query: ExportQuery) -> Response:
    """Return all open instruments that are wanted as one file."""
    return file_of("instruments", asked("instruments", wanted(g.session, "instruments", query)), query.format)


@bp.get("/carriers/export", responses={200: ItemFile})
def carriers_file(query: ExportQuery) -> Response:
    """Return all carriers that are wanted as one file."""
    return file_of("carriers", asked("carriers", wanted(g.session, "carriers", query)), query.format)


@bp.get("/instruments/<int:id>", responses={200: Item})
def instrument(path: ItemPath) -> Response:
    """Return one instrument with its open listings and hours; `region` is its adcode, `region_name` the name."""
    sheet = instrument_sheet(g.session, path.id)
    return _one(item(g.session, "instruments", path.id, closed=True), sheet, sheet.region)


@bp.get("/carriers/<int:id>", responses={200: Item})
def carrier(path: ItemPath) -> Response:
    """Return one carrier with its sites and open instruments; `region` is its adcode, `region_name` the name."""
    sheet = carrier_sheet(g.session, path.id)
    return _one(item(g.session, "carriers", path.id), sheet, sheet.region)


def file_of(kind: Kind, which: Asked, form: Literal["csv", "geojson"]) -> Response:
    """Answer everything that is asked for as a file, sent while it is read; what fails before the first byte is an error like any other."""
    g.session.rollback()  # its connection goes back before the stream takes one: a request never holds two
    stream = _stream(current_app._get_current_object(), kind, which, form)  # type: ignore[attr-defined]  # noqa: SLF001 (the way Flask documents)
    first = next(stream)
    if request.method == "HEAD":
        stream.close()  # nobody will read on, so its session ends here
    response = Response(_rest(first, stream), mimetype="text/csv" if form == "csv" else GEOJSON)
    response.headers["Content-Disposition"] = f"attachment; filename={kind}.{form}"
    return response


def _rest(first: bytes, stream: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from stream


def _stream(app: Flask, kind: Kind, which: Asked, form: Literal["csv", "geojson"]) -> Generator[bytes, None, None]:
    """Read in a session of its own: that of the request has ended before the last byte is sent."""
    with new_session(app) as session:
        yield from export(session, kind, which, form=form)


def _one(row: str, sheet: object, region_name: str | None) -> Response:
    found: dict[str, Any] = json.loads(row)
    return jsonify({**found, **vars(sheet), "region": found["region"], "region_name": region_name})


def _answer(kind: Kind, query: ItemQuery) -> Response:
    if query.sort:
        return _by_distance(kind, query)
    with reading() as session:
        found = items(session, kind, asked(kind, wanted(session, kind, query)), query.page(), form=query.format)
    return WRITERS[query.format](kind, found)


def _by_distance(kind: Kind, query: ItemQuery) -> Response:
    if kind != "instruments" or query.format != "json":
        raise Invalid("sort", N_("按距离排序只用于仪器，格式是 json。"))
    with reading() as session:
        found = nearest(session, wanted(session, kind, query), query.place(), limit=query.limit, after=query.after())
    return _json(kind, found)


def _json(_kind: Kind, found: Items) -> Response:
    return passed(f'{{"items":[{found.text}],"total":{found.total},"next":{json.dumps(cursor_of(found))}}}\n', "application/json")


def _geojson(_kind: Kind, found: Items) -> Response:
    counts = f'"numberMatched":{found.total},"numberReturned":{found.returned},"next":{json.dumps(cursor_of(found))}'
    return passed(f'{{"type":"FeatureCollection","features":[{found.text}],{counts}}}\n', GEOJSON)


def _csv(kind: Kind, found: Items) -> Response:
    response = Response("\ufeff" + "\r\n".join(filter(None, (head(kind), found.text))) + "\r\n", mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename={kind}.csv"
    response.headers["X-Total"], response.headers["X-Next"] = str(found.total), cursor_of(found) or ""
    return response


WRITERS = {"json": _json, "geojson": _geojson, "csv": _csv}
