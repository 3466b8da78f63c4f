"""What people have corrected in the lexicon since it was packaged, and the caches that are built from it.

A correction adds a wording, or takes one away. Whoever builds something from `matching.lexicon.phrases` keeps it by `cached`; `apply` puts new
corrections in force and forgets all of that at once, so that the next need is read by the new words. Where corrections are kept is left to
`matching.lexiconbook`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper, lru_cache
from typing import Final, TypeVar

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
    caches: list[_lru_cache_wrapper[object]] = field(default_factory=list)


_held: Final = _Held()


def cached(build: Callable[[], Built]) -> Callable[[], Built]:
    """Keep what `build` returns until the next correction."""
    kept = lru_cache(maxsize=1)(build)
    _held.caches.append(kept)
    return kept


def forgotten_with(cache: _lru_cache_wrapper[Built]) -> _lru_cache_wrapper[Built]:
    """Have a cache of answers emptied at the next correction."""
    _held.caches.append(cache)
    return cache


def apply(version: int, corrections: tuple[Correction, ...]) -> None:
    """Put corrections in force in this process; nothing happens where this version already holds."""
    if version == _held.version:
        return
    _held.version, _held.corrections = version, corrections
    for cache in _held.caches:
        cache.cache_clear()


def version() -> int:
    """Return the version in force in this process; 0: as packaged."""
    return _held.version


def corrections() -> tuple[Correction, ...]:
    """Return the corrections in force in this process, the oldest first."""
    return _held.corrections
