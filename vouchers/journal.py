"""The ledger as a plain-text journal of hledger: one transaction a transfer, with the balance after it asserted on every posting.

Written line by line, so that any size fits in memory. Amounts are in yuan with two decimals, exact to the fen. The journal is an export: money
is moved by `vouchers.ledger` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from vouchers.chart import KINDS

_PAGE: Final = 2_000
"""Postings fetched at a time."""


def hledger(session: Session) -> Iterator[str]:
    """Give the lines of a journal that ``hledger check`` accepts: commodity, accounts, then all transfers in the order of the ledger.

    The assertions are those of a ledger that was posted in this order; a gap or an edited line makes hledger complain.
    """
    yield "; 科技创新券账本 / ledger of innovation vouchers; CNY, exact to the fen"
    yield "commodity CNY 1000.00"
    yield ""
    for code in session.scalars(text("SELECT code FROM account ORDER BY id")):
        yield f"account {code}"
    last, day = None, None
    rows = session.execute(text(_POSTINGS), execution_options={"yield_per": _PAGE}).mappings()
    for row in rows:
        if row["transfer_id"] != last:
            last = row["transfer_id"]
            # hledger checks balances by date; a request that began before midnight may post after one of the next day, so its date follows.
            day = max(day or row["business_date"], row["business_date"])
            yield ""
            yield f"{day:%Y-%m-%d}={row['business_date']:%Y-%m-%d} * ({last}) {row['kind']}  ; request: {_plain(row['request_id'])}"
        yield from _posting(row)


def _posting(row: Any) -> Iterator[str]:
    """Give the two lines of one posting with the balances after it."""
    yield f"    {row['source']}  CNY {_yuan(-row['amount'])} = CNY {_yuan(row['source_balance'])}"
    yield f"    {row['destination']}  CNY {_yuan(row['amount'])} = CNY {_yuan(row['destination_balance'])}"


def _yuan(fen: int) -> str:
    """Write fen as yuan with two decimals, exactly, with an ASCII minus."""
    whole, cents = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{cents:02d}"


def _plain(request: str) -> str:
    """Keep what a comment of hledger can hold: one line, and no comma, which would begin another tag."""
    return " ".join(request.replace(",", " ").split())


_POSTINGS: Final = f"""
SELECT p.transfer_id, t.business_date, t.kind, t.request_id, s.code AS source, d.code AS destination, p.amount, p.source_balance,
       p.destination_balance
FROM posting p JOIN transfer t ON t.id = p.transfer_id JOIN account s ON s.id = p.source_id JOIN account d ON d.id = p.destination_id
WHERE s.kind IN {KINDS!r} ORDER BY p.id
"""
