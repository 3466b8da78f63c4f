"""Needs of the sample world: invented firms post, invented carriers answer, and one need is stuck. All marked as sample."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import answering, posting, queries
from bookings.answering import Answer
from bookings.need_terms import Posting
from bookings.slots import slots
from core import clock
from core.actor import Actor

AHEAD: Final = 8
"""Days ahead of the slots that are offered, so that a world may be looked at for a week."""

NEEDS: Final[tuple[tuple[str, Posting, int], ...]] = (
    (
        "enterprise",
        Posting(
            "轴承套圈装机两个月就断了，共 3 件，想看断口形貌，判断是疲劳还是过载。要图和结论。",
            ({"type": "扫描电子显微镜", "score": 0.9, "why": ["“断口形貌” → 断口形貌"]},),
            budget=300_000,
            answer_hours=240,
        ),
        2,
    ),
    (
        "enterprise2",
        Posting("想知道新配方的电池壳胶水放两年还粘不粘得住，不知道该做什么试验。", visibility="private", answer_hours=120),
        0,
    ),
    (
        "enterprise2",
        Posting(
            "铝合金压铸件内部有没有气孔和缩松，一批 20 件，能上门最好。",
            ({"type": "工业CT", "score": 0.8, "why": ["“气孔” → 气孔"]},),
            budget=800_000,
            answer_hours=200,
        ),
        1,
    ),
)
"""Log-in of the firm, what it posts, how many carriers answer."""


def lay_needs(session: Session) -> None:
    """Post the needs and answer them, at the clock of the session; a firm or carrier that this world does not have is left out."""
    for login, said, answers in NEEDS:
        firm = session.execute(text(_PERSON), {"login": login}).one_or_none()
        if firm is None:
            continue
        actor = Actor("enterprise", firm.user_id, firm.organisation_id)
        need = posting.post(session, actor, said, request_id=f"sample-need-{NEEDS.index((login, said, answers))}")
        for row in session.execute(text(_CARRIERS), {"types": said.types, "n": answers, "firm": firm.organisation_id}).mappings().all():
            _answer(session, need, row)


def _answer(session: Session, need: int, row: Any) -> None:
    now, first = clock.now(session), clock.today(session) + timedelta(days=AHEAD)
    taken = queries.taken(session, [row["instrument_id"]], start=now, end=now + timedelta(days=AHEAD + 15))[row["instrument_id"]]
    slot = next((one for one in slots(row["hours"], first, days=14, taken=taken, now=now) if one.state == "free"), None)
    if slot is None:
        return
    price = max(10_000, row["price"] * 9 // 10 // 1000 * 1000)
    given = Answer(row["instrument_id"], row["service_code"], slot.start, slot.end, price, row["report_days"], "样品快递到收样室即可。示例答复。")
    actor = Actor("carrier", row["user_id"], row["carrier_id"])
    answering.answer(session, actor, need_id=need, given=given, request_id=f"sample-answer-{need}-{row['carrier_id']}")


_PERSON: Final = "SELECT u.id AS user_id, m.organisation_id FROM app_user u JOIN membership m ON m.user_id = u.id WHERE u.login = :login LIMIT 1"
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
