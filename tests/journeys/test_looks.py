"""What an eye would stumble over: doubled things on the map, loose separators, a header in two lines, sentences that do not fit the moment."""

import pytest

from tests.journeys.walks import NEED, checkout, instrument, search

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_everything_stands_on_the_map_once(person, size):
    page = person(size).logs_in("enterprise").goes(search(NEED))
    page.wait_for_selector(".pin")
    page.wait_for_timeout(400)
    pins = page.eval_on_selector_all(".pin", "(pins) => pins.map((pin) => pin.dataset.id)")
    assert len(pins) == len(set(pins))
    assert page.locator(".me").count() == 1
    assert page.locator(".ctl [data-zoom='1']").count() == 1
    before = page.evaluate("irm.map.getZoom()")
    page.locator("[data-zoom='1']").click()
    page.wait_for_function("(before) => irm.map.getZoom() === before + 0.5", arg=before)


def test_the_legend_names_only_what_is_there(person):
    page = person().goes("/")
    page.wait_for_timeout(600)
    shown = page.eval_on_selector_all(".leg li:not([hidden])", "(lines) => lines.map((line) => line.dataset.when)")
    assert ("dots" in shown) == (page.locator(".dot").count() > 0)
    assert "pins" not in shown


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_lines_of_the_list_end_with_words(person, language):
    page = person(language=language).goes(search(NEED))
    lines = [line.strip() for text in page.locator(".res .sub").all_inner_texts() for line in text.split("\n")]
    assert [line for line in lines if line.startswith("·") or line.endswith("·") or "· ·" in line] == []
    assert len(lines) >= 40


def test_in_english_the_type_stands_beside_a_chinese_name(person):
    one = person(language="en-GB").logs_in("enterprise2")
    page = one.goes(search(NEED))
    assert all("·" in text.split("\n")[0] for text in page.locator(".res .sub").all_inner_texts())
    page = one.goes(instrument(one))
    assert page.locator(".facts dd").first.inner_text().isascii()
    page = one.goes(checkout(one))
    assert "Test and analysis" in page.locator(".pairs").first.inner_text()


def test_a_clause_that_passed_reads_as_passed(person):
    one = person().logs_in("enterprise2")
    address = checkout(one)
    for language, refusing in (("zh", "不能"), ("en", "cannot")):
        page = one.goes(f"{address}&lang={language}")
        passed = page.locator(".clause.ok q").all_inner_texts()
        assert len(passed) >= 3
        assert [text for text in passed if refusing in text] == []


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_the_header_stays_one_line(person, language):
    page = person(language=language).logs_in("enterprise").page
    for width in (1280, 1181, 1024, 901, 768, 360):
        page.set_viewport_size({"width": width, "height": 700})
        low = page.evaluate("Math.max(...[...document.querySelectorAll('.top > *, .end > *')].map((one) => one.getBoundingClientRect().bottom))")
        assert low <= page.evaluate("document.querySelector('.top').getBoundingClientRect().bottom") + 1, width
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_a_promise_about_cancelling_is_never_in_the_past(person):
    one = person().logs_in("enterprise")
    page = one.goes(checkout(one))
    done = page.locator(".trace li:not(.todo)").all_inner_texts()
    to_come = page.locator(".trace li.todo").all_inner_texts()
    said = [text for text in to_come if "可以取消" in text] or [text for text in done if "不能自己取消" in text]
    assert len(said) == 1
