"""What a firm hands in when it posts a need, and whether that can be meant: the text, the budget, the day, the time to answer, who sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.need_entities import VISIBILITY
from core import clock
from core.errors import N_, Invalid
from vouchers import ledger

LONGEST: Final = 10_000
LEAST_HOURS: Final = 1
MOST_HOURS: Final = 240
"""Fewest and most hours that carriers get to answer: invented examples."""

MOST_CHOSEN: Final = 20
FARTHEST: Final = timedelta(days=365)
"""Days ahead within which a report may be asked for."""


@dataclass(frozen=True)
class Posting:
    """A need as it is handed in: `understood` [{type, score, why}] and `constraints` as data; budget in fen; `chosen` ids of carriers."""

    text: str
    understood: tuple[Mapping[str, Any], ...] = ()
    constraints: tuple[Mapping[str, Any], ...] = ()
    budget: int | None = None
    due: date | None = None
    visibility: str = "public"
    chosen: frozenset[int] = frozenset()
    answer_hours: int = 48

    @property
    def types(self) -> list[str]:
        """Names of the instrument types, best first."""
        return list(dict.fromkeys(str(one["type"]) for one in self.understood))

    def content(self) -> dict[str, Any]:
        """Return what the person said as plain data, alike for alike postings: what a request id stands for."""
        return {**asdict(self), "chosen": sorted(self.chosen), "types": self.types, "understood": None, "constraints": None}


def check_posting(session: Session, posting: Posting) -> None:
    """Raise `Invalid` at the first field of a posting that cannot be meant."""
    _check_text(posting.text)
    if posting.budget is not None:
        check_price(posting.budget, "budget")
    if type(posting.answer_hours) is not int or not LEAST_HOURS <= posting.answer_hours <= MOST_HOURS:
        raise Invalid("answer_hours", N_("给载体 %(least)s 到 %(most)s 小时答复。"), least=LEAST_HOURS, most=MOST_HOURS)
    if posting.due is not None:
        _check_due(session, posting.due, posting.answer_hours)
    if posting.visibility not in VISIBILITY:
        raise Invalid("visibility", N_("请选给谁看：公开、只给选定的载体、只给科技局。"))
    _check_chosen(session, posting)


def check_price(price: int, field: str = "price") -> None:
    """Raise `Invalid` at `field` for an amount (fen) that is none, or too large for any book."""
    try:
        ledger.check_amount(price)
    except Invalid as wrong:
        raise Invalid(field, wrong.text, **wrong.params) from wrong


def open_carriers(session: Session, ids: Collection[int]) -> set[int]:
    """Return those of `ids` that are carriers which may act."""
    return set(session.scalars(text(_OPEN), {"ids": sorted(ids)}))


def _check_text(said: str) -> None:
    if len(said) > LONGEST:
        raise Invalid("text", N_("需求最多 %(most)s 字，现在是 %(count)s 字。"), most=LONGEST, count=len(said))
    if sum(1 for char in said if char.isalnum()) < 2 or "\x00" in said:
        raise Invalid("text", N_("请写出样品和要测的指标。"))


def _check_due(session: Session, due: date, hours: int) -> None:
    first = clock.business_date(clock.now(session) + timedelta(hours=hours))
    if due < clock.today(session):
        raise Invalid("due", N_("这一天已经过去了。请选以后的日子，或者不填。"))
    if due < first or datetime.combine(due, time(23, 59), clock.SHANGHAI) < clock.now(session) + timedelta(hours=hours):
        raise Invalid("due", N_("答复要到 %(day)s 才截止，报告不能更早。请把答复时间改短，或者把日子改晚。"), day=first)
    if due > clock.today(session) + FARTHEST:
        raise Invalid("due", N_("最多提前 %(days)s 天。"), days=FARTHEST.days)


def _check_chosen(session: Session, posting: Posting) -> None:
    if posting.visibility != "chosen":
        return
    if not 1 <= len(posting.chosen) <= MOST_CHOSEN:
        raise Invalid("chosen", N_("请选 1 到 %(most)s 家载体。"), most=MOST_CHOSEN)
    if posting.chosen - open_carriers(session, posting.chosen):
        raise Invalid("chosen", N_("有的载体没有开放，或者不存在。请从列出的里选。"))


_OPEN: Final = """
SELECT o.id FROM organisation o LEFT JOIN carrier_entry e ON e.organisation_id = o.id
WHERE o.id = ANY(:ids) AND o.kind = 'carrier' AND coalesce(e.state, 'open') = 'open'
"""
"""Carriers that are open; one that came with the base data has no paper and counts as open."""
