"""The sample policies: for every funder, every county and one zone that has no policy of its own among the seeds, an invented one.

All its values are examples (`assumed`, shown as 示例参数); it says of itself that it is one. The counties' differ from each other, so that every way
to issue and to pay is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from geodata.regions import Region
from vouchers.policy import Policy

_SINCE: Final = date(2015, 1, 1)
_YUAN: Final = 100


_ZONE: Final = Region(
    adcode="330371",
    level="zone",
    name_zh="温州经济技术开发区",
    name_en="Wenzhou Economic and Technological Development Zone",
    parent_adcode="330300",
    source="统计用区划代码；没有公布的边界",
)
"""A zone that has a code of its own and no published boundary."""


def sample_policies(funders: Mapping[str, str], known: frozenset[str]) -> Iterator[Policy]:
    """Yield a sample policy for each funder (adcode → name) that is not `known` to have one, in the order of the adcodes."""
    for region, name in sorted(funders.items()):
        if region not in known:
            yield Policy.model_validate(_body(region, name))


def county_policies(counties: Mapping[str, str], known: frozenset[str]) -> Iterator[Policy]:
    """Yield a sample policy of its own for each county (adcode → name) that is not `known` to have one, in the order of the adcodes.

    The city pays. Each third takes the contract first and pays afterwards; ratios and caps go round.
    """
    for n, (region, name) in enumerate(sorted(counties.items())):
        if region not in known:
            yield Policy.model_validate(_body(region, name) | _variant(n) | {"funder": f"{region[:4]}00", "prefix": f"SL{region}"})


def zone() -> Region:
    """Return a new row of the zone without a boundary that has a policy."""
    return Region(**{name: getattr(_ZONE, name) for name in ("adcode", "level", "name_zh", "name_en", "parent_adcode", "source")})


def zone_policy() -> Policy:
    """Return the sample policy of the zone, paid by its city."""
    own = {"level": "zone", "funder": _ZONE.parent_adcode, "prefix": f"SL{_ZONE.adcode}"}
    return Policy.model_validate(_body(_ZONE.adcode, _ZONE.name_zh) | own)


def _body(region: str, name: str) -> dict[str, Any]:
    return {
        "id": f"sample-{region}",
        "title": f"示例·{name}科技创新券（示例政策，全部数值为示例参数）",
        "level": "province" if region.endswith("0000") else "city" if region.endswith("00") else "county",
        "region": region,
        "funder": region,
        "valid_from": _SINCE,
        "issuance": "quota_first",
        "settlement_mode": "offset",
        "payee": "carrier",
        "prefix": f"SL{region[:4]}",
        "eligibility": {"applicant_types": ("enterprise", "team"), "region_scope": "registered_here"},
        "services": {"allow": ("*",), "deny_if": ("related_party", "statutory_test", "batch_production_test")},
        "caps": {name: yuan * _YUAN for name, yuan in _CAPS.items()},
        "tiers": ({"ratio": "0.5"},),
        "use_window": {"months": 12, "on_expiry": "return_to_pool", "redeem_months": 12},
        "redeem": {"rounds_per_year": 4, "evidence": ("contract", "service_result", "invoice", "payment_proof")},
        "spot_check": {"min_random_share": "0.05", "risk_frames": ("subsidy_amount",)},
        "recognition": {"carriers_from": "any"},
        "src": {"*": "assumed"},
    }


def _variant(n: int) -> dict[str, Any]:
    """Return what the `n`-th county does otherwise than the cities."""
    afterwards = {"issuance": "contract_first", "settlement_mode": "post_subsidy", "payee": "enterprise"}
    part = ("0.4", "0.5", "0.6", "0.3")[n % 4]
    return {
        **(afterwards if n % 3 == 1 else {}),
        "tiers": ({"upto": 500_000, "ratio": "0.8"}, {"ratio": part}) if n % 5 == 0 else ({"ratio": part},),
        "caps": {name: yuan * _YUAN * (1 + n % 3) // 2 for name, yuan in _CAPS.items()},
        "recognition": {"carriers_from": ("any", "delta", "province")[n % 3]},
    }


_CAPS: Final = {"per_application": 50_000, "holding": 100_000, "per_year": 200_000, "group_per_year": 200_000}
"""Bounds in yuan."""
