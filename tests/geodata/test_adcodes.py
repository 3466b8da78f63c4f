"""Codes of before lead to the regions of today, and a point decides where one became several."""

import pytest
from sqlalchemy.orm import Session

from geodata import loading
from geodata.adcodes import current_adcode
from geodata.seeds import read_seed


@pytest.fixture(scope="module")
def facts(app_engine):
    with app_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_regions(session)
            yield session
        outer.rollback()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("330103", "330105"),
        ("330183", "330111"),
        ("330185", "330112"),
        ("330204", "330212"),
        ("330283", "330213"),
        ("330322", "330305"),
        ("330682", "330604"),
        ("331021", "331083"),
        ("332582", "331102"),
        ("330101", "330100"),
        ("310119", "310115"),
        ("339007", "330782"),
    ],
)
def test_a_code_of_before_is_its_successor_and_says_so(facts, old, new):
    found = current_adcode(facts, old)
    assert (found.adcode, found.candidates) == (new, ())
    assert old in found.note[0] % found.note[1]


def test_a_divided_county_is_asked_about_unless_a_point_decides(facts):
    found = current_adcode(facts, "330104")
    assert (found.adcode, found.candidates) == (None, ("330102", "330114"))
    assert current_adcode(facts, "330104", 120.35, 30.31).adcode == "330114"
    assert current_adcode(facts, "330104", 120.20, 30.26).adcode == "330102"
    assert current_adcode(facts, "330104", 122.0, 29.0).candidates == ("330102", "330114")


def test_a_code_that_lives_on_stays_unless_the_point_lies_in_what_was_split_off(facts):
    assert current_adcode(facts, "330110") == current_adcode(facts, "330110", 119.95, 30.27)
    assert current_adcode(facts, "330110").note is None
    moved = current_adcode(facts, "330110", 120.30, 30.42)
    assert moved.adcode == "330113"
    assert "临平区" in moved.note[0] % moved.note[1]


@pytest.mark.parametrize("code", ["999999", "", "abc", "330599", "33"])
def test_a_code_of_no_region_is_none_and_says_so(facts, code):
    found = current_adcode(facts, code)
    assert (found.adcode, found.candidates) == (None, ())
    assert found.note


def test_a_county_of_a_city_that_is_loaded_without_counties_is_that_city(facts):
    found = current_adcode(facts, "320506")
    assert found.adcode == "320500"
    assert found.note


def test_every_change_leads_to_regions_of_today(facts):
    for row in read_seed("adcode_changes"):
        found = current_adcode(facts, row["old"])
        assert found.adcode or len(found.candidates) > 1, row
