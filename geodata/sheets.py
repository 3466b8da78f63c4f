"""One instrument or one carrier with everything that its page shows, and lists of them for programs. Rows, one query each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound


@dataclass(frozen=True)
class InstrumentSheet:
    """An instrument with its carrier, place and open listings; `lon`, `lat` are WGS84 degrees, `value` and prices fen.

    `distance_m`: metres on the ellipsoid from where it was asked, None where either place is unknown or only approximate.
    """

    id: int
    code: str
    name: str
    model: str | None
    maker: str | None
    type_name: str | None
    type_name_en: str | None
    class_name: str | None
    class_name_en: str | None
    value: int | None
    status: str
    is_open: bool
    hours: Mapping[str, Any]
    specs: Mapping[str, Any]
    carrier_id: int
    carrier: str
    carrier_en: str | None
    site: str | None
    region: str | None
    region_en: str | None
    adcode: str | None
    lon: float | None
    lat: float | None
    precision: str
    is_sample: bool
    source: str
    listings: tuple[Mapping[str, Any], ...]
    distance_m: float | None


@dataclass(frozen=True)
class CarrierSheet:
    """A carrier with its sites and the instruments that it opens to others."""

    id: int
    code: str
    name_zh: str
    name_en: str | None
    carrier_kind: str
    level: str | None
    website: str | None
    region: str | None
    region_en: str | None
    is_sample: bool
    source: str
    sites: tuple[Mapping[str, Any], ...]
    instruments: tuple[Mapping[str, Any], ...]


def instrument_sheet(session: Session, instrument_id: int, *, seen_from: tuple[float, float] | None = None) -> InstrumentSheet:
    """Return the sheet of an instrument, `seen_from` (lon, lat in WGS84 degrees); raise `NotFound` when there is none."""
    place = "SRID=4326;POINT({} {})".format(*seen_from) if seen_from else None
    found = session.execute(text(_INSTRUMENT), {"id": instrument_id, "place": place}).mappings().one_or_none()
    if found is None:
        raise NotFound
    return InstrumentSheet(**{**found, "listings": tuple(found["listings"])})


def carrier_sheet(session: Session, organisation_id: int) -> CarrierSheet:
    """Return the sheet of a carrier; raise `NotFound` when there is none."""
    found = session.execute(text(_CARRIER), {"id": organisation_id}).mappings().one_or_none()
    if found is None:
        raise NotFound
    return CarrierSheet(**{**found, "sites": tuple(found["sites"]), "instruments": tuple(found["instruments"])})


_INSTRUMENT = """
SELECT i.id, i.code, i.name, i.model, i.maker, t.name_zh AS type_name, t.name_en AS type_name_en, k.name_zh AS class_name, k.name_en AS class_name_en,
       i.value, i.status, i.is_open, i.hours, i.specs, o.id AS carrier_id, o.name_zh AS carrier, o.name_en AS carrier_en, nullif(s.name, '') AS site,
       r.name_zh AS region, r.name_en AS region_en, r.adcode, ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat, i.precision, i.is_sample, i.source,
       CASE WHEN i.precision = 'point' THEN ST_Distance(i.geom::geography, CAST(:place AS geometry)::geography) END AS distance_m,
       coalesce((SELECT json_agg(json_build_object('id', l.id, 'service', l.service_code, 'name_zh', v.name_zh, 'name_en', v.name_en,
                    'price', l.price, 'unit', l.unit, 'report_days', l.report_days, 'notice_hours', l.notice_hours) ORDER BY l.price, l.id)
                 FROM listing l JOIN service v ON v.code = l.service_code WHERE l.instrument_id = i.id AND l.state = 'open'), '[]') AS listings
FROM instrument i JOIN organisation o ON o.id = i.organisation_id
LEFT JOIN site s ON s.id = i.site_id LEFT JOIN instrument_type t ON t.id = i.type_id LEFT JOIN instrument_class k ON k.code = t.class_code
LEFT JOIN region r ON r.adcode = coalesce(i.adcode, o.adcode)
WHERE i.id = :id
"""

_CARRIER = """
SELECT o.id, o.code, o.name_zh, o.name_en, o.carrier_kind, o.level, o.website, r.name_zh AS region, r.name_en AS region_en, o.is_sample, o.source,
       coalesce((SELECT json_agg(json_build_object('name', s.name, 'lon', ST_X(s.geom), 'lat', ST_Y(s.geom), 'precision', s.precision,
                    'region', q.name_zh, 'region_en', q.name_en, 'source', s.source) ORDER BY s.id)
                 FROM site s LEFT JOIN region q ON q.adcode = s.adcode WHERE s.organisation_id = o.id), '[]') AS sites,
       coalesce((SELECT json_agg(json_build_object('id', i.id, 'name', i.name, 'type', t.name_zh, 'type_en', t.name_en, 'is_sample', i.is_sample,
                    'price', l.price, 'unit', l.unit) ORDER BY t.name_zh, i.id)
                 FROM instrument i LEFT JOIN instrument_type t ON t.id = i.type_id
                 JOIN LATERAL (SELECT price, unit FROM listing WHERE instrument_id = i.id AND state = 'open' ORDER BY price LIMIT 1) l ON true
                 WHERE i.organisation_id = o.id AND i.is_open), '[]') AS instruments
FROM organisation o LEFT JOIN region r ON r.adcode = o.adcode
WHERE o.id = :id AND o.kind = 'carrier'
"""
