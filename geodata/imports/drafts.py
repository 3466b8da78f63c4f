"""A file on its way through the carrier's pages: kept as a draft with what was said of it, until it is imported or thrown away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, defer

from core import clock
from core.actor import Actor
from core.audit import born, record
from core.errors import N_, Forbidden, NotFound, Refused
from geodata.imports.bringing import Checked, Wishes, bring_in, check, digest_of, lock
from geodata.imports.checking import Resolve
from geodata.imports.entities import ImportBatch
from geodata.imports.table import Table, unpacked
from geodata.organisations import Organisation

KEPT_DAYS: Final = 7
"""How long a draft waits for somebody to go on with it."""

MOST_EDITS: Final = 5_000


def start(session: Session, actor: Actor, table: Table, file_name: str, *, request_id: str) -> ImportBatch:
    """Keep a file as a draft of the actor's carrier and return it; the same request id answers the same. Old drafts are thrown away."""
    carrier = _carrier(session, actor)
    lock(session, carrier.id)
    earlier = session.scalars(select(ImportBatch).filter_by(organisation_id=carrier.id, request_id=request_id)).one_or_none()
    if earlier is not None:
        return earlier
    old = clock.now(session) - timedelta(days=KEPT_DAYS)
    session.execute(delete(ImportBatch).where(ImportBatch.organisation_id == carrier.id, ImportBatch.state == "draft", ImportBatch.created_at < old))
    facts = dict(file_name=file_name[:200], file_kind=table.kind, rows=len(table.rows), settings={}, report={}, state="draft")
    batch = ImportBatch(organisation_id=carrier.id, digest=digest_of(table), is_sample=carrier.is_sample, created_by=actor.user_id, **facts)
    batch.content, batch.request_id = table.packed(), request_id
    born(session, actor, batch, "upload", detail={"rows": len(table.rows), "kind": table.kind})
    return batch


def batch_of(session: Session, actor: Actor, batch_id: int) -> ImportBatch:
    """Return an import of the actor's carrier; raise `NotFound` for any other."""
    batch = session.get(ImportBatch, batch_id)
    if batch is None or actor.role != "carrier" or batch.organisation_id != actor.organisation_id:
        raise NotFound
    return batch


def batches_of(session: Session, carrier_id: int | None, *, limit: int = 100) -> Sequence[ImportBatch]:
    """Return the imports of a carrier without their files, the newest first."""
    query = select(ImportBatch).options(defer(ImportBatch.content)).filter_by(organisation_id=carrier_id).order_by(ImportBatch.id.desc()).limit(limit)
    return session.scalars(query).all()


def say(batch: ImportBatch, mapping: Mapping[str, str], crs: str | None) -> None:
    """Keep what a person said of a draft's columns and of its coordinate system."""
    _open(batch)
    batch.settings = {**batch.settings, "mapping": dict(mapping), "crs": crs}


def mend(batch: ImportBatch, edits: Mapping[int, Mapping[str, str]]) -> None:
    """Keep cells that a person typed anew: row → column → text, over those typed before."""
    _open(batch)
    kept: dict[str, dict[str, str]] = {row: dict(cells) for row, cells in batch.settings.get("edits", {}).items()}
    for row, cells in edits.items():
        kept.setdefault(str(row), {}).update(cells)
    if len(kept) > MOST_EDITS:
        raise Refused("edits", N_("在这里改过的行太多了（%(most)s 行）。请下载标好的文件，在电子表格里改好再传。"), most=MOST_EDITS)
    batch.settings = {**batch.settings, "edits": kept}


def table_of(batch: ImportBatch) -> Table:
    """Return a draft's table with the cells that were typed anew."""
    _open(batch)
    edits = {int(row): cells for row, cells in batch.settings.get("edits", {}).items()}
    return unpacked(batch.content or b"").repaired(edits)


def wishes_of(batch: ImportBatch) -> Wishes:
    """Return what was said of a draft."""
    return Wishes(batch.file_name, batch.settings.get("mapping", {}), batch.settings.get("crs"))


def look(session: Session, batch: ImportBatch, *, resolve: Resolve) -> Checked:
    """Return what would come of importing a draft now; raises as `bringing.check` does."""
    carrier = session.get_one(Organisation, batch.organisation_id)
    return check(session, carrier.code, table_of(batch), wishes_of(batch), resolve=resolve)


def finish(session: Session, actor: Actor, batch: ImportBatch, *, resolve: Resolve) -> Checked | None:
    """Import a draft and return what came of it; None when it was imported before, so that a second press does nothing."""
    lock(session, batch.organisation_id)
    session.refresh(batch, with_for_update=True)
    if batch.state != "draft":
        return None
    checked = look(session, batch, resolve=resolve)
    bring_in(session, actor, checked, wishes_of(batch), batch=batch)
    return checked


def discard(session: Session, actor: Actor, batch: ImportBatch) -> None:
    """Throw a draft away."""
    _open(batch)
    record(session, actor, "import_batch", batch.id, "discard", before="draft", after="")
    session.delete(batch)
    session.flush()


def _carrier(session: Session, actor: Actor) -> Organisation:
    if actor.role != "carrier" or actor.organisation_id is None:
        raise Forbidden(N_("仪器由载体自己导入。"))
    return session.get_one(Organisation, actor.organisation_id)


def _open(batch: ImportBatch) -> None:
    if batch.state != "draft":
        raise Refused("state", N_("这个文件已经导入过了，不能再改。请看导入的结果。"))


def kept(batch: ImportBatch, report: Mapping[str, Any]) -> None:
    """Keep the report of an import with its batch."""
    batch.report = dict(report)
