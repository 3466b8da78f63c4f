"""Public notices and objections: a fixed period of business dates in which anybody may object, and officers of the region answer.

The period follows art. 201 of the Civil Code: the day of publication is not counted, so a notice of 7 days opened on the 1st can be objected to
until the end of the 8th. What a notice is about is an opaque subject; what happens when it is over is left to the paper that opened it, which asks
`is_clear`. Names and contacts of people who object stay in their row: no audit record holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import SYSTEM, Actor, Role
from core.audit import Arrow, born, move
from core.db import Base, BigId, Created, Instant
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.regions import is_within

MAX_DAYS: Final = 90
MAX_TEXT: Final = 2000
MAX_WAITING: Final = 200
"""Unanswered objections that one notice takes: a flood ends here, an argument does not."""

_ANYBODY: Final[tuple[Role, ...]] = ("public", "enterprise", "carrier", "reviewer", "finance", "auditor", "planner")

NOTICE: Final = (
    Arrow("running", "end", "over", ("system",)),
    Arrow("running", "stop", "stopped", ("system",)),
)
OBJECTION: Final = (
    Arrow("open", "uphold", "upheld", ("reviewer",)),
    Arrow("open", "dismiss", "dismissed", ("reviewer",)),
)

Outcome = Literal["none", "running", "stopped", "clear"]


class Notice(Base):
    """What is shown to the public from `starts` to the end of `ends` (business dates): a subject, e.g. 'carrier_entry', and its row."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("state IN ('running','over','stopped')", name="state"),
        CheckConstraint("ends > starts", name="ends"),
        Index("ix_notice_subject", "subject", "subject_id"),
        Index("ix_notice_ends", "ends"),
        Index("uq_notice_running", "subject", "subject_id", unique=True, postgresql_where=sql("state = 'running'")),
    )
    id: Mapped[BigId]
    subject: Mapped[str]
    subject_id: Mapped[int]
    title: Mapped[str]
    region: Mapped[str] = mapped_column(ForeignKey("region.adcode"), index=True)
    starts: Mapped[date]
    ends: Mapped[date]
    state: Mapped[str] = mapped_column(default="running")
    row_version: Mapped[int] = mapped_column(default=0)
    is_sample: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Created]


class Objection(Base):
    """Why somebody is against it, and what the officer answered. `name` and `contact` are personal: shown to officers of the region only."""

    __tablename__ = "objection"
    __table_args__ = (CheckConstraint("state IN ('open','upheld','dismissed')", name="state"),)
    id: Mapped[BigId]
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    text: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    contact: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(default="open")
    row_version: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(default="")
    reviewer_id: Mapped[int | None]
    answered_at: Mapped[Instant | None]
    created_at: Mapped[Created]


@dataclass(frozen=True)
class Answered:
    """One objection as the public sees it: when it came, and how it was answered; who objected and in which words is not shown."""

    id: int
    at: datetime
    state: str
    reason: str
    answered_at: datetime | None


def open_notice(session: Session, actor: Actor, *, subject: str, subject_id: int, title: str, region: str, days: int) -> Notice:
    """Begin a notice today that ends after `days` calendar days, today not counted; return it. Of a sample row it is a sample notice.

    Raises `Invalid` (days) outside 1 to 90, `Refused` (notice) while another notice of the same subject runs. Who may is decided by the caller.
    """
    if not 1 <= days <= MAX_DAYS:
        raise Invalid("days", N_("公示期应为 1 到 %(most)s 天。"), most=MAX_DAYS)
    if _latest(session, subject, subject_id, state="running") is not None:
        raise Refused("notice", N_("这件事正在公示，不能再开一次。请等公示结束。"))
    today = clock.today(session)
    row = Notice(subject=subject, subject_id=subject_id, title=title.strip()[:200], region=region, starts=today, ends=today + timedelta(days))
    row.state, row.row_version, row.is_sample = "running", 0, _is_sample(session, subject, subject_id)
    born(session, actor, row, "open", detail={"subject": subject, "subject_id": subject_id, "ends": row.ends.isoformat()})
    return row


def object_to(session: Session, actor: Actor, *, notice_id: int, text: str, name: str = "", contact: str = "") -> int:
    """Object to a running notice and return the objection's id. Anybody may who gives a name, or is logged in.

    Raises `Invalid` (text, name, contact), `NotFound`, `Refused` (notice) when the period is over, `Refused` (objection) for the same words twice.
    """
    said, who, where = text.strip(), name.strip(), contact.strip()
    _check_words(actor, said, who, where)
    notice = session.get(Notice, notice_id, with_for_update=True, populate_existing=True)
    if notice is None:
        raise NotFound
    if notice.state != "running" or clock.today(session) > notice.ends:
        raise Refused("notice", N_("公示已于 %(day)s 结束，不再受理异议。可以向当地科技局反映。"), day=notice.ends.isoformat())
    earlier = session.scalars(select(Objection).filter_by(notice_id=notice_id, state="open")).all()
    if any(row.text == said for row in earlier):
        raise Refused("objection", N_("同样内容的异议已经收到，正在核实，不用再提。"))
    if len(earlier) >= MAX_WAITING:
        raise Refused("objection", N_("这份公示待核实的异议太多，暂时不能再提。请直接联系当地科技局。"))
    row = Objection(notice_id=notice_id, text=said, name=who, contact=where, user_id=actor.user_id, state="open", row_version=0, reason="")
    born(session, actor, row, "object", detail={"notice_id": notice_id})
    return row.id


def answer(session: Session, actor: Actor, *, objection_id: int, upheld: bool, reason: str) -> None:
    """Answer an objection of the officer's region; the reason is shown to the public. An upheld one stops the notice at once.

    Raises `Invalid` (reason), `NotFound` outside the region, `Forbidden` for other roles and for an officer's own objection, `Refused` (state)
    when it was answered before.
    """
    if actor.role != "reviewer":
        raise Forbidden(N_("异议由本地的审核员答复。"))
    if not reason.strip():
        raise Invalid("reason", N_("请写明答复，会一起公开。"))
    found = session.get(Objection, objection_id)
    notice = session.get(Notice, found.notice_id, with_for_update=True, populate_existing=True) if found else None
    row = session.get(Objection, objection_id, with_for_update=True, populate_existing=True)
    if row is None or notice is None or actor.region is None or not is_within(notice.region, actor.region):
        raise NotFound
    if row.user_id is not None and row.user_id == actor.user_id:
        raise Forbidden(N_("自己提的异议由另一位审核员答复。"))
    event = "uphold" if upheld else "dismiss"
    said = reason.strip()[:MAX_TEXT]
    if row.state == "open":
        row.reason, row.reviewer_id, row.answered_at = said, actor.user_id, clock.now(session)
    move(session, actor, row, OBJECTION, event, reason=said, detail={"notice_id": notice.id})
    if upheld and notice.state == "running":
        move(session, SYSTEM, notice, NOTICE, "stop", reason=said)


def is_clear(session: Session, subject: str, subject_id: int) -> bool:
    """Say whether the last notice of the subject is over by date, with no open or upheld objection. Without any notice: no."""
    return outcome(session, subject, subject_id) == "clear"


def outcome(session: Session, subject: str, subject_id: int) -> Outcome:
    """Return how the last notice of the subject stands: none, running (also: past its end with an open objection), stopped, clear."""
    notice = _latest(session, subject, subject_id)
    if notice is None:
        return "none"
    states = set(session.scalars(select(Objection.state).filter_by(notice_id=notice.id)))
    if notice.state == "stopped" or "upheld" in states:
        return "stopped"
    return "running" if clock.today(session) <= notice.ends or "open" in states else "clear"


def due(session: Session) -> list[int]:
    """Return the ids of notices that run past their last day with every objection answered: `end` is next."""
    waiting = select(Objection.id).where(Objection.notice_id == Notice.id, Objection.state == "open").exists()
    query = select(Notice.id).where(Notice.state == "running", Notice.ends < clock.today(session), ~waiting).order_by(Notice.id)
    return list(session.scalars(query))


def end(session: Session, *, notice_id: int) -> int:
    """End a notice that is due, by the clock; return its id. One that is not due any more is left as it is."""
    notice = session.get(Notice, notice_id, with_for_update=True, populate_existing=True)
    if notice is not None and notice.state == "running" and is_clear(session, notice.subject, notice.subject_id):
        move(session, SYSTEM, notice, NOTICE, "end")
    return notice_id


def call_off(session: Session, *, subject: str, subject_id: int) -> None:
    """Stop the running notice of a subject whose paper was taken back; nothing happens when none runs."""
    notice = _latest(session, subject, subject_id, state="running")
    if notice is not None:
        locked = session.get_one(Notice, notice.id, with_for_update=True, populate_existing=True)
        if locked.state == "running":
            move(session, SYSTEM, locked, NOTICE, "stop")


def upheld_reason(session: Session, subject: str, subject_id: int) -> str:
    """Return what the officer answered to the upheld objection of the subject's last notice, "" where there is none."""
    notice = _latest(session, subject, subject_id)
    query = select(Objection.reason).filter_by(notice_id=notice.id if notice else 0, state="upheld").order_by(Objection.id)
    return session.scalars(query.limit(1)).one_or_none() or ""


def notices(session: Session, *, running: bool, limit: int = 50, offset: int = 0) -> Sequence[Notice]:
    """Return notices that can still be objected to, the next to end first; or past ones, the latest first."""
    today = clock.today(session)
    if running:
        query = select(Notice).where(Notice.state == "running", Notice.ends >= today).order_by(Notice.ends, Notice.id)
    else:
        query = select(Notice).where((Notice.state != "running") | (Notice.ends < today)).order_by(Notice.ends.desc(), Notice.id.desc())
    return session.scalars(query.limit(limit).offset(offset)).all()


def answers(session: Session, notice_id: int) -> list[Answered]:
    """Return the objections to a notice as the public sees them, oldest first."""
    rows = session.scalars(select(Objection).filter_by(notice_id=notice_id).order_by(Objection.id))
    return [Answered(row.id, row.created_at, row.state, row.reason, row.answered_at) for row in rows]


def unanswered(session: Session, notice_ids: Sequence[int]) -> set[int]:
    """Return which of these notices have an open objection."""
    return set(session.scalars(select(Objection.notice_id).where(Objection.notice_id.in_(notice_ids), Objection.state == "open")))


def waiting(session: Session, actor: Actor) -> Sequence[tuple[Objection, Notice]]:
    """Return the open objections of the officer's region with their notices, oldest first, at most 200; nothing for other roles."""
    if actor.role not in {"reviewer", "auditor"}:
        return []
    query = select(Objection, Notice).join(Notice, Notice.id == Objection.notice_id).where(Objection.state == "open")
    rows = session.execute(query.order_by(Objection.id).limit(1000))
    return [(row, notice) for row, notice in rows if actor.region is None or is_within(notice.region, actor.region)][:200]


def objections_to(session: Session, notice_id: int) -> int:
    """Return how many objections a notice has, answered or not."""
    return session.scalar(select(func.count()).select_from(Objection).where(Objection.notice_id == notice_id)) or 0


def _is_sample(session: Session, subject: str, subject_id: int) -> bool:
    table = Base.metadata.tables.get(subject)
    if table is None or "is_sample" not in table.c:
        return False
    return bool(session.scalar(select(table.c.is_sample).where(table.c.id == subject_id)))


def _latest(session: Session, subject: str, subject_id: int, *, state: str | None = None) -> Notice | None:
    query = select(Notice).filter_by(subject=subject, subject_id=subject_id)
    return session.scalars((query.filter_by(state=state) if state else query).order_by(Notice.id.desc()).limit(1)).one_or_none()


def _check_words(actor: Actor, said: str, who: str, where: str) -> None:
    if not 5 <= len(said) <= MAX_TEXT:
        raise Invalid("text", N_("请写明异议的事实和理由，5 到 %(most)s 个字。"), most=MAX_TEXT)
    if actor.user_id is None and not 2 <= len(who) <= 50:
        raise Invalid("name", N_("请留下姓名（2 到 50 个字），或先登录。姓名只给核实的审核员看。"))
    if len(who) > 50:
        raise Invalid("name", N_("姓名最多 50 个字。"))
    if len(where) > 100:
        raise Invalid("contact", N_("联系方式最多 100 个字。"))
    if "\x00" in said + who + where:
        raise Invalid("text", N_("里面有不能用的字符。请去掉后再试。"))
