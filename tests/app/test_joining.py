"""The pages and the API of joining: kind to who fills in, closed to who has no business there, and done once."""

import re
from dataclasses import replace
from html import unescape
from io import BytesIO

import pytest
from sqlalchemy import select, text

from app import accounts, members
from app.accounts import Membership, User, add_membership, add_user, issue_token
from app.views import admission, joining, organisation
from core.audit import Audit
from core.clock import now
from geodata.organisations import Organisation
from parties import carriers, enrolment, notices
from parties.entities import CarrierEntry, Enrolment
from parties.notices import Objection
from tests import factories
from tests.app.conftest import PASSWORD, csrf, log_in
from tests.parties import papers
from tests.parties.papers import OFFICE, applicant, code, open_carrier, reviewer
from tests.vouchers import papers as pictures
from vouchers.files import EvidenceFile

assert all(view.bp for view in (admission, joining, organisation))


@pytest.fixture
def county(session):
    factories.region(session, OFFICE, name_zh="示例县")
    factories.region(session, "330522")
    session.commit()


def form(web, **changes):
    facts = {
        "kind": "enterprise",
        "name": "示例新登记企业",
        "credit_code": code(),
        "adcode": OFFICE,
        "size_class": "small",
        "contact_name": "示例联系人",
        "contact_phone": "0576-12345678",
        "business_license_number": "示例证照-1",
        "business_license_issued_on": "2024-02-29",
        "person_name": "示例登记人",
        "login": f"new-{factories.key()}",
        "password": PASSWORD,
        "request_id": f"request-{factories.key()}",
        "csrf_token": csrf(web, "/join"),
    }
    return {**facts, **changes}


def page(answer):
    return unescape(answer.get_data(as_text=True))


def token(session, actor):
    seat = session.scalars(select(Membership).filter_by(user_id=actor.user_id)).first()
    if seat is None:
        user = session.get_one(User, actor.user_id)
        seat = add_membership(session, user, organisation_id=actor.organisation_id, role=actor.role, region=actor.region)
        seat.is_admin = True
    found = {"Authorization": f"Bearer {issue_token(session, seat)}"}
    session.commit()
    return found


def keyed(headers, key=None):
    return {**headers, "Idempotency-Key": key or f"key-{factories.key()}"}


def test_one_page_registers_logs_in_and_hands_in(web, session, county):
    answer = web.post("/join", data=form(web))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/organisation")
    assert "正在核实" in page(web.get("/organisation"))
    paper = session.scalars(select(Enrolment)).one()
    seat = session.scalars(select(Membership).filter_by(organisation_id=paper.organisation_id)).one()
    assert (paper.state, paper.means, seat.role, seat.is_admin) == ("submitted", "documents", "enterprise", True)


def test_a_team_without_code_and_a_carrier_register_too(app, session, county):
    web = app.test_client()
    team = {"kind": "team", "credit_code": "", "team_statement_number": "示例", "team_statement_issued_on": "2026-01-01"}
    assert web.post("/join", data=form(web, **team)).status_code == 303
    web = app.test_client()
    lab = {
        "kind": "carrier",
        "carrier_kind": "platform",
        "level": "county",
        "legal_certificate_number": "示例",
        "legal_certificate_issued_on": "2026-01-01",
    }
    assert web.post("/join", data=form(web, **lab)).status_code == 303
    assert "不再开放" in page(web.get("/organisation"))
    assert sorted(session.scalars(select(Organisation.kind).filter_by(source="self"))) == ["applicant", "team"]


def test_nothing_is_lost_on_an_error_but_the_password(web, session, county):
    given = form(web, credit_code="91331083MA2A12345X", contact_phone="?", login="!")
    answer = web.post("/join", data=given)
    shown = page(answer)
    assert answer.status_code == 422
    assert "有 3 项要改" in shown
    for name in (
        "name",
        "credit_code",
        "contact_name",
        "contact_phone",
        "business_license_number",
        "business_license_issued_on",
        "person_name",
        "login",
    ):
        assert f'value="{given[name]}"' in shown, name
    assert f'value="{OFFICE}" selected' in shown
    assert PASSWORD not in shown
    for name in ("credit-code", "contact-phone", "login"):
        assert re.search(rf'id="f-{name}-error"', shown), name
    assert not session.scalar(select(Enrolment.id))


def test_a_taken_code_says_whom_to_ask_and_a_taken_login_what_to_do(app, session, county):
    web = app.test_client()
    first = form(web)
    web.post("/join", data=first)
    web = app.test_client()
    shown = page(web.post("/join", data=form(web, credit_code=first["credit_code"], login=first["login"])))
    assert "请找本单位的管理员邀请你加入" in shown
    assert "这个账号已经有人用了" in shown


def test_sent_twice_it_is_one_organisation(app, session, county):
    web = app.test_client()
    given = form(web)
    again = app.test_client()
    web.post("/join", data=given)
    answer = again.post("/join", data={**given, "csrf_token": csrf(again, "/join")})
    assert answer.status_code in (303, 422)
    assert len(session.scalars(select(Enrolment)).all()) == 1
    assert again.get("/organisation").status_code == 303  # to the log-in page: nobody is logged in by repeating a form


@pytest.mark.parametrize(
    "odd",
    [
        {"kind": "authority"},
        {"kind": ""},
        {"adcode": "' OR 1=1"},
        {"business_license_issued_on": "2023-02-29"},
        {"business_license_issued_on": "9999-12-31"},
        {"business_license_issued_on": "-1"},
        {"name": "<script>alert(1)</script>" * 20},
        {"password": "short"},
        {"password": ""},
        {"login": "x" * 500},
        {"person_name": ""},
        {"request_id": ""},
    ],
)
def test_bad_input_is_told_and_changes_nothing(web, session, county, odd):
    answer = web.post("/join", data=form(web, **odd))
    assert answer.status_code == 422
    assert "<script>alert" not in answer.get_data(as_text=True)
    assert not session.scalar(select(Enrolment.id))
    assert not session.scalar(select(User.id))


def test_without_its_token_a_form_is_not_taken(web, session, county):
    assert web.post("/join", data=form(web, csrf_token="forged")).status_code == 403
    assert not session.scalar(select(Enrolment.id))


def test_whoever_is_logged_in_keeps_the_account_and_gets_a_second_seat(web, session, person, county):
    user, _ = person("enterprise", login="twofold")
    log_in(web, "twofold")
    given = form(web)
    for name in ("login", "password", "person_name"):
        given.pop(name)
    assert web.post("/join", data=given).status_code == 303
    assert len(session.scalars(select(Membership).filter_by(user_id=user.id)).all()) == 2
    assert "示例新登记企业" in page(web.get("/organisation"))


def test_officers_do_not_register(web, session, person, county):
    person("reviewer", login="officer")
    log_in(web, "officer")
    assert "审核员不能代办" in page(web.get("/join"))
    assert web.post("/join", data=form(web)).status_code == 403


def test_one_address_does_not_register_without_end(app, county):
    web = app.test_client()
    codes = [web.post("/join", data=form(web, name="")).status_code for _ in range(21)]
    assert codes == [422] * 20 + [429]


def test_the_returned_is_corrected_on_the_page(web, session, county):
    actor, row = applicant(session)
    paper = enrolment.paper_of(session, row.id)
    enrolment.decide(session, reviewer(session), subject="enrolment", paper_id=paper.id, event="return", reason="名称不对")
    headers = token(session, actor)
    shown = page(web.get("/organisation", headers=headers))
    assert "名称不对" in shown
    assert f'value="{row.credit_code}"' in shown
    given = {**form(web), "credit_code": row.credit_code, "name": "示例改好的名称"}
    assert web.post("/organisation", data={**given, "contact_name": ""}, headers=headers).status_code == 422
    assert web.post("/organisation", data={**given, "event": "save"}, headers=headers).status_code == 303
    session.expire_all()
    assert (session.get(Organisation, row.id).name_zh, session.get(Enrolment, paper.id).state) == ("示例改好的名称", "returned")
    assert web.post("/organisation", data=given, headers=headers).status_code == 303
    session.expire_all()
    assert session.get(Enrolment, paper.id).state == "submitted"


def test_scans_can_follow_until_the_check(app, session, county, tmp_path):
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], data_dir=tmp_path)
    web = app.test_client()
    actor, row = applicant(session)
    headers = token(session, actor)
    assert 'name="business_license_file"' in page(web.get("/organisation", headers=headers))
    assert web.post("/organisation/files", headers=headers, data={}).status_code == 409
    odd = {"business_license_file": (BytesIO(b"<svg onload=alert(1)>"), "a.pdf")}
    assert web.post("/organisation/files", headers=headers, data=odd).status_code == 422
    good = lambda: {"business_license_file": (BytesIO(pictures.pdf(pictures.form(2))), "a.pdf")}  # noqa: E731 (a stream is read once)
    assert web.post("/organisation/files", headers=headers, data=good()).status_code == 303
    assert web.post("/organisation/files", headers=headers, data=good()).status_code == 409
    (proof,) = enrolment.documents_of(session, row.id)
    session.refresh(proof)
    assert len(proof.file_sha) == 64
    found = session.scalars(select(EvidenceFile.id)).one()
    assert f"/files/{found}" in page(web.get("/desk/joining", headers=token(session, reviewer(session))))
    other, theirs = applicant(session, submitted=False)
    body = {**BODY, "credit_code": theirs.credit_code, "documents": [{**BODY["documents"][0], "file_id": found}]}
    stolen = web.post("/api/v1/organisation/facts", json=body, headers=keyed(token(session, other)))
    assert stolen.status_code == 422


def test_an_officer_decides_on_the_page_with_a_reason(web, session, county):
    _, row = applicant(session)
    paper = enrolment.paper_of(session, row.id)
    mine, abroad = token(session, reviewer(session)), token(session, reviewer(session, "330522"))
    assert row.name_zh in page(web.get("/desk/joining", headers=mine))
    assert row.name_zh not in page(web.get("/desk/joining", headers=abroad))
    to = f"/desk/joining/enrolment/{paper.id}"
    assert web.post(f"{to}/refuse", data={"reason": ""}, headers=mine).status_code == 422
    assert web.post(f"{to}/check", data={}, headers=abroad).status_code == 404
    assert web.post(f"{to}/burn", data={}, headers=mine).status_code == 404
    assert web.post("/desk/joining/voucher/1/check", data={}, headers=mine).status_code == 404
    assert web.post(f"{to}/check", data={}, headers=mine).status_code == 303
    assert web.post(f"{to}/check", data={}, headers=mine).status_code == 409
    session.expire_all()
    assert session.get(Enrolment, paper.id).state == "checked"


@pytest.mark.parametrize("role", ["enterprise", "carrier", "finance", "planner"])
def test_the_officers_page_is_closed_to_others(web, bearer, role, county):
    headers = bearer(role)
    assert web.get("/desk/joining", headers=headers).status_code == 403
    assert web.post("/desk/joining/enrolment/1/check", headers=headers).status_code == 403


def test_before_the_check_no_voucher_and_no_order(web, session, county):
    scene = factories.scene(session)
    actor, _ = applicant(session)
    headers = token(session, actor)
    wish = factories.wish(session, scene)
    body = {"instrument": wish.instrument_id, "start": wish.start.isoformat(), "end": wish.end.isoformat(), "service": wish.service}
    answer = web.post("/api/v1/orders", json=body, headers=keyed(headers))
    assert (answer.status_code, answer.json["clause"]) == (409, "standing")


def test_objections_by_page(web, session, county):
    notice = notices.open_notice(session, reviewer(session), subject="carrier_entry", subject_id=1, title="示例公示", region=OFFICE, days=7)
    session.commit()
    to = f"/notices/{notice.id}/objections"
    assert "示例公示" in page(web.get("/notices"))
    given = {"text": "地址不属实，去看过。", "name": "示例来人", "contact": "13800000000", "csrf_token": csrf(web, f"/notices/{notice.id}")}
    shown = page(web.post(to, data={**given, "name": ""}))
    assert "地址不属实，去看过。" in shown
    assert "请留下姓名" in shown
    assert web.post(to, data=given).status_code == 303
    assert web.post(to, data=given).status_code == 409
    public = page(web.get(f"/notices/{notice.id}"))
    assert "正在核实" in public
    assert not any(said in public for said in ("示例来人", "13800000000", "地址不属实"))
    mine = token(session, reviewer(session))
    assert "示例来人" in page(web.get("/desk/joining", headers=mine))
    found = session.scalars(select(Objection.id)).one()
    assert web.post(f"/desk/joining/objection/{found}/dismiss", data={"reason": "看过现场，属实。"}, headers=mine).status_code == 303
    assert "看过现场" in page(web.get(f"/notices/{notice.id}"))


@pytest.mark.parametrize("path", ["/notices/0", "/notices/999999999999", f"/notices/{2**63}", "/invitations/nothing", "/notices/x"])
def test_what_is_not_there(web, path):
    assert web.get(path).status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "9" * 50, "x", "２"])
def test_odd_pages_of_past_notices(web, number):
    assert web.get("/notices", query_string={"page": number}).status_code == 200


def test_a_link_makes_one_member_once(app, session, county):
    actor, row = applicant(session)
    admin = token(session, actor)
    web, guest, late = (app.test_client() for _ in range(3))
    shown = page(web.post("/organisation/invitations", headers=admin))
    link = re.search(r'value="http://[^"]+(/invitations/[^"]+)"', shown)[1]
    assert link.rsplit("/", 1)[1] not in {*session.scalars(select(members.Invitation.secret))}
    given = {"person_name": "示例同事", "login": "colleague", "password": PASSWORD, "csrf_token": csrf(guest, link)}
    assert guest.post(link, data={**given, "password": "1"}).status_code == 422
    assert guest.post(link, data=given).status_code == 303
    assert row.name_zh in page(guest.get("/organisation"))
    assert late.get(link).status_code == 410
    assert late.post(link, data={**given, "login": "second", "csrf_token": csrf(late)}).status_code == 410
    seats = session.scalars(select(Membership).filter_by(organisation_id=row.id)).all()
    assert sorted((seat.role, seat.is_admin) for seat in seats) == [("enterprise", False), ("enterprise", True)]


def test_a_link_dies_after_seven_days_and_when_taken_back(app, session, clock, county):
    factories.at(session, clock.at)
    actor, _ = applicant(session)
    token(session, actor)
    secret, other = (members.invite(session, actor, as_admin=False) for _ in range(2))
    members.revoke(session, actor, invitation_id=members.invitation_of(session, other)[0].id)
    session.commit()
    web = app.test_client()
    assert web.get(f"/invitations/{secret}").status_code == 200
    assert web.get(f"/invitations/{other}").status_code == 410
    clock.passes(days=6, hours=23)
    assert web.get(f"/invitations/{secret}").status_code == 200
    clock.passes(hours=2)
    assert web.get(f"/invitations/{secret}").status_code == 410


def test_members_are_removed_by_administrators_only_and_one_stays(web, session, county):
    actor, row = applicant(session)
    admin = token(session, actor)
    user = add_user(session, "plain", name="示例成员")
    seat = add_membership(session, user, organisation_id=row.id, role="enterprise")
    plain = {"Authorization": f"Bearer {issue_token(session, seat)}"}
    boss = session.scalars(select(Membership).filter_by(user_id=actor.user_id)).one()
    abroad = add_membership(session, user, organisation_id=factories.enterprise(session).id, role="enterprise")
    session.commit()
    assert web.post("/organisation/invitations", headers=plain).status_code == 403
    assert web.post(f"/organisation/members/{boss.id}/remove", headers=plain).status_code == 403
    assert web.post(f"/organisation/members/{abroad.id}/remove", headers=admin).status_code == 404
    assert web.post(f"/organisation/members/{boss.id}/remove", headers=admin).status_code == 409
    assert web.post(f"/organisation/members/{boss.id}/member", headers=admin).status_code == 409
    assert web.post(f"/organisation/members/{seat.id}/remove", headers=admin).status_code == 303
    assert web.get("/organisation", headers=plain).status_code == 401
    assert session.scalars(select(Audit.event).filter_by(subject="membership")).all() == ["remove"]


def test_a_guest_of_an_office_gets_its_role_and_region(session, county):
    officer = reviewer(session)
    token(session, officer)
    secret = members.invite(session, officer, as_admin=False)
    seat = members.accept(session, add_user(session, "young", name="示例新人"), secret=secret)
    assert (seat.role, seat.region, seat.is_admin) == ("reviewer", OFFICE, False)


def test_an_invited_officer_does_not_decide_on_the_new_firm(session, county):
    """Whoever registered a firm does not check it, in whatever seat."""
    actor, row = applicant(session)
    paper = enrolment.paper_of(session, row.id)
    office = factories.organisation(session, kind="authority")
    user = session.get_one(User, actor.user_id)
    add_membership(session, user, organisation_id=office.id, role="reviewer", region=OFFICE)
    found = accounts.person_of(session, user.id)
    with pytest.raises(Exception, match="另一位审核员"):
        enrolment.decide(session, found.actor, subject="enrolment", paper_id=paper.id, event="check", reason="")


def test_a_carrier_hands_in_and_leaves_by_page(web, session, county):
    actor, row = open_carrier(session)
    headers = token(session, actor)
    given = {"accreditation_kind": "cma", "accreditation_number": "示例资质-页", "expires_on": "2023-02-29"}
    shown = web.post("/organisation/certificates", data=given, headers=headers)
    assert shown.status_code == 422
    assert "示例资质-页" in page(shown)
    day = now(session).date().replace(year=now(session).year + 2, day=1).isoformat()
    assert web.post("/organisation/certificates", data={**given, "expires_on": day}, headers=headers).status_code == 303
    assert web.post("/organisation/certificates", data={**given, "expires_on": day}, headers=headers).status_code == 409
    assert [one.state for one in carriers.certificates(session, row.id)] == ["submitted"]
    assert web.post("/organisation/withdraw", headers=headers).status_code == 422
    assert web.post("/organisation/withdraw", data={"sure": "yes"}, headers=headers).status_code == 303
    session.expire_all()
    assert session.scalars(select(CarrierEntry.state)).one() == "withdrawn"


BODY = {
    "kind": "enterprise",
    "name": "示例接口企业",
    "adcode": OFFICE,
    "size_class": "small",
    "contact_name": "示例联系人",
    "contact_phone": "0576-12345678",
    "documents": [{"kind": "business_license", "number": "示例证照-9", "issued_on": "2024-02-29"}],
}


def test_the_api_registers_once_and_walks_to_the_end(web, session, bearer, county):
    headers, body = bearer("enterprise"), {**BODY, "credit_code": code()}
    key = "register-1234"
    first = web.post("/api/v1/organisations", json=body, headers=keyed(headers, key))
    again = web.post("/api/v1/organisations", json=body, headers=keyed(headers, key))
    other = web.post("/api/v1/organisations", json={**body, "name": "示例别的"}, headers=keyed(headers, key))
    assert (first.status_code, again.json, other.status_code) == (201, first.json, 409)
    assert web.post("/api/v1/organisations", json=body, headers=headers).status_code == 400
    paper = enrolment.paper_of(session, first.json["id"])
    mine = token(session, reviewer(session))
    queue = web.get("/api/v1/joining", headers=mine).json["items"]
    assert [(item["subject"], item["id"]) for item in queue] == [("enrolment", paper.id)]
    decided = web.post(f"/api/v1/joining/enrolment/{paper.id}/check", json={}, headers=keyed(mine))
    assert decided.json == {"id": paper.id, "state": "checked"}
    assert web.post(f"/api/v1/joining/enrolment/{paper.id}/check", json={}, headers=keyed(mine)).status_code == 409


def test_the_api_of_carriers_members_and_notices(web, session, county):
    actor, row = applicant(session, "carrier", submitted=False)
    headers = token(session, actor)
    assert web.get("/api/v1/organisation", headers=headers).json["state"] == "draft"
    day = f"{now(session).year + 3}-02-28"
    made = web.post("/api/v1/organisation/certificates", json={"kind": "cma", "number": "示例-1", "expires_on": day}, headers=keyed(headers))
    assert made.status_code == 201
    assert web.post("/api/v1/organisation/submit", headers=keyed(headers)).json["state"] == "submitted"
    assert web.post("/api/v1/organisation/facts", json={**BODY, "credit_code": row.credit_code}, headers=keyed(headers)).status_code == 409
    paper = enrolment.paper_of(session, row.id)
    mine = token(session, reviewer(session))
    assert web.post(f"/api/v1/joining/carrier_entry/{paper.id}/check", json={}, headers=keyed(mine)).json["state"] == "noticed"
    notice = web.get("/api/v1/notices").json["items"][0]
    to = f"/api/v1/notices/{notice['id']}/objections"
    given = {"text": "地址不属实，去看过。"}
    key = keyed(headers)
    first, again = (web.post(to, json=given, headers=key) for _ in range(2))
    assert (first.status_code, again.json) == (201, first.json)
    assert web.post(to, json=given).status_code in (400, 403)
    answer = web.post(f"/api/v1/joining/objection/{first.json['id']}/uphold", json={"reason": "属实"}, headers=keyed(mine))
    assert answer.json["state"] == "upheld"
    whole = web.get(f"/api/v1/notices/{notice['id']}").json
    assert (whole["state"], whole["objections"][0]["reason"]) == ("stopped", "属实")
    invited = web.post("/api/v1/organisation/invitations", json={}, headers=keyed(headers)).json
    assert "/invitations/" in invited["link"]
    assert web.post(f"/api/v1/organisation/invitations/{invited['id']}/revoke", headers=keyed(headers)).json["state"] == "revoked"
    assert web.post("/api/v1/organisation/burn", headers=keyed(headers)).status_code == 404


@pytest.mark.parametrize(
    "odd",
    [{"kind": "authority"}, {"name": 5}, {"documents": "x"}, {"credit_code": "1"}, {"adcode": "000000"}, {"extra": 1}, {"contact_phone": "x" * 301}],
)
def test_the_api_refuses_bad_bodies_with_a_problem(web, session, bearer, county, odd):
    answer = web.post("/api/v1/organisations", json={**BODY, "credit_code": code(), **odd}, headers=keyed(bearer("enterprise")))
    assert answer.status_code in (400, 422)
    assert answer.mimetype == "application/problem+json"
    assert not session.scalar(select(Enrolment.id))


def test_queries_of_the_officers_page_do_not_grow_with_the_region(session, county):
    for _ in range(3):
        applicant(session)
    assert len(enrolment.queue(session, reviewer(session))) == 3
    assert session.scalar(text("SELECT count(*) FROM enrolment")) == 3
    assert papers.OFFICE == OFFICE
