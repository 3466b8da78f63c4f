"""What a person put right in what was understood, as pairs of an address: taken off, said in other words, weighed otherwise.

    drop=region               the condition of that key does not hold            say.KEY=WORDS   a chip's form says said=KEY~WORDS
    said=spec:力~≥300 kN      the condition of that key, in these words          w.SIGNAL=N      the sliders' form says w=SIGNAL:N,…
    w=distance:8,own_part:2   how much a signal counts, 0 to 10
A key is the kind of a condition, or "spec:" and a quantity. What the words of `said` mean is left to the readers of needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from werkzeug.datastructures import MultiDict

from app.typenames import type_called
from core.errors import N_, Invalid

SEPARATOR: Final = "~"
SAY: Final = "say."
WEIGH: Final = "w."
LONGEST: Final = 100
MOST: Final = 20
HEAVIEST: Final = 10
TYPE: Final = "type"

_KEY: Final = re.compile(r"[a-z_]{2,20}|spec:[^\s~]{1,30}")
_SIGNAL: Final = re.compile(r"[a-z_]{2,30}")
_NUMBER: Final = re.compile(r"10(\.0)?|[0-9](\.[05])?", re.ASCII)
Pairs = tuple[tuple[str, str], ...]


def read_drops(args: MultiDict[str, str], again: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that were taken off; `again`: keys said in other words meanwhile, which hold once more."""
    keys = tuple(dict.fromkeys(value.strip() for value in args.getlist("drop") if value.strip()))
    for key in keys:
        _check(key, "drop")
    _bounded(keys, "drop")
    typed = {name.removeprefix(SAY) for name, value in args.items(multi=True) if name.startswith(SAY) and value.strip()}
    holds = {*again, *typed}
    return tuple(key for key in keys if key not in holds)


def read_said(args: MultiDict[str, str]) -> Pairs:
    """Return key and words of every condition that was said anew, the last words of a key only; types are read by `read_types`."""
    found: dict[str, str] = {}
    for value in args.getlist("said"):
        key, _, words = value.partition(SEPARATOR)
        found[key.strip()] = words
    for name, value in args.items(multi=True):
        if name.startswith(SAY) and value.strip():
            found[name.removeprefix(SAY)] = value
    said = tuple((key, " ".join(words.split())) for key, words in found.items())
    for key, words in said:
        _check(key, "said")
        if not words or len(words) > LONGEST or not words.isprintable():
            raise Invalid("said", N_("最多 %(most)s 个字，不能有控制字符。"), most=LONGEST)
    _bounded(said, "said")
    return tuple((key, words) for key, words in said if key != TYPE or type_called(words) is None)


def read_types(args: MultiDict[str, str]) -> tuple[str, ...]:
    """Return the types that a chip's form names, by the names that the catalogue has for them."""
    named = [type_called(value) for value in args.getlist(f"{SAY}{TYPE}")]
    return tuple(name for name in named if name)


def read_weights(args: MultiDict[str, str], signals: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """Return how much each signal counts, in the order of `signals`; those that were not said are left out."""
    known = tuple(signals)
    found: dict[str, float] = {}
    spelt = [part.partition(":")[::2] for part in args.get("w", "").split(",") if part.strip()]
    typed = [(name.removeprefix(WEIGH), value) for name, value in args.items() if name.startswith(WEIGH)]
    for name, value in [*spelt, *typed]:
        if not _SIGNAL.fullmatch(name.strip()) or name.strip() not in known:
            raise Invalid("w", N_("没有“%(name)s”这一项权重。"), name=name[:40])
        if not _NUMBER.fullmatch(value.strip()):
            raise Invalid("w", N_("权重要是 0 到 %(most)s 的数，每级 0.5。"), most=HEAVIEST)
        found[name.strip()] = float(value)
    return tuple((name, found[name]) for name in known if name in found)


def pairs_of(drops: Iterable[str], said: Pairs, weights: Iterable[tuple[str, float]]) -> Pairs:
    """Return the pairs that say corrections again."""
    weighed = ",".join(f"{name}:{value:g}" for name, value in weights)
    return (
        *(("drop", key) for key in drops),
        *(("said", f"{key}{SEPARATOR}{words}") for key, words in said),
        *((("w", weighed),) if weighed else ()),
    )


def without_key(pairs: Pairs, key: str) -> Pairs:
    """Return pairs in which nothing is corrected about `key`."""
    return tuple(pair for pair in pairs if pair != ("drop", key) and not _speaks_of(pair, key))


def _speaks_of(pair: tuple[str, str], key: str) -> bool:
    name, value = pair
    return (name == "said" and value.startswith(f"{key}{SEPARATOR}")) or (name == "fix" and value.startswith(f"{key}:"))


def _check(key: str, field: str) -> None:
    if not _KEY.fullmatch(key) or not key.isprintable():
        raise Invalid(field, N_("没有“%(kind)s”这个条件。"), kind=key[:40])


def _bounded(values: tuple[object, ...], field: str) -> None:
    if len(values) > MOST:
        raise Invalid(field, N_("一次最多选 %(most)s 项。"), most=MOST)
