"""The same figure in another unit is the same condition: the limit agrees in SI to a billionth, and the same instruments meet it."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.needs import parse_need
from matching.specfit import known, states

TODAY = date(2026, 7, 1)
TON = 9.80665
SWAPS = [
    # quantity, a unit, another, how many of the other are one of the first
    ("力", "kN", "N", 1000.0),
    ("力", "kN", "MN", 0.001),
    ("力", "kN", "吨力", 1 / TON),
    ("力", "kN", "kgf", 1000 / TON),
    ("压力", "MPa", "bar", 10.0),
    ("压力", "MPa", "psi", 1 / 0.006894757293168361),
    ("压力", "MPa", "kPa", 1000.0),
    ("分辨率", "nm", "µm", 0.001),
    ("分辨率", "nm", "Å", 10.0),
    ("频率", "GHz", "MHz", 1000.0),
    ("频率", "GHz", "kHz", 1e6),
    ("检出限", "ppm", "ppb", 1000.0),
    ("检出限", "ppm", "mg/kg", 1.0),
    ("检出限", "ppb", "µg/kg", 1.0),
    ("加速电压", "kV", "V", 1000.0),
    ("转速", "rpm", "r/min", 1.0),
    ("扭矩", "kN·m", "N·m", 1000.0),
    ("加速度", "gn", "m/s²", TON),
    ("温度", "℃", "K", None),
]
VALUES = st.integers(1, 9_999).map(lambda n: n / 10)
SIGNS = st.sampled_from(["≥", "≤", "不低于", "不超过", "", "到"])


def limit(text):
    (one,) = parse_need(text, today=TODAY).limits
    return one


def plain(value):
    return f"{value:.14f}".rstrip("0").rstrip(".")


def other(value, factor):
    return plain(value + 273.15 if factor is None else value * factor)


def near(one, two):
    return (one is None) == (two is None) and (one is None or abs(one - two) <= 1e-9 * max(abs(one), abs(two)))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SWAPS), VALUES, SIGNS)
def test_a_need_in_another_unit_asks_the_same(swap, value, sign):
    quantity, unit, unit2, factor = swap
    one, two = limit(f"{quantity}{sign}{plain(value)} {unit}"), limit(f"{quantity}{sign}{other(value, factor)} {unit2}")
    assert (one.quantity, one.op, one.si_unit) == (two.quantity, two.op, two.si_unit)
    assert near(one.low, two.low)
    assert near(one.high, two.high)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SWAPS), VALUES, st.lists(VALUES, min_size=1, max_size=6))
def test_the_same_instruments_meet_it_whichever_unit_either_side_writes(swap, value, reaches):
    quantity, unit, unit2, factor = swap
    asked = limit(f"{quantity}≥{plain(value)} {unit}"), limit(f"{quantity}≥{other(value, factor)} {unit2}")
    stated = (
        [known({quantity: f"{plain(reach)} {unit}"}) for reach in reaches],
        [known({quantity: f"{other(reach, factor)} {unit2}"}) for reach in reaches],
    )
    found = {tuple(states([one], reach)[0] for reach in written) for one in asked for written in stated}
    assert len(found) == 1


@pytest.mark.parametrize(("one", "two"), [("过200目筛的粉末", "powder through 200 mesh"), ("硬度HRC 60以上", "hardness of at least 60 HRC")])
def test_two_ways_of_writing_are_the_same_figure(one, two):
    (a,), (b,) = (parse_need(text, today=TODAY).constraints for text in (one, two))
    assert (a.value.quantity, a.value.low, a.value.high) == (b.value.quantity, b.value.low, b.value.high)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("force 300 kN", ("力", ">=", 300_000.0, None)),
        ("frequency up to 18 GHz", ("频率", ">=", 18e9, None)),
        ("temperature from -40 to 150 °C", ("温度", "covers", 233.15, 423.15)),
        ("resolution better than 1 nm", ("分辨率", "<=", None, 1e-9)),
        ("accuracy ±0.5%", ("精度", "<=", None, 0.005)),
        ("hardness above 60 HRC", ("硬度", ">=", 60.0, None)),
        ("accelerating voltage 200 kV", ("加速电压", ">=", 200_000.0, None)),
        ("pressure of at least 10 MPa", ("压力", ">=", 1e7, None)),
        ("torque 20 N·m", ("扭矩", ">=", 20.0, None)),
        ("detection limit 0.1 ppb", ("检出限", "<=", None, 1e-10)),
        ("wavelength 200-800 nm", ("波长", "covers", 2e-7, 8e-7)),
        ("viscosity 1 to 100 Pa·s", ("黏度", "covers", 1.0, 100.0)),
        ("power 5 kW", ("功率", ">=", 5000.0, None)),
        ("speed 3000 rpm", ("转速", ">=", 50.0, None)),
    ],
)
def test_english_names_are_the_same_quantities(text, expected):
    one = limit(text)
    assert (one.quantity, one.op, one.low, one.high) == (expected[0], expected[1], pytest.approx(expected[2]), pytest.approx(expected[3]))
