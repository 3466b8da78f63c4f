"""Shares: what co-funders pay of a hold beside the voucher's own funder, each from its own budget. They go the way of their hold, to the fen.

A share is taken whole or not at all: a co-funder whose budget of the year is short pays nothing, and that is said before anybody agrees to a sum
(`affordable`); when its money goes in between, the hold is refused. Each share has its own paper, its own transfers and its own claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor
from core.audit import Arrow, born, move
from core.db import Base, BigId, Created, Fen
from core.errors import N_, Refused
from core.money import yuan
from vouchers import budgets, chart, ledger
from vouchers.entities import Claim, Hold
from vouchers.ledger import Move
from vouchers.policy import Budget
from vouchers.rules import Layer


class Share(Base):
    """`amount` fen of a co-funder's budget frozen with a hold; `used` is what was kept of it in the end."""

    __tablename__ = "share"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("used >= 0 AND used <= amount", name="used"),
        UniqueConstraint("hold_id", "budget_id"),
    )
    id: Mapped[BigId]
    hold_id: Mapped[int] = mapped_column(ForeignKey("hold.id"))
    budget_id: Mapped[int] = mapped_column(ForeignKey("budget.id"))
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    policy: Mapped[str]
    clause: Mapped[str]
    amount: Mapped[Fen]
    used: Mapped[Fen] = mapped_column(default=0)
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]


SHARE = (
    Arrow("held", "use", "used", ("enterprise", "reviewer")),
    Arrow("held", "release", "released", ("enterprise", "carrier", "reviewer", "system")),
    Arrow("held", "void", "void", ("reviewer",)),
    Arrow("used", "void", "void", ("reviewer",)),
    Arrow("used", "lapse", "lapsed", ("system",)),
)


@dataclass(frozen=True)
class Step:
    """What happens to the shares of a hold: an event of `SHARE` under a request id, and why."""

    event: str
    request: str
    reason: str = ""


def affordable(session: Session, layers: Sequence[Layer]) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
    """Split the co-funders' layers (all but the first) into those that their budgets of this year can pay whole, and those that they cannot."""
    kept = [layer for layer in layers if layer.amount and _can_pay(session, layer)]
    return tuple(kept), tuple(layer for layer in layers if layer.amount and layer not in kept)


def take(session: Session, actor: Actor, held: Hold, layers: Iterable[Layer], *, request: str) -> None:
    """Freeze each layer out of its co-funder's budget for a new hold; raise `Refused("cofunding")` when one is short: nothing is frozen then."""
    found = [(layer, _budget(session, layer)) for layer in layers]
    for layer, budget in sorted(found, key=lambda one: one[1].id if one[1] else 0):
        if budget is None:
            raise _short(layer)
        _take(session, actor, held, layer=layer, budget=budget, request=request)


def change(session: Session, actor: Actor, held: Hold, step: Step, *, used: int = 0) -> None:
    """Take the shares of a locked hold along the arrow of `step`, but those that were paid.

    On "use" each keeps the part that `used` fen are of the hold, rounded down.
    """
    for row in of_hold(session, held.id):
        if (row.state, step.event) in _ARROWS and not _is_paid(session, row):
            _change(session, actor, row, step, kept=row.amount * used // held.amount)


def of_hold(session: Session, hold_id: int) -> list[Share]:
    """Lock and return the shares of a hold, in id order."""
    query = select(Share).where(Share.hold_id == hold_id).order_by(Share.id).with_for_update(key_share=True)
    return list(session.scalars(query, execution_options={"populate_existing": True}))


def _take(session: Session, actor: Actor, held: Hold, *, layer: Layer, budget: Budget, request: str) -> None:
    row = Share(hold_id=held.id, budget_id=budget.id, funder=layer.funder, policy=layer.policy, clause=layer.clause, amount=layer.amount)
    row.state, row.created_at = "held", clock.now(session)
    more = {"policy_version_id": held.policy_version_id, "request_id": request, "detail": {"amount": layer.amount, "hold": held.id}}
    audit = born(session, actor, row, "hold", **more)
    key = f"{request}/share/{budget.id}"
    try:
        moves = budgets.gather(session, budget, to=chart.share_held(row.id), amount=row.amount, key=key)
        ledger.post(session, moves, kind="share_hold", audit_id=audit, request_id=key)
    except Refused as short:
        raise _short(layer) from short


def _short(layer: Layer) -> Refused:
    return Refused("cofunding", N_("共同出资的 ¥%(amount)s 刚刚用完了预算。请刷新看新的金额。"), amount=yuan(layer.amount))


def _change(session: Session, actor: Actor, row: Share, step: Step, *, kept: int) -> None:
    before = row.state
    event = "release" if step.event == "use" and not kept else step.event
    row.used = kept if event == "use" else row.used
    audit = move(session, actor, row, SHARE, event, reason=step.reason, request_id=step.request, detail={"amount": kept or row.amount})
    frozen, spent, home = chart.share_held(row.id), chart.share_used(row.id), _home(session, row)
    pool = budgets.pool_code(session.get_one(Budget, row.budget_id))
    moves = {
        "use": [Move(frozen, spent, kept), Move(frozen, home, row.amount - kept)],
        "release": [Move(frozen, home, row.amount)],
        "void": [Move(frozen, pool, row.amount)] if before == "held" else [Move(spent, pool, row.used)],
        "lapse": [Move(spent, pool, row.used)],
    }[event]
    ledger.post(session, [one for one in moves if one.amount], kind=f"share_{event}", audit_id=audit, request_id=f"{step.request}/share/{row.id}")


def _home(session: Session, row: Share) -> str:
    """Where money of a co-funder goes back to: its budget while that is open in its own year, later the pool."""
    budget = session.get_one(Budget, row.budget_id)
    is_open = budget.state in budgets.OPEN and budget.year == clock.today(session).year
    return budgets.home(budget) if is_open else budgets.pool_code(budget)


def _is_paid(session: Session, row: Share) -> bool:
    query = select(Claim.id).where(Claim.share_id == row.id, Claim.payout_id.is_not(None))
    return row.state == "used" and session.scalar(query) is not None


def _budget(session: Session, layer: Layer) -> Budget | None:
    return budgets.open_budget(session, funder=layer.funder, policy=layer.policy, year=clock.today(session).year)


def _can_pay(session: Session, layer: Layer) -> bool:
    budget = _budget(session, layer)
    return budget is not None and budgets.free(session, budget) >= layer.amount


_ARROWS = {(arrow.state, arrow.event) for arrow in SHARE}
