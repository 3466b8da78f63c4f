"""A campaign for many firms at once: an officer hands in a list of needs and sees who could serve whom, and why, as evenly as was asked.

Nothing is booked and nobody is told: it is a proposal to hand out vouchers by.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms
from app.campaignfile import as_csv, posted_entries, read_entries
from app.i18n import translate
from app.names import named
from core.errors import N_, Invalid
from matching import campaigns
from matching.campaign import VERDICTS, Entry
from vouchers.versions import region_names

bp = Blueprint("campaigns", __name__)

KINDS: dict[str, str] = {**VERDICTS, "unclear": N_("要先问清")}
SHOWN = 200
"""Lines on one page; the table to take away has them all."""


@bp.get("/campaigns")
def book() -> ResponseReturnValue:
    """Show the lists of the officer's region and the form for a new one."""
    return _book()


@bp.post("/campaigns")
def start() -> ResponseReturnValue:
    """Take a list in; a job works it out."""
    typed = request.form.to_dict()
    try:
        wish = campaigns.Wish(typed.get("title", ""), _whole(typed, "days"), _whole(typed, "part"), _whole(typed, "evenness"))
        key = campaigns.start(g.session, g.actor, wish=wish, entries=_entries(), request_id=typed.get("request_id", ""))
    except Invalid as wrong:
        g.session.rollback()
        return _book(typed, {wrong.field: translate(wrong)}), 422
    return redirect(url_for("campaigns.one", campaign_id=key), 303)


@bp.get("/campaigns/<int:campaign_id>")
def one(campaign_id: int) -> ResponseReturnValue:
    """Show what became of each need, and why."""
    row = campaigns.one_of(g.session, g.actor, campaign_id)
    kind = request.args.get("only", "")
    lines = [line for line in row.lines if kind in ("", line["verdict"])]
    names = {code: named(*both) for code, both in region_names(g.session).items()}
    counts = {name: sum(line["verdict"] == name for line in row.lines) for name in KINDS}
    return render_template(
        "bureau/campaign.html",
        campaign=row,
        lines=lines[:SHOWN],
        more=max(0, len(lines) - SHOWN),
        counts=counts,
        kinds=KINDS,
        only=kind,
        counties=[(names.get(code, code), n, served) for code, n, served in _counties(row.lines)],
        names=names,
        request_id=forms.new_request_id(),
    )


@bp.get("/campaigns/<int:campaign_id>.csv")
def table(campaign_id: int) -> Response:
    """Answer all lines as a table."""
    row = campaigns.one_of(g.session, g.actor, campaign_id)
    response = Response(as_csv(row.lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=campaign-{row.id}.csv"
    return response


@bp.post("/campaigns/<int:campaign_id>/drop")
def drop(campaign_id: int) -> ResponseReturnValue:
    """Throw a list away."""
    campaigns.drop(g.session, g.actor, campaign_id=campaign_id)
    flash(gettext("已删除。"), "ok")
    return redirect(url_for("campaigns.book"), 303)


def _book(typed: dict[str, str] | None = None, faults: dict[str, str] | None = None) -> str:
    rows = campaigns.all_of(g.session, g.actor)
    return render_template(
        "bureau/campaigns.html",
        rows=[(row, sum(line["offer"] is not None for line in row.lines)) for row in rows],
        typed={"days": "28", "part": "50", "evenness": "30", **(typed or {})},
        faults=faults or {},
        request_id=forms.new_request_id(),
        most=campaigns.MOST,
    )


def _entries() -> list[Entry]:
    region = g.actor.region or ""
    if request.form.get("source") == "posted":
        found = posted_entries(g.session, region, names=g.actor.role == "reviewer")
        if not found:
            raise Invalid("file", N_("辖区里现在没有等人回应的公开需求。请改交一张表。"))
        return found
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Invalid("file", N_("请选一个文件：CSV 或 Excel，表头有 企业、县（市、区）、需求。"))
    return read_entries(g.session, given.stream.read(), home=region)


def _whole(typed: dict[str, str], name: str) -> int:
    text = typed.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1


def _counties(lines: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """Return (adcode, needs, needs with an offer) by county, so that evenness can be seen."""
    found: dict[str, list[int]] = {}
    for line in lines:
        of = found.setdefault(line["region"], [0, 0])
        of[0] += 1
        of[1] += line["offer"] is not None
    return [(code, n, served) for code, (n, served) in sorted(found.items())]
