"""GDAL and OWSLib read our OGC API over the loopback and get the very rows that stand in the database: ids, points and every property."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from owslib.ogcapi.features import Features
from sqlalchemy import text

from core.db import make_engine
from geodata.properties import COLLECTIONS

ROWS = {
    "instruments": """
        SELECT i.id, ST_X(i.geom) AS x, ST_Y(i.geom) AS y, i.code, i.name, t.name_zh AS type, t.class_code, i.model, i.value, i.status, i.precision,
               i.source_crs, coalesce(i.adcode, o.adcode) AS region, o.id AS carrier_id, o.name_zh AS carrier, o.carrier_kind AS kind, o.level,
               l.service_code AS service, l.price, i.is_sample
        FROM instrument i JOIN organisation o ON o.id = i.organisation_id LEFT JOIN instrument_type t ON t.id = i.type_id
        LEFT JOIN LATERAL (SELECT * FROM listing WHERE instrument_id = i.id AND state = 'open'
                           ORDER BY service_code <> 'test_analysis', price, id LIMIT 1) l ON true
        WHERE i.is_open ORDER BY i.id""",
    "carriers": """
        SELECT o.id, ST_X(s.geom) AS x, ST_Y(s.geom) AS y, o.code, o.name_zh AS name, o.name_en, o.carrier_kind AS kind, o.level,
               coalesce(s.adcode, o.adcode) AS region, s.precision, s.source_crs,
               (SELECT count(*) FROM instrument WHERE organisation_id = o.id AND is_open) AS instruments, o.is_sample
        FROM organisation o LEFT JOIN LATERAL (SELECT * FROM site WHERE organisation_id = o.id ORDER BY geom IS NULL, id LIMIT 1) s ON true
        WHERE o.kind = 'carrier' ORDER BY o.id""",
}


@pytest.fixture(scope="module")
def stored(world_url):
    """Give the rows of both collections by id, read from the tables themselves."""
    engine = make_engine(world_url)
    with engine.connect() as connection:
        found = {name: {row["id"]: dict(row) for row in connection.execute(text(query)).mappings()} for name, query in ROWS.items()}
    engine.dispose()
    return found


def gdal(tmp_path, site, *words):
    """Read with ogr2ogr into GeoJSON and give the features; a warning is a failure, since it says that something was lost."""
    out = tmp_path / "out.json"
    out.unlink(missing_ok=True)
    words = ["ogr2ogr", "-f", "GeoJSON", "-preserve_fid", "-lco", "COORDINATE_PRECISION=15", str(out), f"OAPIF:{site}/ogc/", *words]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120)
    assert "Warning" not in done.stderr, done.stderr[:300]
    return json.loads(out.read_text())["features"]


def same(feature, row):
    """Say whether a feature is the row: its point to the last digit of a double, and every property."""
    coordinates = feature["geometry"] and feature["geometry"]["coordinates"]
    if coordinates != (None if row["x"] is None else [row["x"], row["y"]]):
        return False
    return all(feature["properties"][name] == value for name, value in row.items() if name not in ("id", "x", "y"))


@pytest.mark.parametrize("name", ROWS)
def test_gdal_reads_every_row_page_by_page(site, stored, tmp_path, name):
    found = gdal(tmp_path, site, name, "-oo", "PAGE_SIZE=400")
    assert [one["id"] for one in found] == list(stored[name])
    assert all(same(one, stored[name][one["id"]]) for one in found)


def test_gdal_reads_the_regions_with_their_outlines(site, world_url, tmp_path):
    found = gdal(tmp_path, site, "regions")
    engine = make_engine(world_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT r.adcode, ST_NPoints(g.geom) FROM region r JOIN region_shape g ON g.adcode = r.adcode AND g.detail = 'simple' ORDER BY 1")
        ).all()
    engine.dispose()
    points = {one["properties"]["id"]: sum(len(ring) for part in one["geometry"]["coordinates"] for ring in part) for one in found if one["geometry"]}
    assert points == {adcode.strip(): count for adcode, count in rows}


def test_gdal_knows_counts_extent_and_types_of_fields(site, stored):
    told = subprocess.run(
        ["ogrinfo", "-ro", "-so", f"OAPIF:{site}/ogc/", "instruments"], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert f"Feature Count: {len(stored['instruments'])}" in told
    assert "Geometry: Point" in told
    xs, ys = ([row[axis] for row in stored["instruments"].values() if row[axis] is not None] for axis in "xy")
    extent = [float(number) for number in re.search(r"Extent: \((.+), (.+)\) - \((.+), (.+)\)", told).groups()]
    assert extent == pytest.approx([min(xs), min(ys), max(xs), max(ys)], abs=1e-6)
    kinds = dict(re.findall(r"^(\w+): (\w+)", told, re.MULTILINE))
    expected = {"integer": "Integer", "fen": "Real", "string": "String", "boolean": "Integer", "date-time": "DateTime"}
    assert all(kinds[field.name] == expected[field.form] for field in COLLECTIONS["instruments"].properties)


def test_gdal_filters_at_the_server_by_box_and_property(site, stored, tmp_path):
    west, south, east, north = 119.5, 28.2, 120.9, 30.4
    found = gdal(
        tmp_path, site, "instruments", "-spat", *map(str, (west, south, east, north)), "-where", "kind = 'university' AND status = 'working'"
    )
    expected = [
        row["id"] for row in stored["instruments"].values()
        if row["x"] is not None and west <= row["x"] <= east and south <= row["y"] <= north and row["kind"] == "university" and row["status"] == "working"
    ]  # fmt: skip
    assert [one["id"] for one in found] == expected
    assert expected


def test_owslib_reads_collections_and_pages_to_the_last_row(site, stored):
    api = Features(f"{site}/ogc/")
    assert set(api.feature_collections()) == {"instruments", "carriers", "regions"}
    assert any(one.endswith("/core") for one in api.conformance()["conformsTo"])
    assert api.api()["openapi"].startswith("3.0")
    for name, rows in stored.items():
        seen = []
        while True:
            page = api.collection_items(name, limit=300, offset=len(seen))
            assert page["numberMatched"] == len(rows)
            seen += page["features"]
            if len(seen) >= page["numberMatched"] or not page["features"]:
                break
        assert [one["id"] for one in seen] == list(rows)
        assert all(same(one, rows[one["id"]]) for one in seen)


def test_owslib_asks_by_box_time_property_and_id(site, stored):
    api, rows = Features(f"{site}/ogc/"), stored["instruments"]
    inside = [row["id"] for row in rows.values() if row["x"] is not None and 120 <= row["x"] <= 121 and 29 <= row["y"] <= 30]
    assert [one["id"] for one in api.collection_items("instruments", bbox=[120, 29, 121, 30], limit=1000)["features"]] == inside
    assert api.collection_items("instruments", datetime_="2000-01-01T00:00:00Z/2000-01-02T00:00:00Z")["numberMatched"] == sum(
        1 for row in rows.values() if row["service"] is None
    )
    some = next(iter(rows.values()))
    found = api.collection_items("instruments", type=some["type"], limit=1000)
    assert [one["id"] for one in found["features"]] == [row["id"] for row in rows.values() if row["type"] == some["type"]]
    assert same(api.collection_item("instruments", str(some["id"])), some)
