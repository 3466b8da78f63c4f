"""The sample policies: for every funder of the sample that has no policy of its own among the seeds, an invented one.

All its values are examples (`assumed`, shown as 示例参数); it says of itself that it is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final, Literal

from vouchers.policy import Caps, Eligibility, Policy, Redeem, Services, Tier, UseWindow

_SINCE: Final = date(2015, 1, 1)
_YUAN: Final = 100


def sample_policies(funders: Mapping[str, str], known: frozenset[str]) -> Iterator[Policy]:
    """Yield a sample policy for each funder (adcode → name) that is not `known` to have one, in the order of the adcodes."""
    for region, name in sorted(funders.items()):
        if region not in known:
            yield _policy(region, name)


def _policy(region: str, name: str) -> Policy:
    return Policy(
        id=f"sample-{region}",
        title=f"示例·{name}科技创新券（示例政策，全部数值为示例参数）",
        level=_level(region),
        region=region,
        funder=region,
        valid_from=_SINCE,
        issuance="quota_first",
        settlement_mode="offset",
        payee="carrier",
        prefix=f"SL{region[:4]}",
        eligibility=Eligibility(applicant_types=("enterprise", "team"), region_scope="registered_here"),
        services=Services(allow=("*",), deny_if=("related_party", "statutory_test", "batch_production_test")),
        caps=Caps(per_application=50_000 * _YUAN, holding=100_000 * _YUAN, per_year=200_000 * _YUAN, group_per_year=200_000 * _YUAN),
        tiers=(Tier.model_validate({"ratio": "0.5"}),),
        use_window=UseWindow(months=12, on_expiry="return_to_pool", redeem_months=12),
        redeem=Redeem(rounds_per_year=4, evidence=("contract", "service_result", "invoice", "payment_proof")),
        src={"*": "assumed"},
    )


def _level(region: str) -> Literal["province", "city", "county"]:
    return "province" if region.endswith("0000") else "city" if region.endswith("00") else "county"
