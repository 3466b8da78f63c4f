"""The bureau's pages of policies: write, try out, publish by two persons; nothing typed is lost; and what everybody may read."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import text

from app import policyform
from tests import factories as make
from tests.app.desks import Desks, said
from vouchers import diff, drafts
from vouchers.drafts import PolicyDraft
from vouchers.policy import seed_policies

HOME = "/bureau/policies"


@pytest.fixture
def desks(session, app, clock):
    """Give the desks of Yuhuan, and a reviewer of another county."""
    found = Desks(session, app)
    make.region(session, "330522", name_zh="示例长兴县")
    found.enrol("stranger", "reviewer", found.bureau, region="330522")
    found.enrol("auditor", "auditor", found.bureau, region=make.YUHUAN)
    return found


@pytest.fixture
def draft(desks):
    answer = desks.post(f"{HOME}/yuhuan-2023/draft", {}, by="reviewer")
    assert answer.status_code == 303
    return int(answer.location.rsplit("/", 1)[1])


def row(desks, draft):
    return desks.session.get(PolicyDraft, draft, populate_existing=True)


def form(desks, draft, **changes):
    """Give the form of a draft as its page shows it, with changes; None takes a field out."""
    body = row(desks, draft)
    sheet = policyform.shown(make.terms(), body.body, "放宽")
    data = {**sheet.text, **{name: list(codes) for name, codes in sheet.ticked.items()}, "seen": body.row_version, "valid_from": "2027-01-01"}
    for table, rows in sheet.rows.items():
        data |= {f"{table}.{n}.{column}": value for n, one in enumerate(rows) for column, value in one.items()}
    return {name: value for name, value in {**data, **changes}.items() if value is not None}


def save(desks, draft, *, by="reviewer", **changes):
    return desks.post(f"{HOME}/drafts/{draft}", form(desks, draft, **changes), by=by)


def step(desks, draft, event, *, by="reviewer", **data):
    return desks.post(f"{HOME}/drafts/{draft}/{event}", {"seen": row(desks, draft).row_version, **data}, by=by)


def error_of(page, name):
    """Return the error that stands at a field, or "" for none."""
    found = re.search(rf'name="{re.escape(name)}".*?<p class="error"[^>]*>.*?<span>(.*?)</span>', page.get_data(as_text=True), re.DOTALL)
    return unescape(found[1]) if found else ""


def test_a_county_changes_its_ratio_by_itself(desks, draft):
    assert save(desks, draft, **{"tiers.0.ratio": "80", "src.tiers": "玉环市2027年办法第五条"}).status_code == 303
    page = said(desks.get(f"{HOME}/drafts/{draft}", by="reviewer"))
    assert "¥10,000 以内付 80%，其余付 50%" in page
    assert step(desks, draft, "submit").status_code == 303
    assert step(desks, draft, "publish", by="reviewer", sure="yes").status_code == 403
    answer = step(desks, draft, "publish", by="reviewer2", sure="yes")
    assert (answer.status_code, answer.location) == (303, "/policies/yuhuan-2023/2")
    public = said(desks.get("/policies/yuhuan-2023"))
    for one in ("2027-01-01 起", "¥10,000 以内付 80%", "玉环市2027年办法第五条", "第 1 版"):
        assert one in public


def test_the_form_of_a_saved_policy_says_the_same_policy(desks, draft):
    for terms in seed_policies():
        body, faults = policyform.read(policyform.shown(terms, diff.plain(terms)), diff.plain(terms))
        read_again, more = drafts.read(body)
        assert (faults, more) == ((), ())
        assert diff.compare(terms, read_again) == ()
    assert save(desks, draft, valid_from=make.terms().valid_from.isoformat()).status_code == 303
    assert [one.path for one in diff.compare(make.terms(), drafts.terms_of(row(desks, draft)))] == []


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("caps.per_year", "0"),
        ("caps.per_year", "-5"),
        ("caps.per_year", "0.001"),
        ("caps.per_year", "999999999999999"),
        ("caps.per_year", "很多"),
        ("tiers.0.ratio", "101"),
        ("tiers.0.ratio", "-1"),
        ("tiers.0.ratio", "NaN"),
        ("tiers.0.ratio", "1e-9"),
        ("tiers.0.ratio", ""),
        ("tiers.0.upto", "0"),
        ("notice_days", "1.5"),
        ("notice_days", "-1"),
        ("notice_days", "91"),
        ("use_window.months", "61"),
        ("valid_from", "2027-02-29"),
        ("valid_from", "1799999999"),
        ("valid_to", "2026-01-01"),
        ("title", " "),
        ("payee", "carrier"),
        ("prefix", "券"),
    ],
)
def test_what_cannot_stand_is_said_at_its_field_and_nothing_is_lost(desks, draft, field, typed):
    answer = save(desks, draft, **{field: typed, "reason": "我写的理由", "src.tiers": "我写的出处"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert error_of(answer, field), field
    assert error_of(answer, field)[-1] in "。)"
    assert "我写的理由" in page
    assert 'value="我写的出处"' in page
    assert f'name="{field}"' in page
    assert row(desks, draft).row_version == 0


def test_a_contradiction_names_the_clause(desks, draft):
    answer = save(desks, draft, **{"caps.per_application": "200000"})
    assert answer.status_code == 422
    assert "前一个上限永远用不到" in error_of(answer, "caps.per_application")


def test_rows_come_and_go_without_scripts_and_save_nothing(desks, draft):
    page = save(desks, draft, add="tiers", title="还没保存的名称")
    text_ = page.get_data(as_text=True)
    assert page.status_code == 200
    assert 'name="tiers.2.ratio"' in text_
    assert 'value="还没保存的名称"' in text_
    page = save(desks, draft, remove="tiers.0")
    assert 'name="tiers.1.ratio"' not in page.get_data(as_text=True)
    assert row(desks, draft).row_version == 0


def test_a_second_save_of_one_screen_is_refused_and_keeps_what_was_typed(desks, draft):
    old = form(desks, draft, title="第二个人写的")
    assert save(desks, draft).status_code == 303
    answer = desks.post(f"{HOME}/drafts/{draft}", old, by="reviewer2")
    assert answer.status_code == 409
    assert 'value="第二个人写的"' in answer.get_data(as_text=True)


def test_a_forged_form_cannot_move_a_policy_or_say_what_there_is_not(desks, draft):
    forged = {
        "id": "huzhou-2017",
        "region": "330500",
        "funder": "330500",
        "level": "city",
        "no_such": "1",
        "tiers.x.ratio": "5",
        "tiers.999999.ratio": "5",
    }
    assert save(desks, draft, **forged).status_code == 303
    body = row(desks, draft).body
    assert (body["id"], body["region"], body["funder"]) == ("yuhuan-2023", make.YUHUAN, make.YUHUAN)
    assert save(desks, draft, **{"services.allow": ["no_such_service"]}).status_code == 422
    assert save(desks, draft, issuance="as_i_like").status_code == 422
    assert save(desks, draft, **{"recognition.carriers_from": "<script>"}).status_code == 422


def test_a_form_without_its_request_id_is_refused(desks, draft):
    data = form(desks, draft)
    answer = desks.webs["reviewer"].post(f"{HOME}/drafts/{draft}", data=data, headers=desks.headers["reviewer"])
    assert answer.status_code in (400, 422)
    assert row(desks, draft).row_version == 0


def test_publishing_needs_the_tick_and_two_clicks_make_one_version(desks, draft):
    save(desks, draft)
    step(desks, draft, "submit")
    assert step(desks, draft, "publish", by="reviewer2").status_code == 422
    seen = row(desks, draft).row_version
    for _ in range(2):
        answer = desks.post(f"{HOME}/drafts/{draft}/publish", {"seen": seen, "sure": "yes"}, by="reviewer2", key="one-publish")
        assert answer.status_code == 303
    assert desks.session.scalar(text("SELECT count(*) FROM policy_version WHERE policy = 'yuhuan-2023'")) == 2
    again = desks.post(f"{HOME}/drafts/{draft}/publish", {"seen": seen, "sure": "yes"}, by="reviewer2")
    assert again.status_code == 409


def test_other_counties_do_not_learn_that_a_draft_exists(desks, draft):
    for path in (f"{HOME}/drafts/{draft}", f"{HOME}/drafts/{draft}/simulation", f"{HOME}/drafts/{draft}/simulation.csv"):
        assert desks.get(path, by="stranger").status_code == 404
        assert desks.get(path, by="auditor").status_code == 200
    assert save(desks, draft, by="stranger").status_code == 404
    for event in ("submit", "publish", "discard", "rebase", "return", "edit", "no-such"):
        assert step(desks, draft, event, by="stranger", reason="x", sure="yes").status_code == 404
    assert desks.post(f"{HOME}/yuhuan-2023/draft", {}, by="stranger").status_code == 404
    for who in ("finance", "auditor", "carrier", "enterprise"):
        assert save(desks, draft, by=who).status_code == 403
    assert desks.get(f"{HOME}/drafts/999999999", by="reviewer").status_code == 404


def test_a_submitted_draft_waits_in_the_queue_of_the_other_reviewer(desks, draft):
    save(desks, draft)
    step(desks, draft, "submit")
    assert "政策发布" in said(desks.get("/desk", by="reviewer2"))


def test_a_county_without_a_policy_begins_its_own(desks):
    page = said(desks.get(HOME, by="stranger"))
    assert "示例长兴县还没有自己的政策" in page
    assert desks.post(HOME, {"title": ""}, by="stranger").status_code == 422
    answer = desks.post(HOME, {"title": "长兴办法"}, by="stranger")
    assert answer.status_code == 303
    assert "示例参数" in said(desks.get(answer.location, by="stranger"))


def test_everybody_sees_where_there_is_no_policy_and_what_that_means(desks):
    page = said(desks.webs["enterprise"].get("/policies"))
    for one in ("没有自己的政策", "示例长兴县", "现在不能申领"):
        assert one in page
    assert desks.webs["enterprise"].get("/policies/no-such-policy").status_code == 404
    assert desks.webs["enterprise"].get("/policies/yuhuan-2023/99").status_code == 404
    assert desks.webs["enterprise"].get("/policies/yuhuan-2023/1").status_code == 200


def test_the_simulation_says_who_gets_less_and_what_it_costs(desks, draft):
    desks.settle(desks.order(0))
    assert "出处还是原来那一份" in error_of(save(desks, draft, **{"tiers.0.ratio": "50"}), "src.tiers")
    assert save(desks, draft, **{"tiers.0.ratio": "50", "tiers.1.ratio": "50", "src.tiers": ""}).status_code == 303
    page = desks.get(f"{HOME}/drafts/{draft}/simulation?year=2026", by="reviewer")
    words = said(page)
    for one in ("变多 0 笔，变少 1 笔", "差额 ¥−600.00", "够", "截至", "企业会因为规则变了而多买少买，这里不猜"):
        assert one in words, one
    sheet = desks.get(f"{HOME}/drafts/{draft}/simulation.csv?year=2026", by="reviewer").get_data(as_text=True)
    assert re.search(r",1200\.00,1200\.00,1200\.00,600\.00,-600\.00,", sheet)
    assert desks.get(f"{HOME}/drafts/{draft}/simulation?year=0099", by="reviewer").status_code == 404
    assert "没有用这份政策付过的订单" in said(desks.get(f"{HOME}/drafts/{draft}/simulation?year=2020", by="reviewer"))


def test_pages_say_it_in_english_too(desks, draft):
    for path in (
        "/policies",
        "/policies/yuhuan-2023",
        "/policies/yuhuan-2023/1",
        HOME,
        f"{HOME}/drafts/{draft}",
        f"{HOME}/drafts/{draft}/simulation",
    ):
        assert desks.get(f"{path}?lang=en", by="reviewer").status_code == 200


def api(desks, method, path, *, by="reviewer", key=None, **more):
    headers = {**desks.headers[by], "Idempotency-Key": key or make.key()}
    return desks.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **more)


def test_the_api_writes_simulates_and_publishes_a_version(desks):
    made = api(desks, "POST", "/policies/yuhuan-2023/drafts")
    assert made.status_code == 201
    here, body = made.location.removeprefix("/api/v1"), made.json["body"]
    text_ = {**body, "valid_from": "2027-01-01", "notice_days": 7}
    saved = api(desks, "PUT", here, json={"body": text_, "reason": "公示七天", "row_version": 0})
    assert (saved.status_code, [one["path"] for one in saved.json["changes"]]) == (200, ["valid_from", "notice_days"])
    assert api(desks, "PUT", here, json={"body": {**text_, "caps": {"per_year": -1}}, "reason": "x", "row_version": 1}).status_code == 422
    assert api(desks, "GET", f"{here}/simulation?year=2026").json["total"]["orders"] == 0
    assert api(desks, "POST", f"{here}/submit", json={"row_version": 1}).status_code == 200
    assert api(desks, "POST", f"{here}/publish", json={"row_version": 2}).status_code == 403
    done = api(desks, "POST", f"{here}/publish", by="reviewer2", json={"row_version": 2})
    assert (done.status_code, done.json["published"], done.json["state"]) == (200, 2, "published")
    assert api(desks, "GET", here, by="stranger").status_code == 404
    assert [one["version"] for one in api(desks, "GET", "/policies/yuhuan-2023/versions").json["items"]] == [2, 1]


def test_the_api_rules_under_the_version_of_the_day(desks):
    make.policy_version(desks.session, tiers=[{"upto": None, "ratio": "0.1"}], valid_from="2027-01-01")
    desks.session.commit()
    ask = "/policies/yuhuan-2023/rule?price=3000000"
    for day, amount in (("2026-12-31", 2_000_000), ("2027-01-01", 300_000), ("2028-02-29", 300_000)):
        found = api(desks, "GET", f"{ask}&on={day}").json
        assert (found["amount"], sum(one["amount"] for one in found["layers"])) == (amount, amount)
    assert api(desks, "GET", f"{ask}&on=2020-01-01").status_code == 404
    for wrong in ("price=-1", "price=1.5", f"price={10**30}", "service=x", "price=1&fund=x&nonsense=1"):
        assert api(desks, "GET", f"/policies/yuhuan-2023/rule?{wrong}").status_code in (400, 404, 422), wrong
