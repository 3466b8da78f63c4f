"""Who takes part in the sample history of a province: the policies and their officers, holders, and what carriers offer them.

Columns, not objects: a province has a hundred thousand offers. Rows of the columns are named by their number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.sampling.times import Hours, Ints
from core.actor import Actor
from geodata.regions import is_within, shared_digits
from vouchers.policy import Policy, PolicyVersion

LEAST_AGE: Final = timedelta(days=150)
"""How long a policy must have been in force to have a history."""


@dataclass(frozen=True)
class Officers:
    """The three persons of a funder who review, approve and pay, each as an actor."""

    reviewer: Actor
    approver: Actor
    payer: Actor


@dataclass(frozen=True)
class Scheme:
    """A policy version in force: its id, its terms, and who decides under it."""

    version_id: int
    terms: Policy
    officers: Officers


@dataclass(frozen=True)
class Holders:
    """Enterprises and teams that may hold vouchers: whose number they are under, who acts for each, under which scheme (number) each stands."""

    ids: Ints
    codes: list[str]
    names: list[str]
    users: Ints
    groups: Ints
    scheme: Ints
    adcodes: list[str]


@dataclass(frozen=True)
class Offers:
    """Open listings of working instruments, instrument by instrument: prices in fen, `pattern` of opening hours (number in `Cast.hours`)."""

    instrument: Ints
    carrier: Ints
    user: Ints
    kind: Ints
    service: Ints
    price: Ints
    report_days: Ints
    notice_hours: Ints
    pattern: Ints
    group: Ints
    city: list[str]
    is_sample: NDArray[np.bool_]
    is_academic: NDArray[np.bool_]
    region: list[str | None]
    """Where the carrier is registered."""

    def __len__(self) -> int:
        return len(self.instrument)


@dataclass(frozen=True)
class Cast:
    """Everybody of a province; `kinds` and `services` are the words that the offers' numbers stand for."""

    province: str
    schemes: list[Scheme]
    holders: Holders
    offers: Offers
    kinds: list[str]
    services: list[str]
    hours: Hours


def cast_of(session: Session, province: str, day: date) -> Cast:
    """Read who takes part in a province; policies that are hardly in force on `day` have no holders."""
    schemes = _schemes(session, province, day)
    groups: dict[str, int] = {}
    holders = _holders(session, province, schemes, groups)
    rows = session.execute(text(_OFFERS), {"inside": shared_digits(province) + "%"}).all()
    kinds, services, hours = _Numbers(), _Numbers(), _Numbers()
    column: list[Any] = list(zip(*rows, strict=True)) or [()] * 14
    offers = Offers(
        instrument=_ints(column[0]),
        carrier=_ints(column[1]),
        user=_ints(column[2]),
        kind=_ints([kinds.of(name) for name in column[3]]),
        service=_ints([services.of(code) for code in column[4]]),
        price=_ints(column[5]),
        report_days=_ints(column[6]),
        notice_hours=_ints(column[7]),
        pattern=_ints([hours.of(written) for written in column[8]]),
        group=_ints([_group(groups, name) for name in column[9]]),
        city=list(column[10]),
        is_sample=np.array(column[11], dtype=bool),
        is_academic=np.array(column[12], dtype=bool),
        region=list(column[13]),
    )
    return Cast(province, schemes, holders, offers, kinds.words, services.words, Hours.of([json.loads(one) for one in hours.words]))


class _Numbers:
    """Number words in the order in which they come."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._known: dict[str, int] = {}

    def of(self, word: str) -> int:
        """Return the number of a word."""
        if word not in self._known:
            self._known[word] = len(self.words)
            self.words.append(word)
        return self._known[word]


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _group(groups: dict[str, int], controller: str | None) -> int:
    """Return the number of a controller, from 1; 0 is nobody's."""
    return groups.setdefault(controller, len(groups) + 1) if controller else 0


def _schemes(session: Session, province: str, day: date) -> list[Scheme]:
    """Give the newest version of each policy of the province's funders that has officers and was in force long enough for a history."""
    query = text("SELECT DISTINCT ON (policy) id FROM policy_version WHERE funder LIKE :inside AND valid_from <= :day ORDER BY policy, version DESC")
    ids = session.scalars(query, {"inside": shared_digits(province) + "%", "day": day - LEAST_AGE}).all()
    officers = _officers(session)
    found = [session.get_one(PolicyVersion, key) for key in ids]
    return [Scheme(row.id, row.terms, officers[row.funder]) for row in found if row.funder in officers and is_told(row.terms)]


def is_told(terms: Policy) -> bool:
    """Say whether the history tells of a policy: vouchers of one purse, their quota first. The other kinds begin with what people ask for."""
    return terms.issuance == "quota_first" and terms.region == terms.funder and not (terms.cofunding or terms.funds)


def _officers(session: Session) -> Mapping[str, Officers]:
    """Return reviewer, approver and payer of each funder: the first reviewer and the first two of its treasury."""
    found: dict[str, list[Actor]] = {}
    for row in session.execute(text(_OFFICERS)):
        found.setdefault(row.region, []).append(Actor(row.role, row.user_id, row.organisation_id, row.region, row.name))
    seats = {region: ([a for a in actors if a.role == "reviewer"], [a for a in actors if a.role == "finance"]) for region, actors in found.items()}
    return {region: Officers(first[0], *money[:2]) for region, (first, money) in seats.items() if first and len(money) > 1}


def _holders(session: Session, province: str, schemes: Sequence[Scheme], groups: dict[str, int]) -> Holders:
    """Seat every enterprise and team under the policy of its own region that takes its kind, the smallest region first."""
    rows = session.execute(text(_HOLDERS), {"inside": shared_digits(province) + "%"}).all()
    nearest = sorted(range(len(schemes)), key=lambda n: schemes[n].terms.region.rstrip("0"), reverse=True)

    @cache
    def scheme_of(adcode: str, kind: str) -> int:
        fits = (n for n in nearest if is_within(adcode, schemes[n].terms.region) and kind in schemes[n].terms.eligibility.applicant_types)
        return next(fits, -1)

    here = [row for row in rows if scheme_of(row.adcode, row.kind) >= 0]
    return Holders(
        _ints([row.id for row in here]),
        [row.code for row in here],
        [row.name_zh for row in here],
        _ints([row.user_id for row in here]),
        _ints([_group(groups, row.controller) for row in here]),
        _ints([scheme_of(row.adcode, row.kind) for row in here]),
        [row.adcode for row in here],
    )


_OFFICERS: Final = """
SELECT m.region, m.role, m.user_id, m.organisation_id, u.name FROM membership m JOIN app_user u ON u.id = m.user_id
WHERE u.is_sample AND m.region IS NOT NULL AND m.role IN ('reviewer', 'finance') ORDER BY m.region, m.role = 'finance', m.user_id
"""

_HOLDERS: Final = """
SELECT o.id, o.code, o.name_zh, o.kind, o.controller, o.adcode, m.user_id FROM organisation o
JOIN LATERAL (SELECT min(m.user_id) AS user_id FROM membership m WHERE m.organisation_id = o.id AND m.role = 'enterprise') m ON m.user_id IS NOT NULL
WHERE o.is_sample AND o.kind IN ('enterprise', 'team') AND o.adcode LIKE :inside ORDER BY o.id
"""

_OFFERS: Final = """
WITH operator AS (SELECT organisation_id, min(user_id) AS user_id FROM membership WHERE role = 'carrier' GROUP BY 1)
SELECT i.id, i.organisation_id, p.user_id, k.name_zh, l.service_code, l.price, l.report_days, l.notice_hours, i.hours::text,
       o.controller, left(coalesce(i.adcode, o.adcode), 4), o.is_sample, o.carrier_kind IN ('university', 'institute'), o.adcode
FROM listing l JOIN instrument i ON i.id = l.instrument_id JOIN organisation o ON o.id = i.organisation_id
JOIN instrument_type k ON k.id = i.type_id JOIN operator p ON p.organisation_id = o.id
WHERE l.state = 'open' AND i.is_open AND i.status = 'working' AND i.is_sample AND coalesce(i.adcode, o.adcode) LIKE :inside
ORDER BY i.id, l.id
"""
