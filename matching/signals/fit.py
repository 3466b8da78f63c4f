"""How well type and specifications fit: the relevance that multiplies everything else, and the conditions on quantities."""

from core.errors import N_
from matching.needs import Need
from matching.signals.base import Facts, Reading, Reason
from matching.specfit import limits_of, states, worth


def read_type_fit(_need: Need, facts: Facts) -> Reading:
    """Return how well the instrument's type serves the need, as `matching.types` scored it; a factor of the score, not a summand."""
    fit = min(max(facts.type_fit, 0.0), 1.0)
    percent = {"percent": str(round(fit * 100))}
    if fit >= 0.5:
        return Reading(fit, Reason("fits", N_("仪器类型与需求吻合 %(percent)s%%"), percent))
    return Reading(fit, Reason("tradeoff", N_("仪器类型只吻合 %(percent)s%%"), percent))


def read_spec_fit(need: Need, facts: Facts) -> Reading:
    """Return the mean over the asked quantities of met 1, not stated ½, violated 0; 1 where none is asked.

    The mean, not the product: one figure that a maker did not state must not hide nine that are met. What a person insists on is filtered before.
    """
    asked = limits_of(need)
    if not asked:
        return Reading(1.0)
    found = states(asked, facts.readings)
    value = worth(found)
    for state, sign, text in (
        ("violated", "tradeoff", N_("指标达不到：%(what)s")),
        ("unknown", "tradeoff", N_("指标未标明：%(what)s")),
        ("met", "fits", N_("指标满足：%(what)s")),
    ):
        named = [one.text or one.quantity for one, seen in zip(asked, found, strict=True) if seen == state]
        if named:
            return Reading(value, Reason("fits" if sign == "fits" else "tradeoff", text, {"what": "；".join(named)}))
    return Reading(value)
