"""Budgets: the money that a funder gives to one policy, or one fund of it, for one calendar year. Amounts stand on the ledger.

A budget spreads its free money over `stripes` accounts, so that many who reserve at once do not wait for one row. Each takes from the stripe of its
request; when that one is short it locks all of them in id order and gathers: it succeeds exactly when the whole is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.audit import born, check, move
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from core.money import yuan
from geodata.regions import is_within
from vouchers import chart, ledger
from vouchers.entities import BUDGET
from vouchers.ledger import Move
from vouchers.policy import Budget, PolicyVersion
from vouchers.requests import once

OPEN = ("adopted", "revised")
"""The states in which a budget gives money."""

MAX_STRIPES = 64


@dataclass(frozen=True)
class Purse:
    """Which budget is meant: of whom, for which policy and fund of it, in which calendar year."""

    funder: str
    policy: str
    year: int
    fund: str = ""


def budget_code(row: Budget, stripe: int = 0) -> str:
    """Name the ledger account of a stripe of a budget."""
    return chart.budget(row.funder, row.policy, row.year, row.fund, stripe=stripe)


def codes(row: Budget) -> list[str]:
    """Name the accounts of all stripes of a budget, the first first."""
    return [budget_code(row, n) for n in range(row.stripes)]


def pool_code(row: Budget) -> str:
    """Name the ledger account that takes back unused voucher money of a budget."""
    return chart.pool(row.funder, row.policy, row.year, row.fund)


def free(session: Session, row: Budget) -> int:
    """Return what a budget has not promised yet, over all stripes, fen."""
    query = text("SELECT coalesce(sum(balance), 0)::bigint FROM account WHERE code = ANY(:codes)")
    found: int = session.execute(query, {"codes": codes(row)}).scalar_one()
    return found


def open_budget(session: Session, *, funder: str, policy: str, year: int, fund: str = "") -> Budget | None:
    """Return the budget of a purpose and year when it is open, else None."""
    names = {"funder": funder, "policy": policy, "year": year, "fund": fund}
    return session.scalars(select(Budget).filter_by(**names).where(Budget.state.in_(OPEN))).one_or_none()


def adopted(session: Session, version: PolicyVersion, fund: str = "") -> Budget:
    """Return the open budget of this calendar year (Asia/Shanghai); raise `Refused("budget")` when there is none yet."""
    year = clock.today(session).year
    found = open_budget(session, funder=version.funder, policy=version.policy, year=year, fund=fund)
    if found is None:
        raise Refused("budget", N_("%(year)s 年的预算还没有下达，现在不能申领。"), year=year)
    return found


def adopt(
    session: Session, actor: Actor, *, version: PolicyVersion, year: int, amount: int, request_id: str, fund: str = "", funder: str = ""
) -> int:
    """Give `amount` fen of the funder's treasury to a policy for a calendar year, more to one that is open already; return the budget id.

    `funder` names a co-funder of the policy that gives its own part; the policy's funder is the default. Raises `Invalid("funder")` for any other.
    """
    purse = Purse(funder or version.funder, version.policy, year, fund)
    _check_finance(actor, purse.funder)
    _check_pays(version, purse.funder)
    ledger.check_amount(amount)

    def act(request: str) -> int:
        more = {"policy_version_id": version.id, "request_id": request, "detail": {"amount": amount}}
        row = _locked_purse(session, purse)
        if row is None:
            row = _new(purse, "adopted")
            audit = born(session, actor, row, "adopt", **more)
        else:
            audit = move(session, actor, row, BUDGET, "adopt" if row.state == "planned" else "revise", **more)
        ledger.post(session, [*_give(row, amount)], kind="adopt", audit_id=audit, request_id=request)
        return row.id

    content = {"policy": version.policy, "year": year, "amount": amount} | ({"fund": fund} if fund else {}) | ({"funder": funder} if funder else {})
    return once(session, actor, request_id, "adopt", content=content, act=act)


def plan(session: Session, actor: Actor, *, version: PolicyVersion, year: int, amount: int, request_id: str, fund: str = "") -> int:
    """Write down that `amount` fen are intended for a purpose and year; no money moves before it is adopted. Return the budget id."""
    _check_finance(actor, version.funder)
    ledger.check_amount(amount)
    purse = Purse(version.funder, version.policy, year, fund)

    def act(request: str) -> int:
        if _locked_purse(session, purse) is not None:
            raise Refused("budget_there", N_("这一年的预算已经有了，请在它上面追加。"))
        row = _new(purse, "planned")
        born(session, actor, row, "plan", policy_version_id=version.id, request_id=request, detail={"amount": amount})
        return row.id

    content = {"policy": version.policy, "year": year, "amount": amount, "fund": fund}
    return once(session, actor, request_id, "plan_budget", content=content, act=act)


def revise(session: Session, actor: Actor, *, budget_id: int, change: int, reason: str, request_id: str) -> int:
    """Raise an open budget by `change` fen, or lower it when that is below zero, never below what is promised; return the budget id.

    Raises `Refused("promised")` when less than that is free.
    """
    if type(change) is not int or change == 0:
        raise Invalid("change", N_("请写明增加或减少多少，不能是零。"))
    ledger.check_amount(abs(change))
    _check_reason(reason)

    def act(request: str) -> int:
        row = locked(session, actor, budget_id)
        check(actor, row, BUDGET, "revise")
        if change < 0:
            moves = gather(session, row, to=chart.treasury(row.funder), amount=-change, key=request, short="promised")
        else:
            moves = _give(row, change)
        audit = move(session, actor, row, BUDGET, "revise", reason=reason, request_id=request, detail={"amount": change})
        ledger.post(session, moves, kind="revise", audit_id=audit, request_id=request)
        return row.id

    return once(session, actor, request_id, "revise", content={"budget": budget_id, "change": change, "reason": reason}, act=act)


def stripe(session: Session, actor: Actor, *, budget_id: int, stripes: int, request_id: str) -> int:
    """Spread the free money of a budget evenly over `stripes` accounts, as many as before or more; return the budget id."""
    if type(stripes) is not int or not 1 <= stripes <= MAX_STRIPES:
        raise Invalid("stripes", N_("份数要在 1 到 %(most)s 之间。"), most=MAX_STRIPES)

    def act(request: str) -> int:
        row = locked(session, actor, budget_id)
        if stripes < row.stripes:
            raise Refused("stripes", N_("已经分成 %(now)s 份，只能再增加。"), now=row.stripes)
        row.stripes = stripes
        audit = move(session, actor, row, BUDGET, "stripe", request_id=request, detail={"stripes": stripes})
        moves = _evened(stands(session, row), codes(row))
        if moves:
            ledger.post(session, moves, kind="stripe", audit_id=audit, request_id=request)
        return row.id

    return once(session, actor, request_id, "stripe", content={"budget": budget_id, "stripes": stripes}, act=act)


def gather(session: Session, row: Budget, *, to: str, amount: int, key: str, short: str = "budget") -> list[Move]:
    """Return moves of exactly `amount` fen from a budget to the account `to`: of the stripe of `key` alone when it has enough, else of several.

    The stripes that are named stay locked until the transaction ends, so posting the moves cannot fail for want of money. Raises `Refused(short)`
    exactly when the whole budget has less than `amount`.
    """
    mine = budget_code(row, crc32(key.encode()) % row.stripes)
    if row.stripes > 1 and _has(session, mine, amount):
        return [Move(mine, to, amount)]
    left = stands(session, row)
    if sum(left.values()) < amount:
        raise Refused(short, N_("预算里没有承诺出去的只有 ¥%(free)s，不够 ¥%(amount)s。"), free=yuan(sum(left.values())), amount=yuan(amount))
    moves, missing = [], amount
    for code in sorted(left, key=lambda one: (one != mine, -left[one])):
        part = min(left[code], missing)
        moves += [Move(code, to, part)] if part else []
        missing -= part
    return moves


def home(row: Budget) -> str:
    """Name the account that takes back money promised from a budget: a stripe of it while it is open, its pool afterwards."""
    return budget_code(row) if row.state in OPEN else pool_code(row)


def returning(session: Session, row: Budget, source: str, amount: int, key: str) -> list[Move]:
    """Return the moves that bring `amount` fen from `source` back to a budget; when it is closed, on to where its rest went."""
    code = budget_code(row, crc32(key.encode()) % row.stripes)
    return [Move(source, code, amount), *_onward(session, row, code, amount)]


def locked(session: Session, actor: Actor, budget_id: int) -> Budget:
    """Lock a budget of the officer's region and return it as it stands now; raise `NotFound` for any other."""
    row = session.get(Budget, budget_id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None or (actor.role == "finance" and actor.region != row.funder):
        raise NotFound
    _check_finance(actor, row.funder)
    return row


def hold_queue(session: Session, budget_id: int, *, alone: bool) -> None:
    """Keep the queue of a budget as it is until the transaction ends: together with others who only look, or `alone` to change it."""
    name = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    session.execute(text(f"SELECT {name}(hashtextextended('queue of budget ' || :id, 0))"), {"id": budget_id})


def _onward(session: Session, row: Budget, code: str, amount: int) -> list[Move]:
    if row.state in OPEN:
        return []
    heir = session.get(Budget, row.carried_to) if row.carried_to else None
    while heir is not None and heir.state not in OPEN:
        heir = session.get(Budget, heir.carried_to) if heir.carried_to else None
    return [Move(code, budget_code(heir) if heir else chart.treasury(row.funder), amount)]


def hold_purse(session: Session, purse: Purse) -> None:
    """Wait for everybody who opens the same budget: one that does not exist yet locks nothing."""
    code = chart.budget(purse.funder, purse.policy, purse.year, purse.fund)
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:code, 0))"), {"code": code})


def stands(session: Session, row: Budget) -> dict[str, int]:
    """Lock the accounts of all stripes in id order and return what stands on each, fen; those that were never used are missing."""
    return _lock_codes(session, codes(row))


def _locked_purse(session: Session, purse: Purse) -> Budget | None:
    hold_purse(session, purse)
    names = {"funder": purse.funder, "policy": purse.policy, "year": purse.year, "fund": purse.fund}
    return session.scalars(select(Budget).filter_by(**names).with_for_update(key_share=True)).one_or_none()


def _new(purse: Purse, state: str) -> Budget:
    if not 2010 <= purse.year <= 2100:
        raise Invalid("year", N_("年份要在 2010 到 2100 之间。"))
    return Budget(funder=purse.funder, policy=purse.policy, year=purse.year, fund=purse.fund, stripes=1, state=state)


def _give(row: Budget, amount: int) -> list[Move]:
    """Spread `amount` fen of the treasury evenly over the stripes; the fen that remain go to the first ones."""
    part, rest = divmod(amount, row.stripes)
    parts = [(code, part + (n < rest)) for n, code in enumerate(codes(row))]
    return [Move(chart.treasury(row.funder), code, one) for code, one in parts if one]


def _evened(stands: dict[str, int], wanted: list[str]) -> list[Move]:
    """Return the moves after which each account has the same, the fen that remain on the first ones."""
    part, rest = divmod(sum(stands.values()), len(wanted))
    gap = {code: stands.get(code, 0) - part - (n < rest) for n, code in enumerate(wanted)}
    rich, poor = [c for c in wanted if gap[c] > 0], [c for c in wanted if gap[c] < 0]
    moves = []
    while rich and poor:
        amount = min(gap[rich[0]], -gap[poor[0]])
        moves.append(Move(rich[0], poor[0], amount))
        gap[rich[0]] -= amount
        gap[poor[0]] += amount
        rich, poor = [c for c in rich if gap[c] > 0], [c for c in poor if gap[c] < 0]
    return moves


def _has(session: Session, code: str, amount: int) -> bool:
    """Lock one account when at least `amount` stands on it. Else its lock is given up with the savepoint: who gathers must lock in id order."""
    if ledger.balance(session, code) < amount:
        return False
    point = session.begin_nested()
    if _lock_codes(session, [code])[code] >= amount:
        point.commit()
        return True
    point.rollback()
    return False


def _lock_codes(session: Session, wanted: list[str]) -> dict[str, int]:
    """Lock accounts in id order and return what stands on each; those that were never used are missing."""
    query = text("SELECT code, balance FROM ledger_lock(:codes)")
    return {found.code: found.balance for found in session.execute(query, {"codes": wanted})}


def _check_finance(actor: Actor, funder: str) -> None:
    if actor.role != "system" and not (actor.role == "finance" and actor.region == funder):
        raise Forbidden(N_("预算由本级财政局下达。"))


def _check_pays(version: PolicyVersion, funder: str) -> None:
    """Raise unless a region pays a layer of the policy: its funder, a named co-funder, a county of "$district", the finance of a stack."""
    terms = version.terms
    named = {terms.funder, *(one.funder for one in terms.cofunding), *(one.region for one in terms.stack)}
    district = "$district" in named and not funder.endswith("00") and is_within(funder, terms.region)
    if funder not in named and not district:
        raise Invalid("funder", N_("%(funder)s 不是这份政策的出资方。请改出资地区。"), funder=funder)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由。"))
