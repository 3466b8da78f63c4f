"""The two probes: `/healthz` says that the process lives, `/readyz` that it can answer people."""

from __future__ import annotations

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from app.health import checks
from app.i18n import translate

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer 200 while the process runs; asks nobody else."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer 200 when database, migrations and assets are right, else 503 with each problem as a sentence."""
    problems = [translate(problem) for problem in checks(g.session)]
    return {"status": "unavailable" if problems else "ok", "problems": problems}, 503 if problems else 200
