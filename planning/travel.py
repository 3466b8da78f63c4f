"""How long a way takes where no road data exists: the great circle, longer by a detour factor, at one speed. Assumptions, said as such.

What is left out makes ways look shorter than they are: straits, bays and islands are crossed in a straight line, mountains and traffic are
not known. Positions are WGS84 degrees (lon, lat), distances metres on a sphere of the mean earth radius (at most 0.6 % off the ellipsoid).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Whole = NDArray[np.int32]

EARTH_M = 6_371_008.8
"""Mean radius of the earth (IUGG), metres."""


@dataclass(frozen=True)
class Travel:
    """Assumptions on ways: `detour` times the straight line, at `speed` kilometres per hour from door to door."""

    detour: float = 1.3
    speed: float = 50.0

    def minutes(self, metres: Floats) -> Floats:
        """Return the minutes that straight distances in metres take."""
        return metres * (self.detour * 0.06 / self.speed)

    def metres(self, minutes: float) -> float:
        """Return the straight distance in metres that takes so many minutes."""
        return minutes * self.speed / (self.detour * 0.06)


@dataclass(frozen=True)
class Pairs:
    """Places close enough to each other: indices into origins and destinations, and the straight distance in metres."""

    origin: Whole
    destination: Whole
    metres: Floats


def within(origins: Floats, destinations: Floats, metres: float) -> Pairs:
    """Return every pair at most so many metres apart, through a KD-tree on the unit sphere; never a table of all pairs.

    `origins` float[n,2] and `destinations` float[m,2] are degrees (lon, lat).
    """
    if not (len(origins) and len(destinations)):
        return Pairs(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))
    chord = 2 * np.sin(min(metres / EARTH_M, np.pi) / 2)
    found: Any = _tree(origins).sparse_distance_matrix(_tree(destinations), chord * (1 + 1e-12), output_type="ndarray")
    return Pairs(found["i"].astype(np.int32), found["j"].astype(np.int32), _arc(found["v"]))


def nearest(origins: Floats, destinations: Floats) -> tuple[Whole, Floats]:
    """Return for each origin the index of the nearest destination and its distance in metres; with no destination at all -1 and infinity."""
    if not len(destinations):
        return np.full(len(origins), -1, np.int32), np.full(len(origins), np.inf)
    chords, found = _tree(destinations).query(_on_sphere(origins))
    return np.asarray(found, np.int32), _arc(np.asarray(chords, np.float64))


def _tree(places: Floats) -> cKDTree[None]:
    from scipy.spatial import cKDTree

    return cKDTree(_on_sphere(places))


def _on_sphere(places: Floats) -> Floats:
    lon, lat = np.radians(places).T
    return np.column_stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))


def _arc(chords: Floats) -> Floats:
    arcs: Floats = 2 * EARTH_M * np.arcsin(np.minimum(chords / 2, 1))
    return arcs
