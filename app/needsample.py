"""Needs of the sample world: invented firms post, invented carriers answer or cannot, one is picked, one runs out. All marked as sample.

They act through the same verbs as anybody, on the days on which it happened. What they say stands in `app.needstories`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.needstories import STORIES, Story
from bookings import answering, brokering, picking, posting, queries
from bookings.answering import Answer
from bookings.slots import slots
from core import clock
from core.actor import Actor

AHEAD: Final = 8
"""Days ahead of the slots that are offered, so that a world may be looked at for a week."""


def lay_needs(session: Session) -> None:
    """Tell the stories, the oldest first, each on its days before the clock of the session; one whose firm this world does not have is left out."""
    today = clock.now(session)
    for number, story in sorted(enumerate(STORIES), key=lambda pair: -pair[1].days):
        firm = session.execute(text(_PERSON), {"who": story.who}).one_or_none()
        if firm is not None:
            _tell(session, story, Actor("enterprise", firm.user_id, firm.organisation_id), number)
            session.info["now"] = today


def _tell(session: Session, story: Story, firm: Actor, number: int) -> None:
    today = clock.now(session)
    session.info["now"] = today - timedelta(days=story.days)
    need = posting.post(session, firm, story.said, request_id=f"sample-need-{number}")
    values = {"types": story.said.types, "n": story.answers + story.declines, "firm": firm.organisation_id}
    for place, row in enumerate(session.execute(text(_CARRIERS), values).mappings().all()):
        if place < story.answers:
            _answer(session, need, row)
        else:
            answering.decline(session, _operator(row), need_id=need, reason="no_capacity", request_id=f"sample-decline-{need}-{row['carrier_id']}")
    session.info["now"] = today - timedelta(days=story.days - story.later)
    _end(session, story, firm, need)


def _end(session: Session, story: Story, firm: Actor, need: int) -> None:
    """Let a need end, or be spoken of, as its story says."""
    request = f"sample-{story.ends}-{need}"
    if story.ends == "pick":
        best = session.execute(text(_BEST), {"need": need}).one_or_none()
        if best is not None:
            picking.pick(session, firm, need_id=need, picked=picking.Pick(best.id, best.row_version), request_id=request)
    elif story.ends == "withdraw":
        posting.withdraw(session, firm, need_id=need, request_id=request)
    elif story.ends == "expire":
        posting.expire(session, need_id=need)
    elif story.ends:
        officer = session.execute(text(_OFFICER), {"firm": firm.organisation_id}).one_or_none()
        if officer is not None:
            actor = Actor("reviewer", officer.user_id, officer.organisation_id, officer.region)
            if story.ends == "close":
                brokering.close(session, actor, need_id=need, reason="solved_elsewhere", request_id=request)
            else:
                brokering.note(session, actor, need_id=need, words=story.note, request_id=request)


def _answer(session: Session, need: int, row: Any) -> None:
    now = clock.now(session)
    slot = _free(session, row, now)
    if slot is None:
        return
    price = max(10_000, row["price"] * 9 // 10 // 1000 * 1000)
    given = Answer(row["instrument_id"], row["service_code"], slot.start, slot.end, price, row["report_days"], "样品快递到收样室即可。示例答复。")
    answering.answer(session, _operator(row), need_id=need, given=given, request_id=f"sample-answer-{need}-{row['carrier_id']}")


def _free(session: Session, row: Any, now: datetime) -> Any:
    """Return the first slot of an instrument, AHEAD days from now or later, that is free, None where there is none."""
    first = clock.business_date(now) + timedelta(days=AHEAD)
    taken = queries.taken(session, [row["instrument_id"]], start=now, end=now + timedelta(days=AHEAD + 15))[row["instrument_id"]]
    return next((one for one in slots(row["hours"], first, days=14, taken=taken, now=now) if one.state == "free"), None)


def _operator(row: Any) -> Actor:
    return Actor("carrier", row["user_id"], row["carrier_id"])


_PERSON: Final = """
SELECT u.id AS user_id, o.id AS organisation_id FROM app_user u JOIN membership m ON m.user_id = u.id AND m.role = 'enterprise'
JOIN organisation o ON o.id = m.organisation_id AND o.is_sample
WHERE u.login = :who OR o.adcode = :who AND u.login LIKE 'sample-%' ORDER BY o.id, u.id LIMIT 1
"""
"""A person by log-in, or the first invented firm of a county that nobody logs in as."""

_BEST: Final = "SELECT id, row_version FROM need_answer WHERE need_id = :need AND state = 'sent' ORDER BY price, id LIMIT 1"
_OFFICER: Final = """
SELECT m.user_id, m.organisation_id, m.region FROM membership m, organisation f
WHERE f.id = :firm AND m.role = 'reviewer' AND f.adcode LIKE regexp_replace(m.region, '(00)+$', '') || '%'
ORDER BY length(regexp_replace(m.region, '(00)+$', '')) DESC, m.id LIMIT 1
"""
_CARRIERS: Final = """
SELECT * FROM (
    SELECT DISTINCT ON (o.id) o.id AS carrier_id, i.id AS instrument_id, i.hours, l.service_code, l.price, least(l.report_days, 60) AS report_days,
           m.user_id, ST_Distance(i.geom, h.geom) AS away
    FROM organisation o JOIN instrument i ON i.organisation_id = o.id JOIN instrument_type t ON t.id = i.type_id
    JOIN listing l ON l.instrument_id = i.id AND l.state = 'open' JOIN membership m ON m.organisation_id = o.id AND m.role = 'carrier'
    LEFT JOIN carrier_entry e ON e.organisation_id = o.id
    LEFT JOIN LATERAL (SELECT geom FROM site WHERE organisation_id = :firm AND geom IS NOT NULL ORDER BY id LIMIT 1) h ON true
    WHERE o.is_sample AND o.kind = 'carrier' AND t.name_zh = ANY(:types) AND i.is_open AND i.status = 'working' AND i.open_days > 0
      AND coalesce(e.state, 'open') = 'open'
    ORDER BY o.id, (l.service_code = 'test_analysis') DESC, i.id, m.id) c
ORDER BY away NULLS LAST, carrier_id LIMIT :n
"""
"""The nearest invented carriers that have such an instrument open, each with one listing of it and its operator."""
