"""Pages of a carrier: the desk with orders to answer, bookings ahead, claims and listings; and the form of a new listing.

The page of one order is shared with the enterprise (`app.views.enterprise`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms, labels, names
from app.errors import kind_of
from app.i18n import language
from app.views.enterprise import next_step
from bookings import queries as bookings
from core import clock
from core.errors import Forbidden, Invalid, MapError, Refused
from geodata import listings
from geodata.crs import SYSTEMS
from geodata.listings import UNITS, WEEKDAYS
from geodata.organisations import Organisation
from vouchers import desk as papers

bp = Blueprint("carrier", __name__)

_FIELDS: Final = tuple(forms.ListingForm.model_fields)


@bp.get("/carrier")
def desk() -> ResponseReturnValue:
    """Show what waits for the carrier, what lies ahead, its claims and its listings."""
    rows = names.orders(g.session, bookings.orders_of(g.session, g.actor.organisation_id))
    payees = papers.unclaimed(g.session, [f"order:{row.id}" for row in rows if row.state == "settled"])
    waits = {row.id: next_step(row, g.actor, to_claim=payees.get(f"order:{row.id}") == "carrier") for row in rows}
    return render_template(
        "carrier/desk.html",
        organisation=g.session.get_one(Organisation, g.actor.organisation_id),
        waiting=sorted((row for row in rows if row.state == "offered"), key=lambda row: row.answer_by),
        sent=sorted((row for row in rows if row.state in ("draft", "countered")), key=lambda row: row.answer_by),
        ahead=sorted((row for row in rows if row.state == "contracted"), key=lambda row: row.start),
        rest=[row for row in rows if row.state not in ("draft", "offered", "countered", "contracted")][:50],
        waits=waits,
        late={row.id for row in rows if row.state == "contracted" and row.report_on < clock.today(g.session)},
        claims=papers.claims_of(g.session, g.actor.organisation_id),
        listings=names.listings(g.session, listings.listings_of(g.session, g.actor.organisation_id)),
        units=UNITS,
        labels=labels,
    )


@bp.route("/carrier/listings/new", methods=["GET", "POST"])
def listing_new() -> ResponseReturnValue:
    """Show the form of a new listing, or publish it; everything that is wrong is told at its field, and nothing typed is lost."""
    if request.method == "GET":
        return _form({"instrument": request.args.get("instrument", "")[:20]}, {})
    given, faults = forms.read(forms.ListingForm, request.form)
    if given is None:
        return _form(request.form, {**_more_faults(faults), **faults}), 422
    wrong = listings.faults(g.session, g.actor, given.offer) if not _sent_before(given) else []
    if wrong:
        return _form(request.form, {one.field: one for one in reversed(wrong)}), 422
    try:
        listings.publish(g.session, g.actor, given.offer, request_id=given.request_id)
    except Invalid as no:
        g.session.rollback()
        return _form(request.form, {no.field: no}), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return _form(request.form, {}, no=no), kind_of(no).status
    flash(gettext("已上架。企业现在能搜到、能预约。"), "ok")
    return redirect(url_for("carrier.desk") + "#listings", 303)


def _more_faults(found: forms.Faults) -> forms.Faults:
    """Return what is wrong beyond spelling in a form that could not be read as a whole."""
    offer, blind = forms.ListingForm.readable(request.form, found)
    wrong = listings.faults(g.session, g.actor, offer) if offer else []
    return {one.field: one for one in reversed(wrong) if one.field not in blind}


def _sent_before(given: forms.ListingForm) -> bool:
    return listings.published(g.session, g.actor, given.request_id) is not None


def _form(typed: Mapping[str, str], faults: forms.Faults, *, no: MapError | None = None) -> str:
    carrier_id = g.actor.organisation_id
    kept = {name: typed.get(name, "")[:300] for name in _FIELDS}
    return render_template(
        "carrier/listing_new.html",
        typed=kept,
        faults=forms.told(faults),
        refusal=forms.refusal(no, labels.LISTING_STATES),
        request_id=kept["request_id"] or forms.new_request_id(),
        instruments=listings.instruments_of(g.session, carrier_id),
        sites=listings.sites_of(g.session, carrier_id),
        types=listings.type_names(g.session),
        services=[(one.code, one.name_en if language() == "en" else one.name_zh) for one in listings.services(g.session)],
        units=UNITS,
        systems=SYSTEMS,
        weekdays=list(zip(WEEKDAYS, labels.WEEKDAYS, strict=True)),
        usual=not typed.get("request_id"),
    )
