"""What was looked for and not found, kept without persons: a week, a region, an instrument type, how it ended, and how often.

Who asked is known for one day only, as a hash under a key that is thrown away with the day; both tables stay out of the write-ahead log. A hash
holds for one row, so two searches of one asker cannot be told to be theirs. What would lead to a person is taken out of a text before it is written.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from bookings.scrubbing import scrub
from core import clock
from core.db import Base, BigId

KINDS: Final = ("found", "relaxed", "none", "ask", "unanswered")
"""How a search ended: with providers, only without one of its conditions, with nobody, with a question; or a posted need that nobody answered."""

UNMET: Final = ("none", "relaxed", "ask", "unanswered")
FEWEST: Final = 3
"""Different askers from which on a text is shown (k-anonymity)."""

WEEKS_KEPT: Final = 104
LONGEST: Final = 300


class Demand(Base):
    """How often something was looked for in a week (its Monday): adcode or "", type name or "", text or "".

    `n` counts an asker once a day; `askers` is the largest number of different askers on one day, so never more than there were.
    """

    __tablename__ = "demand"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS!r}", name="kind"),
        CheckConstraint("extract(isodow FROM week) = 1", name="week"),
        CheckConstraint("n >= 0 AND askers >= 0", name="counts"),
        CheckConstraint(f"length(text) <= {LONGEST}", name="text"),
        UniqueConstraint("week", "region", "kind", "type", "text", "is_sample"),
    )
    id: Mapped[BigId]
    week: Mapped[date]
    region: Mapped[str]
    kind: Mapped[str]
    type: Mapped[str]
    text: Mapped[str]
    n: Mapped[int] = mapped_column(BigInteger)
    askers: Mapped[int]
    is_sample: Mapped[bool] = mapped_column(default=False)


class DemandKey(Base):
    """The key of one day's hashes."""

    __tablename__ = "demand_key"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 (SQLAlchemy's own way)
    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)


class DemandAsker(Base):
    """That somebody asked for a row on a day: a hash of asker and row under the day's key."""

    __tablename__ = "demand_asker"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 (SQLAlchemy's own way)
    day: Mapped[date] = mapped_column(primary_key=True)
    demand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    who: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)


class DemandNoted(Base):
    """A posted need that ended unanswered and has been counted."""

    __tablename__ = "demand_noted"
    need_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


@dataclass(frozen=True)
class Sign:
    """One search as it is handed over: how it ended, the type's name, the text as typed, the region (adcode) and who asked.

    `asker` is any text that is the same for the same asker; it is hashed and never stored. A text of what was found is not kept.
    """

    kind: str
    type: str = ""
    text: str = ""
    region: str = ""
    asker: str = ""

    @property
    def row(self) -> tuple[str, str, str, str]:
        """What is counted together: region, kind, type, text."""
        said = "" if self.kind == "found" else scrub(" ".join(self.text[: 2 * LONGEST].replace("\x00", " ").split()))[:LONGEST]
        return self.region, self.kind, self.type, said


def monday(day: date) -> date:
    """Return the first day of the week (ISO 8601) of `day`."""
    return day - timedelta(days=day.weekday())


def keep(session: Session, signs: Iterable[Sign]) -> int:
    """Count searches of today and return how many were new: the same asker counts once a day for the same row."""
    found = sorted(set(signs), key=lambda sign: (sign.row, sign.asker))
    if not found:
        return 0
    today = clock.today(session)
    key = _key(session, today)
    rows = [sign.row for sign in found]
    values: dict[str, Any] = {name: [row[n] for row in rows] for n, name in enumerate(("regions", "kinds", "types", "texts"))}
    values |= {"week": monday(today), "day": today, "who": [_hashed(key, sign) for sign in found]}
    session.execute(text(_ROWS), values)
    fresh = session.scalars(text(_ASKERS), values).all()
    session.execute(text(_LOCK), {"ids": sorted(set(fresh))})
    session.execute(text(_COUNT), {"ids": list(fresh), "day": today})
    return len(fresh)


def keep_unanswered(session: Session, need_id: int, sign: Sign) -> int:
    """Count a posted need that ended without an answer, once, whatever day it ended on; return 1 the first time."""
    noted = session.execute(text("INSERT INTO demand_noted VALUES (:id) ON CONFLICT DO NOTHING RETURNING 1"), {"id": need_id}).first()
    return keep(session, [replace(sign, kind="unanswered")]) if noted else 0


def untidy(session: Session) -> Sequence[int]:
    """Say whether something is kept longer than it may be."""
    return [1] if session.scalar(text(_UNTIDY), _limits(session)) else []


def tidy(session: Session, _key: int = 1) -> int:
    """Throw away keys and hashes of past days, texts of past weeks that too few asked for, weeks past their time; return how many rows went."""
    limits = _limits(session)
    return sum(session.execute(text(query), limits).rowcount for query in _TIDY)  # type: ignore[attr-defined]


def _limits(session: Session) -> dict[str, Any]:
    today = clock.today(session)
    return {"day": today, "week": monday(today), "oldest": monday(today) - timedelta(weeks=WEEKS_KEPT), "fewest": FEWEST}


def _key(session: Session, day: date) -> bytes:
    session.execute(text("INSERT INTO demand_key VALUES (:day, :key) ON CONFLICT DO NOTHING"), {"day": day, "key": secrets.token_bytes(32)})
    found: bytes = session.scalars(text("SELECT key FROM demand_key WHERE day = :day"), {"day": day}).one()
    return found


def _hashed(key: bytes, sign: Sign) -> bytes:
    return blake2b("\0".join((sign.asker, *sign.row)).encode(), key=key, digest_size=8).digest()


_GIVEN: Final = "unnest(CAST(:regions AS text[]), CAST(:kinds AS text[]), CAST(:types AS text[]), CAST(:texts AS text[])"
_ROWS: Final = f"""
INSERT INTO demand (week, region, kind, type, text, n, askers, is_sample)
SELECT DISTINCT CAST(:week AS date), g.*, 0, 0, false FROM {_GIVEN}) AS g(region, kind, type, text) ORDER BY 2, 3, 4, 5
ON CONFLICT DO NOTHING
"""
_ASKERS: Final = f"""
INSERT INTO demand_asker (day, demand_id, who)
SELECT :day, d.id, g.who FROM {_GIVEN}, CAST(:who AS bytea[])) AS g(region, kind, type, text, who)
JOIN demand d ON d.week = :week AND (d.region, d.kind, d.type, d.text) = (g.region, g.kind, g.type, g.text) AND NOT d.is_sample
ORDER BY d.id, g.who ON CONFLICT DO NOTHING RETURNING demand_id
"""
_LOCK: Final = "SELECT id FROM demand WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"
"""In id order, so that two writers wait for each other instead of forming a circle."""

_COUNT: Final = """
UPDATE demand d SET n = d.n + c.n, askers = greatest(d.askers, (SELECT count(*) FROM demand_asker a WHERE a.day = :day AND a.demand_id = d.id))
FROM (SELECT id, count(*) AS n FROM unnest(CAST(:ids AS bigint[])) AS f(id) GROUP BY id) c WHERE d.id = c.id
"""
_FEW: Final = "text <> '' AND week < :week AND askers < :fewest"
_UNTIDY: Final = f"""
SELECT EXISTS (SELECT FROM demand_key WHERE day < :day) OR EXISTS (SELECT FROM demand_asker WHERE day < :day)
    OR EXISTS (SELECT FROM demand WHERE {_FEW}) OR EXISTS (SELECT FROM demand WHERE week < :oldest)
"""
_TIDY: Final = (
    "DELETE FROM demand_key WHERE day < :day",
    "DELETE FROM demand_asker WHERE day < :day",
    "DELETE FROM demand WHERE week < :oldest",
    f"""WITH gone AS (DELETE FROM demand WHERE {_FEW} RETURNING *)
        INSERT INTO demand (week, region, kind, type, text, n, askers, is_sample)
        SELECT week, region, kind, type, '', sum(n), max(askers), is_sample FROM gone GROUP BY week, region, kind, type, is_sample
        ON CONFLICT (week, region, kind, type, text, is_sample)
        DO UPDATE SET n = demand.n + excluded.n, askers = greatest(demand.askers, excluded.askers)""",
)
