"""What speaks for and against one provider: one pure function a signal, each returning a value 0..1 and the line that says why.

The list at the end is the whole of it: to add a signal, write its function and its line there. Gathering the facts is left to
`matching.candidates`, adding the values up to `matching.rank`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, Protocol

from core.clock import business_date
from core.errors import N_
from core.money import yuan
from matching.decay import exponential_decay
from matching.needs import Need

HALF_DISTANCE_M: Final = 20_000
HALF_OWN_FEN: Final = 100_000
HALF_WAIT_DAYS: Final = 5
HALF_LATE_DAYS: Final = 3
IN_TIME: Final = 0.6
SOMEWHERE: Final = 0.25

near = exponential_decay(HALF_DISTANCE_M)
cheap = exponential_decay(HALF_OWN_FEN)
soon = exponential_decay(HALF_WAIT_DAYS)
barely_late = exponential_decay(HALF_LATE_DAYS)


class Facts(Protocol):
    """What the signals read of a candidate: distances in metres, money in fen, `next_slot_start` aware, `report_on` in Asia/Shanghai.

    `distance_m` is None where there is no exact distance: the person gave no place, or `precision` is anything but "point".
    """

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def type_fit(self) -> float: ...  # noqa: D102
    @property
    def precision(self) -> str: ...  # noqa: D102
    @property
    def distance_m(self) -> float | None: ...  # noqa: D102
    @property
    def net_price_fen(self) -> int: ...  # noqa: D102
    @property
    def voucher_part_fen(self) -> int: ...  # noqa: D102
    @property
    def next_slot_start(self) -> datetime | None: ...  # noqa: D102
    @property
    def report_on(self) -> date | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of why: it fits, or it is a trade-off; `text` is a message id whose fields are in `params`."""

    sign: Literal["fits", "tradeoff"]
    text: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one signal says of one candidate: a value 0..1 and, where there is something to tell, a reason."""

    value: float
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal's name, its weight against the others, and the function that reads it."""

    name: str
    weight: float
    read: Callable[[Need, Facts], Reading]


def read_type_fit(_need: Need, facts: Facts) -> Reading:
    """Return how well the instrument's type serves the need, as `matching.types` scored it."""
    fit = min(max(facts.type_fit, 0.0), 1.0)
    percent = {"percent": str(round(fit * 100))}
    if fit >= 0.5:
        return Reading(fit, Reason("fits", N_("仪器类型与需求吻合 %(percent)s%%"), percent))
    return Reading(fit, Reason("tradeoff", N_("仪器类型只吻合 %(percent)s%%"), percent))


def read_distance(_need: Need, facts: Facts) -> Reading:
    """Return the nearness, halved every 20 km; a place known only to its city counts as two half distances and says so."""
    if facts.precision == "city":
        return Reading(SOMEWHERE, Reason("tradeoff", N_("位置约到市")))
    if facts.distance_m is None:
        return Reading(SOMEWHERE)
    sign: Literal["fits", "tradeoff"] = "fits" if facts.distance_m <= HALF_DISTANCE_M else "tradeoff"
    return Reading(near(facts.distance_m), Reason(sign, N_("距离 %(km)s 公里"), {"km": f"{facts.distance_m / 1000:.1f}"}))


def read_own_part(_need: Need, facts: Facts) -> Reading:
    """Return how little the person pays after the voucher, halved every ¥1,000."""
    value = cheap(facts.net_price_fen)
    money = {"own": yuan(facts.net_price_fen), "voucher": yuan(facts.voucher_part_fen)}
    if facts.voucher_part_fen > 0:
        return Reading(value, Reason("fits", N_("券抵 ¥%(voucher)s，自付 ¥%(own)s"), money))
    return Reading(value, Reason("tradeoff", N_("没有券可抵，自付 ¥%(own)s"), money) if facts.net_price_fen else None)


def read_slot(need: Need, facts: Facts) -> Reading:
    """Return how soon it can be used: halved every 5 days of waiting; a report after the deadline is worth less than half of any in time."""
    if facts.next_slot_start is None:
        return Reading(0.0, Reason("tradeoff", N_("没有可约的时段")))
    start = business_date(facts.next_slot_start)
    value = soon((start - need.asked_on).days)
    if need.deadline is None:
        return Reading(value, Reason("fits", N_("最早 %(date)s 可约"), {"date": start.isoformat()}))
    report = facts.report_on or start
    spare = (need.deadline - report).days
    if spare >= 0:
        params = {"date": report.isoformat(), "days": str(spare)}
        return Reading(IN_TIME + (1 - IN_TIME) * value, Reason("fits", N_("%(date)s 出报告，比要求早 %(days)s 天"), params))
    params = {"date": report.isoformat(), "days": str(-spare)}
    return Reading(IN_TIME / 2 * barely_late(-spare) * value, Reason("tradeoff", N_("%(date)s 出报告，比要求晚 %(days)s 天"), params))


def read_budget(need: Need, facts: Facts) -> Reading:
    """Return 1 within the budget (or without one), and the budget's share of what the person pays beyond it."""
    budget = need.budget_fen
    if budget is None:
        return Reading(1.0)
    over = facts.net_price_fen - budget
    if over <= 0:
        return Reading(1.0, Reason("fits", N_("比预算低 ¥%(below)s"), {"below": yuan(-over)}))
    return Reading(budget / facts.net_price_fen, Reason("tradeoff", N_("比预算高 ¥%(over)s"), {"over": yuan(over)}))


SIGNALS: Final[tuple[Signal, ...]] = (
    Signal("type_fit", 8, read_type_fit),
    Signal("distance", 4, read_distance),
    Signal("own_part", 3, read_own_part),
    Signal("slot", 3, read_slot),
    Signal("budget", 2, read_budget),
)
