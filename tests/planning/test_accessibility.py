"""What a planner reads for a county must follow from the rows: nobody's instruments lost, nobody's residents forgotten, nothing unknown read as zero."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import text

from geodata.places import Place
from planning.accessibility import METHODS, Question, answer, provinces
from planning.travel import Travel
from planning.world import KINDS, read_world
from tests import factories as make

YUHUAN, WENLING, TAIZHOU, HUANGPU = "331083", "331081", "331000", "310101"
NEAR, FAR = "SRID=4326;POINT(121.25 28.14)", "SRID=4326;POINT(118.2 30.9)"
FLOATING = [method for method in METHODS if method != "county"]


@pytest.fixture
def land(session):
    """Give two neighbouring counties with residents, one instrument in each, 26 km apart."""
    make.region(session, YUHUAN, point="SRID=4326;POINT(121.23 28.13)", population=600_000, population_year=2020)
    make.region(session, WENLING, point="SRID=4326;POINT(121.38 28.36)", population=1_400_000, population_year=2020)
    for adcode, at in ((YUHUAN, NEAR), (WENLING, "SRID=4326;POINT(121.38 28.37)")):
        make.instrument(session, make.carrier(session, adcode=adcode), geom=at)
    session.commit()
    return session


def asked(session, **question):
    found = answer(read_world(session), Question(**question))
    return found, {row.zone.adcode: row for row in found.rows}


@pytest.mark.parametrize("method", FLOATING)
def test_all_that_counties_get_is_all_that_can_be_reached(land, method):
    _, rows = asked(land, method=method)
    assert sum(row.access * row.demand for row in rows.values()) / 100_000 == pytest.approx(2)
    assert rows[WENLING].reached == rows[YUHUAN].reached == 2
    assert not any(row.at_most for row in rows.values())


def test_the_figure_is_the_formula_by_hand(land):
    _, rows = asked(land, method="two_step")
    assert rows[YUHUAN].access == pytest.approx(2 / 2_000_000 * 100_000)
    _, rows = asked(land, method="two_step", minutes=10)
    assert rows[YUHUAN].access == pytest.approx(1 / 600_000 * 100_000)
    assert rows[WENLING].access == pytest.approx(1 / 1_400_000 * 100_000)
    _, faster = asked(land, method="two_step", minutes=10, travel=Travel(detour=1, speed=200))
    assert faster[YUHUAN].access == pytest.approx(0.1)


def test_a_county_counted_by_its_line_has_what_stands_in_it(land):
    found, rows = asked(land, method="county")
    assert rows[YUHUAN].access == pytest.approx(1 / 6)
    assert found.mean == pytest.approx(0.1)


def test_a_county_without_residents_on_record_has_no_figure_and_makes_its_neighbours_an_upper_bound(land):
    land.execute(text("UPDATE region SET population = NULL WHERE adcode = :code"), {"code": WENLING})
    land.commit()
    found, rows = asked(land)
    assert rows[WENLING].access is None
    assert [row.zone.adcode for row in found.unknown] == [WENLING]
    assert rows[YUHUAN].access == pytest.approx(2 / 6)
    assert rows[YUHUAN].at_most
    assert not asked(land, minutes=10)[1][YUHUAN].at_most


def test_a_county_that_reaches_nothing_has_zero_which_is_not_unknown(land):
    make.region(land, "330824", point=FAR, population=250_000)
    land.commit()
    found, rows = asked(land)
    assert rows["330824"].access == 0
    assert [row.zone.adcode for row in found.without] == ["330824"]
    assert rows["330824"].nearest_m == pytest.approx(410_000, rel=0.05)


def test_enterprises_share_instead_of_residents_and_none_is_a_number(land):
    for _ in range(4):
        make.enterprise(land)
    land.commit()
    _, rows = asked(land, demand="enterprises")
    assert rows[YUHUAN].demand == 4
    assert rows[YUHUAN].access == pytest.approx(2 / 4 * 100)
    assert rows[WENLING].demand == 0
    assert rows[WENLING].access == pytest.approx(2 / 4 * 100)
    assert asked(land, demand="enterprises", method="county")[1][WENLING].access is None


def test_instruments_that_nobody_asks_for_are_no_lack_of_instruments(land):
    _, rows = asked(land, demand="enterprises")
    assert {row.demand for row in rows.values()} == {0}
    assert {row.reached for row in rows.values()} == {2}
    assert {row.access for row in rows.values()} == {None}


def test_a_neighbour_from_another_province_shares_and_is_not_shown(land):
    make.region(land, HUANGPU, point="SRID=4326;POINT(121.3 28.2)", population=2_000_000)
    land.commit()
    _, rows = asked(land)
    assert HUANGPU not in rows
    assert rows[YUHUAN].access == pytest.approx(2 / 4_000_000 * 100_000)
    assert set(asked(land, province="310000")[1]) == {HUANGPU}
    assert provinces(read_world(land)) == ["330000", "310000"]


def test_a_class_has_all_its_subclasses_and_a_subclass_only_itself(land):
    land.execute(text("INSERT INTO instrument_class SELECT code, NULL, '示例', 'Sample', '示例' FROM unnest(ARRAY['010000','010100','020100']) code"))
    for number, code in enumerate(("010000", "010100", "020100")):
        make.instrument(land, type_id=make.instrument_type(land, f"示例类{number}", class_code=code).id)
    land.commit()
    assert [asked(land, class_code=code)[0].placed["point"] for code in ("010000", "010100", "020100", "020000", "030000")] == [2, 1, 1, 1, 0]
    assert asked(land)[0].placed["point"] == 5
    nothing, _ = asked(land, class_code="030000")
    assert {row.access for row in nothing.rows} == {0.0}
    assert {row.nearest_m for row in nothing.rows} == {None}


def test_an_instrument_counts_as_exactly_as_its_place_is_known(land):
    here = make.carrier(land, adcode=YUHUAN)
    make.instrument(land, here, precision="township")
    make.instrument(land, here, precision="county", geom=FAR)
    make.instrument(land, here, precision="city", geom=NEAR, adcode=TAIZHOU)
    make.instrument(land, here, precision="city", geom=NEAR, adcode="330000")
    make.instrument(land, here, geom=None)
    land.commit()
    found, rows = asked(land)
    assert found.placed == {"point": 3, "county": 2, "city": 1, "lost": 1}
    assert rows[YUHUAN].inside == 4
    assert rows[YUHUAN].reached == pytest.approx(6)
    assert asked(land, minutes=10)[1][WENLING].reached == pytest.approx(1.5), "half of what is known to the city"
    assert rows[YUHUAN].nearest_m < 3_000


def test_a_county_is_looked_at_from_its_townships_in_equal_parts(land):
    for number, at in enumerate((NEAR, FAR)):
        land.add(Place(code=f"T{number}", kind="township", name_zh="示例镇", name_en="", other_names=[], adcode=YUHUAN, geom=at, source="示例"))
    land.commit()
    _, rows = asked(land, minutes=10)
    assert rows[YUHUAN].access == pytest.approx(1 / 300_000 * 100_000 / 2)
    _, rows = asked(land, minutes=10, points="middles")
    assert rows[YUHUAN].access == pytest.approx(1 / 600_000 * 100_000)
    assert read_world(land).townships.share.tolist() == [0.5, 0.5, 1.0]


@pytest.fixture(autouse=True)
def _asked_every_time(monkeypatch):
    """However busy the machine is, what was known of the rows before is not taken for what they are."""
    monkeypatch.setattr("planning.world.LONG", float("inf"))
    monkeypatch.setattr("planning.world._KNOWN", {})


CHANGES = (
    "UPDATE region SET population = 900000 WHERE adcode = '331083'",
    "UPDATE instrument SET geom = ST_SetSRID(ST_MakePoint(121.2, 28.1), 4326) WHERE id = (SELECT min(id) FROM instrument)",
    "UPDATE instrument SET type_id = NULL WHERE id = (SELECT min(id) FROM instrument)",
    "UPDATE instrument SET is_open = false WHERE id = (SELECT min(id) FROM instrument)",
    "UPDATE organisation SET adcode = '331081' WHERE id = (SELECT min(id) FROM organisation WHERE kind = 'enterprise')",
)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_kept_is_forgotten_when_a_row_changes(land, change):
    make.enterprise(land)
    land.commit()
    before = read_world(land)
    assert read_world(land) is before
    land.execute(text(change))
    land.commit()
    assert read_world(land) is not before


def test_an_empty_land_has_an_empty_answer(session):
    found, rows = asked(session)
    assert rows == {}
    assert found.mean is None
    assert found.placed == dict.fromkeys(KINDS, 0)
    assert np.isfinite(read_world(session).townships.places).all()
