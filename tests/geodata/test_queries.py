"""Reading places: the nearest of a type comes by the index and is the nearest, boxes and regions hold, counts keep the unknown unknown."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Invalid
from geodata import loading
from geodata.queries import NEAREST, carriers_within, counts_by_region, instruments_near
from geodata.sample import lay

YUHUAN = (121.232, 28.136)


@pytest.fixture(scope="module")
def world(app_engine):
    with app_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_facts(session)
            lay(session, "small", day=date(2026, 3, 2))
            for statement in ("RESET ROLE", "ANALYZE instrument", "SET ROLE irm_app"):
                session.execute(text(statement))
            yield session
        outer.rollback()


def type_ids(session, *names):
    return list(session.scalars(text("SELECT id FROM instrument_type WHERE name_zh = ANY(:names) ORDER BY id"), {"names": list(names)}))


def test_the_nearest_of_a_type_comes_from_the_index_of_type_and_place(world):
    values = {"types": type_ids(world, "扫描电子显微镜", "硬度计"), "lon": YUHUAN[0], "lat": YUHUAN[1], "reach": 20, "limit": 10}
    plan = "\n".join(world.scalars(text("EXPLAIN " + NEAREST), values))
    assert "Index Scan using gix_instrument_open_type_geom" in plan
    assert "Order By" in plan
    assert "type_id = t.id" in plan.split("Index Cond")[1]


def test_the_nearest_are_those_that_a_look_at_all_finds(world):
    (type_id,) = type_ids(world, "扫描电子显微镜")
    found = instruments_near(world, [type_id], lon=YUHUAN[0], lat=YUHUAN[1], limit=12)
    everything = """SELECT id FROM instrument WHERE type_id = :type AND is_open
        ORDER BY ST_Distance(geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography), id LIMIT 12"""
    assert [row.instrument_id for row in found] == list(world.scalars(text(everything), {"type": type_id, "lon": YUHUAN[0], "lat": YUHUAN[1]}))
    assert [row.distance_m for row in found] == sorted(row.distance_m for row in found)


def test_each_type_gets_its_own_nearest_and_nobody_closed_is_among_them(world):
    ids = type_ids(world, "扫描电子显微镜", "风洞")
    found = instruments_near(world, ids, lon=120.1, lat=30.2, limit=5)
    assert [sum(row.type_id == one for row in found) for one in ids] == [5, 5]
    closed = set(world.scalars(text("SELECT id FROM instrument WHERE NOT is_open")))
    assert not closed & {row.instrument_id for row in found}


def test_no_type_no_instruments(world):
    assert instruments_near(world, [], lon=120.1, lat=30.2) == []


def test_carriers_in_a_box_and_in_a_region_lie_there(world):
    box = (121.0, 28.0, 121.5, 28.6)
    found = carriers_within(world, box)
    assert found
    assert all(box[0] <= row.lon <= box[2] and box[1] <= row.lat <= box[3] for row in found)
    local = carriers_within(world, region="331083")
    assert local
    assert all(row.adcode == "331083" for row in local)
    assert {row.adcode[:4] for row in carriers_within(world, region="330500")} == {"3305"}


def test_carriers_of_one_kind_only_and_those_with_most_instruments_first(world):
    found = carriers_within(world, kinds=("university",))
    assert {row.carrier_kind for row in found} == {"university"}
    assert [row.instruments for row in found] == sorted((row.instruments for row in found), reverse=True)


def test_a_box_upside_down_is_refused(world):
    with pytest.raises(Invalid):
        carriers_within(world, (121.0, 29.0, 120.0, 30.0))


def test_counts_of_a_class_cover_every_county_and_add_up(world):
    rows = counts_by_region(world, "010000")
    assert len(rows) == 90
    exact = "SELECT count(*) FROM instrument i JOIN instrument_type k ON k.id = i.type_id WHERE i.is_open AND k.class_code LIKE '01%' AND i.adcode NOT LIKE '%00'"
    assert sum(row.instruments for row in rows) == world.execute(text(exact)).scalar()
    assert any(row.instruments == 0 and row.population for row in rows)
    assert any(row.population is None for row in rows)


def test_what_is_known_only_to_the_city_counts_for_the_city(world):
    cities, counties = counts_by_region(world, level="city"), counts_by_region(world)
    assert len(cities) == 11
    assert sum(row.instruments for row in cities) > sum(row.instruments for row in counties)
    assert len(counts_by_region(world, "020100", within="330500")) == 5
