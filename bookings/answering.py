"""A carrier answers a posted need with instrument, slot, price and note, changes or takes back its answer, or refuses with a reason.

An answer binds its carrier until the firm picks or the need ends. It takes no slot: that is looked at now and again when it is picked. Carriers do
not see each other's answers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings import checkout
from bookings.answer_entities import ANSWER, REASONS, NeedAnswer
from bookings.checkout import Wish
from bookings.need_entities import NEED, NeedPost
from bookings.need_steps import Ask, answers_of, change, take, tell_of
from bookings.need_terms import check_price
from bookings.offers import REPORT_DAYS
from core import clock
from core.actor import Actor
from core.audit import born, check, move
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.instruments import Instrument
from parties.standing import check_is_open

LONGEST_NOTE: Final = 500


@dataclass(frozen=True)
class Answer:
    """What a carrier offers: an instrument of its own, a service listed on it, the slot, the price (fen), report in working days after the slot.

    `version` is that of the need which the carrier read; None: the one that stands.
    """

    instrument_id: int
    service: str
    start: datetime
    end: datetime
    price: int
    report_days: int
    note: str = ""
    version: int | None = None

    def content(self) -> dict[str, Any]:
        """Return it as plain data, alike for alike answers in whatever offset."""
        return {**asdict(self), "start": self.start.timestamp(), "end": self.end.timestamp()}


def answer(session: Session, actor: Actor, *, need_id: int, given: Answer, request_id: str) -> int:
    """Answer a need, or put another answer in the place of the earlier one; return the id of the answer.

    Raises `NotFound` (need, instrument of another), `Invalid` by field, `Refused` by clause: state, answer_by, version, standing, listing,
    instrument, past, ahead, hours, slot_taken.
    """

    def act(row: NeedPost, request: str) -> int:
        check_may_answer(session, actor, row)
        _check_offer(session, actor, row, given)
        mine = _mine(session, actor, row)
        before = mine.state if mine else ""
        offer = {"instrument_id": given.instrument_id, "service_code": given.service, "price": given.price, "report_days": given.report_days}
        offer |= {"start": given.start, "stop": given.end, "note": given.note.strip()}
        done = _enter(session, actor, row, mine, offer, event="change" if mine else "answer", request=request)
        move(session, actor, row, NEED, "answer", request_id=request)
        said = N_("需求 %(code)s 的一份答复改了。") if before == "sent" else N_("需求 %(code)s 有了新的答复。")
        tell_of(session, row.enterprise_id, row, "need_answered", said)
        return done.id

    return take(session, actor, Ask("answer", need_id, request_id, given.content()), act)


def decline(session: Session, actor: Actor, *, need_id: int, reason: str, request_id: str) -> int:
    """Say that the carrier cannot do it, with a reason of `REASONS`; an answer sent before goes back with it. Return the id of the answer."""

    def act(row: NeedPost, request: str) -> int:
        check_may_answer(session, actor, row)
        if reason not in REASONS:
            raise Invalid("reason", N_("请选一个理由。"))
        mine = _mine(session, actor, row)
        was_sent = mine is not None and mine.state == "sent"
        done = _enter(session, actor, row, mine, {**_NOTHING, "reason": reason}, event="decline", request=request)
        _settle(session, actor, row, was_sent=was_sent, request=request)
        tell_of(session, row.enterprise_id, row, "need_declined", N_("有一家载体办不了需求 %(code)s。"))
        return done.id

    return take(session, actor, Ask("decline", need_id, request_id, {"reason": reason}), act)


def retract(session: Session, actor: Actor, *, need_id: int, request_id: str) -> int:
    """Take an answer back before it is picked; return its id."""

    def act(row: NeedPost, request: str) -> int:
        mine = _mine(session, actor, row)
        if mine is None:
            raise Refused("state", N_("你们还没有答复这条需求。"))
        check(actor, mine, ANSWER, "withdraw")
        change(session, actor, mine, "withdraw", request=request)
        _settle(session, actor, row, was_sent=True, request=request)
        tell_of(session, row.enterprise_id, row, "need_retracted", N_("需求 %(code)s 的一份答复撤回了。"))
        return mine.id

    return take(session, actor, Ask("retract", need_id, request_id, {}), act)


def check_may_answer(session: Session, actor: Actor, row: NeedPost) -> None:
    """Return if a carrier may answer a need that it sees; raise `Forbidden`, or `Refused` by clause: state, answer_by, parties, standing."""
    if actor.role != "carrier" or actor.organisation_id is None:
        raise Forbidden(N_("答复由载体自己办。"))
    check(actor, row, NEED, "answer")
    if clock.now(session) > row.answer_by:
        raise Refused("answer_by", N_("答复的时间已经过了。企业改了需求、或科技局邀请，才能再答复。"))
    if actor.organisation_id == row.enterprise_id:
        raise Refused("parties", N_("这是你们自己单位的需求。"))
    check_is_open(session, actor.organisation_id)


def _check_offer(session: Session, actor: Actor, row: NeedPost, given: Answer) -> None:
    if given.version not in (None, row.version):
        raise Refused("version", N_("企业刚改了这条需求。请看过新的内容再答复。"))
    found = session.get(Instrument, given.instrument_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise NotFound
    check_price(given.price)
    if type(given.report_days) is not int or not 0 <= given.report_days <= REPORT_DAYS:
        raise Invalid("report_days", N_("报告要在 0 到 %(days)s 个工作日里出。"), days=REPORT_DAYS)
    if len(given.note) > LONGEST_NOTE:
        raise Invalid("note", N_("最多 %(most)s 个字。"), most=LONGEST_NOTE)
    check_slot(session, row, Wish(given.instrument_id, given.start, given.end, given.service))


def check_slot(session: Session, row: NeedPost, wish: Wish) -> None:
    """Return if the firm of a need could book `wish` now: listed and open, within the hours, free. Raises what `checkout.quote` raises."""
    checkout.quote(session, Actor("enterprise", organisation_id=row.enterprise_id), wish)


def _mine(session: Session, actor: Actor, row: NeedPost) -> NeedAnswer | None:
    query = select(NeedAnswer).filter_by(need_id=row.id, carrier_id=actor.organisation_id)
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def _enter(session: Session, actor: Actor, row: NeedPost, mine: NeedAnswer | None, said: dict[str, Any], *, event: str, request: str) -> NeedAnswer:
    """Write what a carrier says: its first answer, or over the earlier one."""
    now, detail = clock.now(session), {"version": row.version, "price": said.get("price")}
    if mine is not None:
        check(actor, mine, ANSWER, event)
    facts = {"reason": "", **said, "version": row.version, "created_by": actor.user_id}
    if mine is None:
        state = "declined" if event == "decline" else "sent"
        mine = NeedAnswer(
            need_id=row.id, carrier_id=actor.organisation_id, state=state, created_at=now, changed_at=now, is_sample=row.is_sample, **facts
        )
        born(session, actor, mine, event, request_id=request, detail=detail)
        return mine
    for name, value in facts.items():
        setattr(mine, name, value)
    change(session, actor, mine, event, request=request, detail=detail)
    return mine


def _settle(session: Session, actor: Actor, row: NeedPost, *, was_sent: bool, request: str) -> None:
    """Let the need be open again when its last answer went back."""
    if was_sent and not answers_of(session, row.id, "sent"):
        move(session, actor, row, NEED, "unanswer", request_id=request)


_NOTHING: Final[dict[str, Any]] = dict.fromkeys(("instrument_id", "service_code", "price", "start", "stop", "report_days")) | {"note": ""}
