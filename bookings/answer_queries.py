"""Answers to a need as rows for reading: for the firm all that stand, side by side; for a carrier its own only. Refusals are a number by reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.entities import LIVE
from bookings.need_queries import NeedRow
from bookings.slots import report_on
from core import clock
from core.actor import Actor


@dataclass(frozen=True)
class AnswerRow:
    """An answer: price in fen, half-open slot, `seen` counts its changes; metres from the firm's site to the instrument, None where not exact.

    `trouble`: "" or why it could not be picked now: past, taken, closed. `accredited`: kinds of checked accreditations that are in force.
    """

    id: int
    state: str
    version: int
    seen: int
    carrier_id: int
    carrier: str
    carrier_en: str | None
    instrument_id: int
    instrument: str
    type_name: str
    service_code: str
    service: str
    service_en: str
    price: int
    start: datetime
    stop: datetime
    report_days: int
    report_on: date
    note: str
    region_name: str
    region_name_en: str
    carrier_region: str | None
    precision: str
    distance_m: float | None
    accredited: list[str]
    trouble: str
    is_sample: bool


def answers_to(session: Session, actor: Actor, need: NeedRow) -> list[AnswerRow]:
    """Return the answers that the actor may see: all with an offer for the firm, its own for a carrier, none for others, in order of sending."""
    if actor.role == "enterprise" and need.enterprise_id == actor.organisation_id:
        return _rows(session, need.id, None)
    return _rows(session, need.id, actor.organisation_id) if actor.role == "carrier" and actor.organisation_id else []


def declines_of(session: Session, need_id: int) -> Mapping[str, int]:
    """Count the refusals of a need by their reason."""
    rows = session.execute(
        text("SELECT reason, count(*) AS n FROM need_answer WHERE need_id = :id AND state = 'declined' GROUP BY 1"), {"id": need_id}
    )
    return {row.reason: row.n for row in rows}


def _rows(session: Session, need_id: int, carrier_id: int | None) -> list[AnswerRow]:
    values = {"need": need_id, "carrier": carrier_id, "now": clock.now(session), "today": clock.today(session)}
    found = session.execute(text(_ANSWERS), values).mappings()
    return [AnswerRow(**row, report_on=report_on(row["stop"], row["report_days"])) for row in found]


_ANSWERS: Final = f"""
SELECT a.id, a.state, a.version, a.row_version AS seen, a.carrier_id, o.name_zh AS carrier, o.name_en AS carrier_en, a.instrument_id,
       i.name AS instrument, coalesce(t.name_zh, '') AS type_name, a.service_code, s.name_zh AS service, s.name_en AS service_en, a.price,
       a.start, a.stop, a.report_days, a.note, coalesce(r.name_zh, '') AS region_name, coalesce(r.name_en, '') AS region_name_en,
       o.adcode AS carrier_region, i.precision,
       CASE WHEN i.precision = 'point' AND h.precision = 'point' THEN ST_Distance(i.geom::geography, h.geom::geography) END AS distance_m,
       coalesce((SELECT array_agg(DISTINCT c.kind ORDER BY c.kind) FROM accreditation c
                 WHERE c.organisation_id = o.id AND c.state = 'checked' AND c.expires_on >= :today), '{{}}') AS accredited,
       CASE WHEN NOT i.is_open OR i.status <> 'working' OR l.state IS DISTINCT FROM 'open' OR coalesce(e.state, 'open') <> 'open' THEN 'closed'
            WHEN a.start <= :now THEN 'past'
            WHEN EXISTS (SELECT FROM booking b WHERE b.instrument_id = a.instrument_id AND b.span && tstzrange(a.start, a.stop)
                         AND b.state IN {LIVE!r}) THEN 'taken' ELSE '' END AS trouble,
       a.is_sample
FROM need_answer a JOIN need_post n ON n.id = a.need_id JOIN organisation o ON o.id = a.carrier_id JOIN instrument i ON i.id = a.instrument_id
JOIN service s ON s.code = a.service_code
LEFT JOIN listing l ON l.instrument_id = i.id AND l.service_code = a.service_code LEFT JOIN instrument_type t ON t.id = i.type_id
LEFT JOIN region r ON r.adcode = i.adcode LEFT JOIN site h ON h.id = n.site_id LEFT JOIN carrier_entry e ON e.organisation_id = o.id
WHERE a.need_id = :need AND (CAST(:carrier AS bigint) IS NULL OR a.carrier_id = :carrier) ORDER BY a.id
"""
