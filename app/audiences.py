"""Groups of roles and whose rows: what the lines of the access table are written in."""

from __future__ import annotations

from typing import Final, Literal

from core.actor import Role
from core.errors import N_

Scope = Literal["all", "own", "region", "party"]

PERSONS: Final[tuple[Role, ...]] = ("enterprise", "carrier", "reviewer", "finance", "auditor", "planner")
EVERYONE: Final[tuple[Role, ...]] = ("public", *PERSONS)
OFFICERS: Final[tuple[Role, ...]] = ("reviewer", "finance", "auditor")
PARTIES: Final[tuple[Role, ...]] = ("enterprise", "carrier")

OPEN: Final = N_("人人可看。")
OWN: Final = N_("只看自己单位的。")
