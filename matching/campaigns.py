"""Campaigns as things that officers keep: a list of needs is handed in, worked out by a job, looked at, taken away as a table, or dropped.

A plan is a proposal: it holds no slot and no money. How it is worked out is left to `matching.campaign`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import SYSTEM, Actor
from core.audit import Arrow, born, move
from core.db import Base, BigId, Created, Instant
from core.errors import N_, Invalid, NotFound
from geodata.regions import is_within
from matching.assign import Fairness
from matching.campaign import Entry, Line, Terms, plan
from matching.candidates import Candidate
from vouchers.requests import once

MOST: Final = 2_000
DAYS: Final = range(7, 91)
OFFICERS: Final = ("reviewer", "planner")

CAMPAIGN: Final = (
    Arrow("waiting", "work_out", "ready", ("system",)),
    Arrow("waiting", "drop", "dropped", OFFICERS),
    Arrow("ready", "drop", "dropped", OFFICERS),
)


class Campaign(Base):
    """A list of needs and what came of it. `entries` and `lines`: one object a need; `part` and evenness in hundredths; `starts` a business date."""

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("state IN ('waiting','ready','dropped')", name="state"),
        CheckConstraint("days BETWEEN 7 AND 90 AND part BETWEEN 1 AND 100 AND evenness BETWEEN 0 AND 100", name="terms"),
    )
    id: Mapped[BigId]
    title: Mapped[str]
    region: Mapped[str] = mapped_column(ForeignKey("region.adcode"), index=True)
    starts: Mapped[date]
    days: Mapped[int]
    part: Mapped[int]
    evenness: Mapped[int]
    entries: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(default="waiting")
    row_version: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[int | None]
    created_at: Mapped[Created]
    done_at: Mapped[Instant | None]


@dataclass(frozen=True)
class Wish:
    """How an officer wants the list worked out: a name for it, weeks in days from today, part of the open time and evenness in hundredths."""

    title: str
    days: int = 28
    part: int = 50
    evenness: int = 30


def start(session: Session, actor: Actor, *, wish: Wish, entries: Sequence[Entry], request_id: str) -> int:
    """Hand in a list for the officer's region and return its id; a job works it out.

    Raises `Invalid` (title, days, part, evenness, file): nothing to place, more than MOST needs, or a county outside the officer's region.
    """
    _check(actor, wish, entries)
    content = {**asdict(wish), "entries": [asdict(one) for one in entries]}

    def act(_request: str) -> int:
        row = Campaign(title=wish.title.strip(), region=actor.region, starts=clock.today(session) + timedelta(1), days=wish.days, part=wish.part)
        row.evenness, row.entries, row.lines = wish.evenness, content["entries"], []
        row.state, row.row_version, row.created_by = "waiting", 0, actor.user_id
        born(session, actor, row, "start", detail={"needs": len(entries)})
        return row.id

    return once(session, actor, request_id, "campaign.start", content=content, act=act)


def due(session: Session) -> list[int]:
    """Return the ids of the lists that wait to be worked out, the oldest first."""
    return list(session.scalars(select(Campaign.id).filter_by(state="waiting").order_by(Campaign.id)))


def work_out(session: Session, campaign_id: int) -> int:
    """Work out one list; 0 when somebody else has, or when it was dropped meanwhile."""
    row = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if row is None or row.state != "waiting":
        return 0
    fairness = Fairness(counties=row.evenness / 100)
    made = plan(session, [Entry(**one) for one in row.entries], Terms(row.starts, row.days, row.part / 100, fairness))
    row.lines, row.done_at = [kept(line) for line in made.lines], clock.now(session)
    move(session, SYSTEM, row, CAMPAIGN, "work_out", detail={"served": made.served, "needs": len(made.lines)})
    return 1


def drop(session: Session, actor: Actor, *, campaign_id: int) -> None:
    """Throw a list away: its needs and lines are emptied, that it was there stays on record. Raises `NotFound` outside the officer's region."""
    row = one_of(session, actor, campaign_id, lock=True)
    move(session, actor, row, CAMPAIGN, "drop")
    row.entries, row.lines = [], []


def one_of(session: Session, actor: Actor, campaign_id: int, *, lock: bool = False) -> Campaign:
    """Return a list of the officer's region; `NotFound` for any other and for one that was dropped."""
    row = session.get(Campaign, campaign_id, with_for_update=lock, populate_existing=lock)
    if row is None or row.state == "dropped" or actor.region is None or not is_within(row.region, actor.region):
        raise NotFound
    return row


def all_of(session: Session, actor: Actor, *, most: int = 50) -> list[Campaign]:
    """Return the lists of the officer's region, the newest first."""
    rows = session.scalars(select(Campaign).where(Campaign.state != "dropped").order_by(Campaign.id.desc()).limit(500))
    return [row for row in rows if actor.region is not None and is_within(row.region, actor.region)][:most]


def kept(line: Line) -> dict[str, Any]:
    """Return a line as it is stored: what a page and a table show of it."""
    verdict = line.verdict
    return {
        **asdict(line.entry),
        "verdict": line.kind,
        "ask": line.ask,
        "types": [guess.name_zh for guess in line.types],
        "offer": _offer(line.offer),
        "first": _offer(line.first),
        "value": round(line.value, 4),
        "gain": round(verdict.gain, 4) if verdict else 0,
        "cost": round(verdict.cost, 4) if verdict and verdict.cost is not None else None,
    }


def _offer(one: Candidate | None) -> dict[str, Any] | None:
    if one is None:
        return None
    names = (
        "instrument_id",
        "name",
        "type_name",
        "carrier_id",
        "carrier_name",
        "region",
        "region_name",
        "service",
        "price_fen",
        "distance_m",
        "is_sample",
    )
    return {name: getattr(one, name) for name in names}


def _check(actor: Actor, wish: Wish, entries: Sequence[Entry]) -> None:
    if not 0 < len(wish.title.strip()) <= 100:
        raise Invalid("title", N_("请给这次分配起个名字，最多 100 字。"))
    if wish.days not in DAYS:
        raise Invalid("days", N_("请写 7 到 90 天。"))
    if not 1 <= wish.part <= 100:
        raise Invalid("part", N_("请写 1 到 100。"))
    if not 0 <= wish.evenness <= 100:
        raise Invalid("evenness", N_("请写 0 到 100。"))
    if not entries:
        raise Invalid("file", N_("表里没有需求。要有这几列：企业、县（市、区）、需求。"))
    if len(entries) > MOST:
        raise Invalid("file", N_("一次最多 %(most)s 条，表里有 %(count)s 条。请分成几次。"), most=MOST, count=len(entries))
    outside = next((one for one in entries if actor.region is None or not is_within(one.region, actor.region)), None)
    if outside:
        raise Invalid("file", N_("第 %(row)s 行不在您的辖区（%(region)s）。请删去这一行。"), row=outside.number, region=outside.region)
