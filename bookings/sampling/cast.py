"""Who takes part in the sample history: holders under each policy, what carriers offer them, and how often each is chosen.

A few carriers do much and many do little: the rank-th carrier is chosen as 1/rank^0.9, which gives the first 1 % a quarter of all services.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.sampling.money import Scheme
from bookings.sampling.trade import Offer
from core.actor import Actor
from geodata.regions import is_within
from vouchers.policy import Policy

_TAIL: Final = 0.9
_HOLDER_TAIL: Final = 0.5
_NEIGHBOUR: Final = 3.0
"""How much likelier a carrier of the holder's own city is."""


@dataclass(frozen=True)
class Officers:
    """The three persons of a funder who review, approve and pay, each as an actor."""

    reviewer: Actor
    approver: Actor
    payer: Actor


@dataclass(frozen=True)
class People:
    """Who acts for each organisation (by id), and the officers of each funder (by adcode)."""

    operators: Mapping[int, Actor]
    officers: Mapping[str, Officers]


@dataclass(frozen=True)
class Holder:
    """An enterprise or team that may hold vouchers; `group` is its controller, or itself."""

    id: int
    code: str
    controller: str | None
    actor: Actor

    @property
    def group(self) -> str:
        """Under whose control it stands, for the cap of a group."""
        return self.controller or f"#{self.id}"


@dataclass(frozen=True)
class Carrier:
    """A carrier with its controller and the offers that a policy pays for: development on one side, tests on the other."""

    id: int
    controller: str | None
    tests: tuple[Offer, ...]
    jobs: tuple[Offer, ...]


@dataclass(frozen=True)
class Stage:
    """One policy with the holders who may use it and the carriers who may serve them; chances are cumulative, from above 0 to 1."""

    scheme: Scheme
    people: People = field(repr=False)
    holders: tuple[Holder, ...]
    holder_chances: NDArray[np.float64] = field(repr=False)
    carriers: tuple[Carrier, ...] = field(repr=False)
    carrier_chances: NDArray[np.float64] = field(repr=False)

    @property
    def officers(self) -> Officers:
        """Who reviews, approves and pays under this policy."""
        return self.people.officers[self.scheme.terms.funder]


def stage(session: Session, people: People, *, scheme: Scheme, offers: Sequence[Any], rng: np.random.Generator) -> Stage:
    """Set the stage for one policy; `offers` are the rows of `open_offers`."""
    terms = scheme.terms
    rows = session.execute(text(_HOLDERS), {"kinds": list(terms.eligibility.applicant_types)})
    here = [row for row in rows if is_within(row.adcode, terms.region) and row.id in people.operators]
    holders = tuple(Holder(row.id, row.code, row.controller, people.operators[row.id]) for row in here)
    carriers, cities = _carriers(offers, terms, people)
    chances = _falling(len(carriers), _TAIL, rng) * np.where([city == terms.region[:4] for city in cities], _NEIGHBOUR, 1.0)
    often = np.cumsum(_falling(len(holders), _HOLDER_TAIL, rng))
    return Stage(scheme, people, holders, often, carriers, np.cumsum(chances / chances.sum()))


def drawn(chances: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Draw an index by cumulative chances, in the time of a bisection."""
    return int(np.searchsorted(chances, rng.random() * chances[-1], side="right"))


def open_offers(session: Session) -> list[Any]:
    """Return every open listing of a working instrument in the order of the codes, with its carrier's region and controller."""
    return list(session.execute(text(_OFFERS)))


def offer_of(row: Any) -> Offer:
    """Return one of the rows of `open_offers` as what a story may choose."""
    return Offer(**{name: getattr(row, name) for name in Offer.__annotations__})


def _carriers(offers: Sequence[Any], terms: Policy, people: People) -> tuple[tuple[Carrier, ...], list[str]]:
    found: dict[int, list[Any]] = {}
    for row in offers:
        allowed = "*" in terms.services.allow or row.service in terms.services.allow
        if allowed and row.carrier_id in people.operators:
            found.setdefault(row.carrier_id, []).append(row)
    carriers = tuple(Carrier(key, rows[0].controller, _offers(rows, job=False), _offers(rows, job=True)) for key, rows in found.items())
    return carriers, [rows[0].adcode[:4] for rows in found.values()]


def _offers(rows: Sequence[Any], *, job: bool) -> tuple[Offer, ...]:
    return tuple(offer_of(row) for row in rows if row.service.endswith("_rd") == job)


def _falling(count: int, tail: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return chances that fall off as a power of a rank drawn at random."""
    chances: NDArray[np.float64] = rng.permutation(1.0 / np.arange(1, count + 1) ** tail)
    chances /= chances.sum()
    return chances


_HOLDERS: Final = """
SELECT id, code, controller, adcode FROM organisation WHERE is_sample AND kind = ANY(:kinds) ORDER BY code
"""

_OFFERS: Final = """
SELECT i.id AS instrument_id, i.organisation_id AS carrier_id, k.name_zh AS type_name, i.hours, l.service_code AS service, l.price,
       l.report_days, l.notice_hours, o.controller, coalesce(o.adcode, '330000') AS adcode
FROM listing l JOIN instrument i ON i.id = l.instrument_id JOIN organisation o ON o.id = i.organisation_id
JOIN instrument_type k ON k.id = i.type_id
WHERE l.state = 'open' AND i.is_open AND i.status = 'working' AND i.is_sample ORDER BY i.code, l.service_code
"""
