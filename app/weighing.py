"""How much each signal counts, as the person set it: the sliders, and the sum that gave a row its place, in points that add up in sight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from app.corrections import HEAVIEST, WEIGH
from app.days import said
from app.i18n import gettext, translate
from app.mapquery import Address
from app.search import Ranked
from core.errors import N_
from matching.signals import SIGNALS

NAMES: Final = {
    "spec_fit": N_("规格合不合"),
    "distance": N_("离我多远"),
    "own_part": N_("用券后自付多少"),
    "slot": N_("多快能约上、赶不赶得上期限"),
    "budget": N_("在不在预算里"),
    "quality": N_("做得好不好、准不准时"),
    "responsiveness": N_("回复快不快"),
    "accreditation": N_("有没有资质"),
}
SHORT: Final = {
    "spec_fit": N_("规格"),
    "distance": N_("距离"),
    "own_part": N_("自付"),
    "slot": N_("时间"),
    "budget": N_("预算"),
    "quality": N_("质量"),
    "responsiveness": N_("响应"),
    "accreditation": N_("资质"),
}
HIDDEN: Final = frozenset({"type_fit"})
"""What is no matter of taste: whether the instrument can do it."""


def defaults() -> dict[str, float]:
    """Return how much each signal counts when nobody says otherwise, 0 to 10."""
    return {one.name: float(one.weight) for one in SIGNALS if one.name not in HIDDEN}


def sliders(address: Address, base: str) -> dict[str, Any]:
    """Return the sliders and the address of the usual weights (None while they hold)."""
    usual, own = defaults(), dict(address.query.weights)
    rows = [
        {
            "name": name,
            "field": f"{WEIGH}{name}",
            "label": gettext(SHORT.get(name, name)),
            "title": gettext(NAMES.get(name, name)),
            "value": f"{own.get(name, value):g}",
            "usual": f"{value:g}",
        }
        for name, value in usual.items()
    ]
    moved = sum(row["value"] != row["usual"] for row in rows)
    keep = [pair for pair in address.pairs if pair[0] != "w"]
    reset = address.link(base, ("w", None)) if own else None
    return {"rows": rows, "most": HEAVIEST, "moved": moved, "keep": keep, "reset_url": reset}


def sum_of(match: Ranked) -> dict[str, Any]:
    """Return how a row's points came about: parts with value, share of the weights and points, and their sum; 100 points are the most."""
    whole = sum(part.weight for part in match.parts) or 1.0
    points = _points([part.contribution for part in match.parts])
    parts = [
        {
            "name": gettext(SHORT.get(part.signal, part.signal)),
            "value": f"{part.value:.2f}",
            "share": f"{100 * part.weight / whole:.0f}%",
            "points": f"{point / 10:.1f}",
            "width": round(max(0.0, part.contribution), 4),
            "reason": translate((part.reason.text, said(part.reason.params))) if part.reason else "",
        }
        for part, point in zip(match.parts, points, strict=True)
    ]
    fit = match.candidate.type_fit
    return {"parts": parts, "total": f"{sum(points) / 10:.1f}", "fit": f"{fit:.2f}", "score": match.score}


def _points(shares: Iterable[float]) -> list[int]:
    """Round shares of 1 to thousandths so that they add up to the rounded sum."""
    found, before, exact = [], 0, 0.0
    for share in shares:
        exact += share
        found.append(round(1000 * exact) - before)
        before += found[-1]
    return found
