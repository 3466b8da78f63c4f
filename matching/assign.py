"""Give many needs their providers at once, where places are scarce: as many as can be served, then the best fit, evenly over counties.

A minimum-cost flow: each need sends one unit to an instrument that can serve it, from there through its carrier, or to its county's account
of needs that stay open. Costs are whole millionths, so the answer is exact. An account's price rises with the share of the county that is
already on it, a carrier's with the share of its places that is taken: both convex, so the flow fills them in their order (Ahuja, Magnanti &
Orlin, *Network Flows*, 1993, chapter 14). Why somebody got what they got is left to `matching.assigned`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SCALE: Final = 1_000_000
"""Parts that a value of 1 is cut into."""

STEPS: Final = 8
"""Steps in which the price of a county's open needs, and of a carrier's places, rises."""


@dataclass(frozen=True, slots=True)
class Option:
    """An instrument that can serve a need, and how well, 0..1."""

    instrument: int
    value: float


@dataclass(frozen=True, slots=True)
class Want:
    """A need to be placed: its number, the county that it counts for, and the instruments that can serve it."""

    id: int
    county: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """How many needs an instrument can take in the time looked at, and whose it is."""

    instrument: int
    carrier: int
    free: int


@dataclass(frozen=True, slots=True)
class Fairness:
    """What evenness is worth in value, 0..1; how many are served comes first, nobody stays open for its sake.

    `counties`: between a county of which nothing stays open and one of which all does. `carriers`: between an idle carrier and a full one.
    """

    counties: float = 0.3
    carriers: float = 0.05


@dataclass(frozen=True)
class Network:
    """The flow as arrays, one entry an arc: ends, units that fit, price of a unit, units that flow; nodes are numbered by `node`."""

    tails: Ints
    heads: Ints
    fits: Ints
    prices: Ints
    flows: Ints
    node: Mapping[tuple[str, object], int]
    sink: int


@dataclass(frozen=True)
class Plan:
    """Who serves whom: need → instrument, None where it stays open; with the network that says why."""

    chosen: Mapping[int, int | None]
    network: Network = field(repr=False)

    @property
    def served(self) -> int:
        """How many needs got a place."""
        return sum(one is not None for one in self.chosen.values())


def assign(wants: Sequence[Want], places: Iterable[Places], *, fairness: Fairness | None = None) -> Plan:
    """Return the plan that serves the most needs and, of these, is worth the most.

    The same wants in another order give a plan of the same worth. Raises ValueError for a number given twice, a value outside 0..1, or
    negative places.
    """
    held = {one.instrument: one for one in places}
    _check(wants, held)
    arcs = _Arcs()
    _draw(arcs, wants, held, fairness=fairness or Fairness())
    network = _solve(arcs, len(wants))
    chosen: dict[int, int | None] = {want.id: None for want in wants}
    for (want, instrument), arc in arcs.offers.items():
        if network.flows[arc]:
            chosen[want] = instrument
    return Plan(chosen, network)


def millionths(value: float) -> int:
    """Return a value 0..1 as whole parts of SCALE."""
    return round(value * SCALE)


@dataclass
class _Arcs:
    """Arcs while they are drawn."""

    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    node: dict[tuple[str, object], int] = field(default_factory=dict)
    offers: dict[tuple[int, int], int] = field(default_factory=dict)

    def at(self, kind: str, name: object = None) -> int:
        """Return the number of a node, a new one where it is named for the first time."""
        return self.node.setdefault((kind, name), len(self.node))

    def add(self, tail: int, head: int, *, fits: int, price: int = 0) -> None:
        """Draw an arc."""
        self.rows.append((tail, head, fits, price))

    def rising(self, tail: int, head: int, *, fits: int, base: int, rise: float) -> None:
        """Draw arcs side by side, each dearer than the last: units fill them in that order."""
        last = 0
        for step in range(1, STEPS + 1):
            until = fits * step // STEPS
            if until > last:
                self.add(tail, head, fits=until - last, price=base + millionths(rise * (step - 1) / (STEPS - 1)))
                last = until


def _check(wants: Sequence[Want], held: Mapping[int, Places]) -> None:
    twice = [number for number, n in Counter(want.id for want in wants).items() if n > 1]
    if twice:
        raise ValueError(f"need {twice[0]} is given twice")
    for want in wants:
        if len({one.instrument for one in want.options}) < len(want.options) or not all(0 <= one.value <= 1 for one in want.options):
            raise ValueError(f"need {want.id}: each instrument once, values 0..1")
    if any(one.free < 0 for one in held.values()):
        raise ValueError("places are not below zero")


def _draw(arcs: _Arcs, wants: Sequence[Want], held: Mapping[int, Places], *, fairness: Fairness) -> None:
    source, sink = arcs.at("source"), arcs.at("sink")
    open_price = SCALE * 4 * (len(wants) + 1)  # dearer than all that evenness and fit together could save
    for want in sorted(wants, key=lambda one: one.id):
        node = arcs.at("want", want.id)
        arcs.add(source, node, fits=1)
        arcs.add(node, arcs.at("open", want.county), fits=1)
        for one in sorted(want.options, key=lambda option: option.instrument):
            if one.instrument in held and held[one.instrument].free:
                arcs.offers[want.id, one.instrument] = len(arcs.rows)
                arcs.add(node, arcs.at("instrument", one.instrument), fits=1, price=-millionths(one.value))
    for county, n in sorted(Counter(want.county for want in wants).items()):
        arcs.rising(arcs.at("open", county), sink, fits=n, base=open_price, rise=fairness.counties)
    used = [held[instrument] for instrument in dict.fromkeys(instrument for _, instrument in arcs.offers)]
    for place in used:
        arcs.add(arcs.at("instrument", place.instrument), arcs.at("carrier", place.carrier), fits=place.free)
    for carrier in dict.fromkeys(place.carrier for place in used):
        free = sum(place.free for place in used if place.carrier == carrier)
        arcs.rising(arcs.at("carrier", carrier), sink, fits=free, base=0, rise=fairness.carriers)


def _solve(arcs: _Arcs, units: int) -> Network:
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    tails, heads, fits, prices = np.array(arcs.rows or np.empty((0, 4)), dtype=np.int64).T
    flow = SimpleMinCostFlow()
    if len(tails):
        flow.add_arcs_with_capacity_and_unit_cost(tails.astype(np.int32), heads.astype(np.int32), fits, prices)
    flow.set_nodes_supplies(np.array([arcs.node["source", None], arcs.node["sink", None]], dtype=np.int32), np.array([units, -units], dtype=np.int64))
    status = flow.solve()
    if status != flow.OPTIMAL:  # pragma: no cover - each need has its own way to its county's account
        raise ArithmeticError(f"the flow has no answer: {status}")
    flows = np.asarray(flow.flows(np.arange(len(tails))), dtype=np.int64) if len(tails) else np.empty(0, np.int64)
    return Network(tails, heads, fits, prices, flows, dict(arcs.node), arcs.node["sink", None])
