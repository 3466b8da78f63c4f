"""Unmet demand beside supply: what was looked for in vain, by region and instrument type, and how many open instruments of the type there are.

Counts stand for weeks, never for persons; a text is shown from `demand.FEWEST` different askers on (see `bookings.demand`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.demand import FEWEST, KINDS, UNMET, monday
from core import clock

REACH: Final = 50_000
"""Metres around a region's point within which an instrument counts as reachable: an invented example."""

MOST: Final = 500
WEEKS: Final = (4, 13, 26, 52)


@dataclass(frozen=True)
class Asked:
    """Which demand: of the last `weeks` weeks, within a region (adcode, "" all), of a class of types (code, "" all), of one kind ("" all unmet)."""

    weeks: int = 13
    region: str = ""
    class_code: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Row:
    """One type in one region: searches by kind, open instruments in the region and within REACH of its point (None where no point is known).

    `texts`: what was typed, with how often, each by at least FEWEST different askers; `type` "" where the words did not say which.
    """

    region: str
    region_zh: str
    region_en: str
    type: str
    type_en: str
    counts: Mapping[str, int]
    inside: int
    reachable: int | None
    texts: tuple[tuple[str, int], ...]
    is_sample: bool

    @property
    def unmet(self) -> int:
        """How many searches ended without a provider that meets them."""
        return sum(self.counts[kind] for kind in UNMET)

    @property
    def whole(self) -> int:
        """How many searches there were."""
        return sum(self.counts.values())


def since(session: Session, weeks: int) -> date:
    """Return the Monday with which the last `weeks` weeks begin, this one among them."""
    return monday(clock.today(session)) - timedelta(weeks=weeks - 1)


def unmet(session: Session, asked: Asked) -> Sequence[Row]:
    """Return the rows with any unmet demand, the most first, at most MOST."""
    values = {
        "since": since(session, asked.weeks),
        "region": asked.region,
        "class": asked.class_code,
        "kinds": [asked.kind] if asked.kind else list(UNMET),
        "unmet": list(UNMET),
        "fewest": FEWEST,
        "reach": REACH,
        "most": MOST,
    }
    return [_row(row) for row in session.execute(text(_UNMET), values).mappings()]


def _row(row: Mapping[Any, Any]) -> Row:
    counts = {kind: int(row["counts"].get(kind, 0)) for kind in KINDS}
    said = {name: row[name] or "" for name in ("region", "region_zh", "region_en", "type", "type_en")}
    texts = tuple((one["text"], one["n"]) for one in row["texts"] or ())
    return Row(**said, counts=counts, inside=row["inside"] or 0, reachable=row["reachable"], texts=texts, is_sample=row["is_sample"])


_UNMET: Final = r"""
WITH d AS (
    SELECT d.region, d.type, k.id AS type_id, k.name_en AS type_en, d.kind, d.text, d.n, d.askers, d.is_sample
    FROM demand d LEFT JOIN instrument_type k ON k.name_zh = d.type
    WHERE d.week >= :since AND (:region = '' OR d.region LIKE regexp_replace(:region, '(00)+$', '') || '%')
      AND (:class = '' OR k.class_code LIKE regexp_replace(:class, '(00)+$', '') || '%')),
rows AS (
    SELECT region, type, max(type_id) AS type_id, max(type_en) AS type_en, bool_or(is_sample) AS is_sample,
           coalesce(sum(n) FILTER (WHERE kind = ANY(:kinds)), 0) AS asked
    FROM d GROUP BY region, type ORDER BY asked DESC, region, type LIMIT :most)
SELECT w.region, w.type, w.type_en, w.is_sample, r.name_zh AS region_zh, r.name_en AS region_en, s.inside, near.reachable,
       (SELECT jsonb_object_agg(c.kind, c.n) FROM (
            SELECT kind, sum(n) AS n FROM d WHERE (d.region, d.type) = (w.region, w.type) GROUP BY kind) c) AS counts,
       (SELECT jsonb_agg(jsonb_build_object('text', t.text, 'n', t.n) ORDER BY t.n DESC, t.text) FROM (
            SELECT text, sum(n) AS n FROM d WHERE (d.region, d.type) = (w.region, w.type) AND text <> '' AND kind = ANY(:unmet)
            GROUP BY text HAVING max(askers) >= :fewest ORDER BY 2 DESC, 1 LIMIT 5) t) AS texts
FROM rows w LEFT JOIN region r ON r.adcode = w.region
LEFT JOIN LATERAL (
    SELECT count(*) AS inside FROM open_instrument m WHERE m.type_id = w.type_id AND m.status = 'working' AND m.price IS NOT NULL
      AND (w.region = '' OR m.adcode LIKE regexp_replace(w.region, '(00)+$', '') || '%')) s ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS reachable FROM open_instrument m WHERE m.type_id = w.type_id AND m.status = 'working' AND m.price IS NOT NULL
      AND m.geom && ST_Expand(r.point, 0.65, 0.46) AND ST_DWithin(m.geom::geography, r.point::geography, :reach)) near ON r.point IS NOT NULL
WHERE w.asked > 0 ORDER BY w.asked DESC, w.region, w.type
"""
"""A box of 0.46° by 0.65° holds 50 km around any point up to 46° north: the index finds it, the sphere decides."""
