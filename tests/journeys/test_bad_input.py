"""What people do by mistake, by impatience or on purpose: nothing is lost, nothing is taken twice, every refusal says what would work."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text

from tests.journeys.walks import NEED, checkout, expects, instrument, search

pytestmark = pytest.mark.browser

CONFIRM = "button.big"


@pytest.fixture
def asks(world_url):
    """Give a function that asks the database of the world one value."""
    engine = create_engine(world_url)

    def one(query, **values):
        with engine.connect() as connection:
            return connection.execute(text(query), values).scalar()

    yield one
    engine.dispose()


@pytest.fixture
def ledger(asks):
    """Give a function that counts what a booking writes: orders, holds and postings."""
    return lambda: tuple(asks(f"SELECT count(*) FROM {table}") for table in ("orders", "hold", "posting"))


def main(page):
    return page.locator("main").inner_text()


def confirm(page, **typed):
    """Fill in the form and send it as a browser that nobody stops would: `voucher` may be any."""
    if "voucher" in typed:
        page.locator("input[name=voucher]:checked").evaluate("(one, value) => { one.value = value; }", typed["voucher"])
    if "need" in typed:
        page.locator("textarea[name=need]").fill(typed["need"])
    with page.expect_navigation():
        page.locator(CONFIRM).click()


NEEDS = {"啊啊啊 嗯嗯嗯": "再说清楚一点", "!!!???": "再说清楚一点", "检测一下": "再说清楚一点"}


@pytest.mark.parametrize("need", ["", "   "])
def test_an_empty_need_shows_what_there_is_without_ranks_and_what_one_could_say(person, need):
    page = person().goes(search(NEED))
    page.locator("#need").fill(need)
    page.keyboard.press("Enter")
    page.wait_for_selector(".res.plain")
    assert page.locator(".res .rank").count() == 0
    assert page.locator(".hints a").count() >= 3, "there are ways to go on"


def test_a_senseless_need_is_asked_about_and_never_answered_with_a_list(person):
    page = person().goes(search(NEED))
    for need, said in NEEDS.items():
        page.locator("#need").fill(need)
        with page.expect_response("**/?*"):
            page.keyboard.press("Enter")
        expect(page.locator("[data-say] h2"), need).to_have_text(said, use_inner_text=True)
        expect(page.locator(".res"), need).to_have_count(0)
        assert page.locator(".blank .example").count() >= 3, "there are ways to go on"


def test_a_double_click_on_confirm_books_once(person, ledger):
    one = person().logs_in("enterprise")
    page = one.goes(checkout(one))
    before = ledger()
    with page.expect_navigation(url="**/vouchers**"):
        page.locator(CONFIRM).dblclick()
    assert [now - then for then, now in zip(before, ledger(), strict=True)] == [1, 1, 1]


def test_back_after_booking_shows_the_order_instead_of_booking_again(person, ledger):
    one = person().logs_in("enterprise")
    page = one.goes(checkout(one))
    confirm(page)
    after = ledger()
    page.go_back(wait_until="load")
    if page.locator(CONFIRM).is_visible():
        with page.expect_navigation():
            page.locator(CONFIRM).click()
    assert ledger() == after
    expects(one, 409)
    assert "冻结" in page.locator("body").inner_text() or "你已经约了" in main(page)


def test_a_slot_taken_meanwhile_is_refused_with_the_next_one_and_nothing_typed_is_lost(person, ledger):
    slow, quick = person().logs_in("enterprise"), person().logs_in("enterprise2")
    address = checkout(slow)
    page = slow.goes(address)
    page.locator("textarea[name=need]").fill("轴承套圈 5 件")
    theirs = quick.goes(re.sub(r"&need=[^&]*|&voucher=[^&]*", "", address))
    confirm(theirs)
    before = ledger()
    confirm(page)
    assert "刚被别人约了" in main(page)
    assert "什么都没有冻结" in main(page)
    assert ledger() == before
    page.locator(".example", has_text="下一个空档").click()
    page.wait_for_url("**/checkout?**")
    assert page.locator("textarea[name=need]").input_value() == "轴承套圈 5 件"
    confirm(page)
    assert ledger()[0] == before[0] + 1


VOUCHERS = {
    "another's": ("SELECT id FROM voucher WHERE state = 'active' AND holder_id <> :holder ORDER BY id LIMIT 1", "不在你名下"),
    "expired": ("SELECT id FROM voucher WHERE holder_id = :holder AND state = 'expired' ORDER BY id LIMIT 1", "到期"),
    "invented": ("SELECT 987654321", "不在你名下"),
    "no number": ("SELECT '<b>券</b>'", "不在你名下"),
}


@pytest.mark.parametrize("which", VOUCHERS)
def test_a_forged_voucher_is_refused_in_words_and_changes_nothing(person, asks, ledger, which):
    query, said = VOUCHERS[which]
    holder = asks("SELECT m.organisation_id FROM membership m JOIN app_user u ON u.id = m.user_id WHERE u.login = 'enterprise'")
    voucher = asks(query, holder=holder) if ":holder" in query else asks(query)
    one = person().logs_in("enterprise")
    page = one.goes(checkout(one))
    before = ledger()
    confirm(page, voucher=str(voucher), need="样品 3 件")
    expects(one, 404)
    assert ledger() == before
    assert said in page.locator(".note.stop").first.inner_text()
    assert page.locator("textarea[name=need]").input_value() == "样品 3 件"
    assert page.locator(CONFIRM).is_enabled(), "there is a way on"


def test_a_voucher_cannot_be_made_to_pay_more_than_the_clauses_grant(person, ledger):
    one = person().logs_in("enterprise2")
    page = one.goes(checkout(one))
    before = ledger()
    page.locator("[name=expected_voucher]").evaluate("(one) => { one.value = '99999999'; }")
    page.locator("[name=expected_own]").evaluate("(one) => { one.value = '0'; }")
    confirm(page)
    assert ledger() == before
    assert "金额变了" in page.locator(".note.stop").first.inner_text()
    assert page.locator(".clause").count() >= 3, "the clauses say why"


def test_without_a_network_the_old_list_stays_and_says_so(person):
    one = person()
    page = one.goes(search(NEED))
    rows = page.locator(".res").count()
    one.context.set_offline(True)
    page.locator("#need").fill("电池循环寿命")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-say] .is-stop")
    assert "没有查成" in page.locator("[data-say]").inner_text()
    assert page.locator(".res").count() == rows
    assert page.locator("#need").input_value() == "电池循环寿命"
    one.context.set_offline(False)
    one.complaints.clear()  # the browser's and htmx' own lines about the network that is not there
    page.locator("#need").press("Enter")
    page.wait_for_function("() => !document.querySelector('[data-say] .is-stop')")
    assert "断口" not in page.locator(".chips").inner_text()


def test_a_session_that_ends_in_the_check_out_comes_back_with_everything_filled(person, ledger):
    one = person().logs_in("enterprise2")
    page = one.goes(checkout(one))
    page.locator("input[name=voucher][value=none]").check()
    page.locator("[data-part=sum] button:has-text('自付')").wait_for()
    page.locator("textarea[name=need]").fill("电芯 12 只，看断口 & 成分 100%")
    before = ledger()
    one.context.clear_cookies()
    confirm(page)
    assert "/login" in page.url
    page.locator("input[name=login]").fill("enterprise2")
    page.locator("input[name=password]").fill("sample-world")
    with page.expect_navigation():
        page.locator("main button").last.click()
    assert "/checkout?" in page.url
    assert page.locator("textarea[name=need]").input_value() == "电芯 12 只，看断口 & 成分 100%"
    assert page.locator("input[name=voucher]:checked").get_attribute("value") == "none"
    assert ledger() == before
    confirm(page)
    assert ledger()[0] == before[0] + 1


def test_a_mistyped_address_is_told_in_words(person):
    one = person()
    found = instrument(one).partition("?")[0] + "?"
    for address in (
        found + "page=99",
        found + "due=soon",
        found + "slot=x&go=1",
        "/?need=断口&sort=worst&limit=-1",
        "/?need=断口&area=1,2",
        "/?lon=999&lat=0",
    ):
        page = one.goes(address)
        assert page.locator("h1, [data-say] h2").count() >= 1, address
        assert "出错了" not in main(page), address
    expects(one, 400, 422)
