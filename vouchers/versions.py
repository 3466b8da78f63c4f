"""Which version of a policy rules when, which policies there are, and which regions have none. Reading only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from core.errors import NotFound
from vouchers.policy import PolicyVersion

_ONE: Final = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """Days (business dates, both ends within; `last` None: without end) that one version rules; no version: nothing rules."""

    first: date
    last: date | None
    version: PolicyVersion | None

    def holds(self, day: date) -> bool:
        """Say whether `day` lies within."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Place:
    """A region with the policies of its own and those of the regions above it that pay its enterprises, each by code."""

    adcode: str
    name_zh: str
    name_en: str
    level: str
    parent: str | None
    own: tuple[str, ...]
    above: tuple[str, ...]


def versions_of(session: Session, code: str) -> list[PolicyVersion]:
    """Return all versions of a policy, the newest first; raise `NotFound` for a code that there is not."""
    found = list(session.scalars(select(PolicyVersion).filter_by(policy=code).order_by(PolicyVersion.version.desc())))
    if not found:
        raise NotFound
    return found


def version_of(session: Session, code: str, number: int) -> PolicyVersion:
    """Return one version of a policy; raise `NotFound` for one that there is not."""
    found = session.scalars(select(PolicyVersion).filter_by(policy=code, version=number)).one_or_none()
    if found is None:
        raise NotFound
    return found


def timeline(versions: Iterable[PolicyVersion]) -> tuple[Span, ...]:
    """Return who rules when, from the first day on: of the versions that are valid on a day, the newest, as `policy.in_force` takes it."""
    all_ = sorted(versions, key=lambda one: one.version, reverse=True)
    edges = sorted({one.valid_from for one in all_} | {one.valid_to + _ONE for one in all_ if one.valid_to and one.valid_to < date.max})
    found: list[Span] = []
    for first, following in zip(edges, [*edges[1:], None], strict=True):
        rules = next((one for one in all_ if one.valid_from <= first and (one.valid_to is None or first <= one.valid_to)), None)
        last = following - _ONE if following else None
        if found and found[-1].version is rules:
            found[-1] = Span(found[-1].first, last, rules)
        elif rules or following:
            found.append(Span(first, last, rules))
    return tuple(found)


def newest_of_each(session: Session, *, funder: str | None = None) -> list[PolicyVersion]:
    """Return the newest version of every policy, or of those that `funder` pays, by region and code."""
    query = select(PolicyVersion).ext(distinct_on(PolicyVersion.policy)).order_by(PolicyVersion.policy, PolicyVersion.version.desc())
    found = session.scalars(query.where(PolicyVersion.funder == funder) if funder else query)
    return sorted(found, key=lambda one: (one.region, one.policy))


def places(session: Session, province: str, versions: Sequence[PolicyVersion]) -> list[Place]:
    """Return the counties and zones of a province (adcode), each with its own policies among `versions` and those of its city and province."""
    by_region: dict[str, list[str]] = {}
    for one in versions:
        by_region.setdefault(one.region, []).append(one.policy)
    query = """SELECT adcode, name_zh, name_en, level, parent_adcode FROM region
               WHERE level IN ('county', 'zone') AND adcode LIKE :within ORDER BY adcode"""
    rows = session.execute(text(query), {"within": province[:2] + "%"}).all()
    return [_place(row, by_region) for row in rows]


def region_names(session: Session) -> dict[str, tuple[str, str]]:
    """Return the Chinese and the English name of every region by adcode."""
    return {row.adcode: (row.name_zh, row.name_en) for row in session.execute(text("SELECT adcode, name_zh, name_en FROM region"))}


def _place(row: object, by_region: dict[str, list[str]]) -> Place:
    adcode: str = getattr(row, "adcode", "")
    above = [code for region in (adcode[:4] + "00", adcode[:2] + "0000") for code in by_region.get(region, [])]
    names = {name: getattr(row, name) for name in ("name_zh", "name_en", "level")}
    return Place(adcode=adcode, parent=getattr(row, "parent_adcode", None), own=tuple(by_region.get(adcode, [])), above=tuple(above), **names)
