"""Rows for reading: vouchers with their amounts, one voucher's statement, queues of the bureau. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.errors import NotFound
from geodata.regions import is_within
from vouchers import chart
from vouchers.policy import Policy, PolicyVersion
from vouchers.rules import Deal


@dataclass(frozen=True)
class VoucherRow:
    """A voucher with its amounts in fen; face = available + held + used + redeemed + returned + void."""

    id: int
    code: str
    title: str
    policy: str
    policy_version_id: int
    ruled_by: int
    funder: str
    holder_id: int
    state: str
    issued_on: date
    expires_use: date
    expires_redeem: date
    face: int
    available: int
    held: int
    used: int
    redeemed: int
    returned: int
    void: int
    is_sample: bool


@dataclass(frozen=True)
class StatementLine:
    """One posting of a voucher: when, what, how much (fen), from and to which account code, for which reference."""

    at: datetime
    business_date: date
    kind: str
    amount: int
    source: str
    destination: str
    reference: str | None


@dataclass(frozen=True)
class Frozen:
    """A voucher that is frozen: since when and why."""

    id: int
    code: str
    holder: str
    face: int
    since: datetime
    reason: str
    is_sample: bool


@dataclass(frozen=True)
class StateStep:
    """One change of the state of a voucher."""

    at: datetime
    event: str
    role: str
    before: str
    after: str
    reason: str


_FROZEN = """
SELECT v.id, v.code, o.name_zh AS holder, v.face, a.at AS since, a.reason, v.is_sample
FROM voucher v JOIN organisation o ON o.id = v.holder_id JOIN policy_version p ON p.id = v.policy_version_id
JOIN LATERAL (SELECT at, reason FROM audit WHERE subject = 'voucher' AND subject_id = v.id AND event = 'freeze' ORDER BY id DESC LIMIT 1) a ON true
WHERE v.state = 'frozen' AND starts_with(p.funder, :region) ORDER BY a.at, v.id
"""

_VOUCHERS = """
SELECT v.id, v.code, p.title, p.policy, v.policy_version_id, p.funder,
       coalesce((SELECT n.id FROM policy_version n WHERE n.policy = p.policy AND n.valid_from <= :today AND coalesce(n.valid_to >= :today, true)
                 ORDER BY n.version DESC LIMIT 1), v.policy_version_id) AS ruled_by,
       v.holder_id, v.state, v.issued_on, v.expires_use, v.expires_redeem,
       b.face, b.available, b.held, b.used, b.redeemed, b.returned, b.void, v.is_sample
FROM voucher v JOIN voucher_balance b ON b.voucher_id = v.id JOIN policy_version p ON p.id = v.policy_version_id
"""
_OF_HOLDER = " WHERE v.holder_id = :holder ORDER BY v.expires_use, v.id"
_ONE = " WHERE v.id = :voucher"

_STATEMENT = """
SELECT t.at, t.business_date, t.kind, p.amount, s.code AS source, d.code AS destination, h.reference
FROM posting p JOIN transfer t ON t.id = p.transfer_id JOIN account s ON s.id = p.source_id JOIN account d ON d.id = p.destination_id
JOIN audit a ON a.id = t.audit_id
LEFT JOIN claim c ON a.subject = 'claim' AND c.id = a.subject_id
LEFT JOIN hold h ON h.id = CASE WHEN a.subject = 'hold' THEN a.subject_id ELSE c.hold_id END
WHERE s.code = ANY(:codes) OR d.code = ANY(:codes) ORDER BY p.id
"""

_SPENT = """
WITH mine AS (SELECT b.fund FROM voucher v JOIN budget b ON b.id = v.budget_id WHERE v.id = :voucher)
SELECT coalesce(sum(amount) FILTER (WHERE v.holder_id = :holder), 0)::bigint AS own, coalesce(sum(amount), 0)::bigint AS whole,
       coalesce(sum(amount) FILTER (WHERE v.holder_id = :holder AND b.fund = (SELECT fund FROM mine)), 0)::bigint AS of_fund,
       (SELECT fund FROM mine) AS fund, (SELECT adcode FROM organisation WHERE id = :holder) AS region
FROM (SELECT voucher_id, CASE WHEN used > 0 THEN used ELSE amount END
             + coalesce((SELECT sum(CASE WHEN s.used > 0 THEN s.used ELSE s.amount END) FROM share s
                         WHERE s.hold_id = hold.id AND s.state NOT IN ('released', 'void')), 0) AS amount
      FROM hold WHERE state NOT IN ('released', 'void') AND year = :year) h
JOIN voucher v ON v.id = h.voucher_id JOIN policy_version p ON p.id = v.policy_version_id JOIN organisation o ON o.id = v.holder_id
JOIN budget b ON b.id = v.budget_id
WHERE p.policy = :policy
  AND (v.holder_id = :holder OR o.controller = (SELECT controller FROM organisation WHERE id = :holder))
"""


def vouchers_of(session: Session, holder_id: int) -> list[VoucherRow]:
    """Return all vouchers of a holder, the first to expire first; `ruled_by` is the version in force today, else the one that the voucher cites."""
    values = {"holder": holder_id, "today": clock.today(session)}
    return [VoucherRow(**row) for row in session.execute(text(_VOUCHERS + _OF_HOLDER), values).mappings()]


def voucher_of(session: Session, actor: Actor, voucher_id: int) -> VoucherRow:
    """Return one voucher for its holder, or for an officer in whose region its funder lies; raise `NotFound` for everybody else."""
    found = session.execute(text(_VOUCHERS + _ONE), {"voucher": voucher_id, "today": clock.today(session)}).mappings().one_or_none()
    row = VoucherRow(**found) if found else None
    if row is None:
        raise NotFound
    if actor.role in ("reviewer", "finance", "auditor"):
        if actor.region is None or not is_within(row.funder, actor.region):
            raise NotFound
    elif actor.role != "enterprise" or actor.organisation_id != row.holder_id:
        raise NotFound
    return row


def find(session: Session, actor: Actor, asked: str) -> int | None:
    """Return the id of the voucher with this code that an officer may see, None where there is none."""
    query = "SELECT v.id, p.funder FROM voucher v JOIN policy_version p ON p.id = v.policy_version_id WHERE v.code = :code"
    found = session.execute(text(query), {"code": asked.strip().upper()}).one_or_none()
    return found.id if found and actor.region is not None and is_within(found.funder, actor.region) else None


def lapsed(session: Session) -> list[int]:
    """Return the ids of the expired vouchers past their last day of redemption with nothing open on them, the oldest first."""
    query = """SELECT v.id FROM voucher v WHERE v.state = 'expired' AND v.expires_redeem < :today
               AND NOT EXISTS (SELECT FROM hold h WHERE h.voucher_id = v.id AND h.state = 'held')
               AND NOT EXISTS (SELECT FROM claim c JOIN hold h ON h.id = c.hold_id
                               WHERE h.voucher_id = v.id AND c.state IN ('submitted', 'verified', 'checking', 'approved', 'batched'))
               ORDER BY v.expires_redeem, v.id"""
    return list(session.scalars(text(query), {"today": clock.today(session)}))


def frozen_of(session: Session, actor: Actor) -> list[Frozen]:
    """Return the vouchers of an officer's region that are frozen, the longest first, with the reason that the auditor gave."""
    rows = session.execute(text(_FROZEN), {"region": (actor.region or "none").removesuffix("00").removesuffix("00")}).mappings()
    return [Frozen(**row) for row in rows]


def steps_of(session: Session, voucher_id: int) -> list[StateStep]:
    """Return every change of the state of a voucher, the first at the top."""
    query = "SELECT at, event, role, before, after, reason FROM audit WHERE subject = 'voucher' AND subject_id = :voucher ORDER BY id"
    return [StateStep(**row) for row in session.execute(text(query), {"voucher": voucher_id}).mappings()]


def usable(rows: list[VoucherRow], today: date) -> list[VoucherRow]:
    """Keep the vouchers with free money that may be used on `today`, the first to expire first."""
    return [row for row in rows if row.state == "active" and row.available > 0 and today <= row.expires_use]


def expired(session: Session) -> list[int]:
    """Return the ids of the active vouchers whose last day of use has passed (business date), the oldest first."""
    query = "SELECT id FROM voucher WHERE state = 'active' AND expires_use < :today ORDER BY expires_use, id"
    return list(session.scalars(text(query), {"today": clock.today(session)}))


def statement(session: Session, voucher_id: int) -> list[StatementLine]:
    """Return every posting that touched the voucher, in the order of the ledger."""
    codes = [chart.available(voucher_id), chart.held(voucher_id), chart.used(voucher_id)]
    return [StatementLine(**row) for row in session.execute(text(_STATEMENT), {"codes": codes}).mappings()]


def deal_for(session: Session, row: VoucherRow, *, price: int = 0, service: str = "") -> tuple[Policy, Deal]:
    """Return the version of the voucher's policy in force today and the deal as it stands: balance and use of this calendar year, fen.

    The deal also says where the holder is registered and which purse of the policy the voucher was issued from.
    """
    values = {"holder": row.holder_id, "year": clock.today(session).year, "policy": row.policy, "voucher": row.id}
    spent = session.execute(text(_SPENT), values).one()
    home = {"region": spent.region, "fund": spent.fund or None, "fund_used": spent.of_fund}
    deal = Deal(price, service, balance=row.available, used_year=spent.own, group_used=spent.whole, **home)
    return session.get_one(PolicyVersion, row.ruled_by).terms, deal


def related_to(session: Session, organisation_id: int) -> frozenset[int]:
    """Return the organisations under the same actual controller, itself among them; none where no controller is known."""
    query = "SELECT o.id FROM organisation o JOIN organisation me ON me.controller = o.controller WHERE me.id = :id"
    return frozenset(session.scalars(text(query), {"id": organisation_id}))


def related(session: Session, one_id: int, other_id: int) -> bool:
    """Say whether two organisations stand under one actual controller."""
    return other_id in related_to(session, one_id)
