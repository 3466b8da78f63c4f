"""Rows of posted needs for reading: the public list, a firm's own, those that fit a carrier, one need. Nothing here changes anything.

What a reader may see of the text and of the firm is decided where it is shown: whoever is not the firm or an officer gets it scrubbed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.need_entities import LIVE, NeedPost
from bookings.need_steps import may_see
from core import clock
from core.actor import Actor
from core.errors import NotFound


@dataclass(frozen=True)
class NeedRow:
    """A need as a line of a list; `answers` stand, `declined` counts refusals; for a carrier `mine` is the state of its answer ("" for none).

    `fit` is the place (from 1) of the first type that the carrier offers, 0 for none; `distance_m` from its nearest site to that of the firm.
    """

    id: int
    code: str
    state: str
    visibility: str
    version: int
    enterprise_id: int
    enterprise: str
    region: str | None
    region_name: str
    region_name_en: str
    text: str
    types: list[str]
    budget: int | None
    due: date | None
    answer_hours: int
    answer_by: datetime
    ends_at: datetime
    posted_at: datetime
    order_id: int | None
    reason: str
    is_sample: bool
    answers: int
    declined: int
    mine: str
    fit: int
    distance_m: float | None


def public_needs(session: Session, *, before: int | None = None, limit: int = 50) -> list[NeedRow]:
    """Return the public needs that still take answers, the newest first, older than the id `before`."""
    return _rows(session, _PUBLIC, before=before, limit=limit)


def own_needs(session: Session, organisation_id: int | None, *, before: int | None = None, limit: int = 50) -> list[NeedRow]:
    """Return the needs of a firm, the newest first."""
    return _rows(session, _OWN, firm=organisation_id, before=before, limit=limit)


def fitting_needs(session: Session, carrier_id: int | None, *, limit: int = 100) -> list[NeedRow]:
    """Return the needs that a carrier may answer and that fit what it lists, or were shown to it, and those it answered.

    Order: still to answer before the rest, then shown to it, by place of the type, by the end of the time to answer, by distance.
    """
    return _rows(session, _FITTING, carrier=carrier_id, limit=limit)


def need_of(session: Session, actor: Actor, need_id: int) -> NeedRow:
    """Return one need that the actor may see; raise `NotFound` for any other."""
    row = session.get(NeedPost, need_id)
    if row is None or not may_see(session, actor, row):
        raise NotFound
    return _rows(session, "WHERE n.id = :need", need=need_id, carrier=actor.organisation_id if actor.role == "carrier" else None)[0]


def _rows(session: Session, where: str, **values: Any) -> list[NeedRow]:
    asked = {"carrier": None, "now": clock.now(session), **values}
    return [NeedRow(**row) for row in session.execute(text(f"{_SELECT} {where}"), asked).mappings()]


_SELECT: Final = """
SELECT * FROM (
SELECT n.id, n.code, n.state, n.visibility, n.version, n.enterprise_id, e.name_zh AS enterprise, n.region,
       coalesce(r.name_zh, '') AS region_name, coalesce(r.name_en, '') AS region_name_en, n.text, n.types, n.budget, n.due, n.answer_hours,
       n.answer_by, n.ends_at, n.posted_at, n.order_id, n.reason, n.is_sample,
       (SELECT count(*) FROM need_answer a WHERE a.need_id = n.id AND a.state = 'sent') AS answers,
       (SELECT count(*) FROM need_answer a WHERE a.need_id = n.id AND a.state = 'declined') AS declined,
       coalesce((SELECT a.state FROM need_answer a WHERE a.need_id = n.id AND a.carrier_id = :carrier), '') AS mine,
       CASE WHEN :carrier IS NULL THEN 0 ELSE coalesce((
           SELECT min(array_position(n.types, t.name_zh)) FROM instrument_type t WHERE t.name_zh = ANY(n.types) AND EXISTS (
               SELECT FROM instrument i JOIN listing l ON l.instrument_id = i.id AND l.state = 'open'
               WHERE i.organisation_id = :carrier AND i.type_id = t.id AND i.is_open AND i.status = 'working')), 0) END AS fit,
       CASE WHEN :carrier IS NOT NULL THEN (
           SELECT min(ST_Distance(h.geom::geography, s.geom::geography)) FROM site h CROSS JOIN site s
           WHERE h.id = n.site_id AND s.organisation_id = :carrier AND h.precision = 'point' AND s.precision = 'point') END AS distance_m
FROM need_post n JOIN organisation e ON e.id = n.enterprise_id LEFT JOIN region r ON r.adcode = n.region) n
""".replace(":carrier", "CAST(:carrier AS bigint)")

_NEWEST: Final = "AND (CAST(:before AS bigint) IS NULL OR n.id < :before) ORDER BY n.id DESC LIMIT :limit"
_PUBLIC: Final = f"WHERE n.visibility = 'public' AND n.state IN {LIVE!r} AND n.answer_by >= :now {_NEWEST}"
_OWN: Final = f"WHERE n.enterprise_id = :firm {_NEWEST}"
_SHOWN: Final = "EXISTS (SELECT FROM need_invitation i WHERE i.need_id = n.id AND i.carrier_id = CAST(:carrier AS bigint))"
_SEEN: Final = f"""n.visibility = 'public' AND n.state IN {LIVE!r} OR {_SHOWN}
OR EXISTS (SELECT FROM need_answer a WHERE a.need_id = n.id AND a.version = n.version AND a.carrier_id = CAST(:carrier AS bigint))"""
"""What `need_steps.may_see` says of a carrier: an answer to an earlier wording does not show a later one."""

_FITTING: Final = f"""
WHERE n.mine <> '' AND ({_SEEN}) OR (n.state IN {LIVE!r} AND n.answer_by >= :now AND (n.visibility = 'public' AND n.fit > 0 OR {_SHOWN}))
ORDER BY (n.state IN {LIVE!r} AND n.answer_by >= :now AND n.mine IN ('', 'outdated', 'withdrawn')) DESC,
         (n.state IN {LIVE!r}) DESC, {_SHOWN} DESC, n.fit, n.answer_by, n.distance_m NULLS LAST, n.id DESC LIMIT :limit
"""
