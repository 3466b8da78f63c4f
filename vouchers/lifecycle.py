"""The life of a voucher: apply, decide, issue, hold, release, use, expire. One function per thing that can happen.

Every function takes a request id, locks what it reads in the order holder's vouchers (by id) → hold → accounts, writes one audit record and posts
one transfer, all in the caller's transaction.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TypeVar

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from core.actor import SYSTEM, Actor
from core.audit import born, move
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from core.money import yuan
from geodata.organisations import Organisation
from geodata.regions import is_within
from vouchers import budgets, chart, ledger, policy
from vouchers.entities import APPLICATION, HOLD, VOUCHER, Application, Claim, Hold, Voucher
from vouchers.ledger import Move
from vouchers.policy import Budget, PolicyVersion
from vouchers.requests import once

Paper = TypeVar("Paper", Application, Voucher, Hold, Claim)


def add_months(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of that month when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def apply(session: Session, actor: Actor, *, policy_code: str, amount: int, purpose: str, request_id: str) -> int:
    """Ask for a voucher of `amount` fen under the policy in force; reserve the money; return the application id.

    Raises `Refused` by clause: eligibility, per_application, holding, budget.
    """
    holder = _own_organisation(session, actor)
    ledger.check_amount(amount)
    content = {"policy": policy_code, "amount": amount, "purpose": purpose}

    def act(request: str) -> int:
        version = policy.in_force(session, policy_code, clock.today(session))
        _check_eligible(holder, version)
        _check_caps(session, holder, version, amount)
        budget = budgets.adopted(session, version)
        row = Application(holder_id=holder.id, policy_version_id=version.id, budget_id=budget.id, amount=amount, purpose=purpose[:500])
        row.state, row.created_by, row.is_sample = "county_review", actor.user_id, holder.is_sample
        audit = born(session, actor, row, "submit", policy_version_id=version.id, request_id=request, detail={"amount": amount})
        try:
            ledger.post(
                session,
                [Move(budgets.budget_code(budget), chart.reserved(row.id), amount)],
                kind="reserve",
                audit_id=audit,
                request_id=request,
            )
        except Refused as short:
            raise Refused("budget", N_("今年的预算已经用完，现在不能申领。预算追加后再来。")) from short
        return row.id

    return once(session, actor, request_id, "apply", content=content, act=act)


def decide(session: Session, actor: Actor, *, application_id: int, event: str, reason: str, request_id: str) -> int:
    """Review an application of the officer's region: pass (issues the voucher), refuse (releases the money) or return; give the application id."""
    if event != "pass" and not reason.strip():
        raise Invalid("reason", N_("请写明理由，申请人会看到。"))

    def act(request: str) -> int:
        row = lock(session, Application, application_id)
        version = session.get_one(PolicyVersion, row.policy_version_id)
        check_officer(session, actor, version.funder, party_ids=(row.holder_id,), person_ids=(row.created_by,))
        more = {"reason": reason, "policy_version_id": version.id, "request_id": request}
        row.reviewer_id = actor.user_id
        audit = move(session, actor, row, APPLICATION, event, **more)
        if event == "refuse":
            _unreserve(session, row, audit, request)
        if event == "pass":
            _issue(session, row, version, request)
        return row.id

    return once(session, actor, request_id, "decide", content={"application": application_id, "event": event, "reason": reason}, act=act)


def resume(session: Session, actor: Actor, *, application_id: int, event: str, request_id: str) -> int:
    """Submit a returned application again, or withdraw one and release its money; give the application id."""

    def act(request: str) -> int:
        row = lock(session, Application, application_id)
        if row.holder_id != actor.organisation_id:
            raise NotFound
        if event not in ("submit", "withdraw"):
            raise Forbidden(N_("这一步要由别的岗位办理。"))
        audit = move(session, actor, row, APPLICATION, event, policy_version_id=row.policy_version_id, request_id=request)
        if event == "withdraw":
            _unreserve(session, row, audit, request)
        return row.id

    return once(session, actor, request_id, "resume", content={"application": application_id, "event": event}, act=act)


def lock_vouchers_of(session: Session, holder_id: int) -> list[Voucher]:
    """Lock all vouchers of a holder and of every organisation under the same controller, in id order: year caps are then exact."""
    controller = session.scalar(select(Organisation.controller).where(Organisation.id == holder_id))
    group = Organisation.id == holder_id if controller is None else Organisation.controller == controller
    holders = select(Organisation.id).where(group)
    # NO KEY UPDATE excludes every other verb, yet not the foreign keys of rows that name the voucher: those would close a circle of waiting.
    query = select(Voucher).where(Voucher.holder_id.in_(holders)).order_by(Voucher.id).with_for_update(key_share=True)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def lock_hold(session: Session, hold_id: int) -> tuple[Voucher, Hold]:
    """Lock a hold's voucher, then the hold, and return both as they stand now; raise `NotFound` when there is none."""
    found = session.get(Hold, hold_id)
    if found is None:
        raise NotFound
    return lock(session, Voucher, found.voucher_id), lock(session, Hold, hold_id)


def lock(session: Session, kind: type[Paper], key: int) -> Paper:
    """Lock one paper and return it as it stands now; raise `NotFound` when there is none."""
    found = session.get(kind, key, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def hold(session: Session, actor: Actor, *, voucher_id: int, amount: int, reference: str, request_id: str) -> int:
    """Freeze `amount` fen of the actor's voucher for `reference`; return the hold id. The caller has ruled on the amount under the same lock.

    Raises `NotFound` for another's voucher, `Refused` by clause: frozen, expires_use, overdraft.
    """
    if actor.role != "enterprise":
        raise Forbidden(N_("只有券的持有人可以用券。"))
    ledger.check_amount(amount)

    def act(request: str) -> int:
        owned = {v.id: v for v in lock_vouchers_of(session, actor.organisation_id or 0)}
        voucher = owned.get(voucher_id)
        if voucher is None or voucher.holder_id != actor.organisation_id:
            raise NotFound(N_("这张券不在你名下。请从“我的券”里选。"))
        check_usable(voucher, clock.today(session))
        row = Hold(voucher_id=voucher.id, reference=reference, amount=amount, year=clock.today(session).year, state="held")
        more = {"policy_version_id": voucher.policy_version_id, "request_id": request, "detail": {"amount": amount, "voucher": voucher.id}}
        audit = born(session, actor, row, "hold", **more)
        ledger.post(session, [Move(chart.available(voucher.id), chart.held(voucher.id), amount)], kind="hold", audit_id=audit, request_id=request)
        return row.id

    content = {"voucher": voucher_id, "amount": amount, "reference": reference}
    return once(session, actor, request_id, "hold", content=content, act=act)


def release(session: Session, actor: Actor, *, hold_id: int, reason: str, request_id: str) -> int:
    """Give a hold back to its voucher, or to the pool when the voucher may no longer be used; return the hold id.

    An enterprise releases its own; that a carrier is a party of what was bought, the caller has checked: here the reference is opaque.
    """

    def act(request: str) -> int:
        voucher, row = _lock_own_hold(session, actor, hold_id)
        audit = move(session, actor, row, HOLD, "release", reason=reason, policy_version_id=voucher.policy_version_id, request_id=request)
        back = _home(session, voucher)
        ledger.post(session, [Move(chart.held(voucher.id), back, row.amount)], kind="release", audit_id=audit, request_id=request)
        return row.id

    return once(session, actor, request_id, "release", content={"hold": hold_id}, act=act)


def use(session: Session, actor: Actor, *, hold_id: int, amount: int, request_id: str) -> int:
    """Turn `amount` fen of a hold into used money, the rest goes back; return the hold id. Raises `Refused` when the hold is smaller."""

    def act(request: str) -> int:
        voucher, row = _lock_own_hold(session, actor, hold_id)
        check_not_frozen(voucher)
        if not 0 < amount <= row.amount:
            raise Refused("hold", N_("冻结了 ¥%(held)s，不能用掉 ¥%(amount)s。"), held=yuan(row.amount), amount=yuan(amount))
        row.used = amount
        audit = move(session, actor, row, HOLD, "use", policy_version_id=voucher.policy_version_id, request_id=request, detail={"amount": amount})
        moves = [Move(chart.held(voucher.id), chart.used(voucher.id), amount)]
        if row.amount > amount:
            moves.append(Move(chart.held(voucher.id), _home(session, voucher), row.amount - amount))
        ledger.post(session, moves, kind="use", audit_id=audit, request_id=request)
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
            moves = [Move(chart.available(voucher.id), budgets.pool_code(session.get_one(Budget, voucher.budget_id)), left)]
            ledger.post(session, moves, kind="expire", audit_id=audit, request_id=request)
        return voucher.id

    return once(session, SYSTEM, f"expire/{voucher_id}", "expire", content={"voucher": voucher_id}, act=act)


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
    if actor.organisation_id in party_ids or actor.user_id in (None, *person_ids) or _is_member(session, actor, party_ids):
        raise Forbidden(N_("申请、初审、批准、拨付要由不同的人办理，前一步是你办的。"))


def _is_member(session: Session, actor: Actor, organisations: tuple[int, ...]) -> bool:
    """Say whether the person belongs to one of `organisations` in whatever role: an officer acts for the bureau, also when a party pays him."""
    query = text("SELECT EXISTS (SELECT FROM membership WHERE user_id = :user AND organisation_id = ANY(:organisations))")
    return bool(session.execute(query, {"user": actor.user_id, "organisations": list(organisations)}).scalar())


def _own_organisation(session: Session, actor: Actor) -> Organisation:
    if actor.role != "enterprise" or actor.organisation_id is None:
        raise Forbidden(N_("只有企业和创业团队可以申领创新券。"))
    return session.get_one(Organisation, actor.organisation_id)


def _check_eligible(holder: Organisation, version: PolicyVersion) -> None:
    terms = version.terms
    if holder.kind not in terms.eligibility.applicant_types or not is_within(holder.adcode or "", terms.region):
        raise Refused("eligibility", N_("“%(title)s”只给本地登记的企业。请选登记地的政策。"), title=terms.title)


def _check_caps(session: Session, holder: Organisation, version: PolicyVersion, amount: int) -> None:
    """Check the bounds of one grant and of the unspent sum, with the holder's vouchers locked."""
    caps = version.terms.caps
    if caps.per_application is not None and amount > caps.per_application:
        raise Refused("per_application", N_("一次最多申领 ¥%(cap)s。请改小金额。"), cap=yuan(caps.per_application))
    session.execute(select(Organisation.id).where(Organisation.id == holder.id).with_for_update(key_share=True))
    lock_vouchers_of(session, holder.id)
    unspent = session.scalar(text(_UNSPENT), {"holder": holder.id, "policy": version.policy}) or 0
    if caps.holding is not None and unspent + amount > caps.holding:
        text_ = N_("手里没用完的券最多 ¥%(cap)s，现在有 ¥%(unspent)s。先用掉一些再申领。")
        raise Refused("holding", text_, cap=yuan(caps.holding), unspent=yuan(int(unspent)))


_UNSPENT = """
SELECT coalesce((SELECT sum(b.available + b.held) FROM voucher_balance b JOIN policy_version p ON p.id = b.policy_version_id
                 WHERE b.holder_id = :holder AND p.policy = :policy), 0)
     + coalesce((SELECT sum(a.amount) FROM application a JOIN policy_version p ON p.id = a.policy_version_id
                 WHERE a.holder_id = :holder AND p.policy = :policy AND a.state IN ('draft', 'county_review', 'approved')), 0)
"""


def _home(session: Session, voucher: Voucher) -> str:
    """Where freed money of a voucher goes: back to it while it may be used, else to the pool of its budget."""
    usable = voucher.state in ("active", "frozen") and clock.today(session) <= voucher.expires_use
    return chart.available(voucher.id) if usable else budgets.pool_code(session.get_one(Budget, voucher.budget_id))


def _unreserve(session: Session, row: Application, audit: int, request: str) -> None:
    moves = [Move(chart.reserved(row.id), budgets.budget_code(session.get_one(Budget, row.budget_id)), row.amount)]
    ledger.post(session, moves, kind="unreserve", audit_id=audit, request_id=request)


def _issue(session: Session, row: Application, version: PolicyVersion, request: str) -> None:
    """Make the voucher of an approved application; the clock acts, not the reviewer."""
    terms, day = version.terms, clock.today(session)
    move(session, SYSTEM, row, APPLICATION, "issue", policy_version_id=version.id, request_id=request)
    last_use = add_months(day, terms.use_window.months)
    last_redeem = add_months(last_use, terms.use_window.redeem_months)
    made = Voucher(application_id=row.id, holder_id=row.holder_id, policy_version_id=version.id, budget_id=row.budget_id, face=row.amount)
    made.code = f"{terms.prefix}-{day.year}-{row.id:05d}"
    made.issued_on, made.expires_use, made.expires_redeem, made.state, made.is_sample = day, last_use, last_redeem, "active", row.is_sample
    audit = born(session, SYSTEM, made, "issue", policy_version_id=version.id, request_id=request, detail={"face": row.amount})
    ledger.post(
        session,
        [Move(chart.reserved(row.id), chart.available(made.id), row.amount)],
        kind="issue",
        audit_id=audit,
        request_id=f"{request}/issue",
    )


def _lock_own_hold(session: Session, actor: Actor, hold_id: int) -> tuple[Voucher, Hold]:
    voucher, row = lock_hold(session, hold_id)
    if actor.role == "enterprise" and voucher.holder_id != actor.organisation_id:
        raise NotFound
    return voucher, row
