"""Every name by which a region, township, zone or settlement may be written, and what it may mean: the index that reads addresses.

Built from the store at first use and kept in the process (some megabytes); a change of regions or places in the store builds it anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_
from geodata.nation import every_name
from geodata.places import Kind, Precision, Said
from geodata.places_loading import ensure_places
from geodata.regions import HOME, shared_digits
from geodata.seeds import read_seed

Strength = Literal["full", "short", "loose", "inner"]
"""full: the official or an own name. short: a region's name without its last word. loose: counts only inside a place stated before it.
inner: likewise, and only where nothing else fits."""

RANK: Final[dict[Kind, int]] = {"province": 0, "city": 1, "county": 2, "zone": 3, "settlement": 4, "township": 5, "carrier": 6}
_PEOPLES: Final = (
    "畲族|回族|壮族|维吾尔|藏族|羌族|苗族|侗族|瑶族|土家族|彝族|白族|傣族|景颇族|傈僳族|哈尼族|蒙古族?|哈萨克族?|朝鲜族|满族|布依族|仡佬族|黎族|水族|土族|撒拉族|"
    "东乡族|裕固族|保安族|柯尔克孜|塔吉克|锡伯|纳西族|普米族|怒族|独龙族|佤族|拉祜族|布朗族|达斡尔族|鄂伦春|鄂温克族|仫佬族|毛南族|各族"
)
_ADMIN: Final = re.compile(rf"(?:{_PEOPLES})*(?:特别行政区|自治[区州县旗]|地区|林区|[省市区县盟旗])$")
_TOWN: Final = re.compile(r"(?:[畲回]族)?(镇|乡|街道)$")
_TOWN_ENDINGS: Final = ("镇", "乡", "街道")
_VAGUE: Final = frozenset({"开发区", "东部新区", "滨海新区", "保税区", "滨海工业城", "高新技术产业园区", "月湖新城", "围垦区", "城关镇"})
"""Official units whose name means something only inside their county."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What a name may mean. `spans` are the adcodes inside which it lies today: several for a region that was divided; `old` says how."""

    name: str
    name_en: str
    kind: Kind
    adcode: str
    lon: float | None
    lat: float | None
    precision: Precision
    spans: tuple[str, ...]
    old: Said | None = None

    def holds(self, other: Entry) -> bool:
        """Say whether `other` lies in this region, as it is or as it was."""
        finer = RANK[self.kind] < RANK[other.kind] or (self.old is not None and other.kind == self.kind and other.old is None)
        return self is other or (finer and any(other.adcode.startswith(shared_digits(span)) for span in self.spans))

    @property
    def is_one(self) -> bool:
        """Say whether the name means one region of today: what was divided and lives on under its name does, what was abolished does not."""
        return len(self.spans) == 1 or self.old is None


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """`han` maps a Chinese name, `latin` folded letters, to what it may mean; `regions` by adcode; `longest` is the longest name."""

    regions: dict[str, Entry]
    han: dict[str, tuple[tuple[Entry, Strength], ...]]
    latin: dict[str, tuple[Entry, ...]]
    below: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    divided: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    longest: int = 0

    def above(self, adcode: str) -> str:
        """Return the full name of a region with all above it, e.g. 浙江省湖州市长兴县; empty for one that is not there."""
        line = dict.fromkeys((f"{adcode[:2]}0000", f"{adcode[:4]}00", adcode))
        return "".join(self.regions[code].name for code in line if code in self.regions)

    def is_whole(self, entry: Entry) -> bool:
        """Say whether the counties of a city or province are known, so that a county that is not among them is a contradiction."""
        return entry.kind not in ("city", "province") or entry.adcode in self.divided


def gazetteer(session: Session) -> Gazetteer:
    """Return the index of the session's database."""
    state = tuple(session.execute(text(_STATE)).one())
    found = _BUILT.get(state)
    if found is None:
        ensure_places(session)
        found = _build(session)
        while len(_BUILT) >= _KEPT:
            _BUILT.pop(next(iter(_BUILT)), None)
        _BUILT[tuple(session.execute(text(_STATE)).one())] = found
    return found


def fold(name: str) -> str:
    """Return the letters of a Latin name in small letters, without accents, spaces or signs: Lin'an → linan."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in plain if "a" <= letter <= "z")


def stem(name: str) -> str:
    """Return the name of a region without its last word, at least two characters: 长兴县 → 长兴, 景宁畲族自治县 → 景宁."""
    short = _ADMIN.sub("", name)
    return short if len(short) > 1 else name


def town_stem(name: str) -> str:
    """Return the name of a township without its last word: 和平镇 → 和平."""
    short = _TOWN.sub("", name)
    return short if len(short) > 1 else name


def _build(session: Session) -> Gazetteer:
    regions = {row.adcode: _region(row) for row in session.execute(text(_REGIONS))}
    names = _Names()
    changes = read_seed("adcode_changes")
    regions = {code: _divided(entry, changes) for code, entry in regions.items()}
    names.add_regions(regions.values())
    elsewhere = names.add_elsewhere(regions)
    names.add_old(regions, changes)
    places = session.execute(text(_PLACES)).all()
    names.add_towns([_place(row, regions) for row in places if row.kind == "township"])
    names.add_zones(((_place(row, regions), row.other_names) for row in places if row.kind == "zone"), regions)
    names.add_settlements((_place(row, regions), row.other_names) for row in places if row.kind == "settlement")
    return names.finish(regions, elsewhere)


def _region(row: Any) -> Entry:
    level: Kind = row.level
    precision: Precision = "none" if level == "province" else "city" if level == "city" else "county"
    lon, lat = (None, None) if level == "province" else (row.lon, row.lat)
    return Entry(row.name_zh, row.name_en, level, row.adcode, lon, lat, precision, (row.adcode,))


def _divided(entry: Entry, changes: list[dict[str, str]]) -> Entry:
    found = next((row for row in changes if row["old"] == entry.adcode), None)
    if found is None:
        return entry
    return replace(entry, spans=tuple(found["new"].split()))


def _renamed(row: dict[str, str], new: Iterable[Entry]) -> Said:
    return N_("“%(old)s”是 %(year)s 年以前的区划，今属%(new)s。"), {
        "old": row["old_name"],
        "year": row["since"],
        "new": "、".join(e.name for e in new),
    }


def _place(row: Any, regions: dict[str, Entry]) -> Entry:
    """Return a place; where it has no point of its own, the region's, as exact as that is."""
    region = regions[row.adcode]
    own = row.lon is not None
    lon, lat = (row.lon, row.lat) if own else (region.lon, region.lat)
    wide = row.kind == "zone" and region.kind == "city"
    said = (N_("“%(zone)s”跨几个区，只知道到市。"), {"zone": row.name_zh}) if wide else None
    return Entry(row.name_zh, row.name_en, row.kind, row.adcode, lon, lat, "township" if own else region.precision, (row.adcode,), said)


class _Names:
    """Collects names while the index is built."""

    def __init__(self) -> None:
        self.han: dict[str, dict[Entry, Strength]] = {}
        self.latin: dict[str, dict[Entry, None]] = {}
        self.below: dict[str, list[Entry]] = {}

    def add(self, name: str, entry: Entry, strength: Strength) -> None:
        if len(name) > 1:
            self.han.setdefault(name, {}).setdefault(entry, strength)

    def add_regions(self, regions: Iterable[Entry]) -> None:
        for entry in regions:
            self.add(entry.name, entry, "full")
            self.add(stem(entry.name), entry, "short")
            self._spell(entry, stem(entry.name_en))
            self._under(entry)

    def add_elsewhere(self, regions: dict[str, Entry]) -> frozenset[str]:
        """Add counties whose city alone is loaded, as good as that city; return the names of what is not loaded at all."""
        whole = every_name()
        often = Counter(whole.values())
        for code, name in whole.items():
            city = regions.get(f"{code[:4]}00")
            if code in regions or city is None:
                continue
            entry = Entry(name, name, "county", city.adcode, city.lon, city.lat, city.precision, (city.adcode,))
            self.add(name, entry, "full" if often[name] == 1 and name not in self.han else "loose")
        lost = {code: name for code, name in whole.items() if f"{code[:2]}0000" not in regions and name not in self.han}
        short = (stem(name) for code, name in lost.items() if code.endswith("00"))
        return frozenset([*lost.values(), *(name for name in short if name not in self.han)])

    def add_old(self, regions: dict[str, Entry], changes: list[dict[str, str]]) -> None:
        for row in changes:
            new = tuple(code for code in row["new"].split() if code in regions)
            name = row["old_name"]
            if not new or len(name) < 2 or name in self.han or name == "郊区":
                continue
            whole = regions[new[0]]
            entry = Entry(name, "", whole.kind, new[0], whole.lon, whole.lat, whole.precision, new, _renamed(row, (regions[code] for code in new)))
            self.add(name, entry, "full")
            if stem(name) not in self.han:
                self.add(stem(name), entry, "short")

    def add_towns(self, towns: list[Entry]) -> None:
        for entry in towns:
            self.add(entry.name, entry, "loose" if entry.name in _VAGUE else "full")
            self._spell(entry, entry.name_en)
            self._under(entry)
        official = {entry.name for entry in towns}
        for entry in towns:
            for ending in ("", *_TOWN_ENDINGS):
                if (variant := town_stem(entry.name) + ending) not in official:
                    self.add(variant, entry, "loose")

    def add_zones(self, zones: Iterable[tuple[Entry, list[str]]], regions: dict[str, Entry]) -> None:
        for entry, others in zones:
            codes: tuple[tuple[str, Strength], ...] = ((f"{entry.adcode[:4]}00", "loose"), (entry.adcode, "inner"))
            near = [(stem(regions[code].name), strength) for code, strength in codes if code in regions]
            for name in (entry.name, *others):
                self.add(name, entry, "full")
                for prefix, strength in near:
                    if name.startswith(prefix) and len(name) > len(prefix) + 2:
                        self.add(name.removeprefix(prefix), entry, strength)
            self._spell(entry, entry.name_en)

    def add_settlements(self, settlements: Iterable[tuple[Entry, list[str]]]) -> None:
        """Add what is neither a region nor a township of the same county; a name that an official unit has counts only inside its region."""
        for entry, others in settlements:
            names = (entry.name, *others)
            taken = {town_stem(stem(other.name)) for other in self.below.get(entry.adcode, [])} | {stem(o) for o in self._line(entry.adcode)}
            if any(town_stem(stem(name)) in taken for name in names):
                continue
            known = any(other.kind != "settlement" for other in self.han.get(entry.name, {}))
            self.add(entry.name, entry, "loose" if known or len(entry.name) < 3 or entry.name in _VAGUE else "full")
            for name in others:
                self.add(name, entry, "loose")
            if entry.adcode.startswith(shared_digits(HOME)):
                self._spell(entry, entry.name_en)

    def finish(self, regions: dict[str, Entry], elsewhere: frozenset[str]) -> Gazetteer:
        han = {name: tuple(found.items()) for name, found in self.han.items()}
        divided = frozenset(
            code for entry in regions.values() if entry.kind == "county" for code in (f"{entry.adcode[:4]}00", f"{entry.adcode[:2]}0000")
        )
        below = {code: tuple(found) for code, found in self.below.items()}
        latin = {name: tuple(found) for name, found in self.latin.items()}
        return Gazetteer(regions, han, latin, below, divided, elsewhere, max(map(len, han), default=0))

    def _line(self, adcode: str) -> list[str]:
        codes = (adcode, f"{adcode[:4]}00")
        return [entry.name for code in codes for entry in self.below.get(_over(code), ()) if entry.adcode == code and RANK[entry.kind] < 3]

    def _spell(self, entry: Entry, name: str) -> None:
        if key := fold(name):
            self.latin.setdefault(key, {})[entry] = None

    def _under(self, entry: Entry) -> None:
        over = entry.adcode if RANK[entry.kind] > 2 else _over(entry.adcode)
        self.below.setdefault(over, []).append(entry)


def _over(adcode: str) -> str:
    """Return the adcode one level up by its digits; a province hangs on the empty one."""
    if adcode[4:] != "00":
        return f"{adcode[:4]}00"
    return f"{adcode[:2]}0000" if adcode[2:4] != "00" else ""


_KEPT: Final = 2
_BUILT: dict[tuple[Any, ...], Gazetteer] = {}

_STATE = """
SELECT current_database(), pg_postmaster_start_time(), r.rows, r.names, p.rows, p.last
FROM (SELECT count(*) AS rows, sum(hashtext(adcode || name_zh)) AS names FROM region) r, (SELECT count(*) AS rows, max(id) AS last FROM place) p
"""

_REGIONS = "SELECT adcode, level, name_zh, name_en, ST_X(point) AS lon, ST_Y(point) AS lat FROM region WHERE level <> 'zone' ORDER BY adcode"

_PLACES = "SELECT kind, name_zh, name_en, other_names, adcode, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM place ORDER BY code"
