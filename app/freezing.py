"""What a need is taken to mean, as data that stays: read now by `app.search`, kept with the post, and read back when its answers are ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from app.asking import MapQuery
from app.search import understand
from bookings.need_entities import NeedPost, NeedVersion
from core import clock
from core.errors import Invalid
from matching.constraints import Constraint
from matching.needs import LONGEST, Need

_PLAIN: Final = ("budget", "deadline", "region", "qualification", "quantity", "distance", "handover")
"""Kinds whose value is a number, a day or a word, so that it can be read back."""


@dataclass(frozen=True)
class Meaning:
    """A need as understood, as data: types [{type, score, why}], constraints [{kind, value, …}], the budget (fen) and the day that it names."""

    types: tuple[Mapping[str, Any], ...]
    constraints: tuple[Mapping[str, Any], ...]
    budget: int | None
    due: date | None


def meaning_of(session: Session, query: MapQuery) -> Meaning:
    """Return what a query means today; none of the types where its words do not say. Raises `Invalid("text")` for what cannot be read at all."""
    try:
        found = understand(session, replace(query, need=query.need[:LONGEST]))
    except Invalid as wrong:
        raise Invalid("text", wrong.text, **wrong.params) from wrong
    types = tuple({"type": one.name_zh, "score": one.score, "why": list(one.why)} for one in found.types)
    constraints = tuple(_plain(one) for one in found.need.constraints)
    return Meaning(types, constraints, found.need.budget_fen, found.need.deadline)


def narrowed(meaning: Meaning, kept: tuple[str, ...]) -> Meaning:
    """Return the meaning with the types that a person kept, in their order of fit."""
    return replace(meaning, types=tuple(one for one in meaning.types if one["type"] in kept))


def thawed(session: Session, row: NeedPost) -> Need:
    """Return a posted need as it was understood; its own budget and day overrule its words."""
    version = session.get_one(NeedVersion, (row.id, row.version))
    kept = [_constraint(one) for one in version.constraints if one["kind"] in _PLAIN and one["kind"] not in ("budget", "deadline")]
    said: list[tuple[str, int | date | None]] = [("budget", row.budget), ("deadline", row.due)]
    kept += [Constraint(kind, value, str(value), "said") for kind, value in said if value is not None]  # type: ignore[arg-type]
    return Need(row.text, row.text, clock.business_date(row.posted_at), tuple(kept))


def fits_of(session: Session, row: NeedPost) -> dict[str, float]:
    """Return how well each type fits the need, 0..1, by name."""
    version = session.get_one(NeedVersion, (row.id, row.version))
    return {str(one["type"]): float(one.get("score", 1.0)) for one in version.understood}


def _plain(one: Constraint) -> dict[str, Any]:
    value = one.value if isinstance(one.value, int | str) else one.value.isoformat() if isinstance(one.value, date) else one.text
    return {"kind": one.kind, "value": value, "text": one.text, "origin": one.origin, "strength": one.strength}


def _constraint(one: Mapping[str, Any]) -> Constraint:
    return Constraint(one["kind"], one["value"], one["text"], one["origin"], one["strength"])
