"""The invented carriers, enterprises, founder teams and authorities of the sample world, as rows ready for COPY.

More stand where more people live; 玉环 and the counties of 湖州 have many, since their policies are the ones that the sample lives by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import cos, radians
from typing import Any, Final

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.loading import ewkb, take_ids
from geodata.organisations import Organisation, Site
from geodata.regions import HOME, shared_digits
from geodata.sampling.names import CARRIERS, MARK, Namer, Trade, credit_code, plain, trades_of
from geodata.sampling.world import SOURCE, Size

YUHUAN: Final = "331083"
CHANGXING: Final = "330522"
WUXING: Final = "330502"
HUZHOU: Final = "330500"
ZHEJIANG: Final = HOME
FUNDERS: Final = (YUHUAN, HUZHOU)

DEMO_ENTERPRISES: Final = ("SAMPLE-E-00001", "SAMPLE-E-00002")
"""Codes of the enterprises that the demo log-ins act for: one of 玉环 (post-subsidy), one of 长兴 (offset)."""

DEMO_CARRIERS: Final = ("SAMPLE-C-0001", "SAMPLE-C-0002")
"""Codes of the invented carriers that the demo log-ins act for, in 湖州 and in 玉环."""

RELATED: Final = ("SAMPLE-E-00003", "SAMPLE-C-0002")
"""An enterprise and a carrier of 玉环 under one controller: a voucher between them is refused."""

_METRE: Final = 1 / 111_195
_TOWN_M: Final = 3_500.0
"""Standard deviation of a firm's distance from the middle of its county, per axis."""

_SHARES: Final = {YUHUAN: 0.18, CHANGXING: 0.10, HUZHOU: 0.18}
"""Parts of all enterprises in 玉环, in 长兴 and in the other counties of 湖州; the rest follow the population."""


@dataclass(frozen=True)
class County:
    """A county with the point of its name, its boundary (EPSG:4326) and its weight: the population, estimated where it is unknown."""

    adcode: str
    name: str
    lon: float
    lat: float
    shape: Any
    weight: float


@dataclass
class Roll:
    """The rows made so far, and what goes around while they are made."""

    rng: np.random.Generator
    namer: Namer = field(default_factory=Namer)
    organisations: list[dict[str, Any]] = field(default_factory=list)
    sites: list[dict[str, Any]] = field(default_factory=list)
    trades: dict[int, Trade] = field(default_factory=dict)


def counties(session: Session) -> list[County]:
    """Return the counties of Zhejiang in order of their adcodes."""
    rows = session.execute(text(_COUNTIES), {"home": shared_digits(ZHEJIANG) + "%"}).all()
    found = []
    for row in rows:
        shape = shapely.from_wkb(bytes(row.shape))
        shapely.prepare(shape)
        found.append(County(row.adcode, row.name_zh, row.lon, row.lat, shape, float(row.weight)))
    return found


def roll_of(session: Session, size: Size, places: Sequence[County], rng: np.random.Generator) -> Roll:
    """Invent all organisations of a world of `size` with their sites; credit codes count through all of them."""
    roll = Roll(rng)
    ids = iter(take_ids(session, Organisation, size.carriers + size.enterprises + len(AUTHORITIES)))
    _carriers(roll, ids, _seats_of_carriers(size.carriers, places, rng))
    _enterprises(roll, ids, _seats_of_enterprises(size.enterprises, places, rng))
    _authorities(roll, ids)
    _control(roll)
    for key, site in zip(take_ids(session, Site, len(roll.sites)), roll.sites, strict=True):
        site["id"] = key
    return roll


def near(place: County, spread: float, rng: np.random.Generator, *, middle: tuple[float, float] | None = None) -> tuple[float, float]:
    """Draw a point inside the county about `middle` (default: the point of its name), `spread` metres per axis; the middle when none fits."""
    lon, lat = middle or (place.lon, place.lat)
    for east, north in rng.normal(0.0, spread * _METRE, (20, 2)):
        spot = (round(lon + east / cos(radians(lat)), 6), round(lat + north, 6))
        if place.shape.contains(shapely.Point(spot)):
            return spot
    return lon, lat


def _seats_of_carriers(count: int, places: Sequence[County], rng: np.random.Generator) -> list[County]:
    by_code = {place.adcode: place for place in places}
    fixed = [by_code[code] for code in (WUXING, YUHUAN, CHANGXING, YUHUAN, CHANGXING, WUXING)]
    return [*fixed[:count], *_drawn(max(0, count - len(fixed)), places, rng)]


def _seats_of_enterprises(count: int, places: Sequence[County], rng: np.random.Generator) -> list[County]:
    """Seat the enterprises: the first three in 玉环, 长兴 and 玉环, then the shares of the places with a policy, then all by population."""
    by_code = {place.adcode: place for place in places}
    huzhou = [place for place in places if place.adcode.startswith(HUZHOU[:4])]
    seats = [by_code[YUHUAN], by_code[CHANGXING], by_code[YUHUAN]]
    seats += [by_code[YUHUAN]] * int(count * _SHARES[YUHUAN]) + [by_code[CHANGXING]] * int(count * _SHARES[CHANGXING])
    seats += _drawn(int(count * _SHARES[HUZHOU]), huzhou, rng)
    return (seats + _drawn(max(0, count - len(seats)), places, rng))[:count]


def _drawn(count: int, places: Sequence[County], rng: np.random.Generator) -> list[County]:
    weights = np.array([place.weight for place in places])
    return [places[n] for n in rng.choice(len(places), count, p=weights / weights.sum())]


def _carriers(roll: Roll, ids: Iterator[int], seats: Sequence[County]) -> None:
    kinds = roll.rng.choice(len(CARRIERS), len(seats), p=[share for _, _, share in CARRIERS])
    for n, place in enumerate(seats):
        kind, word, _ = CARRIERS[1] if n < len(DEMO_CARRIERS) else CARRIERS[kinds[n]]
        trade = trades_of(place.adcode)[0 if n < len(DEMO_CARRIERS) else roll.rng.integers(len(trades_of(place.adcode)))]
        name = roll.namer.name(_town(place), trade.word + word, turn=n) if n >= len(DEMO_CARRIERS) else f"{MARK}{_town(place)}{trade.word}{word}"
        level = ("county", "city", "province")[roll.rng.choice(3, p=(0.4, 0.35, 0.25))]
        row = _organisation(next(ids), f"SAMPLE-C-{n + 1:04d}", name, place.adcode) | {"kind": "carrier", "carrier_kind": kind, "level": level}
        _enter(roll, row, place)
        roll.trades[row["id"]] = trade


def _enterprises(roll: Roll, ids: Iterator[int], seats: Sequence[County]) -> None:
    sizes = roll.rng.choice(("micro", "small", "medium", "large"), len(seats), p=(0.35, 0.40, 0.18, 0.07))
    teams = roll.rng.random(len(seats)) < 0.08
    for n, place in enumerate(seats):
        team = bool(teams[n]) and n >= 10
        trade = trades_of(place.adcode)[0 if n < 3 else roll.rng.integers(len(trades_of(place.adcode)))]
        word = f"{trade.word}创业团队" if team else f"{trade.word}有限公司"
        name = f"{MARK}{_town(place)}{word}" if n < len(DEMO_ENTERPRISES) else roll.namer.name(_town(place), word, turn=n * 7)
        row = _organisation(next(ids), f"SAMPLE-E-{n + 1:05d}", name, place.adcode)
        _enter(roll, row | {"kind": "team" if team else "enterprise", "size_class": "micro" if team else str(sizes[n])}, place)


def _authorities(roll: Roll, ids: Iterator[int]) -> None:
    for code, adcode, name in AUTHORITIES:
        roll.organisations.append(_organisation(next(ids), code, MARK + name, adcode) | {"kind": "authority", "credit_code": None})


def _control(roll: Roll) -> None:
    """Put about 15 % of the enterprises under controllers of two or three, and a few of them under that of a carrier of their city."""
    rng, by_code = roll.rng, {row["code"]: row for row in roll.organisations}
    free = [row for row in roll.organisations if row["kind"] == "enterprise" and row["code"] not in (*DEMO_ENTERPRISES, *RELATED)]
    chosen = [free[n] for n in rng.permutation(len(free))[: int(len(free) * 0.15)]]
    for n, row in enumerate(chosen):
        row["controller"] = f"{MARK}控制人 {n // 2 + 2}"
    carriers = [row for row in roll.organisations if row["kind"] == "carrier" and row["code"] not in DEMO_CARRIERS]
    for row in chosen[:: max(1, len(chosen) // 12)]:
        near_by = [c for c in carriers if c["adcode"][:4] == row["adcode"][:4] and c["controller"] is None]
        if near_by:
            near_by[int(rng.integers(len(near_by)))]["controller"] = row["controller"]
    for code in RELATED:
        by_code[code]["controller"] = f"{MARK}控制人 1"


def _enter(roll: Roll, row: dict[str, Any], place: County) -> None:
    roll.organisations.append(row | {"credit_code": credit_code(len(roll.organisations) + 1)})
    spot = near(place, _TOWN_M, roll.rng)
    names = {"organisation_id": row["id"], "name": "", "precision": "point", "source_crs": "WGS84", "adcode": place.adcode, "source": SOURCE}
    roll.sites.append({"id": 0, "geom": ewkb(shapely.Point(spot)), **names})


def _organisation(key: int, code: str, name: str, adcode: str) -> dict[str, Any]:
    empty = dict.fromkeys(("name_en", "kind", "carrier_kind", "level", "credit_code", "size_class", "controller", "website"))
    return {"id": key, "code": code, "name_zh": name, "adcode": adcode, **empty, "is_sample": True, "source": SOURCE}


def _town(place: County) -> str:
    """Return the word for a place in a name: districts go by their city in 湖州, everything else by its own name."""
    return "湖州" if place.adcode == WUXING else plain(place.name)


AUTHORITIES: Final = (
    ("SAMPLE-A-331083-KJ", YUHUAN, "玉环市科技局"),
    ("SAMPLE-A-331083-CZ", YUHUAN, "玉环市财政局"),
    ("SAMPLE-A-331083-SJ", YUHUAN, "玉环市审计局"),
    ("SAMPLE-A-330500-KJ", HUZHOU, "湖州市科技局"),
    ("SAMPLE-A-330500-CZ", HUZHOU, "湖州市财政局"),
    ("SAMPLE-A-330500-SJ", HUZHOU, "湖州市审计局"),
    ("SAMPLE-A-330000-KJ", ZHEJIANG, "浙江省科技厅"),
)
"""Invented offices: code, region, name. KJ reviews, CZ approves and pays, SJ audits, the province plans."""

_COUNTIES: Final = """
WITH known AS (
    SELECT c.adcode, c.parent_adcode, c.population, p.population AS city, sum(c.population) OVER w AS counted,
           count(*) FILTER (WHERE c.population IS NULL) OVER w AS unknown
    FROM region c JOIN region p ON p.adcode = c.parent_adcode WHERE c.level = 'county' AND c.adcode LIKE :home
    WINDOW w AS (PARTITION BY c.parent_adcode))
SELECT r.adcode, r.name_zh, ST_X(r.point) AS lon, ST_Y(r.point) AS lat, ST_AsBinary(r.geom) AS shape,
       coalesce(k.population, greatest(k.city - coalesce(k.counted, 0), 50000 * k.unknown) / k.unknown, 300000) AS weight
FROM region r JOIN known k ON k.adcode = r.adcode ORDER BY r.adcode
"""
