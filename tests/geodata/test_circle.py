"""A circle on the ellipsoid lies between two boxes: one that the index asks for, and one in which nothing need be measured."""

from __future__ import annotations

import random
from itertools import product

from sqlalchemy import text

from geodata.wanted import Near, around, inside

METRES = """
SELECT ST_Distance(ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326)::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography)
FROM unnest(CAST(:lons AS float8[]), CAST(:lats AS float8[])) AS p(lon, lat)
"""
TURN = """
SELECT ST_X(g), ST_Y(g) FROM generate_series(0, 71) n,
LATERAL (SELECT ST_Project(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography, :metres, radians(5.0 * n))::geometry AS g) p
"""


def circles():
    """Give places all over the northern and southern world, not at the poles or the 180th meridian, with radii from a walk to a day's drive."""
    dice = random.Random(5)
    return [Near(dice.uniform(-150, 150), dice.uniform(-65, 65), 10 ** dice.uniform(1, 6)) for _ in range(200)]


def test_the_inner_box_lies_in_the_circle(session):
    for place in circles():
        west, south, east, north = inside(place)
        middle = [(place.lon, south), (place.lon, north), (west, place.lat), (east, place.lat)]
        lons, lats = zip(*product((west, east), (south, north)), *middle, strict=True)
        values = {"lon": place.lon, "lat": place.lat, "lons": list(lons), "lats": list(lats)}
        assert max(session.scalars(text(METRES), values)) <= place.within, place


def test_the_outer_box_holds_the_circle(session):
    for place in circles()[:60]:
        west, south, east, north = around(place)
        for lon, lat in session.execute(text(TURN), {"lon": place.lon, "lat": place.lat, "metres": place.within}):
            assert west <= lon <= east
            assert south <= lat <= north, place
