"""From a problem in one's own words to a booking: chips, a correction, reasons, weights, three side by side, a slot, a voucher; also by keyboard and phone."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.test_accessibility import AXE, FAULTS, RULES
from tests.journeys.test_keyboard import tabs_to
from tests.journeys.walks import search

pytestmark = pytest.mark.browser

NEED = "轴承套圈断了，想看断口形貌，预算3000元以内"


def asked(page):
    """Return what the address says, by name."""
    return parse_qs(urlsplit(page.url).query)


def answered(page):
    """Wait until no answer is under way."""
    page.wait_for_function("() => !document.querySelector('.htmx-request') && !document.querySelector('#found.busy')")


def full(page, size):
    """Draw the sheet of the phone up to the top."""
    while size == "phone" and page.locator(".search").get_attribute("data-stop") != "2":
        page.locator("[data-sheet='1']").click()


def corrects(page, chip, words):
    """Open the chip whose label begins so, type into its one field and send it."""
    page.locator(".chips button.chip", has_text=chip).first.click()
    dialog = page.locator(".pop:popover-open")
    dialog.locator("input:not([type=hidden])").fill(words)
    dialog.locator("button.btn").click()
    answered(page)


def is_sound(page):
    """Check the page as it stands with axe."""
    page.evaluate("() => document.getElementById('list')?.scrollTo(0, 0)")  # what lies half under the head of the list can be scrolled free
    page.evaluate(AXE.read_text())
    assert page.evaluate(FAULTS, RULES) == []


@pytest.mark.parametrize(("size", "language"), [("desk", "zh-CN"), ("phone", "en-US")])
def test_a_problem_becomes_a_booking_that_one_understands(person, size, language):
    one = person(size, language=language).logs_in("enterprise2")
    page, english = one.goes("/"), language == "en-US"
    page.locator("#need").fill(NEED)
    page.keyboard.press("Enter")
    page.wait_for_selector(".res .rank")
    chips = page.locator(".chips")
    expect(chips).to_contain_text("scanning electron microscope" if english else "扫描电子显微镜")
    expect(chips).to_contain_text("≤ ¥3,000")
    corrects(page, "Budget" if english else "预算", "2500")
    expect(page.locator(".chips")).to_contain_text("≤ ¥2,500")
    assert asked(page)["said"] == ["budget~2500"], "the correction lives in the address"

    full(page, size)
    first = page.locator(".res").first
    assert first.locator(".why li").count() >= 1
    first.locator("details summary").click()
    points = [float(cell) for cell in first.locator("tbody td:last-child").all_inner_texts()]
    assert round(sum(points), 1) == float(first.locator("tfoot td").inner_text()), "the points add up in sight"
    is_sound(page)

    page.locator(".weigh").click()
    page.wait_for_function("() => document.getElementById('weights').contains(document.activeElement)")
    slider = page.locator("#w-distance")
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => new URLSearchParams(location.search).get('w')?.includes('distance:10')")
    answered(page)
    expect(page.locator("[data-first]")).not_to_be_empty()
    assert page.evaluate("document.activeElement.id") == "w-distance", "the focus stays on the slider"
    is_sound(page)
    page.keyboard.press("Escape")
    assert asked(page)["said"] == ["budget~2500"], "a moved weight keeps the correction"

    free = page.locator(".res:has(.cp):not(:has-text('三周内没有空档')):not(:has-text('No free slot'))")
    for n in range(3):
        free.nth(n).locator(".cmp").click()
    expect(page.locator("[data-compare]")).to_contain_text("(3)")
    assert page.locator(".cmp input:not(:checked)").first.is_disabled(), "three are enough"
    page.locator("[data-compare]").click()
    page.wait_for_url("**/compare?**")
    assert page.locator("table.vs thead h2").count() == 3
    assert page.locator("table.vs .mark").count() >= 1, "the best of a row is said in words"
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    is_sound(page)

    page.locator("table.vs .go .btn").first.click()
    page.wait_for_url("**/instruments/**")
    page.locator("[data-slot-needed]:visible").first.click()
    page.wait_for_url("**/checkout?**")
    is_sound(page)
    page.locator(".paybar button:visible, button.big:visible").first.click()
    page.wait_for_url("**/vouchers**")
    assert re.search("冻结 ¥|holds ¥", page.locator(".flashes").inner_text())


def test_weights_and_chips_are_moved_with_the_keyboard_alone(person):
    page = person().goes(search(NEED))
    tabs_to(page, ".chips button.chip:not(.opener)")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.pop:popover-open')?.contains(document.activeElement)")
    page.keyboard.press("Escape")
    tabs_to(page, ".weigh")
    page.keyboard.press("Enter")
    tabs_to(page, "#w-slot", most=12)
    before = page.locator("#w-slot").input_value()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => new URLSearchParams(location.search).has('w')")
    assert page.locator("#w-slot").input_value() != before
    tabs_to(page, "[data-reset]", most=12)
    page.keyboard.press("Enter")
    page.wait_for_function("() => !new URLSearchParams(location.search).has('w')")
    assert page.locator("#w-slot").input_value() == before


def test_back_takes_a_correction_and_a_weight_back(person):
    page = person().goes(search(NEED))
    corrects(page, "预算", "900")
    expect(page.locator(".chips")).to_contain_text("≤ ¥900")
    page.go_back()
    expect(page.locator(".chips")).to_contain_text("≤ ¥3,000")
    page.goto(page.url + "&w=distance:9", wait_until="load")
    assert page.locator("#w-distance").input_value() == "9"


def test_a_correction_that_cannot_be_read_is_told_at_its_field_and_the_list_stays(person):
    page = person().goes(search(NEED))
    rows = page.locator(".res").count()
    corrects(page, "预算", "不知道")
    field = page.locator(".pop:popover-open input[aria-invalid=true]")
    expect(field).to_be_visible()
    assert page.locator(".pop:popover-open .error").inner_text().strip(), "it says what would work"
    assert page.locator(".res").count() == rows
    is_sound(page)


def test_a_type_is_changed_by_name_or_abbreviation(person):
    page = person().goes(search("看断口形貌"))
    corrects(page, "扫描电子显微镜", "透射电镜")
    expect(page.locator(".chips")).to_contain_text("透射电子显微镜")
    assert "type:透射电子显微镜" in asked(page)["fix"]


def test_without_scripts_corrections_weights_and_the_comparison_are_plain_forms(browser, site):
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{site}/?need={quote(NEED)}&say.budget=900&w.distance=9&w.slot=1")
    assert "≤ ¥900" in page.locator(".chips").inner_text()
    ids = [page.locator(".cmp input").nth(n).get_attribute("value") for n in range(2)]
    for n in range(2):
        page.locator(".cmp input").nth(n).check()
    page.locator("[data-compare]").click()
    page.wait_for_load_state("load")
    query = parse_qs(urlsplit(page.url).query)
    assert query["i"] == ids
    assert query["said"] == ["budget~900"]
    assert re.fullmatch(r"distance:9,slot:1", query["w"][0])
    context.close()
