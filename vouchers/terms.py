"""What a policy says, as validated and immutable data: every field of an authority's rule, with the source of each value.

Amounts are fen, ratios decimals from 0 to 1, regions six-digit adcodes. A value whose source is `assumed` is an invented example and carries the
badge 示例参数 wherever a person sees it. What must agree within one policy stands in `vouchers.contradictions`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from vouchers.contradictions import contradictions

Amount = Annotated[int, Field(gt=0, le=10**13, strict=True)]
Ratio = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]
Adcode = Annotated[str, Field(pattern="^[0-9]{6}$")]
Words = Annotated[str, Field(min_length=1, max_length=300)]
Exclusion = Literal["related_party", "statutory_test", "batch_production_test", "funded_by_city_project_this_or_last_year"]
"""An attribute of an order for which no voucher is given; a misspelt one would exclude nothing, so only these are taken."""
EvidenceKind = Literal["application_form", "contract", "service_result", "invoice", "payment_proof"]
Issuance = Literal["quota_first", "contract_first", "none"]
SettlementMode = Literal["offset", "post_subsidy", "annual_reward", "home_policy"]
Payee = Literal["enterprise", "carrier", "carrier_or_lower_finance", "home_policy"]
Level = Literal["province", "city", "county", "zone", "compact"]
Source = Literal["city", "province", "delta", "any_province", "any"]
Grade = Literal["excellent", "good", "qualified", "poor"]
Frame = Literal["subsidy_amount", "service_count", "frequent_carrier"]

STORED: Final = {"stored": True}
"""Validation context of a version that was published: it is read as it was agreed then, whatever is checked today."""

DISTRICT: Final = "$district"
"""As the funder of a share: the county in which the holder is registered."""

DELTA: Final = ("31", "32", "33", "34")
"""First digits of the adcodes of Shanghai, Jiangsu, Zhejiang and Anhui."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Eligibility(_Part):
    """Who may apply: kinds of applicants registered in the policy's region; for rewards the carriers' level; for a compact its members' digits."""

    applicant_types: tuple[Literal["enterprise", "team", "carrier"], ...] = ()
    region_scope: Literal["registered_here"] | None = None
    carrier_level: Literal["province", "city", "county"] | None = None
    members: tuple[Annotated[str, Field(pattern="^[0-9]{2}$")], ...] = ()


class Services(_Part):
    """Which service codes may be bought (a group stands for all in it, "*" for all there are), and which attributes of an order exclude it."""

    allow: tuple[str, ...]
    deny: tuple[str, ...] = ()
    deny_if: tuple[Exclusion, ...] = ()


class Caps(_Part):
    """Bounds in fen: of one grant, of the unspent sum one holder has, of what is used in a year by a holder and by a controller's group."""

    per_application: Amount | None = None
    holding: Amount | None = None
    per_year: Amount | None = None
    group_per_year: Amount | None = None


class Tier(_Part):
    """Up to `upto` fen of the price (None: without end) the voucher pays `ratio`."""

    upto: Amount | None = None
    ratio: Ratio


class Stack(_Part):
    """A layer that the finance of `region` adds for its own holders: `adds_ratio` of the price while the condition holds.

    `group_per_year_total` (fen) bounds all layers together for the enterprises of one actual controller in a calendar year.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)
    region: Adcode
    adds_ratio: Ratio
    condition: Annotated[Literal["carrier_in_same_city"] | None, Field(alias="if")] = None
    group_per_year_total: Amount | None = None


class CoFunder(_Part):
    """The part of each ruling that the finance of `funder` pays (an adcode, or `DISTRICT`)."""

    funder: Annotated[str, Field(pattern=r"^([0-9]{6}|\$district)$")]
    share: Ratio


class Fund(_Part):
    """A purse of its own within a policy: where its money comes from, for whom, and its own bound a year and holder (fen; None: no bound).

    A fund with `marked_only` serves the holders that the bureau has marked for it.
    """

    code: Annotated[str, Field(pattern="^[a-z][a-z_]{1,30}$")]
    title: str = ""
    source: Words
    beneficiaries: Words
    marked_only: bool = False
    cap_per_year: Amount | None = None


class UseWindow(_Part):
    """Months from issue within which a voucher may be used, and months after that within which it may be redeemed."""

    months: Annotated[int, Field(ge=0, le=60)]
    on_expiry: Literal["return_to_pool", "none"]
    redeem_months: Annotated[int, Field(ge=0, le=60)] = 6


class Redeem(_Part):
    """Rounds a year and the kinds of evidence that a claim must carry."""

    rounds_per_year: Annotated[int, Field(ge=0, le=366)]
    evidence: tuple[EvidenceKind, ...]


class SpotCheck(_Part):
    """The least part of the claims that is drawn at random, and the frames from which more are drawn."""

    min_random_share: Ratio
    risk_frames: tuple[Frame, ...] = ()
    joint_with: Literal["finance_bureau"] | None = None


class CarrierReward(_Part):
    """What a carrier gets after the year: at most `max_ratio` of `base`, times the coefficient of its grade."""

    max_ratio: Ratio
    base: Literal["redeemed_voucher_amount", "contract_amount"]
    grade_coefficient: dict[Grade, Ratio]


class Recognition(_Part):
    """From where carriers are taken, seen from the policy's region; `rule` is the text of a compact. No cash crosses regions."""

    carriers_from: Source | None = None
    rule: str = ""
    no_cross_region_cash: bool = True


class Policy(_Part):
    """A policy as its authority wrote it; `src` names the origin of each value by dotted path ("*": all)."""

    id: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{2,60}$")]
    title: Words
    level: Level
    region: Annotated[str, Field(pattern="^([0-9]{6}|delta)$")]
    funder: Annotated[str, Field(pattern=r"^([0-9]{6}|\$applicant_home_policy)$")]
    valid_from: date
    valid_to: date | None = None
    issuance: Issuance
    settlement_mode: SettlementMode
    payee: Payee
    prefix: Annotated[str, Field(pattern="^([A-Z]{1,4}[0-9]{0,6})?$")] = ""
    eligibility: Eligibility
    services: Services
    caps: Caps = Caps()
    tiers: tuple[Tier, ...] = ()
    ratio_by_region: dict[Adcode, Ratio] = {}
    stack: tuple[Stack, ...] = ()
    cofunding: tuple[CoFunder, ...] = ()
    funds: tuple[Fund, ...] = ()
    use_window: UseWindow = UseWindow(months=0, on_expiry="none", redeem_months=0)
    redeem: Redeem = Redeem(rounds_per_year=0, evidence=())
    review: tuple[Literal["county", "city"], ...] = ("county",)
    notice_days: Annotated[int, Field(ge=0, le=90)] = 0
    spot_check: SpotCheck | None = None
    carrier_reward: CarrierReward | None = None
    recognition: Recognition = Recognition()
    src: dict[str, str]

    @model_validator(mode="before")
    @classmethod
    def _named(cls, body: Any) -> Any:
        """Give the vouchers of a policy without a prefix of its own that of its region."""
        return {"prefix": f"KC{body.get('region', '')}"[:8], **body} if isinstance(body, dict) and body.get("issuance") != "none" else body

    @field_validator("valid_from", "valid_to", mode="before")
    @classmethod
    def _a_day(cls, value: object) -> object:
        """Take dates and their text only: a number would be read as seconds since 1970."""
        if isinstance(value, (int, float)):
            raise PydanticCustomError("date_type", "date")
        return value

    @model_validator(mode="after")
    def _agrees(self, info: ValidationInfo) -> Policy:
        found = () if info.context == STORED else contradictions(self)
        if found:
            raise PydanticCustomError("contradiction", "{said}", {"said": "; ".join(map(str, found)), "faults": found})
        return self

    @property
    def issues(self) -> bool:
        """Whether vouchers are given under it."""
        return self.issuance != "none"

    @property
    def pays_orders(self) -> bool:
        """Whether it pays part of single orders, by voucher or afterwards."""
        return self.settlement_mode in ("offset", "post_subsidy")

    def fund(self, code: str | None) -> Fund | None:
        """Return the fund `code`, the first one for None; None where there is no such fund."""
        return next((fund for fund in self.funds if code in (None, "", fund.code)), None)

    def source(self, path: str) -> str:
        """Return the source of the value at the dotted `path`: its own (the path may begin late), its nearest parent's, or "assumed"."""
        parts = path.split(".")
        own = [".".join(parts[n:]) for n in range(len(parts))]
        above = [".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]
        return next((self.src[name] for name in (*own, *above, "*") if name in self.src), "assumed")

    def is_assumed(self, path: str) -> bool:
        """Say whether the value at `path` is an invented example that must carry the badge 示例参数."""
        return self.source(path).startswith("assumed")
