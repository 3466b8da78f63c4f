"""The address of the map page: every filter, order, place and correction as pairs of the query, read and written in one place.

    need=…  sort=best|own|soon|near  lon=… lat=…  area=west,south,east,north  limit=…
    fix=budget:300000 (fen)  fix=deadline:2026-12-02  fix=type:扫描电子显微镜  fix=region:-   ("-" takes a condition off)
A chip's form may also send budget=3000 (yuan) or deadline=2026-12-02. `view=zoom,lon,lat` belongs to the browser and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from app.search import SORTS, MapQuery
from core.errors import N_, Invalid
from core.money import MAX_FEN, parse_yuan
from geodata.basemap import read_box
from matching.candidates import Area, Place

OFF = "-"
KINDS = ("budget", "deadline", "region", "qualification", "quantity", "type")
SHORT, LONG = 20, 100
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Address:
    """A query as read, the pairs that say it again, and how many rows the list shows."""

    query: MapQuery
    pairs: Pairs
    limit: int

    def link(self, base: str, *changes: tuple[str, str | None]) -> str:
        """Return the address of `base` with pairs replaced; None takes a pair away."""
        gone = {name for name, _ in changes}
        kept = [(name, value) for name, value in self.pairs if name not in gone]
        return with_pairs(base, [*kept, *((name, value) for name, value in changes if value is not None)])

    def fixed(self, base: str, kind: str, *values: str) -> str:
        """Return the address with the correction of `kind` replaced by `values`."""
        kept = [(name, value) for name, value in self.pairs if not (name == "fix" and value.startswith(f"{kind}:"))]
        return with_pairs(base, [*kept, *(("fix", f"{kind}:{value}") for value in values)])


def read(args: MultiDict[str, str]) -> Address:
    """Read the query of the map page; raise `Invalid` naming the field for anything that cannot be meant."""
    fixes = _fixes(args)
    values = [fix.partition(":")[::2] for fix in fixes]
    for kind, _ in values:
        if kind not in KINDS:
            raise Invalid("fix", N_("没有“%(kind)s”这个条件。"), kind=kind[:40])
    query = MapQuery(
        need=args.get("need", "").strip(),
        place=read_place(args),
        sort=_sort(args.get("sort", "")),
        area=read_area(args.get("area", "")),
        drop=frozenset(kind for kind, value in values if value == OFF),
        types=tuple(value for kind, value in values if kind == "type" and value not in (OFF, "")),
        due=_due(value for kind, value in values if kind == "deadline" and value != OFF),
        budget=_budget(value for kind, value in values if kind == "budget" and value != OFF),
    )
    names = ("need", "sort", "lon", "lat", "area", "limit")
    pairs = [(name, args[name]) for name in names if args.get(name)] + [("fix", fix) for fix in fixes]
    return Address(query, tuple(pairs), LONG if args.get("limit") == str(LONG) else SHORT)


def _fixes(args: MultiDict[str, str]) -> list[str]:
    """Return the corrections, a typed `budget` (yuan) or `deadline` (ISO date) of a chip's small form among them."""
    fixes = list(dict.fromkeys(args.getlist("fix")))
    typed: dict[str, Callable[[str], str]] = {"budget": lambda given: str(parse_yuan(given, "budget")), "deadline": str}
    for kind, read_it in typed.items():
        if args.get(kind):
            fixes = [fix for fix in fixes if not fix.startswith(f"{kind}:")] + [f"{kind}:{read_it(args[kind].strip())}"]
    return fixes


def read_place(args: Mapping[str, str]) -> Place | None:
    """Read lon and lat (WGS84 degrees), both or neither."""
    given = args.get("lon", ""), args.get("lat", "")
    if not any(given):
        return None
    lon, lat = (_degree(value, name, bound) for value, name, bound in zip(given, ("lon", "lat"), (180, 90), strict=True))
    return Place(lon, lat)


def read_area(given: str) -> Area | None:
    """Read the box that is looked at."""
    if not given:
        return None
    box = read_box(given, "area")
    return Area(box.west, box.south, box.east, box.north)


def _degree(given: str, name: str, bound: int) -> float:
    try:
        value = float(given)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or abs(value) > bound:
        raise Invalid(name, N_("“%(given)s”不是经纬度：经度在 ±180、纬度在 ±90 以内，单位是度。"), given=given[:40])
    return value


def _sort(given: str) -> str:
    if given and given not in SORTS:
        raise Invalid("sort", N_("没有这种排序。请从列表里选。"))
    return given or SORTS[0]


def _due(given: Iterable[str]) -> date | None:
    for value in given:
        try:
            return date.fromisoformat(value)
        except ValueError as wrong:
            raise Invalid("deadline", N_("日期要写成 2026-12-02 这样。")) from wrong
    return None


def _budget(given: Iterable[str]) -> int | None:
    for value in given:
        if not (value.isascii() and value.isdigit() and len(value) < 20 and 0 < int(value) <= MAX_FEN):
            raise Invalid("budget", N_("预算要是大于 0 的数。"))
        return int(value)
    return None


def with_pairs(base: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return the address `base` with a query of these pairs."""
    said = urlencode(list(pairs))
    return f"{base}?{said}" if said else base
