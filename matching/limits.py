"""What a need asks of an instrument's figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """An interval in SI that the instrument must satisfy: ">=" reaches `low`, "<=" gets down to `high`, "covers" contains [low, high]."""

    quantity: str
    op: str
    low: float | None
    high: float | None
    si_unit: str
    text: str
