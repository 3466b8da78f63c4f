"""Bring a file in: check every row, say what would come of it, and write it when asked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.audit import born, move
from geodata.imports import checking, columns, placing
from geodata.imports.checking import Knowledge, Resolve, Row
from geodata.imports.columns import Columns
from geodata.imports.entities import BATCH, ImportBatch
from geodata.imports.matching import Plan, plan
from geodata.imports.placing import Home, Question
from geodata.imports.table import Table
from geodata.imports.values import Said
from geodata.imports.writing import write
from geodata.instruments import InstrumentType
from geodata.listings import services

LOCK = 20_261_124
"""First key of the advisory lock that lets one import or undo of a carrier run at a time."""


@dataclass(frozen=True)
class Wishes:
    """What a person says of a file: its name, what columns mean (column → field), the coordinate system that was not declared."""

    file_name: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None


@dataclass(frozen=True)
class Checked:
    """A file read against the store, nothing written: rows with their faults, what would be done, what must be asked."""

    home: Home
    table: Table
    columns: Columns
    rows: Sequence[Row]
    plan: Plan
    question: Question | None
    declared: str | None

    @property
    def refused(self) -> list[Row]:
        """The rows that stay out."""
        return [row for row in self.rows if row.faults]

    @property
    def unclassified(self) -> list[Row]:
        """The sound rows whose type nobody could say."""
        return [row for row in self.rows if not row.faults and row.facts.get("type_id") is None]

    @property
    def notes(self) -> tuple[Said, ...]:
        """What was read into the file as a whole."""
        return self.table.notes


def check(session: Session, carrier_code: str, table: Table, wishes: Wishes, *, resolve: Resolve) -> Checked:
    """Return what would come of bringing `table` in for a carrier; raise `Invalid` for no such carrier, a wrong mapping, a wrong system."""
    home = placing.home_of(session, carrier_code)
    settled = columns.settle(table, wishes.mapping, columns.remembered_of(session, home.id))
    rows = checking.read_rows(table, settled.fields, _knowledge(session, resolve))
    declared = columns.declared_system(table, settled.fields)
    question = placing.place(session, rows, home, crs=wishes.crs, declared=declared)
    checking.identify(rows, home.code)
    return Checked(home, table, settled, rows, plan(session, home, rows), question, declared)


def lock(session: Session, carrier_id: int) -> None:
    """Wait until no other import or undo of the carrier is under way; held to the end of the transaction."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key, CAST(:id AS integer))"), {"key": LOCK, "id": carrier_id})


def bring_in(session: Session, actor: Actor, checked: Checked, wishes: Wishes, *, batch: ImportBatch | None = None) -> ImportBatch | None:
    """Write what was checked under `lock` and return the batch; None, and nothing written, when the file says nothing new.

    With the `batch` of a draft that one is filled. The mapping that was given is remembered for the carrier's next file.
    """
    columns.remember(session, checked.home.id, wishes.mapping)
    if batch is None and not (checked.plan.new or checked.plan.changes):
        return None
    counts = dict(created=len(checked.plan.new), changed=len(checked.plan.changes), unchanged=len(checked.plan.same), refused=len(checked.refused))
    if batch is None:
        batch = _batch(checked, wishes, actor)
        batch.state = "imported"
    for name, count in counts.items():
        setattr(batch, name, count)
    batch.imported_at, batch.content = clock.now(session), None
    if batch.id is None:
        born(session, actor, batch, "import", detail=counts)
    else:
        move(session, actor, batch, BATCH, "import", detail=counts)
    write(session, actor, batch, checked.plan)
    return batch


def _batch(checked: Checked, wishes: Wishes, actor: Actor) -> ImportBatch:
    settings = {"mapping": dict(checked.columns.fields), "crs": wishes.crs or checked.declared}
    facts = dict(file_name=wishes.file_name[:200], file_kind=checked.table.kind, rows=len(checked.rows), settings=settings, report={})
    return ImportBatch(
        organisation_id=checked.home.id, digest=digest_of(checked.table), is_sample=checked.home.is_sample, created_by=actor.user_id, **facts
    )


def digest_of(table: Table) -> str:
    """Return a short hash of a table's cells."""
    return sha256(repr((table.columns, table.rows)).encode()).hexdigest()[:32]


def _knowledge(session: Session, resolve: Resolve) -> Knowledge:
    types: dict[str, int] = {row.name_zh: row.id for row in session.execute(select(InstrumentType.name_zh, InstrumentType.id))}
    known: dict[str, Any] = {}
    for service in services(session):
        known |= {service.name_zh.lower(): service.code, service.name_en.lower(): service.code, service.code: service.code}
    return Knowledge(clock.today(session), types, known, resolve)
