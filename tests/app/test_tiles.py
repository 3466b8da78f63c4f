"""Tiles come gzipped, with a strong tag that follows the rows, to caches that may keep them; nonsense is refused by name."""

import gzip
from http.cookies import SimpleCookie

import mapbox_vector_tile
import pytest
from sqlalchemy import event, text

from app.views.tiles import Kept
from geodata.cells import BITS, position
from geodata.tiles import Tile
from geodata.wanted import Wanted
from tests import factories as make

ZIP = {"Accept-Encoding": "gzip"}


def address(z, lon=120.2, lat=30.3, layer="instruments", query=""):
    x, y = (int(part) >> (BITS - z) for part in position(lon, lat))
    return f"/tiles/{layer}/{z}/{x}/{y}.mvt{query}"


@pytest.fixture
def placed(session):
    return make.instrument(session, geom="SRID=4326;POINT(120.2 30.3)")


def queries(connection):
    """Return the list to which every query of `connection` is added from now on."""
    asked = []
    event.listen(connection, "before_cursor_execute", lambda *given: asked.append(given[2]) if given[2].startswith("SELECT") else None)
    return asked


def read(answer):
    body = gzip.decompress(answer.data) if answer.headers.get("Content-Encoding") == "gzip" else answer.data
    return mapbox_vector_tile.decode(body)


def test_a_tile_comes_gzipped_and_may_be_kept_by_everybody(web, placed):
    answer = web.get(address(14), headers=ZIP)
    assert (answer.status_code, answer.mimetype, answer.headers["Content-Encoding"]) == (200, "application/vnd.mapbox-vector-tile", "gzip")
    assert answer.headers["Cache-Control"] == "public, max-age=60, stale-while-revalidate=600"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in answer.headers
    assert [one["properties"]["id"] for one in read(answer)["instruments"]["features"]] == [placed.id]


def test_a_client_without_gzip_gets_the_same_tile_plain(web, placed):
    packed, plain = web.get(address(14), headers=ZIP), web.get(address(14))
    assert "Content-Encoding" not in plain.headers
    assert read(plain) == read(packed)
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert not plain.headers["ETag"].startswith("W/")


def test_a_known_tile_is_answered_304_with_one_look_at_the_version(web, placed, connection):
    tag = web.get(address(14), headers=ZIP).headers["ETag"]
    asked = queries(connection)
    answer = web.get(address(14), headers={**ZIP, "If-None-Match": tag})
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)
    assert len(asked) == 1
    assert "grid_state" in asked[0]
    assert "ST_AsMVT" not in asked[0]


@pytest.mark.parametrize(
    "change", ["UPDATE instrument SET name = '改'", "UPDATE instrument SET is_open = false", "UPDATE organisation SET name_zh = '改'"]
)
def test_a_changed_row_is_seen_at_once(web, placed, session, change):
    before = web.get(address(14), headers=ZIP)
    session.execute(text(change))
    after = web.get(address(14), headers={**ZIP, "If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.data != before.data


def test_a_kept_tile_is_given_again_only_while_nothing_changed(web, placed, session):
    first = web.get(address(9), headers=ZIP)
    assert web.get(address(9), headers=ZIP).data == first.data
    make.instrument(session, geom="SRID=4326;POINT(120.2 30.3)")
    (one,) = read(web.get(address(9), headers=ZIP))["instruments"]["features"]
    assert one["properties"]["n"] == 2


def test_an_empty_tile_is_empty_and_no_error(web):
    answer = web.get(address(14, 60, 10), headers=ZIP)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["ETag"]


def test_who_is_logged_in_gets_the_same_tile_without_being_looked_up(web, placed, connection):
    web.set_cookie("login", "whatever")
    asked = queries(connection)
    answer = web.get(address(14), headers={**ZIP, "Authorization": "Bearer nonsense"})
    assert answer.status_code == 200
    assert len(asked) == 1
    assert not SimpleCookie(answer.headers.get("Set-Cookie", ""))


def test_filters_narrow_a_tile(web, placed, session):
    owner = make.carrier(session, carrier_kind="university", level="province")
    other = make.instrument(session, owner, geom="SRID=4326;POINT(120.2 30.3)", type_id=make.instrument_type(session, "色谱仪", class_code="01").id)
    for query in ("?type=色谱仪", "?kind=university", "?kind=university&kind=none", "?level=province"):
        found = read(web.get(address(15, query=query)))["instruments"]["features"]
        assert [one["properties"]["id"] for one in found] == [other.id], query
        assert [one["properties"]["n"] for one in read(web.get(address(8, query=query)))["instruments"]["features"]] == [1]
    assert web.get(address(15, query="?class=990000")).data == b""


@pytest.mark.parametrize(
    "path",
    [
        "roads/1/0/0.mvt",
        "instruments/23/0/0.mvt",
        "instruments/3/9/1.mvt",
        "instruments/a/0/0.mvt",
        "instruments/-1/0/0.mvt",
        "roads.json",
        f"carriers/1/{10**30}/0.mvt",
        f"regions/{10**30}/0/0.mvt",
        "instruments/1.5/0/0.mvt",
        "instruments/1/0/0.pbf",
        "instruments/1/0",
    ],
)
def test_a_tile_that_is_not_there_is_a_problem_404(web, path):
    answer = web.get(f"/tiles/{path}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("class=1", "class"),
        ("class=０１００００", "class"),
        ("class=';--", "class"),
        ("type=" + "x" * 101, "type"),
        ("kind=a" * 3 + "".join(f"&kind={n}" for n in range(60)), "kind"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_a_problem_400_that_names_it(web, query, field):
    for path in ("instruments/1/0/0.mvt", "instruments.json"):
        answer = web.get(f"/tiles/{path}?{query}")
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, field)


@pytest.mark.parametrize("query", ["type=%00", "type=%ff%fe", "kind=%ed%a0%80", "x=y", "type=", "class=", "level=%27"])
def test_odd_text_is_never_an_error_of_ours(web, query):
    assert web.get(f"/tiles/carriers/9/427/209.mvt?{query}").status_code in (200, 400)


def test_tilejson_says_where_the_tiles_are_and_what_they_hold(web, placed):
    told = web.get("/tiles/instruments.json?type=场发射扫描电镜").json
    assert (told["tilejson"], told["scheme"], told["minzoom"], told["maxzoom"]) == ("3.0.0", "xyz", 0, 18)
    (layer,) = told["vector_layers"]
    assert layer["id"] == "instruments"
    assert {"n", "id", "name", "type", "carrier", "price", "approximate", "sample"} == set(layer["fields"])
    (pattern,) = told["tiles"]
    x, y = (int(part) >> (BITS - 14) for part in position(120.2, 30.3))
    answer = web.get(pattern.removeprefix("http://localhost").format(z=14, x=x, y=y))
    assert [one["properties"]["id"] for one in read(answer)["instruments"]["features"]] == [placed.id]
    for other in ("carriers", "regions"):
        assert web.get(f"/tiles/{other}.json").json["vector_layers"][0]["id"] == other


def test_boundaries_may_be_kept_for_a_day(web):
    assert "max-age=86400" in web.get(address(8, layer="regions")).headers["Cache-Control"]


def test_kept_tiles_stay_within_their_memory_and_the_oldest_go_first():
    kept = Kept(most=10_000)
    keys = [(Tile("instruments", 20, n, 0), Wanted()) for n in range(30)]
    for key in keys:
        kept.put(key, "v", b"x" * 1_000)
        kept.get(keys[0], "v")
    assert [key in kept for key in keys] == [True, *[False] * 25, *[True] * 4]
    kept.put(keys[-1], "w", b"")
    assert (kept.get(keys[-1], "v"), kept.get(keys[-1], "w")) == (None, b"")
