"""Money: integers of fen (1/100 CNY). Shares round down to the fen; text is read exactly or refused."""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Decimal

from core.errors import N_, Invalid

MAX_FEN = 10**13
"""Largest amount taken from outside, fen: a hundred billion yuan, far below the 64-bit limit."""

_YUAN = re.compile(r"[¥￥]?\s*(\d{1,12}(?:,\d{3})*(?:\.\d{1,2})?)\s*(万)?元?")


def share(amount: int, ratio: Decimal | str) -> int:
    """Return `ratio` of `amount` fen, rounded down to the fen (a half fen is never paid)."""
    return int((Decimal(amount) * Decimal(ratio)).to_integral_value(ROUND_FLOOR))


def yuan(fen: int, decimals: int = 2) -> str:
    """Write `fen` as yuan with thousands commas, e.g. 123456 → "1,234.56"; `decimals` 0 drops zero fen only."""
    sign, value = ("−" if fen < 0 else ""), abs(fen)
    whole, cents = divmod(value, 100)
    return f"{sign}{whole:,}" if decimals == 0 and not cents else f"{sign}{whole:,}.{cents:02d}"


def parse_yuan(text: str, field: str = "price") -> int:
    """Read "1,200", "¥94.94", "3.5万元" as fen; raise `Invalid` for anything else, for zero and for more than `MAX_FEN`."""
    found = _YUAN.fullmatch(text.strip())
    fen = Decimal(found[1].replace(",", "")) * (1_000_000 if found[2] else 100) if found else Decimal(0)
    if fen != fen.to_integral_value() or not 0 < fen <= MAX_FEN:
        raise Invalid(field, N_("“%(text)s”不是可用的金额。请写成元，例如 1200 或 1200.50。"), text=text[:40])
    return int(fen)
