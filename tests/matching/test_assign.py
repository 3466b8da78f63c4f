"""Many needs at once: against every possible plan in small worlds, and the figures of the reasons against plans that were forced."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.assign import SCALE, STEPS, Fairness, Option, Places, Want, assign, millionths
from matching.assigned import explain

COUNTIES = ("330522", "331083")


@st.composite
def worlds(draw, *, most=4):
    """Return a few needs and places; values in hundredths."""
    places = [Places(number, number % 2, draw(st.integers(0, 2))) for number in range(draw(st.integers(0, 3)))]
    wants = []
    for number in range(draw(st.integers(0, most))):
        chosen = draw(st.lists(st.sampled_from([one.instrument for one in places]), unique=True)) if places else []
        options = tuple(Option(one, draw(st.integers(0, 100)) / 100) for one in chosen)
        wants.append(Want(number, draw(st.sampled_from(COUNTIES)), options))
    return wants, places


def rising(used, fits, rise):
    """Return the price of the first `used` of `fits` units of an account that rises."""
    steps = [0, *(fits * step // STEPS for step in range(1, STEPS + 1))]
    return sum(max(0, min(used, high) - low) * millionths(rise * at / (STEPS - 1)) for at, (low, high) in enumerate(pairwise(steps)))


def worth(wants, places, chosen, fairness):
    """Return how good a plan is, what comes first first: how many are served, then value less unevenness in millionths."""
    values = {want.id: {one.instrument: one.value for one in want.options} for want in wants}
    value = sum(millionths(values[number][one]) for number, one in chosen.items() if one is not None)
    for county in COUNTIES:
        ours = [want.id for want in wants if want.county == county]
        value -= rising(sum(chosen[number] is None for number in ours), len(ours), fairness.counties)
    useful = {one.instrument for want in wants for one in want.options}
    for carrier in (0, 1):
        own = [one for one in places if one.carrier == carrier and one.instrument in useful and one.free]
        taken = sum(chosen[number] in {one.instrument for one in own} for number in chosen)
        value -= rising(taken, sum(one.free for one in own), fairness.carriers)
    return sum(one is not None for one in chosen.values()), value


def every_plan(wants, places):
    """Yield every plan that keeps to the places."""
    free = {one.instrument: one.free for one in places}
    for picks in product(*[[None, *(one.instrument for one in want.options)] for want in wants]):
        if all(picks.count(instrument) <= n for instrument, n in free.items()):
            yield dict(zip([want.id for want in wants], picks, strict=True))


@given(worlds(), st.sampled_from([Fairness(), Fairness(0, 0), Fairness(1, 1)]))
@settings(max_examples=150, deadline=None)
def test_no_plan_is_better(world, fairness):
    wants, places = world
    plan = assign(wants, places, fairness=fairness)
    assert worth(wants, places, dict(plan.chosen), fairness) == max(worth(wants, places, one, fairness) for one in every_plan(wants, places))
    assert dict(plan.chosen) in list(every_plan(wants, places))


@given(worlds())
@settings(max_examples=100, deadline=None)
def test_the_cost_of_a_first_choice_is_what_a_plan_with_it_loses(world):
    wants, places = world
    plan = assign(wants, places)
    served, best = worth(wants, places, dict(plan.chosen), Fairness())
    for said in explain(plan, wants):
        if said.verdict in {"moved", "open"}:
            forced = max(worth(wants, places, one, Fairness()) for one in every_plan(wants, places) if one[said.want] == said.first)
            if said.cost is None:
                assert forced[0] < served
            else:
                assert forced == (served, best + round((said.gain - said.cost) * SCALE))
                assert said.cost >= said.gain - 1e-9
        elif said.verdict == "first":
            assert plan.chosen[said.want] == said.first == said.instrument
        else:
            assert not [
                one for one in next(w for w in wants if w.id == said.want).options if any(p.instrument == one.instrument and p.free for p in places)
            ]


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_needs_does_not_matter(world, chance):
    wants, places = world
    mixed, moved = list(wants), list(places)
    chance.shuffle(mixed)
    chance.shuffle(moved)
    one, other = assign(wants, places), assign(mixed, moved)
    assert worth(wants, places, dict(one.chosen), Fairness()) == worth(wants, places, dict(other.chosen), Fairness())


@given(worlds())
@settings(max_examples=50, deadline=None)
def test_one_more_place_never_serves_fewer(world):
    wants, places = world
    more = [replace(one, free=one.free + 1) for one in places]
    assert assign(wants, more).served >= assign(wants, places).served


def test_a_far_county_gets_its_share_where_places_are_scarce():
    wants = [Want(n, COUNTIES[n % 2], (Option(1, 0.9 if n % 2 else 0.7),)) for n in range(20)]
    places = [Places(1, 1, 10)]
    ours = {want.id for want in wants if want.county == COUNTIES[0]}

    def far(fairness):
        plan = assign(wants, places, fairness=fairness)
        assert plan.served == 10
        return sum(plan.chosen[number] is not None for number in ours)

    assert far(Fairness(counties=0)) == 0, "the nearer county takes all"
    assert 2 <= far(Fairness(counties=0.5)) < far(Fairness(counties=1)) <= 5


def test_a_near_tie_goes_to_the_idle_carrier():
    wants = [Want(n, COUNTIES[0], (Option(1, 0.80), Option(2, 0.79))) for n in range(8)]
    plan = assign(wants, [Places(1, 1, 8), Places(2, 2, 8)])
    assert 2 <= sum(one == 2 for one in plan.chosen.values()) <= 6


@pytest.mark.parametrize(
    ("wants", "places"),
    [
        ([Want(1, "a", ()), Want(1, "b", ())], []),
        ([Want(1, "a", (Option(1, 1.2),))], [Places(1, 1, 1)]),
        ([Want(1, "a", (Option(1, 0.2), Option(1, 0.3)))], [Places(1, 1, 1)]),
        ([Want(1, "a", (Option(1, 0.2),))], [Places(1, 1, -1)]),
    ],
)
def test_what_makes_no_sense_is_refused(wants, places):
    with pytest.raises(ValueError, match=r"need 1|places"):
        assign(wants, places)
