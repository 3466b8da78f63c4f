"""The life of a voucher: hold, release, use, expire. One function per thing that can happen. How it is born, `applications` says.

Every function takes a request id, locks what it reads in the order holder's vouchers (by id) → hold → accounts, writes one audit record and posts
one transfer, all in the caller's transaction.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import bindparam, or_, select, text
from sqlalchemy.orm import Session, aliased

from core import clock
from core.actor import SYSTEM, Actor
from core.audit import born, move
from core.errors import N_, Forbidden, NotFound, Refused
from core.money import yuan
from geodata.organisations import Organisation
from vouchers import budgets, chart, ledger, shares
from vouchers.entities import HOLD, VOUCHER, Application, Claim, Hold, Voucher
from vouchers.ledger import Move
from vouchers.policy import Budget
from vouchers.requests import once
from vouchers.rules import Layer

Paper = TypeVar("Paper", Application, Voucher, Hold, Claim)


def add_months(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of that month when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def lock_vouchers_of(session: Session, holder_id: int) -> list[Voucher]:
    """Lock all vouchers of a holder and of every organisation under the same controller, in id order: year caps are then exact."""
    return list(session.scalars(_LOCK_GROUP, {"holder": holder_id}))


def lock_hold(session: Session, hold_id: int) -> tuple[Voucher, Hold]:
    """Lock a hold's voucher, then the hold, and return both as they stand now; raise `NotFound` when there is none."""
    found = session.execute(_LOCK_HOLD, {"hold": hold_id}).one_or_none()
    if found is None:
        raise NotFound
    return found[0], found[1]


_ME = aliased(Organisation)
_GROUP = (
    select(Organisation.id).join(_ME, or_(Organisation.id == _ME.id, Organisation.controller == _ME.controller)).where(_ME.id == bindparam("holder"))
)
# NO KEY UPDATE excludes every other verb, yet not the foreign keys of rows that name the voucher: those would close a circle of waiting.
_LOCK_GROUP = (
    select(Voucher)
    .where(Voucher.holder_id.in_(_GROUP))
    .order_by(Voucher.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
# One statement locks both, the rows of the first table first: the voucher, then the hold.
_LOCK_HOLD = (
    select(Voucher, Hold)
    .join(Hold, Hold.voucher_id == Voucher.id)
    .where(Hold.id == bindparam("hold"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def lock(session: Session, kind: type[Paper], key: int) -> Paper:
    """Lock one paper and return it as it stands now; raise `NotFound` when there is none."""
    found = session.get(kind, key, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class Ruled:
    """What decided the amount of a hold: the policy version of the contract date, and the layers that co-funders pay beside the voucher."""

    policy_version_id: int
    layers: tuple[Layer, ...] = ()


def hold(session: Session, actor: Actor, *, voucher_id: int, amount: int, reference: str, request_id: str, ruled: Ruled | None = None) -> int:
    """Freeze `amount` fen of the actor's voucher for `reference`; return the hold id. The caller has ruled on the amount under the same lock.

    Co-funders' layers are frozen with it. Raises `NotFound` for another's voucher, `Refused` by clause: frozen, expires_use, bound, overdraft,
    cofunding.
    """
    if actor.role not in ("enterprise", "system"):
        raise Forbidden(N_("只有券的持有人可以用券。"))
    ledger.check_amount(amount)

    def act(request: str) -> int:
        voucher = _own_voucher(session, actor, voucher_id)
        check_usable(voucher, clock.today(session))
        _check_bound(voucher, reference)
        version = ruled.policy_version_id if ruled else voucher.policy_version_id
        row = Hold(voucher_id=voucher.id, reference=reference, amount=amount, year=clock.today(session).year, state="held")
        row.policy_version_id, row.ends_on, row.created_at = version, voucher.expires_redeem, clock.now(session)
        more = {"policy_version_id": version, "request_id": request, "detail": {"amount": amount, "voucher": voucher.id}}
        audit = born(session, actor, row, "hold", **more)
        ledger.post(session, [Move(chart.available(voucher.id), chart.held(voucher.id), amount)], kind="hold", audit_id=audit, request_id=request)
        if ruled and ruled.layers:
            shares.take(session, actor, row, ruled.layers, request=request)
        return row.id

    content = {"voucher": voucher_id, "amount": amount, "reference": reference}
    return once(session, actor, request_id, "hold", content=content, act=act)


def release(session: Session, actor: Actor, *, hold_id: int, reason: str, request_id: str) -> int:
    """Give a hold back to its voucher, or to the pool when the voucher may no longer be used; return the hold id.

    An enterprise releases its own; that a carrier is a party of what was bought, the caller has checked: here the reference is opaque.
    """

    def act(request: str) -> int:
        voucher, row = _lock_own_hold(session, actor, hold_id)
        audit = move(session, actor, row, HOLD, "release", reason=reason, policy_version_id=row.policy_version_id, request_id=request)
        back = _home(session, voucher)
        ledger.post(session, [Move(chart.held(voucher.id), back, row.amount)], kind="release", audit_id=audit, request_id=request)
        shares.change(session, actor, row, shares.Step("release", request, reason))
        return row.id

    return once(session, actor, request_id, "release", content={"hold": hold_id}, act=act)


def use(session: Session, actor: Actor, *, hold_id: int, amount: int, request_id: str) -> int:
    """Turn `amount` fen of a hold into used money, the rest goes back; return the hold id. Raises `Refused` when the hold is smaller.

    Of each co-funder's share the same part is used, rounded down to the fen.
    """

    def act(request: str) -> int:
        voucher, row = _lock_own_hold(session, actor, hold_id)
        check_not_frozen(voucher)
        if type(amount) is not int or not 0 < amount <= row.amount:
            raise Refused("hold", N_("冻结了 ¥%(held)s，不能用掉 ¥%(amount)s。"), held=yuan(row.amount), amount=yuan(amount))
        row.used = amount
        audit = move(session, actor, row, HOLD, "use", policy_version_id=row.policy_version_id, request_id=request, detail={"amount": amount})
        moves = [Move(chart.held(voucher.id), chart.used(voucher.id), amount)]
        if row.amount > amount:
            moves.append(Move(chart.held(voucher.id), _home(session, voucher), row.amount - amount))
        ledger.post(session, moves, kind="use", audit_id=audit, request_id=request)
        shares.change(session, actor, row, shares.Step("use", request), used=amount)
        return row.id

    return once(session, actor, request_id, "use", content={"hold": hold_id, "amount": amount}, act=act)


def expire(session: Session, *, voucher_id: int) -> int:
    """Take a voucher past its last day of use out of use: free money returns to the pool, holds run to their own end. Return the voucher id."""

    def act(request: str) -> int:
        voucher = lock(session, Voucher, voucher_id)
        if clock.today(session) <= voucher.expires_use:
            raise Refused("expires_use", N_("这张券 %(day)s 前还能用。"), day=voucher.expires_use)
        audit = move(session, SYSTEM, voucher, VOUCHER, "expire_use", policy_version_id=voucher.policy_version_id, request_id=request)
        left = ledger.balance(session, chart.available(voucher.id))
        if left:
            moves = [Move(chart.available(voucher.id), pool_of(session, voucher), left)]
            ledger.post(session, moves, kind="expire", audit_id=audit, request_id=request)
        return voucher.id

    return once(session, SYSTEM, f"expire/{voucher_id}", "expire", content={"voucher": voucher_id}, act=act)


def expire_redeem(session: Session, *, voucher_id: int) -> int:
    """Close an expired voucher past its last day of redemption: what was used and never claimed goes to the pool; return the voucher id.

    Raises `Refused` by clause: expires_redeem (not yet), hold (an order is still open), claim (one is under way).
    """

    def act(request: str) -> int:
        voucher = lock(session, Voucher, voucher_id)
        if clock.today(session) <= voucher.expires_redeem:
            raise Refused("expires_redeem", N_("这张券 %(day)s 前还能兑现。"), day=voucher.expires_redeem)
        holds = open_holds(session, voucher.id)
        if any(one.state == "held" for one in holds):
            raise Refused("hold", N_("这张券还有冻结的钱，等订单了结以后再关。"))
        if session.scalar(text(_OPEN_CLAIMS), {"voucher": voucher.id}):
            raise Refused("claim", N_("这张券还有在办的兑现，办完以后再关。"))
        left = ledger.balance(session, chart.used(voucher.id))
        more = {"reason": "expires_redeem", "policy_version_id": voucher.policy_version_id, "request_id": request, "detail": {"lapsed": left}}
        audit = move(session, SYSTEM, voucher, VOUCHER, "expire_redeem", **more)
        if left:
            moves = [Move(chart.used(voucher.id), pool_of(session, voucher), left)]
            ledger.post(session, moves, kind="lapse", audit_id=audit, request_id=request)
        _lapse(session, holds, request)
        return voucher.id

    return once(session, SYSTEM, f"expire_redeem/{voucher_id}", "expire_redeem", content={"voucher": voucher_id}, act=act)


def close_if_spent(session: Session, voucher: Voucher, *, request: str) -> None:
    """Close a locked voucher on which nothing is left free, frozen or used; any other stays as it is. For the verb that redeems the last of it."""
    parts = (chart.available(voucher.id), chart.held(voucher.id), chart.used(voucher.id))
    if voucher.state in ("active", "expired") and not any(ledger.balance(session, one) for one in parts):
        move(session, SYSTEM, voucher, VOUCHER, "close", policy_version_id=voucher.policy_version_id, request_id=request)


def open_holds(session: Session, voucher_id: int) -> list[Hold]:
    """Lock and return the holds of a locked voucher that are frozen or used, in id order."""
    query = select(Hold).where(Hold.voucher_id == voucher_id, Hold.state.in_(("held", "used"))).order_by(Hold.id)
    return list(session.scalars(query.with_for_update(key_share=True), execution_options={"populate_existing": True}))


def is_paid(session: Session, held: Hold) -> bool:
    """Say whether the treasury paid the voucher's own part of a hold; co-funders' shares are paid one by one."""
    query = select(Claim.id).where(Claim.hold_id == held.id, Claim.share_id.is_(None), Claim.payout_id.is_not(None))
    return session.scalar(query) is not None


def pool_of(session: Session, voucher: Voucher) -> str:
    """Name the pool that takes back money of a voucher."""
    return budgets.pool_code(session.get_one(Budget, voucher.budget_id))


def _lapse(session: Session, holds: list[Hold], request: str) -> None:
    for one in holds:
        if not is_paid(session, one):
            move(session, SYSTEM, one, HOLD, "lapse", reason="expires_redeem", policy_version_id=one.policy_version_id, request_id=request)
        shares.change(session, SYSTEM, one, shares.Step("lapse", request, "expires_redeem"))


def _own_voucher(session: Session, actor: Actor, voucher_id: int) -> Voucher:
    """Lock the vouchers of a holder's group and return one of the holder's own; the clock acts for the holder of whatever voucher it names."""
    holder = actor.organisation_id or 0
    if actor.role == "system":
        holder = session.scalar(select(Voucher.holder_id).where(Voucher.id == voucher_id)) or 0
    voucher = next((one for one in lock_vouchers_of(session, holder) if one.id == voucher_id and one.holder_id == holder), None)
    if voucher is None:
        raise NotFound(N_("这张券不在你名下。请从“我的券”里选。"))
    return voucher


def _check_bound(voucher: Voucher, reference: str) -> None:
    bound = getattr(voucher, "bound_reference", None)
    if bound and bound != reference:
        raise Refused("bound", N_("这张券是按一份合同申领的，只能用在那一份上。"))


_OPEN_CLAIMS = """
SELECT EXISTS (SELECT FROM claim c JOIN hold h ON h.id = c.hold_id
               WHERE h.voucher_id = :voucher AND c.state IN ('submitted', 'verified', 'checking', 'approved', 'batched'))
"""


def check_usable(voucher: Voucher, today: date) -> None:
    """Raise `Refused` unless the voucher is active and `today` (business date) is not after its last day of use."""
    check_not_frozen(voucher)
    if voucher.state != "active" or today > voucher.expires_use:
        raise Refused("expires_use", N_("这张券 %(day)s 到期，已经不能用。请用别的券，或者重新申领。"), day=voucher.expires_use)


def check_not_frozen(voucher: Voucher) -> None:
    """Raise `Refused("frozen")` while the voucher is under a check: nothing is bought with it and nothing is paid for it."""
    if voucher.state == "frozen":
        raise Refused("frozen", N_("这张券在核查中，暂时冻结。"))


def check_officer(session: Session, actor: Actor, funder: str, *, party_ids: tuple[int, ...], person_ids: tuple[int | None, ...]) -> None:
    """Raise unless the officer is a person acting for the funder's region, belongs to no party in any role, and did no earlier step himself."""
    if actor.region != funder:
        raise NotFound
    check_outsider(session, actor, party_ids=party_ids, person_ids=person_ids)


def check_outsider(session: Session, actor: Actor, *, party_ids: tuple[int, ...], person_ids: tuple[int | None, ...]) -> None:
    """Raise unless the actor is a person who belongs to none of the parties in any role and did none of the earlier steps."""
    if actor.organisation_id in party_ids or actor.user_id in (None, *person_ids) or _is_member(session, actor, party_ids):
        raise Forbidden(N_("申请、初审、批准、拨付要由不同的人办理，前一步是你办的。"))


def _is_member(session: Session, actor: Actor, organisations: tuple[int, ...]) -> bool:
    """Say whether the person belongs to one of `organisations` in whatever role: an officer acts for the bureau, also when a party pays him."""
    query = text("SELECT EXISTS (SELECT FROM membership WHERE user_id = :user AND organisation_id = ANY(:organisations))")
    return bool(session.execute(query, {"user": actor.user_id, "organisations": list(organisations)}).scalar())


def _home(session: Session, voucher: Voucher) -> str:
    """Where freed money of a voucher goes: back to it while it may be used, else to the pool of its budget."""
    usable = voucher.state in ("active", "frozen") and clock.today(session) <= voucher.expires_use
    return chart.available(voucher.id) if usable else pool_of(session, voucher)


def _lock_own_hold(session: Session, actor: Actor, hold_id: int) -> tuple[Voucher, Hold]:
    voucher, row = lock_hold(session, hold_id)
    if actor.role == "enterprise" and voucher.holder_id != actor.organisation_id:
        raise NotFound
    return voucher, row
