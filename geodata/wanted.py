"""What is wanted of the map: every filter in one value, and each as one SQL clause over the alias `m`.

Lists, totals, clusters, exports and the items for programs all ask with these clauses, so their numbers are the same. `m` is `open_instrument`
or `open_carrier`. A condition on instruments (type, class, price, free) holds for a carrier when one open instrument of it meets all of them.
Parameters are named `m_…`, so that a query may add its own. Reading addresses is left to those who know the names that people write there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, radians
from typing import Any, Final, Literal

from geodata.basemap import Box
from geodata.regions import shared_digits

Kind = Literal["instruments", "carriers"]

RIM: Final = 1e-4
"""Degrees: more than twice what && may be wrong by, which is a step of single precision at 180, 1.5e-5."""

TABLES: Final[Mapping[Kind, str]] = {"instruments": "open_instrument m", "carriers": "open_carrier m"}
"""What stands behind FROM."""


Limit = int | tuple[tuple[str, int], ...]
"""Fen for every service, or (service code, fen) for each that is meant."""


@dataclass(frozen=True)
class Near:
    """A place (WGS84 degrees) and how far from it, in metres on the ellipsoid."""

    lon: float
    lat: float
    within: float


@dataclass(frozen=True)
class Wanted:
    """Every filter of the map; what is left empty filters nothing.

    `box`: WGS84 degrees, its edges belong to it; a west greater than east runs over the 180th meridian. `q`: words in the name of instrument, type
    or carrier. `types`: names, any of them. `class_code`: six digits, "010000" with all its subclasses. `kinds`, `levels`: of the carrier, any of
    them. `region`: an adcode and all within; `regions`: the same, any of them. `max_price`: fen, for every service or by service code (a service that
    is not named is left out). `apart`: organisations to which `apart_price` applies instead of `max_price`. `busy`: ids of the instruments that are
    not free when they should be. `working`: only instruments in working order. `near` keeps exact points alone. `is_sample`: only generated rows, or
    none of them.
    """

    box: Box | None = None
    q: str = ""
    types: tuple[str, ...] = ()
    class_code: str = ""
    kinds: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    region: str = ""
    regions: tuple[str, ...] = ()
    max_price: Limit | None = None
    apart: tuple[int, ...] = ()
    apart_price: Limit | None = None
    busy: tuple[int, ...] = ()
    working: bool = False
    near: Near | None = None
    is_sample: bool | None = None


Clause = tuple[str, dict[str, Any]] | None


def clauses(kind: Kind, wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions on `m` and their parameters; no condition: everything that is open."""
    found = [clause for make in PLACES if (clause := make(kind, wanted))]
    own = [clause for make in INSTRUMENTS if (clause := make(wanted, "m" if kind == "instruments" else "i"))]
    values = {name: value for _, params in (*found, *own) for name, value in params.items()}
    said, inner = [text for text, _ in found], [text for text, _ in own]
    if kind == "carriers" and inner:
        inner = [f"EXISTS (SELECT FROM open_instrument i WHERE i.organisation_id = m.id AND {' AND '.join(inner)})"]
    return said + inner, values


def where(kind: Kind, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """Return the same as one condition, "true" when nothing is filtered."""
    said, values = clauses(kind, wanted)
    return " AND ".join(said) or "true", values


def in_box(_kind: Kind, wanted: Wanted) -> Clause:
    """Points in the box, edges included, to the last digit of a double."""
    box = wanted.box
    if box is None:
        return None
    if box.west <= box.east:
        return _inside(box, "m_box")
    parts = _inside(Box(box.west, box.south, 180, box.north), "m_box"), _inside(Box(-180, box.south, box.east, box.north), "m_far")
    return f"({parts[0][0]} OR {parts[1][0]})", {**parts[0][1], **parts[1][1]}


def _inside(box: Box, name: str) -> tuple[str, dict[str, Any]]:
    """Ask the index first, then compare the numbers of the points at the rim.

    && rounds to single precision and takes a metre too much. ST_Intersects is exact, but costs three times the scan, and is priced so high that
    the planner starts workers. CASE keeps the order of the two tests, and is reckoned as a half, where four comparisons would be as good as nothing.
    """
    sides = dict(zip("wsen", (box.west, box.south, box.east, box.north), strict=True))
    inner = dict(zip("wsen", (box.west + RIM, box.south + RIM, box.east - RIM, box.north - RIM), strict=True))
    said = _BOX if inner["w"] <= inner["e"] and inner["s"] <= inner["n"] else _NARROW_BOX
    values = {f"{name}_{side}": value for side, value in sides.items()}
    return said.replace("{}", name), values if said is _NARROW_BOX else {**values, **{f"{name}_in_{side}": value for side, value in inner.items()}}


def in_region(_kind: Kind, wanted: Wanted) -> Clause:
    """In the region, and in one of the regions, or within one of them, by the digits that their codes share."""
    said = ["m.adcode LIKE :m_region"] if wanted.region else []
    values: dict[str, Any] = {"m_region": f"{shared_digits(wanted.region)}%"} if wanted.region else {}
    if wanted.regions:
        said.append("(" + " OR ".join(f"m.adcode LIKE :m_regions{n}" for n in range(len(wanted.regions))) + ")")
        values |= {f"m_regions{n}": f"{shared_digits(one)}%" for n, one in enumerate(wanted.regions)}
    return (" AND ".join(said), values) if said else None


def of_kind(_kind: Kind, wanted: Wanted) -> Clause:
    """Carriers of one of the kinds, and what they have."""
    return ("m.carrier_kind = ANY(:m_kinds)", {"m_kinds": list(wanted.kinds)}) if wanted.kinds else None


def of_level(_kind: Kind, wanted: Wanted) -> Clause:
    """Carriers recognised at one of the levels, and what they have."""
    return ("m.level = ANY(:m_levels)", {"m_levels": list(wanted.levels)}) if wanted.levels else None


def near(_kind: Kind, wanted: Wanted) -> Clause:
    """Exact points within so many metres of the place, on the ellipsoid.

    A box around the circle is asked first, since the index knows boxes; what lies in a box within the circle need not be measured.
    """
    if wanted.near is None:
        return None
    values = {"m_lon": wanted.near.lon, "m_lat": wanted.near.lat, "m_metres": wanted.near.within}
    for name, sides in (("near", around(wanted.near)), ("in", inside(wanted.near))):
        values |= dict(zip((f"m_{name}_west", f"m_{name}_south", f"m_{name}_east", f"m_{name}_north"), sides, strict=True))
    return _NEAR, values


def inside(place: Near) -> tuple[float, float, float, float]:
    """Return a box (degrees) that lies in the circle, two metres clear of it since && takes a metre too much; degrees as long as they ever are."""
    high = max(0.0, 0.97 / 2**0.5 * place.within - 2) / 111_700  # metres of a degree of latitude where it is longest, at a pole
    wide = high / max(cos(radians(max(0.0, abs(place.lat) - high))), 1e-9)  # where the box is widest, towards the equator
    return place.lon - wide, place.lat - high, place.lon + wide, place.lat + high


def around(place: Near) -> tuple[float, float, float, float]:
    """Return a box (degrees) that holds the circle, up to a tenth larger; all longitudes where the circle reaches a pole or the 180th meridian."""
    high = 1.01 * place.within / 110_574 + 1e-6  # metres of a degree of latitude where it is shortest, at the equator
    south, north = place.lat - high, place.lat + high
    wide = high / cos(radians(max(abs(south), abs(north)))) if max(abs(south), abs(north)) < 89 else 360.0
    west, east = place.lon - wide, place.lon + wide
    if west < -180 or east > 180:
        west, east = -180.0, 180.0
    return west, max(south, -90.0), east, min(north, 90.0)


def sample(_kind: Kind, wanted: Wanted) -> Clause:
    """Only generated rows, or none of them."""
    return None if wanted.is_sample is None else ("m.is_sample = :m_sample", {"m_sample": wanted.is_sample})


def words(kind: Kind, wanted: Wanted) -> Clause:
    """With the words in a name, whatever the case; `%` and `_` stand for themselves."""
    like = "%" + wanted.q.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    fits = "ILIKE" if wanted.q.lower() != wanted.q.upper() else "LIKE"  # without letters that have a case the quicker one says the same
    return (_WORDS[kind].format(like=fits), {"m_q": like}) if wanted.q else None


def of_type(wanted: Wanted, alias: str) -> Clause:
    """Of one of the types, by its Chinese or English name."""
    return (f"{alias}.type_id = ANY(ARRAY({_TYPES}))", {"m_types": list(wanted.types)}) if wanted.types else None


def of_class(wanted: Wanted, alias: str) -> Clause:
    """Of the class or one of its subclasses."""
    digits = wanted.class_code[:2] if wanted.class_code.endswith("0000") else wanted.class_code
    return (f"{alias}.class_code LIKE :m_class", {"m_class": f"{digits}%"}) if wanted.class_code else None


def affordable(wanted: Wanted, alias: str) -> Clause:
    """Offered for at most so many fen; what has no price is not known to be. Organisations that stand apart have a limit of their own."""
    if wanted.max_price is None:
        return None
    said, values = _at_most(wanted.max_price, alias, "m_price")
    if not wanted.apart:
        return said, values
    other, more = _at_most(wanted.apart_price, alias, "m_apart")
    owner = f"{alias}.organisation_id = ANY(CAST(:m_apart AS bigint[]))"
    return f"CASE WHEN {owner} THEN {other} ELSE {said} END", {**values, **more, "m_apart": list(wanted.apart)}


def _at_most(limit: Limit | None, alias: str, name: str) -> tuple[str, dict[str, Any]]:
    if limit is None:
        return f"{alias}.price IS NOT NULL", {}
    if isinstance(limit, int):
        return f"{alias}.price <= CAST(:{name}_fen AS bigint)", {f"{name}_fen": limit}
    codes, fen = [code for code, _ in limit], [most for _, most in limit]
    said = f"{alias}.price <= (CAST(:{name}_fen AS bigint[]))[array_position(CAST(:{name}_codes AS text[]), {alias}.service)]"
    return said, {f"{name}_fen": fen, f"{name}_codes": codes}


def in_order(wanted: Wanted, alias: str) -> Clause:
    """In working order, not under repair or retired."""
    return (f"{alias}.status = 'working'", {}) if wanted.working else None


def free(wanted: Wanted, alias: str) -> Clause:
    """Not among those that are busy; as a subquery, which is hashed: an array that comes as a parameter is searched from end to end for each row."""
    return (f"{alias}.id NOT IN (SELECT unnest(CAST(:m_busy AS bigint[])))", {"m_busy": list(wanted.busy)}) if wanted.busy else None


PLACES: Final[tuple[Callable[[Kind, Wanted], Clause], ...]] = (in_box, in_region, of_kind, of_level, near, sample, words)
"""Conditions on the row itself."""

INSTRUMENTS: Final[tuple[Callable[[Wanted, str], Clause], ...]] = (of_type, of_class, affordable, in_order, free)
"""Conditions on an open instrument."""

_EXACT: Final = "ST_X(m.geom) BETWEEN :{}_w AND :{}_e AND ST_Y(m.geom) BETWEEN :{}_s AND :{}_n"
_NARROW_BOX: Final = f"m.geom && ST_MakeEnvelope(:{{}}_w, :{{}}_s, :{{}}_e, :{{}}_n, 4326) AND {_EXACT}"
_BOX: Final = (
    "m.geom && ST_MakeEnvelope(:{}_w, :{}_s, :{}_e, :{}_n, 4326) AND CASE WHEN m.geom && "
    f"ST_MakeEnvelope(:{{}}_in_w, :{{}}_in_s, :{{}}_in_e, :{{}}_in_n, 4326) THEN true ELSE {_EXACT} END"
)
_NEAR: Final = (
    "m.precision = 'point' AND m.geom && ST_MakeEnvelope(:m_near_west, :m_near_south, :m_near_east, :m_near_north, 4326)"
    " AND CASE WHEN m.geom && ST_MakeEnvelope(:m_in_west, :m_in_south, :m_in_east, :m_in_north, 4326) THEN true"
    " ELSE ST_DWithin(m.geom::geography, ST_SetSRID(ST_MakePoint(:m_lon, :m_lat), 4326)::geography, :m_metres) END"
)
_TYPES: Final = "SELECT id FROM instrument_type WHERE name_zh = ANY(:m_types) OR name_en = ANY(:m_types)"
_NAMED: Final = "SELECT {table}.id FROM {table} WHERE {table}.name_zh {like} :m_q OR {table}.name_en {like} :m_q"
_OWNERS: Final = _NAMED.replace("{table}", "organisation")
_WORDS: Final[Mapping[Kind, str]] = {
    "instruments": f"(m.type_id IN ({_NAMED.replace('{table}', 'instrument_type')}) OR m.organisation_id IN ({_OWNERS}) OR m.name {{like}} :m_q)",
    "carriers": f"m.id IN ({_OWNERS})",
}
