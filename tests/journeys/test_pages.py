"""Pages that everybody may see, in a real browser at both sizes."""

import re

import pytest
from playwright.sync_api import expect

NEED = "/?need=%E6%96%AD%E5%8F%A3%E5%BD%A2%E8%B2%8C"
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_stranger_sees_ranked_carriers_with_reasons_on_list_and_map(person, size):
    page = person(size).goes(NEED)
    rows = page.locator(".res")
    assert rows.count() == 20
    assert page.locator(".res .why li").count() >= 20
    page.wait_for_selector(".pin, .clus")


def test_a_voucher_leaves_the_names_room_on_a_phone(person):
    page = person("phone").logs_in("enterprise").goes(NEED)
    page.wait_for_selector(".res .mbar")
    widths = page.eval_on_selector_all(".res:has(.mbar) h3", "(names) => names.map((name) => name.getBoundingClientRect().width)")
    assert min(widths) > 120, "the bar of own part and voucher takes no more than the price beside it"


def test_a_voucher_of_a_city_tints_all_its_counties(person):
    page = person().logs_in("enterprise2").goes("/")
    page.wait_for_selector("path.home", state="attached")
    expect(page.locator("path.home"), "the five counties of Huzhou").to_have_count(5)


def test_the_page_of_an_instrument_says_the_distance_that_the_list_said(person):
    page = person().logs_in("enterprise2").goes(NEED)
    row = page.locator(".res", has_text="直线").first
    said = re.search(r"直线 [\d.]+ (公里|米)", row.inner_text())[0]
    row.locator("h3 a").click()
    page.wait_for_load_state("load")
    assert said in page.locator("aside").inner_text()
