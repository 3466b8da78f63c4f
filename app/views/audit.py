"""The sealed audit record for everybody: published roots, how many records stand under them, and how to check both without us."""

from __future__ import annotations

from flask import Blueprint, Response, g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from vouchers import roots

bp = Blueprint("audit", __name__)

SHOWN = 50
"""Roots on the page, the newest; the file has all."""


@bp.get("/audit")
def seal() -> ResponseReturnValue:
    """Show the newest roots and what they stand for."""
    shown = list(roots.published(g.session, newest=SHOWN))
    counts = g.session.execute(text(_COUNTS)).one()
    return render_template("public/audit.html", roots=shown, counts=counts, keys=sorted({one.public_key for one in shown}))


@bp.get("/audit/roots.jsonl")
def roots_file() -> Response:
    """Give all published roots, one JSON object a line."""
    lines = "".join(f"{one.line()}\n" for one in roots.published(g.session))
    return Response(lines, mimetype="application/jsonl", headers={"Content-Disposition": "attachment; filename=audit-roots.jsonl"})


_COUNTS = """
SELECT (SELECT count(*) FROM audit_block) AS blocks, (SELECT coalesce(sum(records), 0)::bigint FROM audit_block) AS records,
       (SELECT count(*) FROM audit a WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.audit_id = a.id)) AS waiting
"""
