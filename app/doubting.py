"""Which contradictions of a need are still open: one is settled once the person took off, or said anew, any of the conditions that it is about."""

from __future__ import annotations

from app.asking import MapQuery
from app.search import Found
from matching.doubting import Doubt


def open_doubts(found: Found, query: MapQuery) -> tuple[Doubt, ...]:
    """Return the contradictions that nobody has settled yet."""
    settled = {*query.drop, *(key for key, _ in query.said)}
    settled |= {key for key, value in (("deadline", query.due), ("budget", query.budget)) if value is not None}
    return tuple(doubt for doubt in found.need.doubts if not settled & set(doubt.fields))


def stops(found: Found, query: MapQuery) -> bool:
    """Say whether a contradiction leaves nothing to be ranked."""
    return any(doubt.stops for doubt in open_doubts(found, query))
