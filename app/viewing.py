"""The list of a view when there is no need to rank by: rows in a plain order, in pages that stay what they are while rows come and go.

Four orders: by distance where a place is known, from the middle of the view, by what remains to be paid after my vouchers, and as registered.
A cursor names the order and the last row's key in it, so a page goes on after that row, whatever was added before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy.orm import Session

from app.asking import Asked, MapQuery, services
from bookings import queries
from bookings.limits import groups
from bookings.own_order import LAST, START, by_own
from bookings.slots import Slot
from core.errors import N_, Invalid
from geodata.paging import FURTHEST, Shown, by_distance, by_id, shown
from geodata.wanted import Near

if TYPE_CHECKING:
    from geodata.basemap import Box
    from matching.candidates import Place

FEW: Final = 3_000
SEPARATOR: Final = "~"
ROUGH: Final = "-"
"""In a cursor, the distance of what has only an approximate place."""


@dataclass(frozen=True)
class Line:
    """A row of the list: what is shown of the instrument, what a voucher pays of its price (fen), its next free slot in three weeks."""

    one: Shown
    voucher_part: int
    slot: Slot | None

    @property
    def own_part(self) -> int | None:
        """What remains to be paid, fen; None where nothing is offered."""
        return None if self.one.price is None else self.one.price - self.voucher_part


@dataclass(frozen=True)
class Listing:
    """A page of the list and the cursor of the next one; None: that was the last."""

    lines: tuple[Line, ...]
    next: str | None


def listing(session: Session, asked: Asked, query: MapQuery, *, limit: int, total: int) -> Listing:
    """Return the page of the list that the query's cursor begins; raise `Invalid` for a cursor that no page of this order has given out.

    `total`: how many rows there are in all.
    """
    if not total and not query.cursor:
        return Listing((), None)
    keys = ORDERS[order(asked, query)](session, asked, query.cursor, Size(limit + 1, total <= FEW))
    origin = Near(asked.place.lon, asked.place.lat, 0) if asked.place else None
    known = shown(session, [one for one, _ in keys[:limit]], origin)
    rows = [known[one] for one, _ in keys[:limit]]
    slots = queries.next_slots(session, {row.id: row.hours for row in rows if row.status == "working"}) if rows else {}
    lines = tuple(Line(row, _voucher_part(asked, row), slots.get(row.id)) for row in rows)
    return Listing(lines, keys[limit - 1][1] if len(keys) > limit else None)


@dataclass(frozen=True)
class Size:
    """How many keys are wanted, and whether there are few in all."""

    limit: int
    few: bool


def order(asked: Asked, query: MapQuery) -> str:
    """Return in which order the rows stand: "own", "near" where a place is known, "mid" from the middle of the view, else "id"."""
    if query.sort == "own":
        return "own"
    return "near" if asked.place and query.sort in ("best", "near") else "mid" if query.area else "id"


def _voucher_part(asked: Asked, row: Shown) -> int:
    if row.price is None or row.service is None:
        return 0
    return asked.terms.choose(row.price, row.service, carrier_id=row.carrier_id)[1].amount


Keys = list[tuple[int, str]]
"""Ids in order, each with the cursor that begins after it."""


def _by_id(session: Session, asked: Asked, cursor: str, size: Size) -> Keys:
    (after,) = _read(cursor, "id", _whole) or (0,)
    return [(key.id, _written("id", key.id)) for key in by_id(session, asked.wanted, after=int(after), limit=size.limit, few=size.few)]


def _by_own(session: Session, asked: Asked, cursor: str, size: Size) -> Keys:
    own, price, last = (int(part) for part in _read(cursor, "own", _whole, _whole, _whole) or START)
    sorts = groups(asked.terms, services(session) if asked.terms.purses else ("",))
    found = by_own(session, asked.wanted, sorts, after=(own, price, last), limit=size.limit, few=size.few)
    return [(one.key.id, _written("own", *one.place)) for one in found]


def _by_distance(session: Session, asked: Asked, cursor: str, size: Size) -> Keys:
    place = cast("Place", asked.place)  # this order is chosen only where a place is known
    return _from(session, asked, Near(place.lon, place.lat, 0), cursor, size, name="near")


def _from_middle(session: Session, asked: Asked, cursor: str, size: Size) -> Keys:
    """Begin with what lies nearest to the middle of the view: the index on places finds it at once, wherever in the country one looks."""
    box = cast("Box", asked.wanted.box)  # this order is chosen only where a view is known
    middle = Near((box.west + box.east) / 2, (box.south + box.north) / 2, 0)
    return _from(session, asked, middle, cursor, size, name="mid")


def _from(session: Session, asked: Asked, origin: Near, cursor: str, size: Size, *, name: str) -> Keys:
    metres, last = _read(cursor, name, _metres, _whole) or (-1.0, 0)
    after = (None if metres == FURTHEST else metres, int(last))
    found = by_distance(session, origin, asked.wanted, after=after, limit=size.limit, few=size.few)
    return [(key.id, _written(name, ROUGH if key.metres is None else repr(key.metres), key.id)) for key in found]


ORDERS: Final[Mapping[str, Callable[[Session, Asked, str, Size], Keys]]] = {"id": _by_id, "own": _by_own, "near": _by_distance, "mid": _from_middle}


def _written(name: str, *parts: object) -> str:
    return SEPARATOR.join((name, *map(str, parts)))


def _read(cursor: str, name: str, *parts: Callable[[str], float]) -> list[float] | None:
    """Read a cursor of the order `name`, None for no cursor."""
    if not cursor:
        return None
    said = cursor.split(SEPARATOR)
    try:
        found = [read(part) for read, part in zip(parts, said[1:], strict=True)] if said[0] == name else None
    except ValueError:
        found = None
    if found is None:
        raise Invalid("cursor", N_("这个翻页位置不能用：排序或地点已经变了，或者地址不完整。请从第一页看起。"))
    return found


def _whole(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) <= LAST):
        raise ValueError(given)
    return int(given)


def _metres(given: str) -> float:
    """Read metres; what has no distance comes after everything that has one."""
    value = FURTHEST if given == ROUGH else float(given)
    if not (isfinite(value) and 0 <= value <= FURTHEST):
        raise ValueError(given)
    return value
