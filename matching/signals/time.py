"""How soon: the wait for the first free slot, and whether the report is out by the day that was asked for."""

from typing import Final

from core.clock import business_date
from core.errors import N_
from matching.decay import exponential_decay
from matching.needs import Need
from matching.signals.base import Facts, Reading, Reason

HALF_WAIT_DAYS: Final = 5
HALF_LATE_DAYS: Final = 3
IN_TIME: Final = 0.6
soon = exponential_decay(HALF_WAIT_DAYS)
barely_late = exponential_decay(HALF_LATE_DAYS)


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
    if spare == 0:
        return Reading(IN_TIME + (1 - IN_TIME) * value, Reason("fits", N_("%(date)s 出报告，正好赶上"), {"date": report.isoformat()}))
    if spare > 0:
        params = {"date": report.isoformat(), "days": str(spare)}
        return Reading(IN_TIME + (1 - IN_TIME) * value, Reason("fits", N_("%(date)s 出报告，比要求早 %(days)s 天"), params))
    params = {"date": report.isoformat(), "days": str(-spare)}
    return Reading(IN_TIME / 2 * barely_late(-spare) * value, Reason("tradeoff", N_("%(date)s 出报告，比要求晚 %(days)s 天"), params))
