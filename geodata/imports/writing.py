"""Store what an import does, and keep what it replaced: new rows by COPY, changes in one statement, every listing with its audit records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from core import clock
from core.actor import Actor
from geodata.imports.entities import ImportBatch
from geodata.imports.matching import COLUMNS, Change, New, Plan

_INSTRUMENT: Final = ("id", "code", "organisation_id", "is_sample", "source", *COLUMNS)
_LISTING: Final = ("id", "instrument_id", "service_code", "price", "unit", "report_days", "notice_hours", "state", "row_version", "created_by")
AUDIT: Final = ("at", "user_id", "organisation_id", "role", "subject", "subject_id", "event", "before", "after", "reason", "request_id", "detail")
_ROW: Final = ("batch_id", "row", "action", "instrument_id", "listing_id", "before", "after")


def write(session: Session, actor: Actor, batch: ImportBatch, planned: Plan) -> None:
    """Write the plan of a flushed batch: instruments, listings, audit records, and the rows that say how to take it all back."""
    ids = _take(session, "instrument", len(planned.new))
    listed = [one for one in planned.new if one.offer] + [one for one in planned.changes if one.listing_after and one.listing_id is None]
    listing_ids = dict(zip((one.row.number for one in listed), _take(session, "listing", len(listed)), strict=True))
    stored = dict(zip((one.row.number for one in planned.new), ids, strict=True))
    source = f"载体导入：{batch.file_name}"[:200]
    # Closed until their listings stand beside them, so that what follows open instruments (map, grid, search) is brought up to date once.
    made = ({**one.columns, "id": stored[one.row.number], "source": source, "is_open": False} for one in planned.new)
    copy(session, "instrument", _INSTRUMENT, made)
    change_rows(session, "instrument", {one.instrument_id: one.after for one in planned.changes if one.after})
    offers = [_listing(one, stored.get(one.row.number), listing_ids[one.row.number], actor) for one in listed]
    copy(session, "listing", _LISTING, offers)
    change_rows(session, "listing", {one.listing_id: one.listing_after for one in planned.changes if one.listing_id and one.listing_after})
    open_up(session, [stored[one.row.number] for one in planned.new if one.columns["is_open"]])
    copy(session, "audit", AUDIT, _records(session, actor, batch, offers, planned.changes))
    copy(session, "import_row", _ROW, _rows(batch, planned, stored, listing_ids))


def copy(session: Session, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows to a table by COPY, within the transaction of the session; mappings become JSON."""
    session.flush()
    driver = session.connection().connection.driver_connection
    named = ", ".join(f'"{name}"' for name in columns)
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({named}) FROM STDIN") as stream:  # type: ignore[union-attr]
        for row in rows:
            stream.write_row([_cell(row.get(name)) for name in columns])


def open_up(session: Session, ids: Sequence[int], *, opened: bool = True) -> None:
    """Open instruments, or close them."""
    if ids:
        session.execute(sql("UPDATE instrument SET is_open = :opened WHERE id = ANY(:ids)"), {"ids": list(ids), "opened": opened})


def change_rows(session: Session, table: str, values: Mapping[int, Mapping[str, Any]]) -> None:
    """Set columns of rows of "instrument" or "listing": id → column → value; what is not named stays."""
    if not values:
        return
    columns = COLUMNS if table == "instrument" else _LISTING[3:9]
    named, taken = ", ".join(columns), ", ".join(f"n.{name}" for name in columns)
    query = f"""UPDATE {table} t SET ({named}) = ({taken})
        FROM unnest(CAST(:ids AS bigint[]), CAST(:said AS text[])) AS s(id, said)
        JOIN {table} o ON o.id = s.id CROSS JOIN LATERAL jsonb_populate_record(o, CAST(s.said AS jsonb)) n WHERE t.id = s.id"""
    session.execute(sql(query), {"ids": list(values), "said": [json.dumps(said, ensure_ascii=False) for said in values.values()]})


def _take(session: Session, table: str, count: int) -> list[int]:
    query = f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) FROM generate_series(1, :count)"
    return list(session.scalars(sql(query), {"count": count})) if count else []


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _listing(one: New | Change, instrument_id: int | None, key: int, actor: Actor) -> dict[str, Any]:
    """Return a new listing: open where its instrument is, else a draft that opens with it."""
    if isinstance(one, New):
        opened = bool(one.columns["is_open"])
        terms = {**(one.offer or {}), "state": "open" if opened else "draft"}
    else:
        instrument_id, terms = one.instrument_id, {**one.listing_after, "service_code": one.service}
    version = 1 if terms["state"] == "open" else 0
    return {**terms, "id": key, "instrument_id": instrument_id, "row_version": version, "created_by": actor.user_id}


def _records(
    session: Session, actor: Actor, batch: ImportBatch, offers: Sequence[Mapping[str, Any]], changes: Sequence[Change]
) -> Iterable[dict[str, Any]]:
    """Yield the audit records of the listings: born as drafts, published, or given other terms."""
    who = {"at": clock.now(session), "user_id": actor.user_id, "organisation_id": batch.organisation_id, "role": actor.role, "reason": ""}
    common = {**who, "subject": "listing", "request_id": f"import:{batch.id}"}
    for offer in offers:
        terms = {name: offer[name] for name in ("price", "unit", "report_days", "notice_hours")}
        detail = {"instrument": offer["instrument_id"], "service": offer["service_code"], **terms}
        yield {**common, "subject_id": offer["id"], "event": "create", "before": "", "after": "draft", "detail": detail}
        if offer["state"] == "open":
            yield {**common, "subject_id": offer["id"], "event": "publish", "before": "draft", "after": "open", "detail": {}}
    for change in changes:
        if change.listing_id and change.listing_after:
            event = "publish" if "state" in change.listing_after else "change"
            states = {"before": change.listing_before.get("state", ""), "after": change.listing_after.get("state", "")}
            yield {**common, "subject_id": change.listing_id, "event": event, **states, "detail": dict(change.listing_after)}


def _rows(batch: ImportBatch, planned: Plan, stored: Mapping[int, int], listing_ids: Mapping[int, int]) -> Iterable[dict[str, Any]]:
    for one in planned.new:
        number = one.row.number
        keys = {"batch_id": batch.id, "row": number, "instrument_id": stored[number], "listing_id": listing_ids.get(number)}
        yield {**keys, "action": "created", "before": {}, "after": {}}
    for change in planned.changes:
        number = change.row.number
        made = listing_ids.get(number)
        keys = {
            "batch_id": batch.id,
            "row": number,
            "instrument_id": change.instrument_id,
            "listing_id": made or (change.listing_id if change.listing_after else None),
        }
        old = {"instrument": dict(change.before), "listing": dict(change.listing_before), "listed": made is None}
        yield {**keys, "action": "changed", "before": old, "after": {"instrument": dict(change.after), "listing": dict(change.listing_after)}}
