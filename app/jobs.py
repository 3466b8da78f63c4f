"""What time brings: the list of jobs. Each names the rows that are due, what is done with one of them, how often to look and how often to try.

A verb here takes what any other verb takes, so a job that runs twice does nothing twice. How rows become jobs and jobs are retried is left to
`app.queue`; who keeps looking, to `app.worker`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from app import filejobs, savedlook, sealing
from bookings import binding, demand, orders, posting, records, savednews, unanswered
from bookings.queries import overdue, voided
from core.errors import N_
from geodata import grid
from matching import campaigns, speclimits
from matching.learning import log as learnt
from parties import carriers, messages, notices
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
    Job(
        "end needs that nobody picked",
        posting.overdue,
        lambda session, key: posting.expire(session, need_id=key),
        label=N_("没选定的需求到期"),
        paper="need_post",
        every=60.0,
    ),
    Job("forget old messages", messages.stale, lambda session, _key: messages.forget(session), label=N_("旧消息清理"), every=HOURLY, silent=True),
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
    Job(
        "read changed specifications",
        speclimits.unread,
        lambda session, _: speclimits.read_due(session),
        label=N_("仪器指标读成区间"),
        silent=True,
    ),
    Job("count the carriers' records", records.due, lambda session, _: records.refresh(session), label=N_("载体履约记录"), every=60.0, silent=True),
    Job("seal the audit record", sealing.due, lambda session, _key: sealing.seal_and_sign(session), label=N_("审计记录封存"), silent=True),
    Job("write the published roots", sealing.unwritten, lambda session, _key: sealing.write(session), label=N_("审计根公布"), silent=True),
    Job("work out campaigns", campaigns.due, campaigns.work_out, label=N_("集中匹配"), paper="campaign", tries=2),
    Job("look at kept searches", savedlook.due, savedlook.look, label=N_("保存的搜索再看一遍"), every=60.0),
    Job("count unanswered needs", unanswered.due, unanswered.note, label=N_("没人接的需求计入缺口"), every=60.0, silent=True),
    Job("note how orders from lists ended", learnt.ended, learnt.settle, label=N_("搜索记录整理"), every=HOURLY, silent=True),
    Job("throw away what led to askers", demand.untidy, demand.tidy, label=N_("需求记录去掉来源"), every=600.0, silent=True),
    Job("forget old lists", learnt.stale, learnt.forget, label=N_("过期的搜索记录删除"), every=HOURLY, silent=True),
    Job("forget old news of kept searches", savednews.stale, savednews.forget, label=N_("过期的搜索消息删除"), every=HOURLY, silent=True),
    Job("scan files", filejobs.unscanned, filejobs.rescan, label=N_("材料补扫病毒"), every=60.0, silent=True),
    Job("forget files that nobody used", files.unused, files.forget, label=N_("没用上的材料清理"), every=HOURLY, silent=True),
    Job("sweep the folder of files", filejobs.sweepable, filejobs.sweep, label=N_("材料存储清扫"), every=HOURLY, silent=True),
)
"""In the order in which they are looked for. Add a line here."""


def job_named(name: str) -> Job | None:
    """Return the job of this name, or None for one that this version of the code no longer has."""
    return next((job for job in JOBS if job.name == name), None)
