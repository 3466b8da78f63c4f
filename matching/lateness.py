"""Who is too late: whose first free slot ends so late that the report is out after the day that was asked for; nothing else of them is fetched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import queries
from bookings.slots import report_on
from matching.gathering import hours_of


def late_ones(session: Session, ids: Collection[int], services: Mapping[int, str], due: date) -> set[int]:
    """Return the ids of those whose report is not out by `due`, or that have no free slot; `services`: the service of each that counts."""
    if not ids:
        return set()
    values = {"ids": list(ids), "services": [services[one] for one in ids]}
    rows = session.execute(_DAYS, values).all()
    slots = queries.next_slots(session, {row.id: hours_of(row.hours) for row in rows})
    outs: dict[tuple[date, int], date] = {}
    late = set(ids) - {row.id for row in rows}
    for row in rows:
        slot = slots[row.id]
        if slot is None:
            late.add(row.id)
            continue
        key = slot.end.date(), row.report_days  # slots are in the trade's own time
        if key not in outs:
            outs[key] = report_on(slot.end, row.report_days)
        if outs[key] > due:
            late.add(row.id)
    return late


_DAYS: Final = text("""
SELECT i.id, CAST(i.hours AS text) AS hours, l.report_days
FROM unnest(CAST(:ids AS bigint[]), CAST(:services AS text[])) AS n(id, service)
JOIN instrument i ON i.id = n.id JOIN listing l ON l.instrument_id = n.id AND l.service_code = n.service
""")
