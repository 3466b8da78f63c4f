"""How dear: what the person pays after the voucher, and whether that lies within the budget."""

from typing import Final

from core.errors import N_
from core.money import yuan
from matching.decay import exponential_decay
from matching.needs import Need
from matching.signals.base import Facts, Reading, Reason

HALF_OWN_FEN: Final = 100_000
cheap = exponential_decay(HALF_OWN_FEN)


def read_own_part(_need: Need, facts: Facts) -> Reading:
    """Return ½^(own part ÷ ¥1,000): how little the person pays after the voucher."""
    value = cheap(facts.net_price_fen)
    money = {"own": yuan(facts.net_price_fen), "voucher": yuan(facts.voucher_part_fen)}
    if facts.voucher_part_fen > 0:
        return Reading(value, Reason("fits", N_("券抵 ¥%(voucher)s，自付 ¥%(own)s"), money))
    return Reading(value, Reason("tradeoff", N_("没有券可抵，自付 ¥%(own)s"), money) if facts.net_price_fen else None)


def read_budget(need: Need, facts: Facts) -> Reading:
    """Return 1 within the budget (or without one), and the budget's share of what the person pays beyond it."""
    budget = need.budget_fen
    if budget is None:
        return Reading(1.0)
    over = facts.net_price_fen - budget
    if over <= 0:
        return Reading(1.0, Reason("fits", N_("比预算低 ¥%(below)s"), {"below": yuan(-over)}))
    return Reading(max(0.0, budget / facts.net_price_fen), Reason("tradeoff", N_("比预算高 ¥%(over)s"), {"over": yuan(over)}))
