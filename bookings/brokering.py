"""The officer who helps (店小二): needs of the region that are stuck and why, carriers invited, a word to the firm, a need closed with its reason.

Whom to invite is suggested by whoever ranks carriers. Every step is an audit record; the officer never picks for a firm.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bookings.need_entities import CLOSING, LIVE, NEED, NeedNote, NeedPost
from bookings.need_steps import Ask, end, take, tell_of
from bookings.need_terms import open_carriers
from bookings.posting import KEEP, show_to
from core import clock
from core.actor import Actor
from core.audit import check, move
from core.errors import N_, Forbidden, Invalid
from geodata.regions import shared_digits

MOST_INVITED: Final = 20
LONGEST_NOTE: Final = 1_000
MORE_TIME: Final = timedelta(hours=24)
"""What an invited carrier gets at least to answer: an invented example."""


@dataclass(frozen=True)
class Limits:
    """When a need counts as stuck: hours without an answer, hours before its end, metres within which a carrier is near."""

    hours: int
    near_end_hours: int
    reach_m: int


@dataclass(frozen=True)
class Stuck:
    """A need of the region that needs help: `reasons` of private, no_type, no_carrier …; `reach` carriers are near."""

    need_id: int
    reasons: tuple[str, ...]
    reach: int


def stuck_needs(session: Session, actor: Actor, limits: Limits) -> list[Stuck]:
    """Return what is stuck in an officer's region, the one that ends first first."""
    if actor.role not in ("reviewer", "auditor") or actor.region is None:
        return []
    values = {
        "digits": shared_digits(actor.region),
        "now": clock.now(session),
        "soon": clock.now(session) + timedelta(hours=limits.near_end_hours),
        "reach": limits.reach_m,
    }
    rows = session.execute(text(_STUCK), {**values, "since": clock.now(session) - timedelta(hours=limits.hours)})
    found = [Stuck(row.id, tuple(row.reasons), row.reach) for row in rows]
    return [one for one in found if one.reasons]


def invite(session: Session, actor: Actor, *, need_id: int, carriers: Collection[int], request_id: str) -> int:
    """Ask carriers to look at a need, whatever its visibility; where the time to answer is nearly over, it grows to a day. Return the need's id.

    Raises `Invalid("carriers")` for none, too many, or one that is not open.
    """
    _officer(actor)

    def act(row: NeedPost, request: str) -> int:
        check(actor, row, NEED, "invite")
        wanted = set(carriers)
        if not 1 <= len(wanted) <= MOST_INVITED:
            raise Invalid("carriers", N_("请选 1 到 %(most)s 家载体。"), most=MOST_INVITED)
        if wanted - open_carriers(session, wanted):
            raise Invalid("carriers", N_("有的载体没有开放，或者不存在。请从列出的里选。"))
        fresh = show_to(session, actor, row, wanted)
        row.answer_by = max(row.answer_by, clock.now(session) + MORE_TIME)
        row.ends_at = max(row.ends_at, min(row.answer_by + KEEP, row.ends_at + MORE_TIME), row.answer_by)
        move(session, actor, row, NEED, "invite", request_id=request, detail={"carriers": fresh})
        if fresh:
            tell_of(session, row.enterprise_id, row, "need_brokered", N_("科技局替需求 %(code)s 请了 %(count)s 家载体。"), count=len(fresh))
        return row.id

    return take(session, actor, Ask("invite", need_id, request_id, {"carriers": sorted(set(carriers))}), act)


def note(session: Session, actor: Actor, *, need_id: int, words: str, request_id: str) -> int:
    """Write to the firm about its need; return the need's id. Raises `Invalid("words")` for nothing or too much."""
    _officer(actor)

    def act(row: NeedPost, request: str) -> int:
        check(actor, row, NEED, "note")
        if not 1 <= len(words.strip()) <= LONGEST_NOTE:
            raise Invalid("words", N_("请写 1 到 %(most)s 个字。"), most=LONGEST_NOTE)
        session.add(NeedNote(need_id=row.id, text=words.strip(), created_at=clock.now(session), created_by=actor.user_id))
        move(session, actor, row, NEED, "note", request_id=request)
        tell_of(session, row.enterprise_id, row, "need_note", N_("科技局就需求 %(code)s 给你们写了话。"))
        return row.id

    return take(session, actor, Ask("note", need_id, request_id, {"words": words}), act)


def close(session: Session, actor: Actor, *, need_id: int, reason: str, request_id: str) -> int:
    """Close a need with a reason of `CLOSING`; who answered and the firm are told. Return the need's id."""
    _officer(actor)

    def act(row: NeedPost, request: str) -> int:
        check(actor, row, NEED, "close")
        if reason not in CLOSING:
            raise Invalid("reason", N_("请选一个理由。"))
        end(session, actor, row, "close", request=request, reason=reason)
        tell_of(session, row.enterprise_id, row, "need_closed", N_("科技局办结了需求 %(code)s。"))
        return row.id

    return take(session, actor, Ask("close", need_id, request_id, {"reason": reason}), act)


def notes_of(session: Session, need_id: int) -> list[NeedNote]:
    """Return what officers wrote about a need, the newest first."""
    return list(session.scalars(select(NeedNote).filter_by(need_id=need_id).order_by(NeedNote.id.desc())))


def _officer(actor: Actor) -> None:
    if actor.role != "reviewer":
        raise Forbidden(N_("撮合由本地科技局的审核员办。"))


_STUCK: Final = f"""
SELECT n.id, n.region, n.reach, array_remove(ARRAY[
    CASE WHEN n.visibility = 'private' AND n.asked = 0 THEN 'private' END,
    CASE WHEN n.types = '{{}}' THEN 'no_type' END,
    CASE WHEN n.types <> '{{}}' AND n.reach = 0 THEN 'no_carrier' END,
    CASE WHEN n.sent = 0 AND n.declined > 0 AND n.declined >= CASE WHEN n.visibility = 'public' THEN n.reach + n.asked ELSE n.asked END
         THEN 'all_declined' END,
    CASE WHEN n.sent = 0 AND n.posted_at <= :since THEN 'no_answer' END,
    CASE WHEN n.answer_by > :now AND n.sent = 0 AND n.answer_by <= :soon OR n.ends_at <= :soon THEN 'near_end' END], NULL) AS reasons
FROM (
    SELECT p.*, (SELECT count(*) FROM need_answer a WHERE a.need_id = p.id AND a.state = 'sent') AS sent,
        (SELECT count(*) FROM need_answer a WHERE a.need_id = p.id AND a.state = 'declined') AS declined,
        (SELECT count(*) FROM need_invitation v WHERE v.need_id = p.id) AS asked,
        (SELECT count(DISTINCT m.carrier_id) FROM (
            SELECT i.organisation_id AS carrier_id FROM instrument_type t JOIN instrument i ON i.type_id = t.id
            JOIN listing l ON l.instrument_id = i.id AND l.state = 'open' LEFT JOIN site h ON h.id = p.site_id
            WHERE t.name_zh = ANY(p.types) AND i.is_open AND i.status = 'working'
              AND (h.geom IS NULL OR i.geom && ST_Expand(h.geom, :reach / 80000.0) AND ST_DWithin(i.geom::geography, h.geom::geography, :reach))) m
        ) AS reach
    FROM need_post p WHERE p.state IN {LIVE!r} AND p.region LIKE :digits || '%') n
ORDER BY n.ends_at, n.id
"""
