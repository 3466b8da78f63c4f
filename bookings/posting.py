"""A firm posts a need, words it anew, takes it back; the clock ends what nobody picked. What carriers answer is left to `bookings.answering`.

What the text means is understood elsewhere and handed in as data, so that it stays as it was understood on the day of posting.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from bookings.entities import Order
from bookings.need_entities import LIVE, NEED, NeedInvitation, NeedPost, NeedVersion
from bookings.need_steps import ENDED, Ask, answers_of, change, end, take, tell_of
from bookings.need_terms import Posting, check_posting
from core import clock
from core.actor import SYSTEM, Actor
from core.audit import born, check, move
from core.errors import N_, Forbidden, Refused
from geodata.organisations import Organisation
from parties.standing import check_may_act
from vouchers.requests import once

KEEP: Final = timedelta(days=7)
"""How long after the time to answer a firm may pick: an invented example."""


def post(session: Session, actor: Actor, posting: Posting, *, request_id: str) -> int:
    """Post a need and return its id; raise `Invalid` by field, `Refused` (standing) for a firm that is not checked, `Forbidden` for others."""
    firm = _firm(session, actor)

    def act(request: str) -> int:
        check_posting(session, posting)
        drawn: int = session.execute(text("SELECT nextval(pg_get_serial_sequence('need_post', 'id'))")).scalar_one()
        row = NeedPost(id=drawn, code=f"XQ-{drawn}", enterprise_id=firm.id, state="open", version=1, is_sample=firm.is_sample)
        row.created_at, row.created_by = clock.now(session), actor.user_id
        _word(session, row, posting)
        born(session, actor, row, "post", request_id=request, detail={"visibility": row.visibility, "types": len(row.types)})
        _keep_version(session, actor, row, posting)
        return row.id

    return once(session, actor, request_id, "need_post", content=posting.content(), act=act)


def edit(session: Session, actor: Actor, *, need_id: int, posting: Posting, request_id: str) -> int:
    """Word a need anew: a new version with its own time to answer, for which answers to the old one are outdated; return its id.

    Whoever the old wording was shown to, by the firm or an officer, sees the new one only where it is public or shown to him again.

    An expired need comes back by that, and a picked one whose order was called off: `Refused("order")` while it was not.
    """
    _firm(session, actor)

    def act(row: NeedPost, request: str) -> int:
        check(actor, row, NEED, "edit")
        check_posting(session, posting)
        _check_called_off(session, row)
        session.execute(delete(NeedInvitation).filter_by(need_id=row.id).where(NeedInvitation.carrier_id.not_in(_shown(posting))))
        for answer in answers_of(session, row.id, "sent", "picked"):
            change(session, actor, answer, "outdate" if answer.state == "sent" else "lapse", request=request)
            told = _CHANGED if posting.visibility == "public" or answer.carrier_id in _shown(posting) else ("need_ended", ENDED)
            tell_of(session, answer.carrier_id, row, *told)
        _word(session, row, posting)
        row.version, row.order_id = row.version + 1, None  # last: a need without an order is no picked one, and flushed with its state
        move(session, actor, row, NEED, "edit", request_id=request, detail={"version": row.version, "visibility": row.visibility})
        _keep_version(session, actor, row, posting)
        return row.id

    return take(session, actor, Ask("edit", need_id, request_id, posting.content()), act)


def withdraw(session: Session, actor: Actor, *, need_id: int, request_id: str) -> int:
    """Take a need back; who answered is told. Return its id."""

    def act(row: NeedPost, request: str) -> int:
        end(session, actor, row, "withdraw", request=request)
        return row.id

    return take(session, actor, Ask("withdraw", need_id, request_id, {}), act)


def overdue(session: Session) -> list[int]:
    """Return the ids of the needs whose time to pick is over, the oldest first."""
    query = select(NeedPost.id).where(NeedPost.state.in_(LIVE), NeedPost.ends_at < clock.now(session)).order_by(NeedPost.ends_at, NeedPost.id)
    return list(session.scalars(query))


def expire(session: Session, *, need_id: int) -> int:
    """End a need that nobody picked in time, tell the firm, and return its id. Raises `Refused("ends_at")` before."""

    def act(row: NeedPost, request: str) -> int:
        check(SYSTEM, row, NEED, "expire")
        if clock.now(session) <= row.ends_at:
            raise Refused("ends_at", N_("这条需求还没有到期。"))
        end(session, SYSTEM, row, "expire", request=request)
        tell_of(session, row.enterprise_id, row, "need_expired", N_("需求 %(code)s 到期了，没有选定载体。改一改可以再发。"))
        return row.id

    row = session.get(NeedPost, need_id)
    return take(session, SYSTEM, Ask("expire", need_id, f"expire/{need_id}/{row.version if row else 0}", {}), act)


def show_to(session: Session, actor: Actor, row: NeedPost, carriers: Collection[int]) -> list[int]:
    """Show a locked need to carriers and tell them; return those to whom it had not been shown."""
    known = set(session.scalars(select(NeedInvitation.carrier_id).filter_by(need_id=row.id)))
    fresh = [one for one in sorted(carriers) if one not in known]
    for one in fresh:
        facts = {"need_id": row.id, "carrier_id": one, "role": actor.role, "created_by": actor.user_id}
        session.add(NeedInvitation(**facts, created_at=clock.now(session)))
        tell_of(session, one, row, "need_invited", N_("有企业请你们答复需求 %(code)s。") if actor.role == "enterprise" else INVITED)
    session.flush()
    return fresh


_CHANGED: Final = ("need_changed", N_("需求 %(code)s 改了，请按新的内容重新答复。"))
INVITED: Final = N_("科技局请你们看看需求 %(code)s，能不能做。")


def _shown(posting: Posting) -> frozenset[int]:
    return posting.chosen if posting.visibility == "chosen" else frozenset()


def _firm(session: Session, actor: Actor) -> Organisation:
    if actor.role != "enterprise" or actor.organisation_id is None:
        raise Forbidden(N_("需求由企业和创客团队自己发。"))
    check_may_act(session, actor.organisation_id)
    return session.get_one(Organisation, actor.organisation_id)


def _word(session: Session, row: NeedPost, posting: Posting) -> None:
    """Put the words and terms of `posting` on a need, with the place and region of the firm as they are registered today."""
    home = session.execute(text(_HOME), {"firm": row.enterprise_id}).one()
    row.site_id, row.region = home.site_id, home.adcode
    row.text, row.types, row.budget, row.due = posting.text.strip(), posting.types, posting.budget, posting.due
    row.visibility, row.answer_hours = posting.visibility, posting.answer_hours
    row.posted_at = clock.now(session)
    row.answer_by = row.posted_at + timedelta(hours=posting.answer_hours)
    row.ends_at = row.answer_by + KEEP
    if posting.due is not None:
        row.ends_at = max(row.answer_by, min(row.ends_at, datetime.combine(posting.due + timedelta(days=1), time(), clock.SHANGHAI)))


def _keep_version(session: Session, actor: Actor, row: NeedPost, posting: Posting) -> None:
    """Keep the version as it is, and show the need to the carriers that were chosen."""
    said = {"understood": [dict(one) for one in posting.understood], "constraints": [dict(one) for one in posting.constraints]}
    terms = {"budget": row.budget, "due": row.due, "visibility": row.visibility, "answer_hours": row.answer_hours}
    made = {"created_at": clock.now(session), "created_by": actor.user_id}
    session.add(NeedVersion(need_id=row.id, version=row.version, text=row.text, **said, **terms, **made))
    if row.visibility == "chosen":
        show_to(session, actor, row, posting.chosen)
    session.flush()


def _check_called_off(session: Session, row: NeedPost) -> None:
    order = session.get(Order, row.order_id) if row.order_id else None
    if order is not None and order.state != "cancelled":
        raise Refused("order", N_("这条需求已经下了单 %(order)s，单子取消以后才能再发。"), order=order.code)


_HOME: Final = """
SELECT o.adcode, (SELECT s.id FROM site s WHERE s.organisation_id = o.id AND s.geom IS NOT NULL ORDER BY s.id LIMIT 1) AS site_id
FROM organisation o WHERE o.id = :firm
"""
