"""What a need asks of an instrument's figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """An interval in SI that the instrument must satisfy: ">=" reaches `low`, "<=" gets down to `high`, "covers" contains [low, high].

    `of_sample`: a figure of what is tested (its thickness, its density): shown as understood, asked of no instrument; its `op` may be "=".
    """

    quantity: str
    op: str
    low: float | None
    high: float | None
    si_unit: str
    text: str
    of_sample: bool = False
