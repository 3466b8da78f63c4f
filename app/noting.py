"""What searches leave behind, written beside the request: who looks for something never waits for it, and nothing of it can fail a page.

Notes wait in memory for about a second; then a thread of this process writes them in a transaction of its own. When it cannot, they are lost and
the log says how many. A note holds no address and no browser; an asker without an organisation is told apart for a day, see `bookings.demand`.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import sleep
from typing import Any, Final

import structlog
from flask import Flask, current_app, g, request
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.asking import MapQuery
from app.db import new_session
from app.mapquery import Address
from app.search import Found, Ranked
from bookings import demand
from bookings.demand import Sign
from matching.learning import log
from matching.learning.features import row_of, shape_of
from matching.learning.log import TOP, Seen, Shown, read_seen

PAUSE: Final = 1.0
MOST: Final = 5_000
"""Notes that wait at most; beyond that the oldest are dropped."""


@dataclass
class Pad:
    """What waits to be written."""

    signs: deque[tuple[Sign, int | None]] = field(default_factory=lambda: deque(maxlen=MOST))
    lists: deque[Shown] = field(default_factory=lambda: deque(maxlen=MOST))
    clicks: deque[Seen] = field(default_factory=lambda: deque(maxlen=MOST))
    some: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    thread: Thread | None = None


def init_app(app: Flask) -> None:
    """Give `app` a pad; on a connection of a test nothing writes by itself."""
    app.extensions["noted"] = Pad()


def searched(found: Found, query: Address | MapQuery, *, shown: Sequence[Ranked] = ()) -> str:
    """Note how a search ended and the rows that are shown of it; return the list's id for `marked`, "" where no list is kept.

    A list in another order than the best one, or under weights moved by hand, teaches nothing about the order and is not kept. Never raises.
    """
    asked = query.query if isinstance(query, Address) else query
    try:
        return _searched(found, asked, shown[:TOP])
    except Exception:  # noqa: BLE001 (a note must never break the search it is about)
        structlog.get_logger().warning("not noted", exc_info=True)
        return ""


def marked(url: str, search_id: str, position: int) -> str:
    """Return the address of an instrument's page with the list and place that it is opened from."""
    if not search_id or not 0 < position <= TOP:
        return url
    return f"{url}{'&' if '?' in url else '?'}seen={search_id}.{position}"


def clicked(given: str | None) -> None:
    """Note that a row of a list was opened; what is no such row is nothing."""
    seen = read_seen(given or "")
    if seen:
        _note(lambda pad: pad.clicks.append(seen))


def booked(session: Session, order_id: int, given: str) -> None:
    """Note in the order's transaction that it came of a list; what goes wrong here leaves the order as it is."""
    seen = read_seen(given)
    if seen is None:
        return
    try:
        with session.begin_nested():
            log.book(session, order_id, seen)
    except SQLAlchemyError:
        structlog.get_logger().warning("not noted", exc_info=True)


def write(app: Flask) -> int:
    """Write what waits in one transaction and return how many notes that were."""
    pad: Pad = app.extensions["noted"]
    signs, lists, clicks = (_drained(queue) for queue in (pad.signs, pad.lists, pad.clicks))
    with new_session(app) as session:
        homes = _homes(session, [organisation for _, organisation in signs if organisation])
        demand.keep(session, [_at_home(sign, homes.get(organisation or 0)) for sign, organisation in signs])
        log.keep(session, lists)
        log.click(session, clicks)
        session.commit()
    return len(signs) + len(lists) + len(clicks)


def _searched(found: Found, query: MapQuery, shown: Sequence[Ranked]) -> str:
    if not query.need and not found.types:
        return ""
    kind = "ask" if found.ask else "none" if not found.matches else "relaxed" if getattr(found, "relaxations", ()) else "found"
    best = found.types[0].name_zh if found.types else ""
    looked_at = next(iter((*found.regions.values(), *query.filters.regions)), "")
    firm = g.actor.organisation_id if g.actor.role == "enterprise" else None
    asker = f"organisation {firm}" if firm else f"address {request.remote_addr}"
    sign = Sign(kind, best, query.need, looked_at.ljust(6, "0") if looked_at else "", asker)
    _note(lambda pad: pad.signs.append((sign, firm)))
    if not shown or query.sort != "best" or query.weights:
        return ""
    rows = tuple(value for match in shown for value in row_of(match))
    kept = Shown(
        secrets.token_hex(8),
        tuple(one.name_zh for one in found.types[:3]),
        tuple(match.candidate.instrument_id for match in shown),
        shape_of(shown[0]),
        rows,
    )
    _note(lambda pad: pad.lists.append(kept))
    return kept.id


def _note(put: Any) -> None:
    pad: Pad | None = current_app.extensions.get("noted")
    if pad is None:
        return
    put(pad)
    pad.some.set()
    if pad.thread is None and isinstance(current_app.extensions["sessions"].kw["bind"], Engine):
        _begin(pad)


def _begin(pad: Pad) -> None:
    """Start the writer of this process: lazily, so that it is the worker's own and not one from before the fork."""
    with pad.lock:
        if pad.thread is None:
            app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 (Flask's documented way)
            pad.thread = Thread(target=_keep_writing, args=(app, pad), name="noting", daemon=True)
            pad.thread.start()


def _keep_writing(app: Flask, pad: Pad) -> None:
    while True:
        pad.some.wait()
        sleep(PAUSE)
        pad.some.clear()
        try:
            write(app)
        except Exception as lost:  # noqa: BLE001 (the thread must outlive a database that is away)
            structlog.get_logger().warning("notes lost", error=type(lost).__name__)


def _drained(queue: deque[Any]) -> list[Any]:
    return [queue.popleft() for _ in range(len(queue))]


def _at_home(sign: Sign, home: str | None) -> Sign:
    return sign if not home else Sign(sign.kind, sign.type, sign.text, home, sign.asker)


def _homes(session: Session, organisations: Sequence[int]) -> dict[int, str]:
    """Return where organisations are registered: adcodes by id."""
    if not organisations:
        return {}
    rows = session.execute(text("SELECT id, adcode FROM organisation WHERE id = ANY(:ids)"), {"ids": list(organisations)})
    return {row.id: row.adcode for row in rows}
