"""The learnt order in a running service: off unless it is switched on and its gain is certain. Scores and their parts stay as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Final

from flask import current_app, has_app_context

from app.config import Settings
from matching.learning.features import FIRST, row_of, shape_of
from matching.learning.log import TOP
from matching.learning.store import read_card, read_model, why_off
from matching.rank import Match
from matching.signals import SIGNALS

Ranked = Match[Any]

LOOK: Final = 60.0
"""Seconds after which the folder is looked at again: a model that was trained meanwhile comes into use by itself."""

SHAPE: Final = ",".join((FIRST, *(signal.name for signal in SIGNALS if signal.name != FIRST)))
"""The signals of this version of the code."""


def folder(settings: Settings) -> Path:
    """Return where the learnt order is kept."""
    return settings.data_dir / "learning"


def reordered(matches: list[Ranked]) -> list[Ranked]:
    """Put the first page into the learnt order where there is one in force; a row that moved says from which place (`was`)."""
    if len(matches) < 2 or not has_app_context() or not current_app.config["SETTINGS"].rerank:
        return matches
    model = _model()
    if model is None or shape_of(matches[0]) != SHAPE:
        return matches
    top = [match for match in matches[:TOP] if not getattr(match, "misses", ())]
    scores = model.predict([row_of(match) for match in top], num_threads=1)
    order = sorted(range(len(top)), key=lambda n: (-scores[n], n))
    placed = [replace(top[n], rank=place, was=top[n].rank if top[n].rank != place else None) for place, n in enumerate(order, start=1)]
    return [*placed, *matches[len(top) :]]


def _model() -> Any | None:
    kept = current_app.extensions.setdefault("learned", {"until": 0.0, "model": None})
    if monotonic() >= kept["until"]:
        kept.update(until=monotonic() + LOOK, model=_read(current_app.config["SETTINGS"]))
    return kept["model"]


def _read(settings: Settings) -> Any | None:
    where = folder(settings)
    card = read_card(where)
    return None if card is None or why_off(where, switched_on=settings.rerank, shape=SHAPE) else read_model(where, card)
