"""The ledger: postings from a source to a destination, append-only. Zero-sum by construction, overdraft forbidden by CHECK.

A transfer is posted by one call of the SQL function ``ledger_post``: it takes the request id once, locks the balance rows in id order, moves
the balances and writes the postings. Balance rows are lock and cache; the postings are the truth (view ``invariant_balance``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.db import Base, BigId, Created, Fen
from core.errors import N_, Invalid, Refused, RequestReused
from core.money import MAX_FEN, yuan
from vouchers.chart import KINDS, SOURCE


class Account(Base):
    """A balance row: what stands on one account, in fen. Locked for every posting; changed by ``ledger_post`` alone."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS!r}", name="kind"),
        CheckConstraint(f"kind = '{SOURCE}' OR balance >= 0", name="no_overdraft"),
        CheckConstraint("split_part(code, ':', 1) = kind", name="code"),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    balance: Mapped[Fen] = mapped_column(server_default="0")
    version: Mapped[Fen] = mapped_column(server_default="0")


class Transfer(Base):
    """One sentence of money: what happened, on which business date, under which request and audit record."""

    __tablename__ = "transfer"
    id: Mapped[BigId]
    request_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    business_date: Mapped[date]
    at: Mapped[Created]
    audit_id: Mapped[int] = mapped_column(ForeignKey("audit.id"), unique=True)
    content: Mapped[str]


class Posting(Base):
    """`amount` fen from source to destination; the balances and versions after it make each line explainable by itself."""

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("source_id <> destination_id", name="two_accounts"),
        Index(None, "source_id", "source_version", unique=True),
        Index(None, "destination_id", "destination_version", unique=True),
    )
    id: Mapped[BigId]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id"), index=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    destination_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    amount: Mapped[Fen]
    source_balance: Mapped[Fen]
    source_version: Mapped[Fen]
    destination_balance: Mapped[Fen]
    destination_version: Mapped[Fen]


@dataclass(frozen=True)
class Move:
    """`amount` fen, greater than zero, from the account code `source` to the account code `destination`."""

    source: str
    destination: str
    amount: int


_VALUES = "(:request_id, :kind, :at, :date, :audit_id, :sources, :destinations, :amounts)"
_POST = text(f"SELECT ledger_post{_VALUES}")
_ASK = text(f"SELECT made, said FROM ledger_ask{_VALUES}")
"""The same, but a refusal is an answer and no error: no savepoint is needed to go on after it."""


def post(session: Session, moves: Sequence[Move], *, kind: str, audit_id: int, request_id: str) -> int:
    """Post `moves` as one transfer and return its id; the same request id with the same moves returns the first transfer again.

    Raises `Refused("overdraft")` when an account would fall below zero, `RequestReused` when the id was used for another content, `Invalid`
    for an amount that is none.
    """
    for one in moves:
        check_amount(one.amount)
    values = dict(
        request_id=request_id,
        kind=kind,
        at=clock.now(session),
        date=clock.today(session),
        audit_id=audit_id,
        sources=[m.source for m in moves],
        destinations=[m.destination for m in moves],
        amounts=[m.amount for m in moves],
    )
    session.flush()
    made, said = session.connection().execute(_ASK, values).one()
    if said == "overdraft":
        raise Refused("overdraft", N_("余额不够。没有动任何钱；请刷新页面看最新余额。"))
    if said == "request_id":
        raise RequestReused
    if said:
        with session.begin_nested():
            session.execute(_POST, values)  # raises the database's own error, and the caller's transaction lives on
    found: int = made
    return found


def check_amount(amount: int) -> None:
    """Raise `Invalid("amount")` unless `amount` is a whole number of fen from 1 to `MAX_FEN`."""
    if type(amount) is not int or not 0 < amount <= MAX_FEN:
        raise Invalid("amount", N_("金额要大于零，并且不超过 ¥%(most)s。"), most=yuan(MAX_FEN))


def balance(session: Session, code: str) -> int:
    """Return what stands on the account `code`, in fen; 0 when nothing was ever posted there."""
    found: int | None = session.execute(text("SELECT balance FROM account WHERE code = :code"), {"code": code}).scalar()
    return found or 0


def violations(session: Session) -> list[dict[str, Any]]:
    """Return the rows of every view ``invariant_*``: an empty list is the proof that the books are sound."""
    names = session.scalars(text("SELECT viewname FROM pg_views WHERE schemaname = current_schema() AND viewname LIKE 'invariant\\_%' ORDER BY 1"))
    return [{"invariant": name, **row} for name in list(names) for row in session.execute(text(f"SELECT * FROM {name} LIMIT 20")).mappings()]
