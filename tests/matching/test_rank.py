"""The order is the sum that is shown, the same for the same facts, and no worse offer overtakes a better one."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from matching import weighing
from matching.needs import parse_need
from matching.rank import rank, reasons
from matching.standing import Standing
from tests.matching.facts import TODAY, Facts, facts, many

NEEDS = [parse_need(text, today=TODAY) for text in ("断口形貌", "断口形貌，预算800元以内，7月9日前")]


needs = st.sampled_from(NEEDS)


@settings(deadline=None)
@given(needs, many)
def test_the_score_is_the_sum_of_the_parts_shown(need, candidates):
    for match in rank(need, candidates):
        assert abs(math.fsum(part.contribution for part in match.parts) - match.score) < 1e-9
        whole = sum(part.weight for part in match.parts)
        fit = match.candidate.type_fit
        assert all(abs(part.contribution - fit * part.weight * part.value / whole) < 1e-12 for part in match.parts)
        assert 0 <= match.score <= 1 + 1e-12


@settings(deadline=None)
@given(needs, many, st.randoms(use_true_random=False))
def test_the_order_of_asking_does_not_matter(need, candidates, random):
    shuffled = random.sample(candidates, len(candidates))
    assert rank(need, shuffled) == rank(need, candidates)


@settings(deadline=None)
@given(needs, many)
def test_what_is_as_good_or_better_on_every_signal_never_ranks_below_with_a_lower_score(need, candidates):
    matches = rank(need, candidates)
    for worse_at, worse in enumerate(matches):
        for better in matches[worse_at + 1 :]:
            pairs = [(better.candidate.type_fit, worse.candidate.type_fit)]
            pairs += [(a.contribution, b.contribution) for a, b in zip(better.parts, worse.parts, strict=True)]
            assert not (all(a >= b for a, b in pairs) and any(a > b + 1e-9 for a, b in pairs[1:]))


@settings(deadline=None)
@given(needs, facts, st.floats(0, 200_000), st.integers(0, 10**6), st.integers(0, 30))
def test_nearer_cheaper_and_sooner_never_lowers_the_rank(need, one, metres, fen, days):
    worse = replace(
        one,
        id=1,
        distance_m=None if one.distance_m is None else one.distance_m + metres,
        net_price_fen=one.net_price_fen + fen,
        wait_days=None if one.wait_days is None else one.wait_days + days,
    )
    better = replace(one, id=2)
    scores = {match.candidate.id: match.score for match in rank(need, [worse, better])}
    assert scores[2] >= scores[1]


@settings(deadline=None)
@given(needs, many)
def test_at_most_three_reasons_and_a_trade_off_among_them_if_there_is_any(need, candidates):
    for match in rank(need, candidates):
        shown = reasons(match)
        assert len(shown) <= 3
        told = [part.reason for part in match.parts if part.reason]
        assert any(reason.sign == "tradeoff" for reason in shown) == any(reason.sign == "tradeoff" for reason in told)


def test_equal_scores_are_parted_by_distance_then_by_id():
    plain = Facts(id=5, type_fit=0.9, distance_m=None, net_price_fen=10_000, voucher_part_fen=0, wait_days=2)
    assert [match.candidate.id for match in rank(NEEDS[0], [plain, replace(plain, id=3)])] == [3, 5]
    at_two_halves = replace(plain, id=9, distance_m=40_000.0)
    assert [match.candidate.id for match in rank(NEEDS[0], [plain, at_two_halves])] == [9, 5]


def test_a_rough_place_is_never_ranked_as_if_it_were_near():
    near = Facts(id=1, type_fit=0.9, distance_m=30_000.0, net_price_fen=10_000, voucher_part_fen=0, wait_days=2)
    rough = replace(near, id=2, distance_m=0.0, precision="city")
    assert [match.candidate.id for match in rank(NEEDS[0], [rough, near])] == [1, 2]


def test_nothing_to_rank_is_an_empty_list():
    assert rank(NEEDS[0], []) == []


weights = st.dictionaries(st.sampled_from(list(weighing.defaults())), st.integers(0, 20).map(lambda halves: halves / 2))


@settings(deadline=None)
@given(needs, many, weights)
def test_moved_weights_hold_and_the_sum_stays_true(need, candidates, moved):
    assume(any((weighing.defaults() | moved).values()))
    matches = rank(need, candidates, weights=moved)
    for match in matches:
        assert {part.signal: part.weight for part in match.parts} == weighing.defaults() | moved
        assert abs(math.fsum(part.contribution for part in match.parts) - match.score) < 1e-9


@settings(deadline=None)
@given(weights)
def test_weights_written_are_read_again(moved):
    assume(any((weighing.defaults() | moved).values()))
    assert weighing.parse(weighing.written(moved)) == moved


@pytest.mark.parametrize(
    "given", ["distance", "distance:11", "distance:-1", "distance:1.3", "nothing:1", "distance:x", ":", "distance:" + "9" * 40, "😀:1"]
)
def test_weights_that_cannot_be_are_refused_with_a_way_out(given):
    if given == ":":
        assert weighing.parse(given) == {}
        return
    with pytest.raises(Invalid) as refused:
        weighing.parse(given)
    assert refused.value.field == "w"


def test_nothing_that_counts_is_refused():
    with pytest.raises(Invalid) as refused:
        weighing.parse(",".join(f"{name}:0" for name in weighing.defaults()))
    assert refused.value.field == "w"


def test_what_meets_every_condition_stands_before_what_states_nothing_before_what_misses():
    best = Facts(id=1, type_fit=1.0, distance_m=100.0, net_price_fen=0, voucher_part_fen=0, wait_days=0)
    found = [best, replace(best, id=2, distance_m=90_000.0), replace(best, id=3, distance_m=200_000.0)]
    stands = {1: Standing(misses=("budget",)), 2: Standing(unknown=("spec:力",)), 3: Standing()}
    assert [match.candidate.id for match in rank(NEEDS[0], found, stands=lambda one: stands[one.id])] == [3, 2, 1]


@settings(deadline=None)
@given(needs, many, facts)
def test_one_more_never_reorders_the_others(need, candidates, other):
    before = [match.candidate.id for match in rank(need, candidates)]
    after = [match.candidate.id for match in rank(need, [*candidates, replace(other, id=0)]) if match.candidate.id != 0]
    assert after == before
