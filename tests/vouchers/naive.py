"""The mutant: a ledger with the same face that checks first and inserts afterwards, as one writes it before one has lost money.

No row is locked, no constraint forbids an overdraft, and the request id is looked up before it is written. The storms must kill it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Refused
from vouchers.ledger import Move

TABLE = """
CREATE TABLE naive_posting (id bigint GENERATED ALWAYS AS IDENTITY, request_id text, source text, destination text, amount bigint, day date);
GRANT SELECT, INSERT ON naive_posting TO irm_app
"""

between_check_and_insert: Callable[[], object] = lambda: None  # noqa: E731
"""What happens while another request slips in; a storm puts a barrier here."""


def post(session: Session, moves: Sequence[Move], *, kind: str, audit_id: int, request_id: str) -> int:
    """Post `moves` unless the request id is known or a balance does not suffice. Wrong under every isolation level but SERIALIZABLE."""
    known = session.scalar(text("SELECT min(id) FROM naive_posting WHERE request_id = :id"), {"id": request_id})
    short = any(balance(session, m.source) < m.amount for m in moves if not m.source.startswith("treasury:"))
    between_check_and_insert()
    if known is not None:
        return int(known)
    if short:
        raise Refused("overdraft", "余额不够。")
    query = "INSERT INTO naive_posting (request_id, source, destination, amount, day) VALUES (:id, :s, :d, :a, :day) RETURNING id"
    rows = [dict(id=request_id, s=m.source, d=m.destination, a=m.amount, day=date(2026, 3, 10)) for m in moves]
    return min(session.execute(text(query), row).scalar_one() for row in rows)


def balance(session: Session, code: str) -> int:
    """Sum what came to `code` less what left it."""
    query = "SELECT coalesce(sum(CASE WHEN destination = :c THEN amount ELSE -amount END), 0) FROM naive_posting WHERE :c IN (source, destination)"
    return int(session.scalar(text(query), {"c": code}) or 0)
