"""A policy's next version: two persons, nothing lost, nothing that reaches back, and every step on record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Forbidden, Invalid, NotFound, Refused, RequestReused
from tests import factories as make
from vouchers import diff, drafts, policy
from vouchers.drafts import Edit, PolicyDraft
from vouchers.drafttext import Unreadable

NOW = "2026-11-24T10:12+08:00"


@pytest.fixture
def one(session):
    make.at(session, NOW)
    make.policy_version(session)
    return make.officer("reviewer")


@pytest.fixture
def two():
    return make.officer("reviewer")


def begun(session, who, code="yuhuan-2023"):
    return session.get(PolicyDraft, drafts.start(session, who, policy=code, request_id=make.key()))


def changed(session, who, row, *, reason="放宽", **values):
    """Save a draft with some of its top-level values changed."""
    body = {**row.body, "valid_from": "2027-01-01", **values}
    if {"tiers", "caps", "services"} & values.keys():
        body["src"] = {"*": "assumed"}
    drafts.edit(session, who, row.id, Edit(body, reason, row.row_version), request_id=make.key())
    return row


def submitted(session, who, **values):
    row = changed(session, who, begun(session, who), **values)
    drafts.submit(session, who, draft_id=row.id, seen=row.row_version, request_id=make.key())
    return row


def published(session, who, row, **more):
    facts = {"seen": row.row_version, "request_id": make.key(), **more}
    return session.get(policy.PolicyVersion, drafts.publish_draft(session, who, draft_id=row.id, **facts))


def test_a_draft_begins_as_the_newest_version_and_there_is_one_of_a_policy(session, one, two):
    row = begun(session, one)
    assert (row.base_version, row.body, row.state) == (1, diff.plain(make.terms()), "editing")
    assert begun(session, two).id == row.id


def test_another_reviewer_publishes_and_the_rule_holds_from_its_first_midnight(session, one, two):
    row = submitted(session, one, tiers=[{"upto": None, "ratio": "0.6"}])
    made = published(session, two, row)
    assert (made.version, row.state, row.published_id) == (2, "published", made.id)
    assert [str(policy.in_force(session, "yuhuan-2023", day).version) for day in (date(2026, 12, 31), date(2027, 1, 1))] == ["1", "2"]


def test_whoever_wrote_in_it_does_not_publish_it(session, one, two):
    row = changed(session, two, begun(session, one))
    drafts.submit(session, one, draft_id=row.id, seen=row.row_version, request_id=make.key())
    for author in (one, two):
        with pytest.raises(Forbidden):
            published(session, author, row)
    assert published(session, make.officer("reviewer"), row).version == 2


def test_giving_a_draft_back_is_no_writing(session, one, two):
    row = submitted(session, one)
    drafts.turn(session, two, draft_id=row.id, event="return", reason="比例写错了", request_id=make.key())
    changed(session, one, row, notice_days=7)
    drafts.submit(session, one, draft_id=row.id, seen=row.row_version, request_id=make.key())
    assert published(session, two, row).terms.notice_days == 7


def test_a_version_never_changes_once_it_is_published(session, one, two):
    made = published(session, two, submitted(session, one))
    row = begun(session, one)
    changed(session, one, row, notice_days=5)
    session.refresh(made)
    assert made.terms.notice_days == 0
    with pytest.raises(Exception, match="permission denied"), session.begin_nested():
        session.execute(text("UPDATE policy_version SET title = 'x'"))


def test_a_finished_draft_stays_as_it_was(session, one, two):
    row = submitted(session, one)
    published(session, two, row)
    with pytest.raises(Exception, match="finished"), session.begin_nested():
        session.execute(text("UPDATE policy_draft SET reason = 'x' WHERE id = :id"), {"id": row.id})


def test_publishing_twice_makes_one_version(session, one, two):
    row, key = submitted(session, one), make.key()
    seen = row.row_version
    assert len({published(session, two, row, seen=seen, request_id=key).id for _ in range(2)}) == 1
    with pytest.raises(Refused) as no:
        published(session, two, row, seen=seen)
    assert no.value.clause == "state"
    with pytest.raises(RequestReused):
        published(session, two, row, seen=seen + 1, request_id=key)


def test_a_draft_on_an_old_version_takes_over_the_new_one_and_keeps_its_own_changes(session, one, two):
    row = submitted(session, one, notice_days=7)
    make.policy_version(session, tiers=[{"upto": None, "ratio": "0.3"}])
    with pytest.raises(Refused) as no:
        published(session, two, row)
    assert (no.value.clause, "第 2 版" in str(no.value)) == ("base", True)
    drafts.turn(session, two, draft_id=row.id, event="return", reason="先接到新版本上", request_id=make.key())
    drafts.rebase(session, one, draft_id=row.id, request_id=make.key())
    assert (row.base_version, row.body["notice_days"], row.body["tiers"]) == (2, 7, [{"upto": None, "ratio": "0.3"}])


@pytest.mark.parametrize("day", ["2026-11-24", "2026-11-23", "2024-01-01"])
def test_a_rule_does_not_reach_back(session, one, two, day):
    with pytest.raises(Refused) as no:
        submitted(session, one, valid_from=day, notice_days=3)
    assert no.value.clause == "valid_from"


def test_the_last_minute_before_the_rule_begins_is_early_enough_and_the_first_is_not(session, one, two):
    row = submitted(session, one)
    make.at(session, "2027-01-01T00:00+08:00")
    with pytest.raises(Refused, match="生效日"):
        published(session, two, row)
    make.at(session, "2026-12-31T23:59:59+08:00")
    assert published(session, two, row).version == 2


def test_a_leap_day_is_a_day_and_the_day_after_it_is_not_the_thirtieth(session, one):
    row = changed(session, one, begun(session, one), valid_from="2028-02-29")
    assert row.body["valid_from"] == "2028-02-29"
    with pytest.raises(Unreadable):
        changed(session, one, row, valid_from="2027-02-29")


def test_a_draft_that_changes_nothing_is_not_published(session, one):
    row = begun(session, one)
    drafts.edit(session, one, row.id, Edit(row.body, "没改", row.row_version), request_id=make.key())
    with pytest.raises(Refused) as no:
        drafts.submit(session, one, draft_id=row.id, seen=row.row_version, request_id=make.key())
    assert no.value.clause == "same"


def test_two_who_edit_at_once_do_not_overwrite_each_other(session, one, two):
    row = begun(session, one)
    seen = row.row_version
    changed(session, one, row)
    with pytest.raises(Refused) as no:
        drafts.edit(session, two, row.id, Edit({**row.body, "notice_days": 9}, "也改", seen), request_id=make.key())
    assert (no.value.clause, row.body["notice_days"]) == ("version", 0)


def test_a_publisher_publishes_what_was_on_the_screen(session, one, two):
    row = submitted(session, one)
    with pytest.raises(Refused) as no:
        published(session, two, row, seen=row.row_version - 1)
    assert no.value.clause == "version"


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"caps": {"per_application": 0}}, "caps.per_application"),
        ({"caps": {"per_application": -5}}, "caps.per_application"),
        ({"caps": {"per_application": 10**18}}, "caps.per_application"),
        ({"caps": {"per_application": 1.5}}, "caps.per_application"),
        ({"caps": {"per_application": 900, "per_year": 100}}, "caps.per_application"),
        ({"tiers": [{"upto": None, "ratio": "1.01"}]}, "tiers.0.ratio"),
        ({"tiers": [{"upto": None, "ratio": "-0.1"}]}, "tiers.0.ratio"),
        ({"tiers": [{"upto": 100, "ratio": "0.5"}]}, "tiers"),
        ({"services": {"allow": ["no_such_service"]}}, "services.allow"),
        ({"valid_to": "2020-01-01"}, "valid_to"),
        ({"payee": "carrier"}, "payee"),
        ({"no_such_clause": 1}, "no_such_clause"),
    ],
)
def test_a_text_that_cannot_stand_is_refused_with_its_clause_and_a_way_out(session, one, values, path):
    row = begun(session, one)
    with pytest.raises(Unreadable) as wrong:
        changed(session, one, row, **values)
    assert path in {fault.path for fault in wrong.value.faults}
    assert all(fault.text.endswith(("。", ")")) for fault in wrong.value.faults)
    assert (row.row_version, row.body) == (0, diff.plain(make.terms()))


def test_a_changed_value_does_not_keep_the_source_of_the_old_one(session, one):
    row = begun(session, one)
    body = {**row.body, "valid_from": "2027-01-01", "tiers": [{"upto": None, "ratio": "0.9"}]}
    with pytest.raises(Unreadable) as wrong:
        drafts.edit(session, one, row.id, Edit(body, "放宽", 0), request_id=make.key())
    assert wrong.value.field == "src.tiers"
    body["src"] = {**body["src"], "tiers": "玉环市2027年办法第五条"}
    drafts.edit(session, one, row.id, Edit(body, "放宽", 0), request_id=make.key())
    assert drafts.terms_of(row).source("tiers") == "玉环市2027年办法第五条"


@pytest.mark.parametrize("name", ["id", "region", "funder", "level"])
def test_a_version_stays_the_same_policy(session, one, name):
    row = begun(session, one)
    with pytest.raises(Unreadable) as wrong:
        changed(session, one, row, **{name: "331000" if name != "level" else "city"})
    assert wrong.value.field == name


def test_a_reason_is_asked_for(session, one):
    row = begun(session, one)
    for reason in ("", "  ", "长" * 501):
        with pytest.raises(Invalid, match="理由"):
            changed(session, one, row, reason=reason)


def test_other_regions_and_other_roles_stay_out(session, one):
    row = begun(session, one)
    for role, region in (("reviewer", "330500"), ("reviewer", "331000"), ("reviewer", "330000"), ("planner", make.YUHUAN), ("enterprise", None)):
        with pytest.raises(NotFound):
            changed(session, make.officer(role, region), row)
    for role in ("finance", "auditor"):
        assert drafts.seen_by(session, make.officer(role), row.id).id == row.id
        with pytest.raises(Forbidden):
            changed(session, make.officer(role), row)
    with pytest.raises(NotFound):
        drafts.start(session, make.officer("reviewer", "330500"), policy="yuhuan-2023", request_id=make.key())


EVENTS = {
    "edit": changed,
    "submit": lambda s, who, row: drafts.submit(s, who, draft_id=row.id, seen=row.row_version, request_id=make.key()),
    "return": lambda s, who, row: drafts.turn(s, who, draft_id=row.id, event="return", reason="x", request_id=make.key()),
    "discard": lambda s, who, row: drafts.turn(s, who, draft_id=row.id, event="discard", reason="x", request_id=make.key()),
    "rebase": lambda s, who, row: drafts.rebase(s, who, draft_id=row.id, request_id=make.key()),
    "publish": published,
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", ["editing", "submitted", "published", "discarded"])
def test_only_the_arrows_of_the_table_pass(session, one, two, state, event):
    row = changed(session, one, begun(session, one)) if state in ("editing", "discarded") else submitted(session, one)
    if state == "published":
        published(session, two, row)
    if state == "discarded":
        EVENTS["discard"](session, one, row)
    if event == "rebase" and state == "editing":
        make.policy_version(session, title="玉环办法（另一版）")
    before = (row.state, row.row_version)
    arrow = next((a for a in drafts.DRAFT if (a.state, a.event) == (state, event)), None)
    if arrow is None:
        with pytest.raises(Refused) as no:
            EVENTS[event](session, two, row)
        assert (no.value.clause, (row.state, row.row_version)) == ("state", before)
    else:
        EVENTS[event](session, two, row)
        assert (row.state, row.row_version) == (arrow.next, before[1] + 1)


def test_every_step_is_on_record_with_the_text_that_was_looked_at(session, one, two):
    row = submitted(session, one, notice_days=7)
    made = published(session, two, row)
    query = "SELECT event, user_id, after, detail FROM audit WHERE subject = 'policy_draft' AND subject_id = :id ORDER BY id"
    steps = session.execute(text(query), {"id": row.id}).all()
    assert [(s.event, s.user_id, s.after) for s in steps] == [
        ("start", one.user_id, "editing"),
        ("edit", one.user_id, "editing"),
        ("submit", one.user_id, "submitted"),
        ("publish", two.user_id, "published"),
    ]
    assert steps[1].detail["changed"] == ["valid_from", "notice_days"]
    assert steps[2].detail["text"] == steps[3].detail["text"]
    query = "SELECT user_id FROM audit WHERE subject = 'policy_version' AND subject_id = :id AND event = 'publish'"
    assert session.scalar(text(query), {"id": made.id}) == two.user_id


def test_a_region_without_a_policy_begins_one_marked_as_an_example(session, one):
    make.region(session, "331081", name_zh="示例温岭市")
    who, other = make.officer("reviewer", "331081"), make.officer("reviewer", "331081")
    row = session.get(PolicyDraft, drafts.start_first(session, who, title="温岭办法", request_id=make.key()))
    assert (row.policy, row.base_version, row.body["src"]) == ("p-331081", 0, {"*": "assumed"})
    drafts.edit(session, who, row.id, Edit(row.body, "第一份办法", row.row_version), request_id=make.key())
    drafts.submit(session, who, draft_id=row.id, seen=row.row_version, request_id=make.key())
    assert published(session, other, row).version == 1
    with pytest.raises(Refused):
        drafts.start_first(session, who, title="又一份", request_id=make.key())


def test_a_diff_says_each_clause_and_its_source(session):
    old = make.terms()
    assert diff.compare(old, old) == ()
    new = make.terms(tiers=[{"upto": None, "ratio": "0.50"}], src={**old.src, "tiers": "assumed"})
    (change,) = diff.compare(old, new)
    assert (change.path, change.after.assumed, change.before.assumed) == ("tiers", True, False)
    assert [c.path for c in diff.compare(new, make.terms(tiers=[{"upto": None, "ratio": "0.5"}], src=new.src))] == []


def test_a_merge_keeps_both_sides():
    base, mine, theirs = {"a": 1, "b": {"x": 1, "y": 1}}, {"a": 2, "b": {"x": 1, "y": 2}}, {"a": 1, "b": {"x": 5, "y": 1}, "c": 3}
    assert diff.merge(base, mine, theirs) == {"a": 2, "b": {"x": 5, "y": 2}, "c": 3}


def _at_once(db, *calls):
    """Run each call in a transaction of its own, all at once; return what each gave or was refused with."""
    barrier = Barrier(len(calls))

    def run(call):
        barrier.wait()
        try:
            with Session(db.engine) as session, session.begin():
                make.at(session, NOW)
                return call(session)
        except (Refused, Forbidden) as no:
            return no

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def waiting(committed_db):
    """Give a submitted draft in a database with real commits: its id and its row version."""
    author = make.officer("reviewer")
    with Session(committed_db.owner) as session, session.begin():
        make.at(session, NOW)
        make.policy_version(session)
        row = submitted(session, author, notice_days=7)
        return row.id, row.row_version


def test_two_who_publish_at_once_make_one_version(committed_db, waiting):
    draft, seen = waiting
    people = [make.officer("reviewer") for _ in range(6)]
    calls = [lambda session, who=who: drafts.publish_draft(session, who, draft_id=draft, seen=seen, request_id=make.key()) for who in people]
    found = _at_once(committed_db, *calls)
    assert [isinstance(one, int) for one in found].count(True) == 1
    assert {one.clause for one in found if not isinstance(one, int)} == {"state"}
    with Session(committed_db.owner) as session:
        assert session.scalar(text("SELECT count(*) FROM policy_version WHERE policy = 'yuhuan-2023'")) == 2


def test_publishing_and_giving_back_at_once_is_one_of_the_two(committed_db, waiting):
    draft, seen = waiting
    one, two = make.officer("reviewer"), make.officer("reviewer")
    published_, returned = _at_once(
        committed_db,
        lambda session: drafts.publish_draft(session, one, draft_id=draft, seen=seen, request_id=make.key()),
        lambda session: drafts.turn(session, two, draft_id=draft, event="return", reason="等等", request_id=make.key()),
    )
    assert isinstance(published_, int) != isinstance(returned, int)


def test_six_who_begin_at_once_find_one_draft(committed_db):
    with Session(committed_db.owner) as session, session.begin():
        make.at(session, NOW)
        make.policy_version(session)
    people = [make.officer("reviewer") for _ in range(6)]
    calls = [lambda session, who=who: drafts.start(session, who, policy="yuhuan-2023", request_id=make.key()) for who in people]
    assert len(set(_at_once(committed_db, *calls))) == 1
