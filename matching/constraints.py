"""One condition of a need, as it was said or as we take it to be."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from matching.limits import Limit

Kind = Literal["budget", "deadline", "region", "qualification", "quantity", "distance", "handover", "spec", "not_region"]
Origin = Literal["said", "guessed"]
Strength = Literal["required", "preferred"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition of a need. `value` by kind: budget in fen, deadline a date, quantity a count, region and qualification a word.

    `text` is what was typed; `origin` says whether it was put as a condition or we take it for one.
    """

    kind: Kind
    value: int | date | str | Limit
    text: str
    origin: Origin
    strength: Strength = "required"

    @property
    def key(self) -> str:
        """What corrections name it by."""
        return f"spec:{self.value.quantity}" if isinstance(self.value, Limit) else self.kind
