"""How good a partner: deliveries in time and undisputed, hours until an answer, accreditations.

A judgement is told from five orders on, with the lower end of Wilson's interval; below that what is usual counts most, and nothing is said.
"""

from typing import Final

from core.errors import N_
from matching.decay import exponential_decay
from matching.needs import Need
from matching.records import at_least, drawn, hours
from matching.signals.base import Facts, Reading, Reason

TOLD_FROM: Final = 5
HALF_ANSWER_HOURS: Final = 12
UNPROVEN: Final = 0.5
prompt = exponential_decay(HALF_ANSWER_HOURS)


def read_quality(_need: Need, facts: Facts) -> Reading:
    """Return the mean of two shares, each as a Beta posterior (`matching.records.drawn`): delivered in time, not disputed."""
    own = facts.record
    value = (drawn(own.on_time, own.delivered, own.usual.on_time) + drawn(own.undisputed, own.delivered, own.usual.undisputed)) / 2
    if own.delivered < TOLD_FROM:
        return Reading(value)
    shares = {"hits": str(own.on_time), "count": str(own.delivered), "percent": str(int(100 * at_least(own.on_time, own.delivered)))}
    if own.on_time / own.delivered >= own.usual.on_time:
        return Reading(value, Reason("fits", N_("%(count)s 次交付中 %(hits)s 次准时，有把握的下限 %(percent)s%%"), shares))
    return Reading(value, Reason("tradeoff", N_("%(count)s 次交付中只有 %(hits)s 次准时"), shares))


def read_responsiveness(_need: Need, facts: Facts) -> Reading:
    """Return ½^(hours ÷ 12) of the hours until an answer, the carrier's median drawn towards what is usual."""
    own = facts.record
    value = prompt(hours(own))
    if own.answers < TOLD_FROM or own.answer_hours is None:
        return Reading(value)
    told = {"hours": f"{own.answer_hours:.1f}"}
    if own.answer_hours <= HALF_ANSWER_HOURS:
        return Reading(value, Reason("fits", N_("通常 %(hours)s 小时内答复"), told))
    return Reading(value, Reason("tradeoff", N_("答复通常要 %(hours)s 小时"), told))


def read_accreditation(need: Need, facts: Facts) -> Reading:
    """Return the share of the asked accreditations that are proven; where none is asked 1 for any, ½ for none proven."""
    asked = [str(one.value) for one in need.constraints if one.kind == "qualification"]
    held = {_kind(one) for one in facts.accreditations}
    if not asked:
        names = {"names": "、".join(facts.accreditations)}
        return Reading(1.0, Reason("fits", N_("有 %(names)s"), names)) if held else Reading(UNPROVEN)
    missing = [one for one in asked if _kind(one) not in held]
    value = 1 - len(missing) / len(asked)
    if missing:
        return Reading(value, Reason("tradeoff", N_("没有查到有效的 %(names)s"), {"names": "、".join(missing)}))
    return Reading(value, Reason("fits", N_("有要求的 %(names)s"), {"names": "、".join(asked)}))


def _kind(name: str) -> str:
    """Return the letters of an accreditation that tell it from others: CNAS is given by ISO/IEC 17025."""
    return "CNAS" if "17025" in name else name.upper()
