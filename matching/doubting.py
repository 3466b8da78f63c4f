"""A question back to the person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Doubt:
    """A question back: the message with its params, the keys of the conditions it is about, and whether it stands instead of an answer."""

    message: str
    fields: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    stops: bool = False
