"""What would be found if one condition were given up, counted over every open instrument of the types: "no one satisfies X; relax it and you get n".

Counted in the database by the set of conditions that each instrument misses. Only the day of the report is looked at by instrument, and only where
the database cannot already tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings import queries
from bookings.slots import report_on
from core.errors import N_
from geodata.wanted import Wanted, where
from matching.hard import Check

FEW: Final = 3
"""With fewer than this that meet everything, the answer says what giving up a condition would bring."""

LISTED: Final = 4
Misses = frozenset[str]
Tally = Mapping[Misses, set[tuple[int, int]]]
"""Set of keys that are missed → (instrument, carrier) that miss just these."""


@dataclass(frozen=True)
class Relaxation:
    """What giving up the conditions `keys` brings: `n` carriers with `instruments` instruments that meet all others. `text` is a message id."""

    keys: tuple[str, ...]
    text: str
    n: int
    instruments: int
    params: Mapping[str, Any] = field(default_factory=dict)


def relaxations(session: Session, types: Sequence[int], wanted: Wanted, checks: Sequence[Check]) -> tuple[Relaxation, ...]:
    """Return what giving up one condition brings, most first; where no single one helps the best two, or as many as it takes; at most LISTED.

    `types`: ids. `wanted`: the filters of the map, which stay. Exact: every open instrument of the types is counted.
    """
    keys = tuple(check.key for check in checks)
    for size in range(1, len(keys) + 1):
        tally = missing(session, types, wanted, checks, most=size)
        met = tally.get(frozenset(), set())
        brought = [(given_up, _within(tally, given_up)) for given_up in combinations(keys, size)]
        helping = sorted(((given_up, found) for given_up, found in brought if len(found) > len(met)), key=lambda pair: -len(_carriers(pair[1])))
        if helping:
            said = {check.key: check.text for check in checks}
            return tuple(_relaxation(given_up, found, met, said) for given_up, found in helping[: LISTED if size == 1 else 1])
    return ()


def missing(session: Session, types: Sequence[int], wanted: Wanted, checks: Sequence[Check], *, most: int) -> Tally:
    """Return who misses which conditions, exact for everyone that misses at most `most` of them; others are left out."""
    condition, values = where("instruments", wanted)
    values |= {name: value for check in checks for name, value in check.values.items()} | {"types": list(types)}
    mask = " + ".join(f"CASE WHEN ({check.sql}) IS FALSE THEN {1 << n} ELSE 0 END" for n, check in enumerate(checks)) or "0"
    due = next((check for check in checks if check.due), None)
    hours = "CASE WHEN s.mask & :due = 0 THEN i.hours END" if due else "NULL::jsonb"
    values |= {"due": 1 << checks.index(due)} if due else {}
    rows = session.execute(text(_ALL.format(condition=condition, mask=mask, hours=hours)), values | {"most": most}).all()
    found: dict[Misses, set[tuple[int, int]]] = {}
    late = _late(session, [row for row in rows if row.hours is not None], due.due) if due and due.due else set()
    for row in rows:
        keys = {check.key for n, check in enumerate(checks) if row.mask >> n & 1} | ({due.key} if due and row.id in late else set())
        if len(keys) <= most:
            found.setdefault(frozenset(keys), set()).add((row.id, row.organisation_id))
    return found


def _late(session: Session, rows: Sequence[Any], due: date) -> set[int]:
    """Return the ids of those without a free slot whose report is out in time."""
    slots = queries.next_slots(session, {row.id: row.hours for row in rows}) if rows else {}
    days = {row.id: row.report_days for row in rows}
    return {one for one, slot in slots.items() if slot is None or report_on(slot.end, days[one]) > due}


def _within(tally: Tally, given_up: tuple[str, ...]) -> set[tuple[int, int]]:
    return {one for missed, found in tally.items() if missed <= frozenset(given_up) for one in found}


def _carriers(found: set[tuple[int, int]]) -> set[int]:
    return {carrier for _, carrier in found}


def _relaxation(given_up: tuple[str, ...], found: set[tuple[int, int]], met: set[tuple[int, int]], said: Mapping[str, str]) -> Relaxation:
    carriers = len(_carriers(found))
    params = {"what": "”“".join(said[key] for key in given_up), "n": str(carriers), "instruments": str(len(found)), "few": str(len(_carriers(met)))}
    message = N_("只有 %(few)s 家同时满足所有条件；放宽“%(what)s”有 %(n)s 家")
    if not met:
        message = N_("没有同时满足所有条件的；放宽“%(what)s”有 %(n)s 家")
    return Relaxation(given_up, message, carriers, len(found), params)


_ALL: Final = """
SELECT s.id, s.organisation_id, s.mask, {hours} AS hours, l.report_days FROM (
    SELECT m.id, m.organisation_id, m.service, {mask} AS mask FROM open_instrument m
    WHERE m.type_id = ANY(:types) AND m.status = 'working' AND m.price IS NOT NULL AND m.geom IS NOT NULL AND {condition} OFFSET 0) s
JOIN instrument i ON i.id = s.id JOIN listing l ON l.instrument_id = s.id AND l.service_code = s.service
WHERE bit_count(s.mask::bit(32)) <= :most
"""
