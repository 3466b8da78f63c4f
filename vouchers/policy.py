"""Policies as data: immutable versions with the source of each value, seeded from TOML, and the budget that a funder gives to one.

A value whose source is `assumed` is an invented example and carries the badge 示例参数 wherever a person sees it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, BigId, Created
from core.errors import N_, NotFound

FOLDER = Path(__file__).parent / "policies"
Amount = Annotated[int, Field(gt=0)]
Ratio = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]
Adcode = Annotated[str, Field(pattern="^[0-9]{6}$")]
Exclusion = Literal["related_party", "statutory_test", "batch_production_test", "funded_by_city_project_this_or_last_year"]
"""An attribute of an order for which no voucher is given; a misspelt one would exclude nothing, so only these are taken."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Eligibility(_Part):
    """Who may apply."""

    applicant_types: tuple[Literal["enterprise", "team"], ...]
    region_scope: Literal["registered_here"]


class Services(_Part):
    """Which service codes may be bought ("*": all), and which attributes of an order exclude it."""

    allow: tuple[str, ...]
    deny: tuple[str, ...] = ()
    deny_if: tuple[Exclusion, ...] = ()


class Caps(_Part):
    """Bounds in fen: of one grant, of the unspent sum one holder has, of what is used in a year by a holder and by a controller's group."""

    per_application: Amount | None = None
    holding: Amount | None = None
    per_year: Amount | None = None
    group_per_year: Amount | None = None


class Tier(_Part):
    """Up to `upto` fen of the price (None: without end) the voucher pays `ratio`."""

    upto: Amount | None = None
    ratio: Ratio


class UseWindow(_Part):
    """Months from issue within which a voucher may be used."""

    months: Annotated[int, Field(gt=0, le=60)]
    on_expiry: Literal["return_to_pool"]
    redeem_months: Annotated[int, Field(gt=0, le=60)] = 6


class Redeem(_Part):
    """Rounds a year and the kinds of evidence that a claim must carry."""

    rounds_per_year: Annotated[int, Field(gt=0, le=366)]
    evidence: tuple[str, ...]


class Policy(_Part):
    """A policy as its authority wrote it; `src` names the origin of each value by dotted path ("*": all)."""

    id: str
    title: str
    level: Literal["province", "city", "county", "zone"]
    region: Adcode
    funder: Adcode
    valid_from: date
    valid_to: date | None = None
    issuance: Literal["quota_first"]
    settlement_mode: Literal["offset", "post_subsidy"]
    payee: Literal["enterprise", "carrier"]
    prefix: str
    eligibility: Eligibility
    services: Services
    caps: Caps
    tiers: tuple[Tier, ...]
    use_window: UseWindow
    redeem: Redeem
    src: dict[str, str]

    @model_validator(mode="after")
    def _tiers_rise(self) -> Policy:
        bounds = [tier.upto for tier in self.tiers]
        if not bounds or bounds[-1] is not None or None in bounds[:-1] or bounds[:-1] != sorted(set(bounds[:-1]), key=lambda b: b or 0):
            raise ValueError("tiers: upto must rise and only the last one is open")
        return self

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Policy:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to: before valid_from")
        return self

    def source(self, path: str) -> str:
        """Return the source of the value at the dotted `path`: its own, its nearest parent's, or "assumed"."""
        parts = path.split(".")
        names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
        return next((self.src[name] for name in (*names, "*") if name in self.src), "assumed")

    def is_assumed(self, path: str) -> bool:
        """Say whether the value at `path` is an invented example that must carry the badge 示例参数."""
        return self.source(path).startswith("assumed")


class PolicyVersion(Base):
    """One immutable version of a policy; `body` is the whole `Policy` as JSON."""

    __tablename__ = "policy_version"
    __table_args__ = (UniqueConstraint("policy", "version"),)
    id: Mapped[BigId]
    policy: Mapped[str]
    version: Mapped[int]
    title: Mapped[str]
    region: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Created]

    @property
    def terms(self) -> Policy:
        """The policy, validated."""
        return Policy.model_validate(self.body)


class Budget(Base):
    """The money of one funder under one policy in one calendar year; amounts stand on the ledger."""

    __tablename__ = "budget"
    __table_args__ = (UniqueConstraint("funder", "policy", "year"), CheckConstraint("year BETWEEN 2010 AND 2100", name="year"))
    id: Mapped[BigId]
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    policy: Mapped[str]
    year: Mapped[int]
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]


def seed_policies(folder: Path = FOLDER) -> Iterator[Policy]:
    """Read the policies of `folder`, one TOML file each, in the order of their names."""
    for path in sorted(folder.glob("*.toml")):
        yield Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def publish(session: Session, policy: Policy) -> PolicyVersion:
    """Store `policy` as the next version unless the newest one says the same; return the version in force."""
    newest = session.scalars(
        select(PolicyVersion).where(PolicyVersion.policy == policy.id).order_by(PolicyVersion.version.desc()).limit(1)
    ).one_or_none()
    body = policy.model_dump(mode="json")
    if newest and newest.body == body:
        return newest
    names = {name: getattr(policy, name) for name in ("title", "region", "funder", "valid_from", "valid_to")}
    made = PolicyVersion(policy=policy.id, version=(newest.version if newest else 0) + 1, body=body, **names)
    session.add(made)
    session.flush()
    return made


def in_force(session: Session, policy: str, on: date) -> PolicyVersion:
    """Return the newest version of `policy` that is valid on the business date `on`; raise `NotFound` when there is none."""
    query = select(PolicyVersion).where(PolicyVersion.policy == policy, PolicyVersion.valid_from <= on)
    query = query.where((PolicyVersion.valid_to.is_(None)) | (PolicyVersion.valid_to >= on)).order_by(PolicyVersion.version.desc()).limit(1)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(N_("没有在 %(on)s 有效的政策“%(policy)s”。"), policy=policy, on=on)
    return found


def for_holder(session: Session, adcode: str, on: date) -> list[PolicyVersion]:
    """Return the newest valid versions whose region contains the six-digit `adcode`, the county's own first."""
    regions = [adcode, adcode[:4] + "00", adcode[:2] + "0000"]
    query = select(PolicyVersion).where(PolicyVersion.region.in_(regions), PolicyVersion.valid_from <= on)
    query = query.where((PolicyVersion.valid_to.is_(None)) | (PolicyVersion.valid_to >= on))
    newest: dict[str, PolicyVersion] = {}
    for version in session.scalars(query.order_by(PolicyVersion.policy, PolicyVersion.version)):
        newest[version.policy] = version
    return sorted(newest.values(), key=lambda v: regions.index(v.region))
