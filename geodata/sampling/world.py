"""How large a sample world is, and the rows that say which one was laid and how far. What it holds is left to the other modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId, Created, Instant
from core.errors import N_, Invalid
from geodata.regions import HOME

SEED: Final = 20171101
"""Seed of all that is drawn; with the size and the day it makes the world the same again."""

SOURCE: Final = "示例数据"
"""What every invented row names as its source."""


class World(Base):
    """The sample world of this database: its size, the day around which it was laid, its seed, when it was begun and when it was whole.

    `deferred` are the indexes and constraints that wait for the end of the load, each as {"table", "name", "make"} (SQL).
    """

    __tablename__ = "world"
    id: Mapped[BigId]
    size: Mapped[str]
    day: Mapped[date]
    seed: Mapped[int]
    loaded_at: Mapped[Created]
    finished_at: Mapped[Instant | None]
    deferred: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")


class WorldStep(Base):
    """A step of the load that is done and committed: an interrupted load goes on with the first step that has no row."""

    __tablename__ = "world_step"
    world_id: Mapped[int] = mapped_column(ForeignKey("world.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    seconds: Mapped[float]
    finished_at: Mapped[Created]


@dataclass(frozen=True)
class Size:
    """How many invented carriers, instruments, enterprises (with founder teams) and confirmed services over the last 30 months."""

    carriers: int
    instruments: int
    enterprises: int
    services: int

    @property
    def is_large(self) -> bool:
        """Whether it pays to build indexes after the rows."""
        return self.instruments > 20_000


@dataclass(frozen=True)
class Land:
    """A province with its part of the world; codes count on from `before`, what the provinces laid earlier have."""

    province: str
    size: Size
    before: Size


def size_named(name: str) -> Size:
    """Return the size called `name`; raise `Invalid` naming those that there are."""
    if name not in SIZES:
        raise Invalid("size", N_("没有名为“%(name)s”的示例世界；现有：%(known)s。"), name=name[:40], known=" ".join(SIZES))
    return SIZES[name]


def lands(name: str) -> list[Land]:
    """Return the provinces of the world `name` in the order in which they are laid, the home province first."""
    size = size_named(name)
    parts = {HOME: SIZES["paper"], **_abroad(size)} if name == "national" else {HOME: size}
    found, before = [], Size(0, 0, 0, 0)
    for province, part in parts.items():
        found.append(Land(province, part, before))
        before = Size(*(int(a + b) for a, b in zip(_numbers(before), _numbers(part), strict=True)))
    return found


def _abroad(whole: Size) -> dict[str, Size]:
    """Share what the home province leaves of a national world by the people who live in the other provinces."""
    left = [a - b for a, b in zip(_numbers(whole), _numbers(SIZES["paper"]), strict=True)]
    others = {code: people for code, people in PEOPLE.items() if code != HOME}
    with_vouchers = {code: people for code, people in others.items() if code not in NO_VOUCHERS}
    columns = [_shared(total, with_vouchers if n > 1 else others) for n, total in enumerate(left)]
    return {code: Size(*(column.get(code, 0) for column in columns)) for code in others}


def _shared(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Share `total` by weights so that the parts add up to it (largest remainders)."""
    exact = {code: total * weight / sum(weights.values()) for code, weight in weights.items()}
    found = {code: int(part) for code, part in exact.items()}
    for code in sorted(exact, key=lambda code: (found[code] - exact[code], code))[: total - sum(found.values())]:
        found[code] += 1
    return found


def _numbers(size: Size) -> tuple[int, int, int, int]:
    return size.carriers, size.instruments, size.enterprises, size.services


PEOPLE: Final[dict[str, float]] = {
    "110000": 21.9, "120000": 13.9, "130000": 74.6, "140000": 34.9, "150000": 24.0, "210000": 42.6, "220000": 24.1, "230000": 31.9,
    "310000": 24.9, "320000": 84.7, "330000": 64.6, "340000": 61.0, "350000": 41.5, "360000": 45.2, "370000": 101.5, "410000": 99.4,
    "420000": 57.8, "430000": 66.4, "440000": 126.0, "450000": 50.1, "460000": 10.1, "500000": 32.1, "510000": 83.7, "520000": 38.6,
    "530000": 47.2, "540000": 3.6, "610000": 39.5, "620000": 25.0, "630000": 5.9, "640000": 7.2, "650000": 25.9, "710000": 23.6,
    "810000": 7.5, "820000": 0.7,
}  # fmt: skip
"""An assumption of the sample alone: about how many million people a province has, by which the national world is shared out."""

NO_VOUCHERS: Final = ("710000", "810000", "820000")
"""Provinces with sample carriers and no sample enterprises: the voucher schemes that we know are those of the mainland."""

SIZES: Final = {
    "tiny": Size(carriers=30, instruments=450, enterprises=80, services=160),
    "small": Size(carriers=200, instruments=3_000, enterprises=600, services=2_000),
    "paper": Size(carriers=6_385, instruments=100_000, enterprises=11_642, services=40_299),
    "national": Size(carriers=65_362, instruments=1_000_000, enterprises=116_420, services=402_990),
}
"""By name; tiny is for checks that need a whole world quickly. The paper's 6,553 carriers are those here and the 168 real ones."""
