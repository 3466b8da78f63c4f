"""The planner's page: the answer to one question as a finding, a map, a legend, a table and the words that say what a figure means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isinf
from typing import Any, Final

from flask import current_app, g, url_for
from sqlalchemy import text

from app import filters
from app.ground import ground
from app.i18n import gettext, language
from app.planquery import ALL, PlanQuery
from app.planwords import BREAK_NAMES, DEMAND_NAMES, HEADS, METHOD_NAMES, POINT_NAMES, SOURCES, figure, per, unit, weights
from app.security import csp_nonce
from core import clock
from core.errors import N_, Invalid
from geodata.regions import HOME
from maps import layers
from maps.page import Page, View, draw
from maps.style import CLASSES, NO_DATA, class_of
from planning import breaks
from planning.accessibility import METHODS, Answer, Row, answer, provinces
from planning.world import World, Zone, read_world

MINUTES: Final = (20, 30, 45, 60, 90, 120)
AIR: Final = 0.35
"""Degrees of land beyond the outermost points of a province's counties."""
BINS: Final = 24


@dataclass(frozen=True)
class Plan:
    """The query with its answer, the world it is about, names of classes and provinces, and the bounds between the classes on the map."""

    query: PlanQuery
    answer: Answer
    world: World
    classes: Mapping[str, tuple[str, str | None]]
    provinces: Mapping[str, str]
    breaks: breaks.Breaks

    @property
    def class_name(self) -> str:
        """The chosen class as a word inside a sentence: "质谱仪器", "mass spectrometers"; "仪器设备" when it is all of them."""
        code = self.query.question.class_code
        name = self.classes[code][0] if code else gettext("仪器设备")
        return name[0].lower() + name[1:] if name[1:2].islower() else name


def find(query: PlanQuery) -> Plan:
    """Answer the query for this request; raise `Invalid` for a class or a province that does not exist."""
    name = "name_en" if language() == "en" else "name_zh"
    asked = query.question
    world = read_world(g.session, asked.province, asked.travel.metres(asked.minutes))
    rows = g.session.execute(text(f"SELECT code, {name} AS name, parent FROM instrument_class ORDER BY code"))
    classes = {row.code: (row.name, row.parent) for row in rows}
    known = provinces(world)
    named = g.session.execute(text(f"SELECT adcode, {name} AS name FROM region WHERE adcode = ANY(:known)"), {"known": known})
    names = {row.adcode: row.name for row in named}
    if asked.class_code and asked.class_code not in classes:
        raise Invalid("class", N_("没有这个仪器门类。请从列表里选。"))
    if asked.province not in known and asked.province != HOME:
        raise Invalid("province", N_("没有这个省级代码，或者那里的县还没有装进来。请从列表里选。"))
    found = answer(world, asked)
    return Plan(query, found, world, classes, {code: names.get(code, code) for code in known}, breaks.METHODS[query.breaks](found.figures))


def context(plan: Plan) -> dict[str, Any]:
    """Return the context of `planner/gaps.html`."""
    query, found = plan.query, plan.answer
    return {
        "title": _title(plan),
        "subtitle": _subtitle(plan),
        "query": query,
        "asked": query.question,
        "options": _options(plan),
        "unit": unit(query.question),
        "legend": _legend(plan),
        "breaks_name": gettext(BREAK_NAMES[query.breaks]),
        "columns": _columns(plan),
        "rows": _rows(plan),
        "bars": _bars(plan),
        "most": figure(max(found.figures, default=0.0)),
        "meaning": _meaning(plan),
        "method_name": gettext(METHOD_NAMES[query.question.method]),
        "source": SOURCES.get(query.question.method, ""),
        "weights": weights(query.question),
        "placed": found.placed,
        "towns": _towns(plan),
        "at_most": sum(row.at_most for row in found.rows),
        "unknown": len(found.unknown),
        "around": None if isinf(plan.world.around) else filters.km(plan.world.around),
        "as_of": plan.world.at,
        "printed_at": clock.now(g.session),
        "home": query.question.province == HOME,
        "links": {kind: query.link(url_for(f"planner.gaps_{kind}")) for kind in ("csv", "gpkg")},
        "map": _map(plan),
    }


def _towns(plan: Plan) -> dict[str, int]:
    """Return from how many townships the counties are looked at, and how many counties have none whose point is known."""
    ours = {row.zone.adcode for row in plan.answer.rows}
    towns = [int(adcode) for adcode, _, _ in plan.world.towns]
    known = [code for code in towns if str(code) in ours]
    return {"n": len(known), "bare": len(ours) - len(set(known))}


def local(zone: Zone, part: str = "name") -> str:
    """Return a zone's name, or its city's (`part` "city"), in the language of this request."""
    named: str = getattr(zone, f"{part}_en") or getattr(zone, f"{part}_zh") if language() == "en" else getattr(zone, f"{part}_zh")
    return named


def _title(plan: Plan) -> str:
    found, asked = plan.answer, plan.query.question
    known = len(found.rows) - len(found.unknown)
    if not known:
        return gettext(
            "%(place)s的县没有“%(demand)s”的数字，算不出来", place=plan.provinces.get(asked.province, ""), demand=gettext(DEMAND_NAMES[asked.demand])
        )
    facts: dict[str, Any] = {"known": known, "n": len(found.without), "what": plan.class_name, "minutes": asked.minutes}
    if found.without and asked.method == "county":
        return gettext("%(known)s 个县（市、区）里，%(n)s 个没有对外开放的%(what)s", **facts)
    if found.without:
        return gettext("%(known)s 个县（市、区）里，%(n)s 个在 %(minutes)s 分钟内到不了一台开放的%(what)s", **facts)
    least = min((row for row in found.rows if row.access is not None), key=lambda row: row.access or 0.0)
    low = sum(row.access is not None and row.access < (found.mean or 0.0) / 2 for row in found.rows)
    facts |= {"low": low, "name": local(least.zone), "unit": unit(asked), "least": figure(least.access)}
    if low:
        return gettext("%(known)s 个县（市、区）里，%(low)s 个的%(what)s不到平均的一半，最少的是%(name)s：%(unit)s %(least)s 台", **facts)
    return gettext("%(known)s 个县（市、区）的%(what)s都过平均的一半，最少的是%(name)s：%(unit)s %(least)s 台", **facts)


def _subtitle(plan: Plan) -> str:
    found, asked = plan.answer, plan.query.question
    parts = []
    if found.without:
        whole = sum(row.demand or 0 for row in found.without)
        said = filters.people(whole) if asked.demand == "population" else f"{whole:,}"
        text_ = N_("这些县共 %(people)s常住人口。") if asked.demand == "population" else N_("这些县共有 %(people)s 家企业和团队。")
        parts.append(gettext(text_, people=said))
    if found.mean is not None:
        parts.append(gettext("有数字的县平均%(unit)s %(mean)s 台（套）。", unit=unit(asked), mean=figure(found.mean)))
    if found.unknown and len(found.unknown) == len(found.rows):
        parts.append(gettext("%(n)s 个县没有数字，画斜线，不估计。", n=len(found.unknown)))
    elif found.unknown:
        parts.append(gettext("另有 %(n)s 个县没有数字，画斜线，不估计。", n=len(found.unknown)))
    return " ".join(parts) if language() == "en" else "".join(parts)


def _options(plan: Plan) -> dict[str, Any]:
    asked = plan.query.question
    tops = [(code, name) for code, (name, parent) in plan.classes.items() if parent is None]
    below: dict[str | None, list[tuple[str, str]]] = {}
    for code, (name, parent) in plan.classes.items():
        below.setdefault(parent, []).append((code, name))
    return {
        "all": ALL,
        "classes": [(code, name, below.get(code, [])) for code, name in tops],
        "methods": [(name, gettext(METHOD_NAMES[name])) for name in METHODS],
        "minutes": sorted({*MINUTES, asked.minutes}),
        "demands": [(name, gettext(said)) for name, said in DEMAND_NAMES.items()],
        "points": [(name, gettext(said)) for name, said in POINT_NAMES.items()],
        "breaks": [(name, gettext(said)) for name, said in BREAK_NAMES.items()],
        "provinces": list(plan.provinces.items()),
    }


def _legend(plan: Plan) -> list[dict[str, Any]]:
    cuts = [f"{cut:g}" for cut in plan.breaks]
    spans = [gettext("%(high)s 以下", high=cuts[0])] if cuts else [gettext("大于 0")]
    spans += [f"{low}–{high}" for low, high in pairwise(cuts)]
    spans += [gettext("%(low)s 以上", low=cuts[-1])] if cuts else []
    held = [class_of(row.access, plan.breaks) for row in plan.answer.rows]
    zero, none = gettext("0（一台也没有）"), gettext("没有数字，不计算")
    keys = [(CLASSES[0], zero), *zip(CLASSES[1:], spans, strict=False), (NO_DATA, none)]
    return [{"key": key, "text": said, "n": held.count(key)} for key, said in keys]


def _columns(plan: Plan) -> list[dict[str, Any]]:
    """Return the table's columns with the address that orders by each: up first, then down."""
    asked, query = plan.query.question, plan.query
    heads = {
        "name": gettext("县（市、区）"),
        "access": gettext(HEADS[asked.demand]),
        "inside": gettext("县内"),
        "reached": gettext("%(minutes)s 分钟内", minutes=asked.minutes),
        "demand": gettext("常住人口") if asked.demand == "population" else gettext("企业和团队"),
        "nearest": gettext("最近的一台"),
    }
    found = []
    for name, head in heads.items():
        here = query.sort == name
        turned = "down" if here and query.order == "up" else "up"
        aria = {"up": "ascending", "down": "descending"}[query.order] if here else "none"
        found.append({"name": name, "head": head, "sort": aria, "url": query.link(url_for("planner.gaps"), sort=name, order=turned) + "#table"})
    return found


_KEYS: Final[Mapping[str, Callable[[Row], Any]]] = {
    "access": lambda row: row.access,
    "name": lambda row: row.zone.adcode,
    "inside": lambda row: row.inside,
    "reached": lambda row: row.reached,
    "demand": lambda row: row.demand,
    "nearest": lambda row: row.nearest_m,
}


def ordered(plan: Plan) -> list[tuple[int | None, Row]]:
    """Return the rows in the order of the query, each with its rank by gap; what is not known stands last, whatever the order."""
    ranked = sorted(plan.answer.rows, key=lambda row: (row.access is None, row.access or 0.0, -(row.demand or 0), row.zone.adcode))
    numbered = [(None if row.access is None else n, row) for n, row in enumerate(ranked, start=1)]
    key, down = _KEYS[plan.query.sort], plan.query.order == "down"
    known = sorted((pair for pair in numbered if key(pair[1]) is not None), key=lambda pair: key(pair[1]), reverse=down)
    return known + [pair for pair in numbered if key(pair[1]) is None]


def _rows(plan: Plan) -> list[dict[str, Any]]:
    pairs = ordered(plan)
    owners = _owners([row.owner for _, row in pairs])
    return [
        {
            "rank": rank,
            "adcode": row.zone.adcode,
            "name": local(row.zone),
            "city": local(row.zone, "city"),
            "key": class_of(row.access, plan.breaks),
            "access": figure(row.access),
            "at_most": row.at_most,
            "inside": row.inside,
            "reached": f"{row.reached:,.0f}",
            "demand": row.demand,
            "year": row.zone.population_year,
            "nearest": None if row.nearest_m is None else filters.km(row.nearest_m),
            "owner": owners.get(row.owner),
            "owner_url": url_for("public.carrier", organisation_id=row.owner) if row.owner in owners else None,
        }
        for rank, row in pairs
    ]


def _owners(ids: Sequence[int]) -> dict[int, str]:
    query = "SELECT id, coalesce(CASE WHEN :english THEN name_en END, name_zh) AS name FROM organisation WHERE id = ANY(:ids)"
    return {row.id: row.name for row in g.session.execute(text(query), {"ids": sorted({*ids}), "english": language() == "en"})}


def _bars(plan: Plan) -> list[dict[str, Any]]:
    """Return the distribution of the figures above zero in equal bins: left edge and height in percent, the class of the bin's middle."""
    figures = plan.answer.figures
    if len(figures) < 2 * len(CLASSES):
        return []
    step = max(figures) / BINS
    counts = [0] * BINS
    for value in figures:
        counts[min(int(value / step), BINS - 1)] += 1
    return [
        {"x": round(100 * n / BINS, 2), "height": round(100 * count / max(counts), 1), "key": class_of((n + 0.5) * step, plan.breaks), "n": count}
        for n, count in enumerate(counts)
        if count
    ]


def _meaning(plan: Plan) -> str:
    """Return in one sentence what a figure means, on the example of the county in the middle."""
    asked = plan.query.question
    known = sorted((row for row in plan.answer.rows if row.access), key=lambda row: row.access or 0.0)
    if not known:
        return gettext("这一类现在没有一个县够得着，所以没有可以举例的数。")
    row = known[len(known) // 2]
    facts = {"name": local(row.zone), "unit": unit(asked), "figure": figure(row.access), "what": plan.class_name}
    if asked.method == "county":
        return gettext("例如%(name)s：县界里有 %(n)s 台开放的%(what)s，合%(unit)s %(figure)s 台。邻县的也许更近，这里不算。", n=row.inside, **facts)
    return gettext(
        "例如%(name)s：%(minutes)s 分钟内够得着 %(n)s 台开放的%(what)s，和所有也够得着它们的地方分着用，%(unit)s分到 %(figure)s 台。",
        minutes=asked.minutes,
        n=f"{row.reached:,.0f}",
        **facts,
    )


def _map(plan: Plan) -> Page:
    values = {row.zone.adcode: row.access for row in plan.answer.rows}
    texts = {row.zone.adcode: _sentence(plan, row) for row in plan.answer.rows}
    province = plan.query.question.province
    own = layers.BaseRegions(url=url_for("planner.gaps") + f"/base/{province}", cased=True)
    lowest = [own if province != HOME and isinstance(layer, layers.BaseRegions) else layer for layer in ground(cased=True)]
    label = gettext("各县（市、区）%(unit)s的仪器数。旁边的表有同样的内容。", unit=unit(plan.query.question))
    return draw((layers.Choropleth(values, plan.breaks, texts), *lowest), view=_view(plan), nonce=csp_nonce(), label=label)


def _view(plan: Plan) -> View:
    at = [(row.zone.lon, row.zone.lat) for row in plan.answer.rows]
    if not at:
        return View(wheel=False)
    lons, lats = zip(*at, strict=True)
    land = View.of_land(min(lons) - AIR, min(lats) - AIR, max(lons) + AIR, max(lats) + AIR)
    return View(land.lon, land.lat, land.zoom, wheel=False, corners=land.corners)


def _sentence(plan: Plan, row: Row) -> str:
    facts = {"name": local(row.zone), "unit": unit(plan.query.question), "figure": figure(row.access), "n": row.inside}
    if row.access is None:
        return gettext("%(name)s：没有数字，不计算；县内 %(n)s 台（套）", **facts)
    if row.at_most:
        return gettext("%(name)s：%(unit)s至多 %(figure)s 台（套）", **facts)
    return gettext("%(name)s：%(unit)s %(figure)s 台（套）", **facts)


def table(plan: Plan) -> dict[str, list[Any]]:
    """Return the rows of the page as columns for an export, in the order of the page; every row says by which method and when."""
    asked, rows = plan.query.question, [row for _, row in ordered(plan)]
    sample = current_app.config["SETTINGS"].sample != "none"
    same = {
        "class": asked.class_code or ALL,
        "method": asked.method,
        "minutes": asked.minutes,
        "demand_kind": asked.demand,
        "points": asked.points,
        "per": per(asked),
        "detour": asked.travel.detour,
        "speed_kmh": asked.travel.speed,
        "as_of": plan.world.at.isoformat(timespec="seconds"),
        "is_sample": sample,
        "note": "示例数据" if sample else "",
    }
    return {
        "adcode": [row.zone.adcode for row in rows],
        "name_zh": [row.zone.name_zh for row in rows],
        "name_en": [row.zone.name_en for row in rows],
        "city_zh": [row.zone.city_zh for row in rows],
        "access": [row.access for row in rows],
        "at_most": [row.at_most for row in rows],
        "map_class": [class_of(row.access, plan.breaks) for row in rows],
        "instruments_inside": [row.inside for row in rows],
        "instruments_reached": [round(row.reached, 3) for row in rows],
        "nearest_m": [None if row.nearest_m is None else round(row.nearest_m) for row in rows],
        "demand": [row.demand for row in rows],
        "population_year": [row.zone.population_year for row in rows],
        **{name: [value] * len(rows) for name, value in same.items()},
    }
