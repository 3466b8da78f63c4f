"""Checkout: what a slot costs, what a voucher pays of it and why, and the one step that takes the slot and freezes the voucher.

`quote` and `best_terms` only compute; `book_and_hold` computes again under lock. The rules are the policy's (`vouchers.rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import lifecycle as booking
from bookings import queries
from bookings.entities import Order
from bookings.slots import Interval, is_open, report_on
from core import clock
from core.actor import Actor
from core.audit import born
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from core.money import yuan
from parties.standing import check_may_act
from vouchers import lifecycle as money
from vouchers import shares
from vouchers.entities import Voucher
from vouchers.policy import Policy
from vouchers.queries import VoucherRow, deal_for, related_to, usable, vouchers_of
from vouchers.requests import once
from vouchers.rules import Clause, Deal, Layer, Ruling, rule

BEST: Final = "best"
"""As `Wish.voucher`: the voucher that expires first among those that pay anything."""

ATTRIBUTES: Final = ("statutory_test", "batch_production_test", "funded_by_city_project_this_or_last_year")
"""Attributes that the person declares; that the parties are related, we look up ourselves."""

ANSWER_WITHIN: Final = timedelta(hours=24)
BOOK_AHEAD: Final = timedelta(days=180)
NOTHING: Final = Ruling(0, ())
"""The ruling when no voucher is asked for."""


@dataclass(frozen=True)
class Wish:
    """What a person wants to book. `voucher`: id or code, BEST, or None to pay in full; `expected`: the sums that the person confirmed.

    `expected` is (paid by voucher and co-funders, own part) in fen.
    """

    instrument_id: int
    start: datetime
    end: datetime
    service: str
    voucher: int | str | None = None
    attributes: frozenset[str] = frozenset()
    need: str = ""
    expected: tuple[int, int] | None = None

    @property
    def span(self) -> Interval:
        """The slot."""
        return self.start, self.end

    def content(self) -> dict[str, Any]:
        """Return the wish as plain data, alike for alike wishes, in whatever offset: what a request id stands for."""
        return {**self.__dict__, "start": self.start.timestamp(), "end": self.end.timestamp(), "attributes": sorted(self.attributes)}


@dataclass(frozen=True)
class Offer:
    """What the carrier sells: an open listing of an instrument; price in fen."""

    instrument_id: int
    carrier_id: int
    instrument: str
    hours: Mapping[str, Any]
    price: int
    unit: str
    report_days: int
    notice_hours: int
    is_sample: bool
    carrier_region: str | None = None


@dataclass(frozen=True)
class Purse:
    """A voucher with the version of its policy in force today and what was used before; `deal` lacks only price, service and attributes."""

    voucher: VoucherRow
    policy: Policy
    deal: Deal
    version_id: int = 0

    def rule(self, price: int, service: str, attributes: frozenset[str], *, carrier_region: str | None = None) -> Ruling:
        """Rule on a price in fen, where the carrier is known with its place (adcode); pure."""
        asked = replace(self.deal, price=price, service=service, attributes=attributes, carrier_region=carrier_region)
        return rule(self.policy, asked)


@dataclass(frozen=True)
class Terms:
    """All that decides what an enterprise pays anywhere: its usable vouchers, the first to expire first, and the carriers it is related to."""

    purses: tuple[Purse, ...]
    related: frozenset[int]

    def choose(
        self, price: int, service: str, *, carrier_id: int, attributes: frozenset[str] = frozenset(), carrier_region: str | None = None
    ) -> tuple[Purse | None, Ruling]:
        """Return the first purse that pays anything and its ruling, else the first one and why it pays nothing; no purse: nothing.

        The own part is the price (fen) less the ruling's amount. Pure arithmetic, for many candidates.
        """
        everything = self.attributes(carrier_id, attributes)
        first: tuple[Purse | None, Ruling] = (None, NOTHING)
        for purse in self.purses:
            ruling = purse.rule(price, service, everything, carrier_region=carrier_region)
            if ruling.amount:
                return purse, ruling
            first = first if first[0] else (purse, ruling)
        return first

    def attributes(self, carrier_id: int, declared: frozenset[str]) -> frozenset[str]:
        """Add to what a person declares that the parties are related, if they are."""
        return declared | {"related_party"} if carrier_id in self.related else declared - {"related_party"}


@dataclass(frozen=True)
class Quote:
    """What a wish costs now, fen. `refusal`: why the asked-for voucher pays nothing and what to do; `instead`: a voucher that would pay.

    `layers`: what co-funders pay beside the voucher; the ruling's amount has them in it. `policy_version_id`: the version that ruled.
    """

    offer: Offer
    price: int
    ruling: Ruling
    layers: tuple[Layer, ...]
    voucher: VoucherRow | None
    policy_version_id: int | None
    refusal: Refused | None
    instead: VoucherRow | None
    report_on: date
    answer_by: datetime
    cancel_until: datetime

    @property
    def voucher_part(self) -> int:
        """What the voucher's own funder pays, fen."""
        return self.ruling.amount - self.share_part

    @property
    def share_part(self) -> int:
        """What co-funders pay beside the voucher, fen."""
        return sum(layer.amount for layer in self.layers)

    @property
    def own_part(self) -> int:
        """What the enterprise pays itself, fen."""
        return self.price - self.ruling.amount


def best_terms(session: Session, actor: Actor) -> Terms:
    """Read the usable vouchers of an enterprise, their policies and the use of this year; for everybody else there are none."""
    if actor.role != "enterprise" or actor.organisation_id is None:
        return Terms((), frozenset())
    purses = tuple(_purse(session, row) for row in usable(vouchers_of(session, actor.organisation_id), clock.today(session)))
    return Terms(purses, related_to(session, actor.organisation_id) if purses else frozenset())


def quote(session: Session, actor: Actor, wish: Wish) -> Quote:
    """Say what a wish costs now and which clauses decide it; nothing is taken.

    Raises `NotFound` (instrument, another's voucher), `Refused` by clause: listing, instrument, parties, past, hours, slot_taken.
    """
    offer = _offer(session, wish)
    _check_wish(session, actor, wish, offer)
    if queries.taken(session, [wish.instrument_id], start=wish.start, end=wish.end)[wish.instrument_id]:
        raise booking.slot_taken(session, instrument_id=wish.instrument_id, hours=offer.hours)
    return price_out(session, actor, wish, offer)


def book_and_hold(session: Session, actor: Actor, wish: Wish, *, request_id: str) -> int:
    """Take the slot and freeze the voucher's part, both or neither; return the order id.

    Raises what `quote` raises, and `Refused` by clause: the one that makes the asked-for voucher pay nothing, `changed` when the sums are no
    longer the confirmed ones, `slot_taken` with the next free slot. `Forbidden` for anybody but an enterprise or team.
    """
    if actor.role != "enterprise" or actor.organisation_id is None:
        raise Forbidden(N_("预约和用券由企业和创客团队自己办。"))
    _check_times(wish)

    def act(request: str) -> int:
        if wish.voucher is not None:
            money.lock_vouchers_of(session, actor.organisation_id or 0)
        offer = _offer(session, wish, lock=_LOCK)
        _check_wish(session, actor, wish, offer)
        found = price_out(session, actor, wish, offer)
        if found.refusal:
            raise found.refusal
        check_expected(wish, found)
        return _place(session, actor, wish, found=found, request=request)

    return once(session, actor, request_id, "order", content=wish.content(), act=act)


def _place(session: Session, actor: Actor, wish: Wish, *, found: Quote, request: str) -> int:
    """Write order, booking and hold. The order's id names the hold, so it is drawn first."""
    row = _order(session, actor, wish, found)
    more = {"policy_version_id": row.policy_version_id, "request_id": request, "detail": {"price": row.price, "voucher_part": row.voucher_part}}
    born(session, actor, row, "offer", **more)
    try:
        booking.request(session, actor, instrument_id=row.instrument_id, span=wish.span, order_id=row.id, request_id=request)
    except Refused as no:
        raise booking.slot_taken(session, instrument_id=row.instrument_id, hours=found.offer.hours) from no
    freeze(session, actor, row, found.layers, request=request)
    return row.id


def freeze(session: Session, actor: Actor, row: Order, layers: tuple[Layer, ...], *, request: str) -> None:
    """Freeze the voucher part of an order, and what co-funders pay beside it, as the order says."""
    if row.voucher_id and row.policy_version_id:
        ruled = money.Ruled(row.policy_version_id, layers)
        facts: dict[str, Any] = {"voucher_id": row.voucher_id, "amount": row.voucher_part, "reference": f"order:{row.id}"}
        money.hold(session, actor, **facts, ruled=ruled, request_id=f"{request}/hold")


def _order(session: Session, actor: Actor, wish: Wish, found: Quote) -> Order:
    drawn: int = session.execute(text("SELECT nextval(pg_get_serial_sequence('orders', 'id'))")).scalar_one()
    paid_by = found.voucher if found.voucher_part else None
    return Order(
        id=drawn,
        code=f"YY-{drawn}",
        enterprise_id=actor.organisation_id,
        carrier_id=found.offer.carrier_id,
        instrument_id=wish.instrument_id,
        service_code=wish.service,
        price=found.price,
        voucher_part=found.voucher_part,
        share_part=found.share_part,
        own_part=found.own_part,
        voucher_id=paid_by.id if paid_by else None,
        policy_version_id=found.policy_version_id if paid_by else None,
        attributes=sorted(wish.attributes),
        clauses=[clause.as_json() for clause in found.ruling.clauses],
        contract_date=clock.today(session),
        answer_by=found.answer_by,
        report_on=found.report_on,
        need=wish.need[:500],
        state="offered",
        created_at=clock.now(session),
        created_by=actor.user_id,
        is_sample=found.offer.is_sample,
    )


def price_out(session: Session, actor: Actor, wish: Wish, offer: Offer) -> Quote:
    """Say what a wish costs at the price of `offer`, by whatever price and slot it came about; the offer itself is not looked at again."""
    terms, now = best_terms(session, actor), clock.now(session)
    purse, ruling = _ruled(session, actor, wish, terms=terms, offer=offer)
    ruling, layers = funded(session, ruling)
    refused = wish.voucher is not None and ruling.amount == 0
    other, other_ruling = terms.choose(offer.price, wish.service, **_facts(wish, offer))
    return Quote(
        offer=offer,
        price=offer.price,
        ruling=ruling,
        layers=layers,
        voucher=purse.voucher if purse else None,
        policy_version_id=purse.version_id if purse else None,
        refusal=refusal(ruling, offer.price) if refused else None,
        instead=other.voucher if refused and other and other_ruling.amount else None,
        report_on=report_on(wish.end, offer.report_days),
        answer_by=min(now + ANSWER_WITHIN, wish.start),
        cancel_until=wish.start - timedelta(hours=offer.notice_hours),
    )


def _ruled(session: Session, actor: Actor, wish: Wish, *, terms: Terms, offer: Offer) -> tuple[Purse | None, Ruling]:
    if wish.voucher is None:
        return None, NOTHING
    if wish.voucher == BEST:
        return terms.choose(offer.price, wish.service, **_facts(wish, offer))
    owned = vouchers_of(session, actor.organisation_id or 0) if actor.role == "enterprise" else []
    row = next((row for row in owned if wish.voucher in (row.id, row.code)), None)
    if row is None:
        raise NotFound(N_("这张券不在你名下。请从“我的券”里选。"))
    purse, unusable = _purse(session, row), _unusable(session, row)
    everything = replace(terms, related=related_to(session, row.holder_id)).attributes(offer.carrier_id, wish.attributes)
    ruling = purse.rule(offer.price, wish.service, everything, carrier_region=offer.carrier_region)
    return purse, Ruling(0, (unusable, *ruling.clauses)) if unusable else ruling


def _facts(wish: Wish, offer: Offer) -> dict[str, Any]:
    return {"carrier_id": offer.carrier_id, "attributes": wish.attributes, "carrier_region": offer.carrier_region}


def funded(session: Session, ruling: Ruling) -> tuple[Ruling, tuple[Layer, ...]]:
    """Leave out the layers whose co-funder's budget is short, and say so in a clause: what a person sees is what will be paid."""
    if not ruling.layers[1:]:
        return ruling, ()
    kept, short = shares.affordable(session, ruling.layers[1:])
    if not short:
        return ruling, kept
    missing = sum(layer.amount for layer in short)
    text_ = N_("共同出资的 ¥%(amount)s 今年的预算不够，这一层不付，由企业自付。")
    clause = Clause("cofunding", "limit", N_("共同出资的预算"), text_, {"amount": yuan(missing)}, "ledger", ruling.amount - missing)
    return replace(ruling, amount=ruling.amount - missing, clauses=(*ruling.clauses, clause), layers=(ruling.layers[0], *kept)), kept


def _purse(session: Session, row: VoucherRow) -> Purse:
    return Purse(row, *deal_for(session, row), row.ruled_by)


def _unusable(session: Session, row: VoucherRow) -> Clause | None:
    """Return the clause that keeps a voucher from any use today: expired, or frozen by a check."""
    try:
        money.check_usable(session.get_one(Voucher, row.id, populate_existing=True), clock.today(session))
    except Refused as no:
        return Clause(no.clause, "refuse", N_("这张券现在能用"), no.text, no.params, "ledger")
    return None


def refusal(ruling: Ruling, price: int) -> Refused:
    """Return why a voucher pays nothing, with a way out: the refusing clause, or the bound that is zero."""
    empty = next((clause for clause in ruling.clauses if clause.bound == 0), None)
    clause = ruling.refusal or empty or Clause("voucher", "refuse", "", "")
    return Refused(clause.code, _WAYS_OUT.get(clause.code, clause.detail), **{**clause.params, "price": yuan(price)})


def _offer(session: Session, wish: Wish, *, lock: str = "") -> Offer:
    found = session.execute(text(_OFFER + lock), {"instrument": wish.instrument_id, "service": wish.service}).mappings().one_or_none()
    if found is None:
        known = session.execute(text("SELECT 1 FROM instrument WHERE id = :instrument"), {"instrument": wish.instrument_id}).scalar()
        raise Refused("listing", N_("这台仪器没有开放这类服务。请换一类服务，或看别的仪器。")) if known else NotFound
    if not (found["is_open"] and found["status"] == "working"):
        raise Refused("instrument", N_("这台仪器现在停用或在检修，不能约。请看别的仪器。"))
    if found["state"] != "open":
        raise Refused("listing", N_("这项服务现在没有开放，不能约。请看别的仪器。"))
    return Offer(**{name: found[name] for name in Offer.__annotations__})


def _check_times(wish: Wish) -> None:
    for name, instant in (("start", wish.start), ("end", wish.end)):
        if instant.utcoffset() is None:
            raise Invalid(name, N_("要是带时区的时间，例如 2026-11-26T09:00:00+08:00。"))


def _check_wish(session: Session, actor: Actor, wish: Wish, offer: Offer) -> None:
    _check_times(wish)
    if actor.organisation_id is not None:
        check_may_act(session, actor.organisation_id)
    now, unknown = clock.now(session), wish.attributes - set(ATTRIBUTES)
    if unknown:
        raise Invalid("attributes", N_("没有这一项：%(name)s。"), name=min(unknown)[:60])
    if actor.organisation_id == offer.carrier_id:
        raise Refused("parties", N_("这台仪器是你们自己单位的，不用在这里约。"))
    if wish.start <= now:
        raise Refused("past", N_("这个时段已经过去了。请选以后的时段。"))
    if wish.start > now + BOOK_AHEAD:
        raise Refused("ahead", N_("最多提前 %(days)s 天约。请选近一些的时段。"), days=BOOK_AHEAD.days)
    if not is_open(offer.hours, wish.start, wish.end):
        raise Refused("hours", N_("这个时段不在开放时间里。请从列出的时段里选一个。"))


def check_expected(wish: Wish, found: Quote) -> None:
    """Refuse when a person confirmed other sums than now hold: nobody pays what he has not seen."""
    if wish.expected and wish.expected != (found.ruling.amount, found.own_part):
        parts = {"voucher": yuan(found.ruling.amount), "own": yuan(found.own_part)}
        raise Refused("changed", N_("金额变了：现在券付 ¥%(voucher)s，自付 ¥%(own)s。请看过新的金额再确认。"), **parts)


_OFFER = """
SELECT i.id AS instrument_id, i.organisation_id AS carrier_id, i.name AS instrument, i.hours, i.is_open, i.status, i.is_sample,
       l.price, l.unit, l.report_days, l.notice_hours, l.state, c.adcode AS carrier_region
FROM instrument i JOIN listing l ON l.instrument_id = i.id JOIN organisation c ON c.id = i.organisation_id
WHERE i.id = :instrument AND l.service_code = :service
"""

# Two inserts that overlap at one instant would wait for each other and deadlock on the exclusion constraint: one instrument books one at a time.
_LOCK = " FOR NO KEY UPDATE OF i FOR SHARE OF l"

_WAYS_OUT: Final = {
    "service": N_("这类服务不在这张券的可用范围里。换一类服务或别的券；也可以不用券，自付 ¥%(price)s。"),
    "related_party": N_("双方由同一实际控制人控制，关联企业之间不能用券。请另选载体；也可以不用券，自付 ¥%(price)s。"),
    "statutory_test": N_("法律或强制性标准要求做的检测不能用券。可以不用券，自付 ¥%(price)s。"),
    "batch_production_test": N_("批量生产的出厂检验不能用券。可以不用券，自付 ¥%(price)s。"),
    "funded_by_city_project_this_or_last_year": N_("今年或去年已由市级项目资助的内容不能再用券。可以不用券，自付 ¥%(price)s。"),
    "per_year": N_("一年最多用券 ¥%(cap)s，今年已经用满。明年再用券；也可以不用券，自付 ¥%(price)s。"),
    "group_per_year": N_("同一实际控制人一年最多用券 ¥%(cap)s，今年已经用满。明年再用券；也可以不用券，自付 ¥%(price)s。"),
    "balance": N_("这张券没有能用的余额了。请换一张券；也可以不用券，自付 ¥%(price)s。"),
    "tiers": N_("按这张券的比例，这笔得不到补助。请换一张券；也可以不用券，自付 ¥%(price)s。"),
    "voucher": N_("你现在没有能用的券。可以先申领；也可以不用券，自付 ¥%(price)s。"),
}
"""What to do when a clause makes the voucher pay nothing; a clause without a line here says it in its own detail."""
