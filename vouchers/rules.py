"""What a policy grants for an order, and which clauses decided it. Pure: facts in, ruling out.

One function a rule. A refusing rule returns a `Clause` with outcome "refuse"; a bounding rule returns the largest amount that it allows. RULES at
the bottom is their order: a person reads the clauses in it. Who pays which part of the amount is `vouchers.layers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from core.errors import N_
from core.money import share, yuan
from geodata.regions import is_within
from vouchers import catalogue, layers
from vouchers.deals import Clause, Deal, Layer, Ruling
from vouchers.policy import PolicyVersion
from vouchers.terms import DELTA, Policy

__all__ = ["RULES", "Clause", "Deal", "Layer", "Ruling", "replay", "rule", "service_allowed"]

Rule = Callable[[Policy, Deal], Clause | None]

BY_LAW: Final = frozenset({"statutory_test"})
"""What no region can pay for, whatever its policy says."""

_EXCLUDED = {  # attribute → title, what is said when it does not hold, and when it does
    "related_party": (N_("双方没有关联关系"), N_("双方不受同一实际控制人控制。"), N_("双方由同一实际控制人控制，关联企业之间不能用券。")),
    "statutory_test": (N_("不是法定强制检测"), N_("下单时说明：不是法律或强制性标准要求做的检测。"), N_("法律或强制性标准要求做的检测不能用券。")),
    "batch_production_test": (N_("不是批量生产检验"), N_("下单时说明：不是批量生产的出厂检验。"), N_("批量生产的出厂检验不能用券。")),
    "funded_by_city_project_this_or_last_year": (
        N_("没有别的市级项目资助"),
        N_("下单时说明：今年和去年没有别的市级项目资助这项内容。"),
        N_("今年或去年已由市级项目资助的内容不能再用券。"),
    ),
}


def pays_orders(policy: Policy, deal: Deal) -> Clause | None:  # noqa: ARG001 (every rule has the same shape)
    """Refuse where the policy pays for no single order: a reward after the year, or a compact that leaves the money to the holder's home."""
    texts = {
        "annual_reward": N_("“%(title)s”不给单个订单付钱，年后按业绩奖补载体。请用企业登记地的券。"),
        "home_policy": N_("“%(title)s”自己不付钱，按企业登记地的政策付。请选登记地的政策。"),
    }
    if policy.pays_orders:
        return None
    return Clause("settlement", "refuse", N_("支付方式"), texts[policy.settlement_mode], {"title": policy.title}, policy.source("settlement_mode"))


def registered_here(policy: Policy, deal: Deal) -> Clause | None:
    """Refuse a holder that is registered elsewhere."""
    home = policy.eligibility.members or (policy.region,)
    if deal.region is None or any(is_within(deal.region, one.ljust(6, "0")) for one in home):
        return None
    text = N_("“%(title)s”只给本地登记的企业。请选登记地的政策。")
    return Clause("eligibility", "refuse", N_("登记地"), text, {"title": policy.title}, policy.source("eligibility"))


def service_allowed(policy: Policy, deal: Deal) -> Clause:
    """Refuse a service code that the policy does not list, and one that there is not."""
    services, title, params = policy.services, N_("服务种类"), {"service": deal.service}
    if not catalogue.is_single(deal.service):
        text = N_("没有这种服务：%(service)s。请从服务目录里选一种。")
        if catalogue.is_known(deal.service):
            text = N_("%(service)s 是一组服务，不是一种。请选其中一种。")
        return Clause("service", "refuse", title, text, params, policy.source("services.allow"))
    denied = catalogue.covers(services.deny, deal.service)
    fine = not denied and catalogue.covers(services.allow, deal.service)
    source = policy.source("services.deny" if denied else "services.allow")
    text = N_("这类服务在可用范围里。") if fine else N_("这类服务不在这张券的可用范围里。换一种服务，或用别的券。")
    return Clause("service", "pass" if fine else "refuse", title, text, params, source)


def _excluded(name: str) -> Rule:
    def rule(policy: Policy, deal: Deal) -> Clause | None:
        listed = name in policy.services.deny_if
        if not listed and name not in BY_LAW:
            return None
        title, passed, refused = _EXCLUDED[name]
        hit = name in deal.attributes
        source = policy.source("services.deny_if") if listed else "law"
        return Clause(name, "refuse" if hit else "pass", title, refused if hit else passed, {}, source)

    return rule


def carrier_recognised(policy: Policy, deal: Deal) -> Clause | None:
    """Refuse a carrier from where the policy takes none; the home of the holder pays for carriers from anywhere, also of other provinces."""
    taken = policy.recognition.carriers_from
    if deal.carrier_region is None or taken is None:
        return None
    if taken != "city" and deal.carrier_region[:2] == policy.region[:2]:
        return None
    city = policy.region if policy.region.endswith("0000") else policy.region[:4] + "00"
    fine = {
        "city": is_within(deal.carrier_region, city),
        "province": deal.carrier_region[:2] == policy.region[:2],
        "delta": deal.carrier_region[:2] in DELTA,
        "any_province": True,
        "any": True,
    }[taken]
    refusals = {
        "city": N_("这张券只认本市的载体，这家载体在 %(carrier)s。请选本市的载体。"),
        "province": N_("这张券只认本省的载体，这家载体在 %(carrier)s。请选本省的载体。"),
        "delta": N_("这张券只认沪苏浙皖的载体，这家载体在 %(carrier)s。请选这四省市的载体。"),
    }
    text = N_("认这家载体，钱由企业登记地的财政付。") if fine else refusals[taken]
    params = {"carrier": deal.carrier_region}
    return Clause("recognition", "pass" if fine else "refuse", N_("载体所在地"), text, params, policy.source("recognition.carriers_from"))


def tiers(policy: Policy, deal: Deal) -> Clause:
    """Bound the amount by the tiers: each part of the price at its own ratio, rounded down to the fen; a region's own ratio replaces the one."""
    amount, start, parts = 0, 0, []
    region, regional = _regional(policy, deal)
    for tier in policy.tiers:
        end = deal.price if tier.upto is None else min(tier.upto, deal.price)
        ratio = tier.ratio if regional is None else regional
        if end > start:
            amount += share(end - start, ratio)
            parts.append(f"{yuan(end - start)} × {layers.percent(ratio)}")
            start = end
    return Clause(
        "tiers",
        "limit",
        N_("按比例"),
        N_("%(sum)s，得 ¥%(amount)s。"),
        {"sum": " + ".join(parts) or yuan(0), "amount": yuan(amount)} | ({"region": region} if region else {}),
        policy.source(f"ratio_by_region.{region}" if region else "tiers"),
        amount,
    )


def _regional(policy: Policy, deal: Deal) -> tuple[str, Decimal | None]:
    """Return the smallest region with a ratio of its own in which the holder is registered, and the ratio."""
    home = deal.region or policy.region
    found = sorted((one for one in policy.ratio_by_region if is_within(home, one)), key=lambda one: one.rstrip("0"))
    return (found[-1], policy.ratio_by_region[found[-1]]) if found else ("", None)


def fund(policy: Policy, deal: Deal) -> Clause | None:
    """Name the purse that pays and bound the amount by what the holder may still take from it this calendar year."""
    if not policy.funds:
        return None
    found, title = policy.fund(deal.fund), N_("资金来源")
    if found is None:
        known = " ".join(one.code for one in policy.funds)
        return Clause("fund", "refuse", title, N_("没有这项资金；现有：%(known)s。"), {"known": known}, policy.source("funds"))
    source = policy.source(f"funds.{found.code}.cap_per_year")
    if found.cap_per_year is None:
        text = N_("由“%(fund)s”付，这项资金不设年度上限。")
        return Clause("fund", "pass", title, text, {"fund": found.title or found.code, "for": found.beneficiaries}, source)
    used = deal.used_year if deal.fund_used is None else deal.fund_used
    params = {"fund": found.title or found.code, "cap": yuan(found.cap_per_year), "used": yuan(used)}
    text = N_("由“%(fund)s”付，一年最多 ¥%(cap)s，今年已用 ¥%(used)s。")
    return Clause("fund", "limit", title, text, params, source, max(0, found.cap_per_year - used))


def per_year(policy: Policy, deal: Deal) -> Clause | None:
    """Bound the amount by what the holder may still use this calendar year."""
    if policy.caps.per_year is None:
        return None
    left = max(0, policy.caps.per_year - deal.used_year)
    params = {"cap": yuan(policy.caps.per_year), "used": yuan(deal.used_year)}
    return Clause("per_year", "limit", N_("年度上限"), N_("一年最多 ¥%(cap)s，今年已用 ¥%(used)s。"), params, policy.source("caps.per_year"), left)


def group_per_year(policy: Policy, deal: Deal) -> Clause | None:
    """Bound the amount by what all enterprises of one actual controller may still use this calendar year."""
    if policy.caps.group_per_year is None:
        return None
    left = max(0, policy.caps.group_per_year - deal.used_by_group)
    params = {"cap": yuan(policy.caps.group_per_year), "used": yuan(deal.used_by_group)}
    text = N_("同一实际控制人一年最多 ¥%(cap)s，今年已用 ¥%(used)s。")
    return Clause("group_per_year", "limit", N_("集团年度上限"), text, params, policy.source("caps.group_per_year"), left)


def balance(policy: Policy, deal: Deal) -> Clause | None:  # noqa: ARG001 (every rule has the same shape)
    """Bound the amount by what is free on the voucher."""
    if deal.balance is None:
        return None
    return Clause("balance", "limit", N_("券里余额"), N_("这张券还能用 ¥%(left)s。"), {"left": yuan(deal.balance)}, "ledger", deal.balance)


RULES: tuple[Rule, ...] = (
    pays_orders,
    registered_here,
    service_allowed,
    *(_excluded(name) for name in _EXCLUDED),
    carrier_recognised,
    tiers,
    fund,
    per_year,
    group_per_year,
    balance,
)

ALL_LAYERS: Final = frozenset({"group_per_year", "balance", layers.TOTAL})
"""Bounds of all layers together; the others bound the policy's own layer."""


def rule(policy: Policy, deal: Deal) -> Ruling:
    """Rule on `deal` under `policy`: 0 when any clause refuses, else the smallest bound; bounds that did not bite become "pass".

    The layers of other regions come on top of the policy's own, under the bounds of all layers.
    """
    found = [clause for one in RULES if (clause := one(policy, deal))]
    if any(c.outcome == "refuse" for c in found):
        return Ruling(0, tuple(c for c in found if c.outcome != "limit"))
    base = min(c.bound for c in found if c.bound is not None and c.code not in ALL_LAYERS)
    more = layers.stacked(policy, deal, base)
    found += more.clauses
    amount = min([base + more.adds, *(c.bound for c in found if c.bound is not None and c.code in ALL_LAYERS)])
    paid = layers.split(policy, deal, amount=amount, base=base, more=more)
    settled = tuple(_settled(c, base=base, amount=amount) for c in found)
    return Ruling(amount, (*settled, *layers.named(policy, paid)), paid)


def replay(session: Session, *, policy_version_id: int, facts: Mapping[str, Any]) -> Ruling:
    """Rule again on an old deal (`Deal.as_json`) under the version of the policy that ruled then: the same ruling, whatever came after."""
    return rule(session.get_one(PolicyVersion, policy_version_id).terms, Deal.read(facts))


def _settled(clause: Clause, *, base: int, amount: int) -> Clause:
    """Mark a bound that is not a deciding one as passed: what its layers came to is below it, or a later bound cut deeper."""
    bound = clause.bound or 0
    reached = amount if clause.code in ALL_LAYERS else bound if clause.code == layers.STACK else base
    bites = clause.outcome != "limit" or (bound == reached and bound <= amount)
    return clause if bites else replace(clause, outcome="pass")
