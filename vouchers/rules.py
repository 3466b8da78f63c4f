"""What a policy grants for an order, and which clauses decided it. Pure: facts in, ruling out.

One function a rule. A refusing rule returns a `Clause` with outcome "refuse"; a bounding rule returns the largest amount that it allows. RULES at
the bottom is their order: a person reads the clauses in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core.errors import N_, Invalid
from core.money import share, yuan
from vouchers.policy import Policy

Outcome = Literal["pass", "limit", "refuse"]


@dataclass(frozen=True)
class Deal:
    """What is ruled on: price in fen, service code, attributes that exclude, and how much was used before (fen, this calendar year).

    Raises `Invalid` for an amount below zero and for an attribute that no rule knows: it would exclude nothing.
    """

    price: int
    service: str
    attributes: frozenset[str] = frozenset()
    balance: int | None = None
    used_year: int = 0
    group_used: int = 0

    def __post_init__(self) -> None:
        if min(self.price, self.used_year, self.group_used, self.balance or 0) < 0:
            raise Invalid("price", N_("金额不能小于零。"))
        if not self.attributes <= _EXCLUDED.keys():
            raise Invalid("attributes", N_("没有这样的情形：%(names)s。"), names=sorted(self.attributes - _EXCLUDED.keys()))


@dataclass(frozen=True)
class Clause:
    """One line of a ruling: `title` and `detail` are message ids with `params`; `source` is where the policy's value comes from."""

    code: str
    outcome: Outcome
    title: str
    detail: str
    params: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    bound: int | None = None

    @property
    def assumed(self) -> bool:
        """Whether the deciding value is an invented example (示例参数)."""
        return self.source.startswith("assumed")

    def as_json(self) -> dict[str, Any]:
        """Return the clause as plain data, for the API and for the order that cites it."""
        names = ("code", "outcome", "title", "detail", "source", "bound", "assumed")
        return {**{name: getattr(self, name) for name in names}, "params": dict(self.params)}


@dataclass(frozen=True)
class Ruling:
    """The voucher part in fen and every clause that was looked at, in the order of RULES."""

    amount: int
    clauses: tuple[Clause, ...]

    @property
    def refusal(self) -> Clause | None:
        """The first clause that refuses, if any."""
        return next((c for c in self.clauses if c.outcome == "refuse"), None)


Rule = Callable[[Policy, Deal], Clause | None]

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


def service_allowed(policy: Policy, deal: Deal) -> Clause:
    """Refuse a service code that the policy does not list."""
    services = policy.services
    denied = deal.service in services.deny
    fine = not denied and ("*" in services.allow or deal.service in services.allow)
    source = policy.source("services.deny" if denied else "services.allow")
    text = N_("这类服务在可用范围里。") if fine else N_("这类服务不在这张券的可用范围里。换一种服务，或用别的券。")
    return Clause("service", "pass" if fine else "refuse", N_("服务种类"), text, {"service": deal.service}, source)


def _excluded(name: str) -> Rule:
    def rule(policy: Policy, deal: Deal) -> Clause | None:
        if name not in policy.services.deny_if:
            return None
        title, passed, refused = _EXCLUDED[name]
        hit = name in deal.attributes
        return Clause(name, "refuse" if hit else "pass", title, refused if hit else passed, {}, policy.source("services.deny_if"))

    return rule


def tiers(policy: Policy, deal: Deal) -> Clause:
    """Bound the amount by the tiers: each part of the price at its own ratio, rounded down to the fen."""
    amount, start, parts = 0, 0, []
    for tier in policy.tiers:
        end = deal.price if tier.upto is None else min(tier.upto, deal.price)
        if end > start:
            amount += share(end - start, tier.ratio)
            parts.append(f"{yuan(end - start)} × {(tier.ratio * 100).normalize():f}%")
            start = end
    return Clause(
        "tiers",
        "limit",
        N_("按比例"),
        N_("%(sum)s，得 ¥%(amount)s。"),
        {"sum": " + ".join(parts), "amount": yuan(amount)},
        policy.source("tiers"),
        amount,
    )


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
    left = max(0, policy.caps.group_per_year - deal.group_used)
    params = {"cap": yuan(policy.caps.group_per_year), "used": yuan(deal.group_used)}
    text = N_("同一实际控制人一年最多 ¥%(cap)s，今年已用 ¥%(used)s。")
    return Clause("group_per_year", "limit", N_("集团年度上限"), text, params, policy.source("caps.group_per_year"), left)


def balance(policy: Policy, deal: Deal) -> Clause | None:  # noqa: ARG001 (every rule has the same shape)
    """Bound the amount by what is free on the voucher."""
    if deal.balance is None:
        return None
    return Clause("balance", "limit", N_("券里余额"), N_("这张券还能用 ¥%(left)s。"), {"left": yuan(deal.balance)}, "ledger", deal.balance)


RULES: tuple[Rule, ...] = (
    service_allowed,
    *(_excluded(name) for name in _EXCLUDED),
    tiers,
    per_year,
    group_per_year,
    balance,
)


def rule(policy: Policy, deal: Deal) -> Ruling:
    """Rule on `deal` under `policy`: 0 when any clause refuses, else the smallest bound; bounds that did not bite become "pass"."""
    found = [clause for one in RULES if (clause := one(policy, deal))]
    if any(c.outcome == "refuse" for c in found):
        return Ruling(0, tuple(c for c in found if c.outcome != "limit"))
    amount = min(c.bound for c in found if c.bound is not None)
    return Ruling(amount, tuple(_settled(c, amount) for c in found))


def _settled(clause: Clause, amount: int) -> Clause:
    """Mark a bound that is not the deciding one as passed; the tiers always show as the base of the sum."""
    bites = clause.outcome != "limit" or clause.bound == amount
    return clause if bites else Clause(clause.code, "pass", clause.title, clause.detail, clause.params, clause.source, clause.bound)
