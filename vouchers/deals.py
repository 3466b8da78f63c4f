"""What is ruled on and what comes out: a deal, the clauses that were looked at, the layers of who pays, the ruling. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from core.errors import N_, Invalid

Outcome = Literal["pass", "limit", "refuse"]

ATTRIBUTES: Final = frozenset({"related_party", "statutory_test", "batch_production_test", "funded_by_city_project_this_or_last_year"})
"""What may be said of an order that a policy can exclude."""


@dataclass(frozen=True)
class Deal:
    """What is ruled on: price in fen, service code, attributes that exclude, and how much was used before (fen, this calendar year).

    `region` is where the holder is registered (adcode; None: the policy's own region), `carrier_region` where the carrier stands (None: not looked
    at), `fund` the purse of the policy that pays (None: its first). `used_year` is the holder's use under this policy, `fund_used` that of the
    purse (None: all of it), `group_used` that of all under its actual controller. Raises `Invalid` for an amount below zero and for an attribute
    that no rule knows: it would exclude nothing.
    """

    price: int
    service: str
    attributes: frozenset[str] = frozenset()
    balance: int | None = None
    used_year: int = 0
    group_used: int = 0
    region: str | None = None
    carrier_region: str | None = None
    fund: str | None = None
    fund_used: int | None = None

    def __post_init__(self) -> None:
        if min(self.price, self.used_year, self.group_used, self.balance or 0, self.fund_used or 0) < 0:
            raise Invalid("price", N_("金额不能小于零。"))
        if not self.attributes <= ATTRIBUTES:
            raise Invalid("attributes", N_("没有这样的情形：%(names)s。"), names=sorted(self.attributes - ATTRIBUTES))

    @property
    def used_by_group(self) -> int:
        """What the group used: at least what its member did."""
        return max(self.group_used, self.used_year)

    def as_json(self) -> dict[str, Any]:
        """Return the deal as plain data, to be kept with the order and replayed."""
        return {**vars(self), "attributes": sorted(self.attributes)}

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Deal:
        """Return the deal that `as_json` wrote."""
        return cls(**{**facts, "attributes": frozenset(facts.get("attributes", ()))})


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
class Layer:
    """What one funder pays of a ruling, fen: under which of its policies and by which clause."""

    funder: str
    policy: str
    amount: int
    clause: str

    def as_json(self) -> dict[str, Any]:
        """Return the layer as plain data."""
        return dict(vars(self))


@dataclass(frozen=True)
class Ruling:
    """The voucher part in fen, every clause that was looked at in the order of RULES, and who pays it.

    The layers sum to the amount; the first is that of the voucher's own funder. Nothing paid: no layers.
    """

    amount: int
    clauses: tuple[Clause, ...]
    layers: tuple[Layer, ...] = ()

    @property
    def refusal(self) -> Clause | None:
        """The first clause that refuses, if any."""
        return next((c for c in self.clauses if c.outcome == "refuse"), None)
