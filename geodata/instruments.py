"""Instruments and what carriers open of them: classes, types, instruments, service kinds, listings.

The nearest instrument of a type comes from the composite GiST index (type_id, geom); `type_id` is compared as `integer`, its own width.
"""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created, Fen
from geodata.organisations import PRECISIONS

_SESSION = ("(hours #>> '{{{0},0,0}}')", "(hours #>> '{{{0},0,1}}')")
_DAY = "CASE WHEN length({0}) = 5 AND length({1}) = 5 AND {0} < {1} THEN {2} ELSE 0 END"
OPEN_DAYS = " + ".join(_DAY.format(*(part.format(day) for part in _SESSION), 1 << (day - 1)) for day in range(1, 8))
"""SQL of the weekdays whose first session reads "HH:MM" < "HH:MM", Monday as 1, Tuesday as 2, Wednesday as 4 …: that day can be booked."""


class InstrumentClass(Base):
    """One of the 12 + 77 classes of the national large-instrument scheme."""

    __tablename__ = "instrument_class"
    code: Mapped[str] = mapped_column(primary_key=True)
    parent: Mapped[str | None] = mapped_column(ForeignKey("instrument_class.code"))
    name_zh: Mapped[str]
    name_en: Mapped[str]
    source: Mapped[str]


class InstrumentType(Base):
    """A canonical kind of instrument: the vocabulary of matching."""

    __tablename__ = "instrument_type"
    id: Mapped[int] = mapped_column(primary_key=True)
    name_zh: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str]
    class_code: Mapped[str] = mapped_column(ForeignKey("instrument_class.code"), index=True)
    source: Mapped[str]


class Instrument(Base):
    """A set at a place. `hours`: weekday "1".."7" → [["09:00","12:00"], …] local time. `specs`: name → text as the maker writes it.

    `acquired`: when it was bought or put to use, as exact as it is known: 2019, 2019-05 or 2019-05-03.
    """

    __tablename__ = "instrument"
    __table_args__ = (
        CheckConstraint("status IN ('working','maintenance','retired')", name="status"),
        CheckConstraint(f"precision IN {PRECISIONS!r}", name="precision"),
        CheckConstraint("value IS NULL OR value >= 0", name="value"),
        Index("gix_instrument_open_type_geom", "type_id", "geom", postgresql_using="gist", postgresql_where=sql("is_open")),
        Index("gix_instrument_geom", "geom", postgresql_using="gist"),
        Index("ix_instrument_open_days", "open_days", postgresql_where=sql("is_open AND status = 'working'")),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"), index=True)
    type_id: Mapped[int | None] = mapped_column(ForeignKey("instrument_type.id"))
    name: Mapped[str]
    model: Mapped[str | None]
    maker: Mapped[str | None]
    serial: Mapped[str | None]
    acquired: Mapped[str | None]
    value: Mapped[int | None] = mapped_column(BigInteger)
    geom: Mapped[Any | None] = mapped_column(Geometry("POINT", 4326, spatial_index=False))
    precision: Mapped[str]
    source_crs: Mapped[str]
    adcode: Mapped[str | None] = mapped_column(ForeignKey("region.adcode"), index=True)
    status: Mapped[str]
    is_open: Mapped[bool]
    hours: Mapped[dict[str, Any]] = mapped_column(JSONB)
    open_days: Mapped[int] = mapped_column(Computed(OPEN_DAYS, persisted=True))
    specs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_sample: Mapped[bool]
    source: Mapped[str]


class Service(Base):
    """A kind of service that a voucher may buy, by code."""

    __tablename__ = "service"
    code: Mapped[str] = mapped_column(primary_key=True)
    parent: Mapped[str | None] = mapped_column(ForeignKey("service.code"))
    name_zh: Mapped[str]
    name_en: Mapped[str]
    source: Mapped[str]


class Listing(Base):
    """What a carrier opens to others on one instrument: service kind, price in fen per unit, days until the report, notice to cancel."""

    __tablename__ = "listing"
    __table_args__ = (
        CheckConstraint("price > 0", name="price"),
        CheckConstraint("unit IN ('sample','hour','job')", name="unit"),
        CheckConstraint("report_days BETWEEN 0 AND 90", name="report_days"),
        UniqueConstraint("instrument_id", "service_code"),
    )
    id: Mapped[BigId]
    instrument_id: Mapped[int] = mapped_column(ForeignKey("instrument.id"))
    service_code: Mapped[str] = mapped_column(ForeignKey("service.code"))
    price: Mapped[Fen]
    unit: Mapped[str]
    report_days: Mapped[int]
    notice_hours: Mapped[int]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]


LISTING = (
    Arrow("draft", "publish", "open", ("carrier",)),
    Arrow("open", "suspend", "suspended", ("carrier", "reviewer", "system")),
    Arrow("suspended", "reopen", "open", ("carrier",)),
    Arrow("open", "withdraw", "withdrawn", ("carrier",)),
    Arrow("suspended", "withdraw", "withdrawn", ("carrier",)),
)
