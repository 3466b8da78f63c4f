"""A condition that was found in a need, where it stands, and the words that stand in the way of none."""

from dataclasses import dataclass
from datetime import date

from matching.constraints import Kind, Origin, Strength


@dataclass(frozen=True, slots=True)
class Hit:
    """A constraint and its span in the normalised text."""

    start: int
    end: int
    kind: Kind
    value: int | date | str
    origin: Origin = "said"
    strength: Strength = "required"
