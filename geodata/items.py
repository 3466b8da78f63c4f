"""Instruments, carriers and regions for programs: pages with their total, single rows, and everything that is wanted as one stream.

PostGIS writes the text, rows and total in one statement; nothing here touches a row. Pages are stable while rows are added: by id, after the last
one seen. What is wanted is said by `geodata.wanted`, so a total here is the total of the map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final, Literal

from sqlalchemy import TextClause, create_engine, text
from sqlalchemy.orm import Session

from core.errors import NotFound
from geodata.basemap import Box
from geodata.properties import COLLECTIONS, Collection
from geodata.wanted import Kind, Wanted, where

Format = Literal["json", "geojson", "csv"]

FORMULA: Final = "=+-@\t\r"
"""First characters that a spreadsheet would run as a formula; an apostrophe before them makes text of it."""

CHUNK: Final = 1 << 16
"""Bytes of an export that are sent at once."""


@dataclass(frozen=True)
class Asked:
    """A condition over `m` with its parameters. `box`: it asks for this box and nothing else, which instruments are counted and read faster by."""

    condition: str = "true"
    values: Mapping[str, Any] = field(default_factory=dict)
    box: Box | None = None


@dataclass(frozen=True)
class Page:
    """How many rows, after which id, or after how many rows."""

    limit: int
    after: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Items:
    """A page: `text` holds the rows (objects with commas between, or lines), `returned` how many, `total` all that is wanted.

    `next`: the id after which the next page starts, None when this was the last; `reached`: metres of that row, where rows are ordered by them.
    """

    text: str
    returned: int
    total: int
    next: int | None
    reached: float | None = None


def asked(kind: Kind, wanted: Wanted) -> Asked:
    """Return what is wanted as a condition."""
    alone = wanted.box if wanted == Wanted(box=wanted.box) and wanted.box and wanted.box.west <= wanted.box.east else None
    return Asked(*where(kind, wanted), alone)


def items(session: Session, kind: str, which: Asked, page: Page, *, form: Format = "json") -> Items:
    """Return a page of a collection in the order of ids, in one statement; points in WGS84 degrees, prices in fen."""
    values: dict[str, Any] = {"limit": page.limit, "after": page.after, "offset": page.offset}
    if kind == "instruments" and form == "geojson" and which.box:
        row = session.execute(_BOX, {**vars(which.box), **values}).one()
    else:
        row = session.execute(_text(_page(kind, which.condition, _total(kind, which), form, bool(page.after))), {**which.values, **values}).one()
    return Items(row.body or "", row.returned, int(row.total), row.last if row.more else None)


_BOX: Final = text("SELECT * FROM open_page(:west, :south, :east, :north, :after, :limit, :offset)")


def _total(kind: str, which: Asked) -> str:
    """Return the SQL of the total: of instruments in a box, or of all of them, by the cells of the map, else by counting."""
    if kind == "instruments" and which.box:
        return "open_in_box(:m_box_w, :m_box_s, :m_box_e, :m_box_n)"
    if kind == "instruments" and which.condition == "true":
        return "(open_in_box(-180, -90, 180, 90) + (SELECT count(*) FROM open_instrument WHERE geom IS NULL))"
    return f"(SELECT count(*) FROM {COLLECTIONS[kind].source} WHERE {which.condition})"


def item(session: Session, kind: str, item_id: int | str, *, form: Format = "json", closed: bool = False) -> str:
    """Return one row as text, with `closed` also an instrument that is not open; raise `NotFound` when there is none."""
    collection = COLLECTIONS[kind]
    source = collection.single if closed and collection.single else collection.source
    query = f"SELECT {_fresh(kind, form)} FROM {source} {collection.joins} WHERE m.id = :id"
    found: str | None = session.execute(_text(query), {"id": item_id}).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def export(session: Session, kind: str, which: Asked, *, form: Literal["csv", "geojson"]) -> Iterator[bytes]:
    """Yield everything that is asked for, in the order of ids, as PostgreSQL copies it out: a snapshot, however long it takes.

    CSV has a byte order mark, a head, no formulas, and a column `marking` that says which rows are sample data; GeoJSON ends with how many there
    were. The session is busy until the last byte.
    """
    collection, (begin, join, end, options) = COLLECTIONS[kind], _EXPORTS[form]
    columns = _columns(collection) if form == "csv" else _line(kind, form)
    rows = f"SELECT {columns} FROM {collection.source} {_joins(kind, form)} WHERE {which.condition} ORDER BY m.id"
    statement = str(text(f"COPY ({rows}) TO STDOUT ({options})").compile(dialect=_DIALECT))
    driver: Any = session.connection().connection.driver_connection
    count, waiting = 0, bytearray(begin)
    with driver.cursor() as cursor, cursor.copy(statement, dict(which.values)) as copy:
        for line in copy:
            if join and count:
                waiting += join
            waiting += line
            count += 1
            if len(waiting) > CHUNK:
                yield bytes(waiting)
                waiting.clear()
    yield bytes(waiting) + (end % count if end else b"")


_EXPORTS: Final[Mapping[str, tuple[bytes, bytes, bytes, str]]] = {
    "csv": ("\ufeff".encode(), b"", b"", "FORMAT csv, HEADER true"),
    # JSON text holds neither of the two control characters nor a line break, so each line comes out as it was written
    "geojson": (b'{"type":"FeatureCollection","features":[\n', b",", b'],"numberReturned":%d}\n', "FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02'"),
}
_DIALECT: Final[Any] = create_engine("postgresql+psycopg://").dialect


def written(form: Format) -> str:
    """Return the SQL that writes an open instrument `m` from its text `f` (a row of `open_feature`)."""
    return _written("f.geometry", "f.properties", form)


def head(kind: str) -> str:
    """Return the first line of a page as CSV."""
    return ",".join(name for name, _, _ in _cells(COLLECTIONS[kind]))


@lru_cache(maxsize=1024)
def _text(query: str) -> TextClause:
    return text(query)


@lru_cache(maxsize=1024)
def _page(kind: str, condition: str, total: str, form: Format, is_after: bool) -> str:
    """Return the statement of a page. One row more than wanted is read, to know whether there are more."""
    collection = COLLECTIONS[kind]
    return _PAGE.format(
        counted=total,
        between="chr(10)" if form == "csv" else "','",
        line=_line(kind, form),
        source=collection.source,
        condition=f"{condition} AND m.id > :after" if is_after else condition,
        joins=_joins(kind, form),
    )


def _joins(kind: str, form: Format) -> str:
    """Return what is joined to write a row: where it is written already, nothing but that."""
    collection = COLLECTIONS[kind]
    return f"JOIN {collection.ready} f ON f.id = m.id" if collection.ready and form != "csv" else collection.joins


_PAGE: Final = """
SELECT {counted} AS total, count(*) FILTER (WHERE n <= :limit) AS returned, count(*) > :limit AS more,
       max(id) FILTER (WHERE n <= :limit) AS last, string_agg(line, {between} ORDER BY n) FILTER (WHERE n <= :limit) AS body
FROM (SELECT m.id, m.n, {line} AS line
      FROM (SELECT m.*, row_number() OVER (ORDER BY m.id) AS n
            FROM (SELECT m.* FROM {source} WHERE {condition} ORDER BY m.id LIMIT :limit + 1 OFFSET :offset) m) m {joins}) f
"""


@cache
def _line(kind: str, form: Format) -> str:
    """Return the SQL that writes one row."""
    collection = COLLECTIONS[kind]
    if form == "csv":
        return " || ',' || ".join(_quoted(sql, form_) for _, sql, form_ in _cells(collection))
    return _written("f.geometry", "f.properties", form) if collection.ready else _fresh(kind, form)


@cache
def _fresh(kind: str, form: Format) -> str:
    """Return the SQL that writes one row anew."""
    properties = _row([f"{one.read} AS {one.name}" for one in COLLECTIONS[kind].properties])
    return _written("coalesce(ST_AsGeoJSON(m.geom, 15), 'null')", properties, form)


def _written(geometry: str, properties: str, form: Format) -> str:
    """Return the SQL of a feature, or of a plain object with id, properties, lon and lat, from the SQL of their texts."""
    if form == "geojson":
        return f"""concat('{{"type":"Feature","id":', to_json(m.id), ',"geometry":', {geometry}, ',"properties":', {properties}, '}}')"""
    lon, lat = (f"coalesce({axis}(m.geom)::text, 'null')" for axis in ("ST_X", "ST_Y"))
    return f"""concat('{{"id":', to_json(m.id), ',', substr({properties}, 2, length({properties}) - 2), ',"lon":', {lon}, ',"lat":', {lat}, '}}')"""


def _row(columns: list[str]) -> str:
    return f"row_to_json((SELECT r FROM (SELECT {', '.join(columns)}) r))::text"


def _cells(collection: Collection) -> list[tuple[str, str, str]]:
    """Return the columns of a table: name, SQL, form."""
    own = [(one.name, one.read, str(one.form)) for one in collection.properties]
    place = [("lon", "ST_X(m.geom)", "number"), ("lat", "ST_Y(m.geom)", "number")]
    return [("id", "m.id", "integer"), *own, *place, ("marking", "CASE WHEN m.is_sample THEN '示例数据 / sample data' END", "string")]


def _columns(collection: Collection) -> str:
    as_text = {"string": _safe, "boolean": "({})::text".format}
    return ", ".join(f"{as_text.get(form, str)(sql)} AS {name}" for name, sql, form in _cells(collection))


def _safe(sql: str) -> str:
    """Return the SQL of a text that no spreadsheet runs as a formula."""
    first = ", ".join(f"chr({ord(sign)})" for sign in FORMULA)
    return f"CASE WHEN left({sql}, 1) IN ({first}) THEN '''' || {sql} ELSE {sql} END"


def _quoted(sql: str, form: str) -> str:
    return f"""'"' || replace(coalesce({_safe(sql)}, ''), '"', '""') || '"'""" if form == "string" else f"coalesce(({sql})::text, '')"
