"""The weekly round of a settlement batch in the sample history: on which instants it opens, is frozen, shown, signed, sent, answered and reconciled.

A batch opens on Monday at five with what was approved until then. At any midnight one of each funder is open, one frozen or shown, one sent, and
all that were answered are reconciled.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bookings.sampling.times import DAY, HOUR, NEVER, Ints, day_of, midnight

_OPENS: Final = 17 * HOUR
"""Seconds of a Monday at which the week's batch opens."""

STEPS: Final = {
    "freeze": 7 * DAY - HOUR,
    "notice": 8 * DAY - 7 * HOUR,
    "sign": 15 * DAY - 7 * HOUR,
    "authorise": 15 * DAY - 2 * HOUR,
    "send": 16 * DAY - 7 * HOUR,
    "statement": 22 * DAY - 7 * HOUR,
    "close": 22 * DAY - 6 * HOUR - HOUR // 2,
    "reconcile": 22 * DAY - 6 * HOUR,
}
"""Seconds after the opening at which each step is taken."""


def opening(at: Ints) -> Ints:
    """Return the first Monday, five o'clock, after each instant; never for what does not come."""
    comes = at < NEVER
    found = np.full(len(at), NEVER)
    days = day_of(at[comes])
    monday = midnight(days - (days + 3) % 7) + _OPENS
    found[comes] = np.where(monday > at[comes], monday, monday + 7 * DAY)
    return found


def answered(opened: Ints) -> Ints:
    """Return when the bank's statement on a batch comes, by its opening."""
    return np.where(opened < NEVER, opened + STEPS["statement"], NEVER)
