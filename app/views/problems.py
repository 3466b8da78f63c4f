"""The addresses that stand as `type` in problem details: each leads to its line in the API's description."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from app.errors import every_kind
from core.errors import NotFound

bp = Blueprint("problems", __name__)


@bp.get("/problems/<slug>")
def problem(slug: str) -> ResponseReturnValue:
    """Lead from the type of a problem to what it means; `NotFound` for a type that never was."""
    if slug not in {kind.slug for kind in every_kind()}:
        raise NotFound
    return redirect(url_for("api.docs", _anchor=f"problem-{slug}"), 303)
