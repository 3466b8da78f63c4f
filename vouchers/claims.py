"""Redemption: the payee claims the money of a used hold, the bureau checks, finance approves; a settlement batch pays.

Who the payee is, the policy says: the enterprise (post-subsidy) or the carrier (offset). Each payer of a hold has a claim of its own: the
voucher's funder, and every co-funder. Evidence is a document number that may prove one thing once.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.audit import born, move
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from vouchers import chart, files, ledger
from vouchers.entities import CLAIM, Claim, Evidence, Hold, Voucher
from vouchers.lifecycle import check_not_frozen, check_officer, lock, lock_hold
from vouchers.policy import PolicyVersion
from vouchers.requests import once
from vouchers.shares import Share

BY_THE_SYSTEM = ("application_form", "contract")
"""Evidence that the platform itself holds: the claim and the order are these documents."""


@dataclass(frozen=True)
class Document:
    """A document that a person names: its kind, number and date of issue."""

    kind: str
    number: str
    issued_on: date
    file_id: int | None = None


def add_evidence(session: Session, actor: Actor, *, reference: str, document: Document) -> None:
    """Store a document for `reference`; raise `Refused("evidence")` when its number already proves something else, `Invalid` when it is empty.

    A number is kept in capitals, without blanks and in plain width: the same paper typed in another way is the same paper.
    """
    number = plain(document.number)
    if not 0 < len(number) <= 80:
        raise Invalid(document.kind, N_("请填写编号，最多 80 个字。"))
    if document.issued_on > clock.today(session):
        raise Invalid(document.kind, N_("日期 %(day)s 在今天以后。请照原件填写。"), day=document.issued_on)
    row = dict(reference=reference, kind=document.kind, number=number, issued_on=document.issued_on)
    if document.file_id is not None:
        row["file_id"] = files.attach(session, actor, file_id=document.file_id, reference=reference, kind=document.kind, number=number)
    more = dict(added_by=actor.user_id, organisation_id=actor.organisation_id)
    made = session.execute(insert(Evidence).values(**row, **more).on_conflict_do_nothing().returning(Evidence.id)).scalar()
    if made is None and not session.query(Evidence).filter_by(reference=reference, kind=document.kind, number=number).count():
        raise Refused("evidence", N_("编号 %(number)s 已经用在另一笔上，同一份材料不能用两次。"), number=number)


def plain(number: str) -> str:
    """Return a document number in capitals and plain width, dashes alike, without blanks and invisible signs."""
    kinds = ((sign, unicodedata.category(sign)) for sign in unicodedata.normalize("NFKC", number))
    return "".join("-" if kind == "Pd" else sign for sign, kind in kinds if kind[0] not in "ZC").upper()


def missing_evidence(session: Session, reference: str, wanted: tuple[str, ...]) -> list[str]:
    """List the kinds of evidence that the policy asks for and that `reference` does not have yet."""
    there = set(session.scalars(select(Evidence.kind).where(Evidence.reference == reference)))
    return [kind for kind in wanted if kind not in there and kind not in BY_THE_SYSTEM]


def submit(session: Session, actor: Actor, *, hold_id: int, payee_id: int, parties: tuple[int, ...], request_id: str) -> int:
    """Claim the used part of a hold for the payee, from each of its payers; return the id of the claim on the voucher's funder.

    `parties` are all organisations of the deal: the payee is one of them. Raises `Refused` by clause: payee (the policy pays another side),
    claimed, frozen, hold (nothing used), evidence (a kind is missing), expires_redeem.
    """
    if actor.role not in ("enterprise", "carrier") or actor.organisation_id != payee_id or payee_id not in parties:
        raise NotFound

    def act(request: str) -> int:
        voucher, spent, version = _context(session, hold_id)
        _check_payee(voucher, version, payee_id, parties)
        if session.scalar(select(Claim.id).where(Claim.hold_id == hold_id).limit(1)) is not None:
            raise Refused("claimed", N_("这一笔已经申请过兑现。请在“兑现”里看它的进度。"))
        _check_claimable(session, voucher, spent, version)
        rows = [Claim(funder=version.funder, amount=spent.used, code=f"C-{voucher.code}-{spent.id}")]
        shares = session.scalars(select(Share).where(Share.hold_id == spent.id, Share.state == "used").order_by(Share.id))
        rows += [Claim(funder=one.funder, amount=one.used, share_id=one.id, code=f"C-{voucher.code}-{spent.id}-{one.id}") for one in shares]
        for row in rows:
            row.hold_id, row.payee_id, row.state, row.created_by = spent.id, payee_id, "submitted", actor.user_id
            detail = {"amount": row.amount, "parties": list(parties)}
            born(session, actor, row, "submit", policy_version_id=version.id, request_id=request, detail=detail)
        return rows[0].id

    return once(session, actor, request_id, "claim", content={"hold": hold_id}, act=act)


def resubmit(session: Session, actor: Actor, *, claim_id: int, request_id: str) -> int:
    """Send a returned claim again, with its evidence corrected; return the claim id."""

    def act(request: str) -> int:
        known = session.get(Claim, claim_id)
        if known is None or known.payee_id != actor.organisation_id:
            raise NotFound
        voucher, spent, version = _context(session, known.hold_id)
        row = lock(session, Claim, claim_id)
        _check_claimable(session, voucher, spent, version)
        move(session, actor, row, CLAIM, "submit", policy_version_id=version.id, request_id=request)
        return row.id

    return once(session, actor, request_id, "resubmit", content={"claim": claim_id}, act=act)


def review(session: Session, actor: Actor, *, claim_id: int, event: str, reason: str, request_id: str) -> int:
    """Check a claim of the officer's region: check_ok, return or refuse; return the claim id."""
    if event not in ("check_ok", "return", "refuse"):
        raise Forbidden(N_("这一步要由别的岗位办理。"))
    if event != "check_ok" and not reason.strip():
        raise Invalid("reason", N_("请写明理由，申请人会看到。"))

    def act(request: str) -> int:
        row = for_officer(session, actor, claim_id, earlier=("created_by",))
        row.reviewer_id = actor.user_id
        move(session, actor, row, CLAIM, event, reason=reason, request_id=request)
        return row.id

    return once(session, actor, request_id, "review", content={"claim": claim_id, "event": event, "reason": reason}, act=act)


def approve(session: Session, actor: Actor, *, claim_id: int, request_id: str) -> int:
    """Approve a checked claim for payment; return the claim id. `Refused("cash")` unless the used money still stands there to pay it."""

    def act(request: str) -> int:
        row = for_officer(session, actor, claim_id, earlier=("created_by", "reviewer_id"))
        check_cash(session, row)
        row.approver_id = actor.user_id
        move(session, actor, row, CLAIM, "approve", request_id=request)
        return row.id

    return once(session, actor, request_id, "approve", content={"claim": claim_id}, act=act)


def drop_for_void(session: Session, actor: Actor, *, hold_id: int, reason: str, request_id: str) -> int:
    """Refuse the open claims of a hold whose voucher is voided and return how many; raise `Refused("claim")` when one stands in a batch."""
    rows = session.scalars(select(Claim).where(Claim.hold_id == hold_id).order_by(Claim.id).with_for_update(key_share=True)).all()
    if any(row.state == "batched" for row in rows):
        raise Refused("claim", N_("这张券有一笔兑现已经在拨付批次里。请先把它移出批次，或者等银行回单。"))
    dropped = [row for row in rows if any(arrow.state == row.state and arrow.event == "void" for arrow in CLAIM)]
    for row in dropped:
        move(session, actor, row, CLAIM, "void", reason=reason, request_id=request_id)
    return len(dropped)


def source_of(session: Session, row: Claim) -> str:
    """Name the account that pays a claim: the used money of its voucher, or of its co-funder's share."""
    if row.share_id is not None:
        return chart.share_used(row.share_id)
    return chart.used(session.get_one(Hold, row.hold_id).voucher_id)


def check_cash(session: Session, row: Claim) -> None:
    """Raise `Refused("cash")` unless the claim and all others already granted on the same money are covered by what stands there."""
    granted = Claim.state.in_(("approved", "batched"))
    if row.share_id is not None:
        same = select(func.coalesce(func.sum(Claim.amount), 0)).where(Claim.share_id == row.share_id, granted, Claim.id != row.id)
    else:
        voucher = session.get_one(Hold, row.hold_id).voucher_id
        holds = select(Hold.id).where(Hold.voucher_id == voucher)
        same = select(func.coalesce(func.sum(Claim.amount), 0)).where(Claim.hold_id.in_(holds), Claim.share_id.is_(None), granted, Claim.id != row.id)
    if ledger.balance(session, source_of(session, row)) < row.amount + (session.scalar(same) or 0):
        raise Refused("cash", N_("账上可拨付的钱不够这一笔。请先和预算核对。"))


def payee_of(side: str, *, enterprise_id: int, carrier_id: int) -> int:
    """Return the organisation that the policy pays: the enterprise after it paid in full, or the carrier that took the voucher."""
    return {"enterprise": enterprise_id, "carrier": carrier_id}[side]


def _check_payee(voucher: Voucher, version: PolicyVersion, payee_id: int, parties: tuple[int, ...]) -> None:
    """Refuse unless the voucher's holder is a party of the deal and `payee_id` is the side that the policy pays."""
    if voucher.holder_id not in parties or (payee_id == voucher.holder_id) != (version.terms.payee == "enterprise"):
        raise Refused("payee", N_("按“%(title)s”，这笔钱由另一方申请兑现。"), title=version.title)


def _check_claimable(session: Session, voucher: Voucher, spent: Hold, version: PolicyVersion) -> None:
    check_not_frozen(voucher)
    if spent.state != "used":
        raise Refused("hold", N_("服务还没有双方确认，不能兑现。"))
    if clock.today(session) > voucher.expires_redeem:
        raise Refused("expires_redeem", N_("兑现截止到 %(day)s，已经过期。"), day=voucher.expires_redeem)
    missing = missing_evidence(session, spent.reference, version.terms.redeem.evidence)
    if missing:
        raise Refused("evidence", N_("还缺材料：%(kinds)s。补齐后再提交。"), kinds=missing)


def _context(session: Session, hold_id: int) -> tuple[Voucher, Hold, PolicyVersion]:
    voucher, spent = lock_hold(session, hold_id)
    return voucher, spent, session.get_one(PolicyVersion, spent.policy_version_id)


def for_officer(session: Session, actor: Actor, claim_id: int, *, earlier: tuple[str, ...]) -> Claim:
    """Lock the claim for an officer of its funder who took none of the steps `earlier` (columns) and belongs to no party of the deal."""
    row = lock(session, Claim, claim_id)
    check_officer(session, actor, row.funder, party_ids=parties_of(session, row), person_ids=tuple(getattr(row, step) for step in earlier))
    return row


def parties_of(session: Session, row: Claim) -> tuple[int, ...]:
    """Return the organisations of the deal behind a claim: payee, holder, and whoever was named when it was sent."""
    spent = session.get_one(Hold, row.hold_id)
    holder = session.get_one(Voucher, spent.voucher_id).holder_id
    return (row.payee_id, holder, *(session.scalar(text(_PARTIES), {"claim": row.id}) or []))


def is_party(session: Session, actor: Actor, row: Claim) -> bool:
    """Say whether the officer belongs to a party of the deal behind a claim."""
    try:
        check_officer(session, actor, row.funder, party_ids=parties_of(session, row), person_ids=())
    except Forbidden:
        return True
    return False


_PARTIES = "SELECT detail -> 'parties' FROM audit WHERE subject = 'claim' AND subject_id = :claim AND event = 'submit' ORDER BY id LIMIT 1"
