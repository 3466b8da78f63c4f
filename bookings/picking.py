"""A firm picks one answer to its need: the carrier's standing offer becomes an order that the firm agrees to, in one transaction.

From then on it is an order like any other. The other carriers are told; a slot that somebody took meanwhile leaves everything as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import offers
from bookings.answer_entities import ANSWER, NeedAnswer
from bookings.answering import check_slot
from bookings.checkout import Wish
from bookings.need_entities import NEED, NeedPost
from bookings.need_steps import Ask, answers_of, change, take, tell_of
from bookings.offers import Quotation
from bookings.steps import Given
from core import clock
from core.actor import Actor
from core.audit import check, move
from core.errors import N_, Forbidden, NotFound, Refused
from parties.standing import check_is_open, check_may_act
from vouchers import lifecycle as money


@dataclass(frozen=True)
class Pick:
    """Which answer, in which version of it the firm saw, and how it is paid: voucher (id, code, "best" or "none"), what is declared, the sums seen.

    `expected` is (paid by voucher and co-funders, own part) in fen.
    """

    answer_id: int
    seen: int
    voucher: int | str = "none"
    attributes: frozenset[str] = frozenset()
    expected: tuple[int, int] | None = None


def pick(session: Session, actor: Actor, *, need_id: int, picked: Pick, request_id: str) -> int:
    """Take an answer: slot, contract and frozen voucher, or nothing of it; return the id of the order.

    Raises `NotFound` (need, answer, voucher of another), `Refused` by clause: state, ends_at, changed (the answer or the sums are no longer those
    that the firm saw), standing, listing, instrument, past, hours, slot_taken, and the clause for which a voucher pays nothing.
    """
    if actor.role != "enterprise" or actor.organisation_id is None:
        raise Forbidden(N_("选哪一家由发需求的企业定。"))

    def act(row: NeedPost, request: str) -> int:
        if row.enterprise_id != actor.organisation_id:
            raise NotFound
        check(actor, row, NEED, "pick")
        if clock.now(session) > row.ends_at:  # the clock has not come to it yet
            raise Refused("ends_at", N_("选的时间已经过了，这条需求到期了。改一改可以再发。"))
        one = _standing(session, actor, row, picked)
        order_id = _order(session, actor, (row, one), picked, request)
        change(session, actor, one, "pick", request=request, detail={"order": order_id})
        for other in answers_of(session, row.id, "sent"):
            change(session, actor, other, "pass", request=request)
            tell_of(session, other.carrier_id, row, "need_passed", N_("需求 %(code)s 选了别家。谢谢你们的答复。"))
        row.order_id = order_id
        move(session, actor, row, NEED, "pick", request_id=request, detail={"order": order_id, "answer": one.id})
        tell_of(session, one.carrier_id, row, "need_picked", N_("需求 %(code)s 选了你们，已经签约。请看订单。"))
        return order_id

    content = {**picked.__dict__, "attributes": sorted(picked.attributes)}
    return take(session, actor, Ask("pick", need_id, request_id, content), act)


def _standing(session: Session, actor: Actor, row: NeedPost, picked: Pick) -> NeedAnswer:
    """Return the answer if it still stands as the firm saw it."""
    one = session.get(NeedAnswer, picked.answer_id, populate_existing=True)
    if one is None or one.need_id != row.id:
        raise NotFound
    check(actor, one, ANSWER, "pick")
    if one.row_version != picked.seen:
        raise Refused("changed", N_("载体刚改了这份答复。请看过新的内容再选。"))
    return one


def _order(session: Session, actor: Actor, asked: tuple[NeedPost, NeedAnswer], picked: Pick, request: str) -> int:
    """Make the order of an answer and agree to it. Locks in the order of every checkout: vouchers, instrument, then what is written."""
    row, one = asked
    check_may_act(session, row.enterprise_id)
    _check_carrier(session, one.carrier_id)
    if picked.voucher != "none":
        money.lock_vouchers_of(session, row.enterprise_id)
    session.execute(text("SELECT FROM instrument WHERE id = :id FOR NO KEY UPDATE"), {"id": one.instrument_id})
    wish = wish_of(one)
    check_slot(session, row, wish)
    quotation = Quotation("", wish.instrument_id, wish.service, wish.start, wish.end, one.price or 0, one.report_days or 0, one.note)
    by = Actor("carrier", one.created_by, one.carrier_id)
    order = offers.stand(session, actor, quotation, offered_by=by, need=row.text, request=request)
    given = Given(voucher=picked.voucher, attributes=picked.attributes, expected=picked.expected)
    return offers.agree(session, actor, order_id=order.id, request_id=f"{request}/agree", given=given)


def _check_carrier(session: Session, carrier_id: int) -> None:
    """Return if the carrier is open; else say so as the firm should hear it, who does not learn why."""
    try:
        check_is_open(session, carrier_id)
    except Refused as shut:
        raise Refused(shut.clause, N_("这家载体现在没有对外开放的仪器。")) from shut


def wish_of(one: NeedAnswer) -> Wish:
    """Return what an answer offers as a wish to book it."""
    if one.instrument_id is None or one.service_code is None or one.start is None or one.stop is None:
        raise NotFound
    return Wish(one.instrument_id, one.start, one.stop, one.service_code)
