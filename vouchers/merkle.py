"""Merkle trees over bytes, as RFC 6962 section 2.1 defines them, with a choice of hash. Pure; knows neither rows nor a database.

Leaves, nodes, rows and heads are hashed in domains of their own (a first byte), so that none can be passed off as another.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import new, sha256
from typing import Any, Final

ALGORITHMS: Final[dict[str, Callable[[bytes], Any]]] = {"sha256": sha256, "sm3": partial(new, "sm3")}
"""Hashes by name: SHA-256 (FIPS 180-4) and SM3 (GB/T 32905). The name is stored with each block, so both may stand in one chain."""

LEAF, NODE, ROW, HEAD = b"\x00", b"\x01", b"\x02", b"\x03"
EMPTY: Final = b"\x00" * 32
"""What the first block names as the head before it."""


def digest(algorithm: str, domain: bytes, data: bytes) -> bytes:
    """Return the 32 bytes of `algorithm` over `domain` and `data`; raise KeyError for an unknown algorithm."""
    found: bytes = ALGORITHMS[algorithm](domain + data).digest()
    return found


def salted(algorithm: str, key: bytes, data: bytes) -> bytes:
    """Return the keyed hash (HMAC) of `data`: without `key` nobody can tell what was hashed, nor try guesses."""
    return hmac.digest(key, ROW + data, algorithm)


def root(algorithm: str, leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of leaf hashes; of none, the hash of nothing."""
    level = list(leaves)
    if not level:
        found: bytes = ALGORITHMS[algorithm](b"").digest()
        return found
    while len(level) > 1:
        # Pairing neighbours and carrying an odd last one up is the same tree as RFC 6962's split at the largest power of two.
        odd = level[len(level) & ~1 :]
        level = [digest(algorithm, NODE, level[n] + level[n + 1]) for n in range(0, len(level) & ~1, 2)] + odd
    return level[0]


def inclusion(algorithm: str, leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of leaf `index`: the hashes that lead from it to the root, the nearest first."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*inclusion(algorithm, leaves[:split], index), root(algorithm, leaves[split:])]
    return [*inclusion(algorithm, leaves[split:], index - split), root(algorithm, leaves[:split])]


def root_of_path(algorithm: str, leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that `path` leads to from `leaf` at `index` of a tree of `size` leaves; raise ValueError when its length is wrong."""
    if size <= 1:
        if path:
            raise ValueError("the path is too long")
        return leaf
    if not path:
        raise ValueError("the path is too short")
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        return digest(algorithm, NODE, root_of_path(algorithm, leaf, index, split, path[:-1]) + path[-1])
    return digest(algorithm, NODE, path[-1] + root_of_path(algorithm, leaf, index - split, size - split, path[:-1]))
