"""The map when there is much on it: numbers that agree, filters, areas, the way back, a lost network, memory; all of it without a mouse too."""

from __future__ import annotations

import gzip
import re
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.journeys.test_keyboard import SEEN, tabs_to
from tests.journeys.walks import NEED, expects, search
from tests.journeys.wandering import KEPT, grows, settles

pytestmark = pytest.mark.browser

SUM = "irm.clusters().reduce((sum, one) => sum + one.n, 0)"
FREE = ".clus:not([inert])"
HAND = """() => new Promise((done) => {
  let left = 12;
  const move = () => { irm.map.panBy([60, 0], { animate: false }); left -= 1; setTimeout(left ? move : done, 40); };
  move();
})"""
"""Twelve moves, 40 ms apart by the page's own timers: they come before the map's pause ends, however busy the machine is."""

DRAWN = """() => {
  const near = [...document.querySelectorAll("canvas.leaflet-tile")].filter((tile) => tile.irm.coords.z > 9);
  return near.length > 0 && near.every((tile) => tile.classList.contains("leaflet-tile-loaded"));
}"""
"""Every tile of a view nearer than the first has come: numbers and tiles are asked for apart."""

PANS = 60
"""Moves of the map while its memory is watched; `make soak` takes more."""


def opens(one, path="/"):
    """Open the map and wait for its first numbers."""
    page = one.goes(path)
    page.wait_for_function("() => irm.clusters?.().length > 0")
    page.wait_for_timeout(300)
    return page


def number(text):
    """Return the first number in a sentence."""
    return int(re.search(r"[\d,]+", text)[0].replace(",", ""))


def query(page):
    """Return the pairs of the address."""
    return parse_qs(urlsplit(page.url).query)


def test_the_discs_add_up_to_the_number_in_the_heading(person):
    page = opens(person())
    assert page.evaluate(SUM) == number(page.locator("[data-say] h2").inner_text()) > 1000
    box = page.evaluate("(() => { const { x, y } = irm.map.getSize(); return [x, y]; })()")
    assert page.locator(".clus").count() <= box[0] * box[1] / 4000, "discs leave the map to be seen"


def test_a_disc_zooms_in_and_the_list_changes_only_when_asked(person):
    page = opens(person())
    heading, first = page.locator("[data-say] h2"), page.locator(".res").first.get_attribute("data-id")
    before, all_of_them = page.evaluate("irm.map.getZoom()"), number(heading.inner_text())
    page.locator(FREE).first.click()
    settles(page)
    assert page.evaluate("irm.map.getZoom()") > before
    assert number(heading.inner_text()) == all_of_them
    offered = number(page.locator("[data-again]").inner_text())
    assert offered == page.evaluate(SUM) < all_of_them
    page.locator("[data-again]").click()
    settles(page)
    assert number(heading.inner_text()) == offered
    assert "area" in query(page)
    page.go_back()
    settles(page)
    assert number(heading.inner_text()) == all_of_them
    assert page.locator(".res").first.get_attribute("data-id") == first
    page.go_forward()
    settles(page)
    assert number(heading.inner_text()) == offered


def test_a_copied_address_shows_the_same(person):
    one = person()
    page = opens(one, "/?kind=university&view=9.00,120.1500,30.2500")
    page.locator("[data-zoom='1']").click()
    settles(page)
    page.locator("[data-again]").click()
    settles(page)
    said, discs, address = page.locator("[data-say] h2").inner_text(), page.evaluate(SUM), page.url
    again = opens(one, address.removeprefix(one.site))
    expect(again.locator("[data-say] h2")).to_have_text(said, use_inner_text=True)
    assert again.evaluate(SUM) == discs == number(said)
    assert again.locator("#filters [name=kind][value=university]").is_checked()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_filters_change_list_numbers_and_address_and_a_chip_takes_them_back(person, size):
    page = opens(person(size))
    heading = page.locator("[data-say] h2")
    everything = number(heading.inner_text())
    page.locator(".opener").click()
    box = page.locator("#filters [name=kind]").first
    told = number(box.locator("xpath=..").locator("[data-facet]").inner_text())
    box.check()
    settles(page)
    page.locator("#filters [name=own_max]").fill("500")
    page.locator("#filters [name=own_max]").press("Tab")
    settles(page)
    assert query(page) == {"kind": [box.get_attribute("value")], "own_max": ["500"], "sort": ["best"]}, "what says nothing stays out of the address"
    assert number(page.locator("[data-apply]").inner_text()) == number(heading.inner_text()) < told < everything
    page.locator("[data-apply]").click()
    expect(page.locator("#filters:popover-open")).to_have_count(0)
    assert page.locator("a.chip.said").count() == 2
    page.locator("a.chip.said", has_text="500").click()
    page.wait_for_url(lambda url: "own_max" not in url)
    settles(page)
    assert number(heading.inner_text()) == told
    assert page.locator("#filters [name=own_max]").input_value() == ""
    assert page.locator("#filters [name=kind]:checked").count() == 1


def test_nothing_found_says_what_would_find_something(person):
    page = person().goes("/?own_max=1")
    expect(page.locator(".blank .example:visible").nth(1)).to_be_visible()
    page.locator(".blank .example:visible").last.click()
    page.wait_for_selector(".res")
    assert "own_max" not in page.url


def test_without_scripts_the_filters_are_a_form_and_the_list_has_pages(browser, site):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{site}/")
    page.locator(".opener").click()
    page.locator("#filters [name=kind][value=university]").check()
    page.locator("#filters [data-apply]").click()
    page.wait_for_url("**kind=university**")
    assert page.locator("a.chip.said").count() == 1
    seen = set(page.eval_on_selector_all(".res", "(rows) => rows.map((row) => row.dataset.id)"))
    page.locator("[data-more]").click()
    page.wait_for_url("**cursor=**")
    assert seen.isdisjoint(page.eval_on_selector_all(".res", "(rows) => rows.map((row) => row.dataset.id)"))
    context.close()


def test_search_as_i_move_keeps_the_list_with_the_map_and_is_remembered(person):
    one = person()
    page = opens(one)
    page.locator("[data-follow]").check()
    page.locator("[data-zoom='1']").click()
    settles(page)
    heading = page.locator("[data-say] h2")
    assert number(heading.inner_text()) == page.evaluate(SUM)
    assert page.locator("[data-again]").is_hidden()
    steps = page.evaluate("history.length")
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    settles(page)
    assert number(heading.inner_text()) == page.evaluate(SUM)
    assert page.evaluate("history.length") == steps, "moves are no steps of the way back"
    assert opens(one).locator("[data-follow]").is_checked()


def test_row_and_disc_point_at_each_other(person):
    page = opens(person(), "/?view=9.00,120.1500,30.2500")
    page.locator("[data-zoom='1']").click()
    settles(page)
    page.locator("[data-again]").click()
    settles(page)
    page.locator(".res h3 a").nth(1).focus()
    expect(page.locator(".clus.on, .one.on")).to_have_count(1)
    page.locator(".clus.on, .one.on").focus()
    expect(page.locator(".res.on").first).to_be_attached()


def test_more_rows_come_at_the_end_and_the_focus_goes_to_them(person):
    page = opens(person())
    seen = page.locator(".res").count()
    page.locator("[data-more]").click()
    page.wait_for_function("(seen) => document.querySelectorAll('.res').length > seen", arg=seen)
    ids = page.eval_on_selector_all(".res", "(rows) => rows.map((row) => row.dataset.id)")
    assert len(ids) == len(set(ids)) == 2 * seen
    assert page.evaluate("document.activeElement.closest('.res').dataset.id") == ids[seen]


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_what_stands_on_one_spot_fans_out_or_is_listed(person, size):
    page = opens(person(size))
    for _ in range(14):
        page.locator(FREE).first.focus()
        page.keyboard.press("Enter")
        settles(page)
        if page.evaluate("irm.fanned()") or page.locator(".card-pop").count():
            break
    if page.evaluate("irm.fanned()"):
        first = page.evaluate("document.activeElement.getAttribute('href')")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.getAttribute('href')") != first
        assert page.evaluate(SEEN) == ""
        page.keyboard.press("Escape")
        assert not page.evaluate("irm.fanned()")
    else:
        page.wait_for_selector(".card-pop a[href^='/instruments/']")
        page.keyboard.press("Escape")
        page.wait_for_selector(".card-pop", state="detached")
    assert page.evaluate("document.activeElement.matches('.clus, .one, #map')"), "the focus comes back to the disc, or to the map where it was"


def test_a_dot_on_the_canvas_says_what_it_is(person):
    page = opens(person(), "/?view=9.00,120.1500,30.2500")
    spot = page.evaluate(
        "fetch('/map/view?area=120.0,30.1,120.4,30.4&view=17,120.2,30.2').then((a) => a.json()).then((a) => a.clusters.find((one) => one.n === 1))"
    )
    page.evaluate("({ lon, lat }) => { irm.map.setView([lat, lon], 16, { animate: false }); }", spot)
    settles(page)
    page.wait_for_function(DRAWN)
    page.evaluate("document.querySelectorAll('.clus, .one').forEach((sign) => sign.remove())")
    middle = page.evaluate("({ lon, lat }) => { const p = irm.map.latLngToContainerPoint([lat, lon]); return [p.x, p.y]; }", spot)
    page.locator("#map").click(position={"x": middle[0], "y": middle[1]})
    page.wait_for_selector(".card-pop a[href^='/instruments/']")


def test_what_is_scrolled_to_beyond_the_edge_moves_no_map(person):
    page = opens(person())
    page.evaluate("document.querySelector('#map').scrollIntoView({ block: 'end', inline: 'start' })")
    page.evaluate("document.querySelector('.mapbox').scrollLeft = 200")
    assert page.evaluate("document.querySelector('.mapbox').scrollLeft") == 0


def test_a_lost_network_is_said_once_and_can_be_tried_again(person):
    one = person()
    page = opens(one)
    before = page.evaluate(SUM)
    one.context.set_offline(True)
    page.locator("[data-zoom='1']").click()
    page.wait_for_selector("[data-trouble]:not([hidden])")
    assert page.evaluate(SUM) == before, "the numbers are those from before"
    one.context.set_offline(False)
    page.locator("[data-trouble] button").click()
    page.wait_for_selector("[data-trouble]", state="hidden")
    settles(page)
    assert page.evaluate(SUM) <= before
    one.complaints[:] = [line for line in one.complaints if "ERR_INTERNET_DISCONNECTED" not in line]


def test_an_error_of_the_server_leaves_the_page_usable(person):
    one = person()
    page = opens(one)
    page.route("**/map/view**", lambda route: route.fulfill(status=500, body="no"))
    page.locator("[data-zoom='1']").click()
    page.wait_for_selector("[data-trouble]:not([hidden])")
    assert page.locator(".res").count() > 0
    expects(one, 500)


def test_a_fast_hand_asks_little(person):
    page = opens(person())
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/map/view" in request.url else None)
    page.evaluate(HAND)
    settles(page)
    assert 1 <= len(asked) <= 3
    assert page.evaluate(SUM) > 0


def test_an_overtaken_answer_is_not_shown(person):
    page = opens(person())
    slow = []
    page.route("**/map/view**", lambda route: route.continue_() if slow else slow.append(route))
    page.locator("[data-zoom='1']").click()
    while not slow:
        page.wait_for_timeout(50)
    page.locator("[data-zoom='1']").click()
    settles(page)
    shown = page.evaluate(SUM)
    slow[0].fulfill(
        json={"total": 1, "clusters": [{"lon": 120, "lat": 30, "n": 1, "cell": [119, 29, 121, 31], "id": 1, "approximate": False}], "list": ""}
    )
    page.wait_for_timeout(200)
    assert page.evaluate(SUM) == shown > 1


INK = """() => Math.max(...[...document.querySelectorAll("canvas.leaflet-tile")].map((tile) => {
  const { data } = tile.getContext("2d").getImageData(0, 0, tile.width, tile.height);
  let most = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 60) most = Math.max(most, data[at] + data[at + 1] + data[at + 2]);
  return most;
}))"""
"""The lightest colour of the spots on the canvas: red, green and blue together, 0 where there is none."""


def test_the_spots_follow_the_theme_without_asking_again(person):
    page = opens(person())
    page.wait_for_function(f"() => ({INK})() > 0")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if ".mvt" in request.url else None)
    light = page.evaluate(INK)
    page.locator("[data-theme-toggle]:visible").click()
    page.wait_for_timeout(300)
    assert page.evaluate(INK) > light + 100, "spots on a dark map are light"
    assert asked == []


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_filter_panel_is_walked_by_keyboard(person, size):
    page = opens(person(size))
    tabs_to(page, ".opener")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#filters:popover-open')?.contains(document.activeElement)")
    tabs_to(page, "#filters [name=free]")
    page.keyboard.press("Space")
    settles(page)
    assert query(page)["free"] == ["week"]
    assert page.evaluate("document.activeElement.name") == "free", "the focus stays while the list is asked anew"
    page.keyboard.press("Escape")
    expect(page.locator("#filters:popover-open")).to_have_count(0)
    page.wait_for_function("() => document.activeElement.matches('.opener')")


def test_ranked_pins_stand_alone(person):
    page = person().goes(search(NEED))
    page.wait_for_selector(".pin")
    expect(page.locator(".clus[data-n], .one")).to_have_count(0)
    expect(page.locator("canvas.leaflet-tile")).to_have_count(0)
    page.locator("#need").fill("")
    page.keyboard.press("Enter")
    page.wait_for_function("() => irm.clusters().length > 0")
    expect(page.locator(".pin")).to_have_count(0)


def test_memory_stays_flat_however_long_one_wanders(person):
    one = person()
    page = opens(one)
    before, after = grows(page, PANS)
    assert after.heap < KEPT * before.heap
    assert after.nodes < KEPT * before.nodes


def test_the_page_weighs_little(site):
    """What a browser fetches before a map can be seen, as gzip leaves it."""
    page = urlopen(f"{site}/").read()
    names = set(re.findall(r"/assets/[\w/.-]+\.(?:js|css)\?v=\w+", page.decode()))
    assert len(gzip.compress(page, 6)) <= 15_000
    assert len(names) > 20
    assert sum(len(gzip.compress(urlopen(site + name).read(), 6)) for name in names) <= 180_000
