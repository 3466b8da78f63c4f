"""The money path over HTTP: an enterprise books with its voucher, the carrier answers, and a repeated request never does a thing twice."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text

from app.accounts import add_membership, add_user, issue_token
from tests import factories as make
from vouchers.entities import Evidence

TODAY = "2026-11-24"
INVOICE = [{"kind": "invoice", "number": "示例-发票-1", "issued_on": TODAY}, {"kind": "payment_proof", "number": "示例-回单-1", "issued_on": TODAY}]
REPORT = [{"kind": "service_result", "number": "示例-报告-1", "issued_on": TODAY}]
PATH = (("carrier", "accept", None), ("carrier", "deliver", REPORT), ("enterprise", "confirm", None), ("enterprise", "pay_own_part", INVOICE))
COUNTS = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM booking), (SELECT count(*) FROM hold), (SELECT count(*) FROM audit)"


class Market:
    """A scene with a token for each of its two parties, and a client that calls for them."""

    def __init__(self, session, web) -> None:
        self.session, self.web = session, web
        self.scene = make.scene(session)
        self.wish = make.wish(session, self.scene, nth=4)
        self.tokens = {"enterprise": self.token("enterprise", self.scene.enterprise), "carrier": self.token("carrier", self.scene.carrier)}
        session.commit()

    def token(self, role, organisation):
        user = add_user(self.session, f"{role}-{organisation.id}-{make.key()}", name="示例人员", password=None, is_sample=True)
        region = None if role in {"enterprise", "carrier"} else make.YUHUAN
        found = issue_token(self.session, add_membership(self.session, user, organisation_id=organisation.id, role=role, region=region))
        self.session.commit()
        return found

    def body(self, **changes):
        facts = {"instrument": self.wish.instrument_id, "service": self.wish.service, "voucher": self.scene.voucher.id}
        return {**facts, "start": self.wish.start.isoformat(), "end": self.wish.end.isoformat(), **changes}

    def post(self, path, body=None, *, role="enterprise", key=None, **headers):
        key = {} if key == "" else {"Idempotency-Key": key or make.key()}
        return self.web.post(f"/api/v1/{path}", json=body, headers={"Authorization": f"Bearer {self.tokens[role]}", **key, **headers})

    def get(self, path, *, role="enterprise"):
        return self.web.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {self.tokens[role]}"})

    def book(self, **changes):
        return self.post("orders", self.body(**changes))

    def counts(self):
        return tuple(self.session.execute(text(COUNTS)).one())


@pytest.fixture
def market(session, web, clock):
    return Market(session, web)


def test_a_booking_answers_201_with_the_sums_and_the_clauses(market):
    answer = market.book()
    found = answer.get_json()
    assert answer.status_code == 201
    assert set(found) == {"id", "code", "state", "price", "voucher_part", "share_part", "own_part", "clauses", "links"}
    assert (found["state"], found["price"], found["voucher_part"], found["own_part"]) == ("offered", 120_000, 120_000, 0)
    assert found["links"]["self"] == answer.headers["Location"] == f"/api/v1/orders/{found['id']}"
    tiers = next(clause for clause in found["clauses"] if clause["code"] == "tiers")
    assert "1,200.00 × 100%" in tiers["detail"]
    assert found["links"]["cancel"].endswith("/cancel")


def test_a_voucher_may_be_named_by_code_or_left_to_us(market):
    assert market.book(voucher=market.scene.voucher.code).get_json()["voucher_part"] == 120_000
    second = make.wish(market.session, market.scene, nth=5)
    slot = {"start": second.start.isoformat(), "end": second.end.isoformat()}
    assert market.book(voucher="best", **slot).get_json()["voucher_part"] == 120_000


def test_the_same_key_and_body_answer_the_same_even_when_the_order_has_moved_on(market):
    first = market.post("orders", market.body(), key="again")
    market.post(f"orders/{first.get_json()['id']}/accept", role="carrier")
    before = market.counts()
    second = market.post("orders", market.body(), key="again")
    assert (second.status_code, second.get_json()) == (first.status_code, first.get_json())
    assert market.counts() == before


def test_the_same_key_with_another_body_is_a_conflict(market):
    market.post("orders", market.body(), key="again")
    before = market.counts()
    answer = market.post("orders", market.body(voucher=None), key="again")
    assert (answer.status_code, answer.get_json()["type"]) == (409, "/problems/request-reused")
    assert market.counts() == before


def test_two_persons_may_choose_the_same_key(market):
    made = market.post("orders", market.body(), key="1").get_json()["id"]
    assert market.post(f"orders/{made}/accept", role="carrier", key="1").status_code == 200


def test_a_write_without_a_key_is_refused_and_the_header_is_named(market):
    for path in ("orders", "orders/1/accept"):
        answer = market.post(path, market.body() if path == "orders" else None, key="")
        assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert market.post("orders", market.body(), key="k" * 101).status_code == 400


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start": "tomorrow"}, "start"),
        ({"start": "2026-11-26T09:00:00"}, "start"),
        ({"instrument": 0}, "instrument"),
        ({"instrument": 2**63}, "instrument"),
        ({"instrument": "x"}, "instrument"),
        ({"service": None}, "service"),
        ({"attributes": ["related_party"]}, "attributes.0"),
        ({"expected": {"voucher_part": 1}}, "expected.own_part"),
        ({"quantity": 3}, "quantity"),
        ({"need": "x" * 501}, "need"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(market, changes, field):
    answer = market.book(**changes)
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.get_json()["errors"]}


@pytest.mark.parametrize("body", [None, [], "x", 3])
def test_a_body_that_is_no_object_is_malformed(market, body):
    assert market.post("orders", body).status_code == 400


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2000-01-01T09:00:00+08:00"])
def test_a_time_at_the_ends_of_the_calendar_is_refused_like_any_other(market, start):
    answer = market.book(start=start, end=start)
    assert (answer.status_code, answer.get_json()["clause"] in {"past", "ahead"}) == (409, True)


def test_a_taken_slot_is_a_conflict_that_names_the_next_one(market):
    market.book()
    answer = market.book()
    found = answer.get_json()
    assert (answer.status_code, found["type"], found["clause"]) == (409, "/problems/refused", "slot_taken")
    assert "2026-11-24 13:30–17:00" in found["detail"]


def test_what_excludes_a_voucher_is_a_conflict_with_its_clause(market):
    before = market.counts()
    answer = market.book(attributes=["statutory_test"])
    assert (answer.status_code, answer.get_json()["clause"]) == (409, "statutory_test")
    assert market.counts() == before


def test_sums_that_are_no_longer_right_are_a_conflict(market):
    answer = market.book(expected={"voucher_part": 60_000, "own_part": 60_000})
    assert (answer.status_code, answer.get_json()["clause"]) == (409, "changed")


def test_anothers_voucher_and_an_unknown_one_are_not_found_alike(market):
    stranger = make.voucher(market.session)
    market.session.commit()
    answers = [market.book(voucher=name) for name in (stranger.id, stranger.code, 999_999, "YH-none")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.get_json()["detail"] for answer in answers}) == 1


def test_the_whole_path_over_http(market):
    made = market.book().get_json()["id"]
    states = []
    for role, event, documents in PATH:
        answer = market.post(f"orders/{made}/{event}", {"documents": documents} if documents else None, role=role)
        states.append((answer.status_code, answer.get_json()["state"]))
    assert states == [(200, "contracted"), (200, "delivered"), (200, "confirmed"), (200, "settled")]
    assert "claim" in market.get(f"orders/{made}").get_json()["links"]
    claimed = market.post(f"orders/{made}/claim", key="claim").get_json()
    assert (claimed["state"], claimed["claim"]["state"], claimed["claim"]["amount"]) == ("settled", "submitted", 120_000)
    assert market.post(f"orders/{made}/claim", key="claim").get_json() == claimed
    assert market.get("vouchers").get_json()["items"][0]["used"] == 120_000


def test_a_claim_that_is_wrong_is_a_problem_at_its_document_over_http(market):
    made = market.book().get_json()["id"]
    for role, event, documents in PATH:
        market.post(f"orders/{made}/{event}", {"documents": documents} if documents else None, role=role)
    market.session.add(Evidence(reference=f"order:{made}", kind="invoice", number="X-1", issued_on=date(2020, 2, 29)))
    market.session.commit()
    refused = market.post(f"orders/{made}/claim")
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "invoice")
    again = [{"kind": "invoice", "number": "X-2", "issued_on": "2026-11-24"}]
    assert "correct_invoice" in market.get(f"orders/{made}").get_json()["links"]
    assert market.post(f"orders/{made}/correct_invoice", {"documents": again}).status_code == 200
    claimed = market.post(f"orders/{made}/claim")
    assert claimed.get_json()["claim"]["state"] == "submitted"
    assert not [one for one in claimed.get_json()["links"] if one.startswith("correct")]


def test_a_repeated_event_answers_the_same_after_the_next_one(market):
    made = market.book().get_json()["id"]
    first = market.post(f"orders/{made}/accept", role="carrier", key="a").get_json()
    market.post(f"orders/{made}/cancel", {"reason": "仪器坏了"}, role="carrier")
    assert market.post(f"orders/{made}/accept", role="carrier", key="a").get_json() == first
    assert market.post(f"orders/{made}/accept", {"reason": "x"}, role="carrier", key="a").status_code == 409
    assert market.get(f"orders/{made}").get_json()["state"] == "cancelled"


def test_the_wrong_party_is_forbidden_and_the_wrong_state_a_conflict(market):
    made = market.book().get_json()["id"]
    assert market.post(f"orders/{made}/accept").status_code == 403
    assert market.post(f"orders/{made}/confirm").status_code == 409
    assert market.get(f"orders/{made}").get_json()["state"] == "offered"


def test_missing_papers_are_named(market):
    made = market.book().get_json()["id"]
    market.post(f"orders/{made}/accept", role="carrier")
    answer = market.post(f"orders/{made}/deliver", role="carrier")
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "service_result")
    assert market.get(f"orders/{made}").get_json()["state"] == "contracted"


@pytest.mark.parametrize("event", ["timeout", "dance", "offer"])
def test_an_event_that_persons_cannot_cause_does_not_exist(market, event):
    made = market.book().get_json()["id"]
    assert market.post(f"orders/{made}/{event}").status_code == 404


def test_an_order_shows_its_parties_papers_and_steps(market):
    made = market.book(need="断口分析").get_json()["id"]
    market.post(f"orders/{made}/accept", role="carrier")
    market.post(f"orders/{made}/deliver", {"documents": REPORT}, role="carrier")
    found = market.get(f"orders/{made}", role="carrier").get_json()
    assert (found["start"], found["end"]) == (market.wish.start.isoformat(), market.wish.end.isoformat())
    assert (found["need"], found["voucher"], found["claim"]) == ("断口分析", market.scene.voucher.code, None)
    assert found["documents"] == REPORT
    assert [step["event"] for step in found["steps"]] == ["offer", "accept", "deliver"]
    assert found["steps"][0]["at"] == "2026-11-24T10:12:00+08:00"
    assert set(found["links"]) == {"self"}


def test_strangers_do_not_find_an_order(market):
    made = market.book().get_json()["id"]
    market.tokens["stranger"] = market.token("enterprise", make.enterprise(market.session))
    market.tokens["rival"] = market.token("carrier", make.carrier(market.session))
    for role in ("stranger", "rival"):
        assert market.get(f"orders/{made}", role=role).status_code == 404
        assert market.post(f"orders/{made}/cancel", role=role).status_code == 404
        assert market.get("orders", role=role).get_json() == {"items": [], "next": None}
    assert market.get("orders/999999").status_code == 404
    assert market.get("orders/99999999999999999999").status_code in {400, 404}


def test_the_list_pages_through_all_orders_of_either_party(market):
    made = []
    for nth in range(4, 9):
        wish = make.wish(market.session, market.scene, nth=nth)
        made.append(market.book(start=wish.start.isoformat(), end=wish.end.isoformat()).get_json()["id"])
    first = market.get("orders?limit=3", role="carrier").get_json()
    second = market.get(f"orders?limit=3&cursor={first['next']}", role="carrier").get_json()
    assert [row["id"] for row in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None
    market.post(f"orders/{made[0]}/cancel")
    assert [row["id"] for row in market.get("orders?state=cancelled").get_json()["items"]] == made[:1]
    for wrong in ("limit=0", "limit=1001", "cursor=x", "state=lost", "page=2"):
        assert market.get(f"orders?{wrong}").status_code == 400


def test_vouchers_show_their_parts_and_whether_they_can_be_used(market, clock):
    market.book()
    (found,) = market.get("vouchers").get_json()["items"]
    assert (found["code"], found["face"], found["available"], found["held"]) == (market.scene.voucher.code, 2_000_000, 1_880_000, 120_000)
    assert (found["usable"], found["expires_use"], found["funder"]) == (True, "2027-02-24", "331083")
    clock.passes(days=93)
    market.tokens["enterprise"] = _fresh_token(market, clock)
    assert market.get("vouchers").get_json()["items"][0]["usable"] is False


def _fresh_token(market, clock):
    """Log the same enterprise in again: tokens live thirty days."""
    make.at(market.session, clock.at)
    return market.token("enterprise", market.scene.enterprise)


def test_only_persons_of_the_parties_may_ask(market, bearer):
    assert market.web.get("/api/v1/orders").status_code == 401
    assert market.web.post("/api/v1/orders", json=market.body(), headers={"Idempotency-Key": "x"}).status_code == 401
    assert market.post("orders", market.body(), role="carrier").status_code == 403
    assert market.get("vouchers", role="carrier").status_code == 403
    for role in ("reviewer", "finance", "auditor", "planner"):
        assert market.web.get("/api/v1/orders", headers=bearer(role)).status_code == 403


def test_the_clauses_are_told_in_english_when_asked(market):
    found = market.post("orders?lang=en", market.body()).get_json()
    assert found["clauses"]
    assert all(clause["title"] and clause["detail"] for clause in found["clauses"])


def test_the_operations_stand_in_the_openapi_document(web):
    paths = web.get("/api/v1/openapi.json").get_json()["paths"]
    assert set(paths["/api/v1/orders"]) == {"get", "post"}
    assert set(paths["/api/v1/vouchers"]) == {"get"}
    header = next(one for one in paths["/api/v1/orders"]["post"]["parameters"] if one["in"] == "header")
    assert (header["name"], header["required"]) == ("Idempotency-Key", True)
