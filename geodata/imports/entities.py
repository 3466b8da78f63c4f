"""What is kept of an import: the batch with its file as a table until it is imported, its rows with the old values, and remembered columns."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created


class ImportBatch(Base):
    """One file of one carrier. `content` is the packed table of a draft; `settings` what was chosen for it; `report` what came of it."""

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint("state IN ('draft','imported','undone')", name="state"),
        CheckConstraint("created >= 0 AND changed >= 0 AND unchanged >= 0 AND refused >= 0", name="counts"),
        UniqueConstraint("organisation_id", "request_id"),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    file_name: Mapped[str]
    file_kind: Mapped[str]
    digest: Mapped[str]
    rows: Mapped[int]
    created: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    request_id: Mapped[str | None]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    is_sample: Mapped[bool]
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    imported_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ImportRow(Base):
    """What an import did with one row: `before` and `after` hold what it changed of the instrument and of its listing."""

    __tablename__ = "import_row"
    __table_args__ = (
        CheckConstraint("action IN ('created','changed')", name="action"),
        Index("ix_import_row_instrument_id", "instrument_id"),
    )
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str]
    instrument_id: Mapped[int] = mapped_column(BigInteger)
    listing_id: Mapped[int | None] = mapped_column(BigInteger)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ImportColumn(Base):
    """What a carrier's column was said to mean; `heading` is the header in plain small letters, `field` one of ours, "" to leave it out."""

    __tablename__ = "import_column"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    heading: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str]
    at: Mapped[Created]


BATCH: Final = (
    Arrow("draft", "import", "imported", ("carrier", "system")),
    Arrow("imported", "undo", "undone", ("carrier", "system")),
)
