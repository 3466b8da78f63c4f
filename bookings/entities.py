"""Booking and order, and the table of states of each. Two live bookings of one instrument cannot overlap: the database forbids it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created, Fen, Instant

LIVE = ("requested", "confirmed", "in_use")
"""States in which a booking takes its slot."""


class Order(Base):
    """A service bought on a slot: price = voucher_part + share_part + own_part, fen; `clauses` is the ruling that decided, kept with the order.

    `voucher_part` is what the voucher's own funder pays, `share_part` what co-funders pay beside it; `attributes` is what the enterprise declared.
    The sums are agreed on while it is an offer and stay as they are in a contract; a trigger holds that.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("price > 0 AND voucher_part >= 0 AND share_part >= 0 AND own_part >= 0", name="amounts"),
        CheckConstraint("price = voucher_part + share_part + own_part", name="sum"),
        CheckConstraint("share_part = 0 OR voucher_part > 0", name="share"),
        CheckConstraint("(voucher_part > 0) = (voucher_id IS NOT NULL)", name="voucher"),
        CheckConstraint("enterprise_id <> carrier_id", name="parties"),
        Index(None, "enterprise_id", "id"),
        Index(None, "carrier_id", "id"),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    carrier_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    instrument_id: Mapped[int] = mapped_column(ForeignKey("instrument.id"), index=True)
    service_code: Mapped[str] = mapped_column(ForeignKey("service.code"))
    price: Mapped[Fen]
    voucher_part: Mapped[Fen]
    share_part: Mapped[Fen] = mapped_column(default=0, server_default="0")
    own_part: Mapped[Fen]
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("voucher.id"), index=True)
    policy_version_id: Mapped[int | None] = mapped_column(ForeignKey("policy_version.id"))
    clauses: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    attributes: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    contract_date: Mapped[date]
    answer_by: Mapped[Instant]
    report_on: Mapped[date]
    need: Mapped[str] = mapped_column(default="")
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    is_sample: Mapped[bool] = mapped_column(default=False)


class Booking(Base):
    """A slot of an instrument: half-open `span` of aware instants, live while requested, confirmed or in use."""

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name="span"),
        ExcludeConstraint(("instrument_id", "="), ("span", "&&"), where=f"state IN {LIVE!r}", using="gist", name="no_overlap"),
        Index(None, "order_id"),
        Index("uq_booking_order_id_live", "order_id", unique=True, postgresql_where=sql("state NOT IN ('cancelled', 'expired')")),
    )
    id: Mapped[BigId]
    instrument_id: Mapped[int] = mapped_column(ForeignKey("instrument.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    span: Mapped[Range[Any]] = mapped_column(TSTZRANGE)
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]


BOOKING = (
    Arrow("requested", "accept", "confirmed", ("enterprise", "carrier")),
    Arrow("requested", "cancel", "cancelled", ("enterprise", "carrier")),
    Arrow("requested", "timeout", "expired", ("system",)),
    Arrow("confirmed", "cancel", "cancelled", ("enterprise", "carrier")),
    Arrow("confirmed", "timeout", "expired", ("system",)),
    Arrow("confirmed", "done", "done", ("carrier",)),
)
ORDER = (
    Arrow("draft", "propose", "countered", ("carrier",)),
    Arrow("draft", "withdraw", "cancelled", ("carrier",)),
    Arrow("draft", "timeout", "cancelled", ("system",)),
    Arrow("offered", "accept", "contracted", ("carrier",)),
    Arrow("offered", "counter", "countered", ("carrier",)),
    Arrow("offered", "cancel", "cancelled", ("enterprise", "carrier")),
    Arrow("offered", "timeout", "cancelled", ("system",)),
    Arrow("offered", "void", "cancelled", ("system",)),
    Arrow("countered", "agree", "contracted", ("enterprise",)),
    Arrow("countered", "decline", "cancelled", ("enterprise",)),
    Arrow("countered", "withdraw", "cancelled", ("carrier",)),
    Arrow("countered", "timeout", "cancelled", ("system",)),
    Arrow("countered", "void", "cancelled", ("system",)),
    Arrow("contracted", "attach", "contracted", ("enterprise", "system")),
    Arrow("contracted", "cancel", "cancelled", ("enterprise", "carrier")),
    Arrow("contracted", "timeout", "cancelled", ("system",)),
    Arrow("contracted", "void", "cancelled", ("system",)),
    Arrow("contracted", "deliver", "delivered", ("carrier",)),
    Arrow("delivered", "confirm", "confirmed", ("enterprise",)),
    Arrow("delivered", "dispute", "disputed", ("enterprise",)),
    Arrow("delivered", "timeout", "cancelled", ("system",)),
    Arrow("disputed", "resolve", "confirmed", ("reviewer",)),
    Arrow("disputed", "resolve", "cancelled", ("reviewer",)),
    Arrow("disputed", "timeout", "cancelled", ("system",)),
    Arrow("confirmed", "pay_own_part", "settled", ("enterprise",)),
    Arrow("settled", "correct_report", "settled", ("carrier",)),
    Arrow("settled", "correct_invoice", "settled", ("enterprise",)),
    Arrow("settled", "correct_payment", "settled", ("enterprise",)),
)
