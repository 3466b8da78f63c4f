"""What would be to be had if one thing were otherwise: one sentence under the list, true because those were fetched who miss just that condition.

A condition is given up (a paper, a limit of the specification, a region), or the day of the report is put off. What is told is the gain over the
first of the list: money, or kilometres. A gain too small to act on is not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from core.errors import N_
from core.money import yuan
from matching.best import Best
from matching.candidates import Candidate, Near
from matching.rank import Match

CHEAPER_FEN: Final = 10_000
"""Less is not worth a sentence."""

NEARER_M: Final = 5_000
LATEST_DAYS: Final = 14


@dataclass(frozen=True)
class Counterfactual:
    """One sentence: message id and fields; `drop`: the conditions that are given up for it; `due`: the day of the report that it takes instead.

    `instrument_id`: who is meant. `saves_fen`, `nearer_m`: what it brings against the first of the list; `days`: how much later the report is.
    """

    text: str
    params: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    due: date | None = None
    instrument_id: int = 0
    saves_fen: int = 0
    nearer_m: float = 0.0
    days: int = 0


@dataclass(frozen=True)
class Given:
    """A condition, the words it was typed in, the day of the report if it is that, and candidates that miss it and meet all others."""

    key: str
    text: str
    due: date | None
    rows: Sequence[Candidate]


def counterfactual(matches: Sequence[Match[Candidate]], tried: Sequence[Given]) -> Counterfactual | None:
    """Return the sentence that brings most against the first of `matches`, or None. Money comes before kilometres."""
    best = next((one for one in matches if not one.misses), None)
    if best is None:
        return None
    said = [found for given in tried for found in (_later if given.due else _without)(best.candidate, given)]
    said += _waiting(best.candidate, matches) if all(given.due is None for given in tried) else []
    return max(said, key=lambda one: (one.saves_fen > 0, one.saves_fen, one.nearer_m, -one.days, -one.instrument_id), default=None)


def waited_for(found: Best, matches: Sequence[Match[Candidate]]) -> list[Near]:
    """Return who was not completed but may be the cheapest whose report comes some days after that of the first of `matches`.

    Nobody dearer than the cheapest such among those that were completed can be it.
    """
    if not matches or matches[0].candidate.report_on is None:
        return []
    first = matches[0].candidate
    told = _waiting(first, found.matches)
    most = first.net_price_fen - max([CHEAPER_FEN, *(one.saves_fen for one in told)])
    return [one for one in found.rest if one.net_price_fen <= most]


def _without(best: Candidate, given: Given) -> list[Counterfactual]:
    """Tell of the cheapest and of the nearest that a condition keeps away."""
    said = []
    cheapest = min(given.rows, key=lambda one: (one.net_price_fen, one.id), default=None)
    if cheapest and best.net_price_fen - cheapest.net_price_fen >= CHEAPER_FEN:
        saves = best.net_price_fen - cheapest.net_price_fen
        params = {"what": given.text, "who": cheapest.carrier_name, "saves": yuan(saves)}
        text = N_("如果不要求“%(what)s”，%(who)s 可省 ¥%(saves)s")
        said.append(Counterfactual(text, params, (given.key,), None, cheapest.id, saves_fen=saves))
    near = min((one for one in given.rows if one.distance_m is not None), key=lambda one: (one.distance_m or 0.0, one.id), default=None)
    if near and near.distance_m is not None and best.distance_m is not None and best.distance_m - near.distance_m >= NEARER_M:
        params = {"what": given.text, "who": near.carrier_name, "km": f"{near.distance_m / 1000:.0f}", "here": f"{best.distance_m / 1000:.0f}"}
        text = N_("如果不要求“%(what)s”，最近的是 %(who)s，%(km)s 公里（现在第一位 %(here)s 公里）")
        said.append(Counterfactual(text, params, (given.key,), None, near.id, nearer_m=best.distance_m - near.distance_m))
    return said


def _later(best: Candidate, given: Given) -> list[Counterfactual]:
    """Tell of the cheapest whose report is out some days after the day that was a must."""
    if given.due is None:
        return []
    late = [(one, (one.report_on - given.due).days) for one in given.rows if one.report_on]
    return _put_off(best, [(one, days) for one, days in late if 0 < days <= LATEST_DAYS], keys=(given.key,))


def _waiting(best: Candidate, matches: Sequence[Match[Candidate]]) -> list[Counterfactual]:
    """Tell of the cheapest of the list whose report comes some days after that of the first."""
    if best.report_on is None:
        return []
    late = [(one.candidate, (one.candidate.report_on - best.report_on).days) for one in matches if one.candidate.report_on and not one.misses]
    return _put_off(best, [(one, days) for one, days in late if 0 < days <= LATEST_DAYS], keys=())


def _put_off(best: Candidate, rows: Sequence[tuple[Candidate, int]], *, keys: tuple[str, ...]) -> list[Counterfactual]:
    cheaper = [(one, days) for one, days in rows if best.net_price_fen - one.net_price_fen >= CHEAPER_FEN]
    if not cheaper:
        return []
    one, days = min(cheaper, key=lambda pair: (pair[0].net_price_fen, pair[1], pair[0].id))
    saves = best.net_price_fen - one.net_price_fen
    params: dict[str, Any] = {"days": str(days), "who": one.carrier_name, "saves": yuan(saves)}
    text = N_("若报告可以比要求晚 %(days)s 天，%(who)s 可省 ¥%(saves)s") if keys else N_("若报告比第一位晚 %(days)s 天，%(who)s 可省 ¥%(saves)s")
    return [Counterfactual(text, params, keys, one.report_on, one.id, saves_fen=saves, days=days)]
