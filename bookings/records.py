"""A carrier's record: deliveries in time, deliveries that nobody disputed, hours until it answers, and what is usual among all carriers.

Counted from orders and their audit records by the view `carrier_record_now`, once an hour. A real organisation's record holds real orders only;
orders of the sample world count for invented carriers alone. What the counts are worth is left to `matching`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant

HOURS: Final = 1
"""How old the counts may become."""


class CarrierRecord(Base):
    """Counts of one carrier; `answer_hours` is the median from an offer to its answer, 24 for an offer that ran out, None without any."""

    __tablename__ = "carrier_record"
    __table_args__ = (CheckConstraint("on_time <= delivered AND undisputed <= delivered AND delivered >= 0 AND answers >= 0", name="counts"),)
    organisation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    delivered: Mapped[int]
    on_time: Mapped[int]
    undisputed: Mapped[int]
    answers: Mapped[int]
    answer_hours: Mapped[float | None]


class CarrierUsual(Base):
    """The one row of what is usual: shares of all deliveries, the median of the medians; None where nothing was counted yet."""

    __tablename__ = "carrier_usual"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    on_time: Mapped[float | None]
    undisputed: Mapped[float | None]
    answer_hours: Mapped[float | None]
    taken_at: Mapped[Instant | None]


def due(session: Session) -> list[int]:
    """Return [1] when the counts are older than `HOURS`, by the clock of the database; else nothing."""
    return list(session.scalars(text(_DUE), {"hours": HOURS}))


def refresh(session: Session) -> int:
    """Count anew; return how many carriers' counts changed. Two at once wait for each other."""
    return int(session.scalar(text("SELECT carrier_records_refresh()")) or 0)


_DUE: Final = "SELECT id FROM carrier_usual WHERE taken_at IS NULL OR taken_at < clock_timestamp() - make_interval(hours => :hours)"
