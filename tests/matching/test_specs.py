"""Specifications are read to operator, value and SI value; `specs.tsv` holds strings of data sheets with what an engineer reads in them."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.specs import parse
from matching.units import find

ROWS = [line.split("\t") for line in Path(__file__).with_name("specs.tsv").read_text(encoding="utf-8").splitlines()]


def short(values):
    return tuple(f"{float(value):.4g}" for value in values)


def wanted(readings):
    parts = [one.split() for one in readings.split(";") if one.strip()]
    return Counter((op, short(values.split(","))) for op, values, _ in parts)


def read(text):
    return Counter((one.op, short(one.si_value if isinstance(one.si_value, tuple) else (one.si_value,))) for one in parse(text))


def test_data_sheets_are_read_as_an_engineer_reads_them():
    pairs = [(wanted(readings), read(text)) for text, readings in ROWS]
    hits = sum((want & got).total() for want, got in pairs)
    f1 = 2 * hits / sum(want.total() + got.total() for want, got in pairs)
    assert len(ROWS) >= 200
    assert f1 >= 0.97


@pytest.mark.parametrize(("text", "readings"), ROWS)
def test_si_units_are_those_of_the_sheet(text, readings):
    units = {(op, short(values.split(","))): unit for op, values, unit in (one.split() for one in readings.split(";") if one.strip())}
    for one in parse(text):
        key = (one.op, short(one.si_value if isinstance(one.si_value, tuple) else (one.si_value,)))
        assert units.get(key, one.si_unit) == one.si_unit


@pytest.mark.parametrize(("one", "other"), [("行程 50mm", "行程 5cm"), ("压力≤0.8MPa", "压力≤800kPa"), ("时间 2h", "时间 120 min"), ("电压 1kV", "电压 1000 V"), ("流量 1L/min", "流量 1000 mL/min")])  # fmt: skip
def test_another_unit_is_the_same_reading(one, other):
    assert read(one) == read(other)


@pytest.mark.parametrize(("one", "other"), [("加速度≥980m/s²", "加速度 ＞＝ ９８０ m/s²".replace("＞＝", "≥")), ("量程0~50kN", "量程：０～５０ｋＮ")])
def test_width_makes_no_difference(one, other):
    assert read(one) == read(other)


def test_the_unit_stands_as_it_was_typed_and_conditions_are_marked():
    resolution, voltage = parse("分辨率0.8nm@15kV")
    assert (resolution.quantity, resolution.unit, resolution.condition) == ("分辨率", "nm", False)
    assert (voltage.unit, voltage.condition) == ("kV", True)
    assert parse("扫描速度 ≤ 5 μm/s")[0].unit == "μm/s"


@pytest.mark.parametrize(
    "text", ["", "无", "GB/T 228.1-2021", "PM2.5", "CO2", "防护等级IP67", "型号 JSM-7800F", "……", "🙂", "1/0", "'; DROP TABLE x;--"]
)
def test_what_is_no_specification_gives_no_reading(text):
    assert parse(text) == ()


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_fault(text):
    for one in parse(text):
        assert one.op in {"<", "<=", ">", ">=", "=", "range", "±"}


@pytest.mark.parametrize(("text", "si", "factor"), [("mg/m³", "kg/m³", 1e-6), ("W/(m·K)", "W/(m·K)", 1), ("cm-1", "1/m", 100), ("mL/min", "m³/s", 1e-6 / 60), ("kB", "B", 1000)])  # fmt: skip
def test_compound_units_are_put_together(text, si, factor):
    unit, end = find(text, 0)
    assert (end, unit.si) == (len(text), si)
    assert unit.factor == pytest.approx(factor)
