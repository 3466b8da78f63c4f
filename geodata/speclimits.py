"""Specifications as intervals in SI units, one row a reading, and which instruments still have to be read.

A trigger (migration 0017) queues an instrument whose specifications change and takes its intervals away in the same transaction, so what stands here
is never older than the text. Reading the text is left to `matching.speclimits`; until it has happened a specification counts as not stated.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class InstrumentLimit(Base):
    """What an instrument can do of one quantity: from `low` to `high` (None: no bound) in `si_unit`; `finer`: the smaller the better."""

    __tablename__ = "instrument_limit"
    instrument_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("instrument.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    nth: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[str]
    low: Mapped[float | None]
    high: Mapped[float | None]
    si_unit: Mapped[str]
    finer: Mapped[bool]
    text: Mapped[str]


class InstrumentLimitRead(Base):
    """That an instrument was read: the digest of the text, and the version of the parser that read it."""

    __tablename__ = "instrument_limit_read"
    instrument_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("instrument.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    of: Mapped[str]
    parser: Mapped[int] = mapped_column(index=True)


class InstrumentLimitDue(Base):
    """An instrument that has to be read; `turn` grows when it changes again meanwhile."""

    __tablename__ = "instrument_limit_due"
    instrument_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("instrument.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    turn: Mapped[int] = mapped_column(default=0, server_default="0")
