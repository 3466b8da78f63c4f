"""What time brings: the list of jobs. Each names the rows that are due, what is done with one of them, how often to look and how often to try.

A verb here takes what any other verb takes, so a job that runs twice does nothing twice. How rows become jobs and jobs are retried is left to
`app.queue`; who keeps looking, to `app.worker`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from app import filejobs, sealing
from bookings import binding, orders
from bookings.queries import overdue, voided
from core.errors import N_
from geodata import grid
from parties import carriers, notices
from vouchers import applications, files, issuing, lifecycle
from vouchers.queries import expired, lapsed

SOON: Final = 5.0
HOURLY: Final = 3_600.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class Job:
    """Which rows are due and what is done with one, looked for every `every` seconds and tried `tries` times with growing pauses.

    `label` is what people read (a message id); `paper` says whose rows the keys are, which decides the officers that see what failed. `silent`
    work changes nothing that a person sees and is not counted.
    """

    name: str
    due: Callable[[Session], Iterable[int]]
    do: Callable[[Session, int], int]
    label: str = ""
    paper: str = ""
    every: float = SOON
    tries: int = 5
    silent: bool = False


JOBS: tuple[Job, ...] = (
    Job(
        "end unanswered offers",
        overdue,
        lambda session, key: orders.timeout(session, order_id=key),
        label=N_("没人接的预约到时取消"),
        paper="order",
    ),
    Job(
        "close expired vouchers",
        expired,
        lambda session, key: lifecycle.expire(session, voucher_id=key),
        label=N_("到期的券收回"),
        paper="voucher",
    ),
    Job(
        "close vouchers past redemption",
        lapsed,
        lambda session, key: lifecycle.expire_redeem(session, voucher_id=key),
        label=N_("过了兑现期的券关闭"),
        paper="voucher",
        every=60.0,
    ),
    Job("freeze bound vouchers", binding.bound, binding.attach_bound, label=N_("先签合同的券冻结到合同"), paper="order"),
    Job(
        "end orders of voided vouchers",
        voided,
        lambda session, key: orders.end_voided(session, order_id=key),
        label=N_("券作废的预约取消"),
        paper="order",
    ),
    Job(
        "serve waiting applications",
        applications.servable,
        lambda session, key: applications.serve_waiting(session, budget_id=key),
        label=N_("钱回来了，给排队的申领留上"),
        paper="budget",
    ),
    Job(
        "issue applications after their notice",
        issuing.issuable,
        lambda session, key: issuing.issue(session, application_id=key),
        label=N_("公示期满发券"),
        paper="application",
    ),
    Job("end notices", notices.due, lambda session, key: notices.end(session, notice_id=key), label=N_("公示期满"), paper="notice", every=60.0),
    Job(
        "open, suspend and resume carriers",
        carriers.due,
        lambda session, key: carriers.catch_up(session, paper_id=key),
        label=N_("载体公示期满开放，资质到期暂停"),
        paper="carrier_entry",
        every=60.0,
    ),
    Job("fold the map's changes into its cells", grid.pending, lambda session, _key: grid.fold(session), label=N_("地图计数"), silent=True),
    Job("seal the audit record", sealing.due, lambda session, _key: sealing.seal_and_sign(session), label=N_("审计记录封存"), silent=True),
    Job("write the published roots", sealing.unwritten, lambda session, _key: sealing.write(session), label=N_("审计根公布"), silent=True),
    Job("scan files", filejobs.unscanned, filejobs.rescan, label=N_("材料补扫病毒"), every=60.0, silent=True),
    Job("forget files that nobody used", files.unused, files.forget, label=N_("没用上的材料清理"), every=HOURLY, silent=True),
    Job("sweep the folder of files", filejobs.sweepable, filejobs.sweep, label=N_("材料存储清扫"), every=HOURLY, silent=True),
)
"""In the order in which they are looked for. Add a line here."""


def job_named(name: str) -> Job | None:
    """Return the job of this name, or None for one that this version of the code no longer has."""
    return next((job for job in JOBS if job.name == name), None)
