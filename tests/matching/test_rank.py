"""The order is the sum that is shown, the same for the same facts, and no worse offer overtakes a better one."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.needs import parse_need
from matching.rank import rank, reasons

TODAY = date(2026, 7, 1)
NEEDS = [parse_need(text, today=TODAY) for text in ("断口形貌", "断口形貌，预算800元以内，7月9日前")]


@dataclass(frozen=True)
class Facts:
    """A candidate's facts."""

    id: int
    type_fit: float
    distance_m: float | None
    net_price_fen: int
    voucher_part_fen: int
    wait_days: int | None
    precision: str = "point"

    @property
    def next_slot_start(self):
        return None if self.wait_days is None else datetime(2026, 7, 1, 2, tzinfo=UTC) + timedelta(days=self.wait_days)

    @property
    def report_on(self):
        return None if self.wait_days is None else TODAY + timedelta(days=self.wait_days + 3)


facts = st.builds(
    Facts,
    id=st.integers(1, 10**6),
    type_fit=st.floats(0, 1),
    distance_m=st.none() | st.floats(0, 400_000),
    net_price_fen=st.integers(0, 10**7),
    voucher_part_fen=st.integers(0, 10**6),
    wait_days=st.none() | st.integers(0, 60),
    precision=st.sampled_from(["point", "county", "city"]),
)
many = st.lists(facts, max_size=12, unique_by=lambda one: one.id)
needs = st.sampled_from(NEEDS)


@settings(deadline=None)
@given(needs, many)
def test_the_score_is_the_sum_of_the_parts_shown(need, candidates):
    for match in rank(need, candidates):
        assert abs(math.fsum(part.contribution for part in match.parts) - match.score) < 1e-9
        whole = sum(part.weight for part in match.parts)
        assert all(abs(part.contribution - part.weight * part.value / whole) < 1e-12 for part in match.parts)
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
            dominates = all(a.value >= b.value for a, b in zip(better.parts, worse.parts, strict=True))
            assert not (dominates and any(a.value > b.value + 1e-9 for a, b in zip(better.parts, worse.parts, strict=True)))


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
