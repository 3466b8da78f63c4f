"""The bureau's desk: queue, check table, three duties by three persons, decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app import create_app
from app.views.bureau import check_application, check_claim
from bookings.queries import order_of
from tests import factories as make
from tests.app.conftest import make_settings
from tests.app.desks import Desks, error_at, notes, said
from vouchers import applications
from vouchers.desk import application_file, claim_file, queue_for

ON = date(2026, 11, 24)


@pytest.fixture
def desks(session, app, clock):
    return Desks(session, app)


@pytest.fixture
def claim(desks):
    """Give the id of a submitted claim of ¥1,200.00."""
    desks.settle(desks.order(0))
    return desks.one("SELECT max(id) FROM claim")


@pytest.fixture
def asked(desks):
    """Give the id of an application of ¥5,000.00."""
    make.budget(desks.session)
    desks.session.commit()
    desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "5000", "purpose": "热处理"})
    return desks.one("SELECT max(id) FROM application")


def decide(desks, kind, number, event, by, **data):
    return desks.post(f"/desk/{kind}/{number}/{event}", data, by=by)


def test_passing_an_application_issues_the_voucher(desks, asked):
    page = desks.get("/desk", by="reviewer")
    for one in ("你能办 1 件，共 1 件", "热处理", "同意 ¥5,000.00", "一次最多", "3 项都相符"):
        assert one in said(page)
    answer = decide(desks, "application", asked, "pass", "reviewer")
    assert (answer.status_code, answer.location) == (303, "/desk")
    assert notes(desks.get("/desk", by="reviewer"))[0] == f"已办：同意，{desks.scene.enterprise.name_zh} ¥5,000.00。"
    assert desks.one("SELECT face FROM voucher WHERE application_id = :id", id=asked) == 500_000


def test_deciding_twice_with_one_form_is_one_decision(desks, asked):
    for _ in range(2):
        assert desks.post(f"/desk/application/{asked}/pass", {}, by="reviewer", key="one-form").status_code == 303
    assert desks.one("SELECT count(*) FROM voucher WHERE application_id = :id", id=asked) == 1


def test_a_return_without_a_reason_is_told_at_its_field(desks, asked):
    answer = decide(desks, "application", asked, "return", "reviewer", reason=" ")
    assert answer.status_code == 422
    assert error_at(answer, "reason") == "请写明理由，申请人会看到。"
    assert desks.one("SELECT state FROM application WHERE id = :id", id=asked) == "county_review"


def test_review_and_approval_need_two_persons_and_payment_is_no_step_of_this_desk(desks, claim):
    assert decide(desks, "claim", claim, "check_ok", "reviewer").status_code == 303
    assert decide(desks, "claim", claim, "approve", "finance").status_code == 303
    page = desks.get(f"/desk?kind=claim&id={claim}", by="finance")
    assert "拨付 ¥" not in said(page)
    for one in ("示例reviewer", "示例finance ", "已批准，待拨付"):
        assert one in said(page)
    assert decide(desks, "claim", claim, "pay", "finance2", bank_reference="示例-1").status_code == 404


def test_finance_cannot_review_and_a_reviewer_cannot_approve(desks, claim):
    for event, by in (("check_ok", "finance"), ("approve", "reviewer")):
        assert decide(desks, "claim", claim, event, by, reason="x").status_code in (403, 409)
    assert desks.one("SELECT state FROM claim WHERE id = :id", id=claim) == "submitted"


def test_a_decision_on_a_paper_that_moved_on_says_its_state_in_words(desks, claim):
    decide(desks, "claim", claim, "check_ok", "reviewer")
    late = decide(desks, "claim", claim, "return", "reviewer2", reason="慢了一步")
    assert late.status_code == 409
    assert notes(late)[0] == "这件现在是“已初审，待批准”，不能再做这一步。下面是最新的状态。"


def test_another_region_sees_nothing_of_it(desks, claim, asked):
    desks.enrol("far", "reviewer", make.organisation(desks.session, kind="authority"), region=make.region(desks.session, "330106").adcode)
    assert "没有要办的" in said(desks.get("/desk", by="far"))
    assert desks.get(f"/desk?kind=claim&id={claim}", by="far").status_code == 404
    assert decide(desks, "claim", claim, "check_ok", "far").status_code == 404
    assert decide(desks, "application", asked, "pass", "far").status_code == 404


@pytest.mark.parametrize(
    "path", ["/desk?kind=claim&id=0", "/desk?kind=claim&id=x", "/desk?kind=order&id=1", "/desk?kind=claim&id=99999999999999999999"]
)
def test_a_paper_that_does_not_exist_is_404(desks, path):
    assert desks.get(path, by="reviewer").status_code == 404


def test_an_unknown_decision_is_404(desks, asked):
    assert decide(desks, "application", asked, "burn", "reviewer").status_code == 404
    assert decide(desks, "application", asked, "approve", "reviewer").status_code == 404


def test_enterprises_have_no_desk(desks):
    assert desks.get("/desk").status_code == 403


def test_what_one_may_decide_comes_first_and_ages_in_days(desks, asked, claim, session):
    later = ON.replace(day=30)
    finance = make.officer("finance")
    items = queue_for(session, finance, today=later)
    assert [item.locked is None for item in items] == [False, False]
    decide(desks, "claim", claim, "check_ok", "reviewer")
    items = queue_for(session, finance, today=later)
    assert [(item.kind, item.locked, item.age, item.left) for item in items] == [("claim", None, 6, 4), ("application", "等审核员初审", 6, 4)]


def test_an_overdue_paper_is_said_in_words(desks, asked, clock):
    assert "剩 10 天" in said(desks.get("/desk", by="reviewer"))
    clock.passes(days=8)
    assert "剩 2 天内 1" in said(desks.get("/desk", by="reviewer"))
    clock.passes(days=4)
    assert "超 2 天" in said(desks.get("/desk", by="reviewer"))


@pytest.fixture
def words():
    with create_app(make_settings()).test_request_context("/"):
        yield


def checked(session, desks, claim, today=ON, related=False, **changes):
    paper = claim_file(session, claim)
    order = order_of(session, make.officer("reviewer"), int(paper.reference.partition(":")[2]))
    return check_claim(replace(paper, **changes), order, today=today, related_parties=related)


def test_a_sound_claim_fits_in_every_row(session, desks, claim, words):
    assert [row.fits for row in checked(session, desks, claim)] == [True] * 5


def test_each_thing_that_does_not_fit_is_the_first_row(session, desks, claim, words):
    paper = claim_file(session, claim)
    early = tuple(replace(one, issued_on=date(2026, 11, 1)) for one in paper.proofs)
    again = (replace(paper.proofs[0], elsewhere=1), *paper.proofs[1:])
    cases = (
        ({"amount": 1}, "金额"),
        ({"holder_id": 0}, "双方"),
        ({"payee_id": 0}, "双方"),
        ({"related": True}, "双方"),
        ({"proofs": early}, "日期"),
        ({"proofs": again}, "编号"),
        ({"proofs": paper.proofs[:2]}, "材料"),
        ({"expires_use": date(2026, 1, 1)}, "日期"),
        ({"today": date(2030, 1, 1)}, "日期"),
    )
    for changes, title in cases:
        first = checked(session, desks, claim, **changes)[0]
        assert (first.fits, first.title) == (False, title), changes


def test_an_application_over_its_caps_is_marked(session, desks, asked, words):
    paper = application_file(session, asked)
    assert [row.fits for row in check_application(paper)] == [True] * 3
    over = check_application(replace(paper, amount=2_000_001, unspent=4_000_000))
    assert [(row.title, row.fits) for row in over] == [("一次最多", False), ("手里没用完的最多", False), ("本年预算", True)]


@pytest.fixture
def two_levels(desks, session):
    """Give an application under a policy with a second review, and a reviewer of the city."""
    make.region(session, "331000", level="city")
    make.budget(session, make.policy_version(session, review=("county", "city")))
    desks.enrol("city", "reviewer", desks.bureau, region="331000")
    found = applications.apply(
        session, make.enterprise_actor(desks.scene.enterprise), policy_code="yuhuan-2023", amount=100_000, purpose="示例用途", request_id=make.key()
    )
    session.commit()
    return found


def test_an_application_of_two_levels_goes_up_is_taken_back_goes_up_and_is_issued(desks, two_levels):
    assert "报市级" in said(desks.get(f"/desk?kind=application&id={two_levels}", by="reviewer"))
    assert decide(desks, "application", two_levels, "pass", "reviewer").status_code == 303
    page = desks.get(f"/desk?kind=application&id={two_levels}", by="reviewer")
    assert "市级还没有办" in said(page)
    assert "市级审核" in said(desks.get("/desk", by="city"))
    assert decide(desks, "application", two_levels, "recall", "reviewer2").status_code == 404
    assert decide(desks, "application", two_levels, "recall", "reviewer").status_code == 303
    assert "没有要办的" in said(desks.get("/desk", by="city"))
    assert decide(desks, "application", two_levels, "pass", "reviewer").status_code == 303
    assert decide(desks, "application", two_levels, "pass", "reviewer2").status_code == 404
    assert decide(desks, "application", two_levels, "pass", "city").status_code == 303
    assert desks.one("SELECT state FROM application WHERE id = :id", id=two_levels) == "issued"


def test_the_queue_shows_one_kind_when_asked(desks, asked, claim):
    assert "共 2 件" in said(desks.get("/desk", by="reviewer"))
    only = said(desks.get("/desk?of=application", by="reviewer"))
    assert "共 1 件" in only
    assert "共 0 件" in said(desks.get("/desk?of=enrolment", by="reviewer"))
