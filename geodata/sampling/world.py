"""How large a sample world is, and the row that says which one was laid. What it holds is left to the other modules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.orm import Mapped

from core.db import Base, BigId, Created
from core.errors import N_, Invalid

SEED: Final = 20171101
"""Seed of all that is drawn; with the size and the day it makes the world the same again."""

SOURCE: Final = "示例数据"
"""What every invented row names as its source."""


class World(Base):
    """The sample world of this database: its size, the day around which it was laid, its seed, and when it was loaded."""

    __tablename__ = "world"
    id: Mapped[BigId]
    size: Mapped[str]
    day: Mapped[date]
    seed: Mapped[int]
    loaded_at: Mapped[Created]


@dataclass(frozen=True)
class Size:
    """How many invented carriers, instruments, enterprises (with founder teams) and services over the last 30 months."""

    carriers: int
    instruments: int
    enterprises: int
    services: int


def size_named(name: str) -> Size:
    """Return the size called `name`; raise `Invalid` naming those that there are."""
    if name not in SIZES:
        raise Invalid("size", N_("没有名为“%(name)s”的示例世界；现有：%(known)s。"), name=name[:40], known=" ".join(SIZES))
    return SIZES[name]


SIZES: Final = {
    "tiny": Size(carriers=30, instruments=450, enterprises=80, services=120),
    "small": Size(carriers=200, instruments=3_000, enterprises=600, services=2_000),
    "paper": Size(carriers=6_390, instruments=100_000, enterprises=11_642, services=40_299),
}
"""By name; tiny is for checks that need a whole world quickly."""
