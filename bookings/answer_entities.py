"""What a carrier answers to a posted need, and the table of its states: one answer a carrier, changed until the firm picks.

An answer takes no slot; the slot is looked at again when it is picked. A refusal counts as a number only: who refused, nobody else sees.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.audit import Arrow
from core.db import Base, BigId, Created, Instant

STATES: Final = ("sent", "declined", "withdrawn", "outdated", "picked", "passed", "lapsed")
REASONS: Final = ("no_capacity", "not_able", "too_far", "too_soon", "too_cheap", "other")
"""Why a carrier refuses: no time on the instrument, cannot do it, too far, too short a term, too small a budget, something else."""

_OFFER: Final = ("instrument_id", "service_code", "price", "start", "stop", "report_days")
_WHOLE: Final = " AND ".join(f"{name} IS NOT NULL" for name in _OFFER)
_NONE: Final = " AND ".join(f"{name} IS NULL" for name in _OFFER)


class NeedAnswer(Base):
    """An answer of a carrier to the `version` of a need: price in fen, half-open slot of aware instants, report in working days after it."""

    __tablename__ = "need_answer"
    __table_args__ = (
        UniqueConstraint("need_id", "carrier_id"),
        CheckConstraint(f"state IN {STATES!r}", name="state"),
        CheckConstraint(f"{_WHOLE} AND price > 0 AND start < stop OR {_NONE} AND state NOT IN ('sent', 'picked')", name="offer"),
        CheckConstraint(f"state = 'declined' AND reason IN {REASONS!r} OR state <> 'declined' AND reason = ''", name="reason"),
    )
    id: Mapped[BigId]
    need_id: Mapped[int] = mapped_column(ForeignKey("need_post.id"))
    carrier_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    version: Mapped[int]
    state: Mapped[str]
    instrument_id: Mapped[int | None] = mapped_column(ForeignKey("instrument.id"), index=True)
    service_code: Mapped[str | None] = mapped_column(ForeignKey("service.code"))
    price: Mapped[int | None] = mapped_column(BigInteger)
    start: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    stop: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    report_days: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]
    changed_at: Mapped[Instant]
    created_by: Mapped[int | None]
    is_sample: Mapped[bool] = mapped_column(default=False)


AGAIN: Final = ("sent", "declined", "withdrawn", "outdated", "passed", "lapsed")
"""States from which a carrier may answer anew while the need is open."""

ANSWER: Final = (
    *(Arrow(state, "change", "sent", ("carrier",)) for state in AGAIN),
    *(Arrow(state, "decline", "declined", ("carrier",)) for state in AGAIN if state != "declined"),
    Arrow("sent", "withdraw", "withdrawn", ("carrier",)),
    Arrow("sent", "outdate", "outdated", ("enterprise",)),
    Arrow("sent", "pick", "picked", ("enterprise",)),
    Arrow("sent", "pass", "passed", ("enterprise",)),
    Arrow("sent", "lapse", "lapsed", ("enterprise", "reviewer", "system")),
    Arrow("picked", "lapse", "lapsed", ("enterprise",)),
)
