"""Check the seal: every block, leaf and head anew from the rows as they stand, and against heads that were published.

Read in one snapshot (REPEATABLE READ). What a finding names is the table, the id of the row, and what is wrong with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from vouchers import merkle, seal
from vouchers.ledger import violations
from vouchers.roots import Published
from vouchers.roots import published as published_here
from vouchers.seal import Block, Digests, Reading, Shape
from vouchers.sealed import SEALED, Sealed, names

WINDOW = 20_000
"""Rows of a table that are compared at once."""

Wrong = Literal["edited", "missing", "added", "behind", "chain", "cut", "signature", "columns", "invariant"]


@dataclass(frozen=True)
class Finding:
    """What is wrong with which row; `table` "invariant_…" for a rule of the books."""

    wrong: Wrong
    table: str
    id: int
    text: str


@dataclass
class Report:
    """What was looked at and what was found; `pending` records wait to be sealed."""

    blocks: int = 0
    records: int = 0
    rows: int = 0
    pending: int = 0
    head: str = ""
    findings: list[Finding] = field(default_factory=list)

    def find(self, wrong: Wrong, table: str, row: int, said: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(wrong, table, row, said))


@dataclass(frozen=True)
class _Stored:
    """An item as a block keeps it, and by which shape and algorithm it was hashed."""

    digests: Digests
    block: int
    shape_id: int
    algorithm: str


def verify(session: Session, published: Iterable[Published] = (), *, public_key: str | None = None) -> Report:
    """Return the report on the whole seal, compared with `published` heads; with `public_key` (hex), only signatures of that key count."""
    session.flush()
    seal.settle(session)
    found = Report()
    blocks = session.query(Block).order_by(Block.id).populate_existing().all()
    shapes = {row.id: row for row in session.query(Shape).populate_existing()}
    _check_chain(session, blocks, shapes, found)
    _check_pending(session, blocks, found)
    now = seal.shape_now(session)
    for one in SEALED:
        _check_table(session, one, {key: row.body for key, row in shapes.items()}, now, found)
    _check_published(session, blocks, [*published, *published_here(session)], public_key, found)
    _check_books(session, found)
    return found


def _check_chain(session: Session, blocks: Sequence[Block], shapes: Mapping[int, Shape], found: Report) -> None:
    """Compute every leaf, tree and head from what is below it."""
    before = merkle.EMPTY
    for number, block in enumerate(blocks, 1):
        shape = shapes.get(block.shape_id)
        if block.id != number:
            found.find("missing", "audit_block", number, f"block {number} is missing: {block.id} follows")
            return
        leaves = _check_leaves(session, block, found)
        if len(leaves) != block.records or merkle.root(block.algorithm, leaves) != block.tree:
            found.find("chain", "audit_block", number, "its leaves do not give its tree")
        if block.before != before:
            found.find("chain", "audit_block", number, "it does not name the head before it")
        if shape is None or seal.shape_digest(shape.body) != shape.digest or seal.head(block, shape.body) != block.head:
            found.find("chain", "audit_block", number, "what it says of itself does not give its head")
        before, found.records, found.blocks = block.head, found.records + block.records, number
    found.head = before.hex() if blocks else ""


def _check_leaves(session: Session, block: Block, found: Report) -> list[bytes]:
    query = """SELECT l.audit_id, l.position, l.hash, i.table_name, i.row_id, i.version, i.fixed, i.moving, i.personal
    FROM audit_leaf l LEFT JOIN audit_item i ON i.audit_id = l.audit_id WHERE l.block_id = :block ORDER BY l.position"""
    lines: dict[int, list[bytes]] = defaultdict(list)
    hashes: dict[int, bytes] = {}
    for audit, _, told, table, *row in session.execute(text(query), {"block": block.id}):
        hashes[audit] = bytes(told)
        if table is not None:
            lines[audit].append(Digests(audit, *row).line(table))
    for audit, told in hashes.items():
        if merkle.digest(block.algorithm, merkle.LEAF, b"".join(sorted(lines[audit]))) != told:
            found.find("chain", "audit_leaf", audit, "the digests under it do not give the leaf")
    return list(hashes.values())


def _check_pending(session: Session, blocks: Sequence[Block], found: Report) -> None:
    """Count the records that wait, and find those that stand where all was sealed already: they were slipped in."""
    found.pending = session.execute(text(f"SELECT count(*) FROM audit a WHERE {_UNSEALED}")).scalar_one()
    if blocks and blocks[-1].era == seal.era(session):
        query = f"SELECT a.id FROM audit a WHERE a.txid < :reached AND {_UNSEALED} ORDER BY a.id"
        for row in session.scalars(text(query), {"reached": blocks[-1].next_txid}):
            found.find("behind", "audit", row, "the record stands behind the sealed ones and is in no block")


_UNSEALED = "NOT EXISTS (SELECT FROM audit_leaf l WHERE l.audit_id = a.id)"


def _check_table(session: Session, one: Sealed, shapes: Mapping[int, Mapping[str, Any]], now: Mapping[str, Any], found: Report) -> None:
    """Compare every row of a table with its items, window by window."""
    table = names(one.table)
    there = {name for kind in now[table].values() for name in kind}
    for key, shape in shapes.items():
        if gone := {name for kind in shape.get(table, {}).values() for name in kind} - there:
            found.find("columns", table, key, f"sealed columns are gone: {', '.join(sorted(gone))}")
            return
    if not there:
        return
    open_rows = set(session.scalars(text(f"SELECT t.id FROM {one.rows} WHERE {_UNSEALED}")))
    query = f"SELECT greatest((SELECT max(id) FROM {table}), (SELECT max(row_id) FROM audit_item WHERE table_name = '{table}'), 0)"
    for low in range(0, session.execute(text(query)).scalar_one(), WINDOW):
        _check_window(session, one, shapes, _Window(table, low, low + WINDOW, open_rows), found)


@dataclass(frozen=True)
class _Window:
    """Rows of a table with `low` < id ≤ `high`; `open` are the rows that unsealed records lead to."""

    table: str
    low: int
    high: int
    open: set[int]

    @property
    def bounds(self) -> dict[str, int]:
        return {"low": self.low, "high": self.high}


def _check_window(session: Session, one: Sealed, shapes: Mapping[int, Mapping[str, Any]], window: _Window, found: Report) -> None:
    stored = defaultdict(list)
    for item in _items(session, one.table, window):
        stored[item.digests.row_id].append(item)
    rows = set(session.scalars(text(f"SELECT id FROM {one.table} WHERE id > :low AND id <= :high"), window.bounds))
    found.rows += len(rows)
    for row in sorted(rows - stored.keys() - window.open) if not one.may_wait else ():
        found.find("added", one.table, row, "no audit record leads to this row")
    for row in sorted(stored.keys() - rows):
        found.find("missing", one.table, row, f"the row sealed in block {stored[row][0].block} is gone")
    readings = {(item.shape_id, item.algorithm) for items in stored.values() for item in items}
    for shape_id, algorithm in sorted(readings):
        where = f"{one.table} t WHERE t.id > :low AND t.id <= :high"
        for live in seal.digests(session, one, Reading(shapes[shape_id], algorithm), where, window.bounds):
            _check_row(live, stored[live.row_id], (shape_id, algorithm), window, found)


def _items(session: Session, table: str, window: _Window) -> Iterator[_Stored]:
    query = """SELECT i.audit_id, i.row_id, i.version, i.fixed, i.moving, i.personal, b.id, b.shape_id, b.algorithm
    FROM audit_item i JOIN audit_leaf l ON l.audit_id = i.audit_id JOIN audit_block b ON b.id = l.block_id
    WHERE i.table_name = :table AND i.row_id > :low AND i.row_id <= :high ORDER BY i.row_id, i.version"""
    for *digests, block, shape_id, algorithm in session.execute(text(query), {"table": table, **window.bounds}):
        yield _Stored(Digests(*digests), block, shape_id, algorithm)


def _check_row(live: Digests, items: Sequence[_Stored], how: tuple[int, str], window: _Window, found: Report) -> None:
    """Compare a row as it is, hashed as `how` says, with what was sealed so: what is fixed with every item, what moves with the newest."""
    table, mine = window.table, [item for item in items if (item.shape_id, item.algorithm) == how]
    if any(item.digests.fixed != live.fixed for item in mine):
        found.find("edited", table, live.row_id, "what never changes was changed")
    if live.personal and any(item.digests.personal not in (None, live.personal) for item in mine):
        found.find("edited", table, live.row_id, "a personal field was changed")
    for last in items[-1:]:
        if last in mine and last.digests.version == live.version and last.digests.moving != live.moving:
            found.find("edited", table, live.row_id, "its state is not the one that was sealed")
        elif live.version < last.digests.version or (live.version > last.digests.version and live.row_id not in window.open):
            found.find("edited", table, live.row_id, "its version is not the one that its records lead to")


def _check_books(session: Session, found: Report) -> None:
    """Add what the rules of the books say; rows that cannot be are more than some of them can read."""
    try:
        with session.begin_nested():
            broken = violations(session)
    except DBAPIError as wrong:
        broken = [{"invariant": "invariant", "error": str(wrong.orig)}]
    found.findings += [Finding("invariant", one.pop("invariant"), 0, str(one)) for one in broken]


def _check_published(session: Session, blocks: Sequence[Block], published: Sequence[Published], public_key: str | None, found: Report) -> None:
    heads = {block.id: block.head.hex() for block in blocks}
    for one in published:
        if not one.is_signed() or public_key not in (None, one.public_key):
            found.find("signature", "audit_root", one.block, "the published head is not signed by the key")
        elif one.block not in heads:
            found.find("cut", "audit_block", one.block, "a head was published for this block, and the block is not there")
        elif heads[one.block] != one.head:
            found.find("chain", "audit_block", one.block, "another head was published for this block")
    orphans = "SELECT r.block_id FROM audit_root r LEFT JOIN audit_block b ON b.id = r.block_id WHERE b.id IS NULL ORDER BY 1"
    for row in session.scalars(text(orphans)):
        found.find("cut", "audit_block", row, "a head was published for this block, and the block is not there")
