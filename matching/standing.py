"""How one candidate stands to the conditions of a need: which it does not meet, and of which nothing is stated."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Standing:
    """Keys of the conditions that are not met, and of those of which nothing is stated (未标明); both empty: it meets all."""

    misses: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


PLAIN: Final = Standing()
"""Nothing was asked that it does not meet."""
