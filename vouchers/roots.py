"""Published heads: signed with ed25519, kept in the database, and given out as lines of JSON that anybody can check without us.

The signed bytes are the line ``irm-audit <block> <algorithm> <head in hex>``. Whoever kept such a line can show later that a tail was cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_, Invalid
from vouchers.seal import Root


@dataclass(frozen=True)
class Published:
    """One published head; `sealed_at` in ISO 8601 (UTC), hashes, key and signature in hex."""

    block: int
    sealed_at: str
    records: int
    algorithm: str
    tree: str
    head: str
    signature: str
    public_key: str

    def line(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self))

    def is_signed(self) -> bool:
        """Say whether the signature is that of `public_key` over this head."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
            key.verify(bytes.fromhex(self.signature), message(self.block, self.algorithm, self.head))
        except (InvalidSignature, ValueError):
            return False
        return True


def message(block: int, algorithm: str, head: str) -> bytes:
    """Return the bytes that are signed."""
    return f"irm-audit {block} {algorithm} {head}".encode()


def unpublished(session: Session) -> list[int]:
    """Return the sealed blocks whose heads are not signed yet."""
    query = "SELECT b.id FROM audit_block b LEFT JOIN audit_root r ON r.block_id = b.id WHERE r.block_id IS NULL ORDER BY b.id"
    return list(session.scalars(text(query)))


def publish(session: Session, key: Ed25519PrivateKey) -> int:
    """Sign every head that is not signed yet and return how many there were."""
    query = """SELECT b.id, b.algorithm, encode(b.head, 'hex') AS head FROM audit_block b
    LEFT JOIN audit_root r ON r.block_id = b.id WHERE r.block_id IS NULL ORDER BY b.id"""
    rows = session.execute(text(query)).all()
    public = key.public_key().public_bytes_raw()
    session.add_all(Root(block_id=row.id, signature=key.sign(message(*row)), public_key=public) for row in rows)
    session.flush()
    return len(rows)


def published(session: Session, *, after: int = 0, newest: int | None = None) -> Iterator[Published]:
    """Give the published heads behind block `after`, the oldest first; with `newest` only the last so many, the newest first."""
    tail = "ORDER BY b.id" if newest is None else "ORDER BY b.id DESC LIMIT :newest"
    for row in session.execute(text(_PUBLISHED + tail), {"after": after, "newest": newest}).mappings():
        yield Published(**row)


_PUBLISHED = """
SELECT b.id AS block, to_char(b.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS sealed_at, b.records, b.algorithm,
       encode(b.tree, 'hex') AS tree, encode(b.head, 'hex') AS head, encode(r.signature, 'hex') AS signature,
       encode(r.public_key, 'hex') AS public_key
FROM audit_root r JOIN audit_block b ON b.id = r.block_id WHERE b.id > :after
"""


def read(lines: Iterable[str]) -> list[Published]:
    """Read lines of JSON as `Published`; raise `Invalid("roots")` with the number of the first line that is none."""
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(Published(**json.loads(line)))
            except (ValueError, TypeError):
                raise Invalid("roots", N_("第 %(line)s 行不是公布的根：每行要是一个 JSON 对象。"), line=number) from None
    return found
