"""The page of one order, for both parties: where it stands, what it costs and why, what was offered by whom, and what comes next.

For an offer of the carrier that the enterprise may take, the sums are worked out as agreeing would work them out now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import g, render_template, request
from flask_babel import gettext

from app import evidence, forms, labels, names
from app.views import money
from app.views.money import page_url
from bookings import claiming, offers
from bookings import queries as bookings
from bookings.checkout import Quote
from bookings.correcting import CORRECT
from bookings.entities import ORDER, Order
from bookings.queries import OrderPage
from core import clock
from core.actor import Actor
from core.errors import N_, Invalid, MapError, NotFound, Refused
from core.money import yuan

QUIET: Final = ("cancel", "withdraw", "decline", "dispute", *CORRECT)
"""Steps out of the way: shown folded, after the step that leads on."""


def show(order_id: int, *, event: str, faults: Mapping[str, str], no: MapError | None) -> str:
    """Return the page; `event` is the step that was just refused, with its `faults` by field or the refusal `no`."""
    page = bookings.order_of(g.session, g.actor, order_id)
    found, why = _preview(page)
    return render_template(
        "enterprise/order.html",
        page=page,
        row=names.orders(g.session, [page.row])[0],
        clauses=money.clause_lines(page.clauses),
        events=events_for(page, g.actor),
        event=event,
        typed=request.form if request.method == "POST" else {},
        faults=faults,
        refusal=forms.refusal(no, labels.ORDER_STATES),
        offers=offers.offers_of(g.session, order_id),
        quote=found,
        quote_clauses=money.clause_lines(clause.as_json() for clause in found.ruling.clauses) if found else [],
        why_not=forms.refusal(why, labels.ORDER_STATES),
        shares=[(names.named(one.funder, one.funder_en), one) for one in bookings.shares_of(g.session, order_id)],
        quiet=QUIET,
        claimed=claimed(page),
        findings=claiming.check(g.session, g.actor, order_id=order_id) if _is_claimable(page) else [],
        round=claiming.settled_in(g.session, order_id=order_id) if _is_claimable(page) else None,
        labels=labels,
        proofs=evidence.proofs(f"order:{order_id}"),
        today=clock.today(g.session),
        request_id=forms.new_request_id,
        back_url=page_url("carrier.desk" if g.actor.role == "carrier" else "enterprise.orders"),
        instrument_url=page_url("public.instrument", instrument_id=page.row.instrument_id),
    )


def events_for(page: OrderPage, actor: Actor) -> list[str]:
    """Return what this party may do with an order now, the step that is waited for first."""
    arrows = [arrow.event for arrow in ORDER if arrow.state == page.row.state and actor.role in arrow.roles and arrow.event != "attach"]
    if not _is_claimable(page):
        arrows = [event for event in arrows if event not in CORRECT]
    elif page.payee == actor.role:
        arrows.append("claim")
    return sorted(dict.fromkeys(arrows), key=lambda event: event in QUIET)


def claimed(page: OrderPage) -> int:
    """Return what the voucher and the co-funders pay of a used hold, fen."""
    return (page.hold_used or 0) + sum(one.used for one in bookings.shares_of(g.session, page.row.id))


def _is_claimable(page: OrderPage) -> bool:
    return page.row.state == "settled" and page.hold_state == "used" and (page.claim_state is None or page.returned)


def done(page: OrderPage, event: str) -> str:
    """Return what is said after a step."""
    part = yuan(claimed(page) if event == "claim" else page.row.voucher_part + page.row.share_part)
    if not page.row.voucher_part and event in _WITHOUT_VOUCHER:
        return str(gettext(_WITHOUT_VOUCHER[event]))
    return str(gettext(labels.EVENTS_DONE[event], amount=part, code=page.claim_code or ""))


def _preview(page: OrderPage) -> tuple[Quote | None, MapError | None]:
    """Return what agreeing would cost this enterprise now, with another way to pay where the voucher pays nothing, and why."""
    if page.row.state != "countered" or g.actor.role != "enterprise":
        return None, None
    order = g.session.get_one(Order, page.row.id)
    wanted = request.args.get("pay", "")[:60]
    try:
        found = offers.preview(g.session, g.actor, order, given=offers.paying(wanted or ("best" if order.voucher_id is None else "")))
    except (Refused, NotFound, Invalid) as no:
        return offers.preview(g.session, g.actor, order, given=offers.paying("none")), no
    if found.refusal is None:
        return found, None
    plain = found.refusal.clause == "voucher" and order.voucher_id is None
    return offers.preview(g.session, g.actor, order, given=offers.paying("none")), None if plain else found.refusal


_WITHOUT_VOUCHER: Final = {
    "cancel": N_("已取消，时段空出来了。"),
    "confirm": N_("报告已确认。下一步付钱给载体。"),
    "agree": N_("已同意，合同成立，全部自付。"),
    "decline": N_("已谢绝载体的报价。"),
}
