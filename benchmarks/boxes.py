"""Random views of the map, reproducible: boxes of a screen at a zoom around places where something stands, and the tiles under them."""

import random
from math import asinh, atan, cos, degrees, floor, pi, radians, sinh, tan

from sqlalchemy import Engine, text

SCREEN = (1280, 700)
Place = tuple[float, float]


def places(engine: Engine, count: int, seed: int) -> list[Place]:
    """Return `count` points (lon, lat) of open instruments, drawn by seed."""
    with engine.connect() as opened:
        rows = opened.execute(text("SELECT ST_X(geom), ST_Y(geom) FROM instrument WHERE is_open AND geom IS NOT NULL ORDER BY id")).all()
    dice = random.Random(seed)
    return [tuple(dice.choice(rows)) for _ in range(count)]


def boxes(around: list[Place], zooms: range, seed: int) -> list[tuple[int, str]]:
    """Return a zoom and a box "west,south,east,north" of one screen near each place."""
    dice = random.Random(seed)
    found = []
    for lon, lat in around:
        zoom = dice.choice(zooms)
        degree = 360 / (256 * 2**zoom)
        wide, high = SCREEN[0] * degree / 2, SCREEN[1] * degree / 2 * cos(radians(lat))
        x, y = lon + wide * dice.uniform(-1, 1), lat + high * dice.uniform(-1, 1)
        found.append((zoom, f"{x - wide:.5f},{y - high:.5f},{x + wide:.5f},{y + high:.5f}"))
    return found


def tiles(around: list[Place], zooms: range, seed: int) -> list[tuple[int, int, int]]:
    """Return the tile (z, x, y) over each place at a random zoom, none twice."""
    dice = random.Random(seed)
    found = dict.fromkeys(tile_of(place, dice.choice(zooms)) for place in around)
    return list(found)


def tile_of(place: Place, zoom: int) -> tuple[int, int, int]:
    """Return the Web Mercator tile of a point (lon, lat in degrees)."""
    lon, lat = place
    side = 2**zoom
    return zoom, floor((lon + 180) / 360 * side), floor((1 - asinh(tan(radians(lat))) / pi) / 2 * side)


def corner(zoom: int, x: int, y: int) -> Place:
    """Return the north-west corner (lon, lat) of a tile."""
    return x / 2**zoom * 360 - 180, degrees(atan(sinh(pi * (1 - 2 * y / 2**zoom))))
