"""What searches leave behind, written beside the request: who looks for something never waits for it, and nothing of it can fail a page.

Notes wait in memory for about a second; then a thread of this process writes them, each kind in a transaction of its own, and a last time when the
process ends. What cannot be written, or finds no room, is lost, and the log says how many. A note holds no address and no browser; an asker without
an organisation is told apart for a day, see `bookings.demand`. Where a search began at a place that somebody gave, the values of its rows are not
kept: the distances of some instruments would lead back to it.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread, main_thread
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
"""Notes of one kind that wait at most; beyond that the oldest are dropped and counted."""


@dataclass
class Pad:
    """What waits to be written, and how many notes were lost since the log last said so."""

    signs: deque[tuple[Sign, int | None]] = field(default_factory=lambda: deque(maxlen=MOST))
    lists: deque[Shown] = field(default_factory=lambda: deque(maxlen=MOST))
    clicks: deque[Seen] = field(default_factory=lambda: deque(maxlen=MOST))
    some: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    thread: Thread | None = None
    lost: int = 0

    def put(self, queue: deque[Any], note: Any) -> None:
        """Add a note; a full queue loses its oldest."""
        self.lost += len(queue) == queue.maxlen
        queue.append(note)
        self.some.set()


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
    except Exception:  # noqa: BLE001 (a note must never break the search it is about: it is counted as lost, and the fault stands in the log)
        structlog.get_logger().error("not noted", exc_info=True)
        if pad := current_app.extensions.get("noted"):
            pad.lost += 1
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
        _note("clicks", seen)


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
    """Write what waits, each kind by itself, and return how many notes were written; what was lost is said in the log. Never raises."""
    pad: Pad = app.extensions["noted"]
    kinds: tuple[tuple[deque[Any], Callable[[Session, list[Any]], Any]], ...] = (
        (pad.signs, _keep_signs),
        (pad.lists, _keep_lists),
        (pad.clicks, log.click),
    )
    done = sum(_written(app, pad, _drained(queue), keep) for queue, keep in kinds)
    if pad.lost:
        structlog.get_logger().warning("notes lost", notes=pad.lost)
        pad.lost = 0
    return done


def _written(app: Flask, pad: Pad, notes: list[Any], keep: Callable[[Session, list[Any]], Any]) -> int:
    if not notes:
        return 0
    try:
        with new_session(app) as session:
            keep(session, notes)
            session.commit()
    except Exception as why:  # noqa: BLE001 (whatever it was, neither the thread nor the other notes end with it)
        pad.lost += len(notes)
        structlog.get_logger().warning("not noted", error=type(why).__name__)
        return 0
    return len(notes)


def _keep_signs(session: Session, signs: list[tuple[Sign, int | None]]) -> None:
    homes = _homes(session, [organisation for _, organisation in signs if organisation])
    known = _known(session, {sign.type for sign, _ in signs})
    kept = [replace(sign, type=sign.type if sign.type in known else "") for sign, _ in signs]
    demand.keep(session, [_at_home(sign, homes.get(organisation or 0)) for sign, (_, organisation) in zip(kept, signs, strict=True)])


def _keep_lists(session: Session, lists: list[Shown]) -> None:
    known = _known(session, {name for one in lists for name in one.types})
    log.keep(session, [replace(one, types=tuple(name for name in one.types if name in known)) for one in lists])


def _known(session: Session, names: set[str]) -> set[str]:
    """Return those of `names` that are types of instruments: chosen by hand, a type may be anybody's words."""
    return set(session.scalars(text("SELECT name_zh FROM instrument_type WHERE name_zh = ANY(:names)"), {"names": sorted(names)}))


def _searched(found: Found, query: MapQuery, shown: Sequence[Ranked]) -> str:
    if not query.need and not found.types:
        return ""
    kind = "ask" if found.ask else "none" if not found.matches else "relaxed" if getattr(found, "relaxations", ()) else "found"
    types = tuple(one.name_zh for one in found.types[:3])
    best = types[0] if types else ""
    looked_at = next(iter((*found.regions.values(), *query.filters.regions)), "")
    firm = g.actor.organisation_id if g.actor.role == "enterprise" else None
    asker = f"organisation {firm}" if firm else f"address {request.remote_addr}"
    sign = Sign(kind, best, query.need, looked_at.ljust(6, "0") if looked_at else "", asker)
    _note("signs", (sign, firm))
    if not shown or query.sort != "best" or query.weights:
        return ""
    from_here = query.place is not None or bool(query.spot)
    rows = () if from_here else tuple(value for match in shown for value in row_of(match))
    shape = "" if from_here else shape_of(shown[0])
    kept = Shown(secrets.token_hex(8), types, tuple(match.candidate.instrument_id for match in shown), shape, rows)
    _note("lists", kept)
    return kept.id


def _note(kind: str, note: Any) -> None:
    pad: Pad | None = current_app.extensions.get("noted")
    if pad is None:
        return
    pad.put(getattr(pad, kind), note)
    if pad.thread is None and isinstance(current_app.extensions["sessions"].kw["bind"], Engine):
        _begin(pad)


def _begin(pad: Pad) -> None:
    """Start the writer of this process: lazily, so that it is the worker's own and not one from before the fork."""
    with pad.lock:
        if pad.thread is None:
            app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 (Flask's documented way)
            # no daemon: the interpreter waits for it when the process ends, so that it can write a last time
            pad.thread = Thread(target=_keep_writing, args=(app, pad), name="noting", daemon=False)
            pad.thread.start()


def _keep_writing(app: Flask, pad: Pad) -> None:
    going = True
    while going:
        if pad.some.wait(PAUSE) and main_thread().is_alive():
            sleep(PAUSE)
        going = main_thread().is_alive()
        if pad.some.is_set():
            pad.some.clear()
            write(app)


def _drained(queue: deque[Any]) -> list[Any]:
    return [queue.popleft() for _ in range(len(queue))]


def _at_home(sign: Sign, home: str | None) -> Sign:
    return replace(sign, region=home) if home else sign


def _homes(session: Session, organisations: Sequence[int]) -> dict[int, str]:
    """Return where organisations are registered: adcodes by id."""
    if not organisations:
        return {}
    rows = session.execute(text("SELECT id, adcode FROM organisation WHERE id = ANY(:ids)"), {"ids": list(organisations)})
    return {row.id: row.adcode for row in rows}
