"""The weights of evidence about types, from `weights.toml`: read once, checked, and exchangeable while they are being fitted."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

FILE: Final = "weights.toml"
Share = Annotated[float, Field(ge=0, le=1)]
Sound = Annotated[float, Field(ge=-1, le=1)]


class Strict(BaseModel):
    """A table of the file: every weight present, none unknown, each 0..1."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Lexicon(Strict):
    """Worth of a phrase by grade and by how it was found, and how further phrases, samples and alternatives add to it."""

    expert: Share
    good: Share
    partly: Share
    name: Share
    further: Share
    context: Share
    stands_in_good: Share
    stands_in_partly: Share
    unsure: Share
    loose: Share
    misspelt: Share
    apart: Share


class Likeness(Strict):
    """Share of likeness in a score beside the evidence of phrases, less beside a name; in it, what was learnt (the rest: characters), and meaning."""

    weight: Share
    beside_name: Share
    learnt: Share
    embedding: Share


class Bounds(Strict):
    """When to answer: by phrases from evidence `clear` on, or `plain` where a need sounds like none beyond `strange`; else up to `telling`."""

    clear: Share
    plain: Share
    strange: Sound
    telling: Sound


class Knobs(Strict):
    """All weights of `weights.toml`."""

    lexicon: Lexicon
    likeness: Likeness
    bounds: Bounds


@lru_cache(maxsize=1)
def packaged() -> Knobs:
    """Return the weights of the file. Raises pydantic.ValidationError naming what is missing, unknown or outside 0..1."""
    return read((files("matching") / FILE).read_text(encoding="utf-8"))


def read(text: str) -> Knobs:
    """Return the weights in a TOML text; raises as `packaged` does, or tomllib.TOMLDecodeError."""
    return Knobs.model_validate(tomllib.loads(text))


_tried: list[Knobs] = []


def current() -> Knobs:
    """Return the weights in force: those being tried, else those of the file."""
    return _tried[-1] if _tried else packaged()


@contextmanager
def trying(knobs: Knobs) -> Iterator[None]:
    """Have other weights in force for a while (one thread: the fit, a test)."""
    _tried.append(knobs)
    try:
        yield
    finally:
        _tried.pop()
