"""The fact tables: complete, connected, sourced."""

from collections import Counter

import pytest
import shapely

from core.errors import Invalid
from geodata.seeds import COLUMNS, parse_seed, read_seed, seed_point

COUNTS = {
    "instrument_classes": 89,
    "instrument_types": 150,
    "type_names": 1514,
    "universities": 111,
    "campuses": 132,
    "institutes": 66,
    "region_names": 172,
    "county_population": 68,
    "city_population": 11,
    "services": 21,
    "waters": 11,
    "townships": 1387,
    "zones": 49,
    "adcode_changes": 138,
}


def column(table: str, name: str) -> list[str]:
    return [row[name] for row in read_seed(table)]


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_has_the_rows_its_readme_promises(table):
    assert len(read_seed(table)) == COUNTS[table]


@pytest.mark.parametrize("table", COLUMNS)
def test_every_row_names_its_source_and_no_file_of_somebodys_machine(table):
    for source in column(table, "source"):
        assert source.strip()
        assert not source.startswith("/")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("instrument_classes", "code"),
        ("instrument_types", "name_zh"),
        ("instrument_types", "name_en"),
        ("universities", "code"),
        ("universities", "name_zh"),
        ("institutes", "ror_id"),
        ("institutes", "name_zh"),
        ("region_names", "adcode"),
        ("county_population", "adcode"),
        ("city_population", "adcode"),
        ("services", "code"),
        ("waters", "name_zh"),
    ],
)
def test_no_fact_is_stated_twice(table, key):
    assert [value for value, count in Counter(column(table, key)).items() if count > 1 or not value] == []


def test_classes_form_a_tree_of_twelve_and_seventy_seven():
    classes = read_seed("instrument_classes")
    roots = {row["code"] for row in classes if not row["parent"]}
    assert (len(roots), len(classes) - len(roots)) == (12, 77)
    assert {row["parent"] for row in classes if row["parent"]} <= roots


def test_every_type_belongs_to_a_known_class_and_has_an_english_name():
    codes = set(column("instrument_classes", "code"))
    for row in read_seed("instrument_types"):
        assert row["class_code"] in codes
        assert row["name_en"].isascii()


def test_every_type_can_be_called_by_another_name_in_both_languages():
    forms: dict[str, list[dict[str, str]]] = {name: [] for name in column("instrument_types", "name_zh")}
    for row in read_seed("type_names"):
        forms[row["type_name_zh"]].append(row)  # a KeyError here is a form of an unknown type
    for name, rows in forms.items():
        assert [row["text"] for row in rows if row["kind"] == "name" and row["lang"] == "zh"] == [name]
        assert any(row["kind"] == "name" and row["lang"] == "en" for row in rows), name
        assert any(row["lang"] == "zh" and row["kind"] != "name" for row in rows) or any(row["kind"] == "abbreviation" for row in rows), name


def test_a_form_is_listed_once_for_a_type_and_in_known_words():
    rows = read_seed("type_names")
    assert [key for key, count in Counter((row["type_name_zh"], row["text"].casefold()) for row in rows).items() if count > 1] == []
    assert {row["lang"] for row in rows} == {"zh", "en"}
    assert {row["kind"] for row in rows} == {"name", "synonym", "abbreviation"}
    assert all(row["text"] == row["text"].strip() for row in rows)


def test_the_name_of_one_type_is_never_a_synonym_of_another():
    names = set(column("instrument_types", "name_zh"))
    assert [row for row in read_seed("type_names") if row["kind"] != "name" and row["text"] in names] == []


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("场发射扫描电子显微镜", {"扫描电子显微镜"}),
        ("气质联用仪", {"气相色谱-质谱联用仪"}),
        ("ICP", {"电感耦合等离子体质谱仪", "电感耦合等离子体发射光谱仪"}),
    ],
)
def test_what_people_say_leads_to_the_type_they_mean(said, meant):
    assert {row["type_name_zh"] for row in read_seed("type_names") if row["text"] == said} == meant


def test_every_campus_belongs_to_a_university_and_every_university_has_a_campus():
    assert set(column("campuses", "university_code")) == set(column("universities", "code"))


def test_a_point_is_in_the_province_and_a_missing_one_is_said_to_be_missing():
    campuses = read_seed("campuses")
    points = [seed_point(row) for row in campuses]
    assert sum(point is None for point in points) == 4
    for row, point in zip(campuses, points, strict=True):
        assert (row["precision"], row["source_crs"]) == (("point", "WGS84") if point else ("none", ""))
    for lon, lat in filter(None, [*points, *map(seed_point, read_seed("institutes"))]):
        assert 118.0 < lon < 123.0
        assert 27.0 < lat < 31.2


def test_coordinates_have_four_decimals():
    for row in (*read_seed("campuses"), *read_seed("institutes")):
        assert all(len(row[axis].partition(".")[2]) == 4 for axis in ("lon", "lat") if row[axis])


def test_institutes_are_no_universities_and_lie_in_known_cities():
    names = set(column("universities", "name_zh")) | set(column("universities", "former_name"))
    cities = set(column("city_population", "adcode"))
    for row in read_seed("institutes"):
        assert row["name_zh"] not in names
        assert row["city_adcode"] in cities
        assert row["precision"] == "city"


def test_region_names_cover_the_province_and_its_neighbours():
    codes = column("region_names", "adcode")
    assert sum(code.startswith("33") for code in codes) == 102
    assert {code[:2] for code in codes} == {"31", "32", "33", "34", "35", "36"}
    assert all(name.isascii() for name in column("region_names", "name_en"))


def test_populations_are_counts_of_known_counties_and_never_guessed():
    regions = set(column("region_names", "adcode"))
    for row in read_seed("county_population"):
        assert row["adcode"] in regions
        assert row["city_adcode"] == f"{row['adcode'][:4]}00"
        assert row["basis"] in {"census", "year-end"}
        assert 2020 <= int(row["year"]) <= 2024
        assert 50_000 < int(row["population"]) < 3_000_000


def test_city_populations_add_up_to_the_census_of_the_province():
    assert sum(map(int, column("city_population", "population"))) == 64_567_588


def test_counties_of_a_fully_published_city_add_up_to_its_census():
    hangzhou = [row for row in read_seed("county_population") if row["city_adcode"] == "330100"]
    assert {(row["year"], row["basis"]) for row in hangzhou} == {("2020", "census")}
    assert sum(int(row["population"]) for row in hangzhou) == 11_936_010


def test_services_hang_on_seven_groups():
    services = read_seed("services")
    groups = {row["code"] for row in services if not row["parent"]}
    assert len(groups) == 7
    assert {row["parent"] for row in services if row["parent"]} == groups


def test_waters_are_valid_small_and_in_the_window():
    rows = read_seed("waters")
    assert Counter(row["kind"] for row in rows) == {"lake": 2, "river": 3, "label": 6}
    shapes = shapely.from_wkt([row["wkt"] for row in rows])
    assert shapely.is_valid(shapes).all()
    west, south, east, north = shapely.total_bounds(shapes)
    assert west >= 117.9
    assert south >= 27.0
    assert east <= 123.2
    assert north <= 31.6
    assert sum(len(row["wkt"]) for row in rows) < 40_000


def test_an_unknown_table_is_refused_with_the_list_of_known_ones():
    with pytest.raises(Invalid, match="universities"):
        read_seed("../secrets")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "adcode,name,source\n330000,Zhejiang,x\n",
        "adcode,name_en,source\n330000,Zhejiang\n",
        "adcode,name_en,source\n330000,Zhejiang,x,y\n",
        "adcode,name_en,source\n330000,Zhejiang, \n",
    ],
)
def test_a_table_with_a_wrong_header_a_short_row_or_no_source_is_refused(text):
    with pytest.raises(Invalid, match="region_names"):
        parse_seed("region_names", text)
