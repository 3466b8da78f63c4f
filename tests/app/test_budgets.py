"""Budgets and applications as people and machines meet them: pages with a confirmation, waiting in plain words, the API with its keys."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from tests import factories as make
from tests.app.desks import Desks, error_at, notes, said


@pytest.fixture
def desks(session, app, clock):
    return Desks(session, app)


@pytest.fixture
def budget(desks):
    """Give the id of this year's budget, of which ¥100.00 is free."""
    found = make.budget(desks.session, amount=10_000)
    desks.session.commit()
    return found


def step(desks, number, event, *, confirmed=True, by="finance", **data):
    return desks.post(f"/budgets/{number}/{event}", {**({"confirmed": "yes"} if confirmed else {}), **data}, by=by)


def free(desks, number):
    return desks.one("SELECT free FROM budget_balance WHERE budget_id = :id", id=number)


def api(desks, method, path, body=None, *, by="finance", key=None):
    headers = {**desks.headers[by], "Idempotency-Key": key or f"key-{make.key()}"}
    return desks.app.test_client().open(f"/api/v1{path}", method=method, json=body, headers=headers)


def test_a_revision_is_confirmed_with_the_figures_before_and_after(desks, budget):
    asked = step(desks, budget, "revise", confirmed=False, change="500", reason="示例追加")
    assert asked.status_code == 200
    assert "¥100.00 → ¥600.00" in said(asked)
    assert free(desks, budget) == 10_000
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.get_data(as_text=True).split("confirm-title")[-1]))
    assert (form["change"], form["reason"], form["confirmed"]) == ("500", "示例追加", "yes")
    assert step(desks, budget, "revise", change=form["change"], reason=form["reason"]).status_code == 303
    assert free(desks, budget) == 60_000
    page = said(desks.get(f"/budgets/{budget}", by="finance"))
    assert "示例追加" in page
    assert "示例finance" in page


@pytest.mark.parametrize("change", ["0", "-0", "abc", "", "1e99", "0.001", "-"])
def test_a_change_that_is_no_amount_is_told_at_its_field(desks, budget, change):
    answer = step(desks, budget, "revise", change=change, reason="示例")
    assert answer.status_code == 422
    assert error_at(answer, "change")


def test_lowering_below_what_is_promised_is_refused_in_words(desks, budget):
    answer = step(desks, budget, "revise", change="-100.01", reason="示例")
    assert answer.status_code == 409
    assert "只有 ¥100.00" in notes(answer)[0]


def test_one_form_sent_twice_revises_once(desks, budget):
    for _ in range(2):
        assert (
            desks.post(
                f"/budgets/{budget}/revise", {"confirmed": "yes", "change": "5", "reason": "示例"}, by="finance", key="the-same-key"
            ).status_code
            == 303
        )
    assert free(desks, budget) == 10_500


def test_a_new_budget_is_planned_and_adopted_after_a_look(desks, budget):
    facts = {"purpose": "yuhuan-2023", "year": "2027", "amount": "20万", "how": "plan"}
    assert "新预算" in said(desks.post("/budgets", facts, by="finance"))
    made = desks.post("/budgets", {**facts, "confirmed": "yes"}, by="finance")
    number = int(made.headers["Location"].rsplit("/", 1)[1])
    assert desks.one("SELECT state FROM budget WHERE id = :id", id=number) == "planned"
    assert step(desks, number, "adopt", amount="150000").status_code == 303
    assert free(desks, number) == 15_000_000
    assert desks.post("/budgets", {**facts, "purpose": "huzhou-2017", "confirmed": "yes"}, by="finance").status_code == 404


def test_closing_carries_what_is_left_and_the_page_of_the_next_year_shows_it(desks, budget):
    assert "请选择" not in said(step(desks, budget, "close", confirmed=False, rest="carry", reason="年末"))
    assert step(desks, budget, "close", rest="carry", reason="年末").status_code == 303
    page = said(desks.get("/budgets?year=2027", by="finance"))
    assert "¥100.00" in page
    assert step(desks, budget, "revise", change="5", reason="示例").status_code == 409
    assert step(desks, budget, "sweep").status_code == 409


def test_nobody_but_this_regions_finance_changes_a_budget_and_no_other_officer_sees_it(desks, budget):
    desks.enrol("far", "finance", make.organisation(desks.session, kind="authority"), region=make.region(desks.session, "330106").adcode)
    assert desks.get(f"/budgets/{budget}", by="far").status_code == 404
    assert step(desks, budget, "revise", by="far", change="5", reason="示例").status_code == 404
    assert desks.get(f"/budgets/{budget}", by="reviewer").status_code == 200
    for who in ("reviewer", "enterprise", "carrier"):
        assert step(desks, budget, "revise", by=who, change="5", reason="示例").status_code == 403
    assert step(desks, budget, "explode").status_code == 404
    assert desks.get("/budgets/999999", by="finance").status_code == 404


def test_a_budget_that_is_used_up_says_so_before_and_after_applying(desks, budget):
    assert "预算还有 ¥100.00" in said(desks.get("/vouchers/apply"))
    asked = desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "5000", "purpose": "热处理"})
    assert asked.status_code == 303
    page = said(desks.get("/vouchers"))
    assert "排队等预算" in page
    assert "前面还有 0 件" in page
    assert "前面有 1 件在排队" in said(desks.get("/vouchers/apply"))
    assert "1 件在排队" in said(desks.get(f"/budgets/{budget}", by="finance"))
    assert "没有要办的" in said(desks.get("/desk", by="reviewer"))


def test_a_year_without_a_budget_is_explained(desks, budget):
    desks.post(f"/budgets/{budget}/close", {"confirmed": "yes", "rest": "treasury", "reason": "示例"}, by="finance")
    page = said(desks.get("/vouchers/apply"))
    assert "2026 年的预算还没有下达" in page
    answer = desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "50", "purpose": "热处理"})
    assert answer.status_code == 409


def test_contract_first_lists_the_orders_that_may_be_paid_and_refuses_others(desks, budget, session):
    make.policy_version(session, issuance="contract_first")
    session.commit()
    assert "先去预约" in said(desks.get("/vouchers/apply"))
    answer = desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "5000", "purpose": "热处理"})
    assert answer.status_code == 422
    answer = desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "order": "999999", "purpose": "热处理"})
    assert answer.status_code == 404
    number = desks.order(0, voucher=None)
    answer = desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "order": str(number), "purpose": "热处理"})
    assert answer.status_code == 409
    desks.step(number, "accept", "carrier")
    assert "不按合同" in said(desks.get("/vouchers/apply"))
    assert desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "order": str(number), "purpose": "热处理"}).status_code == 303
    row = session.execute(text("SELECT bound_reference, contract_value, amount, state FROM application ORDER BY id DESC LIMIT 1")).one()
    assert row.bound_reference == f"order:{number}"
    assert 0 < row.amount <= row.contract_value


def test_the_api_shows_where_every_fen_is_and_who_waits(desks, budget):
    made = api(desks, "POST", "/applications", {"policy": "yuhuan-2023", "amount": 500_000, "purpose": "示例"}, by="enterprise")
    assert (made.status_code, made.json["state"]) == (201, "waitlisted")
    found = api(desks, "GET", f"/budgets/{budget}").json
    assert found["given"] == found["free"] + found["reserved"] + found["on_vouchers"] + found["paid"] + found["returned"] + found["shares"]
    assert [one["amount"] for one in found["queue"]] == [500_000]
    assert [one["id"] for one in api(desks, "GET", "/budgets?year=2026").json["items"]] == [budget]
    assert set(found["links"]) == {"self", "revise", "close", "stripe", "sweep"}


def test_an_api_key_is_one_request_and_another_body_is_refused(desks, budget):
    body = {"change": 700, "reason": "示例"}
    one = api(desks, "POST", f"/budgets/{budget}/revise", body, key="same")
    two = api(desks, "POST", f"/budgets/{budget}/revise", body, key="same")
    assert (one.status_code, two.status_code, one.json["free"], two.json["free"]) == (200, 200, 10_700, 10_700)
    assert api(desks, "POST", f"/budgets/{budget}/revise", {**body, "change": 701}, key="same").status_code == 409


@pytest.mark.parametrize(
    "body", [{"change": 0, "reason": "x"}, {"change": 1.5, "reason": "x"}, {"reason": "x"}, {"change": 2**62, "reason": "x"}, {"change": 5}]
)
def test_the_api_takes_no_change_that_is_none(desks, budget, body):
    assert api(desks, "POST", f"/budgets/{budget}/revise", body).status_code in (400, 422)
    assert free(desks, budget) == 10_000


@pytest.mark.parametrize("amount", [0, -5, 1.5, 2**70, "5", None])
def test_the_api_takes_no_application_for_an_amount_that_is_none(desks, budget, amount):
    assert api(desks, "POST", "/applications", {"policy": "yuhuan-2023", "amount": amount, "purpose": "x"}, by="enterprise").status_code in (400, 422)


def test_an_application_runs_through_the_api_and_anothers_is_404(desks, budget):
    api(desks, "POST", f"/budgets/{budget}/revise", {"change": 10**6, "reason": "示例"})
    made = api(desks, "POST", "/applications", {"policy": "yuhuan-2023", "amount": 500_000, "purpose": "示例"}, by="enterprise").json
    here = f"/applications/{made['id']}"
    desks.enrol("other", "enterprise", make.enterprise(desks.session))
    assert api(desks, "GET", here, by="other").status_code == 404
    assert api(desks, "POST", f"{here}/withdraw", by="other").status_code == 404
    assert api(desks, "POST", f"{here}/return", {"reason": ""}, by="reviewer").status_code == 422
    assert api(desks, "POST", f"{here}/return", {"reason": "示例"}, by="reviewer").json["state"] == "draft"
    assert api(desks, "POST", f"{here}/pass", by="reviewer").status_code == 409
    assert api(desks, "POST", f"{here}/submit", by="enterprise").json["state"] == "county_review"
    assert [one["id"] for one in api(desks, "GET", "/applications", by="reviewer").json["items"]] == [made["id"]]
    done = api(desks, "POST", f"{here}/pass", by="reviewer").json
    assert done["state"] == "issued"
    assert done["voucher"]
    assert api(desks, "GET", "/applications", by="enterprise").json["items"][0]["state"] == "issued"
