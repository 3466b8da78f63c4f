"""The sample instruments and what is opened of them, as rows ready for COPY: on real and invented carriers, all marked as sample.

A carrier known for a trade gets that trade's types more often; the rest is drawn by weight. Prices are examples, not offers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.instruments import Instrument, Listing
from geodata.loading import ewkb, take_ids
from geodata.sampling.names import Trade
from geodata.sampling.organisations import County, near
from geodata.sampling.types import ALWAYS_OPEN, DESCRIPTORS, PATTERN_SHARES, PATTERNS, opening, profile, shares, specs
from geodata.sampling.world import SOURCE
from geodata.seeds import read_seed

OPEN: Final = 0.85
_AT_TRADE: Final = 0.4
"""Part of the instruments of a type that stand at a carrier of a trade that lives on the type, where there is one."""

_CAMPUS_M: Final = 80.0
"""Standard deviation of an instrument's distance from the point of its campus, per axis; cut at `_CAMPUS_MOST`."""
_CAMPUS_MOST: Final = 200.0
_QUIET: Final = frozenset(("艺术类", "语言类", "政法类", "财经类", "体育类"))


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
    lon: float
    lat: float
    precision: str
    adcode: str
    weight: float


def kinds(session: Session) -> list[Kind]:
    """Return all instrument types in the order of the fact table."""
    return [Kind(*row) for row in session.execute(text("SELECT id, name_zh, class_code FROM instrument_type ORDER BY id"))]


def spots(session: Session, rng: np.random.Generator) -> list[Spot]:
    """Return where instruments may stand: campuses, research institutes, invented carriers. Hospitals, firms and offices get none."""
    calm = {row["code"]: _university_weight(row) for row in read_seed("universities")}
    rows = session.execute(text(_SPOTS)).all()
    noise = rng.lognormal(0.0, 0.6, len(rows))
    weights = [calm.get(row.code, 1.0) * factor for row, factor in zip(rows, noise, strict=True)]
    return [
        Spot(row.organisation_id, row.site_id, row.lon, row.lat, row.precision, row.adcode, weight) for row, weight in zip(rows, weights, strict=True)
    ]


def draw(
    session: Session, count: int, places: Sequence[County], trades: Mapping[int, Trade], rng: np.random.Generator
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Invent `count` instruments over all types, each type at least a few times and open; return their rows and those of their listings."""
    types, where = kinds(session), spots(session, rng)
    by_code = {place.adcode: place for place in places}
    instruments: list[dict[str, Any]] = []
    prices: list[tuple[str, int, int]] = []
    for kind, number in zip(types, shares([kind.name for kind in types], count), strict=True):
        for nth, spot in enumerate(_seats(kind, int(number), where, trades, rng)):
            grade = int(rng.choice(3, p=(0.35, 0.45, 0.20)))
            usual = profile(kind.name, kind.class_code)
            instruments.append(_instrument(kind, spot, len(instruments), grade, rng) | _state(nth, count, len(types), rng))
            instruments[-1]["geom"] = ewkb(shapely.Point(_stand(spot, by_code.get(spot.adcode), rng)))
            prices.append((usual.unit, _price(usual.price, grade, rng), usual.days))
    for key, row in zip(take_ids(session, Instrument, len(instruments)), instruments, strict=True):
        row["id"] = key
    return instruments, _listings(session, instruments, prices, rng)


def _seats(kind: Kind, number: int, where: Sequence[Spot], trades: Mapping[int, Trade], rng: np.random.Generator) -> list[Spot]:
    """Draw where the instruments of a type stand."""
    weights = np.array([spot.weight for spot in where])
    fits = np.array([spot.organisation_id in trades and kind.name in trades[spot.organisation_id].types for spot in where])
    chances = weights / weights.sum()
    if fits.any():
        special = np.where(fits, weights, 0.0)
        chances = (1 - _AT_TRADE) * chances + _AT_TRADE * special / special.sum()
    return [where[n] for n in rng.choice(len(where), number, p=chances)]


def _instrument(kind: Kind, spot: Spot, number: int, grade: int, rng: np.random.Generator) -> dict[str, Any]:
    word = DESCRIPTORS[int(rng.integers(len(DESCRIPTORS)))]
    value = profile(kind.name, kind.class_code).value
    fen = round(value * rng.lognormal(0.0, 0.3) * (0.7, 1.0, 1.6)[grade], 1) * 1_000_000
    return {
        "id": 0,
        "code": f"SAMPLE-I-{number + 1:06d}",
        "organisation_id": spot.organisation_id,
        "site_id": spot.site_id,
        "type_id": kind.id,
        "name": f"{kind.name}（{word}）",
        "model": f"示例型 {kind.id:03d}-{grade + 1}",
        "maker": "示例厂商",
        "value": int(fen),
        "precision": spot.precision,
        "source_crs": "WGS84",
        "adcode": spot.adcode,
        "hours": opening(int(rng.choice(len(PATTERNS), p=PATTERN_SHARES))),
        "specs": specs(kind.name, grade),
        "is_sample": True,
        "source": SOURCE,
    }


def _state(nth: int, count: int, types: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return status and openness: the first of a type always work and are open, so that every need finds something."""
    always = types * ALWAYS_OPEN
    chance = (OPEN * count - always) / max(1, count - always) if count > always else OPEN
    status = ("working", "maintenance", "retired")[int(rng.choice(3, p=(0.94, 0.05, 0.01)))]
    opened = bool(rng.random() < chance) and status != "retired"
    return {"status": "working", "is_open": True} if nth < ALWAYS_OPEN else {"status": status, "is_open": opened}


def _stand(spot: Spot, place: County | None, rng: np.random.Generator) -> tuple[float, float]:
    """Return where on its campus an instrument stands; on an approximate point it stays there, since a jitter would feign exactness."""
    if spot.precision != "point" or place is None:
        return spot.lon, spot.lat
    lon, lat = near(place, _CAMPUS_M, rng, middle=(spot.lon, spot.lat))
    far = _CAMPUS_MOST / 111_195 / 1.5
    return (lon, lat) if abs(lon - spot.lon) < far and abs(lat - spot.lat) < far else (spot.lon, spot.lat)


def _price(usual: int, grade: int, rng: np.random.Generator) -> int:
    """Return a price in fen: about the usual one in yuan, between 50 and 5,000, to ten yuan."""
    yuan = usual * rng.lognormal(0.0, 0.25) * (0.85, 1.0, 1.25)[grade]
    return int(min(5_000, max(50, round(yuan / 10) * 10))) * 100


def _listings(
    session: Session, instruments: Sequence[Mapping[str, Any]], prices: Sequence[tuple[str, int, int]], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Open test and analysis on every open instrument, on nearly half of them also use by oneself, on a few development on commission."""
    rows: list[dict[str, Any]] = []
    shared: NDArray[np.bool_] = rng.random(len(instruments)) < 0.45
    jobs = np.where(rng.random(len(instruments)) < 0.15, np.clip(rng.lognormal(9.9, 0.6, len(instruments)), 5_000, 80_000), 0.0)
    notice = rng.choice((24, 48, 72), len(instruments), p=(0.5, 0.35, 0.15))
    for row, (unit, price, days), share, hours, job in zip(instruments, prices, shared, notice, jobs, strict=True):
        if not row["is_open"]:
            continue
        terms = {"instrument_id": row["id"], "notice_hours": int(hours), "state": "open", "row_version": 0}
        rows.append({"service_code": "test_analysis", "price": price, "unit": unit, "report_days": days, **terms})
        if share:
            hourly = max(5_000, round(price * 0.7 / 1_000) * 1_000)
            rows.append({"service_code": "instrument_sharing", "price": hourly, "unit": "hour", "report_days": 0, **terms})
        if job:
            fen = round(float(job) / 100) * 10_000
            rows.append({"service_code": "commissioned_rd", "price": fen, "unit": "job", "report_days": 30, **terms})
    for key, row in zip(take_ids(session, Listing, len(rows)), rows, strict=True):
        row["id"] = key
    return rows


def _university_weight(row: Mapping[str, str]) -> float:
    if row["category"] in _QUIET:
        return 0.05
    return 2.5 if row["level"] == "本科" else 0.7


_SPOTS: Final = """
SELECT s.organisation_id, s.id AS site_id, o.code, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat, s.precision, s.adcode
FROM site s JOIN organisation o ON o.id = s.organisation_id
WHERE o.kind = 'carrier' AND s.geom IS NOT NULL AND s.adcode LIKE '33%' AND (
    o.is_sample OR o.carrier_kind IN ('university', 'key_lab')
    OR o.carrier_kind = 'institute' AND o.name_zh ~ '研究|科学院|疾病预防')
ORDER BY o.code, s.name
"""
