"""Looking again at a kept search: its address becomes an answer for the person who keeps it. Without Flask; settings come by environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.asking import MapQuery, home, whence
from app.config import Settings
from app.mapquery import Address, read
from app.search import Found, search
from bookings import saved
from bookings.saved import SavedSearch
from bookings.savednews import Answer, Offered
from core.actor import Actor
from core.errors import N_, Invalid
from geodata.regions import region_at
from matching.candidates import Place
from parties.messages import About, tell

LEFT_OUT: Final = ("lon", "lat", "place", "area", "limit", "sort", "part")
"""Where somebody stands or looks, and how the list is shown: none of it is kept."""


def canonical(address: Address) -> str:
    """Return the query of an address as it is kept: without a place, the same pairs always in the same order."""
    return urlencode([pair for pair in address.pairs if pair[0] not in LEFT_OUT])


def origin(session: Session, actor: Actor, query: MapQuery) -> str:
    """Return the county (adcode) that stands for where the person asks from; "" for the registered place, and where it is not known."""
    if query.place is None and not query.spot:
        return ""
    place, _ = whence(session, actor, query)
    county = region_at(session, place.lon, place.lat) if place and place != home(session, actor) else None
    return county.adcode if county else ""


def query_of(session: Session, row: SavedSearch) -> MapQuery:
    """Return a kept search as a query; raise `Invalid` where this version of the code cannot read it any more."""
    query = read(MultiDict(parse_qsl(row.query))).query
    return replace(query, place=_middle(session, row.origin)) if row.origin else query


def answer(found: Found) -> Answer:
    """Return what a search found, as far as news are about it: providers that meet every condition."""
    fit = [match.candidate for match in found.matches if not getattr(match, "misses", ())]
    return Answer(tuple(Offered(one.instrument_id, one.net_price_fen, one.next_slot_start) for one in fit))


def first_look(session: Session, actor: Actor, saved_id: int) -> None:
    """Remember what a search that was just kept finds, so that only what comes later is news."""
    row = saved.one_of(session, actor, saved_id)
    if row.known is None:
        saved.learn(session, row, answer(search(session, actor, query_of(session, row))))


def due(session: Session) -> Sequence[int]:
    """Return the kept searches that are to be looked at."""
    hours = Settings.from_env({**os.environ, "DATABASE_URL": "postgresql://nobody@/nowhere"}).saved_hours
    return saved.due(session, hours)


def look(session: Session, saved_id: int) -> int:
    """Look at one kept search again and tell of what is new; one that cannot be read any more is paused. Returns how many news there are."""
    row = session.get(SavedSearch, saved_id)
    if row is None or row.state != "active":
        return 0
    actor = Actor("enterprise", row.user_id, row.organisation_id)
    try:
        found = search(session, actor, query_of(session, row))
    except Invalid:
        row.state = "paused"
        return 0
    told = saved.learn(session, row, answer(found))
    if told:
        # without the name: the message is the firm's, the search is the person's
        tell(session, row.organisation_id, About("saved", "saved_search", row.id, "/saved"), N_("保存的搜索有新消息。"))
    return told


def _middle(session: Session, adcode: str) -> Place | None:
    query = "SELECT ST_X(point) AS lon, ST_Y(point) AS lat FROM region WHERE adcode = :adcode AND point IS NOT NULL"
    row = session.execute(text(query), {"adcode": adcode}).one_or_none()
    return Place(row.lon, row.lat) if row else None
