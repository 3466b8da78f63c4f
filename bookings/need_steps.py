"""What all steps of a posted need share: the request taken once, the need locked before its answers, who may see it, who is told.

The verbs stand in `bookings.posting`, `bookings.answering`, `bookings.picking` and `bookings.brokering`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings.answer_entities import ANSWER, NeedAnswer
from bookings.need_entities import LIVE, NEED, NeedInvitation, NeedPost
from core import clock
from core.actor import Actor
from core.audit import check, move
from core.errors import N_, NotFound
from geodata.regions import is_within
from parties.messages import About, tell
from vouchers.requests import once


@dataclass(frozen=True)
class Ask:
    """One event asked for: on which need, under which request id, with what (plain data)."""

    event: str
    need_id: int
    request_id: str
    content: Mapping[str, Any]


def take(session: Session, actor: Actor, ask: Ask, act: Callable[[NeedPost, str], int]) -> int:
    """Do `act` on the locked need, once per request id; `NotFound` for a need that is not the actor's to act on."""

    def locked(request: str) -> int:
        row = lock(session, ask.need_id)
        if row is None or not _may_act(session, actor, row):
            raise NotFound
        return act(row, request)

    content = {"need": ask.need_id, **ask.content}
    return once(session, actor, ask.request_id, f"need_{ask.event}", content=content, act=locked)


def lock(session: Session, need_id: int) -> NeedPost | None:
    """Lock a need, as it stands now: everything that changes it or its answers begins here."""
    query = select(NeedPost).where(NeedPost.id == need_id).with_for_update(key_share=True)
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def may_see(session: Session, actor: Actor, row: NeedPost) -> bool:
    """Say whether a need is the actor's to see: its own, of an officer's region, public while it is live, shown to the carrier or answered by it."""
    if actor.role == "system":
        return True
    if _is_ours(actor, row):
        return True
    if actor.role == "carrier" and actor.organisation_id is not None and is_shown(session, row, actor.organisation_id):
        return True
    return row.visibility == "public" and row.state in LIVE


def _is_ours(actor: Actor, row: NeedPost) -> bool:
    if actor.role == "enterprise":
        return row.enterprise_id == actor.organisation_id
    return actor.role == "reviewer" and row.region is not None and actor.region is not None and is_within(row.region, actor.region)


def _may_act(session: Session, actor: Actor, row: NeedPost) -> bool:
    """Say whether the actor may do anything to a need: that somebody may read a public one is not enough for firms and officers."""
    return may_see(session, actor, row) if actor.role in ("carrier", "system") else _is_ours(actor, row)


def is_shown(session: Session, row: NeedPost, carrier_id: int) -> bool:
    """Say whether a need is shown to a carrier, or was answered by it in its present wording: an earlier one shows nothing of a later."""
    invited = select(NeedInvitation.need_id).filter_by(need_id=row.id, carrier_id=carrier_id)
    answered = select(NeedAnswer.need_id).filter_by(need_id=row.id, carrier_id=carrier_id, version=row.version)
    return session.execute(invited.union_all(answered).limit(1)).one_or_none() is not None


def answers_of(session: Session, need_id: int, *states: str) -> list[NeedAnswer]:
    """Return the answers to a locked need that stand in one of `states`, in the order in which they came."""
    query = select(NeedAnswer).where(NeedAnswer.need_id == need_id, NeedAnswer.state.in_(states)).order_by(NeedAnswer.id)
    return list(session.scalars(query, execution_options={"populate_existing": True}))


def change(session: Session, actor: Actor, answer: NeedAnswer, event: str, *, request: str, **more: Any) -> None:
    """Take an answer of a locked need along the arrow of `event`."""
    answer.changed_at = clock.now(session)
    move(session, actor, answer, ANSWER, event, request_id=request, **more)


def end(session: Session, actor: Actor, row: NeedPost, event: str, *, request: str, reason: str = "") -> None:
    """End a locked need without an order, closed for a reason or none: its answers lapse, and their carriers are told."""
    check(actor, row, NEED, event)
    for answer in answers_of(session, row.id, "sent"):
        change(session, actor, answer, "lapse", request=request)
        tell_of(session, answer.carrier_id, row, "need_ended", ENDED)
    row.reason = reason
    move(session, actor, row, NEED, event, request_id=request, reason=reason)


def tell_of(session: Session, organisation_id: int, row: NeedPost, kind: str, text: str, /, **params: Any) -> None:
    """Tell an organisation something about a need: its code goes with the words."""
    tell(session, organisation_id, About(kind, "need_post", row.id, f"/needs/{row.id}"), text, code=row.code, **params)


ENDED: Final = N_("需求 %(code)s 结束了，没有选定载体。")
