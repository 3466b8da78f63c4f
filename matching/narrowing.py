"""The candidates of a need with conditions: enough of those that meet them, however far away they stand, and the nearest misses where few do.

The nearest of a type come from `matching.candidates`; here the conditions go into that query, and it is asked again wider while what comes back is
late. So what is shown first meets every condition, and nobody who meets them is passed over because forty others are nearer; only beyond the nearest
LOOKED_AT of a type is nobody looked for by papers, specifications or days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.wanted import Wanted
from matching.candidates import LOOKED_AT, PER_TYPE, Candidate, Condition, Near, Place, candidates, described, nearest, type_ids
from matching.hard import Check
from matching.lateness import late_ones
from matching.promising import promising
from matching.relaxing import FEW, Field, Relaxation, relaxations
from matching.standing import PLAIN, Standing
from matching.weighing import Weights

ENOUGH: Final = 40
"""So many that meet everything are enough for a list."""

WIDER: Final = 7
NEAR_MISSES: Final = 10
"""Nearest of each type for each condition that is given up."""

TRIED: Final = 20
"""Nearest of each type that are looked at for what one condition keeps away."""

Complete = Callable[[list[Candidate]], list[Candidate]]


@dataclass(frozen=True)
class Hunt:
    """What is looked for: type name → fit, from where, within which filters of the map, under which conditions; what completes a candidate.

    `weights`: as the person moved them.
    """

    types: Mapping[str, float]
    place: Place | None
    wanted: Wanted
    checks: tuple[Check, ...]
    complete: Complete
    weights: Weights | None = None


@dataclass(frozen=True)
class Narrowed:
    """Completed candidates, how each stands to the conditions, and, where few meet all, what giving up a condition brings."""

    rows: list[Candidate]
    standings: Mapping[int, Standing] = field(default_factory=dict)
    relaxations: tuple[Relaxation, ...] = ()

    def stands(self, one: Candidate) -> Standing:
        """Return how a candidate stands."""
        return self.standings.get(one.id, PLAIN)


def narrow(session: Session, hunt: Hunt) -> Narrowed:
    """Return the candidates that meet every condition, then those of which something is not stated; with fewer than FEW, the nearest misses too."""
    if not hunt.checks:
        return Narrowed(hunt.complete(described(session, worth_a_look(session, hunt))))
    rows = _meeting(session, hunt, ["IS TRUE"] * len(hunt.checks))
    if len(rows) < ENOUGH:
        rows |= _meeting(session, hunt, ["IS NOT FALSE"] * len(hunt.checks))
    offers: tuple[Relaxation, ...] = ()
    if len(rows) < FEW:
        offers = relaxations(session, Field(tuple(type_ids(session, hunt.types)), hunt.place, hunt.wanted), hunt.checks)
        for offer in offers:
            rows |= _meeting(session, without(hunt, offer.keys), None, per_type=NEAR_MISSES)
    return Narrowed(list(rows.values()), standings(session, list(rows.values()), hunt.checks), offers)


def worth_a_look(session: Session, hunt: Hunt) -> list[Near]:
    """Return who is looked at where there are no conditions."""
    return promising(session, hunt.types, place=hunt.place, wanted=hunt.wanted, weights=hunt.weights)


def missing_only(session: Session, hunt: Hunt, check: Check) -> list[Candidate]:
    """Return the nearest completed candidates that miss one condition and meet all others, known to or not known not to."""
    others = [one for one in hunt.checks if one is not check]
    extra = [_extra(one, "IS NOT FALSE") for one in others] + ([_extra(check, "IS FALSE")] if check.due is None else [])
    rows = candidates(session, hunt.types, place=hunt.place, wanted=hunt.wanted, per_type=TRIED, extra=extra)
    done = hunt.complete(rows)
    return [one for one in done if all(_in_time(one, other) for other in others) and not (check.due and _in_time(one, check))]


def standings(session: Session, rows: Sequence[Candidate], checks: Sequence[Check]) -> dict[int, Standing]:
    """Return how completed candidates stand to the conditions: instrument id → standing."""
    if not rows or not checks:
        return {}
    said = ", ".join(f"({check.sql}) AS c{n}" for n, check in enumerate(checks))
    values = {name: value for check in checks for name, value in check.values.items()} | {"ids": [one.id for one in rows]}
    found = session.execute(text(f"SELECT m.id, {said} FROM open_instrument m WHERE m.id = ANY(:ids)"), values).mappings()
    truths = {row["id"]: row for row in found}
    return {one.id: _standing(one, truths.get(one.id, {}), checks) for one in rows}


def _standing(one: Candidate, truths: Mapping[Any, Any], checks: Sequence[Check]) -> Standing:
    said = {check.key: truths.get(f"c{n}") if check.due is None else _in_time(one, check) for n, check in enumerate(checks)}
    return Standing(tuple(key for key, truth in said.items() if truth is False), tuple(key for key, truth in said.items() if truth is None))


def _meeting(session: Session, hunt: Hunt, truth: list[str] | None, *, per_type: int = PER_TYPE) -> dict[int, Candidate]:
    """Return completed candidates whose expressions are as `truth` says (not false by default) and whose report is in time, asked for ever wider."""
    says = truth or ["IS NOT FALSE"] * len(hunt.checks)
    extra = [_extra(check, say) for check, say in zip(hunt.checks, says, strict=True)]
    due = min((check.due for check in hunt.checks if check.due), default=None)
    timely: dict[int, Near] = {}
    seen: set[int] = set()
    while True:
        rows = nearest(session, hunt.types, place=hunt.place, wanted=hunt.wanted, per_type=per_type, extra=extra)
        fresh = [one for one in rows if one.id not in seen]
        seen.update(one.id for one in fresh)
        late = late_ones(session, [one.id for one in fresh], {one.id: one.service for one in fresh}, due) if due else set()
        timely |= {one.id: one for one in fresh if one.id not in late}
        if due is None or len(timely) >= ENOUGH or _most_of_a_type(rows) < per_type or per_type >= LOOKED_AT:
            break
        per_type = min(per_type * WIDER, LOOKED_AT)
    return {one.id: one for one in hunt.complete(described(session, list(timely.values())))}


def _extra(check: Check, says: str) -> Condition:
    return Condition(f"({check.sql}) {says}", check.values, check.local)


def _in_time(one: Candidate, check: Check) -> bool:
    return check.due is None or (one.report_on is not None and one.report_on <= check.due)


def _most_of_a_type(rows: Sequence[Near]) -> int:
    counts: dict[int, int] = {}
    for one in rows:
        counts[one.type_id] = counts.get(one.type_id, 0) + 1
    return max(counts.values(), default=0)


def without(hunt: Hunt, keys: tuple[str, ...]) -> Hunt:
    """Return the hunt without some of its conditions."""
    return replace(hunt, checks=tuple(check for check in hunt.checks if check.key not in keys))
