"""Who asks: all that the domain knows of a person. The edge makes an Actor; the domain only reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["public", "enterprise", "carrier", "reviewer", "finance", "auditor", "planner", "system"]


@dataclass(frozen=True)
class Actor:
    """A person in one role of one organisation; `region` is the six-digit adcode within which an officer acts."""

    role: Role
    user_id: int | None = None
    organisation_id: int | None = None
    region: str | None = None
    name: str = ""


PUBLIC = Actor("public")
SYSTEM = Actor("system", name="system")
