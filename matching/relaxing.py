"""What would be found if one condition were given up, counted over every open instrument of the types: "no one satisfies X; relax it and you get n".

Counted in the database by the set of conditions that each instrument misses. Only the day of the report is looked at by instrument, and only where
the database cannot already tell. Of a type with very many instruments the nearest are counted, and the count says that there are more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_
from geodata.wanted import Wanted, where
from matching.candidates import ANY, LOOKED_AT, MIDDLE, SERVING, Place
from matching.hard import Check
from matching.lateness import late_ones

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


@dataclass(frozen=True)
class Field:
    """Where it is looked: ids of types, from where, within which filters of the map, which stay."""

    types: tuple[int, ...]
    place: Place | None = None
    wanted: Wanted = ANY


def relaxations(session: Session, field: Field, checks: Sequence[Check]) -> tuple[Relaxation, ...]:
    """Return what giving up one condition brings, most first; where no single one helps the best two, or as many as it takes; at most LISTED.

    Exact: every open instrument of the types is counted, where a type has fewer than LOOKED_AT; else the nearest of it, and the text says "+".
    """
    keys = tuple(check.key for check in checks)
    for size in range(1, len(keys) + 1):
        tally, whole = missing(session, field, checks, most=size)
        met = tally.get(frozenset(), set())
        brought = [(given_up, _within(tally, given_up)) for given_up in combinations(keys, size)]
        helping = sorted(((given_up, found) for given_up, found in brought if len(found) > len(met)), key=lambda pair: -len(_carriers(pair[1])))
        if helping:
            said = {check.key: check.text for check in checks}
            more = "" if whole else "+"
            return tuple(_relaxation(given_up, found, met, said, more) for given_up, found in helping[: LISTED if size == 1 else 1])
    return ()


def missing(session: Session, field: Field, checks: Sequence[Check], *, most: int) -> tuple[Tally, bool]:
    """Return who misses which conditions, exact for everyone that misses at most `most` of them, and whether everyone was looked at."""
    condition, values = where("instruments", field.wanted)
    origin = field.place or MIDDLE
    values |= {name: value for check in checks for name, value in check.values.items()} | {"types": list(field.types), "most": most}
    values |= {"origin": origin.ewkt}
    near, far = (_mask(checks, local=local) for local in (True, False))
    rows = session.execute(text(_ALL.format(condition=condition, near=near, far=far, ceiling=LOOKED_AT)), values).all()
    due = next((check for check in checks if check.due), None)
    bit = 1 << checks.index(due) if due else 0
    late: set[int] = set()
    if due and due.due:
        late = late_ones(session, [row.id for row in rows if not row.mask & bit], {row.id: row.service for row in rows}, due.due)
    found: dict[Misses, set[tuple[int, int]]] = {}
    for row in rows:
        keys = {check.key for n, check in enumerate(checks) if row.mask >> n & 1} | ({due.key} if due and row.id in late else set())
        if len(keys) <= most:
            found.setdefault(frozenset(keys), set()).add((row.id, row.organisation_id))
    return found, max((row.looked_at for row in rows), default=0) < LOOKED_AT


def _mask(checks: Sequence[Check], *, local: bool) -> str:
    cases = [f"CASE WHEN ({check.sql}) IS FALSE THEN {1 << n} ELSE 0 END" for n, check in enumerate(checks) if check.local is local]
    return " + ".join(cases) or "0"


def _within(tally: Tally, given_up: tuple[str, ...]) -> set[tuple[int, int]]:
    return {one for missed, found in tally.items() if missed <= frozenset(given_up) for one in found}


def _carriers(found: set[tuple[int, int]]) -> set[int]:
    return {carrier for _, carrier in found}


def _relaxation(
    given_up: tuple[str, ...], found: set[tuple[int, int]], met: set[tuple[int, int]], said: Mapping[str, str], more: str = ""
) -> Relaxation:
    carriers = len(_carriers(found))
    params = {
        "what": "”“".join(said[key] for key in given_up),
        "n": f"{carriers}{more}",
        "instruments": f"{len(found)}{more}",
        "few": str(len(_carriers(met))),
    }
    message = N_("只有 %(few)s 家同时满足所有条件；放宽“%(what)s”有 %(n)s 家")
    if not met:
        message = N_("没有同时满足所有条件的；放宽“%(what)s”有 %(n)s 家")
    return Relaxation(given_up, message, carriers, len(found), params)


_ALL: Final = f"""
SELECT * FROM (
    SELECT m.id, m.organisation_id, m.service, m.near + {{far}} AS mask, max(m.looked_at) OVER () AS looked_at
    FROM unnest(CAST(:types AS integer[])) AS t(id)
    CROSS JOIN LATERAL (
        SELECT m.*, count(*) OVER () AS looked_at FROM (
            SELECT m.* FROM (
                SELECT m.*, {{near}} AS near FROM open_instrument m
                WHERE {SERVING} OFFSET 0) m
            WHERE bit_count(m.near::bit(32)) <= :most ORDER BY m.geom <-> CAST(:origin AS geometry) LIMIT {{ceiling}}) m) m OFFSET 0) s
WHERE bit_count(s.mask::bit(32)) <= :most
"""
"""What a row tells by itself is counted of all, what other tables tell only of the nearest of those that can still miss at most so many.
How many were looked at is the largest number of any type, also of one of which no row is left."""
