"""A need with a firm, carriers and an officer, for the tests of posted needs: what each may do, called by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bookings import answering, brokering, picking, posting
from bookings.answer_entities import NeedAnswer
from bookings.answering import Answer
from bookings.brokering import Limits
from bookings.need_entities import NeedPost
from bookings.need_terms import Posting
from bookings.picking import Pick
from core.actor import Actor
from geodata.instruments import Instrument
from tests import factories as make

LIMITS = Limits(hours=24, near_end_hours=12, reach_m=100_000)
TYPE = "场发射扫描电镜"
TEXT = "轴承套圈断了，想看断口形貌，电话 13800138000"


@dataclass(frozen=True)
class Deal:
    """A scene with a second carrier, an officer of the region, and a need."""

    scene: make.Scene
    other: Actor
    second: Instrument
    officer: Actor
    need: int
    neighbour: Actor


def wanted(**changes: Any) -> Posting:
    understood = ({"type": TYPE, "score": 0.9, "why": ["断口形貌"]},)
    return Posting(**{"text": TEXT, "understood": understood, "constraints": (), "answer_hours": 48, **changes})


def deal(session, *, scene=None, **changes) -> Deal:
    scene = scene or make.scene(session)
    rival = make.carrier(session)
    second = make.instrument(session, rival)
    make.listing(session, second)
    need = posting.post(session, scene.buyer, wanted(**changes), request_id=make.key())
    return Deal(scene, make.carrier_actor(rival), second, make.officer("reviewer"), need, make.enterprise_actor(make.enterprise(session)))


def row_of(session, of: Deal) -> NeedPost:
    return session.get_one(NeedPost, of.need, populate_existing=True)


def mine(session, of: Deal, actor) -> NeedAnswer | None:
    return session.query(NeedAnswer).filter_by(need_id=of.need, carrier_id=actor.organisation_id).populate_existing().one_or_none()


def offer(session, instrument, *, nth=0, **changes) -> Answer:
    slot = make.free_slots(session, instrument)[nth]
    facts = {"instrument_id": instrument.id, "service": "test_analysis", "start": slot.start, "end": slot.end, "price": 100_000, "report_days": 2}
    return Answer(**{**facts, **changes})


def answer(session, of: Deal, actor=None, *, request_id=None, nth=0, **changes) -> int:
    actor = actor or of.scene.seller
    instrument = of.scene.instrument if actor == of.scene.seller else of.second
    given = offer(session, instrument, nth=nth, **changes)
    return answering.answer(session, actor, need_id=of.need, given=given, request_id=request_id or make.key())


def pick(session, of: Deal, answer_id, actor=None, *, request_id=None, **changes) -> int:
    seen = session.get_one(NeedAnswer, answer_id, populate_existing=True).row_version
    picked = Pick(**{"answer_id": answer_id, "seen": seen, "voucher": of.scene.voucher.id, **changes})
    return picking.pick(session, actor or of.scene.buyer, need_id=of.need, picked=picked, request_id=request_id or make.key())


def do(session, of: Deal, event, actor) -> Any:
    """Do what `event` of the tables of states says, with harmless content."""
    asked = {"need_id": of.need, "request_id": make.key()}
    verbs = {
        "answer": lambda: answering.answer(session, actor, given=offer(session, of.scene.instrument), **asked),
        "decline": lambda: answering.decline(session, actor, reason="too_far", **asked),
        "retract": lambda: answering.retract(session, actor, **asked),
        "edit": lambda: posting.edit(session, actor, posting=wanted(text="另一种写法"), **asked),
        "withdraw": lambda: posting.withdraw(session, actor, **asked),
        "pick": lambda: pick(session, of, mine(session, of, of.scene.seller).id, actor),
        "invite": lambda: brokering.invite(session, actor, carriers=[of.other.organisation_id], **asked),
        "note": lambda: brokering.note(session, actor, words="请补充样品尺寸", **asked),
        "close": lambda: brokering.close(session, actor, reason="solved_elsewhere", **asked),
        "expire": lambda: posting.expire(session, need_id=of.need),
    }
    return verbs[event]()
