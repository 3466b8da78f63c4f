"""What the map shows: open instruments and carriers in narrow tables, counts by cell of the map, and the log of what changed since.

Nobody writes here but the triggers of the database (migration 0003): they follow instruments, listings, organisations, sites and types in the same
transaction, as whoever changes them. Reading is left to `geodata.grid`, `geodata.tiles` and all that filters with `geodata.wanted`.
"""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CHAR, BigInteger, Computed, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId


class OpenInstrument(Base):
    """An instrument that is open to others, with or without a known point.

    `class_code`: of its type. `carrier_kind`, `level`: of its organisation. `adcode`: its own, else its organisation's. `service`, `price` (fen): of
    the listing that is offered first (tests before all else, then the cheapest). `px`, `py`: the point in whole 2^-30 of the world's width from the
    north-west corner of the Web Mercator square.
    """

    __tablename__ = "open_instrument"
    __table_args__ = (
        Index("gix_open_instrument_type_geom", "type_id", "geom", postgresql_using="gist", postgresql_where=sql("type_id IS NOT NULL")),
        Index("gix_open_instrument_geom", "geom", postgresql_using="gist"),
        Index("ix_open_instrument_adcode", "adcode", postgresql_ops={"adcode": "bpchar_pattern_ops"}),
        Index("ix_open_instrument_price_id", "price", "id"),
        Index("ix_open_instrument_idle", "id", postgresql_where=sql("status <> 'working'")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    geom: Mapped[Any | None] = mapped_column(Geometry("POINT", 4326, spatial_index=False))
    type_id: Mapped[int | None]
    class_code: Mapped[str | None]
    organisation_id: Mapped[int] = mapped_column(BigInteger, index=True)
    carrier_kind: Mapped[str | None]
    level: Mapped[str | None]
    adcode: Mapped[str | None] = mapped_column(CHAR(6))
    px: Mapped[int | None] = mapped_column(Computed("map_x(geom)", persisted=True))
    py: Mapped[int | None] = mapped_column(Computed("map_y(geom)", persisted=True))
    is_sample: Mapped[bool]
    precision: Mapped[str]
    service: Mapped[str | None]
    price: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str]
    name: Mapped[str]


class OpenCarrier(Base):
    """A carrier at its first site with a known point, with the number of its open instruments; `precision` is empty where it has no site."""

    __tablename__ = "open_carrier"
    __table_args__ = (
        Index("gix_open_carrier_geom", "geom", postgresql_using="gist"),
        Index("ix_open_carrier_adcode", "adcode", postgresql_ops={"adcode": "bpchar_pattern_ops"}),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    geom: Mapped[Any | None] = mapped_column(Geometry("POINT", 4326, spatial_index=False))
    carrier_kind: Mapped[str | None]
    level: Mapped[str | None]
    adcode: Mapped[str | None] = mapped_column(CHAR(6))
    px: Mapped[int | None] = mapped_column(Computed("map_x(geom)", persisted=True))
    py: Mapped[int | None] = mapped_column(Computed("map_y(geom)", persisted=True))
    is_sample: Mapped[bool]
    precision: Mapped[str | None]
    instruments: Mapped[int]


class GridKey(Base):
    """What is counted: a layer at a zoom, of a class (two digits), a kind and a level of carrier; '*' is any, '' is none."""

    __tablename__ = "grid_key"
    __table_args__ = (UniqueConstraint("layer", "zoom", "class", "kind", "level"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    layer: Mapped[str]
    zoom: Mapped[int]
    class_: Mapped[str] = mapped_column("class")
    kind: Mapped[str]
    level: Mapped[str]


class Grid(Base):
    """A cell (the tile x, y of the key's zoom): how many, how many of them approximate, and the sums of their positions and ids."""

    __tablename__ = "grid"
    __table_args__ = (Index("ix_grid_empty", "key", postgresql_where=sql("n = 0")),)
    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    x: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    y: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int]
    approximate: Mapped[int]
    sx: Mapped[int] = mapped_column(BigInteger)
    sy: Mapped[int] = mapped_column(BigInteger)
    ids: Mapped[int] = mapped_column(BigInteger)


class GridDelta(Base):
    """A change that the cells do not know yet: `n` is 1 for a point that came, -1 for one that went, 0 where only words changed."""

    __tablename__ = "grid_delta"
    id: Mapped[BigId]
    layer: Mapped[str]
    n: Mapped[int]
    px: Mapped[int | None]
    py: Mapped[int | None]
    approximate: Mapped[int | None]
    class_: Mapped[str | None] = mapped_column("class")
    kind: Mapped[str | None]
    level: Mapped[str | None]
    ids: Mapped[int | None] = mapped_column(BigInteger)


class GridState(Base):
    """Drawn anew whenever changes go into the cells of a layer: with the number of changes that wait it names what a reader sees."""

    __tablename__ = "grid_state"
    layer: Mapped[str] = mapped_column(primary_key=True)
    stamp: Mapped[int] = mapped_column(BigInteger)


class OpenFeature(Base):
    """An open instrument as programs read it: its point and its properties as JSON text, kept by the triggers of migration 0008."""

    __tablename__ = "open_feature"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    geometry: Mapped[str]
    properties: Mapped[str]
