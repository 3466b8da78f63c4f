"""Instruments and carriers for programs: pages of items as JSON, GeoJSON or CSV, and one item by its id."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Mapping
from typing import Any, Literal

from flask import Response, g, jsonify
from flask_openapi3.models.media_type import MediaType
from flask_openapi3.models.schema import Schema
from pydantic import BaseModel, ConfigDict, Field

from app.api import bp
from core.errors import N_, Invalid
from geodata.basemap import read_box
from geodata.items import ItemFilter, Items, Kind, item, items
from geodata.sheets import carrier_sheet, instrument_sheet

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that a spreadsheet would run as a formula."""


OBJECT, TEXT = Schema(type="object"), Schema(type="string")
ADCODE = re.compile(r"\d{6}", re.ASCII)


class ItemQuery(BaseModel):
    """Which items, how many, and how they are written."""

    model_config = ConfigDict(extra="ignore")
    bbox: str = Field("", description="west,south,east,north in degrees, WGS84")
    q: str = Field("", max_length=100, description="words in the name")
    type: str = Field("", max_length=60, description="instruments: type name; carriers: kind")
    region: str = Field("", json_schema_extra={"pattern": r"^(\d{6})?$"}, description="six-digit adcode; a province or city means all in it")
    limit: int = Field(50, ge=1, le=1000)
    cursor: str = Field("", max_length=100, description="`next` of the page before")
    format: Literal["json", "geojson", "csv"] = "json"


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

    model_config = ConfigDict(openapi_extra={"content": {"application/geo+json": MediaType(schema=OBJECT), "text/csv": MediaType(schema=TEXT)}})  # type: ignore[typeddict-unknown-key]
    items: list[Item]
    total: int
    next: str | None


class ItemPath(BaseModel):
    """The id of an item."""

    id: int = Field(ge=1, le=2**63 - 1)


@bp.get("/instruments", responses={200: ItemPage})
def instruments(query: ItemQuery) -> Response:
    """Return open instruments."""
    return _answer("instruments", query)


@bp.get("/carriers", responses={200: ItemPage})
def carriers(query: ItemQuery) -> Response:
    """Return carriers."""
    return _answer("carriers", query)


@bp.get("/instruments/<int:id>", responses={200: Item})
def instrument(path: ItemPath) -> Response:
    """Return one instrument with its open listings and hours; `region` is its adcode, `region_name` the name."""
    sheet = instrument_sheet(g.session, path.id)
    return _one(item(g.session, "instruments", path.id), sheet, sheet.region)


@bp.get("/carriers/<int:id>", responses={200: Item})
def carrier(path: ItemPath) -> Response:
    """Return one carrier with its sites and open instruments; `region` is its adcode, `region_name` the name."""
    sheet = carrier_sheet(g.session, path.id)
    return _one(item(g.session, "carriers", path.id), sheet, sheet.region)


def _one(row: Mapping[str, Any], sheet: object, region_name: str | None) -> Response:
    return jsonify({**row, **vars(sheet), "region": row["region"], "region_name": region_name})


def _answer(kind: Kind, query: ItemQuery) -> Response:
    box = read_box(query.bbox) if query.bbox else None
    if query.region and not ADCODE.fullmatch(query.region):
        raise Invalid("region", N_("行政区代码要写成六位数字，例如 330100。"))
    found = items(g.session, kind, ItemFilter(box, query.q, query.type, query.region, query.limit, _after(query.cursor)))
    return WRITERS[query.format](found)


def _json(found: Items) -> Response:
    return jsonify({"items": found.rows, "total": found.total, "next": _cursor(found)})


def _geojson(found: Items) -> Response:
    body = {"type": "FeatureCollection", "features": [_feature(row) for row in found.rows], "numberMatched": found.total, "next": _cursor(found)}
    response = jsonify(body)
    response.mimetype = "application/geo+json"
    return response


def _feature(row: Mapping[str, Any]) -> dict[str, Any]:
    located = row["lon"] is not None
    point = {"type": "Point", "coordinates": [row["lon"], row["lat"]]} if located else None
    return {"type": "Feature", "id": row["id"], "geometry": point, "properties": {k: v for k, v in row.items() if k not in ("lon", "lat")}}


def _csv(found: Items) -> Response:
    out = io.StringIO()
    writer = csv.DictWriter(out, found.columns)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in found.rows)
    response = Response("\ufeff" + out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=items.csv"
    response.headers["X-Total"], response.headers["X-Next"] = str(found.total), _cursor(found) or ""
    return response


WRITERS = {"json": _json, "geojson": _geojson, "csv": _csv}


def _cell(value: object) -> object:
    """Keep a spreadsheet from running text as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _cursor(found: Items) -> str | None:
    return base64.urlsafe_b64encode(f"id:{found.next}".encode()).decode() if found.next is not None else None


def _after(cursor: str) -> int:
    """Read a cursor back; raise `Invalid` for anything that we did not write."""
    if not cursor:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        found = int(number)
    except ValueError as wrong:
        raise Invalid("cursor", N_("这个翻页标记不能用。请从第一页开始。")) from wrong
    if kind != "id" or not 0 <= found < 2**63:
        raise Invalid("cursor", N_("这个翻页标记不能用。请从第一页开始。"))
    return found
