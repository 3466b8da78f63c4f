"""Take a whole import back: what it made is removed, what it changed gets its old values again, or nothing happens and it is said why."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from core.audit import move
from core.errors import N_, Forbidden, NotFound, Refused
from geodata.imports.bringing import lock
from geodata.imports.entities import BATCH, ImportBatch
from geodata.imports.matching import COLUMNS
from geodata.imports.writing import AUDIT, change_rows, copy, open_up

_NAMED = 3


def undo(session: Session, actor: Actor, batch_id: int) -> ImportBatch:
    """Restore what was there before the import and return its batch.

    Raises `NotFound` for an import of somebody else, `Refused` when an instrument was booked, listed or changed since, or a later import
    builds on this one. Nothing is changed then.
    """
    if actor.role not in ("carrier", "system"):
        raise Forbidden(N_("导入由载体自己撤销。"))
    batch = session.get(ImportBatch, batch_id)
    if batch is None or (actor.role == "carrier" and batch.organisation_id != actor.organisation_id):
        raise NotFound
    lock(session, batch.organisation_id)
    session.refresh(batch, with_for_update=True)
    if batch.state == "imported":
        _refuse_later(session, batch)
        _refuse_listed(session, batch)
        _refuse_changed(session, batch)
        with session.begin_nested():
            _take_back(session, actor, batch)
    move(session, actor, batch, BATCH, "undo", detail={"created": batch.created, "changed": batch.changed})
    batch.undone_at = clock.now(session)
    session.flush()
    return batch


def _refuse_later(session: Session, batch: ImportBatch) -> None:
    query = """SELECT DISTINCT b.id, b.file_name FROM import_row mine JOIN import_row r ON r.instrument_id = mine.instrument_id
        JOIN import_batch b ON b.id = r.batch_id WHERE mine.batch_id = :id AND b.id > :id AND b.state = 'imported' ORDER BY 1 DESC LIMIT 1"""
    later = session.execute(sql(query), {"id": batch.id}).one_or_none()
    if later:
        text = N_("后来的导入“%(name)s”（第 %(id)s 号）改了同样的仪器。请先撤销那一次。")
        raise Refused("later_import", text, name=later.file_name, id=later.id)


def _refuse_listed(session: Session, batch: ImportBatch) -> None:
    """Refuse when a listing stands on a new instrument that the import did not make, or its own was changed since."""
    query = """SELECT DISTINCT i.name FROM import_row r JOIN instrument i ON i.id = r.instrument_id JOIN listing l ON l.instrument_id = i.id
        LEFT JOIN LATERAL (SELECT count(*) AS records FROM audit a WHERE a.subject = 'listing' AND a.subject_id = l.id
            AND a.request_id IS DISTINCT FROM 'import:' || r.batch_id
            AND NOT EXISTS (SELECT 1 FROM import_batch u WHERE u.state = 'undone' AND a.request_id = 'import:' || u.id)) a ON true
        WHERE r.batch_id = :id AND (r.action = 'created' AND l.id IS DISTINCT FROM r.listing_id OR l.id = r.listing_id
            AND NOT coalesce(CAST(r.before ->> 'listed' AS boolean), false) AND a.records > 0) LIMIT 4"""
    _refuse(session, batch, query, "listed", N_("%(names)s：导入以后又上架或改过服务，不能整批撤销。请先下架，或者逐台处理。"))


def _refuse_changed(session: Session, batch: ImportBatch) -> None:
    """Refuse when what the import wrote was written over since."""
    columns = ", ".join(f"'{name}', " + ("o.geom::text" if name == "geom" else f"o.{name}") for name in COLUMNS)
    query = f"""SELECT o.name FROM import_row r JOIN instrument o ON o.id = r.instrument_id LEFT JOIN listing l ON l.id = r.listing_id
        WHERE r.batch_id = :id AND r.action = 'changed' AND (NOT jsonb_build_object({columns}) @> (r.after -> 'instrument')
            OR l.id IS NOT NULL AND NOT to_jsonb(l) @> ((r.after -> 'listing') - 'row_version')
            OR l.id IS NULL AND r.listing_id IS NOT NULL) LIMIT 4"""
    _refuse(session, batch, query, "changed", N_("%(names)s：导入以后又改过，撤销会丢掉后来的修改。请逐台处理。"))


def _refuse(session: Session, batch: ImportBatch, query: str, clause: str, text: str) -> None:
    names = list(session.scalars(sql(query), {"id": batch.id}))
    if names:
        raise Refused(clause, text, names=_listed(names))


def _listed(names: Sequence[str]) -> str:
    return "、".join(f"“{name}”" for name in names[:_NAMED]) + ("…" if len(names) > _NAMED else "")


def _take_back(session: Session, actor: Actor, batch: ImportBatch) -> None:
    rows = session.execute(sql("SELECT * FROM import_row WHERE batch_id = :id ORDER BY row"), {"id": batch.id}).mappings().all()
    made = [row["listing_id"] for row in rows if row["listing_id"] and not row["before"].get("listed")]
    changed = [row for row in rows if row["action"] == "changed"]
    copy(session, "audit", AUDIT, (_record(session, actor, batch, row["listing_id"], made=frozenset(made)) for row in rows if row["listing_id"]))
    created = [row["instrument_id"] for row in rows if row["action"] == "created"]
    open_up(session, created, opened=False)
    try:
        _delete(session, "listing", made)
        _delete(session, "instrument", created)
    except IntegrityError as used:
        raise _used(session, used) from used
    change_rows(session, "instrument", {row["instrument_id"]: row["before"]["instrument"] for row in changed if row["before"]["instrument"]})
    change_rows(session, "listing", {row["listing_id"]: row["before"]["listing"] for row in changed if row["before"]["listing"]})


def _record(session: Session, actor: Actor, batch: ImportBatch, listing_id: int, *, made: Collection[int]) -> dict[str, Any]:
    """Return the audit record of a listing that is removed, or gets its old terms again."""
    who = {"at": clock.now(session), "user_id": actor.user_id, "organisation_id": batch.organisation_id, "role": actor.role}
    what = {
        "subject": "listing",
        "subject_id": listing_id,
        "event": "remove" if listing_id in made else "restore",
        "request_id": f"import:{batch.id}",
    }
    return {**who, **what, "before": "", "after": "", "reason": "", "detail": {"import": batch.id}}


def _delete(session: Session, table: str, ids: Sequence[int]) -> None:
    if ids:
        with session.begin_nested():
            session.execute(sql(f"DELETE FROM {table} WHERE id = ANY(:ids)"), {"ids": list(ids)})


def _used(session: Session, error: IntegrityError) -> Refused:
    """Say which instrument something else leans on by now: a booking, an order."""
    detail: Any = getattr(getattr(error.orig, "diag", None), "message_detail", "") or ""
    key = re.search(r"\(id\)=\((\d+)\)", detail)
    name = session.scalar(sql("SELECT name FROM instrument WHERE id = :id"), {"id": int(key[1])}) if key else None
    return Refused("booked", N_("“%(name)s”已经有人预约，不能整批撤销。请先处理那些预约。"), name=name or "?")
