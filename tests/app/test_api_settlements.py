"""Claims, batches and statements under /api/v1: the whole way by a program, answers alike when repeated, others' papers not found."""

from __future__ import annotations

import pytest

from tests import factories as make
from tests.app.desks import Desks
from vouchers.batches import NOTICE_DAYS

NUMBER = "9999000011112222"


@pytest.fixture
def desks(session, app, clock):
    return Desks(session, app)


class Program:
    """Calls the API as a person of a scene."""

    def __init__(self, desks) -> None:
        self.desks = desks

    def post(self, path, body=None, *, by, key=None):
        headers = {**self.desks.headers[by], "Idempotency-Key": key or make.key()}
        return self.desks.webs[by].post(f"/api/v1{path}", json=body, headers=headers)

    def get(self, path, *, by):
        return self.desks.webs[by].get(f"/api/v1{path}", headers=self.desks.headers[by])


@pytest.fixture
def api(desks):
    return Program(desks)


@pytest.fixture
def claim(desks):
    desks.settle(desks.order(0))
    return desks.one("SELECT max(id) FROM claim")


def account(api):
    made = api.post("/bank-accounts", {"bank": "示例银行", "name": "示例", "number": NUMBER}, by="enterprise")
    assert (made.status_code, made.json["state"], made.json["account"]) == (201, "entered", "**** 2222")
    done = api.post(f"/bank-accounts/{made.json['id']}/confirm", {"number": NUMBER}, by="enterprise")
    assert done.json["state"] == "active"


def sent(api, clock, claim):
    account(api)
    assert api.post(f"/claims/{claim}/check_ok", {}, by="reviewer").json == {"id": claim, "state": "verified"}
    assert api.post(f"/claims/{claim}/approve", {}, by="finance").json["state"] == "approved"
    batch = api.post("/batches", by="finance").json["id"]
    for event in ("freeze", "notice"):
        assert api.post(f"/batches/{batch}/{event}", by="finance").status_code == 200
    clock.passes(days=NOTICE_DAYS + 1)
    for event, by in (("sign", "finance"), ("authorise", "finance2"), ("send", "finance")):
        assert api.post(f"/batches/{batch}/{event}", by=by).status_code == 200, event
    return batch


def test_a_program_pays_a_claim_from_its_sending_to_the_reconciled_batch(api, clock, claim):
    batch = sent(api, clock, claim)
    page = api.get(f"/batches/{batch}", by="finance").json
    line = page["items"][0]
    assert (page["state"], page["total"], line["account"]) == ("sent", 120_000, "**** 2222")
    content = f"reference,amount,status,transaction id\n{line['reference']},1200.00,paid,B-1\nX,1,paid,B-2\n"
    body, key = {"batch": batch, "filename": "s.csv", "content": content}, make.key()
    answers = [api.post("/statements", body, by="finance", key=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert [row["finding"] for row in answers[0].json["rows"]] == ["matched", "unknown"]
    assert api.get(f"/statements/{answers[0].json['id']}", by="auditor2" if "auditor2" in api.desks.headers else "finance").json == answers[0].json
    for event in ("close", "reconcile"):
        assert api.post(f"/batches/{batch}/{event}", by="finance").status_code == 200
    page = api.get(f"/batches/{batch}", by="finance").json
    assert (page["state"], set(page["sums"].values())) == ("reconciled", {120_000})
    mine = api.get("/claims", by="enterprise").json["items"]
    assert [(one["state"], one["bank_reference"]) for one in mine] == [("paid", "B-1")]
    assert api.get("/batches", by="finance").json["items"][0]["id"] == batch


def test_a_repeated_step_is_answered_alike_and_another_content_is_refused(api, claim):
    key = make.key()
    answers = [api.post(f"/claims/{claim}/check_ok", {}, by="reviewer", key=key) for _ in range(2)]
    assert [(a.status_code, a.json) for a in answers] == [(200, {"id": claim, "state": "verified"})] * 2
    assert api.post(f"/claims/{claim}/refuse", {"reason": "示例"}, by="reviewer", key=key).status_code == 409


def test_a_write_without_a_key_is_refused(api, desks, claim):
    for path in ("/batches", f"/claims/{claim}/check_ok", "/statements", "/bank-accounts"):
        answer = desks.webs["finance"].post(f"/api/v1{path}", json={}, headers=desks.headers["finance"])
        assert answer.status_code in (400, 403), path
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/claims/{claim}/burn", {}),
        ("/claims/999999999/check_ok", {}),
        ("/batches/999999999/freeze", {}),
        ("/batches/999999999/burn", {}),
        ("/batch-lines/999999999/fail", {"reason": "示例"}),
        ("/recoveries/999999999/money_back", {"bank_reference": "R-1", "received_on": "2026-11-24"}),
    ],
)
def test_what_does_not_exist_is_404(api, claim, path, body):
    by = "reviewer" if path.startswith("/claims") else "finance"
    assert api.post(path.format(claim=claim), body, by=by).status_code == 404


def test_who_may_what(api, clock, claim):
    batch = sent(api, clock, claim)
    for by in ("enterprise", "carrier", "reviewer"):
        assert api.get(f"/batches/{batch}", by=by).status_code == 403
        assert api.post("/statements", {"batch": batch, "content": "x"}, by=by).status_code == 403
    assert api.post("/bank-accounts", {"bank": "示例", "name": "示例", "number": NUMBER}, by="finance").status_code == 403
    far = make.organisation(api.desks.session, kind="authority")
    api.desks.enrol("far", "finance", far, region=make.region(api.desks.session, "330106").adcode)
    assert api.get(f"/batches/{batch}", by="far").status_code == 404
    assert api.post("/statements", {"batch": batch, "content": "参考号,金额\nX,1\n"}, by="far").status_code == 404


@pytest.mark.parametrize("content", ["", "\x00\x01", "户名,账号\n", "参考号,金额\n", "示例" * 5])
def test_what_is_no_statement_is_a_problem_at_its_field(api, clock, claim, content):
    batch = sent(api, clock, claim)
    answer = api.post("/statements", {"batch": batch, "content": content}, by="finance")
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"
