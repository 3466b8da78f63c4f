"""Posted needs that ended without an answer: demand like a search without a result, kept the same way, without the firm that posted them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.demand import Sign, keep_unanswered


def due(session: Session) -> Sequence[int]:
    """Return the posted needs that ran out without an answer and are not counted yet."""
    return session.scalars(text(f"SELECT n.id FROM need_post n WHERE {_UNANSWERED} ORDER BY n.id")).all()


def note(session: Session, need_id: int) -> int:
    """Count one of them; the text only where everybody could read it."""
    row = session.execute(text(f"SELECT n.*, o.adcode {_FROM} WHERE n.id = :id AND {_UNANSWERED}"), {"id": need_id}).one_or_none()
    if row is None:
        return 0
    said = row.text if row.visibility == "public" else ""
    sign = Sign("unanswered", next(iter(row.types), ""), said, row.adcode, f"organisation {row.enterprise_id}")
    return keep_unanswered(session, need_id, sign)


_FROM: Final = "FROM need_post n JOIN organisation o ON o.id = n.enterprise_id"
_UNANSWERED: Final = """n.state = 'expired' AND NOT n.is_sample
    AND NOT EXISTS (SELECT FROM need_answer a WHERE a.need_id = n.id AND a.state <> 'declined')
    AND NOT EXISTS (SELECT FROM demand_noted d WHERE d.need_id = n.id)"""
