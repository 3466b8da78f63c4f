"""The papers of the money path: application, voucher, hold, evidence, claim, payout, and the table of states of each.

Amounts of a voucher are not columns: they stand on the ledger and are read from the view ``voucher_balance``.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created, Fen, Instant


class Application(Base):
    """A holder asks for a voucher of `amount` fen under one policy version; the money is reserved while it is reviewed, and not while it waits.

    `desk` is the region whose officer decides next. Contract first: `contract_value` fen are what was ruled on, and the voucher is bound to
    `bound_reference`. While the budget is short it stands in the queue from `queued_at`.
    """

    __tablename__ = "application"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("reviewer_id <> city_reviewer_id", name="two_reviewers"),
        Index(None, "state", "policy_version_id"),
        Index(None, "desk", "state"),
        Index(None, "budget_id", "queued_at", "id"),
        Index(
            "uq_application_bound_live",
            "bound_reference",
            unique=True,
            postgresql_where=sql("bound_reference IS NOT NULL AND state NOT IN ('refused', 'withdrawn')"),
        ),
    )
    id: Mapped[BigId]
    holder_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    budget_id: Mapped[int] = mapped_column(ForeignKey("budget.id"))
    desk: Mapped[str] = mapped_column(CHAR(6))
    amount: Mapped[Fen]
    purpose: Mapped[str]
    bound_reference: Mapped[str | None]
    contract_name: Mapped[str | None]
    contract_number: Mapped[str | None]
    contract_value: Mapped[Fen | None]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    reviewer_id: Mapped[int | None]
    city_reviewer_id: Mapped[int | None]
    queued_at: Mapped[Instant | None]
    is_sample: Mapped[bool] = mapped_column(default=False)


class Voucher(Base):
    """A token of `face` fen for listed services, not cash, not transferable; `expires_use` and `expires_redeem` are the last good dates."""

    __tablename__ = "voucher"
    __table_args__ = (
        CheckConstraint("face > 0", name="face"),
        CheckConstraint("expires_redeem >= expires_use", name="dates"),
        CheckConstraint("(state = 'frozen') = (frozen_from IS NOT NULL)", name="frozen_from"),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    budget_id: Mapped[int] = mapped_column(ForeignKey("budget.id"))
    bound_reference: Mapped[str | None]
    """What alone it may buy, when it was applied for with a contract."""
    face: Mapped[Fen]
    issued_on: Mapped[date]
    expires_use: Mapped[date]
    expires_redeem: Mapped[date]
    state: Mapped[str]
    frozen_from: Mapped[str | None]
    """The state before it was frozen, to which it returns."""
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    is_sample: Mapped[bool] = mapped_column(default=False)


class Hold(Base):
    """`amount` fen of a voucher frozen for `reference`, an opaque name of what is bought; `used` is what was kept of it in the end.

    Ruled by the policy version `policy_version_id`; `ends_on` is the last business date on which it may stand, also past the voucher's last day.
    """

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("used >= 0 AND used <= amount", name="used"),
        CheckConstraint("CASE WHEN state IN ('held', 'released') THEN used = 0 ELSE used > 0 OR state = 'void' END", name="state_used"),
        Index("ix_hold_ends_on_open", "ends_on", postgresql_where=sql("state = 'held'")),
        Index("uq_hold_reference_live", "reference", unique=True, postgresql_where=sql("state <> 'released'")),
    )
    id: Mapped[BigId]
    voucher_id: Mapped[int] = mapped_column(ForeignKey("voucher.id"), index=True)
    reference: Mapped[str]
    amount: Mapped[Fen]
    used: Mapped[Fen] = mapped_column(default=0)
    year: Mapped[int]
    policy_version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id"))
    ends_on: Mapped[date]
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
        Index("uq_evidence_file_id", "file_id", unique=True, postgresql_where=sql("file_id IS NOT NULL")),
    )
    id: Mapped[BigId]
    reference: Mapped[str]
    kind: Mapped[str]
    number: Mapped[str]
    issued_on: Mapped[date]
    file_id: Mapped[int | None] = mapped_column(ForeignKey("evidence_file.id"))
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
    """A payee asks one payer for the money of a used hold: its voucher's, or with `share_id` that of a co-funder. The payer releases the money.

    Reviewer, approver and payer are three different persons.
    """

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("reviewer_id <> approver_id", name="reviewer_approver"),
        CheckConstraint("reviewer_id <> payer_id", name="reviewer_payer"),
        CheckConstraint("approver_id <> payer_id", name="approver_payer"),
        CheckConstraint("(state IN ('paid', 'recovering', 'recovered')) = (payout_id IS NOT NULL)", name="paid"),
        Index(None, "state", "funder"),
        Index("uq_claim_payer", "hold_id", "share_id", unique=True, postgresql_nulls_not_distinct=True),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    hold_id: Mapped[int] = mapped_column(ForeignKey("hold.id"))
    share_id: Mapped[int | None] = mapped_column(ForeignKey("share.id"), index=True)
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
    Arrow("county_review", "pass_up", "city_review", ("reviewer",)),
    Arrow("city_review", "recall", "county_review", ("reviewer",)),
    Arrow("city_review", "return", "draft", ("reviewer",)),
    Arrow("city_review", "refuse", "refused", ("reviewer",)),
    Arrow("city_review", "pass", "approved", ("reviewer",)),
    Arrow("draft", "submit", "county_review", ("enterprise",)),
    Arrow("draft", "queue", "waitlisted", ("enterprise",)),
    Arrow("waitlisted", "serve", "county_review", ("system",)),
    Arrow("waitlisted", "move", "waitlisted", ("system",)),
    Arrow("waitlisted", "budget_closed", "draft", ("system",)),
    *(Arrow(state, "withdraw", "withdrawn", ("enterprise",)) for state in ("draft", "waitlisted", "county_review", "city_review", "approved")),
    Arrow("approved", "objection", "refused", ("system",)),
    Arrow("approved", "issue", "issued", ("system",)),
)
"""Passing goes up ("pass_up") where the policy has a second review; `queue` is a submission that finds the budget short or others waiting."""
BUDGET = (
    Arrow("planned", "adopt", "adopted", ("finance", "system")),
    *(Arrow(state, "revise", "revised", ("finance", "system")) for state in ("adopted", "revised")),
    *(Arrow(state, "stripe", state, ("finance", "system")) for state in ("adopted", "revised")),
    *(Arrow(state, "close", "closed", ("finance", "system")) for state in ("adopted", "revised")),
    *(Arrow(state, "sweep", state, ("finance", "system")) for state in ("adopted", "revised", "closed")),
    Arrow("planned", "drop", "closed", ("finance", "system")),
)
VOUCHER = (
    Arrow("active", "expire_use", "expired", ("system",)),
    Arrow("active", "close", "closed", ("system",)),
    Arrow("expired", "close", "closed", ("system",)),
    Arrow("expired", "expire_redeem", "closed", ("system",)),
    Arrow("active", "freeze", "frozen", ("auditor",)),
    Arrow("expired", "freeze", "frozen", ("auditor",)),
    Arrow("frozen", "unfreeze", "active", ("auditor",)),
    Arrow("frozen", "unfreeze", "expired", ("auditor",)),
    Arrow("frozen", "void", "void", ("reviewer",)),
)
HOLD = (
    Arrow("held", "use", "used", ("enterprise", "reviewer")),
    Arrow("held", "release", "released", ("enterprise", "carrier", "reviewer", "system")),
    Arrow("held", "void", "void", ("reviewer",)),
    Arrow("used", "void", "void", ("reviewer",)),
    Arrow("used", "lapse", "lapsed", ("system",)),
)
CLAIM = (
    Arrow("submitted", "check_ok", "verified", ("reviewer",)),
    Arrow("submitted", "return", "draft", ("reviewer",)),
    Arrow("submitted", "refuse", "refused", ("reviewer",)),
    Arrow("draft", "submit", "submitted", ("enterprise", "carrier")),
    Arrow("verified", "approve", "approved", ("finance",)),
    Arrow("approved", "add_to_batch", "batched", ("finance",)),
    Arrow("batched", "take_out", "approved", ("finance",)),
    Arrow("batched", "pay", "paid", ("finance",)),
    Arrow("batched", "fail", "approved", ("finance",)),
    Arrow("paid", "recover", "recovering", ("finance", "reviewer")),
    Arrow("recovering", "money_back", "recovered", ("finance",)),
    *(Arrow(state, "void", "refused", ("reviewer",)) for state in ("draft", "submitted", "verified", "checking", "approved")),
)
"""A claim that a check has chosen waits as `checking`; the events that lead there and back belong to the checks."""
