"""The planner's page: a finding, the same figures on map, table and file, and an address that holds all of it."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests import factories as make
from tests.app.desks import said

YUHUAN, WENLING, LUCHENG, YONGJIA = "331083", "331081", "330302", "330324"
SQUARE = "SRID=4326;MULTIPOLYGON((({0} {1}, {2} {1}, {2} {3}, {0} {3}, {0} {1})))"
NAMES = {YUHUAN: "玉环市", WENLING: "温岭市", LUCHENG: "鹿城区", YONGJIA: "永嘉县"}
PEOPLE = {YUHUAN: 600_000, WENLING: 1_400_000, LUCHENG: None, YONGJIA: 900_000}
AT = {YUHUAN: (121.23, 28.13), WENLING: (121.38, 28.36), LUCHENG: (120.0, 28.0), YONGJIA: (118.3, 30.5)}


@pytest.fixture
def land(session):
    """Give four counties: two that share three instruments, one without a population figure, one far from everything."""
    for adcode, (lon, lat) in AT.items():
        shape = SQUARE.format(lon - 0.05, lat - 0.05, lon + 0.05, lat + 0.05)
        facts = {"name_zh": NAMES[adcode], "name_en": f"County {adcode}", "population": PEOPLE[adcode], "population_year": 2020}
        make.region(session, adcode, geom=shape, point=f"SRID=4326;POINT({lon} {lat})", **facts)
    for adcode in (YUHUAN, YUHUAN, WENLING):
        make.instrument(session, make.carrier(session, adcode=adcode), geom="SRID=4326;POINT({} {})".format(*AT[adcode]))
    session.commit()
    return session


@pytest.fixture
def see(land, web, bearer, clock):
    """Return a way to look at an address as a planner."""
    headers = bearer("planner")
    return lambda path="/planner", **query: web.get(path, query_string=query, headers=headers)


def rows(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def table(answer):
    """Return the table's rows by county: what stands in their cells, folded."""
    body = re.search(r"<tbody>(.*?)</tbody>", answer.get_data(as_text=True), re.DOTALL)[1]
    found = [
        [" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
        for row in re.findall(r"<tr .*?</tr>", body, re.DOTALL)
    ]
    return {row[1].split()[0]: row for row in found}


def test_the_title_is_the_finding(see):
    assert "3 个县（市、区）里，1 个在 60 分钟内到不了一台开放的仪器设备" in said(see())
    assert "这些县共 90 万常住人口" in said(see())
    assert "另有 1 个县没有数字，画斜线，不估计" in said(see())


def test_table_map_and_file_have_the_same_figures_and_no_data_is_no_zero(see):
    page, file = see(), {row["name_zh"]: row for row in rows(see("/planner/gaps.csv"))}
    shown = table(page)
    assert list(shown) == ["永嘉县", "温岭市", "玉环市", "鹿城区"] == list(file)
    assert shown["玉环市"][2:5] == ["0.15", "2", "3"]
    assert float(file["玉环市"]["access"]) == pytest.approx(3 / 2_000_000 * 100_000)
    assert shown["永嘉县"][2] == "0"
    assert file["永嘉县"]["map_class"] == "s0"
    assert shown["鹿城区"][2] == "不计算"
    assert file["鹿城区"]["access"] == ""
    assert file["鹿城区"]["map_class"] == "nodata"
    values = json.loads(re.search(r"Object.assign\(irm,(\{.*?\})\);", page.get_data(as_text=True), re.DOTALL)[1])["values"]
    assert values == {row["adcode"]: row["map_class"] for row in file.values()}


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ({}, "路程不超过 60 分钟是 1"),
        ({"method": "enhanced", "minutes": "30"}, "1（≤ 10 分钟）、0.68（≤ 20 分钟）、0.22（≤ 30 分钟）"),
        ({"method": "gaussian", "minutes": "45"}, "到 45 分钟降到 0"),
        ({"method": "three_step"}, "0.962（≤ 10 分钟）、0.704（≤ 20 分钟）、0.377（≤ 30 分钟）、0.042（≤ 60 分钟）"),
        ({"method": "county"}, "邻县的也许更近，这里不算"),
        ({"demand": "enterprises"}, "县 i 登记的企业和创客团队数"),
        ({"speed": "80", "detour": "1.5"}, "直线 × 1.5 ÷ 时速 80 公里"),
        ({"breaks": "natural"}, "其余按自然断点取整"),
        ({"points": "middles"}, "从它的代表点量起"),
    ],
)
def test_the_page_says_how_it_was_computed(see, query, what):
    assert what in said(see(**query))


def test_the_address_holds_everything_and_every_link_keeps_it(see):
    kept = {"method": "gaussian", "minutes": "45", "demand": "enterprises", "points": "middles", "speed": "60", "detour": "1.4", "breaks": "natural"}
    page = see(sort="demand", order="down", **kept).get_data(as_text=True)
    links = [dict(parse_qsl(urlsplit(unescape(address)).query)) for address in re.findall(r'href="(/planner[^"]*\?[^"]*)"', page)]
    assert len(links) == 2 + 6 + 1, "two files, six columns, the other language"
    assert all({name: value for name, value in link.items() if name not in ("sort", "order", "lang")} == kept for link in links)
    for name in ("method", "minutes", "demand", "points", "breaks"):
        assert re.search(rf'<option value="{kept[name]}" selected>', page), name
    for name in ("speed", "detour"):
        assert f'name="{name}"' in page
        assert f'value="{kept[name]}"' in page
    assert '<input type="hidden" name="sort" value="demand">' in page


@pytest.mark.parametrize(
    ("sort", "order", "first"),
    [
        ("access", "down", "温岭市"),
        ("demand", "down", "温岭市"),
        ("inside", "down", "玉环市"),
        ("nearest", "down", "永嘉县"),
        ("name", "up", "鹿城区"),
    ],
)
def test_the_table_is_ordered_by_any_column_and_the_file_with_it(see, sort, order, first):
    page = see(sort=sort, order=order)
    assert next(iter(table(page))) == first
    assert rows(see("/planner/gaps.csv", sort=sort, order=order))[0]["name_zh"] == first
    assert page.get_data(as_text=True).count('aria-sort="none"') == 5
    assert f'aria-sort="{"ascending" if order == "up" else "descending"}"' in page.get_data(as_text=True)


def test_what_is_unknown_stands_last_in_either_order(see):
    for order in ("up", "down"):
        assert list(table(see(sort="demand", order=order)))[-1] == "鹿城区"


def test_every_row_of_the_file_can_stand_alone(see):
    row = rows(see("/planner/gaps.csv", method="enhanced", minutes="30"))[0]
    assert row["method"] == "enhanced"
    assert (row["minutes"], row["per"], row["detour"], row["speed_kmh"], row["demand_kind"]) == ("30", "100000", "1.3", "50.0", "population")
    assert row["as_of"].startswith("2026-11-24T")
    assert (row["is_sample"], row["note"]) == ("True", "示例数据")


def test_the_geopackage_has_outlines_figures_system_and_parameters(see, tmp_path):
    answer = see("/planner/gaps.gpkg", method="gaussian")
    assert answer.headers["Content-Disposition"].endswith("accessibility-330000-all-gaussian.gpkg")
    path = tmp_path / "gaps.gpkg"
    path.write_bytes(answer.data)

    import geopandas
    import pyogrio

    info = pyogrio.read_info(path)
    frame = geopandas.read_file(path).set_index("name_zh")
    assert info["crs"] == "EPSG:4326"
    assert info["layer_metadata"]["method"] == "gaussian"
    assert info["layer_metadata"]["note"] == "示例数据"
    assert "Dai (2010)" in info["layer_metadata"]["source"]
    expected = {row["name_zh"]: row for row in rows(see("/planner/gaps.csv", method="gaussian"))}
    assert {name: f"{value:.9f}" for name, value in frame["access"].dropna().items()} == {
        n: f"{float(r['access']):.9f}" for n, r in expected.items() if r["access"]
    }
    assert frame["demand"].isna().to_dict() == {name: row["demand"] == "" for name, row in expected.items()}
    assert frame.loc["玉环市", "geometry"].bounds == pytest.approx((121.18, 28.08, 121.28, 28.18))


WRONG = [
    ("class", "123456", "没有这个仪器门类"),
    ("class", "' OR 1=1", "没有这个仪器门类"),
    ("province", "440000", "没有这个省级代码"),
    ("province", "x", "没有这个省级代码"),
    ("method", "magic", "没有“magic”这个选项"),
    ("minutes", "0", "10 到 180 分钟"),
    ("minutes", "1e2", "10 到 180 分钟"),
    ("minutes", "99999999999999999999", "10 到 180 分钟"),
    ("demand", "dogs", "没有“dogs”这个选项"),
    ("speed", "nan", "5 到 200 之间"),
    ("speed", "-3", "5 到 200 之间"),
    ("detour", "inf", "1 到 3 之间"),
    ("sort", "colour", "没有“colour”这个选项"),
    ("points", "zones", "没有“zones”这个选项"),
]


@pytest.mark.parametrize(("name", "value", "why"), WRONG)
@pytest.mark.parametrize("path", ["/planner", "/planner/gaps.csv", "/planner/gaps.gpkg"])
def test_what_cannot_be_meant_is_named(see, path, name, value, why):
    answer = see(path, **{name: value})
    assert answer.status_code == 422
    assert why in said(answer)


def test_without_a_province_of_counties_the_page_stands_and_says_so(web, bearer):
    page = web.get("/planner", headers=bearer("planner"))
    assert page.status_code == 200
    assert "算不出来" in said(page)


def test_another_province_can_be_chosen_once_its_counties_are_there(land, see):
    make.region(land, "340104", name_zh="蜀山区", name_en="Shushan", geom=SQUARE.format(117, 31, 117.1, 31.1), point="SRID=4326;POINT(117.05 31.05)")
    land.commit()
    page = see(province="340000")
    assert "没有“常住人口”的数字，算不出来" in said(page)
    assert list(table(page)) == ["蜀山区"]
    assert "/planner/base/340000/tiny.geojson" in page.get_data(as_text=True)
    assert see("/planner/base/340000/tiny.geojson").status_code == 200
    assert see("/planner/base/nonsense/tiny.geojson").status_code == 404
    assert see("/planner/base/340000/huge.geojson").status_code == 404


@pytest.mark.parametrize("path", ["/planner", "/planner/gaps.csv", "/planner/gaps.gpkg"])
def test_it_is_for_planners_and_auditors(land, web, bearer, path):
    assert web.get(path, headers=bearer("auditor")).status_code == 200
    assert web.get(path, headers=bearer("enterprise")).status_code == 403
    assert web.get(path).status_code == 303


def test_the_page_reads_in_english(see):
    text = said(see(lang="en"))
    assert "1 of 3 counties: no open instruments within 60 minutes" in text
    assert "County 331083" in text
