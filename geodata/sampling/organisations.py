"""The invented carriers, enterprises, founder teams and authorities of the sample world, as columns ready for COPY.

More stand where more people live, and in the home province where a policy of the sample is lived by: 玉环, 长兴 and the counties of 湖州.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.bulk import NULL, copy_columns, points, quoted, take_block
from geodata.organisations import Organisation, Site
from geodata.regions import HOME
from geodata.sampling.names import CARRIERS, MARK, Namer, Trade, credit_code, plain, trades_of
from geodata.sampling.places import County, counties, drawn, near
from geodata.sampling.world import NO_VOUCHERS, SIZES, SOURCE, Land

YUHUAN: Final = "331083"
CHANGXING: Final = "330522"
WUXING: Final = "330502"
HUZHOU: Final = "330500"
TAIZHOU: Final = "331000"
ZHEJIANG: Final = HOME
DEMO_FUNDERS: Final = (YUHUAN, HUZHOU)
"""Regions whose policies have demo officers."""

DEMO_ENTERPRISES: Final = ("SAMPLE-E-00001", "SAMPLE-E-00002")
"""Codes of the enterprises that the demo log-ins act for: one of 玉环 (post-subsidy), one of 长兴 (offset)."""

DEMO_CARRIERS: Final = ("SAMPLE-C-0001", "SAMPLE-C-0002")
"""Codes of the invented carriers that the demo log-ins act for, in 湖州 and in 玉环."""

RELATED: Final = ("SAMPLE-E-00003", "SAMPLE-C-0002")
"""An enterprise and a carrier of 玉环 under one controller: a voucher between them is refused."""

_TOWN_M: Final = 3_500.0
"""Standard deviation of a firm's distance from the middle of its county, per axis."""

_SHARES: Final[dict[str, float]] = {YUHUAN: 0.18, CHANGXING: 0.10, HUZHOU: 0.18}
_PAPER_SHARES: Final[dict[str, float]] = {
    YUHUAN: 0.0200, CHANGXING: 0.0258, HUZHOU: 0.0703,
    "330100": 0.1161, "330200": 0.1069, "330300": 0.1074, "330400": 0.0879, "330600": 0.0874, "330700": 0.0967, "330800": 0.0650,
    "330900": 0.0513, "331000": 0.0747, "331100": 0.0674,
}  # fmt: skip
"""Parts of all enterprises by county, or by city less the counties named here; what is left follows the population of the province.

In small worlds the places with demo officers have many. In the others 长兴 has about 300 firms and no city issues more than 湖州, as the paper
tells; the cities between are an assumption (population to the power of 0.35).
"""


@dataclass(frozen=True)
class _Seats:
    """Organisations to be written: where each stands, under which code and name, as what."""

    places: list[County]
    codes: list[str]
    names: list[str]
    kinds: list[str]
    carrier_kinds: list[str]
    levels: list[str]
    sizes: list[str]

    def __add__(self, other: _Seats) -> _Seats:
        return _Seats(*(mine + yours for mine, yours in zip(vars(self).values(), vars(other).values(), strict=True)))


def lay_organisations(session: Session, land: Land, rng: np.random.Generator) -> None:
    """Write the invented carriers, enterprises and teams of a province with their sites; credit codes count through all of them."""
    namer, places = Namer(), counties(session, land.province)
    seats = _carriers(land, _seats_of_carriers(land, places, rng), namer, rng) + _enterprises(
        land, _seats_of_enterprises(land, places, rng), namer, rng
    )
    controllers = _control(seats, land, rng)
    before, count = land.before.carriers + land.before.enterprises, len(seats.codes)
    first = take_block(session, Organisation, count)
    columns: dict[str, Any] = {"id": np.arange(first, first + count), "code": seats.codes, "name_zh": seats.names, "kind": seats.kinds}
    columns |= {"carrier_kind": seats.carrier_kinds, "level": seats.levels, "size_class": seats.sizes, "controller": controllers}
    columns |= {"credit_code": [credit_code(before + n + 1) for n in range(count)], "adcode": [place.adcode for place in seats.places]}
    copy_columns(session, Organisation, columns | {"is_sample": True, "source": SOURCE}, count)
    site = take_block(session, Site, count)
    stands: dict[str, Any] = {"id": np.arange(site, site + count), "organisation_id": columns["id"], "geom": points(near(seats.places, _TOWN_M, rng))}
    stands |= {"name": "", "precision": "point", "source_crs": "WGS84", "adcode": columns["adcode"], "source": SOURCE}
    copy_columns(session, Site, stands, count)


def lay_authorities(session: Session, provinces: Sequence[str]) -> None:
    """Write the invented offices of all funders of these provinces: KJ reviews, CZ approves and pays, SJ audits; the home province plans."""
    rows = [office for region, name in funders(session, provinces).items() for office in _offices(region, name)]
    rows.append((f"SAMPLE-A-{ZHEJIANG}-KJ", ZHEJIANG, "浙江省科技厅"))
    first = take_block(session, Organisation, len(rows))
    codes, regions, names = (list(column) for column in zip(*rows, strict=True))
    columns: dict[str, Any] = {"id": np.arange(first, first + len(rows)), "code": codes, "adcode": regions}
    columns |= {"name_zh": [MARK + name for name in names], "kind": "authority", "is_sample": True, "source": SOURCE}
    copy_columns(session, Organisation, columns, len(rows))


def funders(session: Session, provinces: Sequence[str]) -> dict[str, str]:
    """Return the regions that give vouchers in the sample, with their names: at home the cities (in 台州 its counties) and 长兴, other provinces."""
    rows = session.execute(text(_FUNDERS), {"home": ZHEJIANG, "inside": f"{ZHEJIANG[:2]}%", "taizhou": TAIZHOU, "changxing": CHANGXING})
    found = {row.adcode: row.name_zh for row in rows}
    others = [code for code in provinces if code not in (ZHEJIANG, *NO_VOUCHERS)]
    names = session.execute(text("SELECT adcode, name_zh FROM region WHERE adcode = ANY(:codes) ORDER BY adcode"), {"codes": others})
    return found | {row.adcode: row.name_zh for row in names}


def _offices(region: str, name: str) -> Iterator[tuple[str, str, str]]:
    rank = "厅" if region.endswith("0000") and not name.endswith("市") else "局"
    for ending, office in (("KJ", "科技"), ("CZ", "财政"), ("SJ", "审计")):
        yield f"SAMPLE-A-{region}-{ending}", region, name + office + rank


def _seats_of_carriers(land: Land, places: Sequence[County], rng: np.random.Generator) -> list[County]:
    by_code = {place.adcode: place for place in places}
    fixed = [by_code[code] for code in (WUXING, YUHUAN, CHANGXING, YUHUAN, CHANGXING, WUXING)] if land.province == HOME else []
    count = land.size.carriers
    return [*fixed[:count], *drawn(max(0, count - len(fixed)), places, rng)]


def _seats_of_enterprises(land: Land, places: Sequence[County], rng: np.random.Generator) -> list[County]:
    """Seat the enterprises: the first three in 玉环, 长兴 and 玉环, then the shares of counties and cities, then all by population."""
    count = land.size.enterprises
    if land.province != HOME or not count:
        return drawn(count, places, rng)
    by_code = {place.adcode: place for place in places}
    shares = _PAPER_SHARES if land.size == SIZES["paper"] else _SHARES
    seats = [by_code[YUHUAN], by_code[CHANGXING], by_code[YUHUAN]]
    for region, share in shares.items():
        inside = [by_code[region]] if region in by_code else [p for p in places if p.adcode[:4] == region[:4] and p.adcode not in shares]
        seats += drawn(int(count * share), inside, rng)
    return (seats + drawn(max(0, count - len(seats)), places, rng))[:count]


def _carriers(land: Land, places: list[County], namer: Namer, rng: np.random.Generator) -> _Seats:
    count, demo = len(places), len(DEMO_CARRIERS) if land.province == HOME else 0
    kinds = rng.choice(len(CARRIERS), count, p=[share for _, _, share in CARRIERS])
    kinds[:demo] = 1
    trades = _trades(places, demo, rng)
    words = [trade.word + CARRIERS[kind][1] for trade, kind in zip(trades, kinds.tolist(), strict=True)]
    names = [_name(namer, place, word, plainly=n < demo) for n, (place, word) in enumerate(zip(places, words, strict=True))]
    codes = [f"SAMPLE-C-{land.before.carriers + n + 1:04d}" for n in range(count)]
    levels = np.array(("county", "city", "province"))[rng.choice(3, count, p=(0.4, 0.35, 0.25))].tolist()
    return _Seats(places, codes, names, ["carrier"] * count, [CARRIERS[kind][0] for kind in kinds.tolist()], levels, [NULL] * count)


def _enterprises(land: Land, places: list[County], namer: Namer, rng: np.random.Generator) -> _Seats:
    """Name the enterprises; about a twelfth are founder teams, not among the first ten and not in 玉环, whose rule knows none."""
    count, demo = len(places), len(DEMO_ENTERPRISES) if land.province == HOME else 0
    sizes = rng.choice(("micro", "small", "medium", "large"), count, p=(0.35, 0.40, 0.18, 0.07)).tolist()
    chance, trades = (rng.random(count) < 0.08).tolist(), _trades(places, min(demo + 1, 3), rng)
    teams = [team and n >= 10 and place.adcode != YUHUAN for n, (team, place) in enumerate(zip(chance, places, strict=True))]
    words = [trade.word + ("创业团队" if team else "有限公司") for trade, team in zip(trades, teams, strict=True)]
    names = [_name(namer, place, word, plainly=n < demo) for n, (place, word) in enumerate(zip(places, words, strict=True))]
    codes = [f"SAMPLE-E-{land.before.enterprises + n + 1:05d}" for n in range(count)]
    kinds = ["team" if team else "enterprise" for team in teams]
    none = [NULL] * count
    return _Seats(places, codes, names, kinds, none, none, ["micro" if team else size for team, size in zip(teams, sizes, strict=True)])


def _trades(places: Sequence[County], first: int, rng: np.random.Generator) -> list[Trade]:
    """Draw a trade of its place for each; the `first` ones get the foremost."""
    luck = rng.random(len(places)).tolist()
    known = {place.adcode: trades_of(place.adcode) for place in places}
    return [known[p.adcode][0 if n < first else int(luck[n] * len(known[p.adcode]))] for n, p in enumerate(places)]


def _name(namer: Namer, place: County, word: str, *, plainly: bool) -> str:
    return f"{MARK}{_town(place)}{word}" if plainly else quoted(namer.name(_town(place), word))


def _control(seats: _Seats, land: Land, rng: np.random.Generator) -> list[str]:
    """Put about 15 % of the enterprises under controllers of two, and a few of them under that of a carrier of their city."""
    at = {code: n for n, code in enumerate(seats.codes)}
    found = [NULL] * len(seats.codes)
    apart = {at[code] for code in (*DEMO_ENTERPRISES, *DEMO_CARRIERS, *RELATED) if code in at}
    free = np.array([n for n, kind in enumerate(seats.kinds) if kind == "enterprise" and n not in apart], dtype=int)
    chosen = rng.permutation(free)[: int(len(free) * 0.15)].tolist()
    for n, row in enumerate(chosen):
        found[row] = f"{MARK}控制人 {land.before.enterprises // 2 + n // 2 + 2}"
    by_city = _carriers_by_city(seats, apart)
    for row in chosen[:: max(1, len(chosen) // 12)]:
        near_by = [c for c in by_city.get(seats.places[row].adcode[:4], []) if found[c] == NULL]
        if near_by:
            found[near_by[int(rng.integers(len(near_by)))]] = found[row]
    for code in RELATED:
        if code in at:
            found[at[code]] = f"{MARK}控制人 1"
    return found


def _carriers_by_city(seats: _Seats, apart: set[int]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for n, kind in enumerate(seats.kinds):
        if kind == "carrier" and n not in apart:
            found.setdefault(seats.places[n].adcode[:4], []).append(n)
    return found


def _town(place: County) -> str:
    """Return the word for a place in a name: districts go by their city in 湖州, everything else by its own name."""
    return "湖州" if place.adcode == WUXING else plain(place.name)


_FUNDERS: Final = """
SELECT adcode, name_zh FROM region
WHERE level = 'city' AND parent_adcode = :home AND adcode <> :taizhou AND adcode LIKE :inside
    OR level = 'county' AND parent_adcode = :taizhou OR adcode = :changxing ORDER BY adcode
"""
