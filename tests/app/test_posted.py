"""Posted needs on pages and over HTTP: what each role sees and may do, and that nothing typed is lost where something is wrong."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from bookings import brokering, posting
from bookings.entities import Order
from core.actor import PUBLIC
from parties import messages
from parties.entities import CarrierEntry
from tests import factories as make
from tests.app.test_api_orders import Market
from tests.bookings.needs import LIMITS, TEXT, Deal, answer, deal, mine, offer, row_of, wanted

PLAIN = "断口形貌"


class Fair(Market):
    """A market with a need: tokens for the firm, both carriers, an officer of the region, and strangers."""

    def __init__(self, session, web, **changes) -> None:
        super().__init__(session, web)
        self.of: Deal = deal(session, scene=self.scene, **changes)
        owner = session.get_one(type(self.scene.carrier), self.of.other.organisation_id)
        self.tokens["rival"] = self.token("carrier", owner)
        self.tokens["neighbour"] = self.token("enterprise", make.enterprise(session))
        self.tokens["reviewer"] = self.token("reviewer", make.organisation(session, kind="authority"))
        self.seat = make.officer("reviewer")
        session.commit()

    @property
    def need(self):
        return f"needs/{self.of.need}"

    def offer(self, instrument=None, **changes):
        given = offer(self.session, instrument or self.scene.instrument)
        facts = {"instrument": given.instrument_id, "service": given.service, "start": given.start.isoformat(), "end": given.end.isoformat()}
        return {**facts, "price": 90_000, "report_days": 2, "note": "样品快递", **changes}


@pytest.fixture
def fair(session, web) -> Fair:
    return Fair(session, web)


def page(fair, path, role=None, **more):
    headers = {"Authorization": f"Bearer {fair.tokens[role]}"} if role else {}
    found = fair.web.get(path, headers=headers, **more)
    return found.status_code, found.get_data(as_text=True)


def test_a_need_is_posted_answered_compared_and_picked_over_http(fair, session):
    body = {"text": "轴承套圈断口形貌，预算3000元以内，我的手机 13800138000", "budget": 300_000, "answer_hours": 48}
    made = fair.post("needs", body, key="post-123456")
    assert (made.status_code, made.json["state"], made.json["budget"]) == (201, "open", 300_000)
    assert fair.post("needs", body, key="post-123456").json["id"] == made.json["id"]
    assert fair.post("needs", {**body, "budget": 1}, key="post-123456").status_code == 409
    sent = fair.post(f"{fair.need}/answers", fair.offer(), role="carrier")
    assert (sent.status_code, sent.json["mine"], sent.json["answers"]) == (201, "sent", None)
    fair.post(f"{fair.need}/answers", fair.offer(fair.of.second, price=120_000), role="rival")
    rows = fair.get(f"{fair.need}/answers").json["items"]
    assert [(one["price"], one["own_part"], one["place"]) for one in rows] == [(90_000, 0, 1), (120_000, 0, 2)]
    assert [one["price"] for one in fair.get(f"{fair.need}/answers", role="rival").json["items"]] == [120_000]
    choice = {"answer": rows[0]["id"], "seen": rows[0]["seen"], "voucher": "best", "expected": {"voucher_part": 90_000, "own_part": 0}}
    picked = fair.post(f"{fair.need}/pick", choice, key="pick-123456")
    assert picked.status_code == 201
    assert fair.post(f"{fair.need}/pick", choice, key="pick-123456").json == picked.json
    assert fair.post(f"{fair.need}/pick", choice).status_code == 409
    assert fair.get(f"orders/{picked.json['order']}").json["state"] == "contracted"
    assert session.query(Order).count() == 1


def test_the_public_reads_no_name_and_no_number(fair):
    found = fair.web.get(f"/api/v1/{fair.need}").json
    assert "13800138000" not in found["text"]
    assert (found["enterprise"], found["answers"], found["order"]) == (None, None, None)
    for role in (None, "carrier", "neighbour"):
        status, told = page(fair, f"/{fair.need}", role)
        assert status == 200
        assert "13800138000" not in told
        assert (fair.scene.enterprise.name_zh in told) == (role == "carrier")
    for role in ("enterprise", "reviewer"):
        assert "13800138000" in page(fair, f"/{fair.need}", role)[1]
    assert fair.scene.enterprise.name_zh not in page(fair, "/needs")[1]


def test_of_a_private_need_others_do_not_learn(session, web):
    fair = Fair(session, web, visibility="private")
    for role in (None, "carrier", "rival", "neighbour"):
        assert page(fair, f"/{fair.need}", role)[0] == 404
        headers = {"Authorization": f"Bearer {fair.tokens[role]}"} if role else {}
        assert fair.web.get(f"/api/v1/{fair.need}", headers=headers).status_code == 404
    for role, path in (("carrier", "answers"), ("carrier", "decline"), ("neighbour", "withdraw"), ("neighbour", "pick")):
        body = fair.offer() if path == "answers" else {"answer": 1, "seen": 0} if path == "pick" else {"reason": "too_far"}
        assert fair.post(f"{fair.need}/{path}", body, role=role).status_code == 404
    assert fair.post(f"{fair.need}/invite", {"carriers": [fair.scene.carrier.id]}, role="reviewer").status_code == 200
    assert fair.post(f"{fair.need}/answers", fair.offer(), role="carrier").status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "x" * 10_001}, 400),
        ({"text": "？！🙂"}, 422),
        ({"text": PLAIN, "budget": 0}, 422),
        ({"text": PLAIN, "budget": -5}, 422),
        ({"text": PLAIN, "budget": 2**62}, 422),
        ({"text": PLAIN, "budget": 10**400}, 422),
        ({"text": PLAIN, "due": "2020-01-01"}, 422),
        ({"text": PLAIN, "visibility": "all"}, 400),
        ({"text": PLAIN, "visibility": "chosen", "carriers": [10**15]}, 422),
        ({"text": PLAIN, "answer_hours": 0}, 422),
        ({"text": PLAIN, "more": 1}, 400),
        ({}, 400),
    ],
)
def test_a_need_that_cannot_be_meant_is_a_problem_not_an_error(fair, body, status):
    found = fair.post("needs", body)
    assert found.status_code in {status, 400, 422}, found.json
    assert found.mimetype == "application/problem+json"
    assert fair.post("needs", {"text": PLAIN}, key="").status_code in (400, 422)


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>断口", "'; DROP TABLE need_post; --", "{{ 7*7 }} ${7*7}", "断口\u202e形貌", "a" * 9_999]
)
def test_hostile_text_is_text(fair, hostile):
    made = fair.post("needs", {"text": hostile})
    assert made.status_code == 201, made.json
    status, told = page(fair, f"/needs/{made.json['id']}", "enterprise")
    assert status == 200
    assert "<script>alert" not in told
    assert "{{ 7*7 }}" not in hostile or "{{ 7*7 }}" in told


def test_a_firm_posts_from_the_form_and_keeps_what_it_typed_when_something_is_wrong(fair, session):
    headers = {"Authorization": f"Bearer {fair.tokens['enterprise']}"}
    status, form = page(fair, "/needs/new?need=金属断口形貌，预算2000元以内", "enterprise")
    assert status == 200
    assert 'value="2000.00"' in form or 'value="2,000.00"' in form
    typed = {"request_id": "form-12345678", "text": "金属断口形貌", "read": "", "visibility": "public", "answer_hours": "48", "budget": "-3"}
    again = fair.web.post("/needs/new", data=typed, headers=headers)
    assert again.status_code == 422
    assert "金属断口形貌" in again.get_data(as_text=True)
    sent = [fair.web.post("/needs/new", data={**typed, "budget": "2000"}, headers=headers) for _ in range(2)]
    assert [one.status_code for one in sent] == [303, 303]
    assert sent[0].location == sent[1].location
    made = int(re.search(r"/needs/(\d+)", sent[0].location)[1])
    version = session.execute(text("SELECT understood, budget FROM need_version WHERE need_id = :id"), {"id": made}).one()
    assert version.budget == 200_000
    assert version.understood
    assert page(fair, f"/needs/{made}/edit", "enterprise")[0] == 200
    assert page(fair, f"/needs/{made}/edit", "neighbour")[0] == 404


def test_a_carrier_answers_on_its_page_and_the_firm_picks_on_its_own(fair, session):
    carrier, firm = ({"Authorization": f"Bearer {fair.tokens[one]}"} for one in ("carrier", "enterprise"))
    status, form = page(fair, f"/{fair.need}/answer", "carrier")
    assert status == 200
    slot = re.search(r'<option value="(2026[^"]+/2026[^"]+)"', form)[1].replace("&#43;", "+")
    typed = {
        "request_id": "answer-1234567",
        "version": "1",
        "offer": f"{fair.scene.instrument.id}:test_analysis",
        "slot": slot,
        "price": "900",
        "report_days": "2",
    }
    for wrong in ({"price": "0"}, {"price": "1e99"}, {"slot": "now/then"}, {"offer": "x"}, {"report_days": "-1"}, {"version": "0"}):
        assert fair.web.post(f"/{fair.need}/answer", data={**typed, **wrong}, headers=carrier).status_code == 422, wrong
    other = {**typed, "offer": f"{fair.of.second.id}:test_analysis"}
    assert fair.web.post(f"/{fair.need}/answer", data=other, headers=carrier).status_code == 404
    assert fair.web.post(f"/{fair.need}/answer", data=typed, headers=carrier).status_code == 303
    status, told = page(fair, f"/{fair.need}/answers", "enterprise")
    assert (status, fair.scene.carrier.name_zh in told) == (200, True)
    assert page(fair, f"/{fair.need}/answers", "neighbour")[0] == 404
    one = mine(session, fair.of, fair.scene.seller)
    status, form = page(fair, f"/{fair.need}/pick?answer={one.id}", "enterprise")
    assert status == 200
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    done = fair.web.post(f"/{fair.need}/pick", data=fields, headers=firm)
    assert (done.status_code, "/orders/" in done.location) == (303, True)
    assert row_of(session, fair.of).state == "picked"
    assert page(fair, f"/{fair.need}", "carrier")[0] == 200
    assert page(fair, f"/{fair.need}", "rival")[0] == 404


def test_a_slot_that_is_gone_shows_the_other_answers(fair, session):
    first = answer(session, fair.of)
    answer(session, fair.of, fair.of.other)
    make.order(session, fair.scene, voucher=None)
    session.commit()
    data = {
        "request_id": "pick-12345678",
        "answer": first,
        "seen": 0,
        "expected_voucher": 100_000,
        "expected_own": 0,
        "voucher": fair.scene.voucher.id,
    }
    found = fair.web.post(f"/{fair.need}/pick", data=data, headers={"Authorization": f"Bearer {fair.tokens['enterprise']}"})
    told = found.get_data(as_text=True)
    assert found.status_code == 409
    assert "这个时段刚被约走" in told
    assert told.count("选这家") == 1
    assert fair.post(f"{fair.need}/pick", {"answer": first, "seen": 0}).json["clause"] == "slot_taken"


def test_the_desk_shows_what_is_stuck_and_the_officer_brokers(session, web):
    fair = Fair(session, web, understood=())
    elsewhere = make.officer("reviewer", "330500")
    status, told = page(fair, "/needs/desk", "reviewer")
    assert (status, "看不懂要用哪种仪器" in told) == (200, True)
    assert f"/{fair.need}" in page(fair, "/desk?kind=need", "reviewer")[1]
    assert fair.get("needs/stuck", role="reviewer").json["items"][0]["need"] == fair.of.need
    headers = {"Authorization": f"Bearer {fair.tokens['reviewer']}"}
    assert page(fair, f"/{fair.need}", "reviewer")[0] == 200
    asks = (("invite", {"carriers": str(fair.scene.carrier.id)}), ("note", {"words": "请补充样品"}), ("close", {"reason": "no_carrier"}))
    for number, (step, data) in enumerate(asks):
        empty = fair.web.post(f"/{fair.need}/{step}", data={"request_id": f"wrong-{number}-123"}, headers=headers)
        assert empty.status_code == 422, step
        assert fair.web.post(f"/{fair.need}/{step}", data={"request_id": f"step-{number}-1234", **data}, headers=headers).status_code == 303
    assert fair.web.post(f"/{fair.need}/note", data={"request_id": "late-1234567", "words": "晚了"}, headers=headers).status_code == 409
    assert brokering.stuck_needs(session, elsewhere, LIMITS) == []
    status, told = page(fair, "/messages", "enterprise")
    assert (status, told.count('class="line"')) == (200, 3)
    assert messages.unread(session, fair.scene.buyer) == 0


def test_lists_hold_what_each_role_may_do(fair, session):
    other = posting.post(session, fair.scene.buyer, wanted(understood=({"type": "别的仪器"},)), request_id=make.key())
    session.commit()
    fits = [one["id"] for one in fair.get("needs?scope=fitting", role="carrier").json["items"]]
    assert fair.of.need in fits
    assert other not in fits
    assert {fair.of.need, other} <= {one["id"] for one in fair.get("needs?scope=own").json["items"]}
    assert fair.get("needs?scope=own", role="neighbour").json["items"] == []
    first = fair.get("needs?limit=1", role="neighbour").json
    assert fair.get(f"needs?limit=1&cursor={first['next']}", role="neighbour").json["items"][0]["id"] < first["items"][0]["id"]
    for role in (None, "enterprise", "carrier", "rival", "neighbour", "reviewer"):
        assert page(fair, "/needs", role)[0] == 200
    assert fair.get("messages").status_code == 200
    assert PUBLIC.organisation_id is None
    assert TEXT


def test_who_does_not_need_a_firms_name_does_not_read_it_anywhere(session, web):
    fair = Fair(session, web)
    name = fair.scene.enterprise.name_zh
    made = fair.post("needs", {"text": f"我们是{name}，想看断口形貌，找王经理 13800138000"}).json["id"]
    closed = make.carrier(session)
    session.add(CarrierEntry(organisation_id=closed.id, contact_name="示例", contact_phone="1", state="suspended", suspended_for="officer"))
    fair.tokens["closed"] = fair.token("carrier", closed)
    session.commit()
    for role, told in ((None, False), ("neighbour", False), ("closed", False), ("carrier", True), ("enterprise", True), ("reviewer", True)):
        headers = {"Authorization": f"Bearer {fair.tokens[role]}"} if role else {}
        answers = [page(fair, path, role)[1] for path in (f"/needs/{made}", "/needs")]
        answers += [str(fair.web.get(f"/api/v1/{path}", headers=headers).json) for path in (f"needs/{made}", "needs", "needs?scope=fitting")]
        assert any(name in one for one in answers) == told, role
        assert any("王经理" in one or "13800138000" in one for one in answers) == (role in ("enterprise", "reviewer")), role
