"""The page of search quality: for planners and auditors."""

from __future__ import annotations

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from app import quality

bp = Blueprint("learning", __name__, url_prefix="/planner/search-quality")


@bp.get("")
def page() -> ResponseReturnValue:
    """Show how searches end, what is clicked, how far people look, and why the learnt order is on or off."""
    return render_template("planner/quality.html", **quality.context(g.session))
