"""A need that a firm posts, its versions, whom it was shown to, what the bureau wrote; and the table of its states.

A need is shown to everybody, to chosen carriers, or to the bureau alone. What carriers answer stands in `bookings.answer_entities`. Where the firm
is, is its registered site: no position of a person is kept. What the text was taken to mean is frozen with each version.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created, Instant

VISIBILITY: Final = ("public", "chosen", "private")
STATES: Final = ("open", "answered", "picked", "withdrawn", "expired", "closed")
LIVE: Final = ("open", "answered")
"""States in which carriers may answer."""

CLOSING: Final = ("solved_elsewhere", "no_carrier", "not_a_service", "firm_gave_up")
"""Why an officer closes a need."""


class NeedPost(Base):
    """A posted need as it stands; budget in fen, `due` the business date of the report, `types` names of instrument types, best first.

    Carriers may answer until `answer_by`, the firm may pick until `ends_at`. `reason` says why an officer closed it.
    """

    __tablename__ = "need_post"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES!r}", name="state"),
        CheckConstraint(f"visibility IN {VISIBILITY!r}", name="visibility"),
        CheckConstraint(f"reason = '' AND state <> 'closed' OR reason IN {CLOSING!r} AND state = 'closed'", name="reason"),
        CheckConstraint("(state = 'picked') = (order_id IS NOT NULL)", name="order"),
        CheckConstraint("budget > 0 AND answer_hours > 0 AND answer_by <= ends_at AND length(text) BETWEEN 1 AND 10000", name="terms"),
        Index(None, "enterprise_id", "id"),
        Index("ix_need_post_live", "types", postgresql_using="gin", postgresql_where=sql(f"state IN {LIVE!r}")),
        Index("ix_need_post_ends_at", "ends_at", postgresql_where=sql(f"state IN {LIVE!r}")),
        Index(None, "region", "state"),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    region: Mapped[str | None] = mapped_column(ForeignKey("region.adcode"))
    state: Mapped[str]
    visibility: Mapped[str]
    version: Mapped[int]
    text: Mapped[str]
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    budget: Mapped[int | None] = mapped_column(BigInteger)
    due: Mapped[date | None]
    answer_hours: Mapped[int]
    answer_by: Mapped[Instant]
    ends_at: Mapped[Instant]
    posted_at: Mapped[Instant]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    reason: Mapped[str] = mapped_column(default="")
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    created_by: Mapped[int | None]
    is_sample: Mapped[bool] = mapped_column(default=False)


class NeedVersion(Base):
    """A need as it was worded once, and what was understood: types as [{type, score, why}], constraints as [{kind, value, text, …}]."""

    __tablename__ = "need_version"
    need_id: Mapped[int] = mapped_column(ForeignKey("need_post.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    understood: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    constraints: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    budget: Mapped[int | None] = mapped_column(BigInteger)
    due: Mapped[date | None]
    visibility: Mapped[str]
    answer_hours: Mapped[int]
    created_at: Mapped[Created]
    created_by: Mapped[int | None]


class NeedInvitation(Base):
    """A carrier that a need was shown to: chosen by the firm, or invited by an officer."""

    __tablename__ = "need_invitation"
    __table_args__ = (CheckConstraint("role IN ('enterprise', 'reviewer')", name="role"),)
    need_id: Mapped[int] = mapped_column(ForeignKey("need_post.id"), primary_key=True)
    carrier_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    role: Mapped[str]
    created_at: Mapped[Created]
    created_by: Mapped[int | None]


class NeedNote(Base):
    """What an officer wrote to the firm about its need."""

    __tablename__ = "need_note"
    __table_args__ = (CheckConstraint("length(text) BETWEEN 1 AND 1000", name="text"),)
    id: Mapped[BigId]
    need_id: Mapped[int] = mapped_column(ForeignKey("need_post.id"), index=True)
    text: Mapped[str]
    created_at: Mapped[Created]
    created_by: Mapped[int | None]


NEED: Final = (
    Arrow("open", "answer", "answered", ("carrier",)),
    Arrow("answered", "answer", "answered", ("carrier",)),
    Arrow("answered", "unanswer", "open", ("carrier",)),
    *(Arrow(state, "edit", "open", ("enterprise",)) for state in ("open", "answered", "expired", "picked")),
    *(Arrow(state, "withdraw", "withdrawn", ("enterprise",)) for state in LIVE),
    Arrow("answered", "pick", "picked", ("enterprise",)),
    *(Arrow(state, "expire", "expired", ("system",)) for state in LIVE),
    *(Arrow(state, event, state, ("reviewer",)) for state in LIVE for event in ("invite", "note")),
    *(Arrow(state, "close", "closed", ("reviewer",)) for state in LIVE),
)
"""A picked need may be posted again only when its order was called off; a new wording makes the answers to the old one outdated."""
