"""The text of a draft: read it as a policy or say every clause that cannot stand, and the text that a region's first policy begins with.

Pure. When a draft may be saved and published is `vouchers.drafts`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any, Final

from core.errors import N_, Invalid
from geodata.regions import Region
from vouchers import diff, drafting
from vouchers.contradictions import Fault
from vouchers.terms import Policy

FIXED: Final = ("id", "level", "region", "funder")
"""What a policy is known by: a new version keeps it."""

MAX_BODY: Final = 60_000
"""Characters of JSON that a draft may have."""


class Unreadable(Invalid):
    """The text of a draft is no policy; `faults` says which clauses, why and what would work."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        first = faults[0]
        super().__init__(first.path, first.text, **first.params)


def read(body: Mapping[str, Any]) -> tuple[Policy | None, tuple[Fault, ...]]:
    """Return the policy that `body` says and no faults, or None and every clause that cannot stand."""
    found = drafting.faults(dict(body))
    return (None, found) if found else (Policy.model_validate(dict(body)), ())


def digest(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a text, so that the record of a step names exactly what was looked at."""
    return sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def checked(before: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return `body` as the policy model writes it; raise `Unreadable` with all that is wrong."""
    moved = [name for name in FIXED if body.get(name) != before.get(name)]
    if moved:
        raise Unreadable(tuple(Fault(name, N_("这一项是政策的身份，新版本不能改。请改回原来的。")) for name in moved))
    if len(json.dumps(body, default=str)) > MAX_BODY:
        raise Unreadable((Fault("title", N_("整份政策太长。请缩短文字或减少行数。")),))
    terms, faults = read(body)
    if terms is None:
        raise Unreadable(faults)
    return diff.plain(terms)


def first(place: Region, code: str, *, title: str, day: date) -> dict[str, Any]:
    """Return a first policy that is whole and careful, every value an example: half of the price, to the carrier, from the budget of this region."""
    return {
        "id": code,
        "title": title,
        "level": place.level,
        "region": place.adcode,
        "funder": place.adcode,
        "valid_from": date(day.year + 1, 1, 1).isoformat(),
        "issuance": "quota_first",
        "settlement_mode": "offset",
        "payee": "carrier",
        "prefix": f"Q{place.adcode}",
        "eligibility": {"applicant_types": ["enterprise", "team"], "region_scope": "registered_here"},
        "services": {"allow": ["*"], "deny": [], "deny_if": ["related_party", "statutory_test"]},
        "caps": {"per_application": 2_000_000, "holding": 5_000_000, "per_year": 10_000_000, "group_per_year": 10_000_000},
        "tiers": [{"upto": None, "ratio": "0.5"}],
        "use_window": {"months": 12, "on_expiry": "return_to_pool", "redeem_months": 6},
        "redeem": {"rounds_per_year": 4, "evidence": ["contract", "service_result", "invoice", "payment_proof"]},
        "recognition": {"carriers_from": "province"},
        "src": {"*": "assumed"},
    }
