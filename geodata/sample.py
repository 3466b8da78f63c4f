"""Lay the places of a reproducible sample world: invented organisations, and sample instruments on them and on the real carriers.

The same size, day and seed give the same world. Every row is marked as sample; real organisations keep their facts and get nothing but
instruments so marked. What happens between the organisations is left to `bookings.sample`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.bulk import owns
from geodata.grid import rebuild
from geodata.sampling.instruments import lay_instruments
from geodata.sampling.organisations import lay_authorities, lay_organisations
from geodata.sampling.world import SEED, Land, World, lands, size_named


def begin(session: Session, size: str, *, day: date, seed: int = SEED) -> World:
    """Write the row that names the world, not yet finished; raises `Invalid` for an unknown size."""
    size_named(size)
    made = World(size=size, day=day, seed=seed)
    session.add(made)
    session.flush()
    return made


def lay(session: Session, size: str, *, day: date, seed: int = SEED) -> World:
    """Write organisations, sites, instruments and listings of the sample world `size` and return its row.

    The facts must be loaded (`geodata.loading.load_facts`). Raises `Invalid` for an unknown size.
    """
    made = begin(session, size, day=day, seed=seed)
    for land in lands(size):
        settle(session, made, land)
        equip(session, made, land)
    lay_authorities(session, [land.province for land in lands(size)])
    if owns(session, "open_instrument"):
        rebuild(session)
    return made


def settle(session: Session, world: World, land: Land) -> None:
    """Write the invented carriers, enterprises and teams of a province."""
    with _past_the_map(session):
        lay_organisations(session, land, _rng(world, land, 1))


def equip(session: Session, world: World, land: Land) -> None:
    """Write the instruments of a province and what is opened of them."""
    with _past_the_map(session):
        lay_instruments(session, land, _rng(world, land, 2))


@contextmanager
def _past_the_map(session: Session) -> Iterator[None]:
    """As the owner of the tables, write past the triggers of the map: `geodata.grid.rebuild` is owed before anybody looks."""
    owner = owns(session, "open_instrument")
    if owner:
        session.execute(text("SET LOCAL irm.bulk = 'on'"))
    yield
    if owner:
        session.execute(text("SET LOCAL irm.bulk = 'off'"))


def _rng(world: World, land: Land, part: int) -> np.random.Generator:
    return np.random.default_rng([world.seed, part, int(land.province)])
