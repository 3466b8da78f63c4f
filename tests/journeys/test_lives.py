"""What can happen to a voucher on its way, in a real browser: it expires, is disputed, frozen and voided; the rules change; the budget runs out."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from tests.journeys.apart import site as site  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.apart import world_url as world_url  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.conftest import today
from tests.journeys.test_voucher import fill_documents, operator_of, press, said
from tests.journeys.walks import NEED, search
from vouchers.ledger import violations

pytestmark = pytest.mark.browser


@pytest.fixture
def books(world_url):
    """Give a look into the database: a query to its rows, and a way to let days pass; the books must be sound at the end."""
    engine = create_engine(world_url)

    def ask(query, **params):
        with engine.begin() as connection:
            found = connection.execute(text(query), params)
            return found.all() if found.returns_rows else None

    yield ask
    with Session(engine) as session:
        assert violations(session) == []
    engine.dispose()


def ordered(buyer, place=1):
    """Book the next free instrument of the list with the voucher; return the address of the order and of its carrier."""
    page = buyer.goes(search(NEED))
    rows = page.locator(".res:has(.cp):not(:has-text('三周内没有空档'))")
    rows.nth(place).locator("h3 a").click()
    page.wait_for_load_state("load")
    carrier = page.locator("article a[href^='/carriers/']").get_attribute("href")
    page.locator(".sl[data-slot-label]").first.click()
    press(page, "约这个时段")
    press(page, "确认.*冻结券")
    assert "/vouchers" in page.url, said(page)
    links = buyer.goes("/orders").locator("a[href^='/orders/']")
    numbers = {int(link.get_attribute("href").split("/")[2].split("?")[0].split("#")[0]) for link in links.all()}
    return f"/orders/{max(numbers)}", carrier


def waits(books, query, state, **params):
    """Wait for the service's own worker to bring a row into `state`."""
    for _ in range(120):
        [(found,)] = books(query, **params)
        if found == state:
            return
        time.sleep(0.5)
    pytest.fail(f"still {found} after a minute, not {state}")


def voucher_of(books, order):
    return books(
        "SELECT o.voucher_id, o.voucher_part, v.code FROM orders o JOIN voucher v ON v.id = o.voucher_id WHERE o.id = :id", id=order.rsplit("/", 1)[1]
    )[0]


def delivered(person, buyer, order, carrier):
    """Let the carrier take the order on and hand over its report; return the carrier's person."""
    seller = person().logs_in(operator_of(buyer, carrier))
    paper = seller.goes(order)
    press(paper, "接单")
    fill_documents(paper, {"report_number": f"示例-R{order}", "report_date": today().isoformat()})
    press(paper, "交报告")
    return seller


def test_a_voucher_that_expires_keeps_what_an_open_order_holds(person, books):
    buyer = person().logs_in("enterprise2")
    order, carrier = ordered(buyer)
    voucher, part, code = voucher_of(books, order)
    books("UPDATE hold SET created_at = created_at - interval '3 days' WHERE voucher_id = :id", id=voucher)
    books("UPDATE voucher SET expires_use = :day WHERE id = :id", day=today() - timedelta(days=1), id=voucher)
    waits(books, "SELECT state FROM voucher WHERE id = :id", "expired", id=voucher)
    [(state, available, held)] = books(
        "SELECT v.state, b.available, b.held FROM voucher v JOIN voucher_balance b ON b.voucher_id = v.id WHERE v.id = :id", id=voucher
    )
    assert (state, available) == ("expired", 0)
    assert held >= part
    card = buyer.goes("/vouchers").locator("article, .ticket, li, section", has_text=code).last
    assert "到期" in card.inner_text()
    delivered(person, buyer, order, carrier)
    press(buyer.goes(order), "确认报告，用掉券")
    [(used,)] = books("SELECT used FROM voucher_balance WHERE voucher_id = :id", id=voucher)
    assert used >= part


def test_a_dispute_is_resolved_by_the_bureau_for_a_part(person, books):
    buyer = person().logs_in("enterprise")
    order, carrier = ordered(buyer, place=2)
    _, part, _ = voucher_of(books, order)
    delivered(person, buyer, order, carrier)
    page = buyer.goes(order)
    page.locator("summary", has_text="争议").click()
    page.locator("details", has_text="提出争议").locator("[name=reason]").fill("示例：报告缺一半的样品")
    press(page, "提交争议")
    assert "争议" in said(page)
    officer = person().logs_in("reviewer")
    page = officer.goes(f"/cases/disputes/{order.rsplit('/', 1)[1]}")
    page.locator("input[name=outcome][value=confirmed]").check()
    page.locator("input[name=amount]").fill(f"{part // 2 / 100:.2f}")
    page.locator("[name=reason]").fill("示例：只做了一半，按一半算")
    press(page, "裁定")
    [(state, spent)] = books(
        "SELECT o.state, h.used FROM orders o JOIN hold h ON h.reference = 'order:' || o.id AND h.state <> 'released' WHERE o.id = :id",
        id=order.rsplit("/", 1)[1],
    )
    assert (state, spent) == ("confirmed", part // 2)


def test_a_voucher_is_frozen_by_audit_and_voided_by_the_bureau(person, books):
    buyer = person().logs_in("enterprise")
    order, _ = ordered(buyer, place=3)
    voucher, _, code = voucher_of(books, order)
    auditor = person().logs_in("auditor")
    page = auditor.goes(f"/cases/vouchers/{voucher}")
    page.locator("form[action*='freeze'] [name=reason]").first.fill("示例：抽查中")
    press(page, "冻结这张券")
    assert "冻结" in buyer.goes("/vouchers").locator("body").inner_text()
    officer = person().logs_in("reviewer")
    page = officer.goes(f"/cases/vouchers/{voucher}")
    page.locator("form[action*='void'] [name=reason]").first.fill("示例：材料是假的")
    press(page, "作废这张券")
    [(state, left, void)] = books(
        "SELECT v.state, b.available + b.held + b.used, b.void FROM voucher v JOIN voucher_balance b ON b.voucher_id = v.id WHERE v.id = :id",
        id=voucher,
    )
    assert (state, left) == ("void", 0)
    assert void > 0
    assert "作废" in buyer.goes("/vouchers").locator("body").inner_text(), code


def test_an_order_keeps_the_rules_of_its_day(person, books):
    buyer = person().logs_in("enterprise2")
    [(held,)] = books("SELECT count(*) FROM voucher v JOIN membership m ON m.organisation_id = v.holder_id JOIN app_user u ON u.id = m.user_id"
                      " WHERE u.login = 'enterprise2' AND v.state = 'active'")  # fmt: skip
    if not held:
        pytest.skip("the voucher of this enterprise was spent by an earlier walk")
    order, carrier = ordered(buyer, place=4)
    key = order.rsplit("/", 1)[1]
    [(version, part, clauses)] = books("SELECT policy_version_id, voucher_part, clauses FROM orders WHERE id = :id", id=key)
    drafter = person().logs_in("reviewer2")
    assert drafter.goes("/bureau/policies").locator("a[href*='/policies']").count()
    books(
        "INSERT INTO policy_version (policy, version, title, region, funder, valid_from, valid_to, body)"
        " SELECT policy, version + 1, title, region, funder, valid_from, valid_to,"
        ' jsonb_set(body, \'{tiers}\', \'[{"upto": null, "ratio": "0.1"}]\') FROM policy_version WHERE id = :id',
        id=version,
    )
    delivered(person, buyer, order, carrier)
    press(buyer.goes(order), "确认报告，用掉券")
    assert books("SELECT policy_version_id, voucher_part, clauses FROM orders WHERE id = :id", id=key) == [(version, part, clauses)]
    assert books("SELECT used FROM hold WHERE reference = :ref AND state = 'used'", ref=f"order:{key}") == [(part,)]


def test_a_budget_that_ran_out_makes_a_queue_that_a_revision_serves(person, books):
    finance = person().logs_in("finance")
    page = finance.goes("/budgets")
    page.locator("a[href^='/budgets/']").first.click()
    page.wait_for_load_state("load")
    [(budget,)] = books("SELECT id FROM budget WHERE funder = '331083' AND year = :year AND fund = ''", year=today().year)
    change(finance, budget, -everything_free(books, budget))
    buyer = person().logs_in("enterprise")
    page = buyer.goes("/vouchers/apply")
    page.locator("[name=amount]").fill("5000")
    page.locator("[name=purpose]").fill("示例：新材料检测")
    press(page, "提交申领")
    assert "排队" in said(page)
    [(state,)] = books("SELECT state FROM application ORDER BY id DESC LIMIT 1")
    assert state == "waitlisted"
    change(finance, budget, 10_000_000)
    waits(books, "SELECT state FROM application ORDER BY id DESC LIMIT 1", "county_review")


def everything_free(books, budget):
    [(free,)] = books("SELECT free FROM budget_balance WHERE budget_id = :id", id=budget)
    return free


def change(finance, budget, fen):
    """Revise a budget by an amount, up or down, through its page with its confirmation."""
    page = finance.goes(f"/budgets/{budget}")
    form = page.locator("details", has=page.locator("[name=change]"))
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    form.locator("[name=change]").fill(f"{fen / 100:.2f}")
    form.locator("[name=reason]").fill("示例：调整")
    form.get_by_role("button", name="核对").click()
    page.wait_for_load_state("load")
    press(page, "^确认$")
