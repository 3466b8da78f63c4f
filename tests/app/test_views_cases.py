"""Pages and API of counter-offers, disputes, checks of vouchers and income: what each person sees, does, and is told when it cannot be."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import text

from bookings.entities import Order
from tests import factories as make
from tests.app.desks import Desks, error_at, notes
from tests.bookings.test_orders import reach
from vouchers.entities import Voucher


@pytest.fixture
def desks(session, app, clock):
    found = Desks(session, app)
    make.region(session, "330521")
    found.enrol("auditor", "auditor", found.bureau, region=make.YUHUAN)
    found.enrol("auditor elsewhere", "auditor", found.bureau, region="330521")
    found.enrol("reviewer elsewhere", "reviewer", found.bureau, region="330521")
    return found


def body(answer):
    return answer.get_data(as_text=True)


def in_state(desks, state):
    made = reach(desks.session, desks.scene, state)
    desks.session.commit()
    return made


def state_of(desks, order_id):
    return desks.session.get_one(Order, order_id, populate_existing=True).state


def test_a_counter_offer_is_made_seen_side_by_side_and_taken(desks):
    made = in_state(desks, "offered")
    page = f"/orders/{made}"
    assert "还价" in body(desks.get(page, by="carrier"))
    answer = desks.post(f"{page}/counter", {"price": "1500", "start": "", "end": "", "report_days": "", "reason": "加测一件"}, by="carrier")
    assert (answer.status_code, state_of(desks, made)) == (303, "countered")
    seen = body(desks.get(page))
    assert "双方的报价" in seen
    assert "1,500.00" in seen
    assert 'name="expected_voucher" value="150000"' in seen
    wrong = desks.post(f"{page}/agree", {"expected_voucher": "120000", "expected_own": "0"})
    assert wrong.status_code == 409
    assert "金额变了" in notes(wrong)[0]
    agreed = desks.post(f"{page}/agree", {"voucher": str(desks.scene.voucher.id), "expected_voucher": "150000", "expected_own": "0"})
    assert (agreed.status_code, state_of(desks, made)) == (303, "contracted")


def test_an_offer_may_be_taken_without_the_voucher(desks):
    made = in_state(desks, "countered")
    seen = body(desks.get(f"/orders/{made}?pay=none"))
    assert 'name="expected_own" value="100000"' in seen
    desks.post(f"/orders/{made}/agree", {"voucher": "none", "expected_voucher": "0", "expected_own": "100000"})
    row = desks.session.get_one(Order, made, populate_existing=True)
    assert (row.state, row.voucher_id, row.own_part) == ("contracted", None, 100_000)


@pytest.mark.parametrize(
    ("field", "value"), [("price", ""), ("price", "-1"), ("price", "1.005"), ("price", "9" * 40), ("report_days", "99"), ("start", "x")]
)
def test_a_fault_of_a_counter_offer_stands_at_its_field(desks, field, value):
    made = in_state(desks, "offered")
    answer = desks.post(f"/orders/{made}/counter", {"price": "1500", field: value}, by="carrier")
    assert (answer.status_code, state_of(desks, made)) == (422, "offered")
    assert "error" in body(answer)


def test_a_carrier_quotes_from_a_page_and_sends_it(desks):
    assert "给企业报价" in body(desks.get("/carrier/quotations/new", by="carrier"))
    slot = make.free_slots(desks.session, desks.scene.instrument)[4]
    start, end = (at.astimezone(make.clock.SHANGHAI).strftime("%Y-%m-%dT%H:%M") for at in (slot.start, slot.end))
    facts = {"enterprise": desks.scene.enterprise.name_zh, "instrument": desks.scene.instrument.id, "service": "test_analysis"}
    form = {**facts, "start": start, "end": end, "price": "1000", "report_days": "2"}
    missing = desks.post("/carrier/quotations/new", {**form, "enterprise": "没有这家"}, by="carrier")
    assert missing.status_code == 422
    assert "没有这家企业" in error_at(missing, "enterprise")
    answer = desks.post("/carrier/quotations/new", form, by="carrier")
    made = int(answer.headers["Location"].rpartition("/")[2])
    assert desks.get(f"/orders/{made}").status_code == 404
    desks.post(f"/orders/{made}/propose", {}, by="carrier")
    assert "冻结券 ¥1,000.00" in body(desks.get(f"/orders/{made}"))


def test_a_dispute_goes_to_the_reviewer_who_decides_a_part(desks):
    made = in_state(desks, "delivered")
    empty = desks.post(f"/orders/{made}/dispute", {"reason": " "})
    assert empty.status_code == 422
    assert desks.post(f"/orders/{made}/dispute", {"reason": "少测两件"}).status_code == 303
    assert "少测两件" in body(desks.get("/cases/disputes", by="reviewer"))
    assert "少测两件" in body(desks.get(f"/cases/disputes/{made}", by="reviewer"))
    too_much = desks.post(f"/cases/disputes/{made}", {"outcome": "confirmed", "amount": "1200.01", "reason": "核对过"}, by="reviewer")
    assert (too_much.status_code, state_of(desks, made)) == (422, "disputed")
    done = desks.post(f"/cases/disputes/{made}", {"outcome": "confirmed", "amount": "700.00", "reason": "核对过"}, by="reviewer")
    assert (done.status_code, state_of(desks, made)) == (303, "confirmed")
    assert "裁定券只付 ¥700.00" in body(desks.get(f"/orders/{made}"))


def test_another_county_sees_no_dispute_and_no_voucher(desks):
    made = in_state(desks, "disputed")
    assert desks.get(f"/cases/disputes/{made}", by="reviewer elsewhere").status_code == 404
    assert desks.post(f"/cases/disputes/{made}", {"outcome": "cancelled", "reason": "x"}, by="reviewer elsewhere").status_code == 404
    voucher = f"/cases/vouchers/{desks.scene.voucher.id}"
    assert desks.get(voucher, by="auditor elsewhere").status_code == 404
    assert desks.post(f"{voucher}/freeze", {"reason": "x"}, by="auditor elsewhere").status_code == 404
    assert desks.get(f"/cases/vouchers?code={desks.scene.voucher.code}", by="auditor elsewhere").status_code == 404


def test_an_auditor_freezes_and_a_reviewer_voids_and_the_holder_reads_why(desks):
    voucher, page = desks.scene.voucher, f"/cases/vouchers/{desks.scene.voucher.id}"
    found = desks.get(f"/cases/vouchers?code={voucher.code.lower()}", by="auditor")
    assert found.headers["Location"].endswith(page)
    assert desks.post(f"{page}/freeze", {"reason": ""}, by="auditor").status_code == 422
    assert desks.post(f"{page}/freeze", {"reason": "发票对不上"}, by="auditor").status_code == 303
    assert "发票对不上" in body(desks.get("/cases/vouchers", by="reviewer"))
    again = desks.post(f"{page}/freeze", {"reason": "再来"}, by="auditor")
    assert again.status_code == 409
    assert "冻结核查" in body(again)
    assert desks.post(f"{page}/void", {"reason": "查实"}, by="auditor").status_code == 403
    assert desks.post(f"{page}/void", {"reason": "查实"}, by="reviewer").status_code == 303
    assert desks.session.get_one(Voucher, voucher.id, populate_existing=True).state == "void"
    mine = body(desks.get(f"/vouchers?voucher={voucher.id}"))
    assert "查实" in mine
    assert "作废退回" in mine


def test_income_adds_up_on_the_page_and_in_the_file(desks):
    in_state(desks, "settled")
    desks.scene.enterprise.name_zh = "=示例公司"
    desks.session.commit()
    assert "1,200.00" in body(desks.get("/carrier/income?period=2026-11", by="carrier"))
    assert "没有结清的订单" in body(desks.get("/carrier/income?period=2025", by="carrier"))
    rows = list(csv.reader(io.StringIO(body(desks.get("/carrier/income.csv?period=2026", by="carrier")).lstrip("\ufeff"))))
    assert rows[1][2] == "'=示例公司"
    assert rows[-1][6:11] == ["1,200.00", "1,200.00", "0.00", "0.00", "0.00"]
    for bad in ("1999", "2026-13", "2026-1", "abc", "2026-11-01", "２０２６"):
        assert desks.get(f"/carrier/income?period={bad}", by="carrier").status_code == 422
        assert desks.get(f"/carrier/income.csv?period={bad}", by="carrier").status_code == 422


def test_a_refused_step_is_logged_once_without_a_person(desks, capsys):
    made = in_state(desks, "delivered")
    capsys.readouterr()
    assert desks.post(f"/orders/{made}/accept", {}, by="carrier").status_code == 409
    lines = [line for line in capsys.readouterr().out.splitlines() if "step refused" in line]
    assert len(lines) == 1
    for part in ("orders", "accept", "delivered", "carrier"):
        assert part in lines[0]
    assert desks.scene.carrier.name_zh not in lines[0]


def api(desks, path, by, **facts):
    return desks.webs[by].post(f"/api/v1/{path}", json=facts, headers={**desks.headers[by], "Idempotency-Key": make.key()})


def test_the_api_takes_offers_disputes_and_checks(desks):
    made = in_state(desks, "offered")
    assert api(desks, f"orders/{made}/counter", "carrier", counter={"price": 100_000}).get_json()["state"] == "countered"
    agreed = api(desks, f"orders/{made}/agree", "enterprise", expected={"voucher_part": 100_000, "own_part": 0})
    assert (agreed.status_code, agreed.get_json()["price"]) == (200, 100_000)
    paper = {"kind": "service_result", "number": "BG-1", "issued_on": "2026-11-24"}
    assert api(desks, f"orders/{made}/deliver", "carrier", documents=[paper]).status_code == 200
    assert api(desks, f"orders/{made}/dispute", "enterprise", reason="少测").get_json()["state"] == "disputed"
    assert api(desks, f"orders/{made}/resolve", "enterprise", reason="x", outcome="cancelled").status_code == 403
    assert api(desks, f"orders/{made}/resolve", "reviewer", reason="x", outcome="confirmed", amount=0).status_code == 422
    found = api(desks, f"orders/{made}/resolve", "reviewer", reason="x", outcome="confirmed", amount=1)
    assert found.get_json()["state"] == "confirmed"


def test_the_api_shows_freezes_and_never_passes_a_voucher_on(desks):
    number = desks.scene.voucher.id
    seen = desks.webs["enterprise"].get(f"/api/v1/vouchers/{number}", headers=desks.headers["enterprise"]).get_json()
    assert (seen["face"], [line["kind"] for line in seen["statement"]], seen["usable"]) == (2_000_000, ["issue"], True)
    moved = api(desks, f"vouchers/{number}/transfer", "enterprise")
    assert (moved.status_code, moved.get_json()["clause"]) == (409, "transfer")
    assert api(desks, f"vouchers/{number}/freeze", "auditor").status_code == 422
    assert api(desks, f"vouchers/{number}/freeze", "auditor", reason="核查").get_json()["state"] == "frozen"
    assert api(desks, f"vouchers/{number}/freeze", "enterprise", reason="核查").status_code in (403, 404)
    assert api(desks, f"vouchers/{number}/unfreeze", "auditor", reason="查清").get_json()["state"] == "active"
    assert api(desks, f"vouchers/{number}/melt", "auditor", reason="x").status_code == 404
    assert desks.session.scalar(text("SELECT count(*) FROM audit WHERE subject = 'voucher' AND event IN ('freeze', 'unfreeze')")) == 2
