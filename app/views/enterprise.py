"""Pages of an enterprise or team: check-out, vouchers, application, orders. The page of one order serves its carrier too.

Every form carries a request id from the moment it is shown: sending it twice is one request. What is refused is shown on the same page, with
all that was filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from app import applying, evidence, forms, labels, names, noting, orderpage
from app.errors import kind_of
from app.filters import daytime
from app.i18n import translate
from app.orderforms import field_of, form_of, given_by
from app.views import money
from app.views.money import page_url
from bookings import checkout as till
from bookings import orders as order_events
from bookings import queries as bookings
from bookings.checkout import Quote
from bookings.entities import ORDER
from bookings.orders import DOCUMENTS
from bookings.queries import OrderRow
from bookings.slots import Slot
from core import clock
from core.actor import Actor
from core.errors import Forbidden, Invalid, MapError, NotFound, Refused
from core.money import yuan
from geodata.instruments import Instrument, Service
from geodata.organisations import Organisation
from geodata.regions import Region
from vouchers import desk
from vouchers.policy import PolicyVersion
from vouchers.queries import statement, steps_of, vouchers_of

bp = Blueprint("enterprise", __name__)

_NO: Final = (Refused, Forbidden, NotFound)
WAITED: Final = ("accept", "agree", "propose", "deliver", "confirm", "pay_own_part")
"""Steps that the other side waits for; the rest one may take or leave."""


@bp.get("/checkout")
def checkout() -> ResponseReturnValue:
    """Show what a slot costs and why, nothing taken yet."""
    given, faults = forms.read(forms.Checkout, request.args)
    if given is None:
        return _no_slot(forms.told(faults)), 422
    try:
        found, no = _quote(given)
    except _NO as refused:
        return _no_quote(given, refused), kind_of(refused).status
    return _checkout(given, found, no=no, request_id=forms.new_request_id()), kind_of(no).status if no else 200


@bp.post("/checkout")
def book() -> ResponseReturnValue:
    """Take the slot and freeze the voucher; or work the sums out again where the button "recount" was pressed."""
    given, faults = forms.read(forms.Booking, request.form)
    if given is None:
        return _no_slot(forms.told(faults)), 422
    if "recount" in request.form:
        return _again(given, None)
    try:
        order_id = till.book_and_hold(g.session, g.actor, given.wish, request_id=given.request_id)
    except (*_NO, Invalid) as no:
        return _again(given, no)
    noting.booked(g.session, order_id, given.seen)
    return _booked(order_id)


@bp.get("/vouchers")
def vouchers() -> ResponseReturnValue:
    """Show all vouchers, when they expire, the applications, and every fen of one of them."""
    today = clock.today(g.session)
    rows = sorted(vouchers_of(g.session, g.actor.organisation_id), key=lambda row: money.why_dead(row, today) != "")
    asked = request.args.get("voucher", "")
    chosen = next((row for row in rows if asked in (str(row.id), row.code)), rows[0] if rows and not asked else None)
    if asked and chosen is None:
        raise NotFound
    return render_template(
        "enterprise/vouchers.html",
        rows=rows,
        dead={row.id: money.why_dead(row, today) for row in rows},
        today=today,
        now=clock.now(g.session),
        sums=money.sums(rows, today),
        axis=money.axis(rows, today),
        chosen=chosen,
        trace=_trace(chosen.id) if chosen else [],
        parts=money.parts(chosen) if chosen else [],
        steps=steps_of(g.session, chosen.id) if chosen else [],
        events_named=labels.VOUCHER_EVENTS,
        applications=desk.applications_of(g.session, g.actor.organisation_id),
        states=labels.APPLICATION_STATES,
        request_id=forms.new_request_id,
        soon=money.SOON,
        organisation=_own(),
        search_url=page_url("public.search") or "/",
    )


@bp.route("/vouchers/apply", methods=["GET", "POST"])
def apply() -> ResponseReturnValue:
    """Show the form of an application, take it, or take it back."""
    if request.method == "GET":
        return applying.form({name: request.args.get(name, "") for name in ("policy", "order")}, {})
    return applying.resume() if "application" in request.form else applying.submit()


@bp.get("/orders")
def orders() -> ResponseReturnValue:
    """Show all orders of the enterprise: first those that wait for it."""
    rows = names.orders(g.session, bookings.orders_of(g.session, g.actor.organisation_id))
    waits = {row.id: next_step(row, g.actor, to_claim=payee == "enterprise") for row, payee in _with_payee(rows)}
    rows = sorted(rows, key=lambda row: not waits[row.id])
    return render_template("enterprise/orders.html", rows=rows, waits=waits, states=labels.ORDER_STATES, search_url=page_url("public.search") or "/")


@bp.get("/orders/<int:order_id>")
def order(order_id: int) -> ResponseReturnValue:
    """Show one order to a party: where it stands, why it costs what it costs, what comes next."""
    return orderpage.show(order_id, event="", faults={}, no=None)


@bp.post("/orders/<int:order_id>/<event>")
def order_event(order_id: int, event: str) -> ResponseReturnValue:
    """Take an order one step further, or show it again with what is wrong."""
    verb = order_events.EVENTS.get(event)
    if verb is None:
        raise NotFound
    given, faults = forms.read(form_of(event), request.form)
    papers, unfit = evidence.handed_in(*DOCUMENTS.get(event, ()))
    if given is None or unfit:
        return orderpage.show(order_id, event=event, faults=forms.told({**faults, **unfit}), no=None), 422
    try:
        verb(g.session, g.actor, order_id=order_id, request_id=request.form["request_id"], given=given_by(event, given, papers))
    except Invalid as wrong:
        g.session.rollback()
        return orderpage.show(order_id, event=event, faults={field_of(wrong): translate(wrong)}, no=None), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return orderpage.show(order_id, event=event, faults={}, no=no), kind_of(no).status
    flash(orderpage.done(bookings.order_of(g.session, g.actor, order_id), event), "ok")
    return redirect(url_for("enterprise.order", order_id=order_id), 303)


def next_step(row: OrderRow, actor: Actor, *, to_claim: bool) -> str:
    """Return the event that an order waits for from this party, "" when it waits for somebody else or for nothing."""
    if row.state == "settled":
        return "claim" if to_claim else ""
    waited = (arrow.event for arrow in ORDER if arrow.state == row.state and actor.role in arrow.roles and arrow.event in WAITED)
    return next(waited, "")


def _checkout(given: forms.Checkout, found: Quote, *, no: MapError | None, request_id: str) -> str:
    asked, (found, why) = found, _payable(given, found)
    ruled = found if found.voucher_part else asked
    version = g.session.get(PolicyVersion, ruled.voucher.policy_version_id) if ruled.voucher else None
    return render_template(
        "enterprise/checkout.html",
        given=given,
        quote=found,
        slot=Slot(given.start, given.end, "free"),
        refusal=forms.refusal(no or why, labels.ORDER_STATES),
        choices=money.choices(g.session, g.actor, given.wish, found=found),
        clauses=money.clause_lines(clause.as_json() for clause in ruled.ruling.clauses),
        terms=version.terms if version else None,
        now=clock.now(g.session),
        mode=labels.MODES[version.terms.settlement_mode] if version and found.voucher_part else "",
        request_id=request_id,
        **_place(given),
    )


def _payable(given: forms.Checkout, found: Quote) -> tuple[Quote, MapError | None]:
    """Return a quote that can be confirmed: with another voucher or without any where the one asked for pays nothing, and why."""
    if found.refusal is None:
        return found, None
    other = given.model_copy(update={"voucher": str(found.instead.id) if found.instead else "none"})
    why = None if found.refusal.clause == "voucher" else found.refusal  # without any voucher there is nothing to explain
    return till.quote(g.session, g.actor, _plain(other)), why


def _quote(given: forms.Checkout) -> tuple[Quote, MapError | None]:
    """Return what the wish costs; with a voucher that is not theirs the one that expires first is taken instead, and the second value says why."""
    try:
        return till.quote(g.session, g.actor, _plain(given)), None
    except NotFound as no:
        if not given.voucher:
            raise
        return till.quote(g.session, g.actor, _plain(given.model_copy(update={"voucher": ""}))), no


def _again(given: forms.Booking, no: MapError | None) -> ResponseReturnValue:
    """Show the check-out again with everything that was filled in, what is half done rolled back first."""
    g.session.rollback()
    status = kind_of(no).status if no else 200
    try:
        found, gone = _quote(given)
    except _NO as nothing:
        return _no_quote(given, no or nothing), kind_of(no or nothing).status
    no = no or gone
    fresh = forms.new_request_id() if no else given.request_id
    return _checkout(given, found, no=no, request_id=fresh), status


def _plain(given: forms.Checkout) -> till.Wish:
    """Return the wish without the sums that were confirmed: they are what is asked for anew."""
    return forms.Checkout.model_validate(given.model_dump()).wish


def _booked(order_id: int) -> ResponseReturnValue:
    page = bookings.order_of(g.session, g.actor, order_id)
    until = daytime(page.row.answer_by)
    if page.voucher_id is None:
        flash(gettext("预约已提交，自付 ¥%(own)s。载体要在 %(until)s 前接单。", own=yuan(page.row.own_part), until=until), "ok")
        return redirect(url_for("enterprise.order", order_id=order_id), 303)
    said = {"voucher": page.voucher_code, "amount": yuan(page.row.voucher_part), "until": until}
    flash(gettext("预约已提交。券 %(voucher)s 冻结 ¥%(amount)s，载体要在 %(until)s 前接单。", **said), "ok")
    return redirect(url_for("enterprise.vouchers", voucher=page.voucher_id), 303)


def _no_slot(faults: Mapping[str, str]) -> str:
    """Show what is missing of a slot; the form cannot be shown without one."""
    return render_template(
        "enterprise/no_slot.html", given=None, reasons=list(dict.fromkeys(faults.values())), mine=None, later=None, **_way_back(None)
    )


def _no_quote(given: forms.Checkout, no: MapError) -> str:
    """Show why a slot cannot be had, and the next one that can, with everything else kept."""
    found = g.session.get(Instrument, given.instrument)
    later = bookings.next_slots(g.session, {found.id: found.hours})[found.id] if found and found.is_open else None
    kept = given.model_dump(include={"instrument", "service", "voucher", "statutory", "funded", "batch", "need"})
    url = url_for("enterprise.checkout", **kept, start=later.start.isoformat(), end=later.end.isoformat()) if later else None
    mine = _own_booking(given) if isinstance(no, Refused) and no.clause == "slot_taken" else None
    reasons = [gettext("这个时段你已经约了，就是预约 %(code)s。", code=mine.code) if mine else forms.refusal(no, labels.ORDER_STATES)]
    return render_template("enterprise/no_slot.html", given=given, reasons=reasons, mine=mine, later=later, later_url=url, **_way_back(found))


def _own_booking(given: forms.Checkout) -> OrderRow | None:
    """Return the enterprise's own order that has this slot: who goes back after booking meets it here."""
    rows = bookings.orders_of(g.session, g.actor.organisation_id)
    return next((row for row in rows if (row.instrument_id, row.start) == (given.instrument, given.start) and row.state != "cancelled"), None)


def _way_back(found: Instrument | None) -> dict[str, Any]:
    search = page_url("public.search") or "/"
    return {"instrument": found, "back_url": (page_url("public.instrument", instrument_id=found.id) if found else None) or search}


def _place(given: forms.Checkout) -> dict[str, Any]:
    query = (
        select(Instrument, Organisation, Region, Service)
        .join(Organisation, Organisation.id == Instrument.organisation_id)
        .outerjoin(Region, Region.adcode == Instrument.adcode)
        .join(Service, Service.code == given.service)
        .where(Instrument.id == given.instrument)
    )
    found, *others = g.session.execute(query).one()
    carrier, region, service = (names.named(one.name_zh, one.name_en) if one else "" for one in others)
    shown = names.instrument_name(found.name, names.types_of(g.session, [found.id]).get(found.id))
    return {"carrier": carrier, "region": region, "service": service, "named": shown, **_way_back(found)}


def _trace(voucher_id: int) -> list[dict[str, Any]]:
    lines = statement(g.session, voucher_id)
    known = {f"order:{row.id}": row for row in names.orders(g.session, bookings.orders_of(g.session, g.actor.organisation_id))}
    named = [line.reference for line in lines if line.reference]
    return money.trace(lines, known, claims=desk.claims_for(g.session, named))


def _own() -> Organisation:
    found: Organisation = g.session.get_one(Organisation, g.actor.organisation_id)
    return found


def _with_payee(rows: list[OrderRow]) -> list[tuple[OrderRow, str]]:
    payees = desk.unclaimed(g.session, [f"order:{row.id}" for row in rows if row.state == "settled"])
    return [(row, payees.get(f"order:{row.id}", "")) for row in rows]
