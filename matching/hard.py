"""The conditions of a need that must hold, each as one SQL expression over `m` (open_instrument): true, false, or null where nothing is stated.

Only what the person set as a must and said in so many words filters; what we guess, or what is only preferred, is left to the signals. The day of the
report needs free slots: its expression is true for what could be in time, the rest is arithmetic on slots in `matching.narrowing`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from bookings.checkout import Terms as Purses
from bookings.limits import own_limits
from core import workdays
from geodata.wanted import Near, Wanted, where
from matching.candidates import Place
from matching.constraints import Constraint
from matching.limits import Limit
from matching.needs import Need
from matching.speclimits import accredited_sql, fits_sql, handover_sql

Clause = tuple[str, dict[str, Any]]
LATEST: Final = 400
"""Working days that a report is waited for at most."""


@dataclass(frozen=True)
class Check:
    """One condition: its key, the words it was typed in, its expression over `m` with parameters, and the last day of the report if it is that.

    `local`: the expression reads nothing but the row `m` itself, so that it costs next to nothing.
    """

    key: str
    text: str
    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)
    due: date | None = None
    local: bool = False


@dataclass(frozen=True)
class Grounds:
    """What conditions are judged by: where the person asks from, my vouchers and the codes of all services, region word → digits, today."""

    place: Place | None
    purses: Purses
    services: tuple[str, ...]
    regions: Mapping[str, str]
    today: date


def musts(need: Need) -> dict[str, tuple[Constraint, ...]]:
    """Return the conditions that filter by key: those said as a must."""
    found: dict[str, tuple[Constraint, ...]] = {}
    for one in need.constraints:
        if one.strength == "required" and one.origin == "said":
            found[one.key] = (*found.get(one.key, ()), one)
    return found


def checks(need: Need, grounds: Grounds) -> tuple[Check, ...]:
    """Return the checks of a need, in the order they were said. A distance without a place to measure from, and an unknown region, check nothing."""
    found = []
    for n, (key, said) in enumerate(musts(need).items()):
        make = MAKERS.get(said[0].kind)
        clause = make(said, grounds, f"h{n}") if make else None
        if clause:
            due = min(one.value for one in said if isinstance(one.value, date)) if said[0].kind == "deadline" else None
            found.append(Check(key, "、".join(one.text.strip(" ，,。") for one in said), *clause, due, said[0].kind in LOCAL))
    return tuple(found)


def _region(said: tuple[Constraint, ...], grounds: Grounds, name: str) -> Clause | None:
    digits = tuple(grounds.regions[str(one.value)] for one in said if str(one.value) in grounds.regions)
    return _wanted(Wanted(regions=digits), name) if digits else None


def _elsewhere(said: tuple[Constraint, ...], grounds: Grounds, name: str) -> Clause | None:
    clause = _region(said, grounds, name)
    return (f"NOT ({clause[0]})", clause[1]) if clause else None


def _distance(said: tuple[Constraint, ...], grounds: Grounds, name: str) -> Clause | None:
    metres = min(float(str(one.value)) for one in said)
    return _wanted(Wanted(near=Near(grounds.place.lon, grounds.place.lat, metres)), name) if grounds.place else None


def _budget(said: tuple[Constraint, ...], grounds: Grounds, name: str) -> Clause | None:
    most = min(int(str(one.value)) for one in said)
    if not grounds.purses.purses:
        return _wanted(Wanted(max_price=most), name)
    limits = own_limits(grounds.purses, grounds.services, most)
    return _wanted(Wanted(max_price=limits.prices, apart=limits.related, apart_price=limits.related_prices), name)


def _deadline(said: tuple[Constraint, ...], grounds: Grounds, name: str) -> Clause | None:
    due = min(one.value for one in said if isinstance(one.value, date))
    days = next((days for days in range(LATEST) if workdays.add(grounds.today, days) > due), LATEST) - 1
    return f"(SELECT h.report_days <= :{name} FROM listing h WHERE h.instrument_id = m.id AND h.service_code = m.service)", {name: days}


def _papers(said: tuple[Constraint, ...], grounds: Grounds, name: str) -> Clause | None:
    return _all([accredited_sql(str(one.value), f"{name}_{n}_", grounds.today) for n, one in enumerate(said)])


def _handover(said: tuple[Constraint, ...], _grounds: Grounds, name: str) -> Clause | None:
    return _all([handover_sql(str(one.value), f"{name}_{n}_") for n, one in enumerate(said)])


def _spec(said: tuple[Constraint, ...], _grounds: Grounds, name: str) -> Clause | None:
    return _all([fits_sql(one.value, f"{name}_{n}_") for n, one in enumerate(said) if isinstance(one.value, Limit)])


def _all(clauses: list[Clause]) -> Clause | None:
    values = {name: value for _, params in clauses for name, value in params.items()}
    return (" AND ".join(f"({sql})" for sql, _ in clauses), values) if clauses else None


def _wanted(wanted: Wanted, name: str) -> Clause:
    """Return a filter of the map as a check, with names of its own, so that it may stand beside the filters that the person set on the map."""
    sql, values = where("instruments", wanted)
    return re.sub(r"(?<!:):m_", f":{name}_", sql), {re.sub("^m_", f"{name}_", key): value for key, value in values.items()}


LOCAL: Final = frozenset({"region", "not_region", "distance", "budget"})
MAKERS: Final[Mapping[str, Callable[[tuple[Constraint, ...], Grounds, str], Clause | None]]] = {
    "region": _region,
    "not_region": _elsewhere,
    "distance": _distance,
    "budget": _budget,
    "deadline": _deadline,
    "qualification": _papers,
    "handover": _handover,
    "spec": _spec,
}
"""The kinds of conditions that can filter; a number of pieces cannot."""
