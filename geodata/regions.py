"""Regions: provinces, cities, counties and zones, their tree, boundary and population. Whose point it is, a polygon decides."""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base

HOME = "330000"
"""Adcode of the province that the map is about."""


class Region(Base):
    """An administrative region by its six-digit adcode; `geom` is the full boundary, `point` lies inside it (EPSG:4326)."""

    __tablename__ = "region"
    __table_args__ = (
        CheckConstraint("level IN ('province','city','county','zone')", name="level"),
        Index("gix_region_geom", "geom", postgresql_using="gist"),
    )
    adcode: Mapped[str] = mapped_column(CHAR(6), primary_key=True)
    level: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    parent_adcode: Mapped[str | None] = mapped_column(ForeignKey("region.adcode"), index=True)
    geom: Mapped[Any | None] = mapped_column(Geometry("MULTIPOLYGON", 4326, spatial_index=False))
    point: Mapped[Any | None] = mapped_column(Geometry("POINT", 4326, spatial_index=False))
    area_km2: Mapped[float | None]
    population: Mapped[int | None]
    population_year: Mapped[int | None]
    population_source: Mapped[str | None]
    source: Mapped[str]


class RegionShape(Base):
    """A boundary simplified for display with shared edges kept: `detail` is 'simple' (about 150 m) or 'tiny' (about 600 m)."""

    __tablename__ = "region_shape"
    adcode: Mapped[str] = mapped_column(ForeignKey("region.adcode", ondelete="CASCADE"), primary_key=True)
    detail: Mapped[str] = mapped_column(primary_key=True)
    geom: Mapped[Any] = mapped_column(Geometry("MULTIPOLYGON", 4326, spatial_index=False))


class Water(Base):
    """A lake, a river or a sea label for the base map."""

    __tablename__ = "water"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("GEOMETRY", 4326, spatial_index=False))
    source: Mapped[str]


def region_at(session: Session, lon: float, lat: float) -> Region | None:
    """Return the smallest region whose boundary covers the WGS84 point, or None outside of all."""
    spot = f"SRID=4326;POINT({float(lon)} {float(lat)})"
    order = "CASE level WHEN 'county' THEN 0 WHEN 'city' THEN 1 WHEN 'province' THEN 2 ELSE 3 END"
    return session.scalars(select(Region).where(Region.geom.ST_Covers(spot), Region.level != "zone").order_by(text(order)).limit(1)).one_or_none()


def is_within(inner: str, outer: str) -> bool:
    """Say whether region `inner` equals `outer` or lies in it, by the digits of their adcodes (330522 in 330500 in 330000)."""
    return inner.startswith(shared_digits(outer))


def shared_digits(adcode: str) -> str:
    """Return the digits that the adcodes of all regions inside `adcode` begin with: 33 for 330000, 3305 for 330500, all six of a county."""
    return adcode[:2] if adcode[2:] == "0000" else adcode[:4] if adcode[4:] == "00" else adcode
