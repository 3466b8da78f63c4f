"""What a search looks for, put together for the person who asks: conditions that filter, terms and travel times that complete a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from flask import current_app, has_app_context
from sqlalchemy.orm import Session

from app.asking import Asked, services
from core import clock
from matching.candidates import Candidate, Place
from matching.counterfactual import Counterfactual, Given, counterfactual
from matching.hard import Grounds, checks, musts
from matching.narrowing import Hunt, missing_only
from matching.needs import Need
from matching.rank import Match
from matching.travel import AT_ONCE, Router, router, seconds
from matching.types import TypeGuess

Completes = Callable[[list[Candidate]], list[Candidate]]


class Meant(Protocol):
    """What was understood of a need: the need, its types, and digits of the regions it names."""

    @property
    def need(self) -> Need: ...  # noqa: D102
    @property
    def types(self) -> tuple[TypeGuess, ...]: ...  # noqa: D102
    @property
    def regions(self) -> Mapping[str, str]: ...  # noqa: D102


def hunt_for(session: Session, meant: Meant, asked: Asked, *, completes: Completes) -> Hunt:
    """Return what is looked for: the types of a need, and its conditions as this person's vouchers, place and day judge them."""
    codes = services(session) if "budget" in musts(meant.need) else ()
    grounds = Grounds(asked.place, asked.terms, codes, meant.regions, clock.today(session))
    types = {one.name_zh: one.score for one in meant.types}
    return Hunt(types, asked.place, replace(asked.wanted, types=()), checks(meant.need, grounds), completes)


def told(session: Session, hunt: Hunt, matches: Sequence[Match[Candidate]]) -> Counterfactual | None:
    """Return what would be to be had if one condition were given up: for each, who misses that one alone."""
    if not matches or matches[0].misses:
        return None
    return counterfactual(matches, [Given(one.key, one.text, one.due, missing_only(session, hunt, one)) for one in hunt.checks])


def travelled(rows: list[Candidate], place: Place | None) -> list[Candidate]:
    """Return candidates with their seconds by road, where a router is set and answers; places known only roughly have none."""
    service = _router()
    if place is None or not service.url:
        return rows
    near = sorted((one for one in rows if one.distance_m is not None), key=lambda one: (one.distance_m or 0.0, one.id))[:AT_ONCE]
    times = dict(zip((one.id for one in near), seconds(service, (place.lon, place.lat), [(one.lon, one.lat) for one in near]), strict=True))
    return [replace(one, travel_s=times.get(one.id)) for one in rows]


def routed() -> bool:
    """Say whether a router is asked for travel times: then a distance is known only once it answered for everybody."""
    return bool(_router().url)


def _router() -> Router:
    return router(current_app.config["SETTINGS"].router_url) if has_app_context() else Router()
