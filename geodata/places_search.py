"""Find places while somebody types: what begins with the letters first, then what has them inside; regions before townships before carriers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.geocoding import geocode
from geodata.places import Found, Precision
from geodata.places_names import RANK, Entry, Gazetteer, fold, gazetteer
from geodata.places_paths import found_entry
from geodata.places_text import has_han, tidy
from geodata.regions import HOME, shared_digits

MOST: Final = 20
"""Places that are returned at most."""


def find_places(session: Session, q: str, limit: int = 10) -> list[Found]:
    """Return up to `limit` places with a point (degrees WGS84) for what was typed, best first; an address gives what it means before all."""
    plain = tidy(q)
    if not plain:
        return []
    names = gazetteer(session)
    read = geocode(session, q)
    meant = [_meant(read.name, names, read.adcode)] if read.certain and read.name else []
    known = (found_entry(entry, names) for entry in _matching(plain, names))
    found = [*meant, *read.candidates, *known, *_carriers(session, plain, limit)]
    unique = {(one.name, one.adcode, one.lon, one.lat): one for one in reversed([one for one in found if one is not None and one.lon is not None])}
    return list(reversed(unique.values()))[: min(limit, MOST)]


_ORDER: Final = {**RANK, "settlement": RANK["carrier"]}


def town_near(session: Session, adcode: str, lon: float, lat: float) -> tuple[str, float] | None:
    """Return the township or settlement of a county whose point is nearest to a WGS84 point, and how far that is in metres; None without one.

    Near is not inside: nobody's source has the borders of townships.
    """
    row = session.execute(text(_NEAREST), {"adcode": adcode, "lon": lon, "lat": lat}).one_or_none()
    return (row.name_zh, row.metres) if row else None


def _meant(name: str, names: Gazetteer, adcode: str | None) -> Found | None:
    """Return the entry that an address was understood as, by its full name."""
    found = (entry for run in (name[start:] for start in range(len(name) - 1)) for entry, _ in names.han.get(run, ()) if entry.adcode == adcode)
    entry = next(found, None)
    return found_entry(entry, names) if entry else None


def _matching(plain: str, names: Gazetteer) -> list[Entry]:
    best: dict[Entry, tuple[int, bool, int, str]] = {}
    for place, entry in _hits(plain, names):
        if entry.old and RANK[entry.kind] <= RANK["county"]:
            continue
        order = (place, not entry.adcode.startswith(shared_digits(HOME)), _ORDER[entry.kind], entry.adcode)
        if entry not in best or order < best[entry]:
            best[entry] = order
    return sorted(best, key=lambda entry: (*best[entry], entry.name))[: 2 * MOST]


def _hits(plain: str, names: Gazetteer) -> Iterator[tuple[int, Entry]]:
    """Yield 0 for an equal name, 1 for one that begins so, 2 for one that has it inside."""
    if has_han(plain):
        for name, meanings in names.han.items():
            if plain in name:
                place = 0 if name == plain else 1 if name.startswith(plain) else 2
                yield from ((place, entry) for entry, _ in meanings if plain in entry.name or (place < 2 and entry.kind != "settlement"))
    elif key := fold(plain):
        for spelt, entries in names.latin.items():
            if spelt.startswith(key):
                yield from ((0 if spelt == key else 1, entry) for entry in entries)


def _carriers(session: Session, plain: str, limit: int) -> list[Found]:
    escaped = plain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = session.execute(text(_CARRIERS), {"q": plain, "like": f"%{escaped}%", "limit": limit})
    names = gazetteer(session)
    return [
        Found(
            f"{row.name_zh}{row.site}",
            row.name_en or "",
            "carrier",
            row.adcode,
            row.lon,
            row.lat,
            cast("Precision", row.precision),
            names.above(row.adcode or ""),
            sample=row.is_sample,
        )
        for row in rows
    ]


_NEAREST: Final = """
SELECT p.name_zh, ST_Distance(p.geom::geography, s.spot::geography) AS metres
FROM place p, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS spot) s
WHERE p.adcode = :adcode AND p.geom IS NOT NULL
    AND (p.kind = 'township' OR NOT EXISTS (SELECT FROM place t WHERE t.adcode = :adcode AND t.kind = 'township' AND t.geom IS NOT NULL))
ORDER BY p.geom <-> s.spot, p.id LIMIT 1
"""

_CARRIERS: Final = """
SELECT o.name_zh, o.name_en, o.is_sample, s.name AS site, s.adcode, s.precision, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat
FROM organisation o JOIN site s ON s.organisation_id = o.id
WHERE o.kind = 'carrier' AND s.geom IS NOT NULL AND (o.name_zh LIKE :like OR o.name_en ILIKE :like)
ORDER BY o.is_sample, strpos(o.name_zh, :q), length(o.name_zh), o.id, s.id LIMIT :limit
"""
