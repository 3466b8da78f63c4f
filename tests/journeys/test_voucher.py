"""From a need to the treasury's payment, as the people do it, in a real browser, under both ways of paying."""

import csv
import re

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from tests.journeys.conftest import today
from vouchers.ledger import violations

pytestmark = pytest.mark.browser

YUHUAN = {"buyer": "enterprise", "officers": ("reviewer", "finance", "finance2"), "payee": "enterprise"}
HUZHOU = {"buyer": "enterprise2", "officers": ("reviewer2", "finance3", "finance4"), "payee": "carrier"}
NEED = "轴承套圈断了，想看断口形貌，预算3000元以内"


def press(page, name):
    """Press the one visible button whose name matches, and wait for the next page."""
    page.get_by_role("button", name=re.compile(name)).locator("visible=true").first.click()
    page.wait_for_load_state("load")


def said(page):
    return page.locator("body").inner_text()


def choose_real_carrier(page):
    """Return the link of the best row of a carrier that exists, with a voucher part."""
    rows = page.locator(".res")
    for n in range(rows.count()):
        row = rows.nth(n)
        if "示例·" not in row.locator("h3").inner_text() and row.locator(".cp").count() and "三周内没有空档" not in row.inner_text():
            return row.locator("h3 a")
    pytest.fail("no real carrier with a voucher part in the list")


def book(buyer):
    """Need → chips → map and list → pick → slot → clauses → pay; return what the buyer's voucher page says."""
    page = buyer.goes("/")
    page.get_by_label("用一句话说需求").fill(NEED)
    page.keyboard.press("Enter")
    page.wait_for_selector(".chips >> text=扫描电子显微镜")
    assert "≤ ¥3,000" in page.locator(".chips").inner_text()
    page.wait_for_selector(".pin, .clus")
    choose_real_carrier(page).click()
    page.wait_for_load_state("load")
    carrier = page.locator("article a[href^='/carriers/']").get_attribute("href")
    page.locator(".sl[data-slot-label]").nth(1).click()
    press(page, "约这个时段")
    assert "为什么是这个数" in said(page)
    assert page.locator(".clause").count() >= 3
    press(page, "确认.*冻结券")
    assert "/vouchers" in page.url, said(page)
    return page, carrier


NAMED = {"SAMPLE-C-0001": "carrier", "SAMPLE-C-0002": "carrier2"}
"""Carriers whose operators stand at the log-in by another name."""


def operator_of(anybody, carrier):
    """Return the log-in of the sample operator of a carrier, by the code on its page."""
    page = anybody.goes(carrier)
    code = page.locator("article .sec").last.inner_text().split("·")[0].split()[-1]
    return NAMED.get(code.strip(), f"sample-{code.strip().lower()}")


def fill_documents(page, marks):
    for name, value in marks.items():
        page.locator(f"[name={name}]").fill(value)


@pytest.mark.parametrize(("world", "size"), [(YUHUAN, "desk"), (HUZHOU, "phone")], ids=["post_subsidy", "offset"])
def test_a_need_becomes_a_paid_claim(person, world_url, world, size):
    buyer = person(size).logs_in(world["buyer"])
    page, carrier = book(buyer)
    assert "冻结 ¥" in page.locator(".flashes").inner_text()
    assert not re.search(r"冻结中\s*¥0\.00", page.locator(".facts").inner_text()), "the voucher page shows what is held"
    buyer.goes("/orders")
    order = page.locator("a[href^='/orders/']").first.get_attribute("href")

    seller = person().logs_in(operator_of(buyer, carrier))
    paper = seller.goes(order)
    press(paper, "接单")
    fill_documents(paper, {"report_number": f"示例-R{order}", "report_date": today().isoformat()})
    press(paper, "交报告")

    page = buyer.goes(order)
    press(page, "确认报告，用掉券")
    day = today().isoformat()
    fill_documents(page, {"invoice_number": f"示例-F{order}", "invoice_date": day, "payment_number": f"示例-P{order}", "payment_date": day})
    press(page, "已付")
    payee = buyer if world["payee"] == "enterprise" else seller
    press(payee.goes(order), "申请兑现")

    name_account(payee)
    claim = claim_of(world_url, order)
    for login, event in zip(world["officers"][:2], ("初审", "批准"), strict=True):
        officer = person().logs_in(login)
        desk = officer.goes(f"/desk?kind=claim&id={claim}")
        desk.locator(".decision button.btn").first.click()
        desk.wait_for_load_state("load")
        assert "已办" in desk.locator(".flashes").inner_text(), (event, said(desk))
    pay_by_batch(person, world_url, size, world["officers"][1:], claim)

    buyer.goes(order)
    assert "已拨付" in said(page), "the buyer sees that the money arrived"
    engine = create_engine(world_url)
    with Session(engine) as session:
        assert session.execute(text("SELECT state FROM claim WHERE id = :id"), {"id": claim}).scalar() == "paid"
        assert violations(session) == []
    engine.dispose()


def name_account(payee):
    """Let the payee name its account, if it has none, and confirm it by typing the number again."""
    page = payee.goes("/account")
    if "现在用的" in said(page):
        return
    fill_documents(page, {"bank": "示例银行", "name": "示例户名", "number": "9999 0000 1111 2222"})
    press(page, "填好")
    fill_documents(page, {"again": "9999000011112222"})
    press(page, "确认这个账户")
    assert "**** 2222" in said(page)


def pay_by_batch(person, url, size, finance, claim):
    """Bring the claim into the open batch or a new one, and that through notice, two persons, bank and statement to its reconciliation."""
    first, second = (person(size).logs_in(login) for login in finance)
    desk = first.goes("/finance")
    if desk.get_by_role("button", name=re.compile("开批次")).count():
        press(desk, "开批次")
    else:
        desk.locator("tr", has_text="在收").locator("a").first.click()
        desk.wait_for_load_state("load")
        press(desk, "加入新批准的")
    batch = batch_of(url, claim)
    press(desk, "^封账")
    press(desk, "^公示")
    assert "公示中" in said(desk)
    press(desk, "第一人授权")
    assert "公示还没有结束" in said(desk), "not before its notice is over"
    the_days_pass(url, batch)
    press(first.goes(f"/finance/batches/{batch}"), "第一人授权")
    press(second.goes(f"/finance/batches/{batch}"), "第二人授权")
    page = first.goes(f"/finance/batches/{batch}")
    press(page, "发给银行")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("银行文件")).click()
    rows = list(csv.DictReader(download.value.path().read_text(encoding="utf-8-sig").splitlines()))
    answer = ["参考号,金额,结果,银行流水号", *(f"{row['参考号']},{row['金额']},成功,示例-B-{row['参考号']}" for row in rows)]
    page.set_input_files("#f-file", {"name": "回单.csv", "mimeType": "text/csv", "buffer": "\r\n".join(answer).encode("gb18030")})
    press(page, "收回单")
    assert "回单已收，全部相符" in page.locator(".flashes").inner_text()
    press(page, "关账")
    press(page, "对账")
    assert "四个数一样，到分" in said(page)


def batch_of(url, claim):
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT batch_id FROM batch_line WHERE claim_id = :id AND state = 'listed'"), {"id": claim}).scalar_one()
    engine.dispose()
    return found


def the_days_pass(url, batch):
    """Let the notice of a batch lie in the past, as it will in a week."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE notice SET starts = starts - 9, ends = ends - 9 WHERE subject = 'settlement_batch' AND subject_id = :id"), {"id": batch}
        )
    engine.dispose()


def claim_of(url, order):
    engine = create_engine(url)
    with engine.connect() as connection:
        query = "SELECT c.id FROM claim c JOIN hold h ON h.id = c.hold_id WHERE h.reference = :reference"
        found = connection.execute(text(query), {"reference": f"order:{order.rsplit('/', 1)[1]}"}).scalar_one()
    engine.dispose()
    return found
