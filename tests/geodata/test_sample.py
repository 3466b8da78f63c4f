"""The invented world: the same seed gives the same one, nobody can take it for real, and every need finds an instrument."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Invalid
from geodata import loading
from geodata.organisations import credit_code
from geodata.sample import lay
from geodata.sampling.names import KNOWN, TRADES
from geodata.sampling.organisations import DEMO_CARRIERS, DEMO_ENTERPRISES, RELATED
from geodata.sampling.types import COMMON, SPECS, shares

DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def facts(owner_engine):
    with owner_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_facts(session)
            yield session
        outer.rollback()


@pytest.fixture(scope="module")
def world(facts):
    with facts.begin_nested() as laid:
        lay(facts, "small", day=DAY)
        yield facts
        laid.rollback()


def ask(session, query, **values):
    return session.execute(text(query), values).scalar()


FINGERPRINTS = (
    "SELECT md5(string_agg(concat_ws('|', code, name_zh, kind, carrier_kind, level, credit_code, size_class, controller, adcode), ',' ORDER BY code)) FROM organisation",
    "SELECT md5(string_agg(concat_ws('|', o.code, s.name, s.adcode, ST_AsText(s.geom)), ',' ORDER BY o.code, s.name)) FROM site s JOIN organisation o ON o.id = s.organisation_id",
    (
        "SELECT md5(string_agg(concat_ws('|', i.code, o.code, i.name, i.value, ST_AsText(i.geom), i.status, i.is_open, i.hours, i.specs), ',' ORDER BY i.code)) "
        "FROM instrument i JOIN organisation o ON o.id = i.organisation_id"
    ),
    (
        "SELECT md5(string_agg(concat_ws('|', i.code, l.service_code, l.price, l.unit, l.report_days, l.notice_hours), ',' ORDER BY i.code, l.service_code)) "
        "FROM listing l JOIN instrument i ON i.id = l.instrument_id"
    ),
)


def fingerprint(session, seed):
    with session.begin_nested() as laid:
        lay(session, "tiny", day=DAY, seed=seed)
        found = [ask(session, query) for query in FINGERPRINTS]
        laid.rollback()
    return found


def test_the_same_seed_gives_the_same_world_and_another_seed_another(facts):
    first, again, other = (fingerprint(facts, seed) for seed in (7, 7, 8))
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


def test_an_unknown_size_names_those_that_there_are(facts):
    with pytest.raises(Invalid, match="small"):
        lay(facts, "huge", day=DAY)


def test_the_small_world_has_the_promised_size(world):
    assert ask(world, "SELECT count(*) FROM organisation WHERE is_sample AND kind = 'carrier'") == 200
    assert ask(world, "SELECT count(*) FROM organisation WHERE is_sample AND kind IN ('enterprise', 'team')") == 600
    assert ask(world, "SELECT count(*) FROM instrument") == 3_000
    assert world.execute(text("SELECT size, day FROM world")).all() == [("small", DAY)]


def test_every_invented_body_says_so_and_has_a_credit_code_of_no_region(world):
    rows = world.execute(text("SELECT name_zh, credit_code, kind, source FROM organisation WHERE is_sample")).all()
    assert all(row.name_zh.startswith("示例·") and row.source == "示例数据" for row in rows)
    codes = [row.credit_code for row in rows if row.kind != "authority"]
    assert all(credit_code(code)[2:8] == "000000" for code in codes)
    assert len(set(codes)) == len(codes) == 800
    assert len({row.name_zh for row in rows}) == len(rows)


def test_real_organisations_get_sample_instruments_and_nothing_else(world):
    assert ask(world, "SELECT count(*) FROM instrument WHERE NOT is_sample OR source <> '示例数据'") == 0
    assert ask(world, "SELECT count(*) FROM organisation WHERE NOT is_sample AND (credit_code IS NOT NULL OR controller IS NOT NULL)") == 0
    query = "SELECT count(*) FROM instrument i JOIN organisation o ON o.id = i.organisation_id WHERE o.carrier_kind IN ('company', 'hospital') OR o.kind <> 'carrier'"
    assert ask(world, query) == 0


def test_every_type_has_at_least_six_open_instruments_with_an_open_listing(world):
    query = """SELECT k.name_zh FROM instrument_type k WHERE 6 > (SELECT count(*) FROM instrument i WHERE i.type_id = k.id AND i.is_open
        AND i.status = 'working' AND EXISTS (SELECT FROM listing l WHERE l.instrument_id = i.id AND l.state = 'open' AND l.service_code = 'test_analysis'))"""
    assert world.scalars(text(query)).all() == []


def test_common_types_are_many_and_rare_ones_few(world):
    rows = world.scalars(text("SELECT count(*) FROM instrument GROUP BY type_id ORDER BY 1 DESC")).all()
    assert len(rows) == 150
    assert rows[0] >= 60
    assert rows[2] > 5 * rows[75]


def test_about_85_percent_are_open_and_only_those_are_listed(world):
    assert 0.82 <= float(ask(world, "SELECT avg(is_open::int) FROM instrument")) <= 0.88
    assert ask(world, "SELECT count(*) FROM listing l JOIN instrument i ON i.id = l.instrument_id WHERE NOT i.is_open OR i.status = 'retired'") == 0


def test_instruments_stand_on_their_campus_and_an_approximate_place_stays_one(world):
    far = "SELECT max(ST_Distance(i.geom::geography, s.geom::geography)) FROM instrument i JOIN site s ON s.id = i.site_id WHERE s.precision = :precision"
    assert 0 < ask(world, far, precision="point") <= 200
    assert ask(world, far, precision="city") == 0
    assert (
        ask(world, "SELECT count(*) FROM instrument i JOIN site s ON s.id = i.site_id WHERE i.precision <> s.precision OR i.adcode <> s.adcode") == 0
    )
    assert ask(world, "SELECT count(*) FROM instrument i JOIN region r ON r.adcode = i.adcode WHERE NOT ST_Covers(r.geom, i.geom)") == 0


def test_a_test_costs_between_50_and_5000_yuan(world):
    low, high = world.execute(text("SELECT min(price), max(price) FROM listing WHERE service_code NOT LIKE '%\\_rd'")).one()
    assert low >= 5_000
    assert high <= 500_000


def test_opening_hours_are_sessions_that_follow_each_other(world):
    for hours in world.scalars(text("SELECT DISTINCT hours FROM instrument")):
        assert set(hours) <= set("1234567")
        for spans in hours.values():
            flat = [moment for span in spans for moment in span]
            assert flat == sorted(flat)


def test_yuhuan_and_huzhou_have_firms_enough_to_live_by_their_policies(world):
    query = "SELECT count(*) FROM organisation WHERE is_sample AND kind IN ('enterprise', 'team') AND adcode LIKE :inside"
    assert ask(world, query, inside="331083") >= 100
    assert ask(world, query, inside="330522") >= 60
    assert ask(world, query, inside="3305%") >= 160


def test_some_firms_share_a_controller_and_one_pair_of_firm_and_carrier_does(world):
    controlled = ask(world, "SELECT count(*) FROM organisation WHERE kind = 'enterprise' AND controller IS NOT NULL")
    assert 60 <= controlled <= 110
    assert ask(world, "SELECT count(DISTINCT controller) FROM organisation WHERE code = ANY(:codes)", codes=list(RELATED)) == 1
    alone = (*DEMO_ENTERPRISES, DEMO_CARRIERS[0])
    assert ask(world, "SELECT count(*) FROM organisation WHERE code = ANY(:codes) AND controller IS NULL", codes=list(alone)) == 3


def test_trades_and_specifications_speak_of_types_that_exist(world):
    known = set(world.scalars(text("SELECT name_zh FROM instrument_type")))
    assert set(SPECS) <= known
    assert set(COMMON) <= known
    assert {name for trade in KNOWN.values() for name in trade.types} <= known
    assert {word for words in TRADES.values() for word in words} <= set(KNOWN)


def test_shares_add_up_whatever_the_size():
    names = [f"t{n}" for n in range(150)]
    for total in (150, 450, 3_000, 99_999):
        assert shares(names, total).sum() == total
