"""Seal the audit records in blocks outside the hot path: Merkle root over each block, each block's head over the head before it.

A leaf is one audit record with the digests of every row of the money path that it made or names (`vouchers.sealed`). Only records of
transactions that ended are taken: those below the oldest one of this database that still runs, in the order (transaction, id). Nothing here
waits for a payment, and no payment waits for it. Checking stands in `vouchers.verifying`, signatures and files in `vouchers.roots`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import APP_ROLE, Base, BigId, Created, Instant
from vouchers import merkle
from vouchers.people import keys, known_keys
from vouchers.sealed import SEALED, Sealed, names

LIMIT = 5_000
"""Audit records in one block, at most."""

LOCK = 20_170_602
"""Key of the advisory lock that one sealer holds until it commits."""


class Shape(Base):
    """Which columns of which table were fixed and which could move when a block was sealed: a later migration changes no old digest."""

    __tablename__ = "audit_shape"
    id: Mapped[BigId]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Block(Base):
    """`records` audit records under one Merkle `tree`; `head` binds it to the block before. The next begins at `next_txid` of `era`."""

    __tablename__ = "audit_block"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sealed_at: Mapped[Instant]
    algorithm: Mapped[str]
    shape_id: Mapped[int] = mapped_column(ForeignKey("audit_shape.id"))
    records: Mapped[int]
    tree: Mapped[bytes]
    before: Mapped[bytes]
    head: Mapped[bytes] = mapped_column(unique=True)
    era: Mapped[str]
    next_txid: Mapped[int] = mapped_column(BigInteger)


class Leaf(Base):
    """Where an audit record stands. The record is named by its number alone: a record that vanished is still known to be missing."""

    __tablename__ = "audit_leaf"
    __table_args__ = (UniqueConstraint("block_id", "position"),)
    audit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    block_id: Mapped[int] = mapped_column(ForeignKey("audit_block.id"))
    position: Mapped[int]
    hash: Mapped[bytes]


class Item(Base):
    """Digests of one row of the money path as a block saw it: of what is `fixed`, of what moves (at this `version`), of what is personal."""

    __tablename__ = "audit_item"
    table_name: Mapped[str] = mapped_column(primary_key=True)
    row_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    audit_id: Mapped[int] = mapped_column(ForeignKey("audit_leaf.audit_id"), index=True)
    fixed: Mapped[bytes]
    moving: Mapped[bytes | None]
    personal: Mapped[bytes | None]


class Root(Base):
    """A head that was published: signed (ed25519) with the key whose public half stands beside it."""

    __tablename__ = "audit_root"
    block_id: Mapped[int] = mapped_column(ForeignKey("audit_block.id"), primary_key=True, autoincrement=False)
    signature: Mapped[bytes]
    public_key: Mapped[bytes]
    at: Mapped[Created]


@dataclass(frozen=True)
class Digests:
    """One row as it is now: the audit record that leads to it, its version, and its digests."""

    audit_id: int
    row_id: int
    version: int
    fixed: bytes
    moving: bytes | None
    personal: bytes | None

    def line(self, table: str) -> bytes:
        """Return the row's line in its leaf."""
        return f"{table} {self.row_id} {self.version} {_hex(self.fixed)} {_hex(self.moving)} {_hex(self.personal)}\n".encode()


@dataclass(frozen=True)
class Pending:
    """What may be sealed now: audit ids in order, and where the block after it begins."""

    ids: list[int] = field(default_factory=list)
    era: str = ""
    next_txid: int = 0


def due(session: Session) -> list[int]:
    """Return the number of the next block when there is something to seal, else nothing."""
    last = _last(session)
    return [(last.id if last else 0) + 1] if pending(session, last, limit=1).ids else []


def seal(session: Session, *, algorithm: str = "sha256", limit: int = LIMIT) -> int:
    """Seal up to `limit` audit records in one block and return its number; 0 when there is nothing to seal. One sealer at a time."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    settle(session)
    last = _last(session)
    found = pending(session, last, limit=limit)
    if not found.ids:
        return 0
    shape = shape_now(session)
    items = _items(session, shape, found.ids, algorithm)
    leaves = [merkle.digest(algorithm, merkle.LEAF, b"".join(sorted(d.line(t) for t, d in items[one]))) for one in found.ids]
    made = Block(id=(last.id if last else 0) + 1, algorithm=algorithm, records=len(leaves), tree=merkle.root(algorithm, leaves))
    made.before, made.era, made.next_txid = last.head if last else merkle.EMPTY, found.era, found.next_txid
    made.sealed_at = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    made.shape_id = _shape_id(session, shape)
    made.head = head(made, shape)
    session.add(made)
    session.flush()
    _write(session, made.id, found.ids, leaves, items)
    return made.id


def head(block: Block, shape: Mapping[str, Any]) -> bytes:
    """Return what `block` says of itself and of the one before, hashed."""
    facts = [block.id, _moment(block.sealed_at), block.records, _hex(block.tree), _hex(block.before), _hex(shape_digest(shape))]
    return merkle.digest(block.algorithm, merkle.HEAD, json.dumps(facts).encode())


def shape_digest(shape: Mapping[str, Any]) -> bytes:
    """Return the hash of a shape."""
    return merkle.digest("sha256", merkle.ROW, json.dumps(shape, sort_keys=True).encode())


def pending(session: Session, last: Block | None, *, limit: int) -> Pending:
    """Return the audit records that are committed, in no leaf, and below every transaction that still runs here.

    In the era of the last block they all stand behind what it reached. In another era (a dump restored elsewhere counts its transactions anew)
    every record without a leaf is looked at, until none is left.
    """
    # Asked before `seen`: what stands there by then and has a higher number was counted by another cluster, not begun since.
    top = session.execute(text("SELECT coalesce(max(id), 0) FROM audit")).scalar_one()
    now, (below, seen) = era(session), ended_below(session)
    known = last is not None and last.era == now
    query, cursor = (_NEXT, last.next_txid) if known and last else (_ANEW, 0)
    rows = session.execute(text(query), {"cursor": cursor, "below": below, "seen": seen, "top": top, "limit": limit}).all()
    if len(rows) < limit:
        return Pending([row.id for row in rows], now, max(below, cursor))
    # A full block may end within a transaction, the next one looks at that again; anew, nothing is known of what is left.
    return Pending([row.id for row in rows], now if known else "", rows[-1].txid if known else 0)


def ended_below(session: Session) -> tuple[int, int]:
    """Return a transaction number below which all transactions of this database have ended, and one above all that had begun.

    The number is read before the list of those that run: whoever got a lower one by then and is not on the list has ended, and the next
    statement sees what he did. Transactions of other databases on the server do not hold the seal up.
    """
    seen: int = session.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")).scalar_one()
    session.execute(text("SELECT pg_stat_clear_snapshot()"))
    running = session.scalars(text(_RUNNING), {"seen": seen})
    return min([seen, *running]), seen


_RUNNING = """
SELECT :seen - mod(mod(:seen, 4294967296) - x.xid + 4294967296, 4294967296) FROM (
    SELECT backend_xid::text::bigint AS xid FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL
    UNION ALL SELECT transaction::text::bigint FROM pg_prepared_xacts WHERE database = current_database()) x
WHERE mod(mod(:seen, 4294967296) - x.xid + 4294967296, 4294967296) < 2147483648
"""
"""Numbers of the list have 32 bits: each is taken as the nearest one at or below `seen`; one that began after is above it and of no interest."""


def era(session: Session) -> str:
    """Name the cluster and the database: within it, transactions are counted in one row."""
    query = "SELECT system_identifier || ':' || (SELECT oid FROM pg_database WHERE datname = current_database()) FROM pg_control_system()"
    return str(session.execute(text(query)).scalar_one())


_NEXT = """
SELECT a.id, a.txid FROM audit a
WHERE a.txid >= :cursor AND a.txid < :below AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.audit_id = a.id)
ORDER BY a.txid, a.id LIMIT :limit
"""
_ANEW = """
SELECT a.id, a.txid FROM audit a
WHERE (a.txid < :below OR (a.txid >= :seen AND a.id <= :top)) AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.audit_id = a.id)
ORDER BY a.txid, a.id LIMIT :limit
"""


def shape_now(session: Session) -> dict[str, Any]:
    """Return for each sealed table its fixed and its moving columns: what the application's role may not and may update."""
    rows = session.execute(text(_COLUMNS), {"role": APP_ROLE, "tables": [one.table for one in SEALED]}).all()
    found: dict[str, Any] = {}
    for one in SEALED:
        covered = [row for row in rows if row.table == one.table and row.column not in (*one.loose, *one.personal)]
        kinds = {kind: [row.column for row in covered if row.moves == (kind == "moving")] for kind in ("fixed", "moving")}
        found[one.table] = {**kinds, "personal": list(one.personal)}
    return found


_COLUMNS = """
SELECT c.relname AS "table", a.attname AS "column", has_column_privilege(:role, c.oid, a.attnum, 'UPDATE') AS moves
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relname = ANY(:tables) AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Reading:
    """How rows are read: by which columns, hashed by what, and whether a person without a key gets one."""

    shape: Mapping[str, Any]
    algorithm: str
    makes_keys: bool = False


def digests(session: Session, one: Sealed, reading: Reading, rows: str, values: Mapping[str, Any]) -> Iterator[Digests]:
    """Give the digests of the rows of `one` in the FROM clause `rows`, where the table is `t` and the audit record, if any, is `a`."""
    columns = reading.shape[one.table]
    version = one.version or ("t.row_version" if "row_version" in columns["moving"] else "0")
    parts = ", ".join(_as_text(columns[kind]) for kind in ("fixed", "moving", "personal"))
    leads = "a.id" if rows.startswith("audit a") else "0"
    query = f"SELECT {leads}, t.id, {version}, {parts}, {one.person or 'NULL'} FROM {rows}"
    found = session.execute(text(query), values).all()
    whose = {row[6] for row in found if row[5] is not None} if one.personal else set()
    salts = (keys if reading.makes_keys else known_keys)(session, whose) if whose else {}
    hashed = partial(_row, reading.algorithm, one.table)
    for audit_id, row_id, number, fixed, moving, personal, person in found:
        salt = salts.get(person) if personal is not None else None
        secret = merkle.salted(reading.algorithm, salt, personal.encode()) if salt else None
        yield Digests(audit_id, row_id, number, hashed(row_id, fixed), hashed(row_id, moving) if moving else None, secret)


def settle(session: Session) -> None:
    """Let this transaction write instants and numbers as every other does: the text of a row is what is hashed."""
    session.execute(
        text("SELECT set_config(n, v, true) FROM (VALUES ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('extra_float_digits', '1')) s (n, v)")
    )


def _items(session: Session, shape: Mapping[str, Any], ids: Sequence[int], algorithm: str) -> dict[int, list[tuple[str, Digests]]]:
    """Return for each audit record the rows to be sealed with it: those in no earlier leaf, and those that moved since."""
    place = {one: n for n, one in enumerate(ids)}
    found: dict[int, list[tuple[str, Digests]]] = defaultdict(list)
    for one in SEALED:
        if not shape[one.table]["fixed"]:
            continue
        led = digests(session, one, Reading(shape, algorithm, makes_keys=True), f"{one.rows} WHERE a.id = ANY(:ids)", {"ids": list(ids)})
        rows = sorted(led, key=lambda row: place[row.audit_id])
        first: dict[tuple[int, int], Digests] = {}
        for row in rows:
            first.setdefault((row.row_id, row.version), row)
        for known in _known(session, one.table, first):
            del first[known]
        for row in first.values():
            found[row.audit_id].append((one.table, row))
    return found


def _known(session: Session, table: str, wanted: Mapping[tuple[int, int], Digests]) -> list[tuple[int, int]]:
    query = "SELECT row_id, version FROM audit_item WHERE table_name = :table AND row_id = ANY(:rows)"
    there = session.execute(text(query), {"table": table, "rows": sorted({row for row, _ in wanted})}).all()
    return [(row, version) for row, version in there if (row, version) in wanted]


def _write(session: Session, block: int, ids: Sequence[int], leaves: Sequence[bytes], items: Mapping[int, list[tuple[str, Digests]]]) -> None:
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy("COPY audit_leaf (audit_id, block_id, position, hash) FROM STDIN") as copy:
        for n, one in enumerate(ids):
            copy.write_row((one, block, n, leaves[n]))
    columns = "table_name, row_id, version, audit_id, fixed, moving, personal"
    with driver.cursor() as cursor, cursor.copy(f"COPY audit_item ({columns}) FROM STDIN") as copy:
        for one in ids:
            for table, row in items[one]:
                copy.write_row((table, row.row_id, row.version, one, row.fixed, row.moving, row.personal))


def _last(session: Session) -> Block | None:
    return session.query(Block).order_by(Block.id.desc()).limit(1).one_or_none()


def _shape_id(session: Session, shape: Mapping[str, Any]) -> int:
    found = session.query(Shape).filter_by(digest=shape_digest(shape)).one_or_none()
    if found is None:
        found = Shape(digest=shape_digest(shape), body=shape)
        session.add(found)
        session.flush()
    return found.id


def _as_text(columns: Sequence[str]) -> str:
    return f"jsonb_build_array({', '.join(f't.{names(one)}' for one in columns)})::text" if columns else "NULL"


def _row(algorithm: str, table: str, row_id: int, content: str) -> bytes:
    return merkle.digest(algorithm, merkle.ROW, f"{table} {row_id} {content}".encode())


def _hex(value: bytes | None) -> str:
    return value.hex() if value is not None else "-"


def _moment(at: datetime) -> str:
    return f"{at.timestamp():.6f}"
