"""Which posted needs are stuck, by the limits that whoever runs this service has set."""

from __future__ import annotations

from flask import current_app
from sqlalchemy.orm import Session

from bookings import brokering
from bookings.brokering import Limits, Stuck
from core.actor import Actor


def limits() -> Limits:
    """Return when a need counts as stuck: hours, hours, metres."""
    held = current_app.config["SETTINGS"]
    return Limits(held.stuck_hours, held.stuck_end_hours, held.stuck_km * 1_000)


def stuck_needs(session: Session, actor: Actor) -> list[Stuck]:
    """Return what is stuck in an officer's region, the one that ends first first."""
    return brokering.stuck_needs(session, actor, limits())
