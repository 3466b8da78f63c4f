"""Papers of joining: the enrolment of an enterprise or team, the admission of a carrier, its accreditations, the documents that prove them.

An organisation without such a paper came with the base data and counts as checked. Contacts are personal: they stand here and in no audit record.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created, Instant

MEANS: Final = ("documents",)
"""How an applicant proves who it is. A log-in of the government's identity service takes its place here."""

ENROLMENT: Final = (
    Arrow("draft", "submit", "submitted", ("enterprise",)),
    Arrow("returned", "submit", "submitted", ("enterprise",)),
    Arrow("submitted", "check", "checked", ("reviewer",)),
    Arrow("submitted", "return", "returned", ("reviewer",)),
    Arrow("submitted", "refuse", "refused", ("reviewer",)),
)
CARRIER: Final = (
    Arrow("draft", "submit", "submitted", ("carrier",)),
    Arrow("returned", "submit", "submitted", ("carrier",)),
    Arrow("submitted", "check", "checked", ("reviewer",)),
    Arrow("submitted", "return", "returned", ("reviewer",)),
    Arrow("submitted", "refuse", "refused", ("reviewer",)),
    Arrow("checked", "publish", "noticed", ("system",)),
    Arrow("noticed", "open", "open", ("system",)),
    Arrow("noticed", "stop", "refused", ("system",)),
    Arrow("open", "suspend", "suspended", ("reviewer", "system")),
    Arrow("suspended", "resume", "open", ("reviewer", "system")),
    *(Arrow(state, "withdraw", "withdrawn", ("carrier",)) for state in ("draft", "returned", "submitted", "noticed", "open", "suspended")),
)
ACCREDITATION: Final = (
    Arrow("submitted", "check", "checked", ("reviewer",)),
    Arrow("submitted", "refuse", "refused", ("reviewer",)),
)


class Enrolment(Base):
    """An enterprise or a founder team asks its county to be let in. `answer` is what the officer wrote; the applicant sees it."""

    __tablename__ = "enrolment"
    __table_args__ = (
        CheckConstraint("state IN ('draft','submitted','returned','checked','refused')", name="state"),
        CheckConstraint("means IN ('documents')", name="means"),
        Index(None, "state", "submitted_at"),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), unique=True)
    state: Mapped[str] = mapped_column(default="draft")
    row_version: Mapped[int] = mapped_column(default=0)
    means: Mapped[str] = mapped_column(default="documents")
    contact_name: Mapped[str]
    contact_phone: Mapped[str]
    answer: Mapped[str] = mapped_column(default="")
    reviewer_id: Mapped[int | None]
    submitted_at: Mapped[Instant | None]
    created_by: Mapped[int | None]
    created_at: Mapped[Created]
    is_sample: Mapped[bool] = mapped_column(default=False)


class CarrierEntry(Base):
    """A carrier asks to be admitted, stands in public notice, opens. `suspended_for`: '', 'accreditation' (ends by itself) or 'officer'."""

    __tablename__ = "carrier_entry"
    __table_args__ = (
        CheckConstraint("state IN ('draft','submitted','returned','checked','refused','noticed','open','suspended','withdrawn')", name="state"),
        CheckConstraint("means IN ('documents')", name="means"),
        CheckConstraint("suspended_for IN ('','accreditation','officer') AND (suspended_for <> '') = (state = 'suspended')", name="suspended_for"),
        Index(None, "state", "submitted_at"),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), unique=True)
    state: Mapped[str] = mapped_column(default="draft")
    row_version: Mapped[int] = mapped_column(default=0)
    means: Mapped[str] = mapped_column(default="documents")
    contact_name: Mapped[str]
    contact_phone: Mapped[str]
    answer: Mapped[str] = mapped_column(default="")
    suspended_for: Mapped[str] = mapped_column(default="")
    reviewer_id: Mapped[int | None]
    submitted_at: Mapped[Instant | None]
    created_by: Mapped[int | None]
    created_at: Mapped[Created]
    is_sample: Mapped[bool] = mapped_column(default=False)


Entry = Enrolment | CarrierEntry


class Accreditation(Base):
    """A qualification of a carrier, by kind and number, good to the end of `expires_on` (business date) once an officer has checked it."""

    __tablename__ = "accreditation"
    __table_args__ = (
        CheckConstraint("state IN ('submitted','checked','refused')", name="state"),
        UniqueConstraint("organisation_id", "kind", "number", "expires_on"),
        Index("uq_accreditation_checked", "kind", "number", "expires_on", unique=True, postgresql_where=sql("state = 'checked'")),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]
    number: Mapped[str]
    expires_on: Mapped[date]
    state: Mapped[str] = mapped_column(default="submitted")
    row_version: Mapped[int] = mapped_column(default=0)
    reviewer_id: Mapped[int | None]
    created_by: Mapped[int | None]
    created_at: Mapped[Created]
    is_sample: Mapped[bool] = mapped_column(default=False)


class PartyDocument(Base):
    """A document by which an organisation proves who it is: kind, number, date of issue; `file_sha` once the file itself was handed in."""

    __tablename__ = "party_document"
    __table_args__ = (
        UniqueConstraint("organisation_id", "kind", "number"),
        CheckConstraint("file_sha IS NULL OR file_sha ~ '^[0-9a-f]{64}$'", name="file_sha"),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]
    number: Mapped[str]
    issued_on: Mapped[date]
    file_sha: Mapped[str | None]
    created_by: Mapped[int | None]
    created_at: Mapped[Created]


class InstrumentPause(Base):
    """An instrument that is closed because its carrier is not open (yet, or for now): it opens again with the carrier. Kept by triggers too."""

    __tablename__ = "instrument_pause"
    instrument_id: Mapped[int] = mapped_column(ForeignKey("instrument.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
