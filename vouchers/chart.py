"""Chart of accounts: every account code, and which kinds there are. Money flows down this page.

treasury:<funder>                          the appropriating treasury, the one account that may stand below zero
→ budget:<funder>:<policy>:<year>[:<stripe>]   adopted and not yet promised; stripe 0 has no fifth part
→ reserved:<application>                       promised to an application under review
→ available:<voucher>                          free on a voucher
→ held:<voucher>                               frozen for bookings
→ used:<voucher>                               service confirmed, not yet redeemed
→ paid:<payout>                                left the treasury, by bank reference
→ recovered:<claim>                            came back from a payee
pool:<funder>:<policy>:<year>              what came back from vouchers: expired, voided, recovered
share_held:<share>, share_used:<share>     the part that a co-funder freezes and owes beside the voucher, straight from its own budget

A fund of a policy that is kept apart is named <policy>.<fund> in budget and pool.
"""

from __future__ import annotations

SOURCE = "treasury"
KINDS = (SOURCE, "budget", "reserved", "available", "held", "used", "paid", "pool", "share_held", "share_used", "recovered")


def treasury(funder: str) -> str:
    """Name the treasury of the region `funder` (six-digit adcode)."""
    return f"treasury:{funder}"


def budget(funder: str, policy: str, year: int, fund: str = "", *, stripe: int = 0) -> str:
    """Name a stripe of the voucher budget of a funder under a policy, or under one fund of it, in a calendar year."""
    return f"budget:{funder}:{_purpose(policy, fund)}:{year}" + (f":{stripe}" if stripe else "")


def pool(funder: str, policy: str, year: int, fund: str = "") -> str:
    """Name the pool that takes back unused voucher money of that budget."""
    return f"pool:{funder}:{_purpose(policy, fund)}:{year}"


def reserved(application: int) -> str:
    """Name the money reserved for an application."""
    return f"reserved:{application}"


def available(voucher: int) -> str:
    """Name the free money of a voucher."""
    return f"available:{voucher}"


def held(voucher: int) -> str:
    """Name the frozen money of a voucher."""
    return f"held:{voucher}"


def used(voucher: int) -> str:
    """Name the used and not yet redeemed money of a voucher."""
    return f"used:{voucher}"


def paid(payout: int) -> str:
    """Name the money of one payout."""
    return f"paid:{payout}"


def recovered(claim: int) -> str:
    """Name the money that a payee gave back of a paid claim."""
    return f"recovered:{claim}"


def share_held(share: int) -> str:
    """Name the frozen money of a co-funder's share."""
    return f"share_held:{share}"


def share_used(share: int) -> str:
    """Name the used and not yet redeemed money of a co-funder's share."""
    return f"share_used:{share}"


def _purpose(policy: str, fund: str) -> str:
    return f"{policy}.{fund}" if fund else policy
