"""The papers of paying out: accounts of payees, settlement batches and their lines, statements of the bank, recoveries, and their states."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created, Fen


class BankAccount(Base):
    """Where an organisation wants its money: entered, then confirmed in a second step. A change is a new row; the older one is retired.

    `number` is shown by its last four figures everywhere but in the bank file.
    """

    __tablename__ = "bank_account"
    __table_args__ = (
        CheckConstraint("number ~ '^[0-9A-Z-]{5,40}$'", name="number"),
        CheckConstraint("bank <> '' AND name <> ''", name="named"),
        Index("uq_bank_account_active", "organisation_id", unique=True, postgresql_where=sql("state = 'active'")),
        Index("uq_bank_account_entered", "organisation_id", unique=True, postgresql_where=sql("state = 'entered'")),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    bank: Mapped[str]
    name: Mapped[str]
    number: Mapped[str]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    is_sample: Mapped[bool] = mapped_column(default=False)

    @property
    def masked(self) -> str:
        """Return the number as people may see it: its last four figures."""
        return masked(self.number)


class SettlementBatch(Base):
    """Claims of one funder that are paid together. Sum and hash are fixed when it is frozen; two persons release it, the second is `released_by`."""

    __tablename__ = "settlement_batch"
    __table_args__ = (
        CheckConstraint("(state IN ('open', 'cancelled') OR total > 0)", name="total"),
        CheckConstraint("(total IS NULL) = (sha256 IS NULL) AND (total IS NULL) = (lines IS NULL)", name="frozen"),
        CheckConstraint("signed_by <> released_by", name="two_persons"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        Index("uq_settlement_batch_open", "funder", unique=True, postgresql_where=sql("state = 'open'")),
        Index(None, "funder", "state"),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    opened_on: Mapped[date]
    state: Mapped[str]
    total: Mapped[Fen | None]
    lines: Mapped[int | None]
    sha256: Mapped[str | None]
    notice_id: Mapped[int | None]
    signed_by: Mapped[int | None]
    released_by: Mapped[int | None]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    is_sample: Mapped[bool] = mapped_column(default=False)


class BatchLine(Base):
    """One claim in a batch: `reference` is what the bank is told and gives back; a claim stands in one live line at most."""

    __tablename__ = "batch_line"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("(state = 'paid') = (payout_id IS NOT NULL)", name="paid"),
        Index("uq_batch_line_claim_live", "claim_id", unique=True, postgresql_where=sql("state IN ('listed', 'paid')")),
        Index(None, "batch_id"),
        Index(None, "claim_id"),
    )
    id: Mapped[BigId]
    batch_id: Mapped[int] = mapped_column(ForeignKey("settlement_batch.id"))
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"))
    reference: Mapped[str] = mapped_column(unique=True)
    payee_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("bank_account.id"))
    amount: Mapped[Fen]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    payout_id: Mapped[int | None] = mapped_column(ForeignKey("payout.id"), unique=True)
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]


class BankStatement(Base):
    """A file of the bank about one batch, known by its hash; the same file is taken once."""

    __tablename__ = "bank_statement"
    __table_args__ = (CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),)
    id: Mapped[BigId]
    batch_id: Mapped[int] = mapped_column(ForeignKey("settlement_batch.id"), index=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    filename: Mapped[str]
    encoding: Mapped[str]
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    is_sample: Mapped[bool] = mapped_column(default=False)


class StatementLine(Base):
    """One row of a statement as the bank wrote it, what was found about it, and the line of the batch that it speaks of, if any."""

    __tablename__ = "statement_line"
    __table_args__ = (UniqueConstraint("statement_id", "number"), Index(None, "batch_line_id"))
    id: Mapped[BigId]
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"))
    number: Mapped[int]
    reference: Mapped[str]
    amount: Mapped[Fen | None]
    outcome: Mapped[str]
    bank_reference: Mapped[str]
    paid_on: Mapped[date | None]
    reason: Mapped[str]
    finding: Mapped[str]
    batch_line_id: Mapped[int | None] = mapped_column(ForeignKey("batch_line.id"))


class Recovery(Base):
    """Money that was paid and is asked back: who decided why, and when and by which bank reference it came."""

    __tablename__ = "recovery"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("(state = 'recovered') = (bank_reference IS NOT NULL)", name="recovered"),
        CheckConstraint("decided_by <> received_by", name="two_persons"),
        Index(None, "funder", "state"),
    )
    id: Mapped[BigId]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"), unique=True)
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    amount: Mapped[Fen]
    reason: Mapped[str]
    state: Mapped[str]
    decided_by: Mapped[int | None]
    received_by: Mapped[int | None]
    bank_reference: Mapped[str | None] = mapped_column(unique=True)
    received_on: Mapped[date | None]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]


def masked(number: str) -> str:
    """Return an account number as people may see it: its last four signs."""
    return f"**** {number[-4:]}"


ACCOUNT = (
    Arrow("entered", "confirm", "active", ("enterprise", "carrier")),
    Arrow("entered", "discard", "discarded", ("enterprise", "carrier")),
    Arrow("active", "retire", "retired", ("enterprise", "carrier")),
)
BATCH = (
    Arrow("open", "add", "open", ("finance",)),
    Arrow("open", "take_out", "open", ("finance",)),
    Arrow("open", "freeze", "frozen", ("finance",)),
    Arrow("frozen", "notice", "noticed", ("finance",)),
    Arrow("noticed", "sign", "signed", ("finance",)),
    Arrow("signed", "authorise", "authorised", ("finance",)),
    Arrow("authorised", "send", "sent", ("finance",)),
    Arrow("sent", "confirm", "confirmed", ("finance",)),
    Arrow("sent", "confirm_partly", "partly_failed", ("finance",)),
    Arrow("confirmed", "close", "closed", ("finance",)),
    Arrow("partly_failed", "close", "closed", ("finance",)),
    Arrow("closed", "reconcile", "reconciled", ("finance",)),
    *(Arrow(state, "cancel", "cancelled", ("finance",)) for state in ("open", "frozen", "noticed", "signed", "authorised")),
)
LINE = (
    Arrow("listed", "take_out", "taken_out", ("finance",)),
    Arrow("listed", "pay", "paid", ("finance",)),
    Arrow("listed", "fail", "failed", ("finance",)),
)
RECOVERY = (Arrow("open", "money_back", "recovered", ("finance",)),)
