"""Lay the places of a reproducible sample world: invented organisations, and sample instruments on them and on the real carriers.

The same size, day and seed give the same world. Every row is marked as sample; real organisations keep their facts and get nothing but
instruments so marked. What happens between the organisations is left to `bookings.sample`.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from sqlalchemy.orm import Session

from geodata.instruments import Instrument, Listing
from geodata.loading import copy_rows
from geodata.organisations import Organisation, Site
from geodata.sampling.instruments import draw
from geodata.sampling.organisations import counties, roll_of
from geodata.sampling.world import SEED, World, size_named


def lay(session: Session, size: str, *, day: date, seed: int = SEED) -> World:
    """Write organisations, sites, instruments and listings of the sample world `size` and return its row.

    The facts must be loaded (`geodata.loading.load_facts`). Raises `Invalid` for an unknown size.
    """
    wanted, places = size_named(size), counties(session)
    roll = roll_of(session, wanted, places, np.random.default_rng([seed, 1]))
    copy_rows(session, Organisation, roll.organisations)
    copy_rows(session, Site, roll.sites)
    instruments, listings = draw(session, wanted.instruments, places, roll.trades, np.random.default_rng([seed, 2]))
    copy_rows(session, Instrument, instruments)
    copy_rows(session, Listing, listings)
    made = World(size=size, day=day, seed=seed)
    session.add(made)
    session.flush()
    return made
