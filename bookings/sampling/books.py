"""Collects the rows of the money path in memory and writes them in one go, for a history of thousands of services.

What a verb of `vouchers` or `bookings` does in a dozen statements is here a dozen rows, column by column the same; a test runs both side by
side. The ledger alone stays the ledger's: every transfer goes through ``ledger_post``, in the order in which it happened.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.entities import Booking, Order
from core.actor import Actor
from core.audit import Arrow, Audit
from core.clock import business_date
from core.db import Base
from geodata.loading import copy_rows, take_ids
from vouchers.entities import Application, Claim, Evidence, Hold, Payout, Voucher
from vouchers.ledger import Move
from vouchers.policy import Budget
from vouchers.requests import Request

Row = dict[str, Any]

ORDER_OF_WRITING: Final[tuple[type[Base], ...]] = (
    Request,
    Audit,
    Budget,
    Application,
    Voucher,
    Order,
    Booking,
    Hold,
    Evidence,
    Payout,
    Claim,
)
"""Rows that are named come before those that name them."""

_SHEET: Final = 400
"""Transfers posted in one statement."""


@dataclass
class Books:
    """The rows so far, by table, and the transfers in order; ids are drawn from the tables' own sequences."""

    session: Session
    rows: dict[type[Base], list[Row]] = field(default_factory=lambda: defaultdict(list))
    transfers: list[Row] = field(default_factory=list)
    serial: int = 0
    _free: dict[type[Base], list[int]] = field(default_factory=dict)

    def new_id(self, entity: type[Base]) -> int:
        """Draw the next id of a table."""
        free = self._free.get(entity)
        if not free:
            free = self._free[entity] = take_ids(self.session, entity, 2_000)[::-1]
        return free.pop()


@dataclass(frozen=True)
class Now:
    """The books at an instant."""

    books: Books
    at: datetime


@dataclass(frozen=True)
class Act:
    """One verb being done: by whom, when, under which request id (unique over all actors)."""

    books: Books
    actor: Actor
    at: datetime
    request: str
    taken: Row

    @property
    def now(self) -> Now:
        """The same books at the same instant, for a verb inside this one."""
        return Now(self.books, self.at)

    def answer(self, key: int) -> None:
        """Note the id of the row that the verb made."""
        self.taken["answer"] = key


def begin(now: Now, actor: Actor, *, verb: str, content: Mapping[str, Any], key: str = "") -> Act:
    """Take a request as `vouchers.requests.once` does; without a key it gets a serial one."""
    books, at = now.books, now.at
    books.serial += 1
    key = key or f"sample/{verb}/{books.serial}"
    who = f"{actor.role}:{actor.user_id or 0}"
    print_ = sha256(json.dumps([verb, actor.organisation_id, dict(content)], sort_keys=True, default=str).encode()).hexdigest()
    taken = {"id": books.new_id(Request), "who": who, "key": key, "content": print_, "answer": None, "at": at, "verb": verb}
    books.rows[Request].append(taken)
    return Act(books, actor, at, f"{who}:{key}", taken)


def record(act: Act, subject: str, key: int, event: str, *, actor: Actor | None = None, **more: Any) -> int:
    """Write one audit record as `core.audit.record` does and return its id."""
    who, books = actor or act.actor, act.books
    row: Row = {"id": books.new_id(Audit), "at": act.at, "user_id": who.user_id, "organisation_id": who.organisation_id, "role": who.role}
    plain: Row = {"before": "", "after": "", "reason": "", "policy_version_id": None, "request_id": act.request, "detail": {}}
    books.rows[Audit].append({**row, "subject": subject, "subject_id": key, "event": event, **plain, **more})
    found: int = row["id"]
    return found


def born(act: Act, entity: type[Base], row: Row, event: str, **more: Any) -> int:
    """Keep a new row in its first state and write the record of it, as `core.audit.born` does."""
    row.setdefault("row_version", 0)
    act.books.rows[entity].append(row)
    return record(act, entity.__tablename__, row["id"], event, after=row["state"], **more)


def move(act: Act, entity: type[Base], row: Row, arrows: tuple[Arrow, ...], event: str, **more: Any) -> int:
    """Take a row along the arrow of `event`, as `core.audit.move` does; a story that steps off the state table ends with an error."""
    who: Actor = more.get("actor") or act.actor
    arrow = next(a for a in arrows if (a.state, a.event) == (row["state"], event) and who.role in a.roles)
    before, row["state"], row["row_version"] = row["state"], arrow.next, row["row_version"] + 1
    return record(act, entity.__tablename__, row["id"], event, before=before, after=arrow.next, **more)


def post(act: Act, moves: Sequence[Move], *, kind: str, audit_id: int, request: str = "") -> None:
    """Note one transfer; it is posted by `write`."""
    sides = {"sources": [m.source for m in moves], "destinations": [m.destination for m in moves], "amounts": [m.amount for m in moves]}
    when = {"at": act.at.isoformat(), "date": business_date(act.at).isoformat()}
    act.books.transfers.append({"n": len(act.books.transfers), "request": request or act.request, "kind": kind, **when, "audit": audit_id, **sides})


def write(books: Books) -> None:
    """Write all rows, then post all transfers in order."""
    for entity in ORDER_OF_WRITING:
        copy_rows(books.session, entity, books.rows[entity])
    for start in range(0, len(books.transfers), _SHEET):
        # Plans made while the accounts were few read the whole table for every posting: let them be made anew as it grows.
        books.session.execute(text("DISCARD PLANS"))
        books.session.execute(text(_POST), {"transfers": json.dumps(books.transfers[start : start + _SHEET])})


_POST = """
SELECT count(ledger_post(request, kind, at, date, audit, ARRAY(SELECT jsonb_array_elements_text(sources)),
    ARRAY(SELECT jsonb_array_elements_text(destinations)), ARRAY(SELECT jsonb_array_elements(amounts)::bigint)))
FROM (SELECT * FROM jsonb_to_recordset(CAST(:transfers AS jsonb))
      AS t(n int, request text, kind text, at timestamptz, date date, audit bigint, sources jsonb, destinations jsonb, amounts jsonb) ORDER BY n) t
"""
