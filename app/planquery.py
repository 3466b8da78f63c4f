"""The address of the planner's page: what is asked and how the table is ordered, read and written in one place.

    province=330000  class=010000|010100  method=two_step|enhanced|gaussian|three_step|county  minutes=60  demand=population|enterprises
    points=townships|middles  speed=50 (km/h)  detour=1.3  breaks=quantiles|natural  sort=access|name|inside|reached|demand|nearest  order=up|down
What stands at its default is left out of a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from app.mapquery import with_pairs
from core.errors import N_, Invalid
from planning import breaks
from planning.accessibility import METHODS, PER, POINTS, REACHES, Question
from planning.travel import Travel

ALL = "all"
SORTS = ("access", "name", "inside", "reached", "demand", "nearest")
ORDERS = ("up", "down")
SPEEDS, DETOURS = (5.0, 200.0), (1.0, 3.0)


@dataclass(frozen=True)
class PlanQuery:
    """What is asked, how figures are parted into classes (`planning.breaks.METHODS`), and the order of the table."""

    question: Question
    breaks: str = "quantiles"
    sort: str = "access"
    order: str = "up"

    def pairs(self) -> dict[str, str]:
        """Return the query as pairs of the address, defaults left out."""
        asked, usual = self.question, Question()
        said = {
            "province": (asked.province, usual.province),
            "class": (asked.class_code or ALL, ALL),
            "method": (asked.method, usual.method),
            "minutes": (str(asked.minutes), str(usual.minutes)),
            "demand": (asked.demand, usual.demand),
            "points": (asked.points, usual.points),
            "speed": (f"{asked.travel.speed:g}", f"{usual.travel.speed:g}"),
            "detour": (f"{asked.travel.detour:g}", f"{usual.travel.detour:g}"),
            "breaks": (self.breaks, "quantiles"),
            "sort": (self.sort, "access"),
            "order": (self.order, "up"),
        }
        return {name: value for name, (value, default) in said.items() if value != default}

    def link(self, base: str, **changes: str) -> str:
        """Return the address of `base` that asks the same but for `changes`."""
        return with_pairs(base, (self.pairs() | changes).items())


def read_plan(args: Mapping[str, str]) -> PlanQuery:
    """Read the query; raise `Invalid` naming the field for anything that cannot be meant. Whether the class and the province exist is asked later."""
    usual = Question()
    class_code = args.get("class") or ALL
    question = Question(
        province=_digits(args.get("province") or usual.province, "province", N_("没有这个省级代码，或者那里的县还没有装进来。请从列表里选。")),
        class_code="" if class_code == ALL else _digits(class_code, "class", N_("没有这个仪器门类。请从列表里选。")),
        method=_one_of(args, "method", METHODS),
        minutes=_minutes(args.get("minutes") or str(usual.minutes)),
        demand=_one_of(args, "demand", tuple(PER)),
        points=_one_of(args, "points", POINTS),
        travel=Travel(
            detour=_number(args.get("detour") or f"{usual.travel.detour}", "detour", *DETOURS),
            speed=_number(args.get("speed") or f"{usual.travel.speed}", "speed", *SPEEDS),
        ),
    )
    return PlanQuery(question, _one_of(args, "breaks", tuple(breaks.METHODS)), _one_of(args, "sort", SORTS), _one_of(args, "order", ORDERS))


def _one_of(args: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    given = args.get(name) or known[0]
    if given not in known:
        raise Invalid(name, N_("没有“%(given)s”这个选项。请从列表里选。"), given=given[:40])
    return given


def _digits(given: str, name: str, why: str) -> str:
    if not (given.isascii() and given.isdigit() and len(given) == 6):
        raise Invalid(name, why)
    return given


def _minutes(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 6 and int(given) in REACHES):
        raise Invalid("minutes", N_("路程要是 %(low)s 到 %(high)s 分钟的整数。"), low=REACHES.start, high=REACHES.stop - 1)
    return int(given)


def _number(given: str, name: str, low: float, high: float) -> float:
    try:
        value = float(given)
    except ValueError:
        value = float("nan")
    if not (isfinite(value) and low <= value <= high):
        raise Invalid(name, N_("这里要填 %(low)s 到 %(high)s 之间的数。"), low=f"{low:g}", high=f"{high:g}")
    return round(value, 3)
