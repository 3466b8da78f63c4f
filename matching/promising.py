"""Who is worth a look without any condition: of the nearest LOOK of each type the KEPT with the most of what is known at once, distance and price.

The nearest alone would leave out who is a little farther and much cheaper: over the needs of the training set at 100,000 instruments the nearest
forty hold 75 % of the first twenty that looking at everybody finds, and 90 % of the first five; these forty hold 88 % and 98 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, radians
from typing import Any, Final

from sqlalchemy.orm import Session

from geodata.wanted import Wanted, where
from matching.candidates import ANY, METRES, MIDDLE, PER_TYPE, SERVING, Near, Place, padded, statement
from matching.sectors import sector_of
from matching.signals.cost import HALF_OWN_FEN
from matching.signals.place import SOMEWHERE
from matching.weighing import Weights, weighed

LOOK: Final = 200
KEPT: Final = PER_TYPE
DEGREE_M: Final = 111_195.0
"""Metres of a degree of latitude on the sphere: near enough to choose by, what is shown is measured on the ellipsoid."""


def promising(
    session: Session, types: Mapping[str, float], *, place: Place | None, wanted: Wanted = ANY, weights: Weights | None = None
) -> list[Near]:
    """Return open instruments of each type name (name_zh → fit 0..1) that meet the map's filters, unranked; as `matching.candidates.nearest`.

    What price and distance weigh against each other are the weights moved by the person, over the defaults. The price is that before any voucher.
    """
    if not types:
        return []
    origin, weight = place or MIDDLE, weighed(weights)
    condition, values = where("instruments", wanted)
    names = padded(types)
    rows = ", ".join(f"(CAST(:type{n} AS text), CAST(:free{n} AS float8), CAST(:half{n} AS float8))" for n in range(len(names)))
    values |= {name: value for n, one in enumerate(names) for name, value in _sector(n, one).items()}
    values |= {"located": place is not None, "origin": origin.ewkt}
    values |= {"lon": origin.lon, "lat": origin.lat, "narrow": cos(radians(origin.lat)), "near": weight["distance"], "own": weight["own_part"]}
    found = session.execute(statement(_PROMISING.format(condition=condition, types=rows)), values).all()
    return [Near(*[*row, types[row[2]]]) for row in found]


def _sector(n: int, name: str | None) -> dict[str, Any]:
    sector = sector_of(name or "")
    return {f"type{n}": name, f"free{n}": sector.offset_m, f"half{n}": sector.scale_m}


_FAR: Final = f"{DEGREE_M} * sqrt(((ST_X(m.geom) - :lon) * :narrow) ^ 2 + (ST_Y(m.geom) - :lat) ^ 2)"
# PostgreSQL refuses a power that underflows, so exponents end where nothing is left to tell apart
_KNOWN: Final = f"""
CAST(:near AS float8) * CASE WHEN :located AND m.precision = 'point'
    THEN exp(greatest(-50, ln(0.5::float8) * (greatest(0, m.far - v.free) / v.half) ^ 2)) ELSE {SOMEWHERE} END
+ CAST(:own AS float8) * power(0.5::float8, least(m.price / {HALF_OWN_FEN}.0::float8, 50))
"""
_PROMISING: Final = f"""
SELECT m.id, t.id, t.name_zh, m.organisation_id, m.adcode, m.service, m.price, m.precision, ST_X(m.geom), ST_Y(m.geom),
       CASE WHEN :located AND m.precision = 'point' THEN {METRES} END
FROM (VALUES {{types}}) AS v(name, free, half) JOIN instrument_type t ON t.name_zh = v.name
CROSS JOIN LATERAL (
    SELECT m.* FROM (
        SELECT m.id, m.organisation_id, m.adcode, m.service, m.price, m.precision, m.geom, {_FAR} AS far FROM open_instrument m
        WHERE {SERVING} ORDER BY m.geom <-> CAST(:origin AS geometry) LIMIT {LOOK}) m
    ORDER BY {_KNOWN} DESC, m.id LIMIT {KEPT}) m
"""
