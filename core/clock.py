"""Time: aware instants, business dates in Asia/Shanghai. The instant is the database's, read once per session."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now(session: Session) -> datetime:
    """Return the instant of this request, aware: the database's clock, asked once and kept in `session.info["now"]`."""
    if "now" not in session.info:
        session.info["now"] = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    found: datetime = session.info["now"]
    return found


def business_date(at: datetime) -> date:
    """Return the calendar date of the aware instant `at` in Asia/Shanghai."""
    return at.astimezone(SHANGHAI).date()


def today(session: Session) -> date:
    """Return the business date of this request."""
    return business_date(now(session))
