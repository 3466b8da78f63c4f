"""Lay the rows of a file beside what the carrier has already: which are new, which say something else, which look like a second of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import unpack
from typing import Any, Final

from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from core.errors import N_, Invalid
from geodata.imports.checking import USUAL, Row
from geodata.imports.placing import Home

COLUMNS: Final = (
    "name", "model", "maker", "serial", "acquired", "value", "type_id", "status", "is_open", "hours", "specs",
    "geom", "precision", "source_crs", "adcode", "site_id",
)  # fmt: skip
"""What an import may write of an instrument."""

TERMS: Final = ("price", "unit", "report_days", "notice_hours", "state", "row_version")
"""What an import may write of a listing."""

_PLACE: Final = ("geom", "precision", "source_crs", "adcode", "site_id")


@dataclass(frozen=True)
class New:
    """A row that becomes an instrument, with its listing where it says a price."""

    row: Row
    columns: Mapping[str, Any]
    offer: Mapping[str, Any] | None


@dataclass(frozen=True)
class Change:
    """A row that changes an instrument: columns before and after, and the same of its listing (`listing_id` None: a new one)."""

    row: Row
    instrument_id: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    listing_id: int | None = None
    listing_before: Mapping[str, Any] = field(default_factory=dict)
    listing_after: Mapping[str, Any] = field(default_factory=dict)
    service: str = ""


@dataclass(frozen=True)
class Twin:
    """Rows and instruments of the carrier that look like one device: the same serial number, or the same model at the same place."""

    why: str
    value: str
    rows: tuple[int, ...]
    instruments: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What an import would do: nothing of it is written yet."""

    new: tuple[New, ...]
    changes: tuple[Change, ...]
    same: tuple[Row, ...]
    twins: tuple[Twin, ...]


def plan(session: Session, home: Home, rows: Sequence[Row]) -> Plan:
    """Return what the sound rows would do; a code that another carrier's instrument has becomes a fault of its row."""
    sound = [row for row in rows if not row.faults]
    known = _known(session, home)
    _refuse_taken(session, home, sound)
    sound = [row for row in sound if not row.faults]
    listings = _listings(session, [known[row.identity]["id"] for row in sound if row.identity in known])
    new: list[New] = []
    changes: list[Change] = []
    same: list[Row] = []
    for row in sound:
        old = known.get(row.identity)
        if old is None:
            new.append(_new(row, home))
            continue
        change = _change(row, old, listings.get((old["id"], row.offer.get("service_code", ""))))
        if change.after or change.listing_after:
            changes.append(change)
        else:
            same.append(row)
    return Plan(tuple(new), tuple(changes), tuple(same), twins(sound, known))


def twins(rows: Sequence[Row], known: Mapping[str, Mapping[str, Any]]) -> tuple[Twin, ...]:
    """Return what looks like one device said twice, within the file or beside what is there."""
    groups: dict[tuple[str, str], tuple[str, list[int], list[str]]] = {}
    for row in rows:
        place = row.facts.get("place") or row.facts.get("default_place") or {}
        for why, value, mark in _marks({**row.facts, **place}):
            groups.setdefault((why, mark), (value, [], []))[1].append(row.number)
    here = {row.identity for row in rows}
    for code, old in known.items():
        for why, _, mark in _marks(old) if code not in here else ():
            if (why, mark) in groups:
                groups[why, mark][2].append(code)
    found = [
        Twin(why, value, tuple(numbers), tuple(codes[:20])) for (why, _), (value, numbers, codes) in groups.items() if len(numbers) + len(codes) > 1
    ]
    return tuple(sorted(found, key=lambda twin: twin.rows))


def _marks(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    serial, model = facts.get("serial"), facts.get("model")
    found = [("serial", serial, serial.casefold())] if serial else []
    if model and facts.get("geom"):
        lon, lat = unpack("<dd", bytes.fromhex(facts["geom"][18:]))
        found.append(("model_place", model, f"{model.casefold()} {lon:.4f} {lat:.4f}"))
    return found


def _new(row: Row, home: Home) -> New:
    facts = row.facts
    place = facts.get("place") or facts["default_place"]
    status, kind = facts.get("status", "working"), facts.get("type_id")
    columns = {name: facts.get(name) for name in COLUMNS} | place
    columns |= {"status": status, "hours": facts.get("hours", {}), "specs": facts.get("specs", {})}
    # Nobody finds what has no type, so an unclassified one waits closed in the carrier's list until somebody says what it is.
    columns["is_open"] = facts.get("is_open", True) and status != "retired" and kind is not None
    offer = {**USUAL, **{name: said for name, said in row.offer.items() if said is not None}} if row.offer else None
    return New(row, columns | {"code": row.identity, "organisation_id": home.id, "is_sample": home.is_sample}, offer)


def _change(row: Row, old: Mapping[str, Any], listing: Mapping[str, Any] | None) -> Change:
    """Return what the row changes: only what it says, a blank cell leaves what is there; specs are added to."""
    said = {name: row.facts[name] for name in COLUMNS if row.facts.get(name) is not None}
    said |= row.facts.get("place") or {}
    if "site_id" in said and said["site_id"] is None and said.get("geom") == old["geom"]:
        said.pop("site_id")
    if "specs" in said:
        said["specs"] = {**old["specs"], **said["specs"]}
    if old["type_id"] is None and said.get("type_id") and row.facts.get("is_open") is not False and said.get("status", old["status"]) == "working":
        said["is_open"] = True
    if said.get("is_open") and (said.get("type_id") or old["type_id"]) is None:
        said["is_open"] = False
    after = {name: value for name, value in said.items() if value != old[name]}
    offered = _relist(row, listing, opened=after.get("is_open", old["is_open"]))
    before = {name: old[name] for name in after}
    if listing is None:
        return Change(row, old["id"], before, after, None, {}, offered, row.offer.get("service_code", ""))
    return Change(row, old["id"], before, after, listing["id"], {name: listing[name] for name in offered}, offered, listing["service_code"])


def _relist(row: Row, listing: Mapping[str, Any] | None, *, opened: bool) -> dict[str, Any]:
    if not row.offer:
        return {}
    terms = {name: row.offer[name] for name in TERMS if row.offer.get(name) is not None}
    if listing is None:
        return {**USUAL, **terms, "state": "open" if opened else "draft"}
    if listing["state"] == "draft" and opened:
        terms["state"] = "open"
    changed = {name: value for name, value in terms.items() if value != listing[name]}
    return changed | {"row_version": listing["row_version"] + 1} if changed else {}


def _known(session: Session, home: Home) -> dict[str, dict[str, Any]]:
    """Return the carrier's instruments: code → id and the columns that an import may write."""
    columns = ", ".join("geom::text AS geom" if name == "geom" else name for name in COLUMNS)
    query = f"SELECT code, id, {columns} FROM instrument WHERE organisation_id = :id"
    return {row["code"]: dict(row) for row in session.execute(sql(query), {"id": home.id}).mappings()}


def _refuse_taken(session: Session, home: Home, rows: Sequence[Row]) -> None:
    query = "SELECT code FROM instrument WHERE code = ANY(:codes) AND organisation_id <> :id"
    taken = set(session.scalars(sql(query), {"codes": [row.identity for row in rows], "id": home.id}))
    for row in rows:
        if row.identity in taken:
            row.refuse(Invalid("code", N_("编号“%(code)s”已经是别的单位的仪器。请换一个编号。"), code=row.facts.get("own_code", row.identity)))


def _listings(session: Session, ids: Sequence[int]) -> dict[tuple[int, str], dict[str, Any]]:
    query = f"SELECT id, instrument_id, service_code, {', '.join(TERMS)} FROM listing WHERE instrument_id = ANY(:ids)"
    rows = session.execute(sql(query), {"ids": list(ids)}).mappings() if ids else ()
    return {(row["instrument_id"], row["service_code"]): dict(row) for row in rows}
