"""Addresses find their place, what is ambiguous is asked back, and no precision is claimed that is not there."""

from __future__ import annotations

import time

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Unavailable
from geodata import loading
from geodata.geocoding import geocode, geocode_many
from geodata.places_loading import load_places
from geodata.places_names import gazetteer
from geodata.regions import region_at
from geodata.seeds import read_seed
from tests.geodata.addresses import CERTAIN, MISSPELT, NOWHERE, OPEN


@pytest.fixture(scope="module")
def facts(app_engine):
    with app_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_regions(session)
            loading.load_carriers(session)
            load_places(session)
            yield session
        outer.rollback()


def said(found):
    return found.note[0] % found.note[1] if found.note else ""


@pytest.mark.parametrize(("address", "adcode", "precision"), CERTAIN)
def test_an_address_that_is_clear_finds_its_region_and_how_exact_it_is(facts, address, adcode, precision):
    found = geocode(facts, address)
    assert (found.adcode, found.precision, found.candidates) == (adcode, precision, ()), (found.name, said(found))
    assert (found.lon is None) == (precision == "none")


@pytest.mark.parametrize(("address", "adcodes"), OPEN)
def test_an_address_with_several_meanings_is_never_guessed(facts, address, adcodes):
    found = geocode(facts, address)
    assert adcodes <= {one.adcode for one in found.candidates}
    assert not found.certain
    assert said(found)
    assert found.adcode is None or found.precision in ("none", "city")


@pytest.mark.parametrize(("address", "meant", "stated"), MISSPELT)
def test_a_misspelt_name_gives_candidates_marked_as_such(facts, address, meant, stated):
    found = geocode(facts, address)
    assert meant in {one.adcode for one in found.candidates if one.similar}
    assert found.adcode == stated
    assert not found.certain


@pytest.mark.parametrize("address", NOWHERE)
def test_what_is_no_address_of_ours_is_nowhere_and_says_so(facts, address):
    found = geocode(facts, address)
    assert (found.adcode, found.lon, found.lat, found.precision) == (None, None, None, "none")
    assert said(found)


def test_places_are_loaded_once_and_lie_in_a_region(facts):
    before = facts.scalar(text("SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM place p"))
    assert load_places(facts) > 5000
    assert facts.scalar(text("SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM place p")) == before
    kinds = dict(facts.execute(text("SELECT kind, count(*) FROM place GROUP BY kind")).all())
    assert (kinds["township"], kinds["zone"]) == (1387, 49)
    assert kinds["settlement"] > 1000


def test_without_the_file_of_names_the_way_out_is_said(facts, tmp_path):
    with pytest.raises(Unavailable, match="bin/assets"):
        load_places(facts, tmp_path / "none.txt")


def test_a_name_of_before_says_what_it_is_today(facts):
    assert said(geocode(facts, "下城区武林路")) == "“下城区”是 2021 年以前的区划，今属拱墅区。"
    assert said(geocode(facts, "余杭区临平街道")) == "“临平街道”原属余杭区，今属临平区。"


def test_a_contradiction_names_both_sides(facts):
    assert said(geocode(facts, "安吉县和平镇")) == "“和平镇”不在“安吉县”，请核对。"


def test_every_township_with_its_county_finds_itself(facts):
    rows, names = read_seed("townships"), gazetteer(facts)
    for form in ("{full}{town}", "{county}{town}", "{full}{town}人民路8号2幢"):
        texts = [form.format(full=names.above(row["adcode"]), county=names.regions[row["adcode"]].name, town=row["name"]) for row in rows]
        lost = [
            (found.text, found.adcode, found.name)
            for found, row in zip(geocode_many(facts, texts), rows, strict=True)
            if found.adcode != row["adcode"] or not found.name.endswith(row["name"]) or found.candidates
        ]
        assert not lost


def test_a_township_name_alone_is_certain_only_where_one_county_has_it(facts):
    rows = [row for row in read_seed("townships") if row["name"].endswith(("镇", "乡", "街道"))]
    often = {name: {row["adcode"] for row in rows if row["name"] == name} for name in {row["name"] for row in rows}}
    assert sum(len(codes) > 1 for codes in often.values()) == 38
    for found in geocode_many(facts, sorted(often)):
        codes = often[found.text]
        assert (found.adcode in codes and found.certain) if len(codes) == 1 else ({one.adcode for one in found.candidates} >= codes), found.text


def test_the_point_of_every_region_and_township_lies_in_its_region(facts):
    for row in facts.execute(text("SELECT adcode, ST_X(point) AS lon, ST_Y(point) AS lat FROM region WHERE level = 'county'")):
        assert region_at(facts, row.lon, row.lat).adcode == row.adcode
    astray = "SELECT count(*) FROM place p JOIN region r USING (adcode) WHERE p.geom IS NOT NULL AND NOT ST_Covers(r.geom, p.geom)"
    assert facts.scalar(text(astray)) <= 2


def test_random_points_are_located_as_an_independent_test_of_polygons_says(facts):
    rows = facts.execute(text("SELECT adcode, ST_AsBinary(geom) AS wkb FROM region WHERE level = 'county' AND adcode LIKE '33%'")).all()
    shapes = {row.adcode: shapely.from_wkb(bytes(row.wkb)) for row in rows}
    tree, codes = shapely.STRtree(list(shapes.values())), list(shapes)
    rng = np.random.default_rng(2026)
    points = shapely.points(rng.uniform(118.1, 122.8, 1000), rng.uniform(27.2, 31.1, 1000))
    expected = dict(zip(*tree.query(points, predicate="intersects"), strict=True))
    for index, point in enumerate(points):
        found = region_at(facts, point.x, point.y)
        here = found.adcode if found is not None and found.adcode in shapes else None
        assert here == (codes[expected[index]] if index in expected else None)


def test_a_university_is_found_within_two_kilometres_of_its_campus(facts):
    sites = "SELECT o.name_zh || s.name AS name, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat, s.precision FROM site s JOIN organisation o ON o.id = s.organisation_id"
    rows = facts.execute(text(f"{sites} WHERE s.geom IS NOT NULL AND s.precision = 'point' AND s.name !~ '第'")).all()
    assert len(rows) > 100
    far = []
    for found, row in zip(geocode_many(facts, [row.name for row in rows]), rows, strict=True):
        if found.certain and np.hypot((found.lon - row.lon) * 96_000, (found.lat - row.lat) * 111_000) > 2000:
            far.append((row.name, found.name))
        assert found.certain or found.candidates, row.name
    assert not far


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="浙江省杭州市西湖区长兴县和平镇白云街道路号1a ，(", max_size=40))
def test_no_text_breaks_it_and_what_is_certain_has_a_region(facts, address):
    found = geocode(facts, address)
    assert found == geocode(facts, address)
    assert not found.certain or found.adcode
    assert (found.lon is None) == (found.lat is None)


def test_five_hundred_addresses_a_second(facts):
    texts = [f"{address}{number}号" for number in range(6) for address, _, _ in CERTAIN]
    times = []
    for _ in range(3):
        started = time.perf_counter()
        geocode_many(facts, texts)
        times.append(time.perf_counter() - started)
    assert len(texts) / min(times) > 500
