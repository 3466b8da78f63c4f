"""What the planner's page says about its methods: names, formulas' parts, sources, and figures as people write them."""

from __future__ import annotations

from math import floor, log10
from typing import Final

from app.i18n import gettext
from core.errors import N_
from planning.accessibility import ENHANCED, PER, WAN, Question

METHOD_NAMES: Final = {
    "two_step": N_("两步移动搜索法（2SFCA）"),
    "enhanced": N_("增强两步法（E2SFCA）：近处权重大，分三段"),
    "gaussian": N_("高斯两步法：权重随路程平滑下降"),
    "three_step": N_("三步法（3SFCA）：远近之外还看有没有别处可去"),
    "county": N_("按县界计数：不看路程"),
}
DEMAND_NAMES: Final = {"population": N_("常住人口"), "enterprises": N_("登记的企业和创客团队")}
POINT_NAMES: Final = {"townships": N_("各乡镇，份额均等"), "middles": N_("县的代表点")}
BREAK_NAMES: Final = {"quantiles": N_("四分位"), "natural": N_("自然断点")}
UNITS: Final = {"population": N_("每 10 万居民"), "enterprises": N_("每百家企业")}
HEADS: Final = {"population": N_("每 10 万人"), "enterprises": N_("每百家")}

SOURCES: Final = {
    "two_step": "Luo & Wang (2003), Environment and Planning B 30(6): 865–884",
    "enhanced": "Luo & Qi (2009), Health & Place 15(4): 1100–1107",
    "gaussian": "Dai (2010), Health & Place 16(5): 1038–1052",
    "three_step": "Wan, Zou & Sternberg (2012), International Journal of Geographical Information Science 26(6): 1073–1089",
}
"""Method → where its formula was published."""


def figure(value: float | None) -> str:
    """Write a figure of access with about three digits: 124, 24.1, 4.02, 0.064; "" for none."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 1 - floor(log10(value))
    return f"{value:.{digits}f}"


def unit(question: Question) -> str:
    """Return what a figure refers to: "每 10 万人"."""
    return gettext(UNITS[question.demand])


def weights(question: Question) -> str:
    """Return the decay of the method in minutes: "1（≤ 20 分钟）、0.68（≤ 40 分钟）、…"; "" where the formula says it all."""
    steps = {"enhanced": ENHANCED, "three_step": WAN}.get(question.method)
    if steps is None:
        return ""
    parts = (gettext("%(weight)s（≤ %(minutes)s 分钟）", weight=f"{w:g}", minutes=f"{share * question.minutes:g}") for share, w in steps.items())
    return gettext("、").join(parts)


def per(question: Question) -> int:
    """Return how many of the demand a figure refers to."""
    return PER[question.demand]
