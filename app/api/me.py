"""Who the caller is: the first thing to ask with a new token."""

from __future__ import annotations

from flask import g
from pydantic import BaseModel

from app.api import SIGNED, bp


class Me(BaseModel):
    """The person behind the token or the session, and the seat acted from."""

    id: int
    name: str
    role: str
    organisation_id: int | None
    organisation: str | None
    region: str | None


@bp.get("/me", responses={200: Me}, security=SIGNED)
def me() -> dict[str, object]:
    """Return who you are and for whom you act."""
    person = g.person
    seat = person.seat
    found = Me(
        id=person.id,
        name=person.name,
        role=g.actor.role,
        organisation_id=seat.organisation_id if seat else None,
        organisation=seat.organisation if seat else None,
        region=seat.region if seat else None,
    )
    return found.model_dump()
