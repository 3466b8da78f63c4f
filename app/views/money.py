"""What the pages of the money path show, worked out before the template: clauses in words, voucher choices, the axis of expiry, statements.

No routes here; values in, frozen values out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from flask import url_for
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session
from werkzeug.routing import BuildError

from app import labels
from app.filters import day, fullday
from app.filters import month as month_name
from app.i18n import language, listed, sign, translate
from bookings import checkout
from bookings.checkout import Offer, Quote, Terms, Wish
from bookings.queries import OrderRow
from core.actor import Actor
from core.errors import N_
from core.money import yuan
from vouchers.desk import ClaimRow
from vouchers.lifecycle import add_months
from vouchers.queries import StatementLine, VoucherRow, usable, vouchers_of

SOON: Final = 30
"""Days before the last day of use within which a voucher counts as expiring soon."""

_MOST_DEAD: Final = 6
"""So many vouchers that cannot be used are explained at the check-out, the first to expire first; each costs a quote."""

_GAP: Final = 0.34
"""Least distance of two labels on the axis, as a share of its width: labels must not touch on a phone."""

_SIGNS: Final = {"pass": "ok", "limit": "warn", "refuse": "stop"}
_LEDGER: Final = N_("账本")


@dataclass(frozen=True)
class ClauseLine:
    """A clause in words: sign for the icon, value at the right, `source` as text or as an address."""

    sign: str
    title: str
    detail: str
    value: str
    assumed: bool
    source: str
    is_link: bool


@dataclass(frozen=True)
class Choice:
    """One way to pay at the check-out; `refusal` says why it cannot be chosen. Amounts in fen."""

    value: str
    title: str
    part: int
    own: int
    note: str
    refusal: str
    chosen: bool
    is_sample: bool


@dataclass(frozen=True)
class Sums:
    """The four sums over all vouchers of a holder, fen."""

    usable: int
    held: int
    soon: int
    used: int


@dataclass(frozen=True)
class Axis:
    """When vouchers expire, for the macro `time_axis`."""

    label: str
    events: list[dict[str, Any]]
    ticks: list[dict[str, Any]]


def page_url(endpoint: str, **values: Any) -> str | None:
    """Return the address of a page, or None where this application does not have it."""
    try:
        return url_for(endpoint, **values)
    except BuildError:
        return None


def clause_lines(clauses: Iterable[Mapping[str, Any]]) -> list[ClauseLine]:
    """Return the clauses of a ruling (as `Clause.as_json` gives them) in the language of this request."""
    return [_clause_line(clause) for clause in clauses]


def choices(session: Session, actor: Actor, wish: Wish, *, found: Quote) -> list[Choice]:
    """Return the ways to pay: the vouchers that pay, first to expire first; paying oneself; then the vouchers that cannot be used this time."""
    terms, chosen = checkout.best_terms(session, actor), found.voucher.id if found.voucher and found.voucher_part else None
    can: list[Choice] = []
    cannot: list[Choice] = []
    for row in vouchers_of(session, actor.organisation_id or 0):
        part = _part(terms, row, offer=found.offer, wish=wish)
        if part:
            can.append(_voucher_choice(row, found.price, part=part, chosen=row.id == chosen))
        elif (row.available or row.state == "frozen") and len(cannot) < _MOST_DEAD:
            no = checkout.quote(session, actor, replace(wish, voucher=row.id)).refusal
            cannot.append(_voucher_choice(row, found.price, part=0, refusal=translate(no) if no else ""))
    own = Choice("none", gettext("不用券"), 0, found.price, gettext("全部自己付给载体。"), "", chosen is None, is_sample=False)
    return [*can, own, *cannot]


def sums(rows: list[VoucherRow], today: date) -> Sums:
    """Add up the vouchers of a holder; soon: usable and at the end of its use within `SOON` days."""
    free = usable(rows, today)
    soon = sum(row.available for row in free if (row.expires_use - today).days <= SOON)
    return Sums(sum(row.available for row in free), sum(row.held for row in rows), soon, sum(row.used for row in rows))


def why_dead(row: VoucherRow, today: date) -> str:
    """Return why a voucher cannot be used and what to do, or "" when it can."""
    if row.state == "frozen":
        return translate(N_("核查中，暂时冻结。核查完会解冻；有疑问找发券的科技局。"))
    if row.state == "void":
        return translate(N_("已经作废，剩下的钱退回了财政。理由在这张券的经过里；有疑问找发券的科技局。"))
    if row.state == "closed":
        return translate(N_("已经结清，上面没有钱了。可以再申领一张。"))
    if row.state != "active" or today > row.expires_use:
        return translate((N_("%(day)s 到期，没用完的退回了财政。可以重新申领。"), {"day": fullday(row.expires_use)}))
    return "" if row.available else translate(N_("余额用完了。可以再申领一张。"))


def axis(rows: list[VoucherRow], today: date) -> Axis | None:
    """Lay the usable vouchers out in time from today on, one event a day of expiry; None when there is none."""
    by_day: dict[date, int] = {}
    for row in usable(rows, today):
        by_day[row.expires_use] = by_day.get(row.expires_use, 0) + row.available
    if not by_day:
        return None
    span = max((max(by_day) - today).days * 1.12, 30)
    events = [_event(on, amount, today=today, span=span) for on, amount in sorted(by_day.items())]
    said = listed((gettext("%(sum)s 元 %(day)s到期", sum=yuan(amount), day=fullday(on)) for on, amount in sorted(by_day.items())), "；")
    return Axis(said, _thinned(events), _ticks(today, span))


def trace(lines: list[StatementLine], orders: Mapping[str, OrderRow], *, claims: Mapping[str, ClaimRow], own: bool = True) -> list[dict[str, Any]]:
    """Return a voucher's statement for the macro `trace`: date, verb, signed amount; from where to where; the order behind it."""
    return [_trace_line(line, orders.get(line.reference or ""), claim=claims.get(line.reference or ""), own=own) for line in lines]


def parts(row: VoucherRow) -> list[tuple[str, int]]:
    """Return the named parts of a voucher in fen; they add up to its face."""
    named = (
        (gettext("已兑现"), row.redeemed),
        (gettext("已用，待兑现"), row.used),
        (gettext("冻结"), row.held),
        (gettext("能用"), row.available),
        (gettext("到期退回"), row.returned),
        (gettext("作废退回"), row.void),
    )
    return [(name, amount) for name, amount in named if amount or name == gettext("能用")]


def _part(terms: Terms, row: VoucherRow, *, offer: Offer, wish: Wish) -> int:
    purse = next((one for one in terms.purses if one.voucher.id == row.id), None)
    if purse is None:
        return 0
    return purse.rule(offer.price, wish.service, terms.attributes(offer.carrier_id, wish.attributes), carrier_region=offer.carrier_region).amount


def _voucher_choice(row: VoucherRow, price: int, *, part: int, chosen: bool = False, refusal: str = "") -> Choice:
    left = gettext("%(day)s 到期，还能用 ¥%(left)s", day=fullday(row.expires_use), left=yuan(row.available))
    return Choice(str(row.id), listed((row.code, row.title), "　"), part, price - part, left, refusal, chosen, row.is_sample)


def _clause_line(clause: Mapping[str, Any]) -> ClauseLine:
    source = str(clause.get("source", ""))
    is_link = source.startswith("https://")
    said = "" if clause.get("assumed") else gettext(_LEDGER) if source == "ledger" else source
    return ClauseLine(
        _SIGNS.get(clause["outcome"], "warn"),
        translate(clause["title"]),
        translate((clause["detail"], clause.get("params", {}))),
        _value(clause),
        bool(clause.get("assumed")),
        said,
        is_link,
    )


def _value(clause: Mapping[str, Any]) -> str:
    if clause["outcome"] == "refuse":
        return str(gettext("不能用"))
    if clause.get("bound") is None:
        return str(gettext("可用"))
    return f"¥{yuan(clause['bound'])}" if clause["outcome"] == "limit" else str(gettext("没碰到"))


def _event(on: date, amount: int, *, today: date, span: float) -> dict[str, Any]:
    left = (on - today).days
    said = ngettext("%(day)s，剩 %(num)s 天", "%(day)s，剩 %(num)s 天", left, day=_short(on)) if left <= SOON else _short(on)
    return {"share": round(left / span, 4), "sum": f"¥{yuan(amount)}", "text": said, "soon": left <= SOON}


def _thinned(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the words only where they do not touch the ones before; the dot stays, and the label of the axis says all."""
    last, kept = -1.0, []
    for event in events:
        apart = event["share"] - last >= _GAP
        kept.append(event if apart else {**event, "sum": "", "text": ""})
        last = event["share"] if apart else last
    return kept


def _ticks(today: date, span: float) -> list[dict[str, Any]]:
    """Mark today and the firsts of months, about five of them whatever the span (days)."""
    ticks, every = [{"share": 0.03, "text": gettext("今天")}], max(1, round(span / 150))
    for step in range(1, int(span / 28) + 2):
        month = add_months(today.replace(day=1), step)
        share = (month - today).days / span
        if step % every == 0 and 0.12 < share < 0.97:
            ticks.append({"share": round(share, 4), "text": month_name(month)})
    return ticks


def _short(on: date) -> str:
    """Write a date without its weekday: "12月20日" or "20 Dec"."""
    return day(on).partition(" ")[2] if language() == "en" else day(on).partition(" ")[0]


def _trace_line(line: StatementLine, order: OrderRow | None, *, claim: ClaimRow | None, own: bool) -> dict[str, Any]:
    verb = gettext(labels.LEDGER_KINDS.get(line.kind, line.kind))
    way = {"issue": "+ ", "release": "+ ", "redeem": ""}.get(line.kind, "− ")
    where = gettext("%(source)s → %(destination)s", source=_account(line.source, own=own), destination=_account(line.destination, own=own))
    about = listed((order.carrier, order.instrument), "，") if order else ""
    said = {"done": True, "head": f"{fullday(line.business_date)}{sign('　')}{verb} {way}{yuan(line.amount)}", "text": listed((where, about), "。")}
    if order:
        said |= {"url": url_for("enterprise.order", order_id=order.id), "link": order.code}
    if line.kind == "use" and (claim is None or claim.state != "paid"):
        said |= {"tag": gettext(labels.CLAIM_STATES[claim.state]) if claim else gettext("待申请兑现"), "tag_kind": "warn"}
    return said


def _account(code: str, *, own: bool) -> str:
    kind = code.partition(":")[0]
    return str(gettext(_ACCOUNTS.get(kind, code) if own or kind != "available" else N_("券上")))


_ACCOUNTS: Final = {
    "reserved": N_("财政预留"),
    "available": N_("你的券"),
    "held": N_("冻结"),
    "used": N_("已用"),
    "paid": N_("已拨付"),
    "pool": N_("退回财政"),
}
