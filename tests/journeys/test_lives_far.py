"""Ways that a voucher goes more rarely, in a real browser: the contract comes first, a line of the bank fails, the carrier is in another province."""

import csv
import re
import secrets

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.accounts import add_membership, add_user
from tests import factories
from tests.journeys.apart import site as site  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.apart import world_url as world_url  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.conftest import today
from tests.journeys.test_lives import books as books  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.test_lives import delivered, waits
from tests.journeys.test_voucher import claim_of, fill_documents, name_account, operator_of, pay_by_batch, press, said, the_days_pass
from tests.journeys.walks import NEED, search

pytestmark = pytest.mark.browser

HOLDER = """
SELECT u.login FROM voucher v JOIN voucher_balance b ON b.voucher_id = v.id JOIN policy_version p ON p.id = v.policy_version_id
JOIN organisation o ON o.id = v.holder_id JOIN membership m ON m.organisation_id = o.id JOIN app_user u ON u.id = m.user_id
WHERE p.policy = :policy AND v.state = 'active' AND b.available >= 1000000 AND u.login LIKE 'sample-%'
  AND (SELECT count(*) FROM voucher w WHERE w.holder_id = o.id AND w.state = 'active') = 1
ORDER BY b.available DESC, u.login LIMIT 1 OFFSET :nth
"""
"""Who holds one voucher under a policy and no other, with ¥10,000 or more left."""

CONTRACT_FIRST = """
SELECT u.login, p.policy FROM policy_version p JOIN organisation o ON o.adcode = p.region
JOIN membership m ON m.organisation_id = o.id JOIN app_user u ON u.id = m.user_id
WHERE p.body->>'issuance' = 'contract_first' AND p.funder = '330500' AND o.kind = 'enterprise'
  AND NOT EXISTS (SELECT FROM voucher v WHERE v.holder_id = o.id AND v.state IN ('active', 'frozen')) ORDER BY o.id LIMIT 1
"""
"""An enterprise that holds no voucher now in a county of Huzhou whose policy takes the contract first."""


def number(order):
    """Return the id in the address of an order."""
    return int(re.search(r"/orders/(\d+)", order)[1])


def newest_order(buyer):
    """Return the address of the newest order of the buyer."""
    links = buyer.goes("/orders").locator("a[href^='/orders/']").all()
    return f"/orders/{max(number(link.get_attribute('href')) for link in links)}"


def choose_slot(page):
    """Pick the first free slot of the page of an instrument and go to the check-out."""
    page.locator(".sl[data-slot-label]").first.click()
    press(page, "约这个时段")


def ordered(buyer, confirm):
    """Book the second of the listed instruments that are free, confirming with `confirm`; return the addresses of the order and its carrier."""
    page = buyer.goes(search(NEED))
    page.locator(".res:not(:has-text('三周内没有空档'))").nth(1).locator("h3 a").click()
    page.wait_for_load_state("load")
    carrier = page.locator("article a[href^='/carriers/']").get_attribute("href")
    choose_slot(page)
    press(page, confirm)
    return newest_order(buyer), carrier


def confirmed_and_claimed(buyer, order):
    """Let the buyer confirm the report, pay the carrier the whole price and send in the claim; its account is named."""
    page, day = buyer.goes(order), today().isoformat()
    press(page, "确认报告，用掉券")
    fill_documents(page, {"invoice_number": f"示例-F{order}", "invoice_date": day, "payment_number": f"示例-P{order}", "payment_date": day})
    press(page, "已付")
    press(buyer.goes(order), "申请兑现")
    name_account(buyer)


def passes(person, login, kind, paper):
    """Let an officer do the first thing that the desk offers on a paper."""
    page = person().logs_in(login).goes(f"/desk?kind={kind}&id={paper}")
    page.locator(".decision button.btn").first.click()
    page.wait_for_load_state("load")
    assert "已办" in page.locator(".flashes").inner_text(), said(page)


def test_the_contract_comes_first_and_its_voucher_is_held_for_it(person, books):
    [(login, policy)] = books(CONTRACT_FIRST)
    buyer = person().logs_in(login)
    order, carrier = ordered(buyer, "确认预约，自付")
    key = number(order)
    seller = person().logs_in(operator_of(buyer, carrier))
    press(seller.goes(order), "接单")

    page = buyer.goes("/vouchers/apply")
    page.locator(f"input[name=policy][value='{policy}']").check()
    page.locator("[name=order]").select_option(str(key))
    page.locator("[name=purpose]").fill("示例：按合同做断口分析")
    press(page, "提交申领")
    [(asked, value)] = books("SELECT id, contract_value FROM application WHERE bound_reference = :ref", ref=f"order:{key}")
    assert [(value,)] == books("SELECT price FROM orders WHERE id = :id", id=key)
    passes(person, "reviewer2", "application", asked)
    waits(books, "SELECT (SELECT state FROM hold WHERE reference = :ref)", "held", ref=f"order:{key}")
    held = "SELECT h.state, h.amount, v.bound_reference, o.voucher_part, b.available FROM orders o JOIN hold h ON h.reference = 'order:' || o.id JOIN voucher v ON v.id = o.voucher_id JOIN voucher_balance b ON b.voucher_id = v.id WHERE o.id = :id"
    [(state, amount, bound, part, left)] = books(held, id=key)
    assert (state, bound, left) == ("held", f"order:{key}", 0), "the whole voucher is held for the order"
    assert 0 < amount == part < value
    paper = seller.goes(order)
    fill_documents(paper, {"report_number": f"示例-R{order}", "report_date": today().isoformat()})
    press(paper, "交报告")
    confirmed_and_claimed(buyer, order)
    assert books("SELECT c.state, c.amount, c.funder FROM claim c JOIN hold h ON h.id = c.hold_id WHERE h.reference = :ref", ref=f"order:{key}") == [
        ("submitted", part, "330500")
    ]


def test_a_line_that_the_bank_fails_is_paid_in_the_next_batch(person, books, world_url):
    [(login,)] = books(HOLDER, policy="yuhuan-2023", nth=0)
    buyer = person().logs_in(login)
    order, carrier = ordered(buyer, "确认.*冻结券")
    delivered(person, buyer, order, carrier)
    confirmed_and_claimed(buyer, order)
    claim = claim_of(world_url, order)
    passes(person, "reviewer", "claim", claim)
    passes(person, "finance", "claim", claim)

    batch = fails_in_a_batch(person, books, world_url, claim)
    states = "SELECT c.state, l.state, l.reason, b.state FROM claim c JOIN batch_line l ON l.claim_id = c.id JOIN settlement_batch b ON b.id = l.batch_id WHERE c.id = :id ORDER BY l.id"
    assert books(states, id=claim) == [("approved", "failed", "户名不符", "reconciled")]
    assert books(
        "SELECT c.amount, b.used, b.redeemed FROM claim c JOIN hold h ON h.id = c.hold_id JOIN voucher_balance b ON b.voucher_id = h.voucher_id WHERE c.id = :id AND b.used >= c.amount AND b.redeemed = 0",
        id=claim,
    ), "the money waits where it was"
    assert "已批准，待拨付" in said(buyer.goes(order))

    pay_by_batch(person, world_url, "desk", ("finance", "finance2"), claim)
    paid = books(states, id=claim)
    assert [(state, line) for state, line, _, _ in paid] == [("paid", "failed"), ("paid", "paid")]
    assert "已拨付" in said(buyer.goes(order))
    assert books("SELECT count(DISTINCT batch_id) FROM batch_line WHERE claim_id = :id AND batch_id >= :first", id=claim, first=batch) == [(2,)]


def fails_in_a_batch(person, books, url, claim):
    """Bring a claim through a batch of Yuhuan in which the bank fails its line and pays all others; return the batch, reconciled."""
    first, second = (person().logs_in(login) for login in ("finance", "finance2"))
    desk = first.goes("/finance")
    if desk.get_by_role("button", name=re.compile("开批次")).count():
        press(desk, "开批次")
    else:
        desk.locator("tr", has_text="在收").locator("a").first.click()
        desk.wait_for_load_state("load")
        press(desk, "加入新批准的")
    [(batch, reference)] = books("SELECT batch_id, reference FROM batch_line WHERE claim_id = :id AND state = 'listed'", id=claim)
    press(desk, "^封账")
    press(desk, "^公示")
    the_days_pass(url, batch)
    press(first.goes(f"/finance/batches/{batch}"), "第一人授权")
    press(second.goes(f"/finance/batches/{batch}"), "第二人授权")
    page = first.goes(f"/finance/batches/{batch}")
    press(page, "发给银行")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("银行文件")).click()
    page.set_input_files("#f-file", {"name": "回单.csv", "mimeType": "text/csv", "buffer": answered(download.value, reference)})
    press(page, "收回单")
    assert "户名不符" in said(page)
    press(page, "关账")
    press(page, "对账")
    assert "四个数一样，到分" in said(page)
    return batch


def answered(download, failed):
    """Return the statement of a bank that paid all lines of the file it got but one."""
    rows = csv.DictReader(download.path().read_text(encoding="utf-8-sig").splitlines())
    told = [f"{row['参考号']},{row['金额']}," + ("失败,,户名不符" if row["参考号"] == failed else f"成功,示例-B-{row['参考号']},") for row in rows]
    return "\r\n".join(["参考号,金额,结果,银行流水号,失败原因", *told]).encode("gb18030")


@pytest.fixture
def suzhou(world_url):
    """Open an invented carrier in Suzhou with one instrument; give the id of the instrument and the log-in of the carrier's person."""
    code = f"SAMPLE-S-{secrets.token_hex(3)}"
    engine = create_engine(world_url)
    with Session(engine, expire_on_commit=False) as session:
        place = {"geom": "SRID=4326;POINT(120.62 31.32)", "adcode": "320500"}
        owner = factories.carrier(session, code=code, name_zh="示例·苏州断口分析中心", adcode="320500")
        where = factories.site(session, owner, name="示例园区（苏州）", geom=place["geom"])
        known = session.execute(text("SELECT type_id FROM instrument WHERE name LIKE '扫描电子显微镜%' LIMIT 1")).scalar_one()
        one = factories.instrument(session, owner, code=f"{code}-1", name="示例·扫描电子显微镜（苏州）", type_id=known, site_id=where.id, **place)
        factories.listing(session, one)
        user = add_user(session, f"sample-{code.lower()}", name="示例载体人员", password="sample-world", is_sample=True)
        add_membership(session, user, organisation_id=owner.id, role="carrier")
        session.commit()
        found = one.id, user.login
    engine.dispose()
    return found


def test_home_pays_for_a_carrier_of_another_province(person, books, world_url, suzhou):
    instrument, seller = suzhou
    [(login,)] = books(HOLDER, policy="yuhuan-2023", nth=1)
    buyer = person().logs_in(login)
    page = buyer.goes(f"/instruments/{instrument}")
    choose_slot(page)
    assert "载体所在地" in said(page)
    assert "钱由企业登记地的财政付" in said(page)
    press(page, "确认.*冻结券")
    order = newest_order(buyer)
    paper = person().logs_in(seller).goes(order)
    press(paper, "接单")
    fill_documents(paper, {"report_number": f"示例-R{order}", "report_date": today().isoformat()})
    press(paper, "交报告")
    confirmed_and_claimed(buyer, order)
    claim = claim_of(world_url, order)
    passes(person, "reviewer", "claim", claim)
    passes(person, "finance", "claim", claim)
    assert books(
        "SELECT c.state, c.funder, s.part = c.amount FROM claim c JOIN hold h ON h.id = c.hold_id JOIN LATERAL (SELECT voucher_part AS part FROM orders WHERE id = :id) s ON true WHERE c.id = :claim",
        id=number(order),
        claim=claim,
    ) == [("approved", "331083", True)]


def test_a_carrier_that_the_policy_does_not_recognise_is_refused_with_its_clause(person, books, suzhou):
    instrument, _ = suzhou
    [(login,)] = books(HOLDER, policy="huzhou-2017", nth=0)
    buyer = person().logs_in(login)
    page = buyer.goes(f"/instruments/{instrument}")
    choose_slot(page)
    assert "这张券只认本省的载体，这家载体在" in page.locator("[data-part=choices]").inner_text()
    refused = page.locator(".clause", has_text="载体所在地")
    assert "请选本省的载体" in refused.inner_text()
    before = books("SELECT count(*) FROM hold")
    press(page, "确认预约，自付")
    assert books("SELECT voucher_id, voucher_part FROM orders WHERE id = :id", id=number(newest_order(buyer))) == [(None, 0)]
    assert books("SELECT count(*) FROM hold") == before
