"""Pages of a carrier beside its desk: offers that it makes to an enterprise by itself, and what it earned, as a page to print and as CSV."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms, labels, names
from app.errors import kind_of
from app.i18n import language, translate
from app.orderforms import Quotation
from bookings import income, offers
from bookings.income import IncomeRow
from core import clock
from core.errors import N_, Forbidden, Invalid, MapError, Refused
from core.money import yuan
from geodata import listings
from geodata.organisations import Organisation

bp = Blueprint("earnings", __name__)

_MONTHS: Final = 120
"""How far back a statement may begin, in months."""


@bp.get("/carrier/income")
def statement() -> ResponseReturnValue:
    """Show what a carrier earned in a year or a month, each order with who paid what of it."""
    period = request.args.get("period", "")
    first, last, faults = _period(period)
    rows = income.statement(g.session, g.actor.organisation_id, first=first, last=last)
    page = render_template(
        "carrier/income.html",
        organisation=g.session.get_one(Organisation, g.actor.organisation_id),
        rows=_named(rows),
        sums=income.sums(rows),
        first=first,
        last=last,
        period=period or str(last.year),
        faults=faults,
        now=clock.now(g.session),
        is_sample=any(row.is_sample for row in rows),
    )
    return page, 422 if faults else 200


@bp.get("/carrier/income.csv")
def statement_csv() -> ResponseReturnValue:
    """Answer the statement as CSV, amounts in yuan with two decimals, the sums in the last row."""
    period = request.args.get("period", "")
    first, last, faults = _period(period)
    if faults:
        raise Invalid("period", N_("期间写成 2026 或 2026-11。"))
    rows = income.statement(g.session, g.actor.organisation_id, first=first, last=last)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([gettext(name) for name in COLUMNS])
    writer.writerows([_safe(cell) for cell in _cells(row)] for row in rows)
    found = income.sums(rows)
    amounts = [yuan(amount) for amount in (found.price, found.from_enterprise, found.from_voucher, found.received, found.waiting)]
    writer.writerow([gettext("合计"), "", "", "", "", "", *amounts, "", "", ""])
    answer = Response("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename=income-{first:%Y%m%d}-{last:%Y%m%d}.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.route("/carrier/quotations/new", methods=["GET", "POST"])
def quotation_new() -> ResponseReturnValue:
    """Show the form of an offer to an enterprise, or draft it: the next page is the order, from which it is sent."""
    if request.method == "GET":
        return _form(request.args, {})
    given, faults = forms.read(Quotation, request.form)
    if given is None:
        return _form(request.form, forms.told(faults)), 422
    facts: dict[str, Any] = {"enterprise": given.enterprise, "instrument_id": given.instrument, "service": given.service, "price": given.price}
    asked = offers.Quotation(**facts, start=given.start, end=given.end, report_days=given.report_days, message=given.reason)
    try:
        made = offers.draft(g.session, g.actor, asked, request_id=given.request_id)
    except Invalid as no:
        g.session.rollback()
        return _form(request.form, {no.field: translate(no)}), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        return _form(request.form, {}, no=no), kind_of(no).status
    flash(gettext("报价写好了，时段先留着。看过再发给企业。"), "ok")
    return redirect(url_for("enterprise.order", order_id=made), 303)


def _form(typed: Mapping[str, str], faults: Mapping[str, str], *, no: MapError | None = None) -> str:
    own = listings.instruments_of(g.session, g.actor.organisation_id)
    return render_template(
        "carrier/quotation_new.html",
        typed={name: typed.get(name, "")[:500] for name in Quotation.model_fields},
        faults=faults,
        refusal=forms.refusal(no, labels.ORDER_STATES),
        request_id=forms.new_request_id(),
        instruments=[(str(one.id), f"{one.name} {one.code}") for one in own],
        services=[(one.code, one.name_en if language() == "en" else one.name_zh) for one in listings.services(g.session)],
    )


def _period(asked: str) -> tuple[date, date, dict[str, str]]:
    """Return first and last day of a year ("2026") or month ("2026-11"), this year for none; what cannot be meant is told."""
    today = clock.today(g.session)
    year, _, month = (asked or str(today.year)).partition("-")
    whole = year.isascii() and year.isdigit() and len(year) == 4 and (month == "" or (month.isascii() and month.isdigit() and len(month) == 2))
    if not whole or not (today.year - _MONTHS // 12 <= int(year) <= today.year) or not (month == "" or 1 <= int(month) <= 12):
        return date(today.year, 1, 1), date(today.year, 12, 31), {"period": gettext("期间写成 2026 或 2026-11。")}
    first, last = (int(month), int(month)) if month else (1, 12)
    return date(int(year), first, 1), date(int(year), last, monthrange(int(year), last)[1]), {}


def _named(rows: list[IncomeRow]) -> list[tuple[IncomeRow, str]]:
    return [(row, names.named(row.service, row.service_en)) for row in rows]


def _cells(row: IncomeRow) -> list[str]:
    amounts = [yuan(amount) for amount in (row.price, row.from_enterprise, row.from_voucher, row.received, row.waiting)]
    service, sample = names.named(row.service, row.service_en), gettext("示例数据") if row.is_sample else ""
    paid = row.paid_on.isoformat() if row.paid_on else ""
    return [row.code, row.settled_on.isoformat(), row.enterprise, row.instrument, service, row.invoice, *amounts, row.bank_references, paid, sample]


def _safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


COLUMNS: Final = (
    N_("订单"),
    N_("结清日期"),
    N_("企业"),
    N_("仪器"),
    N_("服务"),
    N_("发票号码"),
    N_("价格（元）"),
    N_("企业付（元）"),
    N_("券付（元）"),
    N_("已到账（元）"),
    N_("待到账（元）"),
    N_("拨付单号"),
    N_("拨付日期"),
    N_("说明"),
)
