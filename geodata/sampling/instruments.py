"""The sample instruments and what is opened of them, as columns ready for COPY: on real and invented carriers, all marked as sample.

A carrier known for a trade gets that trade's types more often; the rest is drawn by weight. Every carrier has at least one open instrument
where there are enough. Prices are examples, not offers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.bulk import copy_columns, points, take_block
from geodata.instruments import Instrument, Listing
from geodata.regions import shared_digits
from geodata.sampling.names import trade_in
from geodata.sampling.places import County, counties, near
from geodata.sampling.types import ALWAYS_OPEN, DESCRIPTORS, PATTERN_SHARES, PATTERNS, opening, profile, shares, specs
from geodata.sampling.world import SOURCE, Land
from geodata.seeds import read_seed

OPEN: Final = 0.85
_AT_TRADE: Final = 0.5
"""Part of the instruments of a type that stand at a carrier of a trade that lives on the type, where there is one."""

_CAMPUS_M: Final = 80.0
"""Standard deviation of an instrument's distance from the point of its campus, per axis; cut at `_CAMPUS_MOST`."""
_CAMPUS_MOST: Final = 200.0
_QUIET: Final = frozenset(("艺术类", "语言类", "政法类", "财经类", "体育类"))
_UNIVERSITY, _COLLEGE, _ARTS = 16.0, 3.0, 0.3
"""Weights of a campus in a large world, where an invented carrier has 1; in a small one they are drawn together (`_calmed`)."""

_STATES: Final = ("working", "maintenance", "retired")
_SHARED, _JOB, _JOINT = 0.45, 0.25, 0.3
"""Parts of the open instruments that others may use themselves and that come with development; and of the latter what is done jointly."""

_JOB_YUAN: Final = (33_000, 0.5, 8_000, 98_000)
"""Price of a development: median, spread of its logarithm, least and most."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """An instrument type of the store."""

    id: int
    name: str
    class_code: str


@dataclass(frozen=True)
class Spot:
    """A site of a carrier where instruments may stand, and its weight in the draw."""

    organisation_id: int
    site_id: int
    name: str
    lon: float
    lat: float
    precision: str
    adcode: str
    weight: float


@dataclass(frozen=True)
class _Drawn:
    """The instruments of a province: index of type and spot, grade 0 to 2, index of state, openness, the number within their type."""

    kind: Ints
    spot: Ints
    grade: Ints
    state: Ints
    is_open: NDArray[np.bool_]
    nth: Ints


def kinds(session: Session) -> list[Kind]:
    """Return all instrument types in the order of the fact table."""
    return [Kind(*row) for row in session.execute(text("SELECT id, name_zh, class_code FROM instrument_type ORDER BY id"))]


def spots(session: Session, land: Land, rng: np.random.Generator) -> list[Spot]:
    """Return where instruments may stand: campuses, research institutes, invented carriers. Hospitals, firms and offices get none."""
    heavy = {row["code"]: _university_weight(row) for row in read_seed("universities")}
    rows = session.execute(text(_SPOTS), {"inside": shared_digits(land.province) + "%"}).all()
    noise = rng.lognormal(0.0, 0.6, len(rows)).tolist()
    calmed = 1.0 if land.size.is_large else 0.35
    names = ("organisation_id", "site_id", "name", "lon", "lat", "precision", "adcode")
    return [
        Spot(**{name: getattr(row, name) for name in names}, weight=heavy.get(row.code, 1.0) ** calmed * factor)
        for row, factor in zip(rows, noise, strict=True)
    ]


def lay_instruments(session: Session, land: Land, rng: np.random.Generator) -> None:
    """Write the instruments of a province over all types, each type at least a few times and open, and their listings."""
    types, where, count = kinds(session), spots(session, land, rng), land.size.instruments
    drawn = _draw(land, types, where, rng)
    first = take_block(session, Instrument, count)
    columns = _rows(land, types, where, drawn=drawn, rng=rng)
    columns |= {"id": np.arange(first, first + count), "geom": points(_stands(where, drawn.spot, counties(session, land.province), rng))}
    copy_columns(session, Instrument, columns, count)
    _list(session, types, drawn, np.arange(first, first + count), rng)


def _draw(land: Land, types: Sequence[Kind], where: Sequence[Spot], rng: np.random.Generator) -> _Drawn:
    counts = shares([kind.name for kind in types], land.size.instruments)
    kind = np.repeat(np.arange(len(types)), counts)
    nth = np.arange(len(kind)) - np.repeat(np.cumsum(counts) - counts, counts)
    spot = _seats(types, counts, where, rng)
    owner = np.unique([one.organisation_id for one in where], return_inverse=True)[1]
    _spread(spot, owner, rng)
    grade = rng.choice(3, len(kind), p=(0.35, 0.45, 0.20))
    state, is_open = _states(nth, len(kind), len(types), rng)
    _open_one_each(owner[spot], state, is_open)
    return _Drawn(kind, spot, grade, state, is_open, nth)


def _seats(types: Sequence[Kind], counts: Ints, where: Sequence[Spot], rng: np.random.Generator) -> Ints:
    """Draw where the instruments of each type stand, type by type."""
    weights = np.array([spot.weight for spot in where])
    trades = [trade_in(spot.name) for spot in where]
    found = []
    for kind, number in zip(types, counts.tolist(), strict=True):
        chances = weights / weights.sum()
        special = np.where([trade is not None and kind.name in trade.types for trade in trades], weights, 0.0)
        if special.any():
            chances = (1 - _AT_TRADE) * chances + _AT_TRADE * special / special.sum()
        found.append(rng.choice(len(where), number, p=chances))
    return np.concatenate(found)


def _spread(spot: Ints, owner: Ints, rng: np.random.Generator) -> None:
    """Give a carrier without any instrument one of a carrier that has four or more, as far as they go."""
    has = np.bincount(owner[spot], minlength=owner.max() + 1)
    without = np.flatnonzero(has == 0).tolist()
    first_spot = {int(one): n for n, one in reversed(list(enumerate(owner.tolist())))}
    for n in rng.permutation(len(spot)).tolist():
        if not without:
            return
        if has[owner[spot[n]]] >= 4:
            has[owner[spot[n]]] -= 1
            spot[n] = first_spot[without.pop()]


def _states(nth: Ints, count: int, types: int, rng: np.random.Generator) -> tuple[Ints, NDArray[np.bool_]]:
    """Draw status and openness: the first of a type always work and are open, so that every need finds something."""
    always = types * ALWAYS_OPEN
    chance = (OPEN * count - always) / max(1, count - always) if count > always else OPEN
    state = rng.choice(3, count, p=(0.94, 0.05, 0.01))
    first = nth < ALWAYS_OPEN
    is_open = first | ((rng.random(count) < chance) & (state != 2))
    return np.where(first, 0, state), is_open


def _open_one_each(owner: Ints, state: Ints, is_open: NDArray[np.bool_]) -> None:
    """Let every carrier that has an instrument have one that works and is open."""
    fine = np.zeros(owner.max() + 1, dtype=bool)
    fine[owner[is_open & (state == 0)]] = True
    owners, first = np.unique(owner, return_index=True)
    lacking = first[~fine[owners]]
    state[lacking], is_open[lacking] = 0, True


def _rows(land: Land, types: Sequence[Kind], where: Sequence[Spot], *, drawn: _Drawn, rng: np.random.Generator) -> dict[str, Any]:
    count, spot, kind, grade = len(drawn.kind), drawn.spot.tolist(), drawn.kind.tolist(), drawn.grade.tolist()
    usual = np.array([profile(one.name, one.class_code).value for one in types])[drawn.kind]
    value = np.round(usual * rng.lognormal(0.0, 0.3, count) * np.array((0.7, 1.0, 1.6))[drawn.grade], 1)
    words = rng.integers(len(DESCRIPTORS), size=count).tolist()
    hours = [json.dumps(opening(n)) for n in range(len(PATTERNS))]
    data = [[json.dumps(specs(one.name, best), ensure_ascii=False) for best in range(3)] for one in types]
    return {
        "code": [f"SAMPLE-I-{land.before.instruments + n + 1:06d}" for n in range(count)],
        "organisation_id": np.array([one.organisation_id for one in where])[drawn.spot],
        "site_id": np.array([one.site_id for one in where])[drawn.spot],
        "type_id": np.array([one.id for one in types])[drawn.kind],
        "name": [f"{types[k].name}（{DESCRIPTORS[word]}）" for k, word in zip(kind, words, strict=True)],
        "model": [f"示例型 {types[k].id:03d}-{best + 1}" for k, best in zip(kind, grade, strict=True)],
        "maker": "示例厂商",
        "value": (value * 10).round().astype(np.int64) * 100_000,
        "precision": [where[n].precision for n in spot],
        "source_crs": "WGS84",
        "adcode": [where[n].adcode for n in spot],
        "hours": [hours[n] for n in rng.choice(len(PATTERNS), count, p=PATTERN_SHARES).tolist()],
        "specs": [data[k][best] for k, best in zip(kind, grade, strict=True)],
        "status": [_STATES[n] for n in drawn.state.tolist()],
        "is_open": drawn.is_open,
        "is_sample": True,
        "source": SOURCE,
    }


def _stands(where: Sequence[Spot], spot: Ints, places: Sequence[County], rng: np.random.Generator) -> Floats:
    """Return where on its campus each instrument stands; on an approximate point it stays there, since a jitter would feign exactness."""
    by_code = {place.adcode: place for place in places}
    found = np.array([(one.lon, one.lat) for one in where])[spot]
    exact = np.array([one.precision == "point" and one.adcode in by_code for one in where])[spot]
    middles = found[exact]
    drawn = near([by_code[where[n].adcode] for n in spot[exact].tolist()], _CAMPUS_M, rng, middles)
    far = np.abs(drawn - middles).max(axis=1) >= _CAMPUS_MOST / 111_195 / 1.5
    found[exact] = np.where(far[:, None], middles, drawn)
    return found


def _list(session: Session, types: Sequence[Kind], drawn: _Drawn, ids: Ints, rng: np.random.Generator) -> None:
    """Open test and analysis on every open instrument, on nearly half of them also use by oneself, on a quarter development."""
    usual = [profile(one.name, one.class_code) for one in types]
    count = len(ids)
    yuan = np.array([one.price for one in usual])[drawn.kind] * rng.lognormal(0.0, 0.25, count) * np.array((0.85, 1.0, 1.25))[drawn.grade]
    test = np.clip(np.round(yuan / 10) * 10, 50, 5_000).astype(np.int64) * 100
    hourly = np.maximum(5_000, (test * 7 + 5_000) // 10_000 * 1_000)
    median, spread, least, most = _JOB_YUAN
    job = np.round(np.clip(median * rng.lognormal(0.0, spread, count), least, most) / 100).astype(np.int64) * 10_000
    shared, joint = rng.random(count) < _SHARED, rng.random(count) < _JOINT
    jobs = rng.random(count) < _JOB
    notice = rng.choice((24, 48, 72), count, p=(0.5, 0.35, 0.15))
    parts = [(drawn.is_open, 0), (drawn.is_open & shared, 1), (drawn.is_open & jobs, 2)]
    index = np.concatenate([np.flatnonzero(mask) for mask, _ in parts])
    sort = np.concatenate([np.full(int(mask.sum()), n) for mask, n in parts])
    order = np.lexsort((sort, index))
    index, sort = index[order], sort[order]
    units = [(one.unit, "hour", "job") for one in usual]
    services = ("test_analysis", "instrument_sharing", "commissioned_rd", "joint_rd")
    columns: dict[str, Any] = {
        "instrument_id": ids[index],
        "service_code": [services[n] for n in (sort + (joint[index] & (sort == 2))).tolist()],
        "price": np.choose(sort, (test[index], hourly[index], job[index])),
        "unit": [units[k][n] for k, n in zip(drawn.kind[index].tolist(), sort.tolist(), strict=True)],
        "report_days": np.choose(sort, (np.array([one.days for one in usual])[drawn.kind[index]], 0, 30)),
        "notice_hours": notice[index],
    }
    first = take_block(session, Listing, len(index))
    columns |= {"id": np.arange(first, first + len(index)), "state": "open", "row_version": 0}
    copy_columns(session, Listing, columns, len(index))


def _university_weight(row: Any) -> float:
    return _ARTS if row["category"] in _QUIET else _UNIVERSITY if row["level"] == "本科" else _COLLEGE


_SPOTS: Final = """
SELECT o.code, s.organisation_id, s.id AS site_id, o.name_zh AS name, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat, s.precision, s.adcode
FROM site s JOIN organisation o ON o.id = s.organisation_id
WHERE o.kind = 'carrier' AND s.geom IS NOT NULL AND s.adcode LIKE :inside AND (
    o.is_sample OR o.carrier_kind IN ('university', 'key_lab')
    OR o.carrier_kind = 'institute' AND o.name_zh ~ '研究|科学院|疾病预防')
ORDER BY o.code, s.name
"""
