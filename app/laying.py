"""Lay a sample world step by step, each step committed with its mark: a load that is broken off goes on where it was, to the same world.

Progress is told line by line. A large world gets its indexes and constraints after its rows; until it is whole, the service does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from time import monotonic
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.sample import enrol, give_budgets, publish_policies
from app.searchsample import lay_searches
from bookings import records
from bookings.sample import calendar, history
from core.db import Base
from core.errors import N_, Refused
from geodata import grid, loading, sample
from geodata.bulk import defer, restore, settle_ids
from geodata.regions import HOME
from geodata.sampling.organisations import lay_authorities
from geodata.sampling.world import Land, World, WorldStep, lands, size_named
from matching.speclimits import read_all
from vouchers.ledger import violations

Tell = Callable[[str], None]
Run = Callable[[Session, World], int | None]
_EVERY: Final = 10.0
"""Seconds between two lines about one step."""


@dataclass(frozen=True)
class Step:
    """A part of the load: its name for ever, its title for people, about how many seconds it takes, and what it does.

    What returns a number above zero has so many parts left and wants to be run again, after a commit, before the step counts as done.
    """

    name: str
    title: str
    seconds: float
    run: Run


def unfinished(session: Session) -> World | None:
    """Return the world whose load was begun and not finished, if there is one."""
    return session.scalars(select(World).where(World.finished_at.is_(None)).limit(1)).one_or_none()


def is_wanted(session: Session) -> bool:
    """Say whether a sample world is to be laid: into an empty store, or the rest of one that was broken off."""
    return unfinished(session) is not None or not session.execute(text("SELECT EXISTS (SELECT FROM organisation)")).scalar()


def lay(session: Session, size: str, day: date, *, tell: Tell) -> World:
    """Lay the world `size` around `day`, or finish the one that was begun, whatever its size; commits after each step.

    Needs the owner's rights. Raises `Invalid` for an unknown size, `Refused` when the books of the finished world are not sound.
    """
    world = unfinished(session) or sample.begin(session, size, day=day)
    session.commit()
    done, steps = _done(session, world), _steps(world)
    progress = Progress(tell, steps, done)
    for step in steps:
        if step.name not in done:
            progress.tell(step)
            _do(session, world, step, progress)
    world.finished_at = session.scalar(select(func.clock_timestamp()))
    session.commit()
    return world


class Progress:
    """Tells how far a load is: the share of the time, and how long the rest may take at the pace so far."""

    def __init__(self, tell: Tell, steps: list[Step], done: set[str]) -> None:
        self._tell, self._left = tell, [step for step in steps if step.name not in done]
        self._whole, self._started = sum(step.seconds for step in steps), monotonic()
        self._before = self._whole - sum(step.seconds for step in self._left)
        self._last = 0.0

    def go_on(self, step: Step, done: int, left: int) -> None:
        """Tell now and then how many parts of a step are done."""
        if left and monotonic() - self._last >= _EVERY:
            self.tell(step, part=done / (done + left))

    def tell(self, step: Step, part: float = 0.0) -> None:
        """Tell which step is being done, `part` of it being behind."""
        self._last = monotonic()
        behind = sum(one.seconds for one in self._left[: self._left.index(step)]) + step.seconds * part
        rest = self._whole - self._before - behind
        pace = (monotonic() - self._started) / behind if behind > 2 else 1.0
        share = round(100 * (self._before + behind) / self._whole)
        self._tell(f"[{share:3d} %] {step.title} · 还要约 / about {_spoken(rest * pace)}")


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _do(session: Session, world: World, step: Step, progress: Progress) -> None:
    """Run a step to its end and mark it, in one transaction but for steps that want to be run again."""
    started, done, left = monotonic(), 0, 1
    while left:
        settle_ids(session, numbered())
        left, done = step.run(session, world) or 0, done + 1
        if not left:
            session.add(WorldStep(world_id=world.id, step=step.name, seconds=monotonic() - started))
        session.commit()
        progress.go_on(step, done, left)


def numbered() -> list[str]:
    """Return the tables whose ids come from a sequence of their own."""
    return [name for name, table in Base.metadata.tables.items() if "id" in table.c and table.c.id.identity is not None]


def _done(session: Session, world: World) -> set[str]:
    return set(session.scalars(select(WorldStep.step).where(WorldStep.world_id == world.id)))


def _steps(world: World) -> list[Step]:
    return list(_all_steps(world, lands(world.size)))


def _all_steps(world: World, parts: list[Land]) -> Iterator[Step]:
    """Yield the steps in their order; the seconds are those of a machine with two cores."""
    size, provinces = size_named(world.size), [land.province for land in parts]
    yield Step("regions", "行政区 / regions", 1.5 + 1.3 * len(parts), partial(_regions, provinces=provinces))
    yield Step("facts", "资料 / facts", 4, _facts)
    if size.is_large:
        yield Step("defer", "推迟建索引 / indexes wait", 0.5, _defer)
    yield Step("organisations", "机构 / organisations", 1 + (size.carriers + size.enterprises) / 8_000, partial(_organisations, parts=parts))
    for land in parts:
        title = f"仪器 / instruments · {land.province}"
        yield Step(f"instruments:{land.province}", title, 0.2 + land.size.instruments / 12_000, _of_land(sample.equip, land))
    yield Step("people", "政策和账号 / policies and accounts", 1 + (size.carriers + size.enterprises) / 9_000, partial(_people, provinces=provinces))
    for land in parts:
        title = f"服务、订单和账目 / services, orders and books · {land.province}"
        yield Step(f"services:{land.province}", title, 0.2 + land.size.services / 1_600, _of_land(_history, land))
    for land in parts:
        yield Step(f"calendar:{land.province}", f"日程 / calendar · {land.province}", 0.2 + land.size.instruments / 16_000, _of_land(_calendar, land))
    if size.is_large:
        yield Step("indexes", "索引和约束 / indexes and constraints", size.instruments / 5_000, partial(_restore, of_map=False))
    yield Step("budgets", "区县的预算 / budgets of the counties", 2, partial(_budgets, provinces=provinces))
    yield Step("map", "地图格网 / cells of the map", 0.5 + size.instruments / 8_000, _map)
    if size.is_large:
        yield Step("map indexes", "地图索引 / indexes of the map", size.instruments / 50_000, partial(_restore, of_map=True))
    yield Step("statistics", "统计 / statistics", 0.5 + size.instruments / 60_000, _statistics)
    yield Step("searches", "搜索记录 / searches", 1.5, _searches)
    yield Step("check", "核对账目 / checking the books", 0.2 + size.services / 8_000, _check)


def _of_land(act: Callable[[Session, World, Land], None], land: Land) -> Run:
    def run(session: Session, world: World) -> None:
        act(session, world, land)

    return run


def _regions(session: Session, _world: World, *, provinces: list[str]) -> None:
    """Load the home province and what lies around it, or the whole country as one coverage."""
    if provinces == [HOME]:
        loading.load_regions(session)
    else:
        loading.load_regions(session, provinces=provinces, around=())


def _facts(session: Session, _world: World) -> None:
    loading.load_facts(session, regions=False)


def _defer(session: Session, world: World) -> None:
    world.deferred = defer(session, DEFERRED)


def _organisations(session: Session, world: World, *, parts: list[Land]) -> None:
    for land in parts:
        sample.settle(session, world, land)
    lay_authorities(session, [land.province for land in parts])
    _analyze(session, "organisation", "site")


def _people(session: Session, _world: World, *, provinces: list[str]) -> None:
    _analyze(session, "instrument", "listing")
    publish_policies(session, provinces)
    enrol(session)
    _analyze(session, "app_user", "membership")


def _budgets(session: Session, _world: World, *, provinces: list[str]) -> None:
    give_budgets(session, provinces)


def _history(session: Session, world: World, land: Land) -> None:
    history(session, land.province, day=world.day, size=land.size, seed=world.seed)


def _calendar(session: Session, world: World, land: Land) -> None:
    calendar(session, land.province, day=world.day, seed=world.seed)


def _map(session: Session, _world: World) -> None:
    session.execute(text("SET LOCAL work_mem = '256MB'"))
    # nothing is known yet of the tables that it fills and reads: plans for a few rows would take very long for many
    session.execute(text("SET LOCAL enable_nestloop = off"))
    grid.rebuild(session)


def _restore(session: Session, world: World, *, of_map: bool) -> int:
    """Make the next of the deferred again, of the map's tables or of the others; return how many are left of them."""
    wanted = [owed for owed in world.deferred if owed["table"].startswith("open_") == of_map]
    if wanted:
        restore(session, wanted[0])
        world.deferred = [owed for owed in world.deferred if owed != wanted[0]]
    return max(0, len(wanted) - 1)


def _statistics(session: Session, _world: World) -> None:
    read_all(session)
    records.refresh(session)
    session.execute(text("ANALYZE"))


def _searches(session: Session, world: World) -> None:
    lay_searches(session, world)


def _check(session: Session, _world: World) -> None:
    session.execute(text("SET LOCAL work_mem = '128MB'"))
    found = violations(session)
    if found:
        raise Refused("books", N_("示例世界的账目核对不上：%(found)s"), found=str(found[:3]))


def _analyze(session: Session, *tables: str) -> None:
    session.execute(text(f"ANALYZE {', '.join(tables)}"))


DEFERRED: Final = (
    "instrument", "listing", "open_instrument", "request", "audit", "application", "voucher", "orders", "booking", "hold", "evidence", "payout",
    "claim", "account", "transfer", "posting",
)  # fmt: skip
"""Tables that are filled before their indexes and constraints are built."""
