"""Where the invented organisations and instruments of the sample world may stand: the smallest regions with their boundary and weight.

More stand where more people live. Where no source of ours tells how many live in a county, the weight is an assumption of the sample alone;
nothing of it is written to the regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.regions import shared_digits

_METRE: Final = 1 / 111_195
_TRIES: Final = 20

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class County:
    """A smallest region with the point of its name, its boundary (EPSG:4326) and its weight: the population, estimated where it is unknown."""

    adcode: str
    name: str
    lon: float
    lat: float
    shape: Any
    weight: float


def counties(session: Session, province: str) -> list[County]:
    """Return the smallest regions of a province in order of their adcodes: counties, and cities that have none."""
    found = []
    for row in session.execute(text(_COUNTIES), {"inside": shared_digits(province) + "%"}):
        shape = shapely.from_wkb(bytes(row.shape))
        shapely.prepare(shape)
        weight = float(row.weight) if row.weight else _assumed_weight(row.name_zh)
        found.append(County(row.adcode, row.name_zh, row.lon, row.lat, shape, weight))
    return found


def drawn(count: int, places: Sequence[County], rng: np.random.Generator) -> list[County]:
    """Draw `count` places by their weights."""
    weights = np.array([place.weight for place in places])
    return [places[n] for n in rng.choice(len(places), count, p=weights / weights.sum())]


def near(places: Sequence[County], spread: float, rng: np.random.Generator, middles: Floats | None = None) -> Floats:
    """Draw a point (lon, lat; six decimals) in each county about `middles` (default: the point of its name).

    `spread` is the standard deviation in metres per axis. Where no point of twenty falls into the county, the middle is taken.
    """
    centres = np.array([(place.lon, place.lat) for place in places]).reshape(-1, 2) if middles is None else middles
    found = centres.copy()
    left = np.arange(len(places))
    where: dict[str, list[int]] = {}
    for n, place in enumerate(places):
        where.setdefault(place.adcode, []).append(n)
    inside = np.zeros(len(places), dtype=bool)
    for _ in range(_TRIES):
        if not len(left):
            break
        shift = rng.normal(0.0, spread * _METRE, (len(left), 2))
        shift[:, 0] /= np.cos(np.radians(centres[left, 1]))
        found[left] = np.round(centres[left] + shift, 6)
        for members in where.values():
            inside[members] = shapely.contains_xy(places[members[0]].shape, found[members, 0], found[members, 1])
        left = left[~inside[left]]
        where = _only(where, inside)
    found[left] = centres[left]
    return found


def _only(where: dict[str, list[int]], inside: NDArray[np.bool_]) -> dict[str, list[int]]:
    """Keep the points that are still outside."""
    kept = {code: [n for n in members if not inside[n]] for code, members in where.items()}
    return {code: members for code, members in kept.items() if members}


def _assumed_weight(name: str) -> float:
    """Weigh a county of which no population is known by its kind, as if in residents: districts more than towns, towns more than counties."""
    return 700_000 if name.endswith("区") else 600_000 if name.endswith("市") else 350_000


_COUNTIES: Final = """
WITH leaf AS (
    SELECT r.* FROM region r WHERE r.adcode LIKE :inside AND r.level <> 'zone'
        AND NOT EXISTS (SELECT FROM region c WHERE c.parent_adcode = r.adcode AND c.level <> 'zone')),
known AS (
    SELECT c.adcode, c.population, p.population AS city, sum(c.population) OVER w AS counted,
           count(*) FILTER (WHERE c.population IS NULL) OVER w AS unknown
    FROM leaf c LEFT JOIN region p ON p.adcode = c.parent_adcode AND p.level = 'city'
    WINDOW w AS (PARTITION BY c.parent_adcode))
SELECT r.adcode, r.name_zh, ST_X(r.point) AS lon, ST_Y(r.point) AS lat, ST_AsBinary(r.geom) AS shape,
       coalesce(k.population, greatest(k.city - coalesce(k.counted, 0), 50000 * k.unknown) / nullif(k.unknown, 0)) AS weight
FROM leaf r JOIN known k ON k.adcode = r.adcode ORDER BY r.adcode
"""
