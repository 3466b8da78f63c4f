"""Searches of the sample world: how often something was looked for, week by week, beside what is open there. Generated, marked as sample.

What was looked for follows the firms of a county and the types that are about; how a search ended follows the supply within the city. A few
stories come every week, so that a planner sees what such a table is for. Which lists were shown of them is left to `app.listsample`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.listsample import lay_lists
from app.savedsample import lay_saved
from bookings.demand import FEWEST, Demand, monday
from geodata.bulk import Column, copy_columns
from geodata.regions import HOME
from geodata.sampling.world import World

WEEKS: Final = 26
A_WEEK: Final = 240
"""Searches in the last full week, whatever the size of the world; half a year before there were half as many."""

Key = tuple[date, str, str, str, str]
"""What is counted together: week, region, kind, type, text."""

STORIES: Final[tuple[tuple[str, str, str, float, str], ...]] = (
    ("330522", "气相色谱仪", "relaxed", 5.5, "电池鼓包，想知道里面产了什么气，要CMA"),
    ("330522", "加速量热仪", "relaxed", 4.2, "电芯热失控从多少度开始，两天内出报告"),
    ("331083", "工业CT", "relaxed", 4.8, "阀体铸件内部缩孔，三天内要结果"),
    ("331081", "声学消声室", "relaxed", 3.4, "水泵装车后噪声超标，一千元以内测声功率"),
    ("330784", "电磁兼容测试系统", "relaxed", 4.4, "电动工具辐射骚扰超标，整改前先摸底"),
    ("330784", "气相色谱-质谱联用仪", "relaxed", 3.2, "不粘锅涂层迁移量，出口欧盟要CNAS报告"),
    ("330483", "纺织品强力/起球测试仪", "relaxed", 3.6, "羊绒衫起毛起球，洗后再测一次"),
    ("330382", "温度冲击试验箱", "none", 3.8, "断路器温度冲击后触头发黑"),
    ("330681", "齿轮测量中心", "none", 3.1, "袜机齿轮异响，怀疑齿形误差"),
    ("330523", "透气/透湿测试仪", "none", 3.0, "转椅面料透湿量，GB/T 12704"),
    ("331002", "高分辨质谱仪", "relaxed", 3.3, "原料药里一个未知杂质，想定结构"),
    ("330802", "有机元素分析仪", "none", 2.9, "氟硅单体的碳氢氮含量"),
    ("330902", "盐雾试验箱", "relaxed", 3.2, "船用紧固件中性盐雾1000小时"),
    ("331102", "激光粒度分析仪", "none", 2.6, "青瓷釉料粒度太粗，想测分布"),
    ("330522", "", "ask", 3.0, "新配方的电池壳胶水放两年还粘不粘得住"),
    ("331083", "", "ask", 2.4, "产品老是坏，帮我看看什么原因"),
    ("331083", "疲劳试验机", "unanswered", 0.6, ""),
    ("330522", "电池安全(针刺挤压热失控)试验设备", "unanswered", 0.5, ""),
)
"""Region, type, how it ends, how often a week on average, in which words."""


def lay_searches(session: Session, world: World) -> None:
    """Write the searches of WEEKS weeks up to the day of the world, the lists that were shown of them, and those that are kept."""
    rng = np.random.default_rng([world.seed, 5])
    counted: Counter[Key] = Counter()
    for key in (*_told(world.day, rng), *_others(session, world.day, rng)):
        counted[key] += 1
    _write(session, rng, world.day, dict(sorted(counted.items())))
    found: Counter[date] = Counter()
    for (week, _, kind, _, _), n in counted.items():
        found[week] += n if kind == "found" else 0
    lay_lists(session, world.seed, dict(sorted(found.items())))
    lay_saved(session, world.day)


def busyness(day: date) -> list[tuple[date, float]]:
    """Return the weeks with how busy each is against the last full one: more from month to month, few over the national holidays."""
    last = monday(day)
    weeks = [last - timedelta(weeks=WEEKS - 1 - n) for n in range(WEEKS)]
    share = [(0.5 + 0.5 * n / (WEEKS - 1)) * (0.35 if _is_holiday(week) else 1.0) for n, week in enumerate(weeks)]
    share[-1] *= min(1.0, max(0.2, (day - last).days / 5))
    return list(zip(weeks, share, strict=True))


def _is_holiday(week: date) -> bool:
    return week <= date(week.year, 10, 4) < week + timedelta(days=7)


def _told(day: date, rng: Generator) -> Iterator[Key]:
    """Yield the searches of the stories."""
    for week, busy in busyness(day):
        for region, kind_of, ends, often, words in STORIES:
            yield from [(week, region, ends, kind_of, words)] * int(rng.poisson(often * busy))
            if kind_of and ends != "unanswered":
                yield from [(week, region, "relaxed" if ends == "none" else "found", kind_of, "")] * int(rng.poisson(often * busy / 6))


def _others(session: Session, day: date, rng: Generator) -> Iterator[Key]:
    """Yield everybody else's: a county by its firms, a type by how common it is, an end by what is open within the city."""
    counties = session.execute(text(_FIRMS), {"home": f"{HOME[:2]}%"}).all()
    types = session.execute(text(_TYPES), {"home": f"{HOME[:2]}%"}).all()
    if not counties or not types:
        return
    near = [Counter(row.cities) for row in types]
    for week, busy in busyness(day):
        n = int(rng.poisson(A_WEEK * busy))
        wheres, whats, chance = _drawn(rng, counties, n), _drawn(rng, types, n), rng.random(n)
        for where, what, luck in zip(wheres, whats, chance, strict=True):
            region = counties[where].adcode
            kind = _end(near[what][region[:4]], luck)
            yield (week, region, kind, "" if kind == "ask" else types[what].name_zh, "")


def _drawn(rng: Generator, rows: Sequence[Any], n: int) -> NDArray[np.int64]:
    weight = np.array([float(row.n) for row in rows], np.float64) ** 0.7
    return rng.choice(len(rows), size=n, p=weight / weight.sum())


def _end(near: int, luck: float) -> str:
    """Say how a search ends with so many open instruments in the city."""
    nothing, less = (0.30, 0.20) if near == 0 else (0.06, 0.14) if near < 3 else (0.015, 0.07)
    return "none" if luck < nothing else "relaxed" if luck < nothing + less else "ask" if luck > 0.94 else "found"


def _write(session: Session, rng: Generator, day: date, counted: dict[Key, int]) -> None:
    """Write the counts; words that too few asked on one day stay only in the week that still runs, as `bookings.demand.tidy` would have it."""
    rows: Counter[Key] = Counter()
    askers: dict[Key, int] = {}
    for (week, region, kind, what, words), n in counted.items():
        at_once = 1 + int(rng.binomial(n - 1, 0.6))
        key = (week, region, kind, what, words if at_once >= FEWEST or week == monday(day) else "")
        rows[key] += n
        askers[key] = max(askers.get(key, 0), at_once)
    names = ("week", "region", "kind", "type", "text")
    said: dict[str, Column] = {name: [str(key[n]) for key in rows] for n, name in enumerate(names)}
    counts: dict[str, Column] = {"n": np.array(list(rows.values())), "askers": np.array([askers[key] for key in rows]), "is_sample": True}
    copy_columns(session, Demand, said | counts, len(rows))


_FIRMS: Final = """
SELECT o.adcode, count(*) AS n FROM organisation o JOIN region r ON r.adcode = o.adcode
WHERE o.kind IN ('enterprise', 'team') AND o.is_sample AND o.adcode LIKE :home GROUP BY o.adcode ORDER BY o.adcode
"""
_TYPES: Final = """
SELECT k.name_zh, count(i.id) + 1 AS n, array_agg(left(i.adcode, 4)) AS cities
FROM instrument_type k LEFT JOIN open_instrument i ON i.type_id = k.id AND i.status = 'working' AND i.price IS NOT NULL AND i.adcode LIKE :home
GROUP BY k.id ORDER BY k.id
"""
