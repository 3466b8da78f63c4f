"""The papers of the money path: application, voucher, hold, evidence, claim, payout, and the table of states of each.

Amounts of a voucher are not columns: they stand on the ledger and are read from the view ``voucher_balance``.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created, Fen, Instant


class Application(Base):
    """A holder asks for a voucher of `amount` fen under one policy version; the money is reserved while it is reviewed."""

    __tablename__ = "application"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"), Index(None, "state", "policy_version_id"))
    id: Mapped[BigId]
    holder_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    budget_id: Mapped[int] = mapped_column(ForeignKey("budget.id"))
    amount: Mapped[Fen]
    purpose: Mapped[str]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    reviewer_id: Mapped[int | None]
    is_sample: Mapped[bool] = mapped_column(default=False)


class Voucher(Base):
    """A token of `face` fen for listed services, not cash, not transferable; `expires_use` and `expires_redeem` are the last good dates."""

    __tablename__ = "voucher"
    __table_args__ = (CheckConstraint("face > 0", name="face"), CheckConstraint("expires_redeem >= expires_use", name="dates"))
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    budget_id: Mapped[int] = mapped_column(ForeignKey("budget.id"))
    face: Mapped[Fen]
    issued_on: Mapped[date]
    expires_use: Mapped[date]
    expires_redeem: Mapped[date]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    is_sample: Mapped[bool] = mapped_column(default=False)


class Hold(Base):
    """`amount` fen of a voucher frozen for `reference`, an opaque name of what is bought; `used` is what was kept of it in the end."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("used >= 0 AND used <= amount", name="used"),
        CheckConstraint("(state = 'used') = (used > 0)", name="state_used"),
        Index("uq_hold_reference_live", "reference", unique=True, postgresql_where=sql("state <> 'released'")),
    )
    id: Mapped[BigId]
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"), index=True)
    reference: Mapped[str]
    amount: Mapped[Fen]
    used: Mapped[Fen] = mapped_column(default=0)
    year: Mapped[int]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]


class Evidence(Base):
    """A document that proves a step of `reference`, by kind and number; one number of a kind proves one thing only."""

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("kind", "number"),
        CheckConstraint("number <> ''", name="number"),
        Index(None, "reference"),
        Index("uq_evidence_number_plain", "kind", sql(r"upper(regexp_replace(number, '[-_./\s]', '', 'g'))"), unique=True),
    )
    id: Mapped[BigId]
    reference: Mapped[str]
    kind: Mapped[str]
    number: Mapped[str]
    issued_on: Mapped[date]
    added_by: Mapped[int | None]
    organisation_id: Mapped[int | None]
    created_at: Mapped[Created]


class Payout(Base):
    """The treasury paid: by which bank reference, on which business date, to whom."""

    __tablename__ = "payout"
    id: Mapped[BigId]
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    payee_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    amount: Mapped[Fen]
    bank_reference: Mapped[str] = mapped_column(unique=True)
    paid_on: Mapped[date]
    created_at: Mapped[Created]
    created_by: Mapped[int | None]


class Claim(Base):
    """The payee asks for the money of a used hold. Reviewer, approver and payer are three different persons."""

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("reviewer_id <> approver_id", name="reviewer_approver"),
        CheckConstraint("reviewer_id <> payer_id", name="reviewer_payer"),
        CheckConstraint("approver_id <> payer_id", name="approver_payer"),
        CheckConstraint("(state = 'paid') = (payout_id IS NOT NULL)", name="paid"),
        Index(None, "state", "funder"),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    hold_id: Mapped[int] = mapped_column(ForeignKey("hold.id"), unique=True)
    payee_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    amount: Mapped[Fen]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    reviewer_id: Mapped[int | None]
    approver_id: Mapped[int | None]
    payer_id: Mapped[int | None]
    payout_id: Mapped[int | None] = mapped_column(ForeignKey("payout.id"), unique=True)
    paid_at: Mapped[Instant | None]


APPLICATION = (
    Arrow("county_review", "return", "draft", ("reviewer",)),
    Arrow("county_review", "refuse", "refused", ("reviewer",)),
    Arrow("county_review", "pass", "approved", ("reviewer",)),
    Arrow("draft", "submit", "county_review", ("enterprise",)),
    Arrow("draft", "withdraw", "withdrawn", ("enterprise",)),
    Arrow("county_review", "withdraw", "withdrawn", ("enterprise",)),
    Arrow("approved", "issue", "issued", ("system",)),
)
VOUCHER = (
    Arrow("active", "expire_use", "expired", ("system",)),
    Arrow("expired", "expire_redeem", "closed", ("system",)),
    Arrow("active", "freeze", "frozen", ("auditor",)),
    Arrow("frozen", "unfreeze", "active", ("auditor",)),
)
HOLD = (
    Arrow("held", "use", "used", ("enterprise", "system")),
    Arrow("held", "release", "released", ("enterprise", "carrier", "system")),
)
CLAIM = (
    Arrow("submitted", "check_ok", "verified", ("reviewer",)),
    Arrow("submitted", "return", "draft", ("reviewer",)),
    Arrow("submitted", "refuse", "refused", ("reviewer",)),
    Arrow("draft", "submit", "submitted", ("enterprise", "carrier")),
    Arrow("verified", "approve", "approved", ("finance",)),
    Arrow("approved", "pay", "paid", ("finance",)),
)
