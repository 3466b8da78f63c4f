"""Where instruments are missing: instruments of a class per 100,000 residents by county, as a map and as the same figures in a table."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import pairwise

from flask import Blueprint, Response, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from sqlalchemy import text

from app import filters
from app.ground import ground
from app.i18n import gettext, language
from app.mapquery import with_pairs
from app.security import csp_nonce
from core.errors import N_, Invalid
from geodata.queries import RegionCount, counts_by_region
from maps import layers
from maps.page import Page, View, draw
from maps.style import CLASSES, NO_DATA
from planning.gaps import Gap, GapView, gaps

bp = Blueprint("planner", __name__, url_prefix="/planner")

ALL = "all"
VIEW = View(lon=120.5, lat=29.1, zoom=7.5, wheel=False)


@dataclass(frozen=True)
class Choice:
    """The classes one can choose, the chosen code, and the gaps of all counties under it."""

    classes: list[dict[str, str]]
    code: str
    counts: dict[str, RegionCount]
    view: GapView


@bp.get("", endpoint="gaps")
def gaps_page() -> ResponseReturnValue:
    """Show the finding as a sentence, the map and the table."""
    found = _choice()
    return render_template("planner/gaps.html", **_context(found))


@bp.get("/gaps.csv")
def gaps_csv() -> Response:
    """Answer exactly the table of the page as CSV (UTF-8 with BOM, so that spreadsheets read it)."""
    found = _choice()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["adcode", "name_zh", "name_en", "class", "per_100000", "instruments", "population", "population_year", "note"])
    for gap in found.view.gaps:
        row = found.counts[gap.adcode]
        rate = "" if gap.rate is None else f"{gap.rate:.4f}"
        writer.writerow(
            [gap.adcode, row.name_zh, row.name_en, found.code, rate, gap.instruments, gap.population or "", row.population_year or "", "示例数据"]
        )
    response = Response("\ufeff" + out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=gaps-{found.code}.csv"
    return response


def _choice() -> Choice:
    query = "SELECT code, name_zh, name_en FROM instrument_class WHERE parent IS NULL ORDER BY code"
    classes = [{"code": ALL, "name": gettext("全部门类")}, *(_named(row) for row in g.session.execute(text(query)))]
    code = request.args.get("class", ALL)
    if code not in {item["code"] for item in classes}:
        raise Invalid("class", N_("没有这个仪器门类。请从列表里选。"))
    counts = counts_by_region(g.session, "" if code == ALL else code)
    return Choice(classes, code, {row.adcode: row for row in counts}, gaps(counts))


def _named(row: object) -> dict[str, str]:
    return {"code": row.code, "name": row.name_en if language() == "en" else row.name_zh}  # type: ignore[attr-defined]


def _context(found: Choice) -> dict[str, object]:
    empty, unknown = found.view.empty, found.view.unknown
    known = len(found.view.gaps) - len(unknown)
    people = sum(g_.population or 0 for g_ in empty)
    title = ngettext(
        "%(known)s 个县（市、区）里，%(num)s 个没有对外开放的仪器",
        "%(known)s 个县（市、区）里，%(num)s 个没有对外开放的仪器",
        len(empty),
        known=known,
    )
    subtitle = gettext(
        "这些县共 %(people)s常住人口；另有 %(unknown)s 个县没有人口数字，不估计。", people=filters.people(people), unknown=len(unknown)
    )
    return {
        "title": title,
        "subtitle": subtitle,
        "classes": found.classes,
        "chosen": found.code,
        "rows": [_row(n, gap, found.counts[gap.adcode]) for n, gap in enumerate(found.view.gaps, start=1)],
        "legend": _legend(found.view),
        "csv_url": with_pairs(url_for("planner.gaps_csv"), [("class", found.code)]),
        "map": _map(found),
        "source": gettext("仪器为示例数据；人口为各县最近一次公布的数字"),
    }


def _row(number: int, gap: Gap, row: RegionCount) -> dict[str, object]:
    english = language() == "en"
    return {
        "rank": None if gap.rate is None else number,
        "name": row.name_en if english else row.name_zh,
        "rate": gap.rate,
        "instruments": gap.instruments,
        "population": gap.population,
        "year": row.population_year,
    }


def _legend(view: GapView) -> list[dict[str, str]]:
    cuts = [f"{cut:g}" for cut in view.breaks]
    spans = [gettext("%(high)s 以下", high=cuts[0])] if cuts else [gettext("大于 0")]
    spans += [f"{low}–{high}" for low, high in pairwise(cuts)]
    spans += [gettext("%(low)s 以上", low=cuts[-1])] if cuts else []
    zero = {"key": CLASSES[0], "text": gettext("0（一台也没有）")}
    return [
        zero,
        *({"key": key, "text": span} for key, span in zip(CLASSES[1:], spans, strict=False)),
        {"key": NO_DATA, "text": gettext("没有人口数据，不计算")},
    ]


def _map(found: Choice) -> Page:
    values = {gap.adcode: gap.rate for gap in found.view.gaps}
    texts = {gap.adcode: _sentence(gap, found.counts[gap.adcode]) for gap in found.view.gaps}
    drawn = (layers.Choropleth(values, found.view.breaks, texts), *ground(cased=True))
    return draw(drawn, view=VIEW, nonce=csp_nonce(), label=gettext("各县（市、区）每 10 万人的仪器数。右边的表有同样的内容。"))


def _sentence(gap: Gap, row: RegionCount) -> str:
    name = row.name_en if language() == "en" else row.name_zh
    if gap.rate is None:
        return gettext("%(name)s：没有人口数据，%(n)s 台（套）", name=name, n=gap.instruments)
    return gettext("%(name)s：每 10 万人 %(rate)s 台（套）", name=name, rate=f"{gap.rate:.2f}")
