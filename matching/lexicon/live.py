"""What people have corrected in the lexicon since it was packaged, and what is built from it.

A correction adds a wording, or takes one away. Whoever builds something from `matching.lexicon.phrases` keeps it by `cached`; `apply` puts new
corrections in force, so that all of it is built anew. Building takes seconds: while one thread builds, the others go on with what stands. Where
corrections are kept is left to `matching.lexiconbook`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Final, TypeVar

Built = TypeVar("Built")


@dataclass(frozen=True, slots=True)
class Correction:
    """A wording as in the files ("a+b", "{a/b}c") with what it points to; `gone`: it no longer points to these types, to none where none is named."""

    words: str
    kind: str
    types: tuple[tuple[str, int], ...]
    gone: bool = False


@dataclass
class _Held:
    version: int = 0
    corrections: tuple[Correction, ...] = ()
    caches: list[Callable[[], object]] = field(default_factory=list)
    building: Any = field(default_factory=RLock)


_held: Final = _Held()


def cached(build: Callable[[], Built]) -> Callable[[], Built]:
    """Keep what `build` returns until the next correction.

    It is kept under the version that held when building began, so that what was begun before a correction does not outlive it.
    """
    kept: list[tuple[int, Built]] = []

    def get() -> Built:
        for version, built in kept:
            if version == _held.version:
                return built
        if not _held.building.acquire(blocking=not kept):
            return kept[0][1]
        try:
            if not kept or kept[0][0] != _held.version:
                begun = _held.version
                kept[:] = [(begun, build())]
            return kept[0][1]
        finally:
            _held.building.release()

    _held.caches.append(get)
    return get


def apply(version: int, corrections: tuple[Correction, ...], *, build: bool = False) -> None:
    """Put corrections in force in this process; with `build` also build anew what stood, before anybody waits for it.

    What cannot be built is not put in force: the words from before go on to hold, and the error is raised.
    """
    if version == _held.version:
        return
    with _held.building:
        before = _held.corrections, _held.version
        _held.corrections = corrections
        _held.version = version  # last: who finds this version finds its corrections
        try:
            for get in _held.caches if build else ():
                get()
        except Exception:
            _held.corrections, _held.version = before
            raise


def version() -> int:
    """Return the version in force in this process; 0: as packaged."""
    return _held.version


def corrections() -> tuple[Correction, ...]:
    """Return the corrections in force in this process, the oldest first."""
    return _held.corrections
