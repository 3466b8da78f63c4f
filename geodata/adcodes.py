"""What a region code of before is today: counties were merged, divided and renamed, and files keep the old codes for years."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_
from geodata.places import Said
from geodata.regions import region_at
from geodata.seeds import read_seed


@dataclass(frozen=True, slots=True)
class CurrentAdcode:
    """The code of today, or None with the `candidates` when the old region was divided and nothing says which part is meant."""

    adcode: str | None
    candidates: tuple[str, ...] = ()
    note: Said | None = None


@dataclass(frozen=True, slots=True)
class _Change:
    name: str
    new: tuple[str, ...]
    since: str


def current_adcode(session: Session, adcode: str, lon: float | None = None, lat: float | None = None) -> CurrentAdcode:
    """Return the code that the region `adcode` has today; the point (WGS84 degrees) of what lies there decides between several.

    A code of today stays what it is, unless the point lies in a part that was split off. An unknown code gives neither code nor candidates.
    """
    change = _changes().get(adcode)
    here = _names(session, (adcode, *(change.new if change else ()), _city(adcode)))
    if change is None:
        return _unchanged(session, adcode, here)
    new = tuple(code for code in change.new if code in here)
    spot = region_at(session, lon, lat) if lon is not None and lat is not None and len(new) > 1 else None
    if spot is not None and spot.adcode in new:
        same = spot.adcode == adcode
        return CurrentAdcode(spot.adcode, note=None if same else _said(adcode, change, (here[spot.adcode],)))
    if adcode in here:
        return CurrentAdcode(adcode)
    if len(new) == 1:
        return CurrentAdcode(new[0], note=_said(adcode, change, (here[new[0]],)))
    return CurrentAdcode(None, new, _said(adcode, change, [here[code] for code in new]) if new else _unknown(adcode))


def _unchanged(session: Session, adcode: str, here: dict[str, str]) -> CurrentAdcode:
    """Return a code of today as it is, and a county of a city that is loaded without its counties as that city."""
    if adcode in here:
        return CurrentAdcode(adcode)
    city = _city(adcode)
    if city in here and session.execute(text("SELECT NOT EXISTS (SELECT FROM region WHERE parent_adcode = :city)"), {"city": city}).scalar_one():
        return CurrentAdcode(city, note=(N_("行政区代码 %(code)s 只知道到%(city)s。"), {"code": adcode, "city": here[city]}))
    return CurrentAdcode(None, note=_unknown(adcode))


def _said(adcode: str, change: _Change, names: tuple[str, ...] | list[str]) -> Said:
    return (
        N_("行政区代码 %(code)s%(name)s自 %(year)s 年起改为%(new)s。") if change.since else N_("行政区代码 %(code)s%(name)s今为%(new)s。"),
        {"code": adcode, "name": f"（{change.name}）" if change.name else "", "year": change.since, "new": "、".join(names)},
    )


def _unknown(adcode: str) -> Said:
    return N_("没有代码为 %(code)s 的行政区。"), {"code": adcode[:20]}


def _city(adcode: str) -> str:
    return f"{adcode[:4]}00"


def _names(session: Session, codes: tuple[str, ...]) -> dict[str, str]:
    query = text("SELECT adcode, name_zh FROM region WHERE adcode = ANY(:codes)")
    return {row.adcode: row.name_zh for row in session.execute(query, {"codes": [code[:6] for code in codes]})}


@cache
def _changes() -> dict[str, _Change]:
    return {row["old"]: _Change(row["old_name"], tuple(row["new"].split()), row["since"]) for row in read_seed("adcode_changes")}
