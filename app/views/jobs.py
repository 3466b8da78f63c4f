"""What the worker could not do: which row, what kind of error, when it is tried again, and a button to try now. Officers see their region's.

An error is shown by its kind; its text stays out, since it may repeat what stands in a row.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms, jobs, queue
from core import clock, workdays
from core.audit import record
from core.errors import N_, NotFound
from geodata.regions import is_within

bp = Blueprint("jobs", __name__)

PAPERS: Final = {
    "order": N_("预约"),
    "voucher": N_("券"),
    "application": N_("申领"),
    "budget": N_("预算"),
    "claim": N_("兑现"),
    "organisation": N_("单位"),
    "notice": N_("公示"),
    "need_post": N_("需求"),
    "carrier_entry": N_("载体入库"),
    "campaign": N_("集中匹配"),
}
WHY: Final = (
    ("Refused", N_("规则不允许")),
    ("Forbidden", N_("规则不允许")),
    ("Invalid", N_("内容不能用")),
    ("NotFound", N_("要办的东西不在了")),
    ("Unavailable", N_("缺少要用的东西")),
    ("OperationalError", N_("数据库忙，或者连不上")),
    ("IntegrityError", N_("数据互相矛盾，请转运维")),
)
"""What a kind of error means, by the beginning of its type."""

_OTHER: Final = N_("程序出错，请转运维")


@bp.get("/jobs")
def failed() -> ResponseReturnValue:
    """Show what failed, first what waits for a person."""
    rows = [row for row in queue.failures(g.session) if _is_mine(row)]
    year = clock.today(g.session).year
    return render_template(
        "bureau/jobs.html",
        rows=[_shown(row) for row in rows],
        counts=queue.counts(g.session),
        now=clock.now(g.session),
        unknown=next((found for found in (year, year + 1) if not workdays.is_known(found)), None),
        request_id=forms.new_request_id,
    )


@bp.post("/jobs/<int:job_id>/retry")
def retry(job_id: int) -> ResponseReturnValue:
    """Have a failed job tried again now, and say who asked."""
    row = next((row for row in queue.failures(g.session) if row.job_id == job_id and _is_mine(row)), None)
    if row is None:
        raise NotFound
    queue.retry(g.session, job_id)
    record(g.session, g.actor, "job", job_id, "retry", detail={"name": row.name, "key": row.key})
    flash(gettext("已放回队列，马上再试。"), "ok")
    return redirect(url_for("jobs.failed"), 303)


def _is_mine(row: Any) -> bool:
    if row.region is None:
        return bool(g.actor.role == "auditor")
    return g.actor.region is not None and is_within(row.region, g.actor.region)


def _shown(row: Any) -> dict[str, Any]:
    job = jobs.job_named(row.name)
    why = next((text for name, text in WHY if row.error.startswith(name)), _OTHER)
    paper = PAPERS.get(job.paper, "") if job else ""
    facts = {"label": gettext(job.label) if job and job.label else row.name, "paper": gettext(paper) if paper else "", "why": gettext(why)}
    return {**facts, "row": row, "waits": row.status == "failed"}
