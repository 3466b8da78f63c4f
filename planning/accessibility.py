"""How well each county of a province reaches the open instruments of a class: one question, one answer, the same on map, table and export.

All counties that are loaded take part, whatever their province: a neighbour's residents use our instruments and ours theirs. A county without a
figure of demand has no result; what it takes from others is not known either, so counties that share a place with it are marked as at most.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from geodata.regions import HOME, shared_digits
from planning.catchment import gaussian_decay, step_decay, three_step, two_step
from planning.travel import Travel, nearest, within
from planning.world import DEGREE_M, KINDS, Points, World, Zone, gathered

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]

PER: Final = {"population": 100_000, "enterprises": 100}
"""Kinds of demand: residents as last counted, or enterprises and founder teams registered here → how many a figure refers to."""

ENHANCED: Final = {1 / 3: 1.0, 2 / 3: 0.68, 1.0: 0.22}
"""Share of the catchment → weight: Luo & Qi (2009), 10, 20 and 30 minutes of 30."""

WAN: Final = {1 / 6: 0.962, 1 / 3: 0.704, 1 / 2: 0.377, 1.0: 0.042}
"""Share of the catchment → weight: Wan, Zou & Sternberg (2012), 10, 20, 30 and 60 minutes of 60."""

DECAYS: Final[Mapping[str, Callable[[Floats, float], Floats]]] = {
    "two_step": lambda minutes, _reach: np.ones_like(minutes),
    "enhanced": lambda minutes, reach: step_decay(minutes / reach, ENHANCED),
    "gaussian": lambda minutes, reach: gaussian_decay(minutes, reach, reach=reach),
    "three_step": lambda minutes, reach: step_decay(minutes / reach, WAN),
}
"""Floating catchments by name → the decay of minutes within the catchment."""

METHODS: Final = (*DECAYS, "county")
"""Floating catchments, and "county": instruments inside the county's own line, wherever the next one stands."""

POINTS: Final = ("townships", "middles")

FINE: Final = 50
"""What stands in a cell of a fiftieth of the catchment's radius stands at one place: no way is off by more than 1.5 % of it."""

REACHES: Final = range(10, 181)
"""Minutes that a catchment may have."""


@dataclass(frozen=True)
class Question:
    """What is asked: the counties of a province, a class ("" for all) or subclass, by which method, within how many minutes, shared by whom.

    `points`: the demand of a county stands at its `townships`, in equal parts, or at its middle (`middles`).
    """

    province: str = HOME
    class_code: str = ""
    method: str = "two_step"
    minutes: int = 60
    demand: str = "population"
    points: str = "townships"
    travel: Travel = field(default_factory=Travel)


@dataclass(frozen=True)
class Row:
    """A county's answer: `access` instruments per so much demand (None: not known, or nobody asks), at most that where `at_most`.

    `inside` counts the instruments within the county's line, `reached` those within the catchment; `nearest_m` is the straight way to the nearest
    exactly known one (None: there is none as far as the world was read), `owner` whose it is.
    """

    zone: Zone
    access: float | None
    at_most: bool
    demand: int | None
    inside: int
    reached: float
    nearest_m: float | None
    owner: int


@dataclass(frozen=True)
class Answer:
    """The counties by adcode, the mean over all known demand, and how the province's open instruments of the class were placed (by `KINDS`)."""

    question: Question
    rows: tuple[Row, ...]
    mean: float | None
    placed: Mapping[str, int]

    @property
    def without(self) -> tuple[Row, ...]:
        """The counties with known demand that reach nothing."""
        return tuple(row for row in self.rows if row.access == 0)

    @property
    def unknown(self) -> tuple[Row, ...]:
        """The counties without a figure of demand."""
        return tuple(row for row in self.rows if row.access is None)

    @property
    def figures(self) -> list[float]:
        """The figures above zero."""
        return [row.access for row in self.rows if row.access]


def provinces(world: World) -> list[str]:
    """Return the adcodes of the provinces whose counties are loaded, home first."""
    found = {zone.adcode[:2] + "0000" for zone in world.zones}
    return sorted(found, key=lambda adcode: (adcode != HOME, adcode))


def answer(world: World, question: Question) -> Answer:
    """Return the answer to a question about the world; the last answers are kept."""
    key = (world.version, question)
    if key not in _KEPT:
        _KEPT[key] = _answer(world, question)
        while len(_KEPT) > 64:
            _KEPT.popitem(last=False)
    return _KEPT[key]


_KEPT: Final[OrderedDict[tuple[str, Question], Answer]] = OrderedDict()


def _answer(world: World, question: Question) -> Answer:
    chosen = world.supply.of_class(question.class_code)
    ours = np.array([zone.adcode.startswith(shared_digits(question.province)) for zone in world.zones], dtype=np.bool_)
    points: Points = getattr(world, question.points)
    demand, inside = world.demand(question.demand), _inside(world, chosen)
    reach = _reach(world, question, points, chosen)
    found, at_most = _per_demand(question, demand, inside, reach)
    far, owner = _nearest(world, points, chosen)
    rows = tuple(
        Row(
            world.zones[i],
            _known(found[i]),
            bool(at_most[i]),
            None if np.isnan(demand[i]) else int(demand[i]),
            int(inside[i]),
            float(reach.total[i]),
            _known(far[i]),
            int(owner[i]),
        )
        for i in np.flatnonzero(ours)
    )
    return Answer(question, rows, _mean(found[ours], demand[ours]), _placed(world, chosen, question.province))


@dataclass(frozen=True)
class _Reach:
    """What the points p reach: decay weights [p,m], supply [m]; and the instruments that each zone reaches from any of its points [n]."""

    points: Points
    weights: csr_array[Any]
    supply: Floats
    total: Floats


def _reach(world: World, question: Question, points: Points, chosen: NDArray[np.bool_]) -> _Reach:
    """Return what is reached: only places near the province asked about count, and every point near one of them shares it."""
    from scipy.sparse import csr_array

    held, limit = world.supply, question.travel.metres(question.minutes)
    stands = chosen & (held.place >= 0)
    amount = _sums(held.place[stands], held.number[stands], len(held.places))
    there = np.flatnonzero(amount)
    places, place = gathered(held.places[there], amount[there], limit / DEGREE_M / FINE)
    amount = _sums(place, amount[there], len(places))
    asking = np.array([zone.adcode.startswith(shared_digits(question.province)) for zone in world.zones], dtype=np.bool_)[points.zone]
    close = np.unique(within(points.places[asking], places, limit).destination)
    pairs, supply = within(points.places, places[close], limit), amount[close]
    minutes = np.minimum(question.travel.minutes(pairs.metres), question.minutes)
    decay = DECAYS.get(question.method, DECAYS["two_step"])(minutes, float(question.minutes))
    weights = csr_array((decay, (pairs.origin, pairs.destination)), shape=(len(points.zone), len(close)))
    whole = np.unique(points.zone[pairs.origin] * max(len(close), 1) + pairs.destination)
    zone, place = np.divmod(whole, max(len(close), 1))
    return _Reach(points, weights, supply, _sums(zone, supply[place], len(world.zones)))


def _per_demand(question: Question, demand: Floats, inside: Floats, reach: _Reach) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the figure of every zone, and where it may be less because another's demand is not known.

    It is NaN where the demand is not known, and where instruments are in reach that nobody at all asks for: that is no lack of instruments.
    """
    per, unknown, points = PER[question.demand], np.isnan(demand), reach.points
    if question.method == "county":
        return np.divide(inside * per, demand, out=np.full_like(demand, np.nan), where=demand > 0), np.zeros_like(unknown)
    steps = three_step if question.method == "three_step" else two_step
    stands = np.where(unknown, 0.0, demand)[points.zone] * points.share
    found = _sums(points.zone, steps(stands, reach.supply, reach.weights) * points.share * per, len(demand))
    taken = reach.weights.T @ unknown[points.zone].astype(np.float64) > 0
    touched = _sums(points.zone, reach.weights @ taken.astype(np.float64), len(demand)) > 0
    idle = (found == 0) & (reach.total > 0)
    return np.where(unknown | idle, np.nan, found), touched & ~unknown & ~idle


def _inside(world: World, chosen: NDArray[np.bool_]) -> Floats:
    """Return the instruments inside each zone's line; those known to the city only are inside none."""
    held = world.supply
    known = chosen & (held.kind <= KINDS.index("county")) & np.isin(held.zone, world.codes)
    return _sums(np.searchsorted(world.codes, held.zone[known]), held.number[known], len(world.codes))


def _nearest(world: World, points: Points, chosen: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.int64]]:
    """Return for every zone the straight metres from any of its points to the nearest instrument known exactly, and whose that is."""
    held = world.supply
    exact = np.flatnonzero(chosen & (held.kind == KINDS.index("point")))
    index, metres = nearest(points.places, held.places[held.place[exact]])
    far, owner = np.full(len(world.zones), np.nan), np.zeros(len(world.zones), np.int64)
    if len(exact):
        order = np.lexsort((metres, points.zone))
        zones, first = np.unique(points.zone[order], return_index=True)
        far[zones], owner[zones] = metres[order[first]], held.owner[exact][index[order[first]]]
    return far, owner


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _sums(index: NDArray[np.integer[Any]], amounts: Floats, length: int) -> Floats:
    """Return the sum of the amounts at each index below `length`."""
    return np.asarray(np.bincount(index, amounts, length), dtype=np.float64)


def _mean(found: Floats, demand: Floats) -> float | None:
    known = ~np.isnan(found)
    whole = demand[known].sum()
    return float((found[known] * demand[known]).sum() / whole) if whole > 0 else None


def _placed(world: World, chosen: NDArray[np.bool_], province: str) -> dict[str, int]:
    """Count the instruments of the province, and those of no known region, by how their place is known."""
    held, digits = world.supply, int(province[:2])
    ours = chosen & ((held.zone // 10_000 == digits) | (held.zone == 0))
    return {name: round(held.number[ours & (held.kind == kind)].sum()) for kind, name in enumerate(KINDS)}
