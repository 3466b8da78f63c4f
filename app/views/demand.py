"""What was looked for in vain, by county and instrument type, beside what is open there: a page and a file of the same rows."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app import demandwords
from app.demandwords import ANYWHERE, KIND_NAMES, UNCLEAR, link, plain, read_asked
from app.i18n import gettext, language
from app.mapquery import with_pairs
from app.names import named
from bookings.demand import FEWEST, UNMET
from core import clock
from planning.demand import REACH, WEEKS, Asked, Row, since, unmet

bp = Blueprint("demand", __name__)

FIRST = 30
"""Rows of the page before one asks for all of them: the file and the API always hold all."""


@bp.get("/planner/demand")
def page() -> ResponseReturnValue:
    """Show the finding, the table, and what the figures mean."""
    asked = read_asked(request.args)
    rows, whole = unmet(g.session, asked), request.args.get("rows") == "all"
    return render_template(
        "planner/demand.html",
        asked=asked,
        rows=[_shown(row) for row in (rows if whole else rows[:FIRST])],
        n_rows=len(rows),
        all_url=f"{link(request.path, asked)}&rows=all",
        title=_title(rows, asked),
        most=max((row.unmet for row in rows), default=1),
        since=since(g.session, asked.weeks),
        today=clock.today(g.session),
        options=_options(),
        kinds=[(kind, gettext(KIND_NAMES[kind])) for kind in UNMET],
        csv_url=link(url_for("demand.table_csv"), asked),
        sample=any(row.is_sample for row in rows),
        fewest=FEWEST,
        reach=REACH // 1000,
    )


@bp.get("/planner/demand.csv", endpoint="table_csv")
def table_csv() -> Response:
    """Answer exactly the table of the page as CSV (UTF-8 with BOM, so that spreadsheets read it)."""
    asked = read_asked(request.args)
    rows = [plain(row) for row in unmet(g.session, asked)]
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0] if rows else list(plain(_EMPTY)))
    writer.writeheader()
    writer.writerows({name: f"'{value}" if str(value)[:1] in tuple("=+-@") else value for name, value in row.items()} for row in rows)
    response = Response("\ufeff" + out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=demand-{asked.region or 'all'}-{asked.weeks}w.csv"
    return response


def _title(rows: Any, asked: Asked) -> str:
    known = [row for row in rows if row.type and row.region]
    whole = sum(row.counts[asked.kind] if asked.kind else row.unmet for row in rows)
    if not rows:
        return gettext("最近 %(weeks)s 周没有落空的需求", weeks=asked.weeks)
    if not known:
        return gettext("最近 %(weeks)s 周有 %(n)s 次需求落空", weeks=asked.weeks, n=whole)
    top = known[0]
    facts = {"weeks": asked.weeks, "n": whole, "place": named(top.region_zh, top.region_en)}
    what = named(top.type, top.type_en)
    return gettext("最近 %(weeks)s 周有 %(n)s 次需求落空，最多的是%(place)s的%(what)s（%(most)s 次）", **facts, what=what, most=top.unmet)


def _shown(row: Row) -> dict[str, Any]:
    place = named(row.region_zh, row.region_en) if row.region_zh else row.region or gettext(ANYWHERE)
    what = named(row.type, row.type_en) if row.type else gettext(UNCLEAR)
    pairs = [("type", row.type), *([("region", row.region)] if row.region else [])]
    return {"row": row, "place": place, "what": what, "url": with_pairs(url_for("public.search"), pairs) if row.type else None}


def _options() -> dict[str, Any]:
    name = "name_en" if language() == "en" else "name_zh"
    regions = g.session.execute(text(f"SELECT adcode, {name} AS name FROM region WHERE level = 'city' ORDER BY adcode")).all()
    classes = g.session.execute(text(f"SELECT code, {name} AS name FROM instrument_class WHERE parent IS NULL ORDER BY code")).all()
    kinds = [(kind, gettext(said)) for kind, said in demandwords.KIND_NAMES.items() if kind in UNMET]
    return {"weeks": WEEKS, "regions": [tuple(row) for row in regions], "classes": [tuple(row) for row in classes], "kinds": kinds}


_EMPTY = Row("", "", "", "", "", dict.fromkeys(KIND_NAMES, 0), 0, None, (), is_sample=False)
