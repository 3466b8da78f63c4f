"""A planner who spends money by these numbers must get the published formula, whatever the size or the order of the rows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, csc_matrix, csr_array

from planning.catchment import gaussian_decay, step_decay, three_step, two_step

METHODS = pytest.mark.parametrize("method", [two_step, three_step])
STEPS = {10: 1.0, 20: 0.68, 30: 0.22}
PYSAL_STEPS = {10: 0.962, 20: 0.704, 30: 0.377, 60: 0.042}

GRIDLOCK = {(1, 3): 40, (2, 3): 40, (3, 1): 40, (3, 2): 40, (1, 2): 80, (2, 1): 80}
"""PySAL's hospital example: minutes between three places, each one minute from itself."""
HOSPITAL = (
    (GRIDLOCK, (0.331444, 0.579828, 7.286418)),
    (GRIDLOCK | {(1, 3): 20, (2, 3): 20}, (0.435340, 0.683724, 5.727977)),
    (GRIDLOCK | {(3, 1): 20, (3, 2): 20}, (0.331072, 0.577858, 7.299992)),
    (GRIDLOCK | dict.fromkeys(GRIDLOCK, 20) | {(1, 2): 40, (2, 1): 40}, (0.442568, 0.666758, 5.740525)),
)


@st.composite
def worlds(draw, classes=3):
    """Draw demand [n], supply [m, classes] and weights [n, m] with holes, empty zones and empty sites."""
    n, m = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    amounts = st.one_of(st.just(0.0), st.floats(0.01, 1e6))
    weights = st.one_of(st.just(0.0), st.floats(0.01, 1.0))
    return tuple(draw(arrays(float, shape, elements=of)) for shape, of in (((n,), amounts), ((m, classes), amounts), ((n, m), weights)))


def plain(demand, supply, weights, selection=None):
    """Say the formulas once more, as loops over numbers."""
    n, m = weights.shape
    chosen = np.ones_like(weights) if selection is None else selection
    share = [
        [chosen[i, j] / sum(chosen[i]) if selection is not None and sum(chosen[i]) else float(selection is None) for j in range(m)] for i in range(n)
    ]
    ratio = []
    for j in range(m):
        served = sum(demand[i] * weights[i, j] * share[i][j] for i in range(n))
        ratio.append(supply[j] / served if served else 0.0)
    return [sum(weights[i, j] * share[i][j] * ratio[j] for j in range(m)) for i in range(n)]


@pytest.mark.parametrize(("minutes", "expected"), HOSPITAL)
def test_the_published_hospital_example_comes_out_to_six_decimals(minutes, expected):
    places = (1, 2, 3)
    between = np.array([[minutes.get((i, j), 1) for j in places] for i in places], dtype=float)
    weights = np.where(between <= 61, 1 / between, 0)
    assert two_step([100, 50, 10], [15, 20, 100], weights).round(6).tolist() == list(expected)


def random_world(seed):
    """Make zones and sites on a plane, some without demand or supply, and the minutes between those within an hour."""
    dice = np.random.default_rng(seed)
    n, m = dice.integers(5, 40, size=2)
    zones, sites = dice.random((n, 2)) * 100, dice.random((m, 2)) * 100
    minutes = np.linalg.norm(zones[:, None] - sites[None], axis=2)
    demand, supply = dice.integers(1, 90_000, n).astype(float), dice.integers(0, 30, (m, 2)).astype(float)
    return demand, supply, minutes


def peer(demand, supply, minutes, ask):
    """Ask PySAL's `access` for every class, in a table of all pairs within the hour; zones that it leaves out have none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        from access import Access

        origin, dest = np.nonzero(minutes <= 60)
        names = [f"class {k}" for k in range(supply.shape[1])]
        asked = Access(
            demand_df=pd.DataFrame({"id": range(len(demand)), "people": demand}),
            demand_index="id",
            demand_value="people",
            supply_df=pd.DataFrame({"id": range(len(supply)), **dict(zip(names, supply.T, strict=True))}),
            supply_index="id",
            supply_value=names,
            cost_df=pd.DataFrame({"origin": origin, "dest": dest, "cost": minutes[origin, dest]}),
            cost_origin="origin",
            cost_dest="dest",
            cost_name="cost",
        )
        found = ask(asked)
        return found.reindex(range(len(demand))).fillna(0).to_numpy()


def _enhanced(asked):
    from access import weights

    return asked.enhanced_two_stage_fca(name="x", weight_fn=weights.step_fn(STEPS | {60: 0.05}))


def _gaussian(asked):
    from access import weights

    return asked.two_stage_fca(name="x", max_cost=60, weight_fn=weights.gaussian(20))


ASKED = {
    "2SFCA": (lambda a: a.two_stage_fca(name="x", max_cost=60), lambda t: (t <= 60).astype(float), two_step),
    "enhanced": (_enhanced, lambda t: step_decay(t, STEPS | {60: 0.05}), two_step),
    "Gaussian": (_gaussian, lambda t: np.where(t <= 60, gaussian_decay(t, 20), 0), two_step),
    "3SFCA": (lambda a: a.three_stage_fca(name="x"), lambda t: step_decay(t, PYSAL_STEPS), three_step),
}


@pytest.mark.parametrize("method", ASKED)
def test_a_hundred_random_worlds_are_the_same_in_pysal(method):
    ask, decay, ours = ASKED[method]
    for seed in range(100 if method in ("2SFCA", "enhanced") else 20):
        demand, supply, minutes = random_world(seed)
        expected = peer(demand, supply, minutes, ask)
        assert np.allclose(ours(demand, supply, csr_array(decay(minutes))), expected, rtol=1e-12, atol=0), f"world {seed}"


@settings(deadline=None)
@given(worlds())
def test_two_steps_are_the_formula(world):
    demand, supply, weights = world
    assert np.allclose(two_step(demand, supply[:, 0], weights), plain(demand, supply[:, 0], weights), rtol=1e-12, atol=0)


@settings(deadline=None)
@given(worlds(), st.data())
def test_three_steps_are_the_formula_with_any_choice_weights(world, data):
    demand, supply, weights = world
    selection = data.draw(arrays(float, weights.shape, elements=st.one_of(st.just(0.0), st.floats(0.01, 9))))
    expected = plain(demand, supply[:, 0], weights, selection)
    assert np.allclose(three_step(demand, supply[:, 0], weights, selection), expected, rtol=1e-11, atol=0)
    assert np.allclose(three_step(demand, supply[:, 0], weights), plain(demand, supply[:, 0], weights, weights), rtol=1e-11, atol=0)


@METHODS
@settings(deadline=None)
@given(worlds())
def test_what_all_zones_get_is_the_supply_of_the_sites_that_somebody_reaches(method, world):
    demand, supply, weights = world
    reached = weights.T @ demand > 0
    found = method(demand, supply, weights)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert np.allclose(demand @ found, supply[reached].sum(axis=0), rtol=1e-9)


@METHODS
@settings(deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_zones_and_sites_does_not_matter(method, world, dice):
    demand, supply, weights = world
    rows, columns = list(range(len(demand))), list(range(len(supply)))
    dice.shuffle(rows)
    dice.shuffle(columns)
    moved = method(demand[rows], supply[columns], weights[np.ix_(rows, columns)])
    assert np.allclose(moved, method(demand, supply, weights)[rows], rtol=1e-9, atol=0)


@METHODS
@settings(deadline=None)
@given(worlds())
def test_sparse_of_any_kind_and_dense_are_the_same(method, world):
    demand, supply, weights = world
    dense = method(demand, supply, weights)
    for kind in (csr_array, csc_matrix, coo_array):
        assert np.allclose(method(demand, supply, kind(weights)), dense, rtol=1e-12, atol=0)


@METHODS
@settings(deadline=None)
@given(worlds(), st.floats(0.1, 100), st.floats(0.1, 100))
def test_twice_the_supply_gives_twice_and_twice_the_demand_half(method, world, more, people):
    demand, supply, weights = world
    found = method(demand, supply, weights)
    assert np.allclose(method(demand, supply * more, weights), found * more, rtol=1e-9, atol=0)
    assert np.allclose(method(demand * people, supply, weights), found / people, rtol=1e-9, atol=0)


@METHODS
@settings(deadline=None)
@given(worlds())
def test_all_classes_at_once_are_each_class_alone(method, world):
    demand, supply, weights = world
    together = method(demand, supply, weights)
    assert together.shape == (len(demand), supply.shape[1])
    assert together.dtype == np.float64
    for k in range(supply.shape[1]):
        assert np.allclose(together[:, k], method(demand, supply[:, k], weights), rtol=1e-12, atol=0)


@METHODS
def test_whole_numbers_are_taken_and_nothing_given_is_changed(method):
    demand, supply, weights = np.array([3, 0]), np.array([[2], [5]]), csr_array(np.array([[1, 0], [0, 1]]))
    kept = demand.copy(), supply.copy(), weights.toarray()
    assert method(demand, supply, weights).tolist() == [[2 / 3], [0.0]]
    assert (demand == kept[0]).all()
    assert (supply == kept[1]).all()
    assert (weights.toarray() == kept[2]).all()


def test_a_zone_out_of_reach_and_a_site_that_nobody_reaches_give_zero():
    weights = csr_array(([1.0], ([0], [0])), shape=(3, 2))
    assert two_step([10, 5, 0], [4, 7], weights).tolist() == [0.4, 0, 0]
    assert three_step([10, 5, 0], [4, 7], weights).tolist() == [0.4, 0, 0]
    assert two_step([0, 5, 0], [4, 7], weights).tolist() == [0, 0, 0]


@METHODS
@settings(deadline=None)
@given(st.integers(0, 5))
def test_a_wide_country_needs_no_table_of_all_pairs(method, seed):
    n = 300_000  # dense: 720 GB
    at = np.random.default_rng(seed).integers(0, n, size=(2, 5))
    found = method(np.ones(n), np.ones(n), csr_array((np.ones(5), at), shape=(n, n)))
    assert found.sum() == pytest.approx(len(set(at[1].tolist())))


RIGHT = {"demand": [1, 1], "supply": [1, 1, 1], "weights": np.ones((2, 3))}
WRONG = [
    ("demand", [-1, 1]),
    ("demand", [np.nan, 1]),
    ("demand", [1, 1, 1]),
    ("demand", [[1, 1]]),
    ("supply", [1, np.inf, 1]),
    ("supply", [1, np.nan, 1]),
    ("supply", [1, -2, 1]),
    ("supply", [1, 2]),
    ("supply", np.ones((3, 1, 1))),
    ("weights", [[1, -1, 0], [0, 0, 0]]),
    ("weights", csr_array(([np.nan], ([0], [0])), shape=(2, 3))),
    ("weights", [1, 2, 3]),
]


@METHODS
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_argument_is_named(method, name, value):
    with pytest.raises(ValueError, match=name):
        method(**RIGHT | {name: value})


def test_choice_weights_of_another_shape_are_named():
    with pytest.raises(ValueError, match="selection"):
        three_step([1, 1], [1, 1, 1], np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="selection"):
        three_step([1, 1], [1, 1, 1], np.ones((2, 3)), -np.ones((2, 3)))


@settings(deadline=None)
@given(arrays(float, st.integers(0, 20), elements=st.floats(0, 200)))
def test_steps_are_looked_up_by_their_upper_bound(minutes):
    expected = [next((w for bound, w in STEPS.items() if t <= bound), 0.0) for t in minutes]
    assert step_decay(minutes, STEPS).tolist() == expected
    assert step_decay(minutes, reversed(STEPS.items())).tolist() == expected


@settings(deadline=None)
@given(arrays(float, st.integers(2, 20), elements=st.floats(0, 200)), st.floats(1, 100), st.floats(1, 100))
def test_the_bell_falls_from_one_and_ends_where_it_is_told_to(minutes, width, reach):
    minutes.sort()
    for curve in (gaussian_decay(minutes, width), gaussian_decay(minutes, width, reach=reach)):
        assert ((curve >= 0) & (curve <= 1)).all()
        assert (np.diff(curve) <= 0).all()
    assert not gaussian_decay(minutes, width, reach=reach)[minutes >= reach].any()
    assert gaussian_decay([0.0], width, reach=reach).tolist() == [1.0]
    assert gaussian_decay(width, width) == pytest.approx(np.exp(-0.5))


def test_no_way_has_no_weight_and_nonsense_is_named():
    assert step_decay([np.inf], STEPS).tolist() == [0.0]
    assert gaussian_decay([np.inf], 20).tolist() == [0.0]
    for wrong in ([-1.0], [np.nan]):
        with pytest.raises(ValueError, match="minutes"):
            step_decay(wrong, STEPS)
        with pytest.raises(ValueError, match="minutes"):
            gaussian_decay(wrong, 20)
    with pytest.raises(ValueError, match="steps"):
        step_decay([1.0], {10: -1})
    for wrong in (0, -3, np.nan):
        with pytest.raises(ValueError, match="width"):
            gaussian_decay([1.0], wrong)
        with pytest.raises(ValueError, match="reach"):
            gaussian_decay([1.0], 20, reach=wrong)
