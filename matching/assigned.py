"""Say why a plan gave somebody what it gave: what the first choice would have brought, and what it would have cost the others.

Read from what is left of the network after the flow: a shortest way through it is the cheapest chain of people who would have to move (the
residual graph; Ahuja, Magnanti & Orlin, *Network Flows*, 1993, chapter 9). Both figures are exact for the plan at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from matching.assign import SCALE, Network, Plan, Want

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Verdict = Literal["first", "moved", "open", "none"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Why a need stands where it stands.

    `verdict`: "first" choice; "moved" to another since the first choice is taken; "open" since all its places are taken; "none" can serve it.
    `gain`: what it would gain by its first choice, in value. `cost`: what all others together would lose by it, in value and evenness, never
    less than `gain`; None where somebody who is served would stay open.
    """

    want: int
    verdict: Verdict
    instrument: int | None
    first: int | None
    gain: float = 0.0
    cost: float | None = 0.0


def explain(plan: Plan, wants: Sequence[Want]) -> list[Verdicts]:
    """Return a verdict a need, in the order given."""
    values = {want.id: {one.instrument: one.value for one in want.options if ("instrument", one.instrument) in plan.network.node} for want in wants}
    first = {number: max(of, key=lambda one: (of[one], -one)) for number, of in values.items() if of}
    losers = [number for number, best in first.items() if _value(values[number], plan.chosen[number]) < values[number][best]]
    costs = _costs(plan, {number: first[number] for number in losers})
    return [_verdict(want.id, plan, values[want.id], first=first.get(want.id), costs=costs) for want in wants]


def _value(values: dict[int, float], instrument: int | None) -> float:
    return values[instrument] if instrument is not None else 0.0


def _verdict(number: int, plan: Plan, values: dict[int, float], *, first: int | None, costs: dict[int, float | None]) -> Verdicts:
    chosen = plan.chosen[number]
    if first is None:
        return Verdicts(number, "none", None, None)
    if number not in costs:
        return Verdicts(number, "first", chosen, chosen)
    gain = values[first] - _value(values, chosen)
    return Verdicts(number, "moved" if chosen is not None else "open", chosen, first, gain, costs[number])


def _costs(plan: Plan, wanted: dict[int, int]) -> dict[int, float | None]:
    """Return for each need what the cheapest chain of moves costs the others that frees a place at the instrument it would rather have."""
    if not wanted:
        return {}
    from scipy.sparse.csgraph import dijkstra

    net = plan.network
    graph, level = _left_over(net)
    starts = {instrument: net.node["instrument", instrument] for instrument in dict.fromkeys(wanted.values())}
    order = list(starts)
    ways = dijkstra(graph, indices=[starts[one] for one in order])
    rows = dict(zip(order, ways, strict=True))
    dear = SCALE * 4.0
    found: dict[int, float | None] = {}
    for number, instrument in wanted.items():
        chosen = plan.chosen[number]
        old = net.node["instrument", chosen] if chosen is not None else _account(net, number)
        cost = rows[instrument][old] - level[starts[instrument]] + level[old]
        found[number] = round(cost) / SCALE if cost < dear else None
    return found


def _account(net: Network, number: int) -> int:
    """Return the node of the account that an open need flows to."""
    arcs = np.flatnonzero((net.tails == net.node["want", number]) & (net.flows > 0))
    return int(net.heads[arcs[0]])


def _left_over(net: Network) -> tuple[csr_array, Floats]:
    """Return what could still flow, priced so that nothing is below zero, and the levels that made it so: price + level[tail] - level[head].

    Of arcs side by side only the cheapest counts. Levels are the cheapest ways from a node that reaches every other (Johnson 1977).
    """
    from scipy.sparse import csr_array

    on, back = net.flows < net.fits, net.flows > 0
    tails = np.concatenate([net.tails[on], net.heads[back]])
    heads = np.concatenate([net.heads[on], net.tails[back]])
    prices = np.concatenate([net.prices[on], -net.prices[back]]).astype(float)
    keep = np.lexsort((prices, heads, tails))
    tails, heads, prices = tails[keep], heads[keep], prices[keep]
    new = np.append(True, (np.diff(tails) != 0) | (np.diff(heads) != 0))
    tails, heads, prices = tails[new], heads[new], prices[new]
    level = np.zeros(len(net.node))
    for _ in range(len(net.node)):
        lower = level.copy()
        np.minimum.at(lower, heads, level[tails] + prices)
        if np.array_equal(lower, level):
            break
        level = lower
    size = len(net.node)
    return csr_array((prices + level[tails] - level[heads], (tails, heads)), shape=(size, size)), level
