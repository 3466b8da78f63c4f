"""Chart of accounts: every account code, and which kinds there are. Money flows down this page.

treasury:<funder>                 the appropriating treasury, the one account that may stand below zero
→ budget:<funder>:<policy>:<year>     adopted and not yet promised
→ reserved:<application>              promised to an application under review
→ available:<voucher>                 free on a voucher
→ held:<voucher>                      frozen for bookings
→ used:<voucher>                      service confirmed, not yet redeemed
→ paid:<payout>                       left the treasury, by bank reference
pool:<funder>:<policy>:<year>     what came back from vouchers: expired or voided
"""

from __future__ import annotations

SOURCE = "treasury"
KINDS = (SOURCE, "budget", "reserved", "available", "held", "used", "paid", "pool")


def treasury(funder: str) -> str:
    """Name the treasury of the region `funder` (six-digit adcode)."""
    return f"treasury:{funder}"


def budget(funder: str, policy: str, year: int) -> str:
    """Name the voucher budget of a funder under a policy in a calendar year."""
    return f"budget:{funder}:{policy}:{year}"


def pool(funder: str, policy: str, year: int) -> str:
    """Name the pool that takes back unused voucher money of that budget."""
    return f"pool:{funder}:{policy}:{year}"


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
