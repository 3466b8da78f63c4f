"""A planner looks for the gap: chooses what is asked, reads the map, the legend and the table, and takes the figures home."""

from __future__ import annotations

import csv
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CLASSES = ("s0", "s2", "s3", "s4", "s5", "nodata")


def legend(page):
    """Return the number of counties that the legend says, by class."""
    items = page.locator(".leg li:has(.sw)")
    return {
        items.nth(n).locator(".sw").get_attribute("class").split()[1]: int(re.search(r"(\d+) 个县", items.nth(n).inner_text())[1])
        for n in range(items.count())
    }


def painted(page):
    """Return how many counties of the map carry each class."""
    page.wait_for_selector("path.valued", state="attached")
    return {key: page.locator(f"path.valued.{key}").count() for key in CLASSES}


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_map_legend_and_table_show_the_same_counties(person, size):
    page = person(size).logs_in("planner").goes("/planner?class=010100&minutes=30&breaks=natural")
    said = legend(page)
    assert sum(said.values()) == 90
    assert said["nodata"] == 22
    assert {key: n for key, n in painted(page).items() if n} == {key: n for key, n in said.items() if n}
    assert page.locator("table.figures tbody tr").count() == 90
    for key, n in said.items():
        assert page.locator(f"table.figures .sw.{key}").count() == n


def test_what_is_chosen_stands_in_the_address_and_a_copied_address_shows_the_same(person):
    one = person().logs_in("planner")
    page = one.goes("/planner")
    page.locator("#class").select_option("010200")
    page.locator("#method").select_option("gaussian")
    page.locator("#minutes").select_option("45")
    page.get_by_text("假设和分级").click()
    page.locator("#speed").fill("60")
    page.locator("form.ask button").click()
    page.wait_for_url("**minutes=45**")
    page.locator("table.figures thead a", has_text="常住人口").click()
    page.wait_for_load_state("load")
    asked = parse_qs(urlsplit(page.url).query)
    assert {name: asked[name] for name in ("class", "method", "minutes", "speed", "sort")} == {
        "class": ["010200"],
        "method": ["gaussian"],
        "minutes": ["45"],
        "speed": ["60"],
        "sort": ["demand"],
    }
    rows = page.locator("table.figures tbody").inner_text()
    again = one.goes(page.url.removeprefix(one.site))
    assert again.locator("table.figures tbody").inner_text() == rows
    assert "质谱仪器" in again.locator("h1").inner_text()


@pytest.mark.parametrize("kind", ["CSV", "GeoPackage"])
def test_the_figures_go_home_as_a_file(person, kind):
    page = person().logs_in("planner").goes("/planner?method=three_step")
    with page.expect_download() as waiting:
        page.get_by_role("link", name=f"导出 {kind}").click()
    path = waiting.value.path()
    if kind == "CSV":
        rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
        assert [row["name_zh"] for row in rows] == [text.split("\n")[0] for text in page.locator("table.figures tbody th").all_inner_texts()]
    else:
        assert path.read_bytes()[:15] == b"SQLite format 3"


def test_a_row_and_its_county_point_at_each_other(person):
    page = person().logs_in("planner").goes("/planner")
    page.wait_for_selector("path.valued", state="attached")
    row = page.locator("table.figures tbody tr").first
    row.hover()
    expect(page.locator("path.valued.on")).to_have_count(1)
    assert row.locator("th").inner_text().split("\n")[0] in page.locator(".map-tip").inner_text()
