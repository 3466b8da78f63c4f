"""What is wrong with a claim before it is sent: missing and doubled evidence, wrong dates, sums that do not fit; and in which round it is settled.

The payee sees the whole list at once. What says "stop" would be refused; what says "warn" is for the reviewer to judge, who sees it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, Literal

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.errors import N_, Invalid, NotFound
from core.money import parse_yuan, yuan
from vouchers.claims import missing_evidence
from vouchers.desk import Proof, proofs
from vouchers.entities import Claim, Hold, Voucher
from vouchers.policy import PolicyVersion
from vouchers.shares import Share


@dataclass(frozen=True)
class Bought:
    """What the hold paid for, as its contract says: parties (organisations), day of contract and of the service, sums in fen."""

    parties: tuple[int, ...]
    contract_on: date
    served_on: date
    price: int


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: clause, the kind of document it is about ("" for none), a message id and its values.

    `way` is the way out as a message id, where the text does not say it.
    """

    clause: str
    kind: str
    text: str
    params: dict[str, Any] = field(default_factory=dict)
    level: Literal["stop", "warn"] = "stop"
    way: str = ""


@dataclass(frozen=True)
class Round:
    """A round of redemption of a policy: the `number`-th `of` the year, claims of which are taken until `closes_on`."""

    number: int
    of: int
    closes_on: date


def precheck(session: Session, actor: Actor, *, hold_id: int, bought: Bought) -> list[Finding]:
    """Return everything that speaks against claiming a hold now, what would be refused first; raise `NotFound` for who is no party."""
    spent = session.get(Hold, hold_id)
    if spent is None or actor.organisation_id is None or actor.organisation_id not in bought.parties:
        raise NotFound
    voucher = session.get_one(Voucher, spent.voucher_id)
    version = session.get_one(PolicyVersion, spent.policy_version_id)
    missing = missing_evidence(session, spent.reference, version.terms.redeem.evidence)
    found = [
        *_of_voucher(session, voucher, spent),
        *(Finding("evidence", kind, N_("还缺这份材料。"), way=WAYS.get(kind, _ASK)) for kind in missing),
        *_of_documents(session, spent, bought),
    ]
    return sorted(found, key=lambda one: one.level != "stop")


def current_round(rounds_per_year: int, day: date) -> Round:
    """Return the round in which a claim sent on `day` is settled: the year in equal parts, by whole months where twelve can be parted so."""
    number = next(n for n in range(1, rounds_per_year + 1) if day <= _closes(day.year, n, rounds_per_year))
    return Round(number, rounds_per_year, _closes(day.year, number, rounds_per_year))


def _closes(year: int, number: int, rounds: int) -> date:
    if 12 % rounds == 0:
        month = 12 // rounds * number
        return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    first = date(year, 1, 1)
    return first + timedelta(days=(date(year + 1, 1, 1) - first).days * number // rounds - 1)


def _of_voucher(session: Session, voucher: Voucher, spent: Hold) -> Iterator[Finding]:
    states = session.scalars(select(Claim.state).where(Claim.hold_id == spent.id)).all()
    if states and "draft" not in states:
        yield Finding("claimed", "", N_("这一笔已经申请过兑现。请在“兑现”里看它的进度。"))
    if voucher.state == "frozen":
        yield Finding("frozen", "", N_("这张券在核查中，暂时冻结。"))
    if spent.state != "used":
        yield Finding("hold", "", N_("服务还没有双方确认，不能兑现。"))
    if clock.today(session) > voucher.expires_redeem:
        yield Finding("expires_redeem", "", N_("兑现截止到 %(day)s，已经过期。"), {"day": voucher.expires_redeem.isoformat()})


def _of_documents(session: Session, spent: Hold, bought: Bought) -> Iterator[Finding]:
    today = clock.today(session)
    for one in _latest(session, spent.reference):
        if one.elsewhere:
            told = N_("编号 %(number)s 在别的材料里也出现过。")
            yield Finding("evidence_used", one.kind, told, {"number": one.number}, "warn", N_("没有填错就可以提交，科技局会对照两份材料。"))
        yield from _dates(one, bought, today)
    for number in session.scalars(text(_DOUBLED), {"reference": spent.reference}):
        told = N_("发票 %(number)s 已经用在另一笔上。请在预约页的“更正材料”里交这一笔自己的发票，再申请兑现。")
        yield Finding("evidence_used", "invoice", told, {"number": number})
    yield from _amounts(session, spent, bought)


def _latest(session: Session, reference: str) -> list[Proof]:
    """Return the document of each kind that counts: the last one handed in."""
    return list({one.kind: one for one in proofs(session, reference)}.values())


def _dates(one: Proof, bought: Bought, today: date) -> Iterator[Finding]:
    """Find what was made after today or before its contract; a payment may be a deposit, a service may have been done early."""
    since, of_service = (bought.contract_on, False) if one.kind != "service_result" else (bought.served_on, True)
    values = {"day": one.issued_on.isoformat(), "since": since.isoformat()}
    if one.issued_on > today:
        yield Finding("dates", one.kind, N_("日期 %(day)s 在今天以后。请在预约页的“更正材料”里交日期对的那份，再申请兑现。"), values)
    elif one.issued_on < bought.contract_on and one.kind in ("service_result", "invoice"):
        values["since"] = bought.contract_on.isoformat()
        told = N_("日期 %(day)s 比签约的 %(since)s 还早。请在预约页的“更正材料”里交这份合同的那份，再申请兑现。")
        yield Finding("dates", one.kind, told, values)
    elif one.issued_on < since:
        told = N_("报告日期 %(day)s 比服务的 %(since)s 还早。") if of_service else N_("日期 %(day)s 比签约的 %(since)s 还早。")
        yield Finding("dates", one.kind, told, values, "warn", N_("日期没有填错就可以提交，科技局会看原件。"))


def _amounts(session: Session, spent: Hold, bought: Bought) -> Iterator[Finding]:
    """Find an invoice below what public money pays of it; one below the price may state the sum without tax."""
    shared = session.scalar(select(func.coalesce(func.sum(Share.used), 0)).where(Share.hold_id == spent.id, Share.state == "used")) or 0
    paid = spent.used + shared
    for total in session.scalars(text(_TOTALS), {"reference": spent.reference}):
        read = _fen(total)
        if read is None or read >= bought.price:
            continue
        if read < paid:
            values = {"total": yuan(read), "paid": yuan(paid)}
            told = N_("发票上是 ¥%(total)s，比要兑现的 ¥%(paid)s 少。请在预约页的“更正材料”里交全额的发票，再申请兑现。")
            yield Finding("amount", "invoice", told, values)
        else:
            values = {"total": yuan(read), "price": yuan(bought.price)}
            way = N_("差的是税就可以提交，科技局会看原件。")
            yield Finding("amount", "invoice", N_("发票上是 ¥%(total)s，比合同价 ¥%(price)s 少。"), values, "warn", way)


def _fen(total: str) -> int | None:
    try:
        return parse_yuan(total)
    except Invalid:
        return None


_ASK: Final = N_("请联系发券的科技局，问清怎么补。")
WAYS: Final = {
    "service_result": N_("请载体在“更正材料”里交报告，再申请兑现。"),
    "invoice": N_("请企业在“更正材料”里交发票，再申请兑现。"),
    "payment_proof": N_("请企业在“更正材料”里交付款凭证，再申请兑现。"),
}
"""The way out for a document that the parties hand in and that is missing."""

_MINE: Final = """
SELECT e.number, f.read FROM evidence e LEFT JOIN evidence_file f ON f.id = e.file_id
WHERE e.reference = :reference AND e.kind = 'invoice' ORDER BY e.id DESC LIMIT 1
"""
_TOTALS: Final = f"SELECT m.read ->> 'total' FROM ({_MINE}) m WHERE m.read ->> 'total' <> ''"
_DOUBLED: Final = f"""
SELECT DISTINCT m.number FROM ({_MINE}) m JOIN evidence x ON x.kind = 'invoice' AND x.reference <> :reference
LEFT JOIN evidence_file y ON y.id = x.file_id
WHERE m.read ->> 'invoice' <> ''
  AND (y.read ->> 'invoice' = m.read ->> 'invoice' OR length(x.number) >= 8 AND right(m.read ->> 'invoice', length(x.number)) = x.number)
"""
