"""Every page for everybody, in both languages and sizes: axe-core finds nothing, nothing scrolls sideways or runs out of its box, all can be hit."""

import pytest

from tests.conftest import ROOT
from tests.journeys.walks import PAGES, addresses, expects

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (1280, 1024, 768, 360, 320)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

FAULTS = """async (rules) => {
  const found = await axe.run(document, {resultTypes: ["violations"], runOnly: rules});
  return found.violations.flatMap(({id, nodes}) => nodes.map(({target}) => `${id}: ${target.join(" ")}`));
}"""
SMALL = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter((one) => {
  const {width, height} = one.getBoundingClientRect(), style = getComputedStyle(one);
  if (!width || style.visibility === "hidden" || one.closest("[aria-hidden=true], [inert], [hidden], .leaflet-dot-pane")) return false;
  if (one.matches(".vh") || (one.tagName === "A" && style.display === "inline")) return false;
  return width < 23.5 || height < 23.5;
}).map((one) => (one.getAttribute("aria-label") || one.innerText || one.name).trim().slice(0, 30))"""

TEXTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const shown = node.textContent.trim();
    if (shown && !node.parentElement.closest("script, style, noscript, [hidden]")) found.push(shown);
  }
  return found;
}"""
OVERFLOWING = """() => [...document.querySelectorAll(".price, .btn, .sl, .chip, .tag, .sample, .facts > div, .clause, .vch, .line, .qi, .note, .pick, dl.sum, .top")]
  .filter((one) => one.getBoundingClientRect().width && one.scrollWidth > Math.ceil(one.getBoundingClientRect().width) + 1)
  .map((one) => `${one.className}: ${one.innerText.slice(0, 60)}`)"""


def has_foreign_marks(text):
    """Say whether an English page itself writes Chinese marks; names of sample providers and instruments stay Chinese, with theirs."""
    return any(mark in text for mark in "，；：。、　") and not any("\u4e00" <= sign <= "\u9fff" for sign in text)


def unroll(page):
    """Make the window as high as a page that scrolls: what lies under a bar at the bottom now comes free when one scrolls."""
    if not page.locator(".search, .desk").count():
        high = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": min(high, 6000)})


def check(page, sizes, language):
    """Return what axe finds at the sizes at which it looks, and the widths at which the page scrolls sideways."""
    faults = []
    for width in sizes:
        page.set_viewport_size({"width": width, "height": 800 if width > 720 else 640})
        page.wait_for_timeout(40)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{wide} px wide at {width}")
        if width in (1280, 360):
            unroll(page)
            faults += [f"{fault} at {width}" for fault in page.evaluate(FAULTS, RULES)]
            faults += [f"under 24 px at {width}: {name}" for name in page.evaluate(SMALL)]
            faults += [f"runs out of its box at {width}: {name}" for name in page.evaluate(OVERFLOWING)]
    if language == "en":
        faults += [f"Chinese marks: {text}" for text in page.evaluate(TEXTS) if has_foreign_marks(text)]
    if page.locator("html").get_attribute("lang") != language:
        faults.append(f"not in {language}")
    return faults


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("who", PAGES, ids=str)
def test_a_page_can_be_used_by_everybody(person, who, language):
    one = person(language=language)
    if who:
        one.logs_in(who)
    axe, found = AXE.read_text("utf-8"), {}
    for address in addresses(one, who):
        page = one.goes(address)
        page.wait_for_timeout(200)
        page.evaluate(axe)
        faults = check(page, WIDTHS, "en" if language == "en-GB" else "zh-Hans")
        page.set_viewport_size({"width": 1280, "height": 800})
        if faults:
            found[address] = faults
    expects(one, 403, 404)
    assert found == {}


@pytest.mark.parametrize(
    ("who", "address"), [("enterprise", "/"), ("enterprise", "/?need=%E6%96%AD%E5%8F%A3"), ("enterprise", "/vouchers"), ("planner", "/planner")]
)
def test_the_dark_theme_keeps_its_contrast(person, who, address):
    one = person().logs_in(who)
    one.page.emulate_media(color_scheme="dark")
    page = one.goes(address)
    page.wait_for_timeout(500)
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(FAULTS, ["wcag2a", "wcag2aa"]) == []
