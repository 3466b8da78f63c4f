"""A policy's next version, while it is written: one open draft per policy, edited by reviewers of the funder, published by another of them.

Published versions never change; a draft that rests on an older one must first take over what was published meanwhile. What a change means in
money is `vouchers.simulate`; what differs, `vouchers.diff`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor
from core.audit import Arrow, born, check, move
from core.db import Base, BigId, Created
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.regions import Region
from vouchers import diff
from vouchers.contradictions import Fault
from vouchers.drafttext import Unreadable, checked, digest, first, read
from vouchers.policy import PolicyVersion, publish
from vouchers.requests import once
from vouchers.terms import STORED, Policy

OPEN: Final = ("editing", "submitted")
_ME: Final = ("reviewer",)

DRAFT: Final = (
    Arrow("editing", "edit", "editing", _ME),
    Arrow("editing", "rebase", "editing", _ME),
    Arrow("editing", "submit", "submitted", _ME),
    Arrow("editing", "discard", "discarded", _ME),
    Arrow("submitted", "return", "editing", _ME),
    Arrow("submitted", "discard", "discarded", _ME),
    Arrow("submitted", "publish", "published", _ME),
)
"""The life of a draft; `published` and `discarded` are ends."""


class PolicyDraft(Base):
    """The next version of a policy as it is being written; `base_version` is the published one it rests on, 0 for a policy's first."""

    __tablename__ = "policy_draft"
    __table_args__ = (
        CheckConstraint("base_version >= 0", name="base"),
        CheckConstraint("state IN ('editing', 'submitted', 'published', 'discarded')", name="state"),
        CheckConstraint("(state = 'published') = (published_id IS NOT NULL)", name="published"),
        Index("uq_policy_draft_policy_open", "policy", unique=True, postgresql_where=sql("state IN ('editing', 'submitted')")),
        Index(None, "funder", "id"),
    )
    id: Mapped[BigId]
    policy: Mapped[str]
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    base_version: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(default="")
    state: Mapped[str]
    published_id: Mapped[int | None] = mapped_column(ForeignKey("policy_version.id"))
    created_by: Mapped[int | None]
    created_at: Mapped[Created]
    row_version: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True)
class Edit:
    """What a reviewer saves: the whole text of the version as plain data, why, and the row version of the draft that was on the screen."""

    body: Mapping[str, Any]
    reason: str
    seen: int


@dataclass(frozen=True)
class Step:
    """One thing that happened to a draft: when, by which person, what, why, and which clauses it changed."""

    at: datetime
    user_id: int | None
    event: str
    reason: str
    changed: tuple[str, ...]


def newest(session: Session, policy: str) -> PolicyVersion | None:
    """Return the version of a policy that was published last, in force or still to come."""
    return session.scalars(select(PolicyVersion).filter_by(policy=policy).order_by(PolicyVersion.version.desc()).limit(1)).one_or_none()


def seen_by(session: Session, actor: Actor, draft_id: int, *, lock: bool = False) -> PolicyDraft:
    """Return a draft of the officer's own region, locked when asked; raise `NotFound` for any other."""
    row = session.get(PolicyDraft, draft_id, with_for_update=lock or None, populate_existing=True)
    if row is None or actor.region != row.funder or actor.role not in ("reviewer", "finance", "auditor"):
        raise NotFound
    return row


def open_draft(session: Session, policy: str) -> PolicyDraft | None:
    """Return the draft of a policy that is not finished, if there is one."""
    return session.scalars(select(PolicyDraft).where(PolicyDraft.policy == policy, PolicyDraft.state.in_(OPEN))).one_or_none()


def terms_of(row: PolicyDraft) -> Policy:
    """Return what a draft says, as it was saved: checks that came later do not unmake it."""
    return Policy.model_validate(row.body, context=STORED)


def waiting(session: Session, funder: str) -> list[PolicyDraft]:
    """Return the submitted drafts of a funder, the oldest first."""
    return list(session.scalars(select(PolicyDraft).filter_by(funder=funder, state="submitted").order_by(PolicyDraft.id)))


def start(session: Session, actor: Actor, *, policy: str, request_id: str) -> int:
    """Begin the next version of a policy from its newest one and return the draft's id; an open draft is returned as it is."""

    def act(request: str) -> int:
        base = newest(session, policy)
        if base is None:
            raise NotFound
        _require_reviewer(actor, base.funder)
        _lock(session, policy)
        there = open_draft(session, policy)
        return there.id if there else _born(session, actor, _of(actor, base), request=request, version_id=base.id)

    return once(session, actor, request_id, "draft.start", content={"policy": policy}, act=act)


def start_first(session: Session, actor: Actor, *, title: str, request_id: str) -> int:
    """Begin the first policy of the officer's own region with careful values, all marked as assumed; return the draft's id."""
    region = actor.region or ""

    def act(request: str) -> int:
        _require_reviewer(actor, region)
        place = session.get(Region, region)
        if place is None or not title.strip() or len(title) > 300:
            raise Invalid("title", N_("政策名称要有 1 到 300 个字。"))
        code = f"p-{region}"
        _lock(session, code)
        there = open_draft(session, code)
        if there:
            return there.id
        if newest(session, code):
            raise Refused("policy", N_("这个地区已经有一份政策。请从它的最新版本起草。"))
        text_ = first(place, code, title=title.strip(), day=clock.today(session))
        return _born(
            session,
            actor,
            PolicyDraft(policy=code, funder=region, base_version=0, body=text_, state="editing", created_by=actor.user_id),
            request=request,
        )

    return once(session, actor, request_id, "draft.first", content={"region": region, "title": title}, act=act)


def edit(session: Session, actor: Actor, draft_id: int, change: Edit, *, request_id: str) -> int:
    """Save the text of a draft; return its id. Raise `Unreadable` for a text that is no policy, `Refused("version")` when another saved meanwhile."""

    def act(request: str) -> int:
        row = _for_me(session, actor, draft_id, "edit")
        _require_seen(row, change.seen)
        told = clean_reason(change.reason)
        body = checked(row.body, change.body)
        _require_own_sources(session, row, body)
        paths = [one.path for one in diff.compare(terms_of(row), Policy.model_validate(body))]
        row.body, row.reason = body, told
        move(session, actor, row, DRAFT, "edit", reason=told, request_id=request, detail={"changed": paths, "text": digest(body)})
        return row.id

    content = {"draft": draft_id, "body": dict(change.body), "reason": change.reason, "seen": change.seen}
    return once(session, actor, request_id, "draft.edit", content=content, act=act)


def submit(session: Session, actor: Actor, *, draft_id: int, seen: int, request_id: str) -> int:
    """Hand a draft over to another reviewer; return its id. Raise `Refused` for one that changes nothing, says nothing why, or is out of date."""

    def act(request: str) -> int:
        row = _for_me(session, actor, draft_id, "submit")
        _require_seen(row, seen)
        clean_reason(row.reason)
        _require_publishable(session, row)
        move(session, actor, row, DRAFT, "submit", request_id=request, detail={"text": digest(row.body)})
        return row.id

    return once(session, actor, request_id, "draft.submit", content={"draft": draft_id, "seen": seen}, act=act)


def turn(session: Session, actor: Actor, *, draft_id: int, event: str, reason: str, request_id: str) -> int:
    """Give a draft back to be edited (`return`) or give it up (`discard`), with the reason; return its id."""
    if event not in ("return", "discard"):
        raise NotFound

    def act(request: str) -> int:
        row = _for_me(session, actor, draft_id, event)
        move(session, actor, row, DRAFT, event, reason=clean_reason(reason), request_id=request)
        return row.id

    return once(session, actor, request_id, f"draft.{event}", content={"draft": draft_id, "reason": reason}, act=act)


def rebase(session: Session, actor: Actor, *, draft_id: int, request_id: str) -> int:
    """Let a draft rest on the newest published version: its own changes stay, all else is as published. Return its id."""

    def act(request: str) -> int:
        row = _for_me(session, actor, draft_id, "rebase")
        last = newest(session, row.policy)
        if last is None or last.version == row.base_version:
            raise Refused("base", N_("草稿已经建立在最新的版本上。"))
        base = session.scalars(select(PolicyVersion).filter_by(policy=row.policy, version=row.base_version)).one_or_none()
        row.body = diff.merge(base.body if base else {}, row.body, last.body)
        row.base_version = last.version
        more = {"policy_version_id": last.id, "detail": {"base": last.version, "text": digest(row.body)}}
        move(session, actor, row, DRAFT, "rebase", request_id=request, **more)
        return row.id

    return once(session, actor, request_id, "draft.rebase", content={"draft": draft_id}, act=act)


def publish_draft(session: Session, actor: Actor, *, draft_id: int, seen: int, request_id: str) -> int:
    """Publish a submitted draft as the next version and return the version's id; the publisher has written no word of it.

    Raises `Forbidden` for who edited it, `Refused("version")` when the text is not the one that was seen, `Refused("base")` when another
    version was published meanwhile, `Refused("valid_from")` for a rule that would begin before tomorrow.
    """

    def act(request: str) -> int:
        row = _for_me(session, actor, draft_id, "publish")
        _require_seen(row, seen)
        if actor.user_id is None or actor.user_id in authors(session, row):
            raise Forbidden(N_("这份草稿有你写的内容，要由另一位审核员发布。"))
        terms = _require_publishable(session, row)
        version = publish(session, terms, actor=actor, request_id=request)
        row.published_id = version.id
        more = {"policy_version_id": version.id, "detail": {"version": version.version, "text": digest(row.body)}}
        move(session, actor, row, DRAFT, "publish", reason=row.reason, request_id=request, **more)
        return version.id

    return once(session, actor, request_id, "draft.publish", content={"draft": draft_id, "seen": seen}, act=act)


def authors(session: Session, row: PolicyDraft) -> frozenset[int]:
    """Return the persons who began, edited, renewed or submitted a draft: none of them may publish it."""
    query = "SELECT DISTINCT user_id FROM audit WHERE subject = 'policy_draft' AND subject_id = :id AND event <> 'return' AND user_id IS NOT NULL"
    return frozenset(session.scalars(text(query), {"id": row.id}))


def steps(session: Session, row: PolicyDraft) -> list[Step]:
    """Return what happened to a draft, the first first."""
    query = """SELECT a.at, a.user_id, a.event, a.reason, a.detail -> 'changed' AS changed
               FROM audit a WHERE a.subject = 'policy_draft' AND a.subject_id = :id ORDER BY a.id"""
    return [Step(one.at, one.user_id, one.event, one.reason, tuple(one.changed or ())) for one in session.execute(text(query), {"id": row.id})]


def blocked(session: Session, row: PolicyDraft) -> Refused | None:
    """Return why a draft could not be published as it stands, whoever asks."""
    try:
        _require_publishable(session, row)
    except Refused as no:
        return no
    except Unreadable as wrong:
        return Refused(wrong.field, wrong.text, **wrong.params)
    return None


def clean_reason(reason: str) -> str:
    """Return a reason without blanks around it; raise `Invalid` for none and for an overlong one."""
    told = reason.strip()
    if not told or len(told) > 500:
        raise Invalid("reason", N_("请写明理由，1 到 500 个字，会存进记录。"))
    return told


def _require_reviewer(actor: Actor, funder: str) -> None:
    if actor.region != funder:
        raise NotFound
    if actor.role not in _ME or actor.user_id is None:
        raise Forbidden(N_("政策由出资地区的审核员起草和发布。"))


def _for_me(session: Session, actor: Actor, draft_id: int, event: str) -> PolicyDraft:
    """Lock a draft of the reviewer's own region, its policy first, when `event` is possible now."""
    row = seen_by(session, actor, draft_id)
    _lock(session, row.policy)
    row = seen_by(session, actor, draft_id, lock=True)
    _require_reviewer(actor, row.funder)
    check(actor, row, DRAFT, event)
    return row


def _lock(session: Session, policy: str) -> None:
    """Let one transaction at a time change the drafts and versions of a policy: a version that is not there yet cannot be locked."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"policy:{policy}"})


def _require_seen(row: PolicyDraft, seen: int) -> None:
    if row.row_version != seen:
        raise Refused("version", N_("别人刚改过这份草稿，你看到的已不是最新的。请刷新看过再办；你填的内容还在页面上。"))


def _require_own_sources(session: Session, row: PolicyDraft, body: Mapping[str, Any]) -> None:
    """Let no changed value keep the source of the published one: the source does not say it."""
    base = session.scalars(select(PolicyVersion).filter_by(policy=row.policy, version=row.base_version)).one_or_none()
    if base is None:
        return
    found = [one for one in diff.compare(base.terms, Policy.model_validate(body)) if one.keeps_source]
    text_ = N_("这一项的内容改了，出处还是原来那一份。请写新的出处；没有就清空，会标示例参数。")
    if found:
        raise Unreadable(tuple(Fault(f"src.{one.path}", text_) for one in found))


def _require_publishable(session: Session, row: PolicyDraft) -> Policy:
    """Return the terms of a draft that could be published now."""
    terms, faults = read(row.body)
    if terms is None:
        raise Unreadable(faults)
    last = newest(session, row.policy)
    if (last.version if last else 0) != row.base_version:
        text_ = N_("起草以后又发布了第 %(version)s 版，这份草稿还建立在旧版上。请先点“接到最新版本上”，你改的内容会留着。")
        raise Refused("base", text_, version=last.version if last else 0)
    if last and not diff.compare(last.terms, terms):
        raise Refused("same", N_("草稿和第 %(version)s 版没有差别，不用发布。请先改内容。"), version=last.version)
    if terms.valid_from <= clock.today(session):
        text_ = N_("生效日 %(day)s 不晚于今天：已经签的合同不能换规则。请改成明天或以后。")
        raise Refused("valid_from", text_, day=terms.valid_from.isoformat())
    return terms


def _of(actor: Actor, base: PolicyVersion) -> PolicyDraft:
    return PolicyDraft(
        policy=base.policy, funder=base.funder, base_version=base.version, body=diff.plain(base.terms), state="editing", created_by=actor.user_id
    )


def _born(session: Session, actor: Actor, row: PolicyDraft, *, request: str, version_id: int | None = None) -> int:
    born(session, actor, row, "start", policy_version_id=version_id, request_id=request, detail={"text": digest(row.body)})
    return row.id
