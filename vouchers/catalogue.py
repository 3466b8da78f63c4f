"""The service codes that a policy may name, from the fact table: single services in groups."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from geodata.seeds import read_seed

EVERYTHING: Final = "*"


@cache
def parents() -> dict[str, str]:
    """Return the group of each code; the group of a group is empty."""
    return {row["code"]: row["parent"] for row in read_seed("services")}


def is_known(code: str) -> bool:
    """Say whether there is such a service or group."""
    return code in parents()


def is_single(code: str) -> bool:
    """Say whether the code is one service that an order may name, no group."""
    return bool(parents().get(code))


def covers(listed: Iterable[str], code: str) -> bool:
    """Say whether a list of codes names the service, by itself, by its group or by all."""
    named = set(listed)
    return bool(named & {code, EVERYTHING} or (parents().get(code) and parents()[code] in named))


def singles() -> tuple[str, ...]:
    """Return all codes that an order may name."""
    return tuple(code for code in parents() if is_single(code))
