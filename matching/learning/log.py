"""Lists that were shown, and what happened to their rows: clicked, booked, refused. No person, no address, no time beyond the week.

A list is named by a random id that stands in the links of that list alone. Which order came of which row is known until the order has ended, so
that a refusal finds its row; then that link goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import ARRAY, REAL
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import BigInteger

from core import clock
from core.db import Base

TOP: Final = 20
"""Rows of a list that are kept: one page."""

WEEKS_KEPT: Final = 26
_SEEN: Final = re.compile(r"([0-9a-f]{16})\.([1-9][0-9]?)", re.ASCII)


class ShownList(Base):
    """One list as it was shown: the need's types, instruments in their order, the signals' values row by row, and positions (from 1) acted on.

    `shape` names the signals whose values `features` holds, so that values of other signals are never read as these.
    """

    __tablename__ = "shown_list"
    __table_args__ = (CheckConstraint("id ~ '^[0-9a-f]{16}$'", name="id"), CheckConstraint("extract(isodow FROM week) = 1", name="week"))
    id: Mapped[str] = mapped_column(primary_key=True)
    week: Mapped[date] = mapped_column(index=True)
    types: Mapped[list[str]] = mapped_column(ARRAY(String))
    instruments: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    shape: Mapped[str]
    features: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    clicked: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default="{}")
    booked: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default="{}")
    refused: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default="{}")
    is_sample: Mapped[bool] = mapped_column(default=False)


class ShownOrder(Base):
    """Which row of which list an order came of, until the order has ended."""

    __tablename__ = "shown_order"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    list_id: Mapped[str] = mapped_column(ForeignKey("shown_list.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)


@dataclass(frozen=True)
class Seen:
    """A row of a list that was shown: the list's id and the position, from 1."""

    list_id: str
    position: int

    def __str__(self) -> str:
        return f"{self.list_id}.{self.position}"


@dataclass(frozen=True)
class Shown:
    """A list to be kept: features hold len(shape's signals) values for each instrument, 0..1."""

    id: str
    types: tuple[str, ...]
    instruments: tuple[int, ...]
    shape: str
    features: tuple[float, ...]


def read_seen(given: str) -> Seen | None:
    """Read "0123456789abcdef.3"; anything else is nothing, since an address is written by anybody."""
    found = _SEEN.fullmatch(given)
    return Seen(found[1], int(found[2])) if found and int(found[2]) <= TOP else None


def keep(session: Session, lists: Iterable[Shown]) -> None:
    """Write lists of this week; one that is there already stays as it is."""
    today = clock.today(session)
    week = today - timedelta(days=today.weekday())
    rows = [{**vars(one), "week": week, **{name: list(getattr(one, name)) for name in ("types", "instruments", "features")}} for one in lists]
    if rows:
        session.execute(text(_KEEP), rows)


def click(session: Session, seen: Iterable[Seen]) -> None:
    """Note that rows were opened; once each, in the order of ids so that two writers never wait in a circle."""
    for one in sorted(set(seen), key=lambda row: (row.list_id, row.position)):
        session.execute(text(_MARK.format(column="clicked")), {"id": one.list_id, "position": one.position})


def book(session: Session, order_id: int, seen: Seen) -> bool:
    """Note that a row became an order, in the order's own transaction; return False for a row of no list."""
    values = {"id": seen.list_id, "position": seen.position, "order": order_id}
    made = session.execute(text(_BOOKED), values).first()
    if made is None:
        return False
    session.execute(text(_MARK.format(column="booked")), values)
    return True


def ended(session: Session) -> Sequence[int]:
    """Return the orders that came of a list and have ended."""
    return session.scalars(text(f"SELECT s.order_id FROM shown_order s JOIN orders o ON o.id = s.order_id WHERE {_OVER} ORDER BY 1")).all()


def settle(session: Session, order_id: int) -> int:
    """Note a cancelled order as a refusal of its row, and forget which order it was."""
    gone = session.execute(text(_SETTLE), {"order": order_id}).one_or_none()
    if gone and gone.state == "cancelled":
        session.execute(text(_MARK.format(column="refused")), {"id": gone.list_id, "position": gone.position})
    return int(gone is not None)


def stale(session: Session) -> Sequence[int]:
    """Say whether there are lists past their time."""
    return [1] if session.scalar(text("SELECT EXISTS (SELECT FROM shown_list WHERE week < :oldest)"), {"oldest": _oldest(session)}) else []


def forget(session: Session, _key: int = 1) -> int:
    """Delete lists past their time and return how many."""
    gone: Any = session.execute(text("DELETE FROM shown_list WHERE week < :oldest"), {"oldest": _oldest(session)})
    return int(gone.rowcount)


def _oldest(session: Session) -> date:
    today = clock.today(session)
    return today - timedelta(days=today.weekday(), weeks=WEEKS_KEPT)


_KEEP: Final = """
INSERT INTO shown_list (id, week, types, instruments, shape, features, is_sample)
VALUES (:id, :week, :types, :instruments, :shape, :features, false) ON CONFLICT DO NOTHING
"""
_MARK: Final = """
UPDATE shown_list SET {column} = array_append({column}, CAST(:position AS smallint))
WHERE id = :id AND cardinality(instruments) >= :position AND NOT CAST(:position AS smallint) = ANY({column})
"""
_BOOKED: Final = """
INSERT INTO shown_order (order_id, list_id, position)
SELECT o.id, l.id, :position FROM orders o, shown_list l
WHERE o.id = :order AND l.id = :id AND l.instruments[:position] = o.instrument_id ON CONFLICT DO NOTHING RETURNING 1
"""
"""Only the instrument that stood at that place: an address that was put together by hand books nothing."""

_OVER: Final = "o.state IN ('cancelled', 'confirmed', 'settled')"
_SETTLE: Final = f"""
DELETE FROM shown_order s USING orders o WHERE s.order_id = :order AND o.id = s.order_id AND {_OVER} RETURNING s.list_id, s.position, o.state
"""
