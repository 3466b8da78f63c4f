"""Where instruments are missing: how well each county reaches the instruments of a class, as a map, as a table, and as files of the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from flask import Blueprint, Response, g, render_template, request
from flask.typing import ResponseReturnValue

from app import planpage
from app.i18n import gettext
from app.planquery import ALL, read_plan
from app.planwords import METHOD_NAMES, SOURCES
from app.views.map import still
from core.errors import NotFound
from geodata import basemap
from planning.geopackage import Layer, outlines, package

bp = Blueprint("planner", __name__, url_prefix="/planner")

CHUNK = 65_536


@bp.get("", endpoint="gaps")
def gaps_page() -> ResponseReturnValue:
    """Show the finding as a sentence, the map, the table, and what the figures mean."""
    return render_template("planner/gaps.html", **planpage.context(_found()))


@bp.get("/gaps.csv")
def gaps_csv() -> Response:
    """Answer exactly the table of the page as CSV (UTF-8 with BOM, so that spreadsheets read it)."""
    plan = _found()
    columns = planpage.table(plan)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return _file(Response("\ufeff" + out.getvalue(), mimetype="text/csv"), plan, "csv")


@bp.get("/gaps.gpkg")
def gaps_gpkg() -> Response:
    """Answer the table of the page with the counties' outlines as a GeoPackage (EPSG:4326), its parameters in the metadata."""
    plan = _found()
    columns = planpage.table(plan)
    layer = Layer("accessibility", columns, outlines(g.session, columns["adcode"]), _metadata(plan))
    return _file(Response(_chunks(package(layer)), mimetype="application/geopackage+sqlite3"), plan, "gpkg")


@bp.get("/base/<province>/<detail>.geojson")
def base(province: str, detail: str) -> Response:
    """Answer the outlines of a province's counties, as `/map/base` does for the home province."""
    if detail not in basemap.DETAILS or not (province.isascii() and province.isdigit() and len(province) == 6):
        raise NotFound
    return still(basemap.regions_geojson(g.session, detail, province))


def _found() -> planpage.Plan:
    return planpage.find(read_plan(request.args))


def _metadata(plan: planpage.Plan) -> dict[str, str]:
    """Return what a person who finds the file without the page must know."""
    asked = plan.query.question
    said = {name: str(values[0]) for name, values in planpage.table(plan).items() if name in _SAME and values}
    source = SOURCES.get(asked.method, "")
    words = [gettext(METHOD_NAMES[asked.method]), source, gettext("路程：直线 × 绕行系数 ÷ 速度，不是道路数据"), said.get("note", "")]
    title = gettext("各县（市、区）的仪器可达性")
    return {"title": title, "description": " · ".join(word for word in words if word), **said, "source": source, "crs": "EPSG:4326"}


_SAME = ("class", "method", "minutes", "demand_kind", "points", "per", "detour", "speed_kmh", "as_of", "is_sample", "note")
"""Columns that are the same in every row."""


def _file(response: Response, plan: planpage.Plan, kind: str) -> Response:
    asked = plan.query.question
    name = f"accessibility-{asked.province}-{asked.class_code or ALL}-{asked.method}.{kind}"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
