"""Applications: from the wish for a voucher to the voucher. Apply, wait for money, review on one or two levels, public notice, issue.

Money is reserved while an application is under review, and at no other time. When the budget is short, or somebody waits already, it joins the queue
of its budget: the queue is strict, so what comes back serves the first, and who comes later never passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from core.actor import SYSTEM, Actor
from core.audit import born, check, move
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from core.money import yuan
from geodata.organisations import Organisation
from geodata.regions import is_within
from parties.standing import check_may_act
from vouchers import budgets, chart, funds, issuing, ledger, policy
from vouchers.entities import APPLICATION, Application
from vouchers.ledger import Move
from vouchers.lifecycle import check_outsider, lock, lock_vouchers_of
from vouchers.policy import Budget, Policy, PolicyVersion
from vouchers.requests import once
from vouchers.rules import Deal, rule


@dataclass(frozen=True)
class Contract:
    """What a contract-first application is for: the contract's name, number and value in fen, the service code, the order that alone it may pay.

    `carrier_region` and `attributes` (sorted) are what else the policy asks of a deal.
    """

    name: str
    number: str
    value: int
    service: str
    reference: str
    carrier_region: str | None = None
    attributes: tuple[str, ...] = ()


def apply(
    session: Session,
    actor: Actor,
    *,
    policy_code: str,
    amount: int | None,
    purpose: str,
    request_id: str,
    fund: str = "",
    contract: Contract | None = None,
) -> int:
    """Ask for a voucher of `amount` fen, or of what the policy grants for `contract`; reserve the money or join the queue; return the application id.

    Raises `Refused` by clause: standing, eligibility, issuance, ruling, per_application, holding, budget (none is open).
    """
    holder = own_organisation(session, actor)
    if contract is None:
        ledger.check_amount(amount or 0)
    else:
        _check_contract(contract)
    more = ({"fund": fund} if fund else {}) | ({"contract": vars(contract)} if contract else {})
    content = {"policy": policy_code, "amount": amount, "purpose": purpose, **more}

    def act(request: str) -> int:
        version = policy.in_force(session, policy_code, clock.today(session))
        check_eligible(session, holder, version)
        _check_mode(session, version.terms, holder, fund=fund, contract=contract)
        granted = _granted(version.terms, holder, contract, fund) if contract else amount or 0
        _check_caps(session, holder, version, granted, fund=fund)
        budget = budgets.adopted(session, version, "" if fund == _first_fund(version.terms) else fund)
        row = Application(holder_id=holder.id, policy_version_id=version.id, budget_id=budget.id, amount=granted, purpose=purpose[:500])
        row.state, row.created_by, row.is_sample, row.desk = "draft", actor.user_id, holder.is_sample, desk_of(version.terms, holder, level=0)
        if contract:
            row.bound_reference, row.contract_name = contract.reference, contract.name[:200]
            row.contract_number, row.contract_value = contract.number[:100], contract.value
        session.add(row)
        session.flush()
        _enter(session, actor, row, request, new=True)
        return row.id

    return once(session, actor, request_id, "apply", content=content, act=act)


def decide(session: Session, actor: Actor, *, application_id: int, event: str, reason: str, request_id: str) -> int:
    """Review an application at the officer's desk: pass (up, to notice, to the voucher), refuse or return, which release the money; give its id.

    The reviewers of the two levels are different persons, neither asked, neither belongs to the holder. Another region's application: `NotFound`.
    """
    if event not in ("pass", "refuse", "return"):
        raise Forbidden(N_("这一步要由别的岗位办理。"))
    if event != "pass" and not reason.strip():
        raise Invalid("reason", N_("请写明理由，申请人会看到。"))

    def act(request: str) -> int:
        row = lock(session, Application, application_id)
        if actor.region != row.desk:
            raise NotFound
        version = session.get_one(PolicyVersion, row.policy_version_id)
        second = row.state == "city_review"
        check_outsider(session, actor, party_ids=(row.holder_id,), person_ids=(row.created_by, *((row.reviewer_id,) if second else ())))
        more = {"reason": reason, "policy_version_id": version.id, "request_id": request}
        up = event == "pass" and row.state == "county_review" and len(version.terms.review) > 1
        check(actor, row, APPLICATION, "pass_up" if up else event)
        if second:
            row.city_reviewer_id = actor.user_id
        else:
            row.reviewer_id = actor.user_id
        if up:
            row.desk = desk_of(version.terms, session.get_one(Organisation, row.holder_id), level=1)
        audit = move(session, actor, row, APPLICATION, "pass_up" if up else event, **more)
        if event in ("refuse", "return"):
            issuing.unreserve(session, row, audit, request)
        if row.state == "approved":
            issuing.after_approval(session, row, version, request)
        return row.id

    return once(session, actor, request_id, "decide", content={"application": application_id, "event": event, "reason": reason}, act=act)


def recall(session: Session, actor: Actor, *, application_id: int, request_id: str) -> int:
    """Take back what the actor passed up to the second reviewer, as long as nobody acted there; give the application id."""

    def act(request: str) -> int:
        row = lock(session, Application, application_id)
        if actor.user_id is None or row.reviewer_id != actor.user_id:
            raise NotFound
        check(actor, row, APPLICATION, "recall")
        version = session.get_one(PolicyVersion, row.policy_version_id)
        row.reviewer_id, row.desk = None, desk_of(version.terms, session.get_one(Organisation, row.holder_id), level=0)
        move(session, actor, row, APPLICATION, "recall", policy_version_id=version.id, request_id=request)
        return row.id

    return once(session, actor, request_id, "recall", content={"application": application_id}, act=act)


def resume(session: Session, actor: Actor, *, application_id: int, event: str, request_id: str) -> int:
    """Submit a returned application again, or withdraw one that is not issued yet and release its money; give the application id."""

    def act(request: str) -> int:
        row = lock(session, Application, application_id)
        if row.holder_id != actor.organisation_id:
            raise NotFound
        if event not in ("submit", "withdraw"):
            raise Forbidden(N_("这一步要由别的岗位办理。"))
        check(actor, row, APPLICATION, event)
        if event == "submit":
            check_eligible(session, session.get_one(Organisation, row.holder_id), session.get_one(PolicyVersion, row.policy_version_id))
            _enter(session, actor, row, request, new=False)
            return row.id
        reserved = row.state in RESERVED
        row.queued_at = None
        audit = move(session, actor, row, APPLICATION, "withdraw", policy_version_id=row.policy_version_id, request_id=request)
        if reserved:
            issuing.unreserve(session, row, audit, request)
        return row.id

    return once(session, actor, request_id, "resume", content={"application": application_id, "event": event}, act=act)


RESERVED: Final = ("county_review", "city_review", "approved")
"""The states in which the money of an application is reserved."""


def serve_waiting(session: Session, *, budget_id: int) -> int:
    """Reserve money for those who wait for a budget, strictly in order, until the first does not fit; return how many were served."""
    budgets.hold_queue(session, budget_id, alone=True)
    budget = session.get_one(Budget, budget_id, populate_existing=True)
    served = 0
    for key in session.scalars(_WAITING_QUERY, {"budget": budget_id}):
        row = lock(session, Application, key)
        if row.state != "waitlisted":
            continue
        if budget.state not in budgets.OPEN or not _serve(session, row, budget):
            break
        served += 1
    return served


def servable(session: Session) -> list[int]:
    """Return the ids of the budgets whose first in the queue fits into what is free."""
    return list(session.scalars(text(_SERVABLE)))


def desk_of(terms: Policy, holder: Organisation, *, level: int) -> str:
    """Return the region whose officer reviews on a level (0, 1): the last one is the funder or, above a county, the holder's city."""
    home = holder.adcode or terms.region
    wide = terms.level in ("city", "province")
    if len(terms.review) < 2:
        return terms.funder
    if level == 0:
        return home if wide else terms.funder
    return terms.funder if terms.level == "city" else (home if wide else terms.funder)[:4] + "00"


def own_organisation(session: Session, actor: Actor) -> Organisation:
    """Return the organisation for which an enterprise's person acts; raise `Forbidden` for anybody else."""
    if actor.role != "enterprise" or actor.organisation_id is None:
        raise Forbidden(N_("只有企业和创业团队可以申领创新券。"))
    return session.get_one(Organisation, actor.organisation_id)


def check_eligible(session: Session, holder: Organisation, version: PolicyVersion) -> None:
    """Raise `Refused` unless the holder is checked, not barred, and of a kind and region that the policy names."""
    check_may_act(session, holder.id)
    terms = version.terms
    if holder.kind not in terms.eligibility.applicant_types or not is_within(holder.adcode or "", terms.region):
        raise Refused("eligibility", N_("“%(title)s”只给本地登记的企业。请选登记地的政策。"), title=terms.title)


def _enter(session: Session, actor: Actor, row: Application, request: str, *, new: bool) -> None:
    """Reserve the money of a draft and send it to the first desk, or put it at the end of the queue."""
    moves = _reservation(session, row, request)
    event = "queue" if moves is None else "submit"
    row.reviewer_id = row.city_reviewer_id = None
    row.queued_at = clock.now(session) if moves is None else None
    more = {"policy_version_id": row.policy_version_id, "request_id": request, "detail": {"amount": row.amount}}
    if new:
        row.state = "waitlisted" if moves is None else "county_review"
        audit = born(session, actor, row, event, **more)
    else:
        audit = move(session, actor, row, APPLICATION, event, **more)
    if moves:
        ledger.post(session, moves, kind="reserve", audit_id=audit, request_id=request)


def _reservation(session: Session, row: Application, key: str) -> list[Move] | None:
    """Return the moves that reserve the money of `row`, or None, with the queue locked, when it has to wait.

    Who finds money looks at the queue together with others; only who does not waits for them to finish, and looks again.
    """
    point = session.begin_nested()
    moves = _try(session, row, key, alone=False)
    if moves is not None:
        point.commit()
        return moves
    point.rollback()
    return _try(session, row, key, alone=True)


def _try(session: Session, row: Application, key: str, *, alone: bool) -> list[Move] | None:
    budgets.hold_queue(session, row.budget_id, alone=alone)
    found = session.execute(text(_QUEUE_STATE), {"budget": row.budget_id}).one()
    if found.state not in budgets.OPEN:
        raise Refused("budget", N_("%(year)s 年的预算已经关闭。请重新申领今年的。"), year=found.year)
    if found.waits:
        return None
    try:
        return budgets.gather(session, session.get_one(Budget, row.budget_id), to=chart.reserved(row.id), amount=row.amount, key=key)
    except Refused:
        return None


def _serve(session: Session, row: Application, budget: Budget) -> bool:
    request = f"system:0:serve/{row.id}/{row.row_version}"
    try:
        moves = budgets.gather(session, budget, to=chart.reserved(row.id), amount=row.amount, key=request)
    except Refused:
        return False
    row.queued_at = None
    more = {"policy_version_id": row.policy_version_id, "request_id": request, "detail": {"amount": row.amount}}
    audit = move(session, SYSTEM, row, APPLICATION, "serve", **more)
    ledger.post(session, moves, kind="reserve", audit_id=audit, request_id=request)
    return True


def _check_contract(contract: Contract) -> None:
    ledger.check_amount(contract.value)
    for name in ("name", "number", "reference"):
        if not getattr(contract, name).strip():
            raise Invalid(f"contract_{name}", N_("请填写合同的名称、编号和金额。"))


def _check_mode(session: Session, terms: Policy, holder: Organisation, *, fund: str, contract: Contract | None) -> None:
    """Raise unless the policy issues this way: with a contract or without, from a fund that is open to the holder."""
    if (terms.issuance == "contract_first") != (contract is not None):
        first = N_("“%(title)s”要先有合同，再按合同申领。") if contract is None else N_("“%(title)s”先申领额度，不按合同申领。")
        raise Refused("issuance", first, title=terms.title)
    purse = fund or _first_fund(terms)
    if purse and purse not in {one.code for one in funds.open_to(session, terms, holder.id)}:
        raise Invalid("fund", N_("这项政策没有这个资金，或者没有对你们开放。"))


def _first_fund(terms: Policy) -> str:
    """Return the code of the fund that is meant when none is named: its money is the policy's own budget."""
    return terms.funds[0].code if terms.funds else ""


def _granted(terms: Policy, holder: Organisation, contract: Contract, fund: str) -> int:
    """Return what the policy's own funder grants for a contract, fen; raise `Refused` with the clause when it grants nothing."""
    facts: dict[str, Any] = {"region": holder.adcode, "carrier_region": contract.carrier_region, "fund": fund or None}
    found = rule(terms, Deal(contract.value, contract.service, frozenset(contract.attributes), **facts))
    if found.refusal is not None:
        raise Refused(found.refusal.code, found.refusal.detail, **found.refusal.params)
    own = found.layers[0].amount if found.layers else found.amount
    ledger.check_amount(own)
    return own


def _check_caps(session: Session, holder: Organisation, version: PolicyVersion, amount: int, *, fund: str) -> None:
    """Check the bounds of one grant and of the unspent sum, with the holder's vouchers locked. A fund without a cap of its own is not bounded."""
    caps = version.terms.caps
    session.execute(select(Organisation.id).where(Organisation.id == holder.id).with_for_update(key_share=True))
    lock_vouchers_of(session, holder.id)
    purse = fund or _first_fund(version.terms)
    if any(one.code == purse and one.cap_per_year is None for one in version.terms.funds):
        return
    if caps.per_application is not None and amount > caps.per_application:
        raise Refused("per_application", N_("一次最多申领 ¥%(cap)s。请改小金额。"), cap=yuan(caps.per_application))
    unspent = session.scalar(text(_UNSPENT), {"holder": holder.id, "policy": version.policy}) or 0
    if caps.holding is not None and unspent + amount > caps.holding:
        text_ = N_("手里没用完的券最多 ¥%(cap)s，现在有 ¥%(unspent)s。先用掉一些再申领。")
        raise Refused("holding", text_, cap=yuan(caps.holding), unspent=yuan(int(unspent)))


_UNSPENT = """
SELECT coalesce((SELECT sum(b.available + b.held) FROM voucher_balance b JOIN policy_version p ON p.id = b.policy_version_id
                 WHERE b.holder_id = :holder AND p.policy = :policy), 0)
     + coalesce((SELECT sum(a.amount) FROM application a JOIN policy_version p ON p.id = a.policy_version_id
                 WHERE a.holder_id = :holder AND p.policy = :policy
                   AND a.state IN ('draft', 'waitlisted', 'county_review', 'city_review', 'approved')), 0)
"""

_QUEUE_STATE = """
SELECT b.state, b.year, EXISTS (SELECT FROM application a WHERE a.budget_id = b.id AND a.state = 'waitlisted') AS waits
FROM budget b WHERE b.id = :budget
"""

_WAITING_QUERY = text("SELECT id FROM application WHERE budget_id = :budget AND state = 'waitlisted' ORDER BY queued_at, id LIMIT 200")

_SERVABLE = """
SELECT b.id FROM budget b CROSS JOIN LATERAL (
    SELECT a.amount FROM application a WHERE a.budget_id = b.id AND a.state = 'waitlisted' ORDER BY a.queued_at, a.id LIMIT 1) first
WHERE b.state IN ('adopted', 'revised')
  AND first.amount <= (SELECT coalesce(sum(s.balance), 0) FROM budget_account c JOIN account s ON s.code = c.code WHERE c.budget_id = b.id)
ORDER BY b.id
"""
