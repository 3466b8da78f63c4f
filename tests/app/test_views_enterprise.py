"""Check-out, vouchers, application and orders as an enterprise meets them in the browser."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest

from app.views.money import axis, clause_lines, sums
from core import clock as time
from tests import factories as make
from tests.app.conftest import csrf
from tests.app.desks import TODAY, Desks, error_at, notes, said, value_of
from vouchers.entities import Evidence
from vouchers.queries import vouchers_of


@pytest.fixture
def desks(session, app, clock):
    return Desks(session, app)


def test_the_check_out_says_what_is_paid_by_whom_and_why(desks):
    page = desks.get("/checkout?" + query(desks.slot()))
    assert page.status_code == 200
    text = said(page)
    for one in ("确认预约，冻结券 ¥1,200.00", "年度上限", "券里余额", "政策原文", "不是法定强制检测", "11月25日", "后补助"):
        assert one in text
    assert value_of(page, "expected_voucher") == "120000"
    assert len(value_of(page, "request_id")) == 36


def test_the_voucher_that_expires_first_is_chosen_beforehand(desks, session):
    later = make.voucher(session, desks.scene.enterprise, face=500_000)
    session.commit()
    body = desks.get("/checkout?" + query(desks.slot(voucher=""))).get_data(as_text=True)
    first = body.index(f'name="voucher" value="{desks.scene.voucher.id}" checked')
    assert 0 < first < body.index(f'name="voucher" value="{later.id}"')


def test_a_clause_with_an_invented_value_carries_the_badge(session, app, clock):
    found = Desks(session, app)
    found.scene = make.scene(session, code="huzhou-2017")
    found.enrol("other", "enterprise", found.scene.enterprise)
    text = said(found.get("/checkout?" + query(found.slot()), by="other"))
    assert "示例参数" in text
    assert "抵扣：你只付自付部分" in text
    assert "自付 ¥600.00" in text


def test_booking_goes_to_the_vouchers_and_says_what_was_frozen(desks):
    answer = desks.post("/checkout", desks.booking(need="轴承套圈 5 件"))
    assert answer.status_code == 303
    assert answer.location == f"/vouchers?voucher={desks.scene.voucher.id}"
    page = desks.get(answer.location)
    assert notes(page)[0] == f"预约已提交。券 {desks.scene.voucher.code} 冻结 ¥1,200.00，载体要在 11月25日 周三 09:00 前接单。"
    assert desks.one("SELECT need FROM orders") == "轴承套圈 5 件"


def test_pressing_twice_books_once(desks):
    form = desks.booking()
    answers = [desks.post("/checkout", form, key="the-same-form") for _ in range(3)]
    assert [one.location for one in answers] == [answers[0].location] * 3
    assert desks.counts()[:2] == (1, 1)


def test_a_taken_slot_is_told_with_the_next_one_and_nothing_typed_is_lost(desks, session):
    other = make.enterprise(session)
    desks.enrol("quick", "enterprise", other)
    desks.post("/checkout", desks.booking(0, voucher="none", expected_voucher=0, expected_own=120_000), by="quick")
    before = desks.counts()
    answer = desks.post("/checkout", desks.booking(0, need="样品 5 件", voucher="none", expected_voucher=0, expected_own=120_000))
    assert answer.status_code == 409
    assert "这个时段刚被别人约了" in notes(answer)[0]
    assert desks.counts() == before
    link = unescape(re.search(r'href="(/checkout[^"]*)"', answer.get_data(as_text=True))[1])
    later = desks.get(link)
    assert "11月24日 周二 13:30–17:00" in said(later)
    assert ">样品 5 件</textarea>" in later.get_data(as_text=True)
    assert value_of(later, "expected_own") == "120000"


def test_who_goes_back_after_booking_is_told_that_the_slot_is_theirs(desks):
    number = desks.order(0)
    answer = desks.get("/checkout?" + query(desks.slot(0)))
    assert answer.status_code == 409
    assert notes(answer) == [f"这个时段你已经约了，就是预约 YY-{number}。"]


def test_a_statutory_test_is_refused_and_the_form_keeps_what_was_filled_in(desks):
    before = desks.counts()
    answer = desks.post("/checkout", desks.booking(statutory="yes", need="年检"))
    assert answer.status_code == 409
    assert "法律或强制性标准要求做的检测不能用券" in notes(answer)[0]
    assert ">年检</textarea>" in answer.get_data(as_text=True)
    assert "确认预约，自付 ¥1,200.00" in said(answer)
    assert "这次不能用" in said(answer)
    assert '<div class="clause stop">' in answer.get_data(as_text=True)
    assert desks.counts() == before


def test_nobody_pays_a_sum_that_was_not_on_the_button(desks, session):
    form = desks.booking()
    desks.scene.listing.price = 1_400_000
    session.commit()
    answer = desks.post("/checkout", form)
    assert answer.status_code == 409
    assert notes(answer)[0] == "金额变了：现在券付 ¥12,000.00，自付 ¥2,000.00。请看过新的金额再确认。"
    assert value_of(answer, "expected_voucher") == "1200000"
    assert desks.counts()[0] == 0


def test_recounting_books_nothing(desks):
    answer = desks.post("/checkout", desks.booking(voucher="none", recount="1"))
    assert answer.status_code == 200
    assert value_of(answer, "expected_own") == "120000"
    assert desks.counts()[0] == 0


def test_without_a_voucher_one_can_still_book_and_pay_in_full(desks, session):
    other = make.enterprise(session)
    desks.enrol("poor", "enterprise", other)
    page = desks.get("/checkout?" + query(desks.slot(voucher="")), by="poor")
    assert "你现在没有券" in said(page)
    answer = desks.post("/checkout", desks.booking(voucher="none", expected_voucher=0, expected_own=120_000), by="poor")
    assert answer.status_code == 303
    assert "自付 ¥1,200.00" in notes(desks.get(answer.location, by="poor"))[0]


def test_somebody_elses_voucher_does_not_exist(desks, session):
    other = make.enterprise(session)
    desks.enrol("other", "enterprise", other)
    assert desks.get("/checkout?" + query(desks.slot()), by="other").status_code == 404
    assert desks.get(f"/vouchers?voucher={desks.scene.voucher.id}", by="other").status_code == 404


@pytest.mark.parametrize(
    "spoilt",
    [
        {"start": ""},
        {"start": "2026-11-25T09:00"},
        {"instrument": "9" * 30},
        {"service": ""},
        {"end": "yesterday"},
        {"statutory": "maybe"},
        {"start": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_a_slot_that_cannot_be_read_is_422_with_a_reason_and_a_way_back(desks, spoilt):
    for answer in (desks.get("/checkout?" + query(desks.slot() | spoilt)), desks.post("/checkout", desks.booking() | spoilt)):
        assert answer.status_code == 422
        assert notes(answer)[0]
        assert "回到找资源" in said(answer)


def test_a_closed_hour_and_a_past_slot_are_told_apart(desks):
    night = desks.slot(start="2026-11-25T20:00:00+08:00", end="2026-11-25T22:00:00+08:00")
    past = desks.slot(start="2026-11-24T09:00:00+08:00", end="2026-11-24T12:00:00+08:00")
    answers = [desks.get("/checkout?" + query(one)) for one in (night, past)]
    assert [one.status_code for one in answers] == [409, 409]
    assert [notes(one)[0][:10] for one in answers] == ["这个时段不在开放时间", "这个时段已经过去了。"]


def test_a_form_from_elsewhere_is_refused(desks, web, session):
    user = desks.enrol("browser", "enterprise", desks.scene.enterprise)
    from app.accounts import hash_password

    user.password_hash = hash_password("correct horse battery", user.login)
    session.commit()
    web.post("/login", data={"login": user.login, "password": "correct horse battery", "csrf_token": csrf(web)})
    form = desks.booking(request_id="from-elsewhere")
    assert web.post("/checkout", data=form).status_code == 403
    token = value_of(web.get("/checkout?" + query(desks.slot())), "csrf_token")
    assert web.post("/checkout", data={**form, "csrf_token": token}).status_code == 303


def test_every_fen_of_a_voucher_adds_up_to_its_face(desks):
    desks.settle(desks.order(0))
    desks.order(1)
    text = said(desks.get(f"/vouchers?voucher={desks.scene.voucher.id}"))
    for one in ("发放 + 20,000.00", "冻结 − 1,200.00", "用掉 − 1,200.00", "待初审", "合计，等于面额 20,000.00", "能用 17,600.00"):
        assert one in text


def test_the_four_sums_follow_the_parts_of_the_vouchers(desks, session):
    desks.order(0)
    rows = vouchers_of(session, desks.scene.enterprise.id)
    found = sums(rows, time.today(session))
    assert (found.usable, found.held, found.soon, found.used) == (1_880_000, 120_000, 0, 0)


def test_the_axis_says_everything_in_words_and_thins_its_labels(desks, session):
    make.voucher(session, desks.scene.enterprise, face=500_000)
    found = axis(vouchers_of(session, desks.scene.enterprise.id), time.today(session))
    assert found.label == "25,000.00 元 2027年2月24日到期"
    assert [event["sum"] for event in found.events] == ["¥25,000.00"]
    assert axis([], time.today(session)) is None


def test_no_voucher_yet_leads_to_the_application(desks, session):
    desks.enrol("poor", "enterprise", make.enterprise(session))
    assert "你还没有券" in said(desks.get("/vouchers", by="poor"))


def test_applying_reserves_the_money_once(desks):
    form = {"policy": "yuhuan-2023", "amount": "5000", "purpose": "热处理"}
    make.budget(desks.session)
    desks.session.commit()
    for _ in range(2):
        assert desks.post("/vouchers/apply", form, key="one-application").status_code == 303
    assert desks.one("SELECT count(*) FROM application WHERE state = 'county_review'") == 1
    assert "申领已提交：¥5,000.00" in notes(desks.get("/vouchers"))[0]


def test_every_fault_of_an_application_stands_at_its_field(desks):
    answer = desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "很多", "purpose": " "})
    assert answer.status_code == 422
    assert error_at(answer, "amount") == "“很多”不是可用的金额。请写成元，例如 1200 或 1200.50。"
    assert error_at(answer, "purpose") == "请填这一项。"
    assert value_of(answer, "amount") == "很多"


def test_a_cap_refuses_with_its_clause_and_keeps_the_form(desks):
    answer = desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "3万元", "purpose": "大件"})
    assert answer.status_code == 409
    assert notes(answer)[0] == "一次最多申领 ¥20,000.00。请改小金额。 条款：一次上限"
    assert value_of(answer, "amount") == "3万元"


def test_where_there_is_no_policy_the_page_says_so(desks, session):
    desks.enrol("far", "enterprise", make.enterprise(session, adcode="330106"))
    assert "你们登记地现在没有能申领的券" in said(desks.get("/vouchers/apply", by="far"))


def test_a_returned_application_shows_its_reason_and_can_be_withdrawn(desks):
    make.budget(desks.session)
    desks.session.commit()
    desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "5000", "purpose": "热处理"})
    number = desks.one("SELECT max(id) FROM application")
    desks.post(f"/desk/application/{number}/return", {"reason": "请写清件数"}, by="reviewer")
    assert "审核意见：请写清件数" in said(desks.get("/vouchers")).replace(" ：", "：").replace("： ", "：")
    assert desks.post("/vouchers/apply", {"application": number, "event": "withdraw"}).status_code == 303
    assert desks.one("SELECT state FROM application WHERE id = :id", id=number) == "withdrawn"


def test_an_order_goes_from_offer_to_claim_on_its_page(desks):
    number = desks.order(0)
    assert "确认报告" not in [b for b in said(desks.get(f"/orders/{number}")).split() if b == "确认报告，用掉券"]
    assert desks.settle(number).status_code == 303
    text = said(desks.get(f"/orders/{number}"))
    for one in ("兑现已提交：¥1,200.00", "下单 ", "接单 ", "出报告 ", "确认报告 ", "付款 ", f"示例-报告-{number}", "待初审"):
        assert one in text.replace("　", " ")


def test_what_is_wrong_with_a_claim_stands_before_its_button_and_is_mended_on_the_page(desks):
    number = desks.order(0)
    desks.step(number, "accept", "carrier")
    desks.step(number, "deliver", "carrier", report_number="示例-报告-1", report_date=TODAY)
    desks.step(number, "confirm", "enterprise")
    early = {"invoice_number": "示例-发票-1", "invoice_date": "2026-11-23", "payment_number": "示例-回单-1", "payment_date": "2026-11-23"}
    refused = desks.step(number, "pay_own_part", "enterprise", **early)
    assert (refused.status_code, "比签约的" in error_at(refused, "invoice_date")) == (422, True)
    assert desks.step(number, "pay_own_part", "enterprise", **{**early, "invoice_date": TODAY}).status_code == 303
    shown = said(desks.get(f"/orders/{number}"))
    assert "日期 2026-11-23 比签约的 2026-11-24 还早" in shown  # the payment: a warning
    assert "今天提交，算进 2026 年第" in shown
    row = {"reference": f"order:{number}", "kind": "invoice", "number": "示例-发票-2", "issued_on": date(2026, 11, 23)}
    desks.session.add(Evidence(**row))  # one that was there before the check was
    desks.session.commit()
    stopped = desks.step(number, "claim", "enterprise")
    assert (stopped.status_code, any("更正材料" in one for one in notes(stopped))) == (422, True)
    assert desks.step(number, "correct_invoice", "carrier", invoice_number="示例-发票-3", invoice_date=TODAY).status_code == 403
    assert desks.step(number, "correct_invoice", "enterprise", invoice_number="示例-发票-3", invoice_date=TODAY).status_code == 303
    assert "新发票已记下，以它为准。" in said(desks.get(f"/orders/{number}"))
    assert desks.step(number, "claim", "enterprise").status_code == 303
    assert "提交前检查" not in said(desks.get(f"/orders/{number}"))
    late = desks.step(number, "correct_invoice", "enterprise", invoice_number="示例-发票-4", invoice_date=TODAY)
    assert (late.status_code, "科技局退回以后可以改" in " ".join(notes(late))) == (409, True)


def test_each_party_is_offered_only_its_own_next_step(desks):
    number = desks.order(0)
    assert "接单 ¥1,200.00" in said(desks.get(f"/orders/{number}", by="carrier"))
    assert "接单 ¥1,200.00" not in said(desks.get(f"/orders/{number}"))
    assert desks.step(number, "accept", "enterprise").status_code == 403
    assert desks.step(number, "accept", "carrier").status_code == 303
    assert "交报告" in said(desks.get(f"/orders/{number}", by="carrier"))


def test_others_do_not_learn_that_an_order_exists(desks, session):
    number = desks.order(0)
    desks.enrol("other", "enterprise", make.enterprise(session))
    assert desks.get(f"/orders/{number}", by="other").status_code == 404
    assert desks.step(number, "cancel", "other").status_code == 404
    assert desks.post(f"/orders/{number}/sell", {}).status_code == 404


def test_a_report_without_number_or_from_tomorrow_is_told_at_its_field(desks):
    number = desks.order(0)
    desks.step(number, "accept", "carrier")
    empty = desks.step(number, "deliver", "carrier", report_number="", report_date="gestern")
    assert (empty.status_code, error_at(empty, "report_number"), error_at(empty, "report_date")[:5]) == (422, "请填这一项。", "请填日期，")
    tomorrow = desks.step(number, "deliver", "carrier", report_number="示例-报告", report_date="2026-11-25")
    assert tomorrow.status_code == 422
    assert "在今天以后" in error_at(tomorrow, "report_date")
    assert value_of(tomorrow, "report_number") == "示例-报告"
    assert desks.one("SELECT state FROM orders WHERE id = :id", id=number) == "contracted"


def test_a_used_invoice_is_refused_for_a_second_order(desks):
    first, second = desks.order(0), desks.order(1)
    desks.settle(first)
    for event, by, data in (
        ("accept", "carrier", {}),
        ("deliver", "carrier", {"report_number": "示例-报告-b", "report_date": TODAY}),
        ("confirm", "enterprise", {}),
    ):
        assert desks.step(second, event, by, **data).status_code == 303
    again = {"invoice_number": f"示例-发票-{first}", "invoice_date": TODAY, "payment_number": "示例-回单-b", "payment_date": TODAY}
    answer = desks.step(second, "pay_own_part", "enterprise", **again)
    assert answer.status_code == 409
    assert "同一份材料不能用两次" in notes(answer)[-1]
    assert value_of(answer, "payment_number") == "示例-回单-b"


def test_cancelling_gives_the_voucher_back_and_a_stale_page_says_the_state_in_words(desks):
    number = desks.order(0)
    assert desks.step(number, "cancel", "enterprise", reason="样品没到").status_code == 303
    page = desks.get(f"/orders/{number}")
    assert "已取消。券解冻 ¥1,200.00。" in notes(page)
    stale = desks.step(number, "accept", "carrier")
    assert stale.status_code == 409
    assert notes(stale)[0] == "这件现在是“已取消”，不能再做这一步。下面是最新的状态。"


def test_the_list_puts_first_what_waits_for_the_enterprise(desks):
    first, second = desks.order(0), desks.order(1)
    desks.step(first, "accept", "carrier")
    desks.step(first, "deliver", "carrier", report_number="示例-报告", report_date=TODAY)
    text = said(desks.get("/orders"))
    assert "1 笔等你办" in text
    assert text.index(f"YY-{first}") < text.index(f"YY-{second}")


def test_a_clause_that_was_kept_with_an_order_reads_like_a_fresh_one():
    kept = {"code": "per_year", "outcome": "limit", "title": "年度上限", "detail": "一年最多 ¥%(cap)s，今年已用 ¥%(used)s。", "source": "assumed"}
    from app import create_app
    from tests.app.conftest import make_settings

    with create_app(make_settings()).test_request_context("/"):
        line = clause_lines([{**kept, "params": {"cap": "1.00", "used": "0.00"}, "bound": 100, "assumed": True}])[0]
    assert (line.sign, line.detail, line.value, line.assumed, line.source) == ("warn", "一年最多 ¥1.00，今年已用 ¥0.00。", "¥1.00", True, "")


def query(values):
    from urllib.parse import urlencode

    return urlencode(values)
