"""What a need is answered with: instrument types with their reasons, or a question with options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["vague", "impossible", "unknown", "empty"]


@dataclass(frozen=True, slots=True)
class TypeGuess:
    """One instrument type for the need: score 0..1 and the words that led to it."""

    name_zh: str
    score: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question instead of a guess: a message id, options, and why it is asked.

    Options are type names or, where nothing is known, example needs. `kind`: vague (says too little), impossible (no instrument does it),
    unknown (words that nobody entered), empty.
    """

    message: str
    options: tuple[str, ...]
    kind: Kind = "unknown"


@dataclass(frozen=True, slots=True)
class TypeAnswer:
    """Either types, best first, or a question. `parts` holds the answer for each need of a sentence with several, else nothing."""

    types: tuple[TypeGuess, ...] = ()
    ask: Ask | None = None
    parts: tuple[TypeAnswer, ...] = ()
