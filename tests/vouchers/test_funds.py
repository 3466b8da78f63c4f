"""Purses of a policy: who may draw on which, who says so, and what each pays in a year."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Forbidden, Invalid, NotFound, Refused, RequestReused
from geodata.organisations import Organisation
from tests.vouchers.model import key, officer, organisation, terms, version
from vouchers import funds

CHANGXING = "330522"
MARKED = "changxing-2015.project_linked"


@pytest.fixture
def firm(session: Session) -> Organisation:
    version(session, "changxing-2015")
    return organisation(session, adcode=CHANGXING)


def marked(session: Session, firm: Organisation, fund: str = MARKED, **changes: str) -> int:
    more = {"reason": "示例立项文件 1 号", "request_id": key(), **changes}
    return funds.mark(session, officer("reviewer", "330500"), organisation_id=firm.id, fund=fund, **more)


def open_to(session: Session, firm: Organisation) -> list[str]:
    return [one.code for one in funds.open_to(session, terms("changxing-2015"), firm.id)]


def test_a_firm_without_a_project_draws_on_the_increment_only_and_a_marked_one_on_both(session: Session, firm: Organisation) -> None:
    assert open_to(session, firm) == ["increment"]
    mark = marked(session, firm)
    assert open_to(session, firm) == ["project_linked", "increment"]
    funds.end(session, officer("reviewer", CHANGXING), mark_id=mark, reason="示例项目结束", request_id=key())
    assert open_to(session, firm) == ["increment"]
    marked(session, firm)
    assert open_to(session, firm) == ["project_linked", "increment"]


def test_a_policy_without_purses_opens_none(session: Session, firm: Organisation) -> None:
    assert funds.open_to(session, terms("yuhuan-2023"), firm.id) == ()


def test_every_mark_has_its_records_with_the_reason(session: Session, firm: Organisation) -> None:
    mark = marked(session, firm)
    funds.end(session, officer("reviewer", CHANGXING), mark_id=mark, reason="示例项目结束", request_id=key())
    found = session.execute(text("SELECT event, before, after, reason FROM audit WHERE subject = 'fund_mark' ORDER BY id")).all()
    assert found == [("mark", "", "marked", "示例立项文件 1 号"), ("end", "marked", "ended", "示例项目结束")]


def test_the_same_request_marks_once_and_another_content_is_refused(session: Session, firm: Organisation) -> None:
    reviewer, request = officer("reviewer", CHANGXING), key()
    ask = {"organisation_id": firm.id, "fund": MARKED, "request_id": request}
    first = funds.mark(session, reviewer, **ask, reason="示例立项")
    assert funds.mark(session, reviewer, **ask, reason="示例立项") == first
    with pytest.raises(RequestReused):
        funds.mark(session, reviewer, **ask, reason="别的理由")


def test_nobody_is_marked_twice_at_a_time_and_no_mark_ends_twice(session: Session, firm: Organisation) -> None:
    mark = marked(session, firm)
    with pytest.raises(Refused, match="已经"):
        marked(session, firm)
    funds.end(session, officer("reviewer", CHANGXING), mark_id=mark, reason="示例", request_id=key())
    with pytest.raises(Refused) as no:
        funds.end(session, officer("reviewer", CHANGXING), mark_id=mark, reason="示例", request_id=key())
    assert no.value.clause == "state"


@pytest.mark.parametrize("fund", ["changxing-2015.increment", "changxing-2015.pocket", "changxing-2015", "changxing-2015."])
def test_only_a_purse_for_marked_firms_takes_a_mark(session: Session, firm: Organisation, fund: str) -> None:
    with pytest.raises(Invalid):
        marked(session, firm, fund)


def test_a_mark_needs_a_policy_a_reason_and_a_reviewer_of_the_firms_region(session: Session, firm: Organisation) -> None:
    with pytest.raises(NotFound):
        marked(session, firm, "atlantis.project_linked")
    with pytest.raises(Invalid):
        marked(session, firm, reason="  ")
    ask = {"organisation_id": firm.id, "fund": MARKED, "reason": "示例"}
    with pytest.raises(NotFound):
        funds.mark(session, officer("reviewer", "331083"), **ask, request_id=key())
    with pytest.raises(Forbidden):
        funds.mark(session, officer("finance", CHANGXING), **ask, request_id=key())
    with pytest.raises(NotFound):
        funds.mark(session, officer("reviewer", CHANGXING), **(ask | {"organisation_id": 10**9}), request_id=key())


def test_a_firm_from_elsewhere_or_a_carrier_is_not_marked(session: Session, firm: Organisation) -> None:
    elsewhere = organisation(session, adcode="330523")
    with pytest.raises(Invalid):
        marked(session, elsewhere)
    carrier = organisation(session, adcode=CHANGXING, kind="carrier", carrier_kind="platform")
    with pytest.raises(NotFound):
        marked(session, carrier)
