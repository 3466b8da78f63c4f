"""Who pays which part of a ruling: the policy's own funder, co-funders by their shares, and the layers that other regions add. Pure.

A co-funder's part is rounded down to the fen and the policy's own funder takes the rest, so that the parts always make the whole. Where a bound
of all layers cuts, what was added on top goes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from core.errors import N_
from core.money import share, yuan
from geodata.regions import is_within
from vouchers.deals import Clause, Deal, Layer
from vouchers.terms import DISTRICT, Policy, Stack

STACK: Final = "stack"
TOTAL: Final = "group_per_year_total"
COFUNDING: Final = "cofunding"


@dataclass(frozen=True)
class Stacked:
    """What other regions add: the sum in fen, each region's part, and the clauses that say why or why not."""

    adds: int = 0
    parts: tuple[tuple[str, int], ...] = ()
    clauses: tuple[Clause, ...] = ()


def percent(ratio: Decimal) -> str:
    """Write a ratio as per cent, e.g. 0.5 → "50%"."""
    return f"{(ratio * 100).normalize():f}%"


def stacked(policy: Policy, deal: Deal, base: int) -> Stacked:
    """Say what the regions in which the holder is registered add to a `base` of the policy's own layer, fen."""
    parts: list[tuple[str, int]] = []
    clauses: list[Clause] = []
    for one in policy.stack:
        if not is_within(deal.region or policy.region, one.region):
            continue
        if one.condition and not _in_same_city(deal, one):
            text = N_("%(region)s 的叠加要载体在同一个市，这一单没有这一层。")
            clauses.append(Clause(STACK, "pass", N_("本地叠加"), text, {"region": one.region}, _source(policy, one)))
            continue
        parts.append((one.region, share(deal.price, one.adds_ratio)))
        whole = base + sum(amount for _, amount in parts)
        clauses += _added(policy, deal, one, base=base, whole=whole)
    return Stacked(sum(amount for _, amount in parts), tuple(parts), tuple(clauses))


def split(policy: Policy, deal: Deal, *, amount: int, base: int, more: Stacked) -> tuple[Layer, ...]:
    """Return the layers of an amount, the policy's own funder first; they sum to it, and layers of nothing are left out but the first."""
    own = min(base, amount)
    left, found = amount - own, []
    for region, part in more.parts:
        found.append((region, min(part, left), STACK))
        left -= found[-1][1]
    others = [(_funder(one.funder, deal), share(own, one.share), COFUNDING) for one in policy.cofunding if one.funder != policy.funder]
    found = [*others, *found]
    first = (policy.funder, amount - sum(part for _, part, _ in found), COFUNDING if others else "tiers")
    return tuple(Layer(funder, policy.id, part, clause) for funder, part, clause in (first, *(one for one in found if one[1]))) if amount else ()


def named(policy: Policy, paid: tuple[Layer, ...]) -> tuple[Clause, ...]:
    """Say who pays how much where more than one share the policy's own layer."""
    shared = [layer for layer in paid if layer.clause == COFUNDING]
    if not shared:
        return ()
    said = "，".join(f"{layer.funder} ¥{yuan(layer.amount)}" for layer in shared)
    text = N_("共同出资：%(parts)s。各方向下取到分，余下的分由 %(first)s 付。")
    return (Clause(COFUNDING, "pass", N_("谁出钱"), text, {"parts": said, "first": policy.funder}, policy.source(COFUNDING)),)


def _added(policy: Policy, deal: Deal, one: Stack, *, base: int, whole: int) -> list[Clause]:
    """Return the clause of a layer on top, and that of the bound of all layers where there is one."""
    part, source = share(deal.price, one.adds_ratio), _source(policy, one)
    params = {"region": one.region, "ratio": percent(one.adds_ratio), "part": yuan(part), "funder": policy.funder, "base": yuan(base)}
    text = N_("%(region)s 再付价格的 %(ratio)s，即 ¥%(part)s；%(funder)s 付基础一层 ¥%(base)s。")
    found = [Clause(STACK, "limit", N_("本地叠加"), text, params, source, whole)]
    if one.group_per_year_total is not None:
        left = max(0, one.group_per_year_total - deal.used_by_group)
        params = {"cap": yuan(one.group_per_year_total), "used": yuan(deal.used_by_group)}
        text = N_("各层合计，同一实际控制人一年最多 ¥%(cap)s，今年已用 ¥%(used)s。超出的先减叠加的一层。")
        found.append(Clause(TOTAL, "limit", N_("合计年度上限"), text, params, source, left))
    return found


def _source(policy: Policy, one: Stack) -> str:
    return policy.source(f"{STACK}.{one.region}")


def _in_same_city(deal: Deal, one: Stack) -> bool:
    return deal.carrier_region is not None and is_within(deal.carrier_region, one.region[:4] + "00")


def _funder(name: str, deal: Deal) -> str:
    """Name the funder of a share: for `DISTRICT` the county of the holder, where that is known."""
    known = deal.region is not None and not deal.region.endswith("00")
    return str(deal.region) if name == DISTRICT and known else name
