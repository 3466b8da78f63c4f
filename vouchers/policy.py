"""Policies as data in the database: immutable versions, seeded from TOML, which one is in force, and the budget that a funder gives to one.

What a policy says is `vouchers.terms`; what must agree within one `vouchers.contradictions`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.actor import SYSTEM, Actor
from core.audit import record
from core.db import Base, BigId, Created
from core.errors import N_, Invalid, NotFound
from geodata.regions import Region
from vouchers.terms import (
    STORED,
    Caps,
    CarrierReward,
    CoFunder,
    Eligibility,
    Fund,
    Policy,
    Recognition,
    Redeem,
    Services,
    SpotCheck,
    Stack,
    Tier,
    UseWindow,
)

__all__ = [
    "FOLDER",
    "Budget",
    "Caps",
    "CarrierReward",
    "CoFunder",
    "Eligibility",
    "Fund",
    "Policy",
    "PolicyVersion",
    "Recognition",
    "Redeem",
    "Services",
    "SpotCheck",
    "Stack",
    "Tier",
    "UseWindow",
    "for_holder",
    "in_force",
    "publish",
    "seed_policies",
]

FOLDER = Path(__file__).parent / "policies"


class PolicyVersion(Base):
    """One immutable version of a policy; `body` is the whole `Policy` as JSON. A compact has its area as region and funder."""

    __tablename__ = "policy_version"
    __table_args__ = (UniqueConstraint("policy", "version"),)
    id: Mapped[BigId]
    policy: Mapped[str]
    version: Mapped[int]
    title: Mapped[str]
    region: Mapped[str] = mapped_column(CHAR(6))
    funder: Mapped[str] = mapped_column(CHAR(6))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Created]

    @property
    def terms(self) -> Policy:
        """The policy as it was agreed: checks that came later do not unmake it."""
        return Policy.model_validate(self.body, context=STORED)


class Budget(Base):
    """The money of one funder under one policy, or one fund of it, in one calendar year; amounts stand on the ledger.

    `stripes` is the number of accounts that its free money is spread over, `carried_to` the budget that took over what was left at its end.
    """

    __tablename__ = "budget"
    __table_args__ = (
        UniqueConstraint("funder", "policy", "fund", "year"),
        CheckConstraint("year BETWEEN 2010 AND 2100", name="year"),
        CheckConstraint("stripes BETWEEN 1 AND 64", name="stripes"),
        CheckConstraint("fund ~ '^[a-z0-9_]*$'", name="fund"),
    )
    id: Mapped[BigId]
    funder: Mapped[str] = mapped_column(ForeignKey("region.adcode"))
    policy: Mapped[str]
    fund: Mapped[str] = mapped_column(default="", server_default="")
    year: Mapped[int]
    stripes: Mapped[int] = mapped_column(default=1, server_default="1")
    carried_to: Mapped[int | None] = mapped_column(ForeignKey("budget.id"))
    state: Mapped[str]
    row_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Created]


def seed_policies(folder: Path = FOLDER) -> Iterator[Policy]:
    """Read the policies of `folder`, one TOML file each, in the order of their names."""
    for path in sorted(folder.glob("*.toml")):
        yield Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def publish(session: Session, policy: Policy, *, actor: Actor = SYSTEM, request_id: str | None = None) -> PolicyVersion:
    """Store `policy` as the next version unless the newest one says the same; return the newest version.

    Two who publish at once come one after the other. Raises `Invalid` for a policy that gives vouchers in a region that there is not.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"policy:{policy.id}"})
    query = select(PolicyVersion).where(PolicyVersion.policy == policy.id).order_by(PolicyVersion.version.desc()).limit(1)
    newest = session.scalars(query).one_or_none()
    body = policy.model_dump(mode="json", by_alias=True)
    if newest and newest.body == body:
        return newest
    _check_regions(session, policy)
    names = {name: getattr(policy, name) for name in ("title", "region", "valid_from", "valid_to")}
    funder = policy.region if policy.level == "compact" else policy.funder
    made = PolicyVersion(policy=policy.id, version=(newest.version if newest else 0) + 1, body=body, funder=funder, **names)
    session.add(made)
    session.flush()
    before = str(newest.version) if newest else ""
    more = {"before": before, "after": str(made.version), "policy_version_id": made.id, "request_id": request_id}
    record(session, actor, "policy_version", made.id, "publish", **more)
    return made


def _check_regions(session: Session, policy: Policy) -> None:
    """Take a policy that gives vouchers only for regions that are known here; one for comparison may speak of any."""
    for field in ("region", "funder") if policy.issues else ():
        if session.get(Region, getattr(policy, field)) is None:
            raise Invalid(field, N_("没有行政区 %(region)s。请改代码，或先载入这个省的行政区。"), region=getattr(policy, field))


def in_force(session: Session, policy: str, on: date) -> PolicyVersion:
    """Return the newest version of `policy` that is valid on the business date `on`; raise `NotFound` when there is none."""
    query = select(PolicyVersion).where(PolicyVersion.policy == policy, PolicyVersion.valid_from <= on)
    query = query.where((PolicyVersion.valid_to.is_(None)) | (PolicyVersion.valid_to >= on)).order_by(PolicyVersion.version.desc()).limit(1)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(N_("没有在 %(on)s 有效的政策“%(policy)s”。"), policy=policy, on=on)
    return found


def for_holder(session: Session, adcode: str, on: date) -> list[PolicyVersion]:
    """Return the newest valid versions that give vouchers to holders registered in `adcode`, the smallest region's own first.

    A zone's holders also have the policies of the county or city in which it lies. Empty: no policy is in force there on the business date.
    """
    regions = _around(session, adcode)
    query = select(PolicyVersion).where(PolicyVersion.region.in_(regions), PolicyVersion.valid_from <= on)
    query = query.where((PolicyVersion.valid_to.is_(None)) | (PolicyVersion.valid_to >= on), PolicyVersion.body["issuance"].astext != "none")
    newest: dict[str, PolicyVersion] = {}
    for version in session.scalars(query.order_by(PolicyVersion.policy, PolicyVersion.version)):
        newest[version.policy] = version
    return sorted(newest.values(), key=lambda v: regions.index(v.region))


def without_policy(session: Session, province: str, on: date) -> list[Region]:
    """Return the counties and zones of a province whose holders have no policy on the business date, in the order of their codes."""
    query = select(Region).where(Region.level.in_(("county", "zone")), Region.adcode.startswith(province[:2])).order_by(Region.adcode)
    return [region for region in session.scalars(query) if not for_holder(session, region.adcode, on)]


def _around(session: Session, adcode: str) -> list[str]:
    """Return the region and those in which it lies, from small to large, each once."""
    found = [adcode]
    here = session.get(Region, adcode)
    if here is not None and here.level == "zone" and here.parent_adcode:
        found.append(here.parent_adcode)
    last = found[-1]
    return list(dict.fromkeys([*found, last[:4] + "00", last[:2] + "0000"]))
