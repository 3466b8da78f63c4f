"""Names in the language of this request for rows that carry Chinese ones: types of instruments, services, organisations.

Sample instruments and providers keep their own Chinese names; the type stands in English beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.i18n import language
from bookings.queries import OrderRow
from geodata.listings import ListingRow, services


def named(chinese: str | None, english: str | None) -> str:
    """Return the name for this reader: the English one where there is one and it is asked for."""
    return ((english or chinese) if language() == "en" else chinese) or ""


def instrument_name(name: str, type_en: str | None) -> str:
    """Return an instrument's name; in English with its type before it: "scanning electron microscope · 扫描电子显微镜（高配型）"."""
    return f"{type_en} · {name}" if language() == "en" and type_en else name


def orders(session: Session, rows: Sequence[OrderRow]) -> list[OrderRow]:
    """Return the orders with the names for this reader; one query for the types and one for the organisations, none in Chinese."""
    if language() != "en":
        return list(rows)
    types = types_of(session, (row.instrument_id for row in rows))
    parties = _organisations(session, {one for row in rows for one in (row.enterprise_id, row.carrier_id)})
    return [_order(row, types, parties) for row in rows]


def listings(session: Session, rows: Sequence[ListingRow]) -> list[ListingRow]:
    """Return the listings with the names for this reader."""
    if language() != "en":
        return list(rows)
    types = types_of(session, (row.instrument_id for row in rows))
    sold = {one.name_zh: one.name_en for one in services(session)}
    return [
        replace(row, instrument=instrument_name(row.instrument, types.get(row.instrument_id)), service=sold.get(row.service, row.service))
        for row in rows
    ]


def types_of(session: Session, instrument_ids: Iterable[int]) -> dict[int, str]:
    """Return the English name of the type of each instrument that has one: instrument id → name; nothing where Chinese is read."""
    if language() != "en":
        return {}
    query = "SELECT i.id, t.name_en FROM instrument i JOIN instrument_type t ON t.id = i.type_id WHERE i.id = ANY(:ids)"
    return {row.id: row.name_en for row in session.execute(text(query), {"ids": list(set(instrument_ids))})}


def _organisations(session: Session, ids: Iterable[int]) -> dict[int, str]:
    query = "SELECT id, name_en FROM organisation WHERE id = ANY(:ids) AND name_en <> ''"
    return {row.id: row.name_en for row in session.execute(text(query), {"ids": list(ids)})}


def _order(row: OrderRow, types: dict[int, str], parties: dict[int, str]) -> OrderRow:
    return replace(
        row,
        instrument=instrument_name(row.instrument, types.get(row.instrument_id)),
        service=row.service_en or row.service,
        enterprise=parties.get(row.enterprise_id, row.enterprise),
        carrier=parties.get(row.carrier_id, row.carrier),
    )
