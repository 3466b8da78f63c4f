"""What may come between a booking and its money, in a real browser: a counter-offer, a dispute, a voucher that is frozen and voided."""

import re

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from tests.journeys.apart import site as site  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.apart import world_url as world_url  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.conftest import today
from tests.journeys.test_voucher import YUHUAN, book, operator_of, press, said
from vouchers.ledger import violations

pytestmark = pytest.mark.browser


def one(world_url, query, **values):
    engine = create_engine(world_url)
    try:
        with Session(engine) as session:
            assert violations(session) == []
            return session.execute(text(query), values).scalar()
    finally:
        engine.dispose()


def fill(page, **values):
    for name, value in values.items():
        page.locator(f"[name={name}]").locator("visible=true").first.fill(value)


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_counter_offer_then_a_dispute_then_the_countys_word(person, world_url, size):
    buyer = person(size).logs_in(YUHUAN["buyer"])
    _, carrier = book(buyer)
    number = one(world_url, "SELECT max(id) FROM orders")
    order = f"/orders/{number}"

    seller = person(size).logs_in(operator_of(buyer, carrier))
    paper = seller.goes(order)
    paper.get_by_text("还价：换价格、时段或报告日期").click()
    fill(paper, price="333.33", reason="少测一件")
    press(paper, "发出还价")
    assert "还价已发给企业" in said(paper)

    page = buyer.goes(order)
    assert "双方的报价" in said(page)
    press(page, "^同意")
    paper = seller.goes(order)
    fill(paper, report_number=f"示例-L{number}", report_date=today().isoformat())
    press(paper, "交报告")

    page = buyer.goes(order)
    page.get_by_text("报告有问题，提出争议").click()
    fill(page, reason="少测两件")
    press(page, "提交争议")
    assert "有争议" in said(page)

    desk = person(size).logs_in("reviewer").goes(f"/cases/disputes/{number}")
    assert "少测两件" in said(desk)
    desk.get_by_text(re.compile("^算数")).click()
    fill(desk, amount="100.00", reason="按交来的件数算")
    press(desk, "^裁定")
    assert "已裁定" in said(desk)
    assert "裁定券只付 ¥100.00" in said(buyer.goes(order))
    assert one(world_url, "SELECT used FROM hold WHERE reference = :name AND state = 'used'", name=f"order:{number}") == 10_000


def test_a_frozen_voucher_pays_nothing_and_a_voided_one_never_again(person, world_url):
    buyer = person().logs_in("enterprise")
    code = buyer.goes("/vouchers").locator(".side .mut").first.inner_text().partition("，")[0].strip()
    auditor = person().logs_in("auditor")
    page = auditor.goes("/cases/vouchers")
    fill(page, code=code)
    press(page, "^找$")
    fill(page, reason="发票对不上")
    press(page, "冻结这张券")
    assert "已冻结" in said(page)
    assert "核查中" in said(buyer.goes("/vouchers"))

    reviewer = person().logs_in("reviewer").goes("/cases/vouchers")
    reviewer.get_by_role("link", name=re.compile(code)).click()
    reviewer.wait_for_load_state("load")
    fill(reviewer, reason="查实套取")
    press(reviewer, "作废这张券")
    assert "已作废" in said(reviewer)
    mine = said(buyer.goes(f"/vouchers?voucher={code}"))
    assert "查实套取" in mine
    assert "作废退回" in mine
    assert one(world_url, "SELECT state FROM voucher WHERE code = :code", code=code) == "void"
