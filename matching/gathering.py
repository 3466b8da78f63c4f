"""What is known of candidates beside their row of the map: names, hours, specifications as intervals, the carrier's record and papers; one query."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from matching.records import Record, Usual
from matching.specfit import Known

if TYPE_CHECKING:
    from matching.candidates import Near


def gather(session: Session, rows: Sequence[Near], *, limits: bool = True) -> dict[int, dict[str, Any]]:
    """Return instrument id → the facts of a candidate that `rows` do not hold; `limits`: with the specifications, else none are read."""
    if not rows:
        return {}
    values = {
        "ids": [one.instrument_id for one in rows],
        "services": [one.service for one in rows],
        "regions": [one.region for one in rows],
        "today": clock.today(session),
    }
    found = session.execute(_WITH_LIMITS if limits else _KNOWN, values).all()
    records: dict[int, Record] = {}
    for row in found:
        if row.owner not in records:
            records[row.owner] = _record(row)
    return {row.id: _facts(row, records[row.owner]) for row in found}


def _facts(row: Any, record: Record) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "carrier_name": row.carrier_name,
        "carrier_name_en": row.carrier_name_en,
        "region_name": row.region_name,
        "region_name_en": row.region_name_en,
        "unit": row.unit,
        "report_days": row.report_days,
        "hours": hours_of(row.hours),
        "is_sample": row.is_sample,
        "record": record,
        "accreditations": tuple(row.kinds or ()),
        "readings": tuple(Known(*one) for one in row.limits or ()),
    }


def _record(row: Any) -> Record:
    said = {"on_time": row.usual_on_time, "undisputed": row.usual_undisputed, "answer_hours": row.usual_hours}
    usual = Usual(**{name: value for name, value in said.items() if value is not None})
    if row.delivered is None:
        return Record(usual=usual)
    return Record(row.delivered, row.on_time, row.undisputed, row.answers, row.answer_hours, usual)


@lru_cache(maxsize=512)
def hours_of(written: str) -> Mapping[str, Any]:
    """Read opening hours once, however many keep the same: they are looked at and never changed."""
    found: dict[str, Any] = json.loads(written)
    return found


_SELECT: Final = """
SELECT i.id, i.organisation_id AS owner, i.code, i.name, o.name_zh || coalesce(' ' || nullif(s.name, ''), '') AS carrier_name,
       o.name_en AS carrier_name_en, r.name_zh AS region_name, r.name_en AS region_name_en, l.unit, l.report_days, CAST(i.hours AS text) AS hours,
       i.is_sample, c.delivered, c.on_time, c.undisputed, c.answers, c.answer_hours,
       u.on_time AS usual_on_time, u.undisputed AS usual_undisputed, u.answer_hours AS usual_hours, p.kinds, {limits} AS limits
FROM unnest(CAST(:ids AS bigint[]), CAST(:services AS text[]), CAST(:regions AS char(6)[])) AS n(id, service, region)
JOIN instrument i ON i.id = n.id
JOIN listing l ON l.instrument_id = n.id AND l.service_code = n.service
JOIN organisation o ON o.id = i.organisation_id
LEFT JOIN site s ON s.id = i.site_id
LEFT JOIN region r ON r.adcode = n.region
LEFT JOIN carrier_record c ON c.organisation_id = i.organisation_id
LEFT JOIN carrier_usual u ON u.id = 1
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT upper(a.kind) ORDER BY upper(a.kind)) AS kinds FROM accreditation a
    WHERE a.organisation_id = i.organisation_id AND a.state = 'checked' AND a.expires_on >= :today) p ON true
"""
_LIMITS: Final = """
(SELECT json_agg(json_build_array(k.quantity, k.low, k.high, k.si_unit, k.finer, k.text) ORDER BY k.nth)
 FROM instrument_limit k WHERE k.instrument_id = n.id)
"""
_WITH_LIMITS: Final = text(_SELECT.format(limits=_LIMITS))
_KNOWN: Final = text(_SELECT.format(limits="NULL"))
