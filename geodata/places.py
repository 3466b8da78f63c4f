"""Named places below the county: townships, zones and settlements; and what a search for a place finds.

A place knows its county (or, where it spans several, its city) for certain and its point only where a source gives one. Reading addresses
is left to `geodata.geocoding`, the look-up while somebody types to `geodata.places_search`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId

Kind = Literal["province", "city", "county", "township", "zone", "settlement", "carrier"]
Precision = Literal["point", "township", "county", "city", "none"]
Said = tuple[str, dict[str, str]]
"""A message id and its fields: a sentence that the edge translates."""


class Place(Base):
    """A township, zone or settlement (`code` is unique): `other_names` are further names, `adcode` its county or city, `geom` EPSG:4326."""

    __tablename__ = "place"
    __table_args__ = (
        CheckConstraint("kind IN ('township','zone','settlement')", name="kind"),
        Index("gix_place_geom", "geom", postgresql_using="gist"),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    other_names: Mapped[list[str]] = mapped_column(ARRAY(Text))
    adcode: Mapped[str] = mapped_column(ForeignKey("region.adcode", ondelete="CASCADE"), index=True)
    geom: Mapped[Any | None] = mapped_column(Geometry("POINT", 4326, spatial_index=False))
    population: Mapped[int | None]
    source: Mapped[str]


@dataclass(frozen=True, slots=True)
class Found:
    """A place that was found: degrees WGS84; `region` is the full name of what it lies in, `precision` how exact the point is.

    `similar` marks a guess at a misspelt name, `sample` an invented organisation.
    """

    name: str
    name_en: str
    kind: Kind
    adcode: str | None
    lon: float | None
    lat: float | None
    precision: Precision
    region: str
    similar: bool = False
    sample: bool = False

    @property
    def full(self) -> str:
        """Return the name with what it lies in before it."""
        return self.name if self.region.endswith(self.name) else self.region + self.name


@dataclass(frozen=True, slots=True)
class Geocoded:
    """What an address means: degrees WGS84, the adcode of the smallest certain region, and how exact the point is.

    With `candidates` the question is open: adcode and point are then at most those of the region that the address itself states. `note` is
    a sentence about an old name, a contradiction, a spelling; `name` is what was found.
    """

    text: str
    adcode: str | None = None
    lon: float | None = None
    lat: float | None = None
    precision: Precision = "none"
    candidates: tuple[Found, ...] = ()
    name: str | None = None
    note: Said | None = field(default=None)

    @property
    def certain(self) -> bool:
        """Say whether the address was understood without a question left."""
        return self.adcode is not None and not self.candidates
