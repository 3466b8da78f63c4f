"""Which purse of a policy a holder may draw on: some are open to all, others to those whom the bureau has marked, with its reason.

A mark is a paper: marked, ended; never deleted. What a purse pays in a year is a rule (`vouchers.rules.fund`).
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor
from core.audit import Arrow, born, move
from core.db import Base, BigId, Created
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from geodata.organisations import Organisation
from geodata.regions import is_within
from vouchers import policy
from vouchers.requests import once
from vouchers.terms import Fund, Policy


class FundMark(Base):
    """An organisation that may draw on the purse `fund` of a policy that serves marked holders only, and why."""

    __tablename__ = "fund_mark"
    __table_args__ = (
        CheckConstraint("state IN ('marked', 'ended')", name="state"),
        CheckConstraint("reason <> ''", name="reason"),
        Index("uq_fund_mark_live", "organisation_id", "policy", "fund", unique=True, postgresql_where=sql("state = 'marked'")),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    policy: Mapped[str]
    fund: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]


FUND_MARK = (Arrow("marked", "end", "ended", ("reviewer",)),)


def open_to(session: Session, terms: Policy, organisation_id: int) -> tuple[Fund, ...]:
    """Return the purses of a policy that the holder may draw on, in the policy's order; none where it has no purses of its own."""
    if not terms.funds:
        return ()
    query = select(FundMark.fund).where(FundMark.organisation_id == organisation_id, FundMark.policy == terms.id, FundMark.state == "marked")
    marked = set(session.scalars(query))
    return tuple(fund for fund in terms.funds if not fund.marked_only or fund.code in marked)


def mark(session: Session, actor: Actor, *, organisation_id: int, fund: str, reason: str, request_id: str) -> int:
    """Let a holder draw on a purse, named `policy.fund`; return the mark's id.

    Raises `Invalid` without a reason or for a purse that is open to all, `NotFound` for what is not in the officer's region, `Refused("marked")`.
    """
    code, _, purse = fund.partition(".")

    def act(request: str) -> int:
        holder = _holder(session, actor, organisation_id)
        found = policy.in_force(session, code, clock.today(session)).terms
        _check(found, purse, holder)
        query = select(FundMark.id).filter_by(organisation_id=holder.id, policy=code, fund=purse, state="marked")
        if session.scalar(query) is not None:
            raise Refused("marked", N_("这家已经可以用这项资金。"))
        row = FundMark(organisation_id=holder.id, policy=code, fund=purse, reason=reason.strip()[:500], state="marked", created_by=actor.user_id)
        born(session, actor, row, "mark", reason=row.reason, request_id=request)
        return row.id

    _check_reason(actor, reason)
    return once(session, actor, request_id, "mark_fund", content={"holder": organisation_id, "fund": fund, "reason": reason}, act=act)


def end(session: Session, actor: Actor, *, mark_id: int, reason: str, request_id: str) -> int:
    """End a mark; vouchers that were issued before keep their money. Raises as `mark` does, `Refused("state")` for one that has ended."""

    def act(request: str) -> int:
        row = session.scalars(select(FundMark).where(FundMark.id == mark_id).with_for_update()).one_or_none()
        if row is None:
            raise NotFound
        _holder(session, actor, row.organisation_id)
        move(session, actor, row, FUND_MARK, "end", reason=reason.strip()[:500], request_id=request)
        return row.id

    _check_reason(actor, reason)
    return once(session, actor, request_id, "end_fund_mark", content={"mark": mark_id, "reason": reason}, act=act)


def _holder(session: Session, actor: Actor, organisation_id: int) -> Organisation:
    """Return and lock a holder of the officer's region."""
    holder = session.scalars(select(Organisation).where(Organisation.id == organisation_id).with_for_update(key_share=True)).one_or_none()
    if holder is None or holder.kind not in ("enterprise", "team") or not is_within(holder.adcode or "none", actor.region or "none"):
        raise NotFound
    return holder


def _check(terms: Policy, purse: str, holder: Organisation) -> None:
    found = terms.fund(purse) if purse else None
    if found is None or not found.marked_only:
        raise Invalid("fund", N_("这项资金不用标记就可以用，或者没有这项资金。请选只给特定企业的资金。"))
    if not is_within(holder.adcode or "none", terms.region):
        raise Invalid("organisation_id", N_("这家不在这份政策的区域登记。"))


def _check_reason(actor: Actor, reason: str) -> None:
    if actor.role != "reviewer":
        raise Forbidden(N_("这一步由审核人办理。"))
    if not reason.strip():
        raise Invalid("reason", N_("请写明依据，例如立项文件的文号。"))
