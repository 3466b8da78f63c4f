"""Kept searches of the sample world, with what is new about them: marked as sample, as the worker would write it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.saved import SavedNews
from core import clock

SEARCHES: Final[tuple[tuple[str, str, str, str, tuple[str, ...]], ...]] = (
    ("enterprise2", "电池产气，长兴附近", "电池鼓包，测里面的气体成分，用气相色谱仪", "气相色谱仪", ("new", "sooner")),
    ("enterprise2", "压铸件气孔", "铝合金压铸件内部气孔，工业CT，3000元以内", "工业CT", ("cheaper",)),
    ("enterprise", "断口形貌", "轴承套圈断口形貌，3000元以内", "扫描电子显微镜", ("new",)),
)
"""Log-in, name, need, the type that news are about, what is new."""


def lay_saved(session: Session, day: date) -> None:
    """Keep the searches a week before the day of the world, and tell of what is new since; those of a firm that is not there are left out."""
    now = datetime.combine(day, time(9, 30), clock.SHANGHAI)
    for login, name, need, kind_of, kinds in SEARCHES:
        values: dict[str, Any] = {"login": login, "name": name, "query": urlencode({"need": need}), "at": now - timedelta(days=7)}
        kept = session.execute(text(_KEEP), values).one_or_none()
        if kept is None:
            continue
        found = session.execute(text(_NEAREST), {"type": kind_of, "firm": kept.organisation_id, "n": len(kinds)}).all()
        for days, (kind, one) in enumerate(zip(kinds, found, strict=False), start=1):
            slot, later = ((now + timedelta(days=n)).isoformat() for n in (3, 8))
            said = {
                "new": {"own": one.price, "slot": slot},
                "cheaper": {"own": one.price, "was": one.price * 5 // 4},
                "sooner": {"slot": slot, "was": later},
            }
            session.add(SavedNews(saved_id=kept.id, kind=kind, instrument_id=one.id, said=said[kind], at=now - timedelta(days=days)))
    session.flush()


_KEEP: Final = """
INSERT INTO saved_search (user_id, organisation_id, name, query, origin, state, created_at, is_sample)
SELECT u.id, m.organisation_id, :name, :query, '', 'active', :at, true
FROM app_user u JOIN membership m ON m.user_id = u.id AND m.role = 'enterprise' WHERE u.login = :login AND u.is_sample
ON CONFLICT DO NOTHING RETURNING id, organisation_id
"""
_NEAREST: Final = """
SELECT i.id, i.price FROM open_instrument i JOIN instrument_type t ON t.id = i.type_id,
    LATERAL (SELECT geom FROM site WHERE organisation_id = :firm AND geom IS NOT NULL ORDER BY id LIMIT 1) h
WHERE t.name_zh = :type AND i.status = 'working' AND i.price IS NOT NULL ORDER BY i.geom <-> h.geom, i.id LIMIT :n
"""
