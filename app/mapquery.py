"""The address of the map page: every filter, order, place and correction as pairs of the query, read and written in one place.

    need=…  part=2 (of several needs in one sentence)
    sort=best|own|soon|near  lon=… lat=…  place=长兴县  area=west,south,east,north  limit=…  cursor=…
    type=扫描电子显微镜 (again for more)  class=010000  kind=university …  level=province …  region=330500 …
    own_max=3000 (yuan that remain after my voucher)  free=week  within=50 (km)  q=words in names
    fix=budget:300000 (fen)  fix=deadline:2026-12-02  fix=type:扫描电子显微镜  fix=region:-   ("-" takes a condition off)
    drop=…  said=…  w=…  what was put right: see `app.corrections`
A chip's form may also send budget=3000 (yuan) or deadline=2026-12-02. `view=zoom,lon,lat` belongs to the browser and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import isfinite, log2
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from app import corrections
from app.asking import LEVELS, SORTS, Filters, MapQuery
from core.errors import N_, Invalid
from core.money import MAX_FEN, parse_yuan
from geodata.basemap import Box, read_box
from matching.candidates import Place
from matching.signals import SIGNALS

OFF = "-"
KINDS = ("budget", "deadline", "region", "qualification", "quantity", "type")
SHORT, LONG = 20, 100
PLAIN = ("need", "part", "sort", "lon", "lat", "place", "area", "limit")
FILTERS = ("type", "class", "kind", "level", "region", "own_max", "free", "within", "q")
PAIRS = ("need", "part", "sort", "lon", "lat", "place", "area", *FILTERS, "fix", "drop", "said", "w")
"""All that another page carries along, so that one comes back to the same list."""

MANY = ("type", "kind", "level", "region")
FURTHEST = 2_000_000
MOST = 20
"""Values of one filter, and characters of a word, are bounded: an address is written by anybody."""

_CLASS, _ADCODE, _KIND = re.compile(r"\d{6}", re.ASCII), re.compile(r"\d{6}", re.ASCII), re.compile(r"[a-z_]{2,40}")
_KM = re.compile(r"\d{1,4}(\.\d{1,2})?", re.ASCII)
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Address:
    """A query as read, the pairs that say it again (the cursor apart: every other link begins at the first page), and the rows of a page."""

    query: MapQuery
    pairs: Pairs
    limit: int

    @property
    def filters(self) -> Pairs:
        """The pairs that are filters."""
        return tuple(pair for pair in self.pairs if pair[0] in FILTERS)

    def link(self, base: str, *changes: tuple[str, str | None]) -> str:
        """Return the address of `base` with pairs replaced; None takes a pair away."""
        gone = {name for name, _ in changes}
        kept = [(name, value) for name, value in self.pairs if name not in gone]
        return with_pairs(base, [*kept, *((name, value) for name, value in changes if value is not None)])

    def without(self, base: str, name: str, value: str) -> str:
        """Return the address without one value of a filter; the others of that filter stay."""
        return with_pairs(base, [pair for pair in self.pairs if pair != (name, value)])

    def fixed(self, base: str, kind: str, *values: str) -> str:
        """Return the address with the correction of `kind` replaced by `values`."""
        kept = [(name, value) for name, value in self.pairs if not (name == "fix" and value.startswith(f"{kind}:"))]
        return with_pairs(base, [*kept, *(("fix", f"{kind}:{value}") for value in values)])

    def dropped(self, base: str, key: str) -> str:
        """Return the address in which the condition `key` is taken off."""
        return self.with_dropped(key).link(base)

    def with_dropped(self, key: str) -> Address:
        """Return the address, as far as links go, in which the condition `key` is taken off."""
        return replace(self, pairs=(*corrections.without_key(self.pairs, key), ("drop", key)))

    def with_said(self, key: str, words: str) -> Address:
        """Return the address, as far as links go, in which the condition `key` is said in these words."""
        said = ("said", f"{key}{corrections.SEPARATOR}{words}")
        return replace(self, pairs=(*corrections.without_key(self.pairs, key), said))

    def undone(self, base: str, key: str) -> str:
        """Return the address in which the text alone says what holds of `key`."""
        return with_pairs(base, corrections.without_key(self.pairs, key))


def read(args: MultiDict[str, str]) -> Address:
    """Read the query of the map page; raise `Invalid` naming the field for anything that cannot be meant."""
    said = corrections.read_said(args)
    dropped = corrections.read_drops(args, (key for key, _ in said))
    weights = corrections.read_weights(args, (signal.name for signal in SIGNALS))
    fixes = [fix for fix in _fixes(args) if fix.partition(":")[0] not in {*dropped, *(key for key, _ in said if key != corrections.TYPE)}]
    values = [fix.partition(":")[::2] for fix in fixes]
    for kind, _ in values:
        if kind not in KINDS:
            raise Invalid("fix", N_("没有“%(kind)s”这个条件。"), kind=kind[:40])
    query = MapQuery(
        need=args.get("need", "").strip(),
        place=read_place(args),
        spot=_words(args, "place"),
        sort=_sort(args.get("sort", "")),
        area=read_area(args.get("area", "")),
        filters=_filters(args),
        cursor=_words(args, "cursor"),
        drop=frozenset((*dropped, *(kind for kind, value in values if value == OFF))),
        types=tuple(value for kind, value in values if kind == "type" and value not in (OFF, "")),
        due=_due(value for kind, value in values if kind == "deadline" and value != OFF),
        budget=_budget(value for kind, value in values if kind == "budget" and value != OFF),
        said=said,
        weights=weights,
        part=_part(args.get("part", "").strip()),
    )
    limit = args.get("limit", "")
    if limit and limit not in (str(SHORT), str(LONG)):
        raise Invalid("limit", N_("一页可以看 %(short)s 行或 %(long)s 行。"), short=SHORT, long=LONG)
    more = (*(("fix", fix) for fix in fixes), *corrections.pairs_of(dropped, said, weights))
    return Address(query, (*_pairs(args), *more), LONG if limit == str(LONG) else SHORT)


def _pairs(args: MultiDict[str, str]) -> Pairs:
    single = [(name, args.get(name, "").strip()) for name in (*PLAIN, *FILTERS) if name not in MANY]
    many = [(name, value) for name in MANY for value in _several(args, name)]
    return tuple((name, value) for name, value in (*single, *many) if value)


def _filters(args: MultiDict[str, str]) -> Filters:
    """Read the filters. What is well formed but unknown (a type, a region) finds nothing, and the page says so."""
    return Filters(
        types=_several(args, "type", lambda value: len(value) <= LONG, N_("“%(given)s”不是仪器类型的名称。")),
        class_code=_one(args, "class", _CLASS, N_("仪器分类要写六位数字，例如 010000。")),
        kinds=_several(args, "kind", _KIND.fullmatch, N_("没有“%(given)s”这类载体。请从列表里选。")),
        levels=_several(args, "level", LEVELS.__contains__, N_("没有“%(given)s”这一级。请从列表里选。")),
        regions=_several(args, "region", _ADCODE.fullmatch, N_("“%(given)s”不是六位行政区划代码，例如 330500。")),
        own_max=_own_max(args.get("own_max", "").strip()),
        free=_free(args.get("free", "").strip()),
        within=_within(args.get("within", "").strip()),
        q=_words(args, "q"),
    )


def _part(given: str) -> int:
    if given and not (given.isascii() and given.isdigit() and len(given) == 1):
        raise Invalid("part", N_("一句话里最多分 9 件事。"))
    return int(given or 0)


def _several(args: MultiDict[str, str], name: str, fits: Callable[[str], object] = bool, wrong: str = N_("这个值不能用。")) -> tuple[str, ...]:
    """Return the values of a filter that may be given again, each once, in order."""
    values = tuple(dict.fromkeys(" ".join(value.split()) for value in args.getlist(name) if value.strip()))
    for value in values:
        if not fits(value) or not value.isprintable():
            raise Invalid(name, wrong, given=value[:40])
    if len(values) > MOST:
        raise Invalid(name, N_("一次最多选 %(most)s 项。"), most=MOST)
    return values


def _one(args: MultiDict[str, str], name: str, shape: re.Pattern[str], wrong: str) -> str:
    value = args.get(name, "").strip()
    if value and not shape.fullmatch(value):
        raise Invalid(name, wrong)
    return value


def _words(args: MultiDict[str, str], name: str) -> str:
    value = " ".join(args.get(name, "").split())
    if len(value) > LONG or not value.isprintable():
        raise Invalid(name, N_("最多 %(most)s 个字，不能有控制字符。"), most=LONG)
    return value


def _own_max(given: str) -> int | None:
    """Read yuan as fen; nothing at all is a sum, too: what a voucher pays in full."""
    if not given:
        return None
    return 0 if given.strip("¥￥元0.") == "" and "0" in given else parse_yuan(given, "own_max")


def _free(given: str) -> bool:
    if given not in ("", "week"):
        raise Invalid("free", N_("空档只能按本周筛：free=week。"))
    return bool(given)


def _within(given: str) -> int | None:
    """Read kilometres as metres."""
    if not given:
        return None
    metres = round(float(given) * 1000) if _KM.fullmatch(given) else 0
    if not 0 < metres <= FURTHEST:
        raise Invalid("within", N_("距离要是大于 0、不超过 %(most)s 的公里数，例如 50。"), most=FURTHEST // 1000)
    return metres


def _fixes(args: MultiDict[str, str]) -> list[str]:
    """Return the corrections, a typed `budget` (yuan) or `deadline` (ISO date) of a chip's small form among them."""
    fixes = list(dict.fromkeys((*args.getlist("fix"), *(f"{corrections.TYPE}:{name}" for name in corrections.read_types(args)))))
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


def read_area(given: str) -> Box | None:
    """Read the box that is looked at."""
    return read_box(given, "area") if given else None


def read_zoom(given: str, box: Box | None) -> float:
    """Return the zoom of the map from `view=zoom,lon,lat`; without it, one at which the box (or the province) fits into a window."""
    if given:
        try:
            zoom, _, _ = (float(part) for part in given.split(","))
        except ValueError:
            zoom = -1
        if not 0 <= zoom <= 24:
            raise Invalid("view", N_("视图要写成三个数：级别,经度,纬度。"))
        return zoom
    wide = box.east - box.west if box else 6.0
    return max(0.0, min(18.0, log2(360 * 4 / wide)))


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
