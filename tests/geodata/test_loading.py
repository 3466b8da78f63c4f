"""The real facts: every point finds its county, a second load doubles nothing, nobody real gets more than its source says."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Invalid
from geodata import loading
from geodata.instruments import InstrumentType
from geodata.regions import region_at


@pytest.fixture(scope="module")
def facts(app_engine):
    with app_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_facts(session)
            yield session
        outer.rollback()


def ask(session, query, **values):
    return session.execute(text(query), values).scalar()


def counts(session):
    tables = ("region", "region_shape", "water", "instrument_class", "instrument_type", "service", "organisation", "site")
    return {table: ask(session, f"SELECT count(*) FROM {table}") for table in tables}


def test_zhejiang_has_its_eleven_cities_and_ninety_counties(facts):
    rows = dict(facts.execute(text("SELECT level, count(*) FROM region WHERE adcode LIKE '33%' GROUP BY level")).all())
    assert rows == {"province": 1, "city": 11, "county": 90}


def test_neighbours_stop_at_the_city_and_meet_the_home_province(facts):
    assert ask(facts, "SELECT count(*) FROM region WHERE level = 'county' AND left(adcode, 2) IN ('32','34','35','36')") == 0
    assert region_at(facts, 120.6196, 31.2990).name_zh == "苏州市"


def test_every_region_can_be_drawn_at_both_details_and_names_its_parent(facts):
    assert ask(facts, "SELECT count(*) FROM region r WHERE (SELECT count(*) FROM region_shape s WHERE s.adcode = r.adcode) <> 2") == 0
    assert ask(facts, "SELECT count(*) FROM region WHERE (level = 'province') <> (parent_adcode IS NULL)") == 0


def test_loading_again_adds_and_changes_nothing(facts):
    before = counts(facts), ask(facts, "SELECT md5(string_agg(o::text, '' ORDER BY id)) FROM organisation o")
    loading.load_facts(facts)
    assert (counts(facts), ask(facts, "SELECT md5(string_agg(o::text, '' ORDER BY id)) FROM organisation o")) == before


def test_a_campus_in_another_city_belongs_to_the_county_of_its_point(facts):
    query = "SELECT s.adcode FROM site s JOIN organisation o ON o.id = s.organisation_id WHERE o.name_zh = '浙江工业大学' AND s.name = '莫干山校区'"
    assert ask(facts, query) == "330521"
    assert ask(facts, "SELECT adcode FROM organisation WHERE name_zh = '浙江工业大学'").startswith("3301")


def test_an_exact_point_gives_the_county_and_a_city_centre_only_the_city(facts):
    query = "SELECT count(*) FROM site WHERE geom IS NOT NULL AND precision = :precision AND (adcode IS NULL OR (adcode LIKE '%00') <> :city)"
    assert ask(facts, query, precision="point", city=False) == 0
    assert ask(facts, query, precision="city", city=True) == 0


def test_a_university_without_a_point_keeps_the_city_of_its_seat(facts):
    query = "SELECT count(*) FROM site s JOIN organisation o ON o.id = s.organisation_id WHERE s.geom IS NULL AND o.adcode NOT LIKE '33%00'"
    assert ask(facts, "SELECT count(*) FROM site WHERE geom IS NULL") == 4
    assert ask(facts, query) == 0


def test_real_organisations_are_no_sample_and_get_no_invented_credit_code(facts):
    assert ask(facts, "SELECT count(*) FROM organisation WHERE is_sample OR credit_code IS NOT NULL OR name_zh LIKE '示例%'") == 0
    assert ask(facts, "SELECT count(*) FROM organisation WHERE carrier_kind = 'university'") == 112


@pytest.mark.parametrize(
    ("name", "kind", "sort"),
    [
        ("浙江省财政厅", "government", None),
        ("宁波市人民政府", "government", None),
        ("镇海区疾病预防控制中心", "government", "institute"),
        ("硅材料国家重点实验室", "facility", "key_lab"),
        ("嘉兴市第一医院", "healthcare", "hospital"),
        ("中国水稻研究所", "facility", "institute"),
    ],
)
def test_what_sort_of_carrier_a_registered_body_is(name, kind, sort):
    assert loading.carrier_kind(name, kind) == sort


def test_populations_add_up_to_the_census_and_unknown_ones_stay_unknown(facts):
    assert ask(facts, "SELECT population FROM region WHERE adcode = '330000'") == 64_567_588
    assert ask(facts, "SELECT population FROM region WHERE adcode = '331083'") == 644_000
    assert ask(facts, "SELECT population FROM region WHERE adcode = '330802'") is None


def test_another_province_is_loaded_to_the_county_when_it_is_asked_for(facts):
    loading.load_regions(facts, provinces=["310000"], around=())
    loading.load_regions(facts, provinces=["460000"], around=())
    assert region_at(facts, 110.3312, 20.0311).adcode.startswith("4601")
    with pytest.raises(Invalid):
        loading.load_regions(facts, provinces=["990000"], around=())


def test_rows_copied_in_bulk_keep_chinese_text_and_empty_values(facts):
    rows = [{"name_zh": f"试验类型“{n}”\t", "name_en": "test", "class_code": "010100", "source": "x\ny"} for n in range(3)]
    loading.copy_rows(facts, InstrumentType, rows)
    found = facts.execute(text("SELECT name_zh, source FROM instrument_type WHERE name_en = 'test' ORDER BY id")).all()
    assert [tuple(row) for row in found] == [(row["name_zh"], "x\ny") for row in rows]


def test_drawn_ids_rise_and_are_given_once(facts):
    first, second = loading.take_ids(facts, InstrumentType, 5), loading.take_ids(facts, InstrumentType, 5)
    assert sorted({*first, *second}) == first + second
