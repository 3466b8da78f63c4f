"""Candidates: the nearest of a type come by the index, nobody closed is among them, and a rough place has no distance."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from core.db import make_engine
from geodata.basemap import Box
from geodata.wanted import Wanted
from matching.candidates import Place, Terms, candidates, complete
from tests import factories as make
from tests.conftest import copied

MICROSCOPE, TESTER = "示例扫描电镜", "示例硬度计"
YUHUAN = Place(121.232, 28.136)
PER_TYPE = 12

SPREAD = """
INSERT INTO instrument (code, organisation_id, type_id, name, geom, precision, source_crs, adcode, status, is_open, hours, specs, is_sample, source)
SELECT format('SPREAD-%s-%s', CAST(:type AS integer), n), :carrier, :type, '示例仪器',
       ST_SetSRID(ST_MakePoint(118.5 + (n * 37 % 1000) * 0.004, 27.5 + (n * 61 % 1000) * 0.0035), 4326), 'point', 'WGS84', :adcode,
       CASE WHEN n % 17 = 0 THEN 'maintenance' ELSE 'working' END, n % 7 <> 0, '{}', '{}', true, '示例'
FROM generate_series(1, 3000) n
"""
LIST = """
INSERT INTO listing (instrument_id, service_code, price, unit, report_days, notice_hours, state, row_version)
SELECT id, 'test_analysis', 100000, 'sample', 2, 24, CASE WHEN id % 5 = 0 THEN 'suspended' ELSE 'open' END, 0 FROM instrument
"""
BY_METRES = """
SELECT i.id FROM instrument i JOIN listing l ON l.instrument_id = i.id AND l.state = 'open'
WHERE i.type_id = :type AND i.is_open AND i.status = 'working'
ORDER BY ST_Distance(i.geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography), i.id LIMIT :most
"""


@pytest.fixture(scope="module")
def spread(server_url, template_url):
    """Lay 3,000 instruments of each of two types over the province, some closed, in repair, or not on offer, in a database of their own."""
    with copied(server_url, template_url) as url:
        engine = make_engine(url, role=None)
        with Session(engine, expire_on_commit=False) as session:
            carrier = make.carrier(session)
            make.service(session)
            for name in (MICROSCOPE, TESTER):
                values = {"type": make.instrument_type(session, name).id, "carrier": carrier.id, "adcode": carrier.adcode}
                session.execute(text(SPREAD), values)
            session.execute(text(LIST))
            session.execute(text("ANALYZE instrument"))
            session.execute(text("ANALYZE open_instrument"))
            yield session
        engine.dispose()


@pytest.fixture
def fresh(spread):
    """Give the session of `spread` for one test: another one would wait for the regions that it has not committed."""
    savepoint = spread.begin_nested()
    yield spread
    savepoint.rollback()


def type_id(session, name):
    return session.scalar(text("SELECT id FROM instrument_type WHERE name_zh = :name"), {"name": name})


def sent(session, act):
    """Return the statement of the nearest that `act` sent, with its parameters."""
    found = []

    def note(_connection, _cursor, statement, parameters, *_more):
        found.append((statement, parameters))

    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return next(one for one in found if "<->" in one[0])


def test_the_nearest_of_a_type_come_from_the_index_of_type_and_place(spread):
    statement, parameters = sent(spread, lambda: candidates(spread, {MICROSCOPE: 1.0, TESTER: 0.5}, place=YUHUAN, per_type=PER_TYPE))
    plan = "\n".join(spread.connection().exec_driver_sql("EXPLAIN " + statement, parameters).scalars())
    first = plan.split("Index Scan using gix_open_instrument_type_geom")[1]
    assert "Order By" in first
    assert "type_id = t.id" in first.split("Index Cond")[1]
    assert "Seq Scan on open_instrument" not in plan


@pytest.mark.parametrize("place", [YUHUAN, Place(119.0, 30.9), Place(120.5, 31.6), Place(10.0, 70.0)])
@pytest.mark.parametrize("per_type", [1, PER_TYPE, 60])
def test_the_candidates_are_the_nearest_by_metres_of_what_is_on_offer(spread, place, per_type):
    found = candidates(spread, {MICROSCOPE: 1.0}, place=place, per_type=per_type)
    values = {"type": type_id(spread, MICROSCOPE), "lon": place.lon, "lat": place.lat, "most": per_type}
    assert sorted(one.instrument_id for one in found) == sorted(spread.scalars(text(BY_METRES), values))
    assert len(found) == per_type


def test_the_filters_of_the_map_narrow_the_candidates(spread):
    everywhere = candidates(spread, {MICROSCOPE: 1.0}, place=YUHUAN)
    few = tuple(one.instrument_id for one in everywhere[:5])
    found = candidates(spread, {MICROSCOPE: 1.0}, place=YUHUAN, wanted=Wanted(busy=few))
    assert len(found) == len(everywhere)
    assert not {one.instrument_id for one in found} & set(few)
    assert candidates(spread, {MICROSCOPE: 1.0}, place=YUHUAN, wanted=Wanted(max_price=99_999)) == []
    assert candidates(spread, {MICROSCOPE: 1.0}, place=YUHUAN, wanted=Wanted(regions=("330522",))) == []


def test_nobody_closed_in_repair_or_not_on_offer_is_a_candidate(spread):
    found = {one.instrument_id for one in candidates(spread, {MICROSCOPE: 1.0, TESTER: 1.0}, place=YUHUAN)}
    query = """SELECT i.id FROM instrument i JOIN listing l ON l.instrument_id = i.id
        WHERE i.is_open AND i.status = 'working' AND l.state = 'open'"""
    assert found
    assert found <= set(spread.scalars(text(query)))


def test_each_type_has_its_own_nearest_and_carries_its_fit(spread):
    found = candidates(spread, {MICROSCOPE: 1.0, TESTER: 0.4, "没有这种仪器": 1.0}, place=YUHUAN, per_type=PER_TYPE)
    assert {(one.type_name, one.type_fit) for one in found} == {(MICROSCOPE, 1.0), (TESTER, 0.4)}
    assert all(sum(one.type_name == name for one in found) <= PER_TYPE for name in (MICROSCOPE, TESTER))


def test_a_box_holds(spread):
    box = Box(121.0, 28.0, 121.5, 28.6)
    found = candidates(spread, {MICROSCOPE: 1.0}, place=Place(119.0, 30.0), wanted=Wanted(box=box))
    assert found
    assert all(box.west <= one.lon <= box.east and box.south <= one.lat <= box.north for one in found)


def test_without_types_there_is_nothing(spread):
    assert candidates(spread, {}, place=YUHUAN) == []


def test_without_a_place_of_ones_own_nobody_has_a_distance(spread):
    found = candidates(spread, {MICROSCOPE: 1.0}, place=None)
    assert found
    assert {one.distance_m for one in found} == {None}


def test_a_place_known_only_roughly_has_no_distance(fresh):
    rough = make.instrument(fresh, precision="county")
    make.listing(fresh, rough)
    (found,) = candidates(fresh, {"场发射扫描电镜": 1.0}, place=YUHUAN)
    assert (found.instrument_id, found.precision, found.distance_m) == (rough.id, "county", None)


def test_a_test_with_a_report_goes_before_a_cheaper_service(fresh):
    one = make.instrument(fresh)
    make.listing(fresh, one, service_code="instrument_sharing", price=30_000, unit="hour")
    make.listing(fresh, one, price=90_000)
    (found,) = candidates(fresh, {"场发射扫描电镜": 1.0}, place=YUHUAN)
    assert (found.service, found.price_fen) == ("test_analysis", 90_000)


def test_terms_are_added_and_nothing_else_changes(fresh):
    make.listing(fresh, make.instrument(fresh))
    (bare,) = candidates(fresh, {"场发射扫描电镜": 1.0}, place=YUHUAN)
    terms = Terms(70_000, 50_000, None, None, None)
    (found,) = complete([bare], lambda _: terms)
    assert found == replace(bare, net_price_fen=70_000, voucher_part_fen=50_000)
