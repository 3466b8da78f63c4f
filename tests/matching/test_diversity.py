"""No carrier fills the top, a small one is not crowded out among near-ties, and what gets better never falls."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.diversity import LIKE, TIE, spread
from matching.needs import parse_need
from matching.rank import rank
from tests.matching.facts import TODAY, Facts, facts, many

NEED = parse_need("断口形貌，预算800元以内，7月9日前", today=TODAY)
PLAIN = Facts(id=1, type_fit=0.9, distance_m=5_000.0, net_price_fen=30_000, voucher_part_fen=0, wait_days=1)


def ordered(candidates):
    return spread(rank(NEED, candidates))


def place(candidates, one):
    return next(match.rank for match in ordered(candidates) if match.candidate.id == one)


def test_one_carrier_with_ten_does_not_fill_the_top():
    big = [replace(PLAIN, id=n, net_price_fen=30_000 + n) for n in range(1, 11)]
    small = [replace(PLAIN, id=20 + n, carrier_id=1 + n, net_price_fen=31_000) for n in (1, 2, 3)]
    top = [match.candidate.carrier_id for match in ordered([*big, *small])[:4]]
    assert len(set(top)) == 4


def test_a_small_carrier_comes_first_among_near_ties():
    big = [replace(PLAIN, id=n) for n in (1, 2, 3)]
    small = replace(PLAIN, id=9, carrier_id=2, net_price_fen=30_100)
    first = ordered([*big, small])[0]
    assert first.candidate.id == 9
    assert first.moved is not None
    assert first.moved.params == {"was": "4"}


@settings(deadline=None)
@given(many, st.randoms(use_true_random=False))
def test_the_order_of_asking_does_not_matter(candidates, random):
    assert ordered(random.sample(candidates, len(candidates))) == ordered(candidates)


@settings(deadline=None)
@given(many)
def test_scores_stay_and_nobody_is_overtaken_by_more_than_a_near_tie(candidates):
    plain, moved = rank(NEED, candidates), ordered(candidates)
    assert {one.candidate.id: one.score for one in plain} == {one.candidate.id: one.score for one in moved}
    assert [one.rank for one in moved] == list(range(1, len(moved) + 1))
    for at, one in enumerate(moved):
        assert all(later.score - one.score <= LIKE + TIE + 1e-9 for later in moved[at + 1 :])


@settings(deadline=None, max_examples=200)
@given(many, facts, st.floats(0, 200_000), st.integers(0, 10**6), st.integers(0, 30))
def test_nearer_cheaper_and_sooner_never_ranks_lower(candidates, one, metres, fen, days):
    others = [other for other in candidates if other.id != 0]
    one = replace(one, id=0)
    worse = replace(
        one,
        distance_m=None if one.distance_m is None else one.distance_m + metres,
        net_price_fen=one.net_price_fen + fen,
        wait_days=None if one.wait_days is None else one.wait_days + days,
    )
    assert place([*others, one], 0) <= place([*others, worse], 0)
