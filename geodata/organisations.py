"""Organisations: carriers, enterprises, founder teams and authorities, and the sites where they stand.

Facts only. What an organisation may do is decided by memberships and states elsewhere. An organisation's region is that of its point.
"""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from core.db import Base, BigId
from core.errors import N_, Invalid

PRECISIONS = ("point", "township", "county", "city")
"""How exact the location of a site or an instrument is; anything but 'point' is drawn as approximate and never ranked as if exact."""


class Organisation(Base):
    """A body with a name: `kind` says what it is here, `carrier_kind` and `level` what sort of carrier, `is_sample` that it is invented.

    An 'applicant' is a carrier that is not admitted yet, or not any more: no map and no list shows it.
    """

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("kind IN ('enterprise','team','carrier','authority','applicant')", name="kind"),
        CheckConstraint("credit_code IS NULL OR credit_code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="credit_code"),
        CheckConstraint("kind <> 'carrier' OR carrier_kind IS NOT NULL", name="carrier_kind"),
        Index("ix_organisation_kind_adcode", "kind", "adcode"),
    )
    id: Mapped[BigId]
    code: Mapped[str] = mapped_column(unique=True)
    name_zh: Mapped[str]
    name_en: Mapped[str | None]
    kind: Mapped[str]
    carrier_kind: Mapped[str | None]
    level: Mapped[str | None]
    credit_code: Mapped[str | None] = mapped_column(unique=True)
    size_class: Mapped[str | None]
    controller: Mapped[str | None] = mapped_column(index=True)
    adcode: Mapped[str | None] = mapped_column(ForeignKey("region.adcode"))
    website: Mapped[str | None]
    is_sample: Mapped[bool]
    source: Mapped[str]


class Site(Base):
    """A place where an organisation stands, e.g. a campus; `geom` (EPSG:4326) may be unknown, `source_crs` is what it was given in."""

    __tablename__ = "site"
    __table_args__ = (
        CheckConstraint(f"precision IN {PRECISIONS!r}", name="precision"),
        UniqueConstraint("organisation_id", "name"),
        Index("gix_site_geom", "geom", postgresql_using="gist"),
    )
    id: Mapped[BigId]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str]
    geom: Mapped[Any | None] = mapped_column(Geometry("POINT", 4326, spatial_index=False))
    precision: Mapped[str]
    source_crs: Mapped[str]
    adcode: Mapped[str | None] = mapped_column(ForeignKey("region.adcode"), index=True)
    source: Mapped[str]


def credit_code(text: str) -> str:
    """Return the unified social credit code in `text` without separators; raise `Invalid` when the check digit (GB 32100-2015) is wrong."""
    try:
        return str(uscc.validate(text))
    except ValidationError as wrong:
        raise Invalid("credit_code", N_("统一社会信用代码 %(code)s 不对：应为 18 位，末位是校验码。请照营业执照核对。"), code=text[:24]) from wrong
