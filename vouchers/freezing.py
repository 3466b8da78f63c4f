"""Freeze, unfreeze and void a voucher: what an audit leads to. Dates run on meanwhile; money stands still until the decision is final.

Void takes everything that was not yet paid back to the pool by a transfer of its own kind, and opens a case for what was paid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.actor import Actor
from core.audit import check, move
from core.errors import N_, Invalid, NotFound, Refused
from geodata.regions import is_within
from vouchers import chart, claims, ledger, recovery, shares
from vouchers.entities import HOLD, VOUCHER, Claim, Hold, Voucher
from vouchers.ledger import Move
from vouchers.lifecycle import check_outsider, is_paid, lock, open_holds, pool_of
from vouchers.policy import PolicyVersion
from vouchers.requests import once

ON_ITS_WAY = ("batched",)
"""States of a claim in which the bank may be paying it this moment."""


def freeze(session: Session, actor: Actor, *, voucher_id: int, reason: str, request_id: str) -> int:
    """Stop a voucher while it is checked: nothing is bought with it and nothing paid of it; it remembers what it was. Return its id."""

    def act(request: str) -> int:
        voucher = _for_auditor(session, actor, voucher_id)
        check(actor, voucher, VOUCHER, "freeze")
        voucher.frozen_from = voucher.state
        _move(session, actor, voucher, event="freeze", reason=reason, request=request)
        return voucher.id

    return _once(session, actor, "freeze", voucher_id=voucher_id, reason=reason, key=request_id, act=act)


def unfreeze(session: Session, actor: Actor, *, voucher_id: int, reason: str, request_id: str) -> int:
    """Let a checked voucher go back to what it was before it was frozen; return its id. What its dates brought meanwhile the clock does next."""

    def act(request: str) -> int:
        voucher = _for_auditor(session, actor, voucher_id)
        arrows = tuple(arrow for arrow in VOUCHER if arrow.event != "unfreeze" or arrow.next == voucher.frozen_from)
        check(actor, voucher, arrows, "unfreeze")
        voucher.frozen_from = None
        more = {"reason": reason.strip(), "policy_version_id": voucher.policy_version_id, "request_id": request}
        move(session, actor, voucher, arrows, "unfreeze", **more)
        return voucher.id

    return _once(session, actor, "unfreeze", voucher_id=voucher_id, reason=reason, key=request_id, act=act)


def void(session: Session, actor: Actor, *, voucher_id: int, reason: str, request_id: str) -> int:
    """End a frozen voucher for good; return its id. Free, frozen and used money goes to the pool, what was paid becomes a case of recovery.

    A reviewer of the funder or of its city decides, who did not freeze it and belongs to no party. Raises `Refused("claim")` while the bank may
    be paying a claim of it.
    """

    def act(request: str) -> int:
        voucher = lock(session, Voucher, voucher_id)
        _check_decides(session, actor, voucher)
        check(actor, voucher, VOUCHER, "void")
        holds = open_holds(session, voucher.id)
        parts = (chart.available(voucher.id), chart.held(voucher.id), chart.used(voucher.id))
        left = {code: ledger.balance(session, code) for code in parts}
        voucher.frozen_from = None
        audit = _move(session, actor, voucher, event="void", reason=reason, request=request, detail=left)
        moves = [Move(code, pool_of(session, voucher), amount) for code, amount in left.items() if amount]
        if moves:
            ledger.post(session, moves, kind="void", audit_id=audit, request_id=request)
        for held in holds:
            _void_hold(session, actor, held, reason=reason, request=request)
        _recover(session, actor, voucher, reason=reason, request=request)
        return voucher.id

    return _once(session, actor, "void", voucher_id=voucher_id, reason=reason, key=request_id, act=act)


def transfer(session: Session, actor: Actor, *, voucher_id: int) -> NoReturn:
    """Refuse to give a voucher to another holder, always and in every state; whose it is, only its holder learns."""
    found = session.get(Voucher, voucher_id)
    if found is None or actor.organisation_id != found.holder_id:
        raise NotFound
    raise Refused("transfer", N_("创新券不能转让，只能由申领它的单位自己用。"), subject="voucher", event="transfer", state=found.state)


def _once(session: Session, actor: Actor, verb: str, *, voucher_id: int, reason: str, key: str, act: Callable[[str], int]) -> int:
    if not 0 < len(reason.strip()) <= 500:
        raise Invalid("reason", N_("请写明理由，最多 500 个字，持券人会看到。"))
    return once(session, actor, key, verb, content={"voucher": voucher_id, "reason": reason.strip()}, act=act)


def _for_auditor(session: Session, actor: Actor, voucher_id: int) -> Voucher:
    """Lock a voucher of the auditor's region, whose holder the auditor does not belong to."""
    voucher = lock(session, Voucher, voucher_id)
    if actor.region is None or not is_within(_funder(session, voucher), actor.region):
        raise NotFound
    check_outsider(session, actor, party_ids=_parties(session, voucher), person_ids=())
    return voucher


def _check_decides(session: Session, actor: Actor, voucher: Voucher) -> None:
    funder = _funder(session, voucher)
    if actor.region not in (funder, funder[:4] + "00"):
        raise NotFound
    froze = "SELECT user_id FROM audit WHERE subject = 'voucher' AND subject_id = :voucher AND event = 'freeze'"
    persons = tuple(session.scalars(text(froze), {"voucher": voucher.id}))
    check_outsider(session, actor, party_ids=_parties(session, voucher), person_ids=persons)
    going = select(Claim.id).join(Hold, Hold.id == Claim.hold_id).where(Hold.voucher_id == voucher.id, Claim.state.in_(ON_ITS_WAY)).limit(1)
    if session.scalar(going) is not None:
        raise Refused("claim", N_("这张券有一笔兑现正在银行办理，等回单以后再作废。"))


def _void_hold(session: Session, actor: Actor, held: Hold, *, reason: str, request: str) -> None:
    claims.drop_for_void(session, actor, hold_id=held.id, reason=reason, request_id=request)
    if not is_paid(session, held):
        move(session, actor, held, HOLD, "void", reason=reason, policy_version_id=held.policy_version_id, request_id=request)
    shares.change(session, actor, held, shares.Step("void", request, reason))


def _recover(session: Session, actor: Actor, voucher: Voucher, *, reason: str, request: str) -> None:
    """Open a case of recovery for every claim of the voucher that was paid."""
    query = select(Claim).join(Hold, Hold.id == Claim.hold_id).where(Hold.voucher_id == voucher.id, Claim.state == "paid").order_by(Claim.id)
    for claim in session.scalars(query):
        recovery.open_case(session, actor, claim_id=claim.id, reason=reason, request_id=f"{request}/recover/{claim.id}", decided=True)


def _move(session: Session, actor: Actor, voucher: Voucher, *, event: str, reason: str, request: str, detail: dict[str, int] | None = None) -> int:
    more = {"reason": reason.strip(), "policy_version_id": voucher.policy_version_id, "request_id": request, "detail": detail or {}}
    return move(session, actor, voucher, VOUCHER, event, **more)


def _funder(session: Session, voucher: Voucher) -> str:
    return session.get_one(PolicyVersion, voucher.policy_version_id).funder


def _parties(session: Session, voucher: Voucher) -> tuple[int, ...]:
    """Return the holder and everybody whom a claim of the voucher names as its payee."""
    payees = select(Claim.payee_id).join(Hold, Hold.id == Claim.hold_id).where(Hold.voucher_id == voucher.id)
    return (voucher.holder_id, *session.scalars(payees))
