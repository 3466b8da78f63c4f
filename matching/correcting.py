"""Put one condition of a need in the person's own words: typed into the field of its chip, and said, never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from core.errors import N_, Invalid
from core.money import parse_yuan
from matching.constraints import Constraint
from matching.limits import Limit
from matching.needs import Need, parse_need

FURTHEST_KM: Final = 2000


def correct(need: Need, key: str, words: str) -> Need:
    """Return the need with the condition `key` as `words` say it; empty words take it off.

    Raises Invalid (the key as its field, with what may be written) for words that say no such condition.
    """
    kept = tuple(one for one in need.constraints if one.key != key)
    if not words.strip():
        return replace(need, constraints=kept)
    said = _READERS.get(key, _as_text(key))(need, words.strip())
    return replace(need, constraints=(*kept, replace(said, text=words.strip(), origin="said", strength="required")))


def _budget(_need: Need, words: str) -> Constraint:
    plain = words.removesuffix("元").removeprefix("≤").strip()
    try:
        return Constraint("budget", parse_yuan(plain, "budget"), words, "said")
    except Invalid:
        return _of(parse_need(f"预算{words}", today=date(2000, 1, 1)), "budget", N_("写一个大于 0 的金额，单位元，例如 3000。"))


def _deadline(need: Need, words: str) -> Constraint:
    try:
        return Constraint("deadline", date.fromisoformat(words), words, "said")
    except ValueError:
        return _of(parse_need(words, today=need.asked_on), "deadline", N_("写一个日期，例如 2026-12-02 或 12月2日。"))


def _quantity(_need: Need, words: str) -> Constraint:
    if words.isascii() and words.isdigit() and 0 < int(words) < 1_000_000:
        return Constraint("quantity", int(words), words, "said")
    return _of(parse_need(words, today=date(2000, 1, 1)), "quantity", N_("写一个件数，例如 5。"))


def _region(_need: Need, words: str) -> Constraint:
    return _of(parse_need(f"只要{words}", today=date(2000, 1, 1)), "region", N_("写浙江的市、县（市、区），例如 长兴 或 杭州。"))


def _qualification(_need: Need, words: str) -> Constraint:
    return _of(parse_need(words, today=date(2000, 1, 1)), "qualification", N_("写资质的名称，例如 CMA、CNAS。"))


def _distance(_need: Need, words: str) -> Constraint:
    plain = words.removeprefix("≤").strip()
    within = plain if re.search(r"[a-z里]", plain, re.IGNORECASE) else f"{plain}公里"
    return _of(
        parse_need(f"距离{within}以内", today=date(2000, 1, 1)),
        "distance",
        N_("距离要是大于 0、不超过 %(most)s 的公里数，例如 50。"),
        most=FURTHEST_KM,
    )


def _avoided(_need: Need, words: str) -> Constraint:
    return _of(parse_need(f"不要{words}", today=date(2000, 1, 1)), "not_region", N_("写浙江的市、县（市、区），例如 长兴 或 杭州。"))


def _as_text(key: str) -> Callable[[Need, str], Constraint]:
    """Return a reader for conditions that have no field of their own: the words as a need would say them."""

    def reader(need: Need, words: str) -> Constraint:
        name = key.partition(":")[2]
        read = parse_need(f"{name}{words}", today=need.asked_on).constraints
        found = [one for one in read if one.key == key] or list(_same_unit(need, key, f"{name} {words}"))
        if not found:
            raise Invalid(key, N_("“%(words)s”看不懂。写数和单位，例如 ≥300 kN；距离写公里数，例如 30公里。"), words=words[:40])
        return found[0]

    return reader


def _same_unit(need: Need, key: str, words: str) -> Iterator[Constraint]:
    """Yield the figures in `words` that have the unit of the condition `key` as it was: its name is meant, whatever the words would say."""
    before = next((one.value for one in need.constraints if one.key == key and isinstance(one.value, Limit)), None)
    for one in parse_need(words, today=need.asked_on).constraints:
        if before and isinstance(one.value, Limit) and one.value.si_unit == before.si_unit:
            yield replace(one, value=_renamed(one.value, before, words))


def _renamed(limit: Limit, before: Limit, words: str) -> Limit:
    """Return a limit as one of the quantity that was asked before; a figure of the sample is one again, unless the words compare."""
    value = limit.low if limit.low is not None else limit.high
    if before.of_sample and limit.op != "covers" and not re.search(r"[≥≤<>]|以[上下内]|不[超低高大小]", words):
        limit = replace(limit, op="=", low=value, high=value)
    return replace(limit, quantity=before.quantity, of_sample=before.of_sample, text=words)


def _of(need: Need, kind: str, way_out: str, **params: object) -> Constraint:
    found = next((one for one in need.constraints if one.kind == kind), None)
    if found is None:
        raise Invalid(kind, way_out, **params)
    return found


_READERS: Final[dict[str, Callable[[Need, str], Constraint]]] = {
    "budget": _budget,
    "deadline": _deadline,
    "quantity": _quantity,
    "region": _region,
    "qualification": _qualification,
    "distance": _distance,
    "not_region": _avoided,
}
