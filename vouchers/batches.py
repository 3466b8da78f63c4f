"""Settlement batches: approved claims of one funder that are paid together, from opening to the reconciled treasury statement.

Money leaves by a line of the bank's statement alone (`vouchers.statements`). Locks in this order: vouchers, batch, claims, lines, accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from core import clock
from core.actor import SYSTEM, Actor
from core.audit import born, move, record
from core.errors import N_, Forbidden, Invalid, NotFound, Refused
from core.money import yuan
from geodata.organisations import Organisation
from parties import notices
from vouchers import claims, payees
from vouchers.entities import CLAIM, Claim, Hold, Voucher
from vouchers.lifecycle import check_officer
from vouchers.reconciling import sums
from vouchers.requests import once
from vouchers.settlement import BATCH, LINE, BankAccount, BatchLine, SettlementBatch

NOTICE_DAYS: Final = 5
"""Days for which a batch stands in public before it is released: an invented example, no policy of ours states one."""

MOST_LINES: Final = 2_000
"""Lines of one batch: what two persons can look through and one file of the bank can hold."""


@dataclass(frozen=True)
class Waiting:
    """An approved claim, and why it cannot be paid yet: a message id, "" when it can."""

    claim_id: int
    code: str
    payee_id: int
    payee: str
    amount: int
    reason: str


def waiting(session: Session, funder: str) -> list[Waiting]:
    """Return the approved claims of a funder, the oldest first, each with the reason why it stays out of a batch, if any."""
    query = (
        select(Claim, Voucher.state, Organisation.name_zh)
        .join(Organisation, Organisation.id == Claim.payee_id)
        .join(Hold, Hold.id == Claim.hold_id)
        .join(Voucher, Voucher.id == Hold.voucher_id)
        .where(Claim.funder == funder, Claim.state == "approved")
        .order_by(Claim.id)
    )
    rows = session.execute(query).all()
    paid_to = payees.active(session, [row.payee_id for row, _, _ in rows])
    return [Waiting(row.id, row.code, row.payee_id, payee, row.amount, _reason(state, row.payee_id in paid_to)) for row, state, payee in rows]


def open_batch(session: Session, actor: Actor, *, request_id: str) -> int:
    """Open a batch for the actor's region with every claim that can be paid, and return its id.

    Raises `Refused` by clause: open (there is one already), claims (none can be paid).
    """
    funder = _own_region(actor)

    def act(request: str) -> int:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('settlement:' || :funder, 0))"), {"funder": funder})
        if session.scalar(select(SettlementBatch.id).filter_by(funder=funder, state="open")) is not None:
            raise Refused("open", N_("还有一个批次开着。请先把它封账，或者加进那一批。"))
        today = clock.today(session)
        earlier = session.scalar(select(func.count()).select_from(SettlementBatch).filter_by(funder=funder, opened_on=today)) or 0
        row = SettlementBatch(funder=funder, opened_on=today, state="open", created_by=actor.user_id, is_sample=_is_sample(session, actor))
        row.code = f"JS-{funder}-{today:%Y%m%d}-{earlier + 1}"
        born(session, actor, row, "open", request_id=request)
        _add_ready(session, actor, row, request)
        return row.id

    return once(session, actor, request_id, "open_batch", content={"funder": funder}, act=act)


def add(session: Session, actor: Actor, *, batch_id: int, request_id: str) -> int:
    """Add the claims that have become payable since to an open batch; return its id. `Refused("claims")` when there are none."""
    return _step(session, actor, _Step("add", batch_id, request_id), lambda row, request: _add_ready(session, actor, row, request))


def take_out(session: Session, actor: Actor, *, line_id: int, reason: str, request_id: str) -> int:
    """Take a line out of an open batch, with the reason: its claim waits for the next one. Return the batch id."""
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由，收款人会看到。"))
    found = session.get(BatchLine, line_id)
    if found is None:
        raise NotFound

    def act(_row: SettlementBatch, request: str) -> None:
        _drop(session, actor, lock_line(session, line_id), Why("take_out", reason, request))

    return _step(session, actor, _Step("take_out", found.batch_id, request_id, {"line": line_id, "reason": reason}), act)


def freeze(session: Session, actor: Actor, *, batch_id: int, request_id: str) -> int:
    """Fix the lines, the sum and their hash; return the batch id. `Refused("line")` names a claim that can no longer be paid."""

    def act(row: SettlementBatch, _request: str) -> None:
        lines = lines_of(session, row.id)
        if not lines:
            raise Refused("claims", N_("批次里没有可拨付的兑现。"))
        _check_lines(session, lines)
        row.total, row.lines, row.sha256 = sum(line.amount for line in lines), len(lines), fingerprint(session, lines)

    return _step(session, actor, _Step("freeze", batch_id, request_id), act)


def notice(session: Session, actor: Actor, *, batch_id: int, request_id: str) -> int:
    """Put the frozen batch before the public for `NOTICE_DAYS`; return its id."""

    def act(row: SettlementBatch, _request: str) -> None:
        title = f"{row.code} · {row.lines} · ¥{yuan(row.total or 0)}"
        shown = notices.open_notice(session, actor, subject="settlement_batch", subject_id=row.id, title=title, region=row.funder, days=NOTICE_DAYS)
        row.notice_id = shown.id

    return _step(session, actor, _Step("notice", batch_id, request_id), act)


def sign(session: Session, actor: Actor, *, batch_id: int, request_id: str) -> int:
    """Sign the batch as the first of two persons, once its notice is over without an open or upheld objection; return its id."""

    def act(row: SettlementBatch, _request: str) -> None:
        if not notices.is_clear(session, "settlement_batch", row.id):
            raise Refused("notice", N_("公示还没有结束，或者有异议没有处理完，不能授权。"))
        _check_persons(session, actor, row, "created_by", "reviewer_id")
        row.signed_by = actor.user_id

    return _step(session, actor, _Step("sign", batch_id, request_id), act)


def authorise(session: Session, actor: Actor, *, batch_id: int, request_id: str) -> int:
    """Release the signed batch as the second person, who approved none of its claims; return its id."""

    def act(row: SettlementBatch, _request: str) -> None:
        if actor.user_id == row.signed_by:
            raise Forbidden(N_("第一次授权是你做的，要由另一个人再授权一次。"))
        _check_persons(session, actor, row, "created_by", "reviewer_id", "approver_id")
        row.released_by = actor.user_id

    return _step(session, actor, _Step("authorise", batch_id, request_id), act)


def send(session: Session, actor: Actor, *, batch_id: int, request_id: str) -> int:
    """Hand the authorised batch to the bank; its file can be fetched from then on. `Refused("hash")` when a line is not what was frozen."""

    def act(row: SettlementBatch, _request: str) -> None:
        lines = lines_of(session, row.id)
        if (fingerprint(session, lines), sum(line.amount for line in lines)) != (row.sha256, row.total):
            raise Refused("hash", N_("批次的明细和封账时的指纹对不上，不能发送。请联系审计。"))
        _check_lines(session, lines, accounts=False)

    return _step(session, actor, _Step("send", batch_id, request_id), act)


def fail_line(session: Session, actor: Actor, *, line_id: int, reason: str, request_id: str) -> int:
    """Say that the bank did not pay a line that no statement speaks of; its claim waits for the next batch. Return the batch id."""
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由，收款人会看到。"))
    found = session.get(BatchLine, line_id)
    if found is None:
        raise NotFound

    def act(request: str) -> int:
        row = lock_batch(session, actor, found.batch_id)
        if row.state != "sent":
            raise Refused("state", N_("这一步现在不能做：它已经到了别的状态。请刷新页面看最新状态。"), state=row.state, event="fail")
        if session.scalar(text(_SPOKEN_OF), {"line": line_id}):
            raise Refused("paid", N_("银行回单说这一行已经付出，不能记成没有付。请先核对回单。"))
        _drop(session, actor, lock_line(session, line_id), Why("fail", reason.strip()[:500], request))
        conclude(session, actor, row, request)
        return row.id

    return once(session, actor, request_id, "fail_line", content={"line": line_id, "reason": reason}, act=act)


def close(session: Session, actor: Actor, *, batch_id: int, request_id: str) -> int:
    """Close a batch of which every line is paid or failed; return its id."""
    return _step(session, actor, _Step("close", batch_id, request_id), lambda _row, _request: None)


def reconcile(session: Session, actor: Actor, *, batch_id: int, request_id: str) -> int:
    """Agree payouts, claims, ledger and the bank's statement of a closed batch to the fen; return its id. `Refused("differs")` with the figures."""

    def act(row: SettlementBatch, _request: str) -> None:
        found = sums(session, row.id)
        if not found.agree:
            figures = {"payouts": yuan(found.payouts), "claims": yuan(found.claims), "ledger": yuan(found.ledger), "statement": yuan(found.statement)}
            told = N_("对不上：拨付 ¥%(payouts)s，兑现 ¥%(claims)s，账本 ¥%(ledger)s，银行 ¥%(statement)s。")
            raise Refused("differs", told, **figures)

    return _step(session, actor, _Step("reconcile", batch_id, request_id), act)


def cancel(session: Session, actor: Actor, *, batch_id: int, reason: str, request_id: str) -> int:
    """Give a batch up that was not authorised yet: its claims wait for the next one. Return its id."""
    if not reason.strip():
        raise Invalid("reason", N_("请写明理由，收款人会看到。"))

    def act(row: SettlementBatch, request: str) -> None:
        for line in lines_of(session, row.id):
            _drop(session, actor, line, Why("take_out", reason, request))
        shown = session.get(notices.Notice, row.notice_id, with_for_update=True, populate_existing=True) if row.notice_id else None
        if shown is not None and shown.state == "running":
            move(session, SYSTEM, shown, notices.NOTICE, "stop", reason=reason, request_id=request)

    return _step(session, actor, _Step("cancel", batch_id, request_id, {"reason": reason}), act)


def lines_of(session: Session, batch_id: int) -> Sequence[BatchLine]:
    """Return the lines that still wait for the bank, in the order of the file."""
    return session.scalars(select(BatchLine).filter_by(batch_id=batch_id, state="listed").order_by(BatchLine.id)).all()


def fingerprint(session: Session, lines: Sequence[BatchLine]) -> str:
    """Return the SHA-256 over reference, payee, account and amount of each line, as the bank will be told them."""
    numbers = {row.id: row.number for row in session.scalars(select(BankAccount).where(BankAccount.id.in_([line.account_id for line in lines])))}
    rows = (f"{line.reference}|{line.payee_id}|{numbers[line.account_id]}|{line.amount}" for line in lines)
    return sha256("\n".join(rows).encode()).hexdigest()


def lock_batch(session: Session, actor: Actor, batch_id: int) -> SettlementBatch:
    """Lock the vouchers behind a batch and then the batch, for an officer of its funder who belongs to no payee; raise `NotFound` or `Forbidden`."""
    found = session.get(SettlementBatch, batch_id)
    if found is None or actor.region != found.funder:
        raise NotFound
    session.execute(text(_LOCK_VOUCHERS), {"batch": batch_id})
    row = session.get_one(SettlementBatch, batch_id, with_for_update={"key_share": True}, populate_existing=True)
    parties = session.scalars(text(_PARTIES), {"batch": batch_id}).all()
    check_officer(session, actor, row.funder, party_ids=tuple(parties), person_ids=())
    return row


def lock_line(session: Session, line_id: int) -> BatchLine:
    """Lock the claim of a line and the line, and return it as it stands now."""
    claim_id = session.get_one(BatchLine, line_id).claim_id
    session.get_one(Claim, claim_id, with_for_update={"key_share": True}, populate_existing=True)
    return session.get_one(BatchLine, line_id, with_for_update={"key_share": True}, populate_existing=True)


def conclude(session: Session, actor: Actor, row: SettlementBatch, request: str) -> None:
    """Take a sent batch to confirmed or partly_failed once no line waits for the bank any more."""
    if lines_of(session, row.id):
        return
    failed = session.scalar(select(func.count()).select_from(BatchLine).filter_by(batch_id=row.id, state="failed")) or 0
    move(session, actor, row, BATCH, "confirm_partly" if failed else "confirm", request_id=request, detail={"failed": failed})


@dataclass(frozen=True)
class Why:
    """What happens to a line: its event, the reason, the request."""

    event: str
    reason: str
    request: str


@dataclass(frozen=True)
class _Step:
    event: str
    batch_id: int
    request_id: str
    more: dict[str, object] | None = None


def _step(session: Session, actor: Actor, step: _Step, act: Callable[[SettlementBatch, str], None]) -> int:
    """Take a batch along one arrow, once per request id: check the arrow before `act`, record it after, with what `act` fixed."""

    def whole(request: str) -> int:
        row = lock_batch(session, actor, step.batch_id)
        if not any(arrow.state == row.state and arrow.event == step.event for arrow in BATCH):
            raise Refused("state", N_("这一步现在不能做：它已经到了别的状态。请刷新页面看最新状态。"), state=row.state, event=step.event)
        if actor.role != "finance":
            raise Forbidden(N_("这一步要由别的岗位办理。"))
        act(row, request)
        detail = {"total": row.total, "lines": row.lines, "sha256": row.sha256} if row.sha256 else {}
        reason = str((step.more or {}).get("reason", ""))
        move(session, actor, row, BATCH, step.event, request_id=request, reason=reason, detail=detail)
        return row.id

    content = {"batch": step.batch_id, **(step.more or {})}
    return once(session, actor, step.request_id, f"batch_{step.event}", content=content, act=whole)


def _own_region(actor: Actor) -> str:
    if actor.role != "finance" or actor.region is None or actor.user_id is None:
        raise Forbidden(N_("这一步要由别的岗位办理。"))
    return actor.region


def _is_sample(session: Session, actor: Actor) -> bool:
    return bool(session.scalar(text("SELECT is_sample FROM app_user WHERE id = :id"), {"id": actor.user_id}))


def _reason(voucher_state: str, has_account: bool) -> str:
    if voucher_state in ("frozen", "void"):
        return N_("券在核查中，暂时冻结")
    return "" if has_account else N_("收款单位还没有确认收款账户")


def _add_ready(session: Session, actor: Actor, batch: SettlementBatch, request: str) -> None:
    ready = [one for one in waiting(session, batch.funder) if not one.reason]
    count = session.scalar(select(func.count()).select_from(BatchLine).filter_by(batch_id=batch.id)) or 0
    session.execute(text(_LOCK_VOUCHERS_OF), {"claims": [one.claim_id for one in ready]})
    paid_to = payees.active(session, [one.payee_id for one in ready])
    added = 0
    for one in ready[: MOST_LINES - count]:
        row = session.get_one(Claim, one.claim_id, with_for_update={"key_share": True}, populate_existing=True)
        if row.state != "approved" or claims.is_party(session, actor, row):
            continue
        added += 1
        line = BatchLine(batch_id=batch.id, claim_id=row.id, payee_id=row.payee_id, amount=row.amount, state="listed")
        line.reference, line.account_id = f"{batch.code}-{count + added:04d}", paid_to[row.payee_id].id
        born(session, actor, line, "add", request_id=request, detail={"amount": row.amount, "claim": row.id})
        move(session, actor, row, CLAIM, "add_to_batch", request_id=request, detail={"batch": batch.code})
    if not added:
        raise Refused("claims", N_("现在没有可以拨付的兑现。"))


def _drop(session: Session, actor: Actor, line: BatchLine, why: Why) -> None:
    """Take a line out of the running, and its claim back to approved."""
    row = session.get_one(Claim, line.claim_id, with_for_update={"key_share": True}, populate_existing=True)
    line.reason = why.reason
    move(session, actor, line, LINE, why.event, reason=why.reason, request_id=why.request)
    move(session, actor, row, CLAIM, why.event, reason=why.reason, request_id=why.request)


def _check_lines(session: Session, lines: Sequence[BatchLine], *, accounts: bool = True) -> None:
    """Raise `Refused("line")` for the first line whose voucher is under a check or, with `accounts`, whose account was changed by the payee.

    What was frozen and shown is paid to the account that was frozen: a payee cannot hold up a batch of others by changing his own.
    """
    for row in session.execute(text(_UNPAYABLE), {"lines": [line.id for line in lines], "accounts": accounts}):
        if row.voucher in ("frozen", "void"):
            raise Refused("line", N_("%(reference)s 的券在核查中。请把它移出批次。"), reference=row.reference)
        raise Refused("line", N_("%(reference)s 的收款账户已经换了。请把它移出批次，再加进来。"), reference=row.reference)


def _check_persons(session: Session, actor: Actor, batch: SettlementBatch, *steps: str) -> None:
    """Raise `Forbidden` when the actor took one of the steps (columns of the claim) of a claim in the batch."""
    taken = [getattr(Claim, step) == actor.user_id for step in steps]
    query = select(Claim.code).join(BatchLine, BatchLine.claim_id == Claim.id).where(BatchLine.batch_id == batch.id, BatchLine.state == "listed")
    for step in taken:
        code = session.scalar(query.where(step).order_by(Claim.id).limit(1))
        if code is not None:
            raise Forbidden(N_("批次里的 %(code)s 前面有一步是你办的，要由别人授权。"), code=code)


def log_download(session: Session, actor: Actor, batch: SettlementBatch) -> None:
    """Keep on record who fetched the bank file, which holds whole account numbers."""
    record(session, actor, "bank_file", batch.id, "download", detail={"batch": batch.code})


_LOCK_VOUCHERS = """
SELECT v.id FROM voucher v WHERE v.id IN (SELECT h.voucher_id FROM batch_line l JOIN claim c ON c.id = l.claim_id JOIN hold h ON h.id = c.hold_id
    WHERE l.batch_id = :batch AND l.state = 'listed') ORDER BY v.id FOR NO KEY UPDATE
"""
_LOCK_VOUCHERS_OF = """
SELECT v.id FROM voucher v WHERE v.id IN (SELECT h.voucher_id FROM claim c JOIN hold h ON h.id = c.hold_id WHERE c.id = ANY(:claims))
ORDER BY v.id FOR NO KEY UPDATE
"""
_PARTIES = """
SELECT DISTINCT x.id FROM batch_line l JOIN claim c ON c.id = l.claim_id JOIN hold h ON h.id = c.hold_id JOIN voucher v ON v.id = h.voucher_id,
LATERAL (VALUES (c.payee_id), (v.holder_id)) x (id) WHERE l.batch_id = :batch AND l.state <> 'taken_out'
"""
_UNPAYABLE = """
SELECT l.reference, v.state AS voucher, a.state AS account FROM batch_line l JOIN claim c ON c.id = l.claim_id JOIN hold h ON h.id = c.hold_id
JOIN voucher v ON v.id = h.voucher_id JOIN bank_account a ON a.id = l.account_id
WHERE l.id = ANY(:lines) AND (v.state IN ('frozen', 'void') OR :accounts AND a.state <> 'active') ORDER BY l.id LIMIT 1
"""
_SPOKEN_OF = "SELECT EXISTS (SELECT FROM statement_line WHERE batch_line_id = :line AND outcome = 'paid')"
