"""A notice runs its days, anybody may object within them, and nothing is clear while an objection is open or upheld."""

import pytest
from sqlalchemy import select, text

from core.actor import PUBLIC, Actor
from core.audit import Audit
from core.errors import Forbidden, Invalid, NotFound, Refused
from parties import notices
from parties.notices import Notice, Objection
from tests import factories
from tests.parties.papers import later, reviewer

TEXT = "这家单位没有它说的设备。"


@pytest.fixture
def notice(session):
    factories.at(session, "2027-12-28T10:00:00+08:00")
    factories.region(session)
    return notices.open_notice(session, reviewer(session), subject="carrier_entry", subject_id=7, title="示例公示", region="331083", days=7)


def object_to(session, notice, text_=TEXT, actor=PUBLIC, **more):
    return notices.object_to(session, actor, notice_id=notice.id, text=text_, **{"name": "示例来人", **more})


def test_seven_days_do_not_count_the_first_and_cross_the_year(session, notice):
    assert (notice.starts.isoformat(), notice.ends.isoformat()) == ("2027-12-28", "2028-01-04")


@pytest.mark.parametrize(
    ("opened", "ends"),
    [("2028-02-22T10:00:00+08:00", "2028-02-29"), ("2027-02-22T10:00:00+08:00", "2027-03-01"), ("2027-02-21T16:30:00+00:00", "2027-03-01")],
)
def test_leap_days_and_midnight_of_shanghai_count(session, opened, ends):
    factories.at(session, opened)
    factories.region(session)
    found = notices.open_notice(session, reviewer(session), subject="x", subject_id=1, title="示例", region="331083", days=7)
    assert found.ends.isoformat() == ends


def test_the_last_day_still_takes_objections_and_the_next_does_not(session, notice):
    factories.at(session, "2028-01-04T23:59:59+08:00")
    object_to(session, notice)
    factories.at(session, "2028-01-05T00:00:00+08:00")
    with pytest.raises(Refused) as no:
        object_to(session, notice, "另一件事，另一个理由。")
    assert no.value.clause == "notice"


def test_it_is_clear_only_after_its_last_day(session, notice):
    assert not notices.is_clear(session, "carrier_entry", 7)
    factories.at(session, "2028-01-04T23:59:59+08:00")
    assert not notices.is_clear(session, "carrier_entry", 7)
    factories.at(session, "2028-01-05T00:00:00+08:00")
    assert notices.is_clear(session, "carrier_entry", 7)
    assert notices.due(session) == [notice.id]
    notices.end(session, notice_id=notice.id)
    assert notice.state == "over"
    assert notices.due(session) == []
    assert notices.is_clear(session, "carrier_entry", 7)


def test_without_a_notice_nothing_is_clear(session):
    assert not notices.is_clear(session, "carrier_entry", 1)
    assert notices.outcome(session, "carrier_entry", 1) == "none"


def test_an_open_objection_holds_it_up_and_a_dismissed_one_lets_go(session, notice):
    found = object_to(session, notice)
    later(session, 8)
    assert not notices.is_clear(session, "carrier_entry", 7)
    assert notices.due(session) == []
    notices.answer(session, reviewer(session), objection_id=found, upheld=False, reason="看过现场，设备在。")
    assert notices.is_clear(session, "carrier_entry", 7)


def test_an_upheld_objection_stops_it_for_good(session, notice):
    found = object_to(session, notice)
    notices.answer(session, reviewer(session), objection_id=found, upheld=True, reason="属实。")
    later(session, 30)
    assert notice.state == "stopped"
    assert notices.outcome(session, "carrier_entry", 7) == "stopped"
    assert notices.upheld_reason(session, "carrier_entry", 7) == "属实。"
    with pytest.raises(Refused):
        object_to(session, notice, "还有一件事要说。")


def test_names_contacts_and_words_stay_out_of_the_record(session, notice):
    object_to(session, notice, contact="13800000000")
    for row in session.scalars(select(Audit)):
        said = f"{row.reason} {row.detail}"
        assert "示例来人" not in said
        assert "13800000000" not in said
        assert TEXT not in said


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"text_": ""}, "text"),
        ({"text_": "短"}, "text"),
        ({"text_": "长" * 2001}, "text"),
        ({"name": ""}, "name"),
        ({"name": "一"}, "name"),
        ({"name": "名" * 51}, "name"),
        ({"contact": "1" * 101}, "contact"),
    ],
)
def test_a_bad_objection_is_told_at_its_field(session, notice, given, field):
    with pytest.raises(Invalid) as no:
        object_to(session, notice, **given)
    assert no.value.field == field


def test_who_is_logged_in_needs_no_name(session, notice):
    assert object_to(session, notice, actor=Actor("enterprise", 5, 6), name="")


def test_the_same_words_twice_are_one_objection(session, notice):
    object_to(session, notice)
    with pytest.raises(Refused) as no:
        object_to(session, notice, name="另一个人")
    assert no.value.clause == "objection"


@pytest.mark.parametrize("days", [0, -1, 91, 10**9])
def test_odd_periods_are_refused(session, days):
    factories.region(session)
    with pytest.raises(Invalid):
        notices.open_notice(session, reviewer(session), subject="x", subject_id=1, title="示例", region="331083", days=days)


def test_two_notices_of_one_subject_do_not_run_at_once(session, notice):
    with pytest.raises(Refused):
        notices.open_notice(session, reviewer(session), subject="carrier_entry", subject_id=7, title="示例", region="331083", days=7)


def test_only_an_officer_of_the_region_answers_and_not_his_own(session, notice):
    found = object_to(session, notice)
    with pytest.raises(NotFound):
        notices.answer(session, reviewer(session, "330522"), objection_id=found, upheld=False, reason="不属实")
    for role in ("public", "enterprise", "carrier", "finance", "auditor", "planner"):
        with pytest.raises(Forbidden):
            notices.answer(session, Actor(role, 1, 2, "331083"), objection_id=found, upheld=False, reason="不属实")
    with pytest.raises(Invalid):
        notices.answer(session, reviewer(session), objection_id=found, upheld=False, reason="  ")
    mine = reviewer(session)
    own = object_to(session, notice, "审核员自己的异议。", actor=mine)
    with pytest.raises(Forbidden):
        notices.answer(session, mine, objection_id=own, upheld=False, reason="不属实")
    with pytest.raises(NotFound):
        notices.answer(session, mine, objection_id=10**12, upheld=False, reason="不属实")


@pytest.mark.parametrize("state", ["open", "upheld", "dismissed"])
@pytest.mark.parametrize("upheld", [True, False])
def test_an_objection_is_answered_once(session, notice, state, upheld):
    found = object_to(session, notice)
    officer = reviewer(session)
    if state != "open":
        notices.answer(session, officer, objection_id=found, upheld=state == "upheld", reason="第一次")
        with pytest.raises(Refused) as no:
            notices.answer(session, officer, objection_id=found, upheld=upheld, reason="第二次")
        assert no.value.clause == "state"
        assert session.get(Objection, found).reason == "第一次"
    else:
        notices.answer(session, officer, objection_id=found, upheld=upheld, reason="第一次")
        assert session.get(Objection, found).state == ("upheld" if upheld else "dismissed")


def test_what_was_announced_cannot_be_rewritten(session, notice):
    for change in ("title = '别的'", "ends = ends + 5", "region = '330000'"):
        with pytest.raises(Exception, match="permission denied"), session.begin_nested():
            session.execute(text(f"UPDATE notice SET {change}"))
    with pytest.raises(Exception, match="permission denied"), session.begin_nested():
        session.execute(text("DELETE FROM notice"))


def test_a_flood_ends(session, notice, monkeypatch):
    monkeypatch.setattr(notices, "MAX_WAITING", 2)
    for number in range(2):
        object_to(session, notice, f"第 {number} 件事，说得很清楚。")
    with pytest.raises(Refused):
        object_to(session, notice, "第三件事，说得很清楚。")


def test_lists_tell_running_from_past(session, notice):
    assert [row.id for row in notices.notices(session, running=True)] == [notice.id]
    later(session, 8)
    assert not notices.notices(session, running=True)
    assert [row.id for row in notices.notices(session, running=False)] == [notice.id]
    assert isinstance(notice, Notice)
