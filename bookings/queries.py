"""Rows for reading: taken spans, next free slots, orders as a list and as a page. One query each; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.entities import LIVE
from bookings.slots import HORIZON, Coming, Interval, Slot
from core import clock
from core.actor import Actor
from core.errors import NotFound
from geodata.regions import is_within

SOON = 5
"""Days ahead that are looked at first."""

_OFFICERS = ("reviewer", "finance", "auditor")


@dataclass(frozen=True)
class OrderRow:
    """An order as a line of a list; amounts in fen, `start` and `end` aware instants of its slot."""

    id: int
    code: str
    state: str
    enterprise_id: int
    enterprise: str
    carrier_id: int
    carrier: str
    instrument_id: int
    instrument: str
    service_code: str
    service: str
    service_en: str
    price: int
    voucher_part: int
    share_part: int
    own_part: int
    start: datetime
    end: datetime
    booking_state: str
    answer_by: datetime
    report_on: date
    created_at: datetime
    is_sample: bool


@dataclass(frozen=True)
class DocumentRow:
    """A document that was handed in for the order."""

    kind: str
    number: str
    issued_on: date
    organisation_id: int | None


@dataclass(frozen=True)
class StepRow:
    """One thing that happened to the order, from the audit records: when, which event, by which role of which organisation, why."""

    at: datetime
    event: str
    role: str
    organisation: str | None
    after: str
    reason: str


@dataclass(frozen=True)
class ShareRow:
    """What one co-funder pays of an order, fen: frozen, and of it used; its claim, once sent."""

    id: int
    funder: str
    funder_en: str
    policy: str
    amount: int
    used: int
    state: str
    claim_code: str | None
    claim_state: str | None


@dataclass(frozen=True)
class OrderPage:
    """Everything that a page shows of one order; parts that do not exist (voucher, hold, claim) are None.

    The claim is that on the voucher's own funder; `returned` says whether any claim of the hold came back.
    """

    row: OrderRow
    need: str
    clauses: tuple[Mapping[str, Any], ...]
    contract_date: date
    notice_hours: int
    voucher_id: int | None
    voucher_code: str | None
    policy: str | None
    policy_title: str | None
    funder: str | None
    payee: str | None
    hold_id: int | None
    hold_state: str | None
    hold_used: int | None
    hold_ends_on: date | None
    returned: bool
    claim_id: int | None
    claim_code: str | None
    claim_state: str | None
    claim_amount: int | None
    documents: tuple[DocumentRow, ...]
    steps: tuple[StepRow, ...]


def taken(session: Session, instrument_ids: Collection[int], *, start: datetime, end: datetime) -> dict[int, list[Interval]]:
    """Return the live bookings of many instruments that reach into [start, end), in one query: instrument id → spans in order."""
    found: dict[int, list[Interval]] = {one: [] for one in instrument_ids}
    values = {"instruments": list(instrument_ids), "start": start, "end": end}
    for instrument_id, begins, ends in session.execute(text(_TAKEN), values).all():
        found[instrument_id].append((begins, ends))
    return found


def next_slots(session: Session, rows: Mapping[int, Mapping[str, Any]], *, days: int = HORIZON) -> dict[int, Slot | None]:
    """Return the next free slot within `days` days of each instrument; `rows` maps instrument id → its `hours`.

    One query for the first SOON days, in which nearly all have one, and one more for those that have none.
    """
    found = _next_within(session, rows, min(days, SOON))
    full = {one: hours for one, hours in rows.items() if hours and found[one] is None} if days > SOON else {}
    return found | _next_within(session, full, days) if full else found


def _next_within(session: Session, rows: Mapping[int, Mapping[str, Any]], days: int) -> dict[int, Slot | None]:
    now = clock.now(session)
    booked = taken(session, rows, start=now, end=now + timedelta(days=days + 1))
    coming: dict[int, Coming] = {}  # by the very object: rows that came from one text share it
    for hours in rows.values():
        if id(hours) not in coming:
            coming[id(hours)] = Coming(hours, now=now, days=days)
    return {one: coming[id(hours)].first_free(booked[one]) for one, hours in rows.items()}


def orders_of(
    session: Session, organisation_id: int, *, states: Sequence[str] = (), before: int | None = None, limit: int | None = None
) -> list[OrderRow]:
    """Return the orders in which an organisation is a party, the newest first: of the given states, older than the id `before`, at most `limit`."""
    values = {"organisation": organisation_id, "states": list(states) or None, "before": before, "limit": limit}
    return [_row(found) for found in session.execute(text(_ORDERS), values).mappings()]


def order_of(session: Session, actor: Actor, order_id: int) -> OrderPage:
    """Return one order for a party, or for an officer of the region that pays its voucher or decides about it; `NotFound` for everybody else."""
    found = session.execute(text(_PAGE), {"order": order_id}).mappings().one_or_none()
    if found is None or not _may_see(actor, found):
        raise NotFound
    plain = {name: found[name] for name in OrderPage.__annotations__ if name not in ("row", "clauses", "documents", "steps")}
    documents = tuple(DocumentRow(**{**one, "issued_on": date.fromisoformat(one["issued_on"])}) for one in found["documents"])
    steps = tuple(StepRow(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in found["steps"])
    return OrderPage(row=_row(found), clauses=tuple(found["clauses"]), documents=documents, steps=steps, **plain)


def shares_of(session: Session, order_id: int) -> list[ShareRow]:
    """Return what co-funders pay of an order, in the order of their shares."""
    return [ShareRow(**row) for row in session.execute(text(_SHARES), {"order": order_id}).mappings()]


def overdue(session: Session) -> list[int]:
    """Return the ids of the offers that nobody answered in time and of the orders whose hold came to its end, the oldest first."""
    return list(session.scalars(text(_OVERDUE), {"now": clock.now(session), "today": clock.today(session)}))


def voided(session: Session) -> list[int]:
    """Return the ids of the orders whose voucher was voided before anything was delivered."""
    query = """SELECT o.id FROM orders o JOIN hold h ON h.reference = 'order:' || o.id AND h.state = 'void'
               WHERE o.state IN ('offered', 'countered', 'contracted') ORDER BY o.id"""
    return list(session.scalars(text(query)))


def _may_see(actor: Actor, found: Mapping[Any, Any]) -> bool:
    if actor.role in _OFFICERS:
        home = found["funder"] or (found["home"] if found["disputed"] else None)
        return actor.region is not None and home is not None and is_within(home, actor.region)
    parties = {("enterprise", found["enterprise_id"] if found["state"] != "draft" else None), ("carrier", found["carrier_id"])}
    return actor.role == "system" or (actor.role, actor.organisation_id) in parties


def _row(found: Mapping[Any, Any]) -> OrderRow:
    return OrderRow(**{name: found[name] for name in OrderRow.__annotations__})


_SHARES = """
SELECT s.id, r.name_zh AS funder, r.name_en AS funder_en, s.policy, s.amount, s.used, s.state, c.code AS claim_code, c.state AS claim_state
FROM share s JOIN hold h ON h.id = s.hold_id JOIN region r ON r.adcode = s.funder LEFT JOIN claim c ON c.share_id = s.id
WHERE h.reference = 'order:' || CAST(:order AS bigint) AND h.state <> 'released' ORDER BY s.id
"""

_OVERDUE = """
SELECT id FROM (
    SELECT id, answer_by AS due FROM orders WHERE state IN ('draft', 'offered', 'countered') AND answer_by < :now
    UNION ALL
    SELECT o.id, h.ends_on::timestamptz FROM hold h JOIN orders o ON h.reference = 'order:' || o.id
    WHERE h.state = 'held' AND h.ends_on < :today AND o.state IN ('contracted', 'delivered', 'disputed')) d ORDER BY due, id
"""

_TAKEN = f"""
SELECT instrument_id, lower(span), upper(span) FROM booking
WHERE instrument_id = ANY(CAST(:instruments AS bigint[])) AND span && tstzrange(:start, :end) AND state IN {LIVE!r}
ORDER BY instrument_id, span
"""

_COLUMNS = """
o.id, o.code, o.state, o.enterprise_id, e.name_zh AS enterprise, o.carrier_id, c.name_zh AS carrier, o.instrument_id, i.name AS instrument,
o.service_code, s.name_zh AS service, s.name_en AS service_en, o.price, o.voucher_part, o.share_part, o.own_part,
lower(b.span) AS start, upper(b.span) AS "end",
b.state AS booking_state, o.answer_by, o.report_on, o.created_at, o.is_sample
"""

_FROM = """
FROM orders o JOIN organisation e ON e.id = o.enterprise_id JOIN organisation c ON c.id = o.carrier_id JOIN instrument i ON i.id = o.instrument_id
JOIN service s ON s.code = o.service_code
JOIN booking b ON b.order_id = o.id AND NOT EXISTS (SELECT FROM booking z WHERE z.order_id = o.id AND z.id > b.id)
"""

_ORDERS = f"""
SELECT {_COLUMNS} {_FROM} WHERE (o.enterprise_id = :organisation AND o.state <> 'draft' OR o.carrier_id = :organisation)
AND (CAST(:states AS text[]) IS NULL OR o.state = ANY(:states)) AND (CAST(:before AS bigint) IS NULL OR o.id < :before)
ORDER BY o.id DESC LIMIT :limit
"""

_PAGE = f"""
SELECT {_COLUMNS}, o.need, o.clauses, o.contract_date, coalesce(l.notice_hours, 0) AS notice_hours,
       o.voucher_id, v.code AS voucher_code, p.policy, p.title AS policy_title, p.funder, p.body ->> 'payee' AS payee,
       e.adcode AS home, EXISTS (SELECT FROM audit d WHERE d.subject = 'orders' AND d.subject_id = o.id AND d.event = 'dispute') AS disputed,
       h.id AS hold_id, h.state AS hold_state, h.used AS hold_used, h.ends_on AS hold_ends_on,
       EXISTS (SELECT FROM claim q WHERE q.hold_id = h.id AND q.state = 'draft') AS returned,
       k.id AS claim_id, k.code AS claim_code, k.state AS claim_state, k.amount AS claim_amount,
       coalesce((SELECT json_agg(json_build_object('kind', x.kind, 'number', x.number, 'issued_on', x.issued_on, 'organisation_id', x.organisation_id)
                                 ORDER BY x.id) FROM evidence x WHERE x.reference = 'order:' || o.id), '[]') AS documents,
       coalesce((SELECT json_agg(json_build_object('at', a.at, 'event', a.event, 'role', a.role, 'organisation', g.name_zh, 'after', a.after,
                                                   'reason', a.reason) ORDER BY a.id)
                 FROM audit a LEFT JOIN organisation g ON g.id = a.organisation_id WHERE a.subject = 'orders' AND a.subject_id = o.id), '[]') AS steps
{_FROM}
LEFT JOIN listing l ON l.instrument_id = o.instrument_id AND l.service_code = o.service_code
LEFT JOIN voucher v ON v.id = o.voucher_id LEFT JOIN policy_version p ON p.id = o.policy_version_id
LEFT JOIN hold h ON h.voucher_id = o.voucher_id AND h.reference = 'order:' || o.id
     AND NOT EXISTS (SELECT FROM hold z WHERE z.reference = h.reference AND z.voucher_id = h.voucher_id AND z.id > h.id)
LEFT JOIN claim k ON k.hold_id = h.id AND k.share_id IS NULL
WHERE o.id = :order
"""
