"""The ranking of the service held in the memory of one process: the limit that a database, HTTP and JSON are measured against.

The same types for a need, one cKDTree a type over points of the unit sphere, the same forty of the nearest of each, the same signals with the same
weights, the same order. Facts of carriers and the next free slot are read before and lie ready. Left out: conditions of a need, vouchers, words.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.search import chosen_types
from benchmarks.boxes import Place
from bookings import queries
from core import clock
from core.clock import business_date
from matching.candidates import Near
from matching.gathering import gather
from matching.needs import Need, parse_need
from matching.promising import KEPT, LOOK
from matching.sectors import sector_of
from matching.signals import SIGNALS
from matching.types import resolve

EARTH_M = 6_371_008.8
CHUNK = 20_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """All of one type: ids, points on the unit sphere, what is known of each (fen, days to wait, what its carrier's signals add up to)."""

    ids: NDArray[np.int64]
    tree: cKDTree
    exact: NDArray[np.bool_]
    price: Floats
    wait: Floats
    carrier: Floats


class Memory:
    """A world in memory; `ranked` answers a need with ids, best first."""

    def __init__(self, engine: Engine) -> None:
        """Read every open instrument, by type."""
        with Session(engine) as session:
            self.today = clock.today(session)
            names = {row.id: row.name_zh for row in session.execute(text("SELECT id, name_zh FROM instrument_type"))}
            self.kinds = {name: _kind(session, number, name, self.today) for number, name in names.items()}
        self.weights = {signal.name: float(signal.weight) for signal in SIGNALS}

    def read(self, need: str) -> Need:
        """Read a need as the service does."""
        return parse_need(need, today=self.today)

    def ranked(self, need: Need, spot: Place) -> list[int]:
        """Return the ids of what was found, best first; nothing where the service asks back."""
        answer = resolve(need)
        if answer.ask:
            return []
        ids, scores = [], []
        for guess in chosen_types(answer.types, ()):
            kind = self.kinds.get(guess.name_zh)
            if kind is None:
                continue
            chord, at = kind.tree.query(_sphere(np.array([spot]))[0], k=min(LOOK, len(kind.ids)))
            chord, at = np.atleast_1d(chord), np.atleast_1d(at)
            known = self._known(kind, at, chord, guess.name_zh)
            most = np.argpartition(-known, KEPT - 1)[:KEPT] if len(at) > KEPT else np.arange(len(at))
            ids.append(kind.ids[at[most]])
            scores.append(guess.score * self._score(kind, at[most], known[most]))
        if not ids:
            return []
        every = np.concatenate(ids)
        return [int(one) for one in every[np.lexsort((every, -np.concatenate(scores)))]]

    def _known(self, kind: Kind, at: NDArray[np.int64], chord: Floats, name: str) -> Floats:
        sector = sector_of(name)
        beyond = np.maximum(0.0, 2 * np.arcsin(chord / 2) * EARTH_M - sector.offset_m)
        near = np.where(kind.exact[at], np.exp(np.log(0.5) * (beyond / sector.scale_m) ** 2), 0.25)
        known: Floats = self.weights["distance"] * near + self.weights["own_part"] * 0.5 ** (kind.price[at] / 100_000)
        return known

    def _score(self, kind: Kind, at: NDArray[np.int64], known: Floats) -> Floats:
        weight = self.weights
        slot = np.where(np.isfinite(kind.wait[at]), 0.5 ** (kind.wait[at] / 5), 0.0)
        said = known + weight["slot"] * slot + kind.carrier[at] + weight["spec_fit"] + weight["budget"]
        whole: Floats = said / sum(weight.values())
        return whole


def _kind(session: Session, number: int, name: str, today: date) -> Kind | None:
    rows = [Near(*row[:1], number, name, *row[1:], None) for row in session.execute(text(_ROWS), {"type": number})]
    wait: dict[int, float] = {}
    carrier: dict[int, float] = {}
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        known = gather(session, part, limits=False)
        slots = queries.next_slots(session, {one: facts["hours"] for one, facts in known.items()})
        wait |= {one: (business_date(slot.start) - today).days if slot else np.inf for one, slot in slots.items()}
        carrier |= {one.id: _carrier(one._replace(record=known[one.id]["record"], accreditations=known[one.id]["accreditations"])) for one in part}
    if not rows:
        return None
    return Kind(
        np.array([row.id for row in rows]),
        cKDTree(_sphere(np.array([(row.lon, row.lat) for row in rows]))),
        np.array([row.precision == "point" for row in rows]),
        np.array([row.price_fen for row in rows], float),
        np.array([wait[row.id] for row in rows], float),
        np.array([carrier[row.id] for row in rows]),
    )


def _carrier(one: Near) -> float:
    """Return what the carrier's own signals add up to, weighed."""
    return sum(
        signal.weight * signal.read(_NO_NEED, one).value for signal in SIGNALS if signal.name in ("quality", "responsiveness", "accreditation")
    )


def _sphere(degrees: Floats) -> Floats:
    lon, lat = np.radians(degrees).T
    points: Floats = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return points


_NO_NEED = parse_need("断口形貌", today=date(2000, 1, 1))
_ROWS = """
SELECT id, organisation_id, adcode, service, price, precision, ST_X(geom), ST_Y(geom) FROM open_instrument
WHERE type_id = :type AND status = 'working' AND price IS NOT NULL AND geom IS NOT NULL
"""
