"""Up to three instruments of an answer side by side, for the need that found them."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import answers, results, sidebyside
from app.days import short_day
from app.mapquery import read, with_pairs
from app.viewport import sight

bp = Blueprint("compare", __name__)


@bp.get("/compare")
def page() -> ResponseReturnValue:
    """Compare the instruments `i` (again for more) as they answer the need of the address; of more than three, the first three."""
    ids, more = sidebyside.read_ids(request.args.getlist("i"))
    address, _ = answers.readable(g.session, read(request.args))
    base, found = url_for("public.search"), sight(address).found
    matches, gone = sidebyside.picked(found, ids) if found else ((), ids)
    known = g.actor.role == "enterprise"
    columns = [
        {
            **results.row(one, address, found, known),
            "off": with_pairs(url_for("compare.page"), [*address.pairs, *(("i", str(i)) for i in ids if i != one.candidate.instrument_id)]),
        }
        for one in matches
        if found
    ]
    due = found.need.deadline if found else None
    return render_template(
        "compare.html",
        columns=columns,
        rows=sidebyside.rows(g.session, found, matches, known=known) if found and matches else [],
        gone=gone,
        more=more,
        need=address.query.need,
        due=short_day(due) if due else "",
        back_url=address.link(base),
    )
