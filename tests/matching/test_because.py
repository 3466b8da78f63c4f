"""What is told of an order is true: the differences add up to that of the scores, and what would be otherwise is so."""

import math
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from hypothesis import given, settings

from matching.because import ahead, differences, reasons
from matching.counterfactual import Given, counterfactual
from matching.diversity import spread
from matching.needs import parse_need
from matching.rank import rank
from tests.matching.facts import TODAY, Facts, many

NEED = parse_need("断口形貌，预算800元以内，7月9日前", today=TODAY)
PLAIN = Facts(id=1, type_fit=0.9, distance_m=40_000.0, net_price_fen=90_000, voucher_part_fen=0, wait_days=1)


@dataclass(frozen=True)
class Named(Facts):
    carrier_name: str = "示例检测"


@settings(deadline=None)
@given(many)
def test_the_differences_told_add_up_to_the_difference_of_the_scores(candidates):
    matches = rank(NEED, candidates)
    for one, other in pairwise(matches):
        assert abs(math.fsum(differences(one, other).values()) - (one.score - other.score)) < 1e-9
        assert len(ahead(one, other)) <= 3


@settings(deadline=None)
@given(many)
def test_at_most_four_reasons_with_a_trade_off_if_there_is_any(candidates):
    for match in spread(rank(NEED, candidates)):
        shown = reasons(match)
        assert len(shown) <= 4
        told = [part.reason for part in match.parts if part.reason]
        assert any(reason.sign == "tradeoff" for reason in shown) >= any(reason.sign == "tradeoff" for reason in told)


def test_nearer_is_said_to_be_nearer():
    near, far = rank(NEED, [PLAIN, replace(PLAIN, id=2, distance_m=1_000.0)])
    (line,) = ahead(near, far)
    assert line.text.startswith("更近")
    assert ahead(far, near)[-1].sign == "tradeoff"


def first_of(*candidates):
    return rank(NEED, [Named(**vars(one)) for one in candidates])


def test_the_counterfactual_tells_what_a_condition_keeps_away():
    cheaper = Named(**vars(replace(PLAIN, id=2, net_price_fen=40_000)))
    told = counterfactual(first_of(PLAIN), [Given("qualification", "要CMA", None, [cheaper])])
    assert told is not None
    assert (told.instrument_id, told.saves_fen, told.drop) == (2, 50_000, ("qualification",))
    assert told.params["saves"] == "500.00"


def test_the_counterfactual_tells_of_the_nearest_where_none_is_cheaper():
    near = Named(**vars(replace(PLAIN, id=2, distance_m=6_000.0)))
    told = counterfactual(first_of(PLAIN), [Given("qualification", "要CMA", None, [near])])
    assert told is not None
    assert (told.instrument_id, told.params["km"], told.saves_fen) == (2, "6", 0)


def test_the_counterfactual_tells_how_many_days_later_saves_how_much():
    late = Named(**vars(replace(PLAIN, id=2, net_price_fen=50_000, wait_days=8)))
    told = counterfactual(first_of(PLAIN), [Given("deadline", "7月9日前", date(2026, 7, 9), [late])])
    assert told is not None
    assert (told.days, told.saves_fen, told.due) == (3, 40_000, date(2026, 7, 12))


def test_nothing_worth_telling_is_not_told():
    alike = Named(**vars(replace(PLAIN, id=2, net_price_fen=89_000)))
    assert counterfactual(first_of(PLAIN), [Given("qualification", "要CMA", None, [alike])]) is None
    assert counterfactual([], []) is None
