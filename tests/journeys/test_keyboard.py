"""With the keyboard alone: the way from a need to a held voucher, a clerk's decision, the dialogs; the focus can always be seen."""

import re

import pytest

from tests.journeys.walks import NEED, search

pytestmark = pytest.mark.browser

SEEN = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  if (!one || one === document.body) return "nothing has the focus";
  const shows = (element) => {
    const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(element);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || boxShadow.includes("5px");
  };
  const marked = [one, one.firstElementChild, one.parentElement, one.closest(".res"), one.closest(".pick"), one.closest(".needbox")];
  if (!marked.some((element) => element && shows(element))) return `no ring around ${one.outerHTML.slice(0, 80)}`;
  const [x, y] = [box.left + box.width / 2, box.top + Math.min(box.height / 2, 20)];
  const top = document.elementFromPoint(x, y);
  if (!top) return `outside of the window: ${one.outerHTML.slice(0, 80)}`;
  const same = one.contains(top) || top.contains(one) || top.closest(".res") === one.closest(".res") || one.closest("label")?.contains(top);
  return same ? "" : `${one.outerHTML.slice(0, 80)} lies under ${top.outerHTML.slice(0, 80)}`;
}"""


def tabs_to(page, selector, *, key="Tab", most=150):
    """Press Tab until the focus is on what `selector` names; it can be seen at each step."""
    for _ in range(most):
        page.keyboard.press(key)
        page.wait_for_timeout(15)
        assert page.evaluate(SEEN) == ""
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} was not reached with {key}")


def goes_on(page, key="Enter"):
    """Press a key that opens the next page."""
    with page.expect_navigation():
        page.keyboard.press(key)


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_need_becomes_a_held_voucher_without_a_mouse(person, size):
    one = person(size).logs_in("enterprise2")
    page = one.goes("/")
    tabs_to(page, "#need")
    page.keyboard.type(NEED)
    page.keyboard.press("Enter")
    page.wait_for_selector(".res .rank")
    page.locator(".res:not(:has-text('三周内没有空档')):has(.cp) h3 a").first.evaluate("(link) => { link.id = 'wanted'; }")
    tabs_to(page, "#wanted")
    goes_on(page)
    tabs_to(page, ".sl[data-slot-label]:not([aria-pressed=true])")
    page.keyboard.press("Space")
    chosen = page.evaluate("document.activeElement.dataset.slotLabel")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    tabs_to(page, "[data-slot-needed]")
    assert chosen in page.locator("[data-slot-text]:visible").first.inner_text()
    goes_on(page, "Space")
    tabs_to(page, "input[name=voucher]")
    first = page.locator("input[name=voucher]:checked").get_attribute("value")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("(first) => document.querySelector('input[name=voucher]:checked').value !== first", arg=first)
    assert page.evaluate("document.activeElement.name") == "voucher", "the focus stays where it was when the sums are worked out again"
    page.keyboard.press("ArrowUp")
    page.wait_for_function("(first) => document.querySelector('input[name=voucher]:checked').value === first", arg=first)
    page.wait_for_timeout(600)
    tabs_to(page, "button.btn:not([name]):not([type=button])")
    assert "冻结券" in page.evaluate("document.activeElement.innerText")
    goes_on(page)
    assert "/vouchers" in page.url
    assert "冻结 ¥" in page.locator(".flashes").inner_text()


def test_a_clerk_goes_through_the_queue_with_j_and_k_and_decides_with_enter(person):
    page = person().logs_in("reviewer").goes("/desk")
    queue = page.locator("a.qi:not(.lock)")
    before, first = queue.count(), page.locator("#paper-title").inner_text()
    goes_on(page, "j")
    second = page.locator("a.qi[aria-current]").get_attribute("href")
    goes_on(page, "k")
    assert page.locator("#paper-title").inner_text() == first
    assert second != page.locator("a.qi[aria-current]").get_attribute("href")
    page.keyboard.press("a")
    assert page.evaluate(SEEN) == ""
    assert re.search(r"¥[\d,.]+$", page.evaluate("document.activeElement.innerText")), "the button says what is decided, and how much"
    goes_on(page)
    assert "已办" in page.locator(".flashes").inner_text()
    assert page.locator("a.qi:not(.lock)").count() == before - 1


def test_a_decision_that_needs_a_reason_leads_to_the_reason_first(person):
    page = person().logs_in("reviewer2").goes("/desk")
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.name") == "reason"
    page.keyboard.type("jar")
    assert page.locator("[name=reason]").input_value() == "jar", "letters typed into the reason are no keys"
    page.locator("[data-keys-off]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.hasAttribute('data-keys-off')"), "the keys can be turned off"


def test_the_skip_link_comes_first_and_leads_into_the_page(person):
    page = person().goes("/about")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate(SEEN) == ""
    page.keyboard.press("Enter")
    tabs_to(page, "main *", most=1)


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_chips_dialog_opens_and_escape_gives_the_focus_back(person, size):
    page = person(size).goes(search(NEED))
    chip = page.locator(".chips button.chip").last
    chip.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.pop:popover-open')?.contains(document.activeElement)")
    assert page.evaluate(SEEN) == ""
    page.keyboard.press("Escape")
    assert page.locator(".pop:popover-open").count() == 0
    assert chip.evaluate("(chip) => chip === document.activeElement")


def test_the_map_moves_with_arrow_keys_and_offers_to_search_there(person):
    page = person().goes(search(NEED))
    page.wait_for_selector(".pin, .clus")
    page.locator("#map").focus()
    assert page.evaluate(SEEN) == ""
    before = page.evaluate("[irm.map.getCenter().lng, irm.map.getZoom()]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    page.wait_for_function("(before) => irm.map.getZoom() > before", arg=before[1])
    assert page.locator("[data-again]").is_visible()
    assert page.evaluate("irm.map.getCenter().lng") != before[0]
