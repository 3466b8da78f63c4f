"""Instruments and carriers as items for programs: filtered, counted, in pages that stay stable while rows are added (keyset by id)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound
from geodata.basemap import Box
from geodata.regions import shared_digits

Kind = Literal["instruments", "carriers"]


@dataclass(frozen=True)
class ItemFilter:
    """Which items: in a box (WGS84 degrees), of a type or kind, in a region (adcode), with words in the name; after the id `after`."""

    box: Box | None = None
    q: str = ""
    type: str = ""
    region: str = ""
    limit: int = 50
    after: int = 0


@dataclass(frozen=True)
class Items:
    """A page of items, their columns, how many there are in all, and the id after which the next page starts (None: that was the last)."""

    rows: tuple[Mapping[str, Any], ...]
    columns: tuple[str, ...]
    total: int
    next: int | None


def items(session: Session, kind: Kind, wanted: ItemFilter) -> Items:
    """Return a page of open instruments or of carriers; rows have lon and lat in WGS84 degrees, prices in fen."""
    values = _values(wanted)
    where = " AND ".join([_BASE[kind], *_conditions(kind, wanted)])
    total: int = session.execute(text(f"SELECT count(*) {_FROM[kind]} WHERE {where}"), values).scalar_one()
    query = f"SELECT {_COLUMNS[kind]} {_FROM[kind]} WHERE {where} AND x.id > :after ORDER BY x.id LIMIT :limit + 1"
    found = session.execute(text(query), values)
    columns, rows = tuple(found.keys()), found.mappings().all()
    page = tuple(dict(row) for row in rows[: wanted.limit])
    return Items(page, columns, total, page[-1]["id"] if len(rows) > wanted.limit else None)


def item(session: Session, kind: Kind, item_id: int) -> Mapping[str, Any]:
    """Return one instrument, open or not, or one carrier with the columns that a page of items has; raise `NotFound` when there is none."""
    query = f"SELECT {_COLUMNS[kind]} {_FROM[kind]} WHERE x.id = :id{_ONLY[kind]}"
    found = session.execute(text(query), {"id": item_id}).mappings().one_or_none()
    if found is None:
        raise NotFound
    return dict(found)


def _values(wanted: ItemFilter) -> dict[str, Any]:
    like = "%" + wanted.q.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    box = vars(wanted.box) if wanted.box else {}
    return {**box, "q": like, "type": wanted.type, "region": f"{shared_digits(wanted.region)}%", "limit": wanted.limit, "after": wanted.after}


def _conditions(kind: Kind, wanted: ItemFilter) -> list[str]:
    place = "s" if kind == "carriers" else "x"
    found = []
    if wanted.box:
        found.append(f"{place}.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)")
    if wanted.q:
        found.append(_WORDS[kind])
    if wanted.type:
        found.append(_TYPE[kind])
    if wanted.region:
        found.append(f"coalesce({place}.adcode, o.adcode) LIKE :region")
    return found


_FROM: Mapping[Kind, str] = {
    "instruments": "FROM instrument x JOIN organisation o ON o.id = x.organisation_id LEFT JOIN instrument_type t ON t.id = x.type_id",
    "carriers": "FROM organisation x JOIN organisation o ON o.id = x.id "
    "LEFT JOIN LATERAL (SELECT * FROM site WHERE organisation_id = x.id ORDER BY geom IS NULL, id LIMIT 1) s ON true",
}
_ONLY: Mapping[Kind, str] = {"instruments": "", "carriers": " AND x.kind = 'carrier'"}
_BASE: Mapping[Kind, str] = {"instruments": "x.is_open", "carriers": "x.kind = 'carrier'"}
_WORDS: Mapping[Kind, str] = {
    "instruments": "(x.name ILIKE :q OR t.name_zh ILIKE :q OR t.name_en ILIKE :q OR o.name_zh ILIKE :q)",
    "carriers": "(x.name_zh ILIKE :q OR x.name_en ILIKE :q)",
}
_TYPE: Mapping[Kind, str] = {"instruments": "(t.name_zh = :type OR t.name_en = :type)", "carriers": "x.carrier_kind = :type"}
_COLUMNS: Mapping[Kind, str] = {
    "instruments": """
        x.id, x.code, x.name, t.name_zh AS type, t.class_code, x.model, x.value, x.status, x.precision, x.source_crs, x.adcode AS region,
        o.id AS carrier_id, o.name_zh AS carrier, x.is_sample, ST_X(x.geom) AS lon, ST_Y(x.geom) AS lat,
        (SELECT min(price) FROM listing WHERE instrument_id = x.id AND state = 'open') AS price""",
    "carriers": """
        x.id, x.code, x.name_zh AS name, x.name_en, x.carrier_kind AS kind, x.level, coalesce(s.adcode, x.adcode) AS region, s.precision,
        s.source_crs, x.is_sample, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat,
        (SELECT count(*) FROM instrument WHERE organisation_id = x.id AND is_open) AS instruments""",
}
