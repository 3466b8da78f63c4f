"""The officers' queue: what waits in a region, of every kind that the desk knows. A new kind is one line of `SOURCES`.

A source finds its items; where an item is decided, its endpoint says. What is decided on the desk itself has the desk's own endpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from flask import url_for
from sqlalchemy.orm import Session

from app import stuck
from bookings import disputes, need_queries
from core import clock
from core.actor import Actor, Role
from core.errors import N_
from parties import carriers, enrolment, notices
from vouchers import desk, drafts
from vouchers.desk import Item

DESK: Final = "bureau.desk"


@dataclass(frozen=True)
class Source:
    """One kind of item: its name (a message id), which roles have it, how to find it, the endpoint of its page and the argument for the id there.

    Without `argument` the page lists all of them and is linked as a whole.
    """

    kind: str
    name: str
    roles: tuple[Role, ...]
    find: Callable[[Session, Actor, date], list[Item]]
    endpoint: str = DESK
    argument: str = ""

    def href(self, item: Item) -> str:
        """Return the address of the page on which an item is decided."""
        if self.endpoint == DESK:
            return url_for(DESK, kind=item.kind, id=item.id)
        values: dict[str, Any] = {self.argument: item.id} if self.argument else {}
        return url_for(self.endpoint, **values)


@dataclass(frozen=True)
class Entry:
    """A line of the queue: the item, what its kind is called (a message id), where it is decided, and whether that is this desk."""

    item: Item
    name: str
    href: str
    here: bool


def queue_for(session: Session, actor: Actor, *, kind: str = "") -> list[Entry]:
    """Return what waits in the officer's region, of one kind or of all: first what this officer may decide, then by age, the oldest first."""
    today = clock.today(session)
    wanted = [one for one in SOURCES if actor.role in one.roles and kind in ("", one.kind)]
    found = [Entry(item, one.name, one.href(item), one.endpoint == DESK) for one in wanted for item in one.find(session, actor, today)]
    return sorted(found, key=lambda entry: (entry.item.locked is not None, -entry.item.age, entry.item.kind, entry.item.id))


def kinds_for(actor: Actor) -> list[tuple[str, str]]:
    """Return kind and name (a message id) of what the role may find in its queue."""
    return [(one.kind, one.name) for one in SOURCES if actor.role in one.roles]


def _papers(kind: str) -> Callable[[Session, Actor, date], list[Item]]:
    return lambda session, actor, today: [item for item in desk.queue_for(session, actor, today=today) if item.kind == kind]


def _disputes(session: Session, actor: Actor, _today: date) -> list[Item]:
    rows = disputes.open_for(session, actor)
    return [
        Item("dispute", row.order_id, "disputed", row.voucher_part, row.enterprise, row.reason, row.code, row.age, None, row.is_sample)
        for row in rows
    ]


def _drafts(session: Session, actor: Actor, today: date) -> list[Item]:
    base = Item("policy", 0, "submitted", 0, "", "", "", 0, None, is_sample=False)
    locked = N_("这份草稿有你写的内容，要由另一位审核员发布。")
    return [
        replace(
            base,
            id=row.id,
            party=str(row.body["title"]),
            about=row.reason,
            age=max(0, (today - clock.business_date(row.created_at)).days),
            locked=locked if actor.user_id in drafts.authors(session, row) else None,
        )
        for row in drafts.waiting(session, actor.region or "")
    ]


def _enrolments(session: Session, actor: Actor, today: date) -> list[Item]:
    base = Item("enrolment", 0, "submitted", 0, "", "", "", 0, None, is_sample=False)
    return [
        replace(base, id=row.id, party=row.name, age=max(0, (today - clock.business_date(row.at)).days), is_sample=row.is_sample)
        for row in enrolment.queue(session, actor)
    ]


def _objections(session: Session, actor: Actor, today: date) -> list[Item]:
    base = Item("objection", 0, "open", 0, "", "", "", 0, None, is_sample=False)
    return [
        replace(base, id=row.id, party=about.title, age=max(0, (today - clock.business_date(row.created_at)).days), is_sample=about.is_sample)
        for row, about in notices.waiting(session, actor)
    ]


def _accreditations(session: Session, actor: Actor, today: date) -> list[Item]:
    base = Item("accreditation", 0, "submitted", 0, "", "", "", 0, None, is_sample=False)
    return [
        replace(base, id=row.id, party=owner.name_zh, age=max(0, (today - clock.business_date(row.created_at)).days), is_sample=row.is_sample)
        for row, owner in carriers.to_check(session, actor)
    ]


def _needs(session: Session, actor: Actor, today: date) -> list[Item]:
    """Return the posted needs of the region that are stuck; their amount is the budget, where one was named."""
    base = Item("need", 0, "open", 0, "", "", "", 0, None, is_sample=False)
    rows = [need_queries.need_of(session, actor, one.need_id) for one in stuck.stuck_needs(session, actor)]
    return [
        replace(
            base,
            id=row.id,
            state=row.state,
            amount=row.budget or 0,
            party=row.enterprise,
            about=row.text[:80],
            title=row.code,
            age=max(0, (today - clock.business_date(row.posted_at)).days),
            is_sample=row.is_sample,
        )
        for row in rows
    ]


_OFFICERS: Final[tuple[Role, ...]] = ("reviewer", "finance", "auditor")

SOURCES: Final = (
    Source("application", N_("申领"), _OFFICERS, _papers("application")),
    Source("claim", N_("兑现"), _OFFICERS, _papers("claim")),
    Source("dispute", N_("争议"), ("reviewer",), _disputes, "cases.dispute", "order_id"),
    Source("need", N_("需求撮合"), ("reviewer",), _needs, "posted.one", "need_id"),
    Source("policy", N_("政策发布"), ("reviewer",), _drafts, "policies.draft", "draft_id"),
    Source("enrolment", N_("登记"), ("reviewer",), _enrolments, "admission.desk"),
    Source("objection", N_("异议"), ("reviewer",), _objections, "admission.desk"),
    Source("accreditation", N_("资质"), ("reviewer",), _accreditations, "admission.desk"),
)
