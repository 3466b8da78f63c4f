"""Half a kilometre is the price of a wrong coordinate system: these tests hold the door."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from geodata.crs import CHINA, SYSTEMS, from_wgs84, to_wgs84

DEGREE_M = 111_320.0
in_china = st.tuples(st.floats(73.6, 135.0), st.floats(3.9, 53.5))


def metres(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    middle = np.radians((a[:, 1] + b[:, 1]) / 2)
    return DEGREE_M * np.hypot((a[:, 0] - b[:, 0]) * np.cos(middle), a[:, 1] - b[:, 1])


@given(point=in_china, system=st.sampled_from(SYSTEMS))
@settings(max_examples=300, deadline=None)
def test_a_point_that_goes_out_and_comes_back_has_not_moved(point, system):
    start = np.array([point])
    assert np.abs(to_wgs84(from_wgs84(start, system), system) - start).max() < 1e-9


@pytest.mark.parametrize("system", ["GCJ-02", "BD-09"])
def test_a_dense_net_over_the_country_closes_in_both_directions(system):
    net = np.stack(np.meshgrid(np.linspace(73.6, 135.0, 200), np.linspace(3.9, 53.5, 200)), axis=-1).reshape(-1, 2)
    assert metres(to_wgs84(from_wgs84(net, system), system), net).max() < 0.01
    assert metres(from_wgs84(to_wgs84(net, system), system), net).max() < 0.01


def test_the_shift_in_hangzhou_is_the_one_everybody_knows():
    shift = from_wgs84(np.array([[120.16142, 30.29365]]), "GCJ-02")[0] - [120.16142, 30.29365]
    assert shift == pytest.approx([0.0046, -0.0024], abs=0.0003)


@pytest.mark.parametrize(
    ("system", "wgs84", "shifted"),
    [
        # Tiananmen as the three systems are usually printed beside each other, to the metre.
        ("GCJ-02", (116.3912757, 39.9067), (116.39751888, 39.90810235)),
        ("BD-09", (116.3912757, 39.9067), (116.40389232, 39.91444047)),
    ],
)
def test_known_pairs_agree_to_the_metre(system, wgs84, shifted):
    assert metres(from_wgs84(np.array([wgs84]), system), np.array([shifted]))[0] < 1.0
    assert metres(to_wgs84(np.array([shifted]), system), np.array([wgs84]))[0] < 1.0


def test_wgs84_and_cgcs2000_are_never_shifted_however_often_they_pass_the_door():
    point = np.array([[120.16142, 30.29365]])
    for system in ("WGS84", "CGCS2000"):
        assert np.array_equal(to_wgs84(to_wgs84(point, system), system), point)
        assert np.array_equal(from_wgs84(point, system), point)


def test_shifting_twice_by_mistake_shows_as_half_a_kilometre():
    point = np.array([[120.16142, 30.29365]])
    once = to_wgs84(point, "GCJ-02")
    assert 400 < metres(to_wgs84(once, "GCJ-02"), once)[0] < 700


def test_places_outside_the_rectangle_stay_where_they_are():
    abroad = np.array([[2.3522, 48.8566], [-74.006, 40.7128], [139.6917, 35.6895], [CHINA[0] - 1e-6, 30.0]])
    for system in SYSTEMS:
        assert np.array_equal(to_wgs84(abroad, system), abroad)
        assert np.array_equal(from_wgs84(abroad, system), abroad)


def test_a_mixed_batch_gives_each_point_what_it_gets_alone():
    points = np.random.default_rng(7).uniform([70.0, 0.0], [140.0, 57.0], (500, 2))
    together = to_wgs84(points, "BD-09")
    alone = np.vstack([to_wgs84(point[None], "BD-09") for point in points])
    assert np.abs(together - alone).max() < 1e-12


def test_the_input_is_left_untouched_and_nothing_comes_of_nothing():
    points = np.array([[120.0, 30.0]])
    from_wgs84(points, "GCJ-02")
    assert points.tolist() == [[120.0, 30.0]]
    assert to_wgs84(np.empty((0, 2)), "GCJ-02").shape == (0, 2)


@pytest.mark.parametrize("convert", [to_wgs84, from_wgs84])
def test_an_unknown_system_is_refused_by_its_name(convert):
    with pytest.raises(Invalid) as refusal:
        convert(np.array([[120.0, 30.0]]), "GCJ02")
    assert refusal.value.field == "crs"
    assert "GCJ02" in str(refusal.value)


@pytest.mark.parametrize("bad", [[[np.nan, 30.0]], [[120.0, np.inf]], [120.0, 30.0], [[120.0, 30.0, 5.0]]])
def test_empty_infinite_or_misshapen_coordinates_are_refused(bad):
    with pytest.raises(Invalid) as refusal:
        to_wgs84(np.array(bad), "WGS84")
    assert refusal.value.field == "lonlat"
