"""OGC API - Features - Part 1: Core, as its abstract tests ask (17-069r4, annex A): paths, links, conformance, parameters, counts, pages for people."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html import unescape
from itertools import pairwise
from random import Random
from urllib.parse import urlencode, urlsplit

import pytest
from sqlalchemy import text

from geodata.properties import COLLECTIONS
from tests import factories as make

NAMES = ("instruments", "carriers", "regions")
CLASSES = {f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "geojson", "html")}
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@pytest.fixture
def world(session):
    """Lay 23 open instruments on both sides of the 180th meridian, one without a place, one closed, at three carriers in two regions."""
    owners = [make.carrier(session, adcode=adcode) for adcode in ("331083", "330106", "331083")]
    for n, owner in enumerate(owners):
        make.site(session, owner, geom=f"SRID=4326;POINT({120 + n} 28)")
    for n in range(22):
        lon = 119.5 + n / 10 if n < 18 else (179.5, 179.9, -179.9, -179.5)[n - 18]
        one = make.instrument(session, owners[n % 3], geom=f"SRID=4326;POINT({lon} {27 + n / 10})", name=f'示例"{n}" <b>=1', value=3_000_000_000 + n)
        if n % 2:
            make.listing(session, one, price=1000 * n)
    make.instrument(session, owners[0], geom=None)
    make.instrument(session, owners[0], is_open=False)
    shape = "ST_Multi(ST_MakeEnvelope(121, 28, 121.5, 29, 4326))"
    session.execute(text(f"INSERT INTO region_shape (adcode, detail, geom) VALUES ('331083', 'simple', {shape})"))
    session.commit()
    return session


def get(web, path, expect=200, **query):
    answer = web.get(f"/ogc{path}", query_string=query, headers={"Accept": "application/json"})
    assert answer.status_code == expect, answer.get_data(as_text=True)[:300]
    return json.loads(answer.get_data())


def ids(page):
    return [one["id"] for one in page["features"]]


def links(found, rel):
    return [one for one in found["links"] if one["rel"] == rel]


def walk(web, href):
    """Follow a link as a client would: its address is absolute."""
    parts = urlsplit(href)
    assert parts.scheme
    answer = web.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 200, href
    return answer


# Landing page, API, conformance


def test_the_landing_page_leads_everywhere(web, world):
    found = get(web, "/")
    assert found["title"]
    for rel, kind in (
        ("service-desc", "application/vnd.oai.openapi+json;version=3.0"),
        ("conformance", "application/json"),
        ("data", "application/json"),
    ):
        (link,) = links(found, rel)
        assert link["type"] == kind
        assert walk(web, link["href"]).headers["Content-Type"].startswith(kind.partition(";")[0])
    assert walk(web, links(found, "service-doc")[0]["href"]).mimetype == "text/html"


def test_the_classes_that_hold_are_declared(web):
    assert set(get(web, "/conformance")["conformsTo"]) == CLASSES


def test_the_description_names_every_path_and_holds_together(app, web, world):
    found = get(web, "/api")
    assert found["openapi"].startswith("3.0")
    references = set(re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(found)))
    assert all(name in found["components"][part] for part, name in references)
    said = [operation["get"]["operationId"] for operation in found["paths"].values()]
    assert len(said) == len(set(said))
    for path, item in found["paths"].items():
        given = [_resolved(found, one) for one in item["get"]["parameters"]]
        assert {one["name"] for one in given if one["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
        assert {"200", "400", "404", "500"} == set(item["get"]["responses"])
    routed = {rule.rule.removeprefix("/ogc") for rule in app.url_map.iter_rules() if rule.rule.startswith("/ogc/") and "<key>" not in rule.rule}
    for rule in routed:
        assert {rule.replace("<name>", name) for name in NAMES} <= set(found["paths"])


def _resolved(document, one):
    return document["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one


def test_every_parameter_that_is_described_can_be_sent(web, world):
    document = get(web, "/api")
    for name in NAMES:
        row = get(web, f"/collections/{name}/items", limit=1)["features"][0]
        samples = {
            "bbox": "100,20,130,40",
            "bbox-crs": CRS84,
            "datetime": "../2030-01-01T00:00:00Z",
            "limit": "3",
            "offset": "0",
            "f": "json",
            "lang": "en",
        }
        for one in (_resolved(document, one) for one in document["paths"][f"/collections/{name}/items"]["get"]["parameters"]):
            value = samples.get(one["name"], row["properties"].get(one["name"]))
            get(
                web,
                f"/collections/{name}/items",
                **{one["name"]: json.dumps(value) if isinstance(value, bool) else value if value is not None else "1"},
            )


# Collections


def test_the_collections_say_what_they_are_and_how_far_they_reach(web, world):
    found = get(web, "/collections")
    assert [one["id"] for one in found["collections"]] == list(NAMES)
    assert links(found, "self")
    assert links(found, "alternate")
    for one in found["collections"]:
        assert get(web, f"/collections/{one['id']}") == {**one, "links": get(web, f"/collections/{one['id']}")["links"]}
        assert one["itemType"] == "feature"
        assert CRS84 in one["crs"]
        assert {link["type"] for link in links(one, "items")} == {"application/geo+json", "text/html"}
        west, south, east, north = one["extent"]["spatial"]["bbox"][0]
        for feature in get(web, f"/collections/{one['id']}/items", limit=1000)["features"]:
            if feature["geometry"] and feature["geometry"]["type"] == "Point":
                lon, lat = feature["geometry"]["coordinates"]
                assert west <= lon <= east
                assert south <= lat <= north
    begin, end = found["collections"][0]["extent"]["temporal"]["interval"][0]
    assert datetime.fromisoformat(begin) <= datetime.fromisoformat(end)


def test_a_collection_that_there_is_not_is_not_found(web):
    for path in ("/collections/x", "/collections/x/items", "/collections/x/items/1", "/collections/x/schema"):
        assert get(web, path, 404)["type"] == "/problems/not-found"


def test_the_schema_of_a_collection_fits_its_features(web, world):
    forms = {"integer": int, "number": (int, float), "string": str, "boolean": bool}
    for name in NAMES:
        (link,) = links(get(web, f"/collections/{name}"), "describedBy")
        schema = json.loads(walk(web, link["href"]).get_data())
        fields = schema["properties"]["properties"]["properties"]
        for one in get(web, f"/collections/{name}/items", limit=1000)["features"]:
            assert list(one["properties"]) == list(fields)
            assert all(isinstance(value, forms[fields[key]["type"]]) for key, value in one["properties"].items() if value is not None)


# Features


def test_a_page_of_features_is_a_collection_with_counts_stamp_and_links(web, world):
    for name in NAMES:
        answer = web.get(f"/ogc/collections/{name}/items?limit=2")
        assert answer.mimetype == "application/geo+json"
        found = answer.json
        assert found["type"] == "FeatureCollection"
        assert found["numberReturned"] == len(found["features"]) <= 2
        assert found["numberMatched"] >= found["numberReturned"]
        assert datetime.fromisoformat(found["timeStamp"]).tzinfo is not None
        assert links(found, "self")
        assert walk(web, links(found, "alternate")[0]["href"]).mimetype == "text/html"
        assert walk(web, links(found, "collection")[0]["href"]).json["id"] == name
        assert all(link["type"] for link in found["links"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("query", [{}, {"bbox": "119,27,121.05,40"}, {"bbox": "179,20,-179,40"}, {"source_crs": "WGS84"}, {"level": "county"}])
def test_next_leads_through_all_and_prev_back(web, world, name, query):
    if not set(query) <= {"bbox", *(field.name for field in COLLECTIONS[name].properties)}:
        pytest.skip("no such property")
    whole = get(web, f"/collections/{name}/items", limit=1000, **query)
    page, seen, pages = get(web, f"/collections/{name}/items", limit=4, **query), [], []
    while True:
        seen += ids(page)
        pages.append(page)
        assert page["numberMatched"] == whole["numberMatched"] == len(whole["features"])
        if not links(page, "next"):
            break
        page = walk(web, links(page, "next")[0]["href"]).json
    assert seen == ids(whole)
    for before, page in pairwise(pages):
        assert ids(walk(web, links(page, "prev")[0]["href"]).json) == ids(before)
    assert not links(pages[0], "prev")


def test_more_than_the_largest_page_is_answered_with_the_largest(web, world):
    assert len(get(web, "/collections/instruments/items", limit=999_999_999)["features"]) == 23


def test_a_feature_is_the_one_of_the_collection(web, world):
    for name in NAMES:
        for one in get(web, f"/collections/{name}/items", limit=3)["features"]:
            found = get(web, f"/collections/{name}/items/{one['id']}")
            assert {key: found[key] for key in one} == one
            assert links(found, "self")
            assert links(found, "collection")
            assert walk(web, links(found, "alternate")[0]["href"]).mimetype == "text/html"


def test_what_is_not_in_the_collection_is_not_found(web, world):
    closed = world.scalar(text("SELECT id FROM instrument WHERE NOT is_open"))
    for path in (
        f"instruments/items/{closed}",
        "instruments/items/0",
        "instruments/items/x",
        "instruments/items/" + "9" * 30,
        "carriers/items/-1",
        "regions/items/33",
    ):
        assert get(web, f"/collections/{path}", 404)["type"] == "/problems/not-found"


# Parameters


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ("119.5,27,119.5,27", 1), ("119.5,27,119.7,27.2", 3), ("119.5,27,-1000,119.7,27.2,9000", 3), ("-180,-90,180,90", 22), ("179,-90,-179,90", 4),
        ("179.6,-90,-179.6,90", 2), ("180,-90,-180,90", 0), ("0,0,1,1", 0), ("1.195e2,27,119.7,27.2", 3), ("-180,-90,-179,90", 2),
    ],
)  # fmt: skip
def test_a_box_keeps_what_stands_in_it_with_its_edges_and_over_the_meridian(web, world, bbox, expected):
    found = get(web, "/collections/instruments/items", bbox=bbox, limit=1000)
    assert (found["numberMatched"], len(found["features"])) == (expected, expected)
    assert get(web, "/collections/instruments/items", bbox=bbox, **{"bbox-crs": CRS84})["numberMatched"] == expected


def test_a_box_finds_the_outlines_that_it_touches(web, world):
    assert ids(get(web, "/collections/regions/items", bbox="121.5,29,122,30")) == ["331083"]
    assert ids(get(web, "/collections/regions/items", bbox="121.51,29,122,30")) == []


def test_a_time_keeps_what_was_listed_in_it(web, world):
    whole = get(web, "/collections/instruments/items", limit=1000)
    listed = sorted(one["properties"]["listed_at"] for one in whole["features"] if one["properties"]["listed_at"])
    timeless = len(whole["features"]) - len(listed)
    for interval, expected in (
        (f"{listed[0]}/..", len(listed)), (f"{listed[0]}/", len(listed)), (f"../{listed[-1]}", len(listed)), (f"/{listed[-1]}", len(listed)),
        (listed[0], 1), (f"{listed[0]}/{listed[0]}", 1), ("2000-01-01T00:00:00Z/2000-01-02T00:00:00+08:00", 0), ("2999-12-31T23:59:59.5Z/..", 0),
        ("0001-01-01T00:00:00+14:00/9999-12-31T23:59:59-12:00", len(listed)),
    ):  # fmt: skip
        assert get(web, "/collections/instruments/items", datetime=interval)["numberMatched"] == expected + timeless, interval
    for name in NAMES[1:]:
        assert get(web, f"/collections/{name}/items", datetime="2000-01-01T00:00:00Z")["numberMatched"] > 0


def test_every_property_filters_by_its_value(web, world):
    for name in NAMES:
        whole = get(web, f"/collections/{name}/items", limit=1000)["features"]
        for field in COLLECTIONS[name].properties:
            value = next((one["properties"][field.name] for one in whole if one["properties"][field.name] is not None), None)
            if not field.equals or value is None:
                continue
            found = get(web, f"/collections/{name}/items", limit=1000, **{field.name: json.dumps(value) if isinstance(value, bool) else value})
            assert ids(found) == [one["id"] for one in whole if one["properties"][field.name] == value], field.name


def test_filters_together_keep_what_all_of_them_keep(web, world):
    dice, whole = Random(4), get(web, "/collections/instruments/items", limit=1000)["features"]
    for _ in range(40):
        like = dice.choice(whole)["properties"]
        chosen = {
            name: like[name] for name in dice.sample(["type", "status", "region", "carrier_id", "price", "service"], 3) if like[name] is not None
        }
        west, south = dice.uniform(119, 121), dice.uniform(26, 29)
        found = get(web, "/collections/instruments/items", limit=1000, bbox=f"{west},{south},{west + 1},{south + 1}", **chosen)
        assert ids(found) == [one["id"] for one in whole if _fits(one, chosen, west, south)]


def _fits(one, chosen, west, south):
    if any(one["properties"][name] != value for name, value in chosen.items()) or not one["geometry"]:
        return False
    lon, lat = one["geometry"]["coordinates"]
    return west <= lon <= west + 1 and south <= lat <= south + 1


WRONG = (
    *(("bbox", value) for value in ("", "1,2,3", "1,2,3,4,5", "1,2,3,4,5,6,7", "a,b,c,d", "nan,0,1,1", "0,0,inf,1", "0,5,1,4", "-181,0,1,1", "0,-91,1,1", "0,0,1,91",
      "0,0,9,1,1,-9", "1;2;3;4", "1,2,,4", "٠,٠,١,١", "0,0,1e999,1", "0" * 5000 + ",0,1,1", " 0,0,1,1")),
    *(("datetime", value) for value in ("", "..", "/", "../..", "2026", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "x/..",
      "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z/..", "2026-01-01T24:00:01Z", "yesterday")),
    *(("limit", value) for value in ("", "0", "-1", "x", "1.5", "1e3", "٣", "0" * 30, " 5")),
    *(("offset", value) for value in ("", "-1", "x", "1.5", "9" * 13, "²")),
    *(("f", value) for value in ("xml", "JSON", "application/json", "html ")),
    *(("price", value) for value in ("", "x", "1.5", "9" * 30, "NaN")),
    *(("is_sample", value) for value in ("", "1", "TRUE", "yes")),
    ("bbox-crs", "http://www.opengis.net/def/crs/EPSG/0/4326"), ("name", "x" * 501), ("crs", CRS84), ("foo", "1"), ("BBOX", "0,0,1,1"), ("listed_at", "x"), ("q", "x"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{name}={value[:30]}" for name, value in WRONG])
def test_a_parameter_that_cannot_be_meant_is_a_400_with_its_name(web, name, value):
    answer = web.get("/ogc/collections/instruments/items", query_string={name: value})
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert [one["field"] for one in answer.json["errors"]] == [name]
    assert answer.json["errors"][0]["reason"]


def test_a_parameter_given_twice_or_unknown_is_refused_on_every_resource(web, world):
    for path in ("/", "/conformance", "/api", "/collections", "/collections/carriers", "/collections/carriers/items", "/collections/carriers/schema"):
        assert web.get(f"/ogc{path}?unknown=1").status_code == 400, path
        assert web.get(f"/ogc{path}?f=json&f=html").status_code == 400, path
    assert web.get("/ogc/collections/instruments/items?limit=1&limit=2").json["errors"][0]["field"] == "limit"


def test_properties_of_another_collection_are_unknown_here(web):
    assert web.get("/ogc/collections/regions/items?price=1").status_code == 400
    assert web.get("/ogc/collections/carriers/items?population=1").status_code == 400


def test_text_that_means_something_to_sql_is_only_text(web, world):
    for value in ("' OR 1=1 --", "%", "_", "\\", "🙂", ":p0", "{}", "null"):
        assert get(web, "/collections/instruments/items", name=value)["numberMatched"] == 0


# Formats


@pytest.mark.parametrize(
    ("accept", "f", "expected"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "", "text/html"), ("application/json", "", "json"), ("application/geo+json", "", "json"), ("*/*", "", "json"),
        ("", "", "json"), ("image/png", "", "json"), ("text/html", "json", "json"), ("application/json", "html", "text/html"),
        ("application/json;q=0.2,text/html;q=0.9", "", "text/html"),
    ],
)  # fmt: skip
def test_the_format_is_what_f_says_else_what_is_accepted(web, world, accept, f, expected):
    for path in ("/", "/collections", "/collections/instruments", "/collections/instruments/items", "/conformance", "/api"):
        answer = web.get(f"/ogc{path}" + (f"?f={f}" if f else ""), headers={"Accept": accept})
        assert answer.status_code == 200
        assert expected in answer.mimetype
        assert "accept" in {name.strip().lower() for name in answer.headers["Vary"].split(",")}, path


def test_pages_for_people_show_the_rows_escaped_with_the_mark_and_lead_on(web, world):
    answer = web.get("/ogc/collections/instruments/items?f=html&limit=5")
    page = answer.get_data(as_text=True)
    assert page.count('class="sample"') >= 5
    assert "<b>=1" not in page
    assert '示例"0" <b>=1' in unescape(page)
    after = re.search(r'<a class="btn" href="([^"]+)" rel="next"', page)[1]
    assert walk(web, unescape(after)).mimetype == "text/html"
    for path in ("/", "/api", "/conformance", "/collections", *(f"/collections/{name}{rest}" for name in NAMES for rest in ("", "/items"))):
        assert "<h1" in web.get(f"/ogc{path}?f=html").get_data(as_text=True), path
    for name in NAMES:
        key = get(web, f"/collections/{name}/items", limit=1)["features"][0]["id"]
        assert "<h1" in web.get(f"/ogc/collections/{name}/items/{key}?f=html").get_data(as_text=True)


def test_pages_speak_the_language_of_the_reader(web, world):
    assert get(web, "/collections/carriers", lang="zh")["title"] == "载体"
    assert web.get("/ogc/collections?f=html&lang=en").status_code == 200


def test_a_client_that_takes_gzip_gets_it_and_another_does_not(web, world):
    path = "/ogc/collections/instruments/items"
    packed = web.get(path, headers={"Accept-Encoding": "gzip"})
    plain = web.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert len(packed.data) < len(plain.data)


def test_thousands_of_nonsense_queries_never_fail(web, world):
    dice = Random(20261124)
    bits = (
        "nan",
        "-0",
        "1e5",
        "180",
        "-180.0000001",
        "90",
        "",
        "..",
        "/",
        "2026-01-01T00:00:00Z",
        "٣",
        "\x7f",
        "é",
        "%00",
        "9" * 40,
        "true",
        "null",
        "[1]",
        "{}",
        "'",
    )
    names = ("bbox", "datetime", "limit", "offset", "f", "price", "name", "is_sample", "region", "bbox-crs", "lang", "x")
    for _ in range(1500):
        pairs = [(dice.choice(names), ",".join(dice.choices(bits, k=dice.choice((1, 1, 4, 6))))) for _ in range(dice.randrange(1, 4))]
        answer = web.get(f"/ogc/collections/{dice.choice(NAMES)}/items?{urlencode(pairs)}")
        assert answer.status_code in {200, 400}, pairs
        if answer.status_code == 400:
            assert answer.mimetype == "application/problem+json"
