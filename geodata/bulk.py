"""Write very many rows: whole columns by COPY, ids in blocks, indexes and constraints that wait until the rows are there.

What is deferred is dropped and noted in one transaction, and built again and struck off the note in another: whoever breaks off between the two
knows what is still owed. Only the owner of the tables may defer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db import Base

Column = NDArray[Any] | Sequence[str] | str | int | bool | None
"""One column of many rows: an array (whole numbers, truth, instants in seconds), texts of COPY, or one value for all rows."""

NULL: Final = "\\N"
NOTHING: Final = -1
"""In an array of ids: no value. Ids are above zero."""

_SHEET: Final = 20_000
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_columns(session: Session, entity: type[Base], columns: Mapping[str, Column], count: int) -> None:
    """Append `count` rows by COPY. An array of int64 gives whole numbers (`NOTHING`: no value), datetime64 instants in UTC or dates."""
    if not count:
        return
    names = sql.SQL(",").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(entity.__tablename__), names)
    session.flush()
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for start in range(0, count, _SHEET):
            copy.write(_lines(columns, start, min(count, start + _SHEET)))


def quoted(value: str) -> str:
    """Return a text as COPY reads it."""
    return value.translate(_ESCAPED)


def take_block(session: Session, entity: type[Base], count: int) -> int:
    """Draw `count` ids that follow each other from a table's sequence and return the first; nobody else may draw meanwhile."""
    query = "SELECT min(n), max(n) FROM (SELECT nextval(pg_get_serial_sequence(:table, 'id')) AS n FROM generate_series(1, :count)) t"
    first, last = session.execute(text(query), {"table": entity.__tablename__, "count": count}).one()
    if count and last - first + 1 != count:
        raise RuntimeError(entity.__tablename__)
    return int(first or 0)


def settle_ids(session: Session, tables: Sequence[str]) -> None:
    """Let the sequence of each table go on after its largest id, as if nothing had been begun and broken off (owner only)."""
    for name in tables:
        last = session.execute(text(f"SELECT max(id) FROM {name}")).scalar()
        query = "SELECT setval(pg_get_serial_sequence(:table, 'id'), :last, :used)"
        session.execute(text(query), {"table": name, "last": last or 1, "used": last is not None})


def points(lonlat: NDArray[np.float64]) -> list[str]:
    """Return points (degrees, WGS84) as the hexadecimal EWKB that PostGIS reads, marked EPSG:4326; one that is not a number as no value."""
    found: Any = shapely.to_wkb(shapely.set_srid(shapely.points(lonlat), 4326), hex=True, include_srid=True)
    lost: Any = np.isnan(lonlat).any(axis=1)
    return [NULL if gone else point for point, gone in zip(found.tolist(), lost.tolist(), strict=True)]


def owns(session: Session, table: str) -> bool:
    """Say whether this session may change the structure of `table`."""
    query = "SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE oid = to_regclass(:table)"
    return bool(session.execute(text(query), {"table": table}).scalar())


def defer(session: Session, tables: Sequence[str]) -> list[dict[str, Any]]:
    """Drop indexes, unique and exclusion constraints and foreign keys of `tables` (never a primary key); return how to make each again."""
    found = [dict(row) for row in session.execute(text(_DEFERRED), {"tables": list(tables)}).mappings()]
    for row in sorted(found, key=lambda row: row["rank"], reverse=True):
        session.execute(text(row["drop"]))
    return [{key: row[key] for key in ("table", "name", "make")} for row in sorted(found, key=lambda row: (row["rank"], row["name"]))]


def restore(session: Session, owed: Mapping[str, Any]) -> None:
    """Make one deferred index or constraint again; it proves all the rows that were written meanwhile."""
    session.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
    session.execute(text(owed["make"].replace(":", "\\:")))


def _lines(columns: Mapping[str, Column], start: int, stop: int) -> str:
    rows = zip(*(_texts(column, start, stop) for column in columns.values()), strict=False)
    return "\n".join(map("\t".join, rows)) + "\n"


def _texts(column: Column, start: int, stop: int) -> Iterator[str]:
    if isinstance(column, np.ndarray):
        return iter(_array_texts(column[start:stop]))
    if isinstance(column, bool):
        return repeat("t" if column else "f", stop - start)
    if column is None or isinstance(column, (str, int)):
        return repeat(NULL if column is None else str(column), stop - start)
    return iter(column[start:stop])


def _array_texts(part: NDArray[Any]) -> list[str]:
    if part.dtype.kind == "M":
        found: list[str] = np.datetime_as_string(part).tolist()
        return found
    if part.dtype.kind == "b":
        return ["t" if yes else "f" for yes in part.tolist()]
    return [NULL if number == NOTHING else str(number) for number in part.tolist()]


_DEFERRED: Final = """
SELECT conrelid::regclass::text AS "table", conname AS name, CASE contype WHEN 'f' THEN 2 ELSE 1 END AS rank,
       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make
FROM pg_constraint WHERE contype IN ('f', 'u', 'x') AND conrelid = ANY(CAST(CAST(:tables AS text[]) AS regclass[]))
UNION ALL
SELECT indrelid::regclass::text, c.relname, 0, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index x JOIN pg_class c ON c.oid = indexrelid
WHERE NOT indisprimary AND indrelid = ANY(CAST(CAST(:tables AS text[]) AS regclass[]))
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = indexrelid)
"""
"""What can be deferred of tables, plain indexes first, foreign keys last: those lean on what is made before them."""
