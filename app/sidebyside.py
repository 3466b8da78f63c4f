"""Up to three matches of a need side by side: what each asks and offers, what it misses, and who is best in each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import filters, results, weighing
from app.chips import key_name
from app.days import short_day, slot_text
from app.i18n import gettext, listed
from app.labels import SPECS
from app.search import Found, Ranked
from app.siderows import Matches, Row, row
from app.typenames import type_name
from core.errors import N_, Invalid
from matching.specfit import states

MOST: Final = 3
FURTHER: Final = 6
"""Specifications shown beside those that were asked for."""

STATES: Final = {"met": ("ok", N_("满足")), "unknown": ("warn", N_("未标明")), "violated": ("stop", N_("不满足"))}


def read_ids(given: Sequence[str]) -> tuple[tuple[int, ...], bool]:
    """Return the ids of the instruments to compare, at most MOST, and whether there were more; raise `Invalid` for what is no id."""
    ids = tuple(dict.fromkeys(value.strip() for value in given if value.strip()))
    if any(not (one.isascii() and one.isdigit() and len(one) < 19) for one in ids):
        raise Invalid("i", N_("仪器编号要是数字：请从结果里勾选。"))
    return tuple(int(one) for one in ids[:MOST]), len(ids) > MOST


def picked(found: Found, ids: Sequence[int]) -> tuple[tuple[Ranked, ...], tuple[int, ...]]:
    """Return the matches of `ids` in their order, and the ids that are none of the answer's matches any more."""
    known = {match.candidate.instrument_id: match for match in found.matches}
    return tuple(known[one] for one in ids if one in known), tuple(one for one in ids if one not in known)


def rows(session: Session, found: Found, matches: Matches, *, known: bool) -> list[Row]:
    """Return the rows of the comparison, what decides first; `known` says whether the person's own part is known."""
    sheets = _sheets(session, [match.candidate.instrument_id for match in matches])
    return [
        *_money(matches, known=known),
        *_time(found, matches),
        *_asked(found, matches),
        *_who(matches),
        *_what(matches, sheets),
        *_specs(matches, sheets),
        *_points(matches),
    ]


def _what(matches: Matches, sheets: Mapping[int, Any]) -> list[Row]:
    return [
        row(gettext("种类"), matches, lambda m: type_name(m.candidate.type_name)),
        row(gettext("型号"), matches, lambda m: _model(sheets.get(m.candidate.instrument_id)) or gettext("未标明")),
    ]


def _model(sheet: Any) -> str:
    return " ".join(part for part in (sheet.maker, sheet.model) if part) if sheet else ""


def _asked(found: Found, matches: Matches) -> list[Row]:
    """Return a row a specification that was asked for: met, not said, or violated by each."""
    limits = found.need.limits
    told = [states(limits, match.candidate.readings) for match in matches] if limits else []
    return [
        Row(
            gettext("要求：%(what)s", what=f"{limit.quantity} {limit.text}"),
            tuple(_state(one[nth], limit.quantity, match) for one, match in zip(told, matches, strict=True)),
        )
        for nth, limit in enumerate(limits)
    ]


def _state(state: str, quantity: str, match: Ranked) -> dict[str, Any]:
    sign, word = STATES[state]
    reading = next((one.text for one in match.candidate.readings if one.quantity == quantity and one.text), "")
    return {"text": f"{gettext(word)} · {reading}" if reading else gettext(word), "sign": sign, "best": False}


def _specs(matches: Matches, sheets: Mapping[int, Any]) -> list[Row]:
    own = [dict(sheets[m.candidate.instrument_id].specs or {}) if m.candidate.instrument_id in sheets else {} for m in matches]
    names = list(dict.fromkeys(name for specs in own for name in specs))[:FURTHER]
    return [
        Row(
            gettext(name) if name in SPECS else name,
            tuple({"text": str(specs.get(name) or gettext("未标明")), "best": False} for specs in own),
        )
        for name in names
    ]


def _money(matches: Matches, *, known: bool) -> list[Row]:
    def price(match: Ranked) -> str:
        return f"¥{filters.yuan0(match.candidate.price_fen)}"

    if not known:
        return [row(gettext("价"), matches, price, lambda m: -m.candidate.price_fen)]
    own = row(gettext("自付"), matches, lambda m: f"¥{filters.yuan0(m.candidate.net_price_fen)}", lambda m: -m.candidate.net_price_fen)
    return [
        replace(own, weight="big"),
        row(gettext("券付"), matches, _voucher),
        row(gettext("价"), matches, price),
    ]


def _voucher(match: Ranked) -> str:
    one = match.candidate
    return gettext("这次不能用券，全部自付") if one.voucher_note else f"¥{filters.yuan0(one.voucher_part_fen)}"


def _time(found: Found, matches: Matches) -> list[Row]:
    due = found.need.deadline

    def report(match: Ranked) -> str:
        on = match.candidate.report_on
        if on is None:
            return gettext("三周内没有空档")
        return gettext("%(day)s，晚于期限", day=short_day(on)) if due and on > due else short_day(on)

    def soon(match: Ranked) -> float | None:
        start = match.candidate.next_slot_start
        return -start.timestamp() if start else None

    return [
        row(gettext("最早空档"), matches, lambda m: slot_text(m.candidate.next_slot_start), soon),
        row(gettext("报告"), matches, report, lambda m: -m.candidate.report_on.toordinal() if m.candidate.report_on else None),
    ]


def _who(matches: Matches) -> list[Row]:
    def far(match: Ranked) -> float | None:
        return None if match.candidate.distance_m is None else -match.candidate.distance_m

    def where(match: Ranked) -> str:
        return results.distance(match.candidate) or gettext("没有确切的位置")

    return [
        row(gettext("距离"), matches, where, far),
        row(gettext("地区"), matches, lambda m: results.region_name(m.candidate)),
        row(gettext("资质"), matches, lambda m: listed(m.candidate.accreditations) or gettext("没有查到")),
    ]


def _points(matches: Matches) -> list[Row]:
    """Return the sum that gave the place, and a row a signal with the points that it adds."""
    sums = [weighing.sum_of(match) for match in matches]
    made = [replace(_pointed(gettext("总分（满分 100）"), matches, [one["total"] for one in sums]), weight="big")]
    for nth, part in enumerate(matches[0].parts if matches else ()):
        label = gettext("%(what)s得分", what=gettext(weighing.SHORT.get(part.signal, part.signal)))
        made.append(Row(label, tuple({"text": one["parts"][nth]["points"], "best": False} for one in sums), "part"))
    missing = [listed(key_name(key) for key in match.misses) for match in matches]
    if any(missing):
        cells = tuple({"text": one or "–", "best": False, "sign": "stop" if one else ""} for one in missing)
        made.insert(0, Row(gettext("没满足的条件"), cells))
    return made


def _pointed(label: str, matches: Matches, points: Sequence[str]) -> Row:
    by = {id(match): point for match, point in zip(matches, points, strict=True)}
    return row(label, matches, lambda m: by[id(m)], lambda m: float(by[id(m)]))


def _sheets(session: Session, ids: Sequence[int]) -> dict[int, Any]:
    found = session.execute(text("SELECT id, maker, model, specs FROM instrument WHERE id = ANY(:ids)"), {"ids": list(ids)})
    return {one.id: one for one in found}
