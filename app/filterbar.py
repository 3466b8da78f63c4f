"""The filters of the map as a page shows them: what can be chosen, what is chosen, and the address that takes each choice away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import filters
from app.asking import Asked
from app.i18n import gettext, language
from app.mapquery import FILTERS, Address
from app.sheets import KINDS
from core.errors import N_
from geodata.regions import HOME, shared_digits
from geodata.seeds import read_seed
from geodata.view import Facets

LEVELS: Final = {"national": N_("国家级"), "province": N_("省级"), "city": N_("市级"), "county": N_("县级")}

_LABELS: Final = {
    "type": "",
    "class": N_("类别"),
    "kind": N_("载体"),
    "level": N_("级别"),
    "region": N_("地区"),
    "own_max": N_("自付"),
    "free": "",
    "within": N_("距离"),
    "q": N_("名称"),
}


def bar(session: Session, address: Address, asked: Asked, facets: Facets) -> dict[str, Any]:
    """Return the choices of each filter with their counts in the view (None: not counted), as `_filters.html` shows them."""
    said = address.query.filters
    regions = [(row.adcode, row.name_en if language() == "en" else row.name_zh) for row in session.execute(text(_REGIONS), _HOME)]
    return {
        "types": _options(_types().items(), said.types),
        "classes": _options(classes().items(), (said.class_code,), facets.classes, short=True),
        "kinds": _counted(KINDS, said.kinds, facets.kinds),
        "levels": _counted(LEVELS, said.levels, facets.levels),
        "regions": _options(regions, said.regions),
        "own_max": dict(address.pairs).get("own_max", ""),
        "free": said.free,
        "within": dict(address.pairs).get("within", ""),
        "place": asked.place is not None,
    }


def active(session: Session, address: Address, base: str) -> list[dict[str, str]]:
    """Return every filter that is set, in words, with the address without it."""
    names = _region_names(session, address.query.filters.regions)
    return [
        {
            "label": gettext(_LABELS[name]) if _LABELS[name] else "",
            "value": _value(name, value, address, names),
            "remove_url": address.without(base, name, value),
        }
        for name, value in address.filters
    ]


def clear_url(address: Address, base: str) -> str | None:
    """Return the address without any filter, None when there is none."""
    return address.link(base, *((name, None) for name in FILTERS)) if address.filters else None


def _value(name: str, value: str, address: Address, regions: Mapping[str, str]) -> str:
    said = address.query.filters
    written = {
        "kind": lambda: gettext(KINDS.get(value, value)),
        "level": lambda: gettext(LEVELS[value]),
        "region": lambda: regions.get(value, value),
        "own_max": lambda: f"≤ ¥{filters.yuan0(said.own_max or 0)}",
        "free": lambda: gettext("本周还有空档"),
        "within": lambda: f"≤ {filters.km(said.within or 0)}",
        "type": lambda: _types().get(value, value),
        "class": lambda: classes().get(value, value),
    }
    return written[name]() if name in written else value


def _options(
    pairs: Iterable[tuple[str, str]], chosen: Iterable[str], counts: Mapping[str, int] | None = None, *, short: bool = False
) -> list[dict[str, Any]]:
    """Return options; `counts` by value, or by its first two digits when `short`."""
    on = set(chosen)
    number = (lambda value: counts.get(value[:2] if short else value, 0)) if counts else (lambda _: None)
    return [{"value": value, "label": label, "n": number(value), "on": value in on} for value, label in pairs]


def _counted(names: Mapping[str, str], chosen: tuple[str, ...], counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return what there is of the named values, the most frequent first, and what was chosen."""
    values = [value for value in dict.fromkeys((*counts, *chosen)) if value]
    pairs = ((value, gettext(names.get(value, value))) for value in sorted(values, key=lambda value: -counts.get(value, 0)))
    return _options(pairs, chosen, counts)


def _types() -> dict[str, str]:
    return {row["name_zh"]: row["name_en"] if language() == "en" else row["name_zh"] for row in _seed("instrument_types")}


def classes() -> dict[str, str]:
    """Return the classes of instruments by code, named for this reader."""
    return {row["code"]: row["name_en"] if language() == "en" else row["name_zh"] for row in _seed("instrument_classes") if not row["parent"]}


@cache
def _seed(name: str) -> list[dict[str, str]]:
    return read_seed(name)


def _region_names(session: Session, adcodes: tuple[str, ...]) -> dict[str, str]:
    query = "SELECT adcode, name_zh, name_en FROM region WHERE adcode = ANY(:codes)"
    rows = session.execute(text(query), {"codes": list(adcodes)}) if adcodes else ()
    return {row.adcode: row.name_en if language() == "en" else row.name_zh for row in rows}


_HOME: Final = {"home": f"{shared_digits(HOME)}%"}
_REGIONS: Final = """
SELECT adcode, name_zh, name_en FROM region
WHERE level IN ('city', 'county') AND adcode LIKE :home OR level = 'province' AND adcode NOT LIKE :home ORDER BY adcode NOT LIKE :home, adcode
"""
