"""Places by command and by HTTP: the shapes that scripts and the page rely on, and what nonsense is answered."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from app.cli import geodata
from geodata.places_online import SERVICES
from tests import factories

SQUARE = "SRID=4326;MULTIPOLYGON(((119.5 30.7,120.2 30.7,120.2 31.2,119.5 31.2,119.5 30.7)))"


@pytest.fixture
def huzhou(session):
    for adcode, name, name_en in (("330522", "长兴县", "Changxing"), ("330523", "安吉县", "Anji")):
        factories.region(session, adcode, name_zh=name)
        session.execute(text("UPDATE region SET name_en = :name WHERE adcode = :adcode"), {"name": name_en, "adcode": adcode})
    session.execute(text("UPDATE region SET name_zh = '浙江省' WHERE adcode = '330000'"))
    session.execute(text("UPDATE region SET name_zh = '湖州市', name_en = 'Huzhou' WHERE adcode = '330500'"))
    session.execute(text("UPDATE region SET geom = :shape, point = ST_Centroid(CAST(:shape AS geometry)) WHERE adcode = '330522'"), {"shape": SQUARE})
    session.commit()


def geocode(app, *lines):
    done = app.test_cli_runner().invoke(geodata.command, ["geocode", "--json"], input="\n".join(lines) + "\n")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.output.splitlines()]


def test_a_line_in_is_a_line_out(app, huzhou):
    found = geocode(app, "湖州市长兴县和平镇", "", "安吉县和平镇", "🙂")
    assert [one["input"] for one in found] == ["湖州市长兴县和平镇", "", "安吉县和平镇", "🙂"]
    assert all({"input", "adcode", "lon", "lat", "precision", "candidates"} <= set(one) for one in found)
    assert (found[0]["adcode"], found[0]["precision"], found[0]["candidates"]) == ("330522", "township", [])
    assert (found[0]["lon"], found[0]["lat"]) == pytest.approx((119.8983, 30.8311), abs=1e-3)
    assert found[2]["adcode"] is None
    assert [one["adcode"] for one in found[2]["candidates"]] == ["330522", "330523"]
    assert found[2]["note"]


def test_addresses_in_any_bytes_are_answered(app, huzhou):
    done = app.test_cli_runner().invoke(
        geodata.command, ["geocode", "--json"], input="\ufeff长兴县\r\n".encode() + "长兴县".encode("gb18030") + b"\xff\n"
    )
    assert done.exit_code == 0
    first, second = (json.loads(line) for line in done.output.splitlines())
    assert (first["input"], first["adcode"]) == ("长兴县", "330522")
    assert second["precision"] == "none"


def test_a_line_for_people_has_the_same_facts(app, huzhou):
    done = app.test_cli_runner().invoke(geodata.command, ["geocode"], input="长兴县和平镇\n")
    assert "330522\t119.8983 30.8311\ttownship" in done.output


def test_a_point_says_which_town_is_near(app, huzhou):
    geocode(app, "长兴县")
    done = app.test_cli_runner().invoke(geodata.command, ["locate", "119.9", "30.83", "--json"])
    found = json.loads(done.output)
    assert (found["county"], found["near"]["name"]) == ("长兴县", "和平镇")
    assert found["near"]["distance_m"] < 500


def test_places_are_found_while_somebody_types(web, huzhou):
    answer = web.get("/api/v1/places?q=长兴")
    assert answer.status_code == 200
    first = answer.json["items"][0]
    assert (first["name"], first["kind"], first["adcode"]) == ("长兴县", "county", "330522")
    assert set(first) == {"name", "name_en", "kind", "adcode", "region", "lon", "lat", "precision", "similar", "sample"}
    assert web.get("/api/v1/places?q=changx").json["items"][0]["name"] == "长兴县"
    assert web.get("/api/v1/places?q=和平").json["items"][0]["region"] == "浙江省湖州市长兴县"
    assert web.get("/api/v1/places?q=湖州市长兴县和平镇").json["items"][0]["name"] == "和平镇"


@pytest.mark.parametrize("q", ["", "%", "_", "\\", "'", "x" * 100, "🙂", "%00", "<script>"])
def test_what_is_no_place_gives_no_items_and_no_error(web, huzhou, q):
    answer = web.get("/api/v1/places", query_string={"q": q})
    assert answer.status_code == 200
    assert answer.json["items"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1000", "limit=x", f"q={'x' * 101}"])
def test_a_limit_that_cannot_be_meant_is_named(web, query):
    answer = web.get(f"/api/v1/places?{query}")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["field"] in ("limit", "q")


def test_the_setting_offers_the_services_there_are():
    from app.config import GEOCODERS

    assert GEOCODERS == SERVICES
