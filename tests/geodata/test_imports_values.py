"""Cells as people write them: what is read is exact, what cannot be meant is named."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.money import MAX_FEN
from geodata.imports import values
from geodata.imports.values import heading_unit, read_date, read_hours, read_price, read_status, read_value, read_yes

TODAY = date(2026, 11, 24)
MORNING, WEEK = [["09:00", "12:00"]], ("1", "2", "3", "4", "5")


@pytest.mark.parametrize(
    ("text", "unit", "fen"),
    [
        ("360万元", "", 360_000_000),
        ("94.94 万元", "", 94_940_000),
        ("3,600,000.00", "", 360_000_000),
        ("￥3600000", "", 360_000_000),
        ("１２０万", "", 120_000_000),
        ("360", "万元", 360_000_000),
        ("约360万元", "", 360_000_000),
        ("1.2亿元", "", 12_000_000_000),
        ("800", "千元", 80_000_000),
        ("保密", "", None),
        ("/", "", None),
        ("0", "万元", None),
    ],
)
def test_an_original_value_is_read_in_the_unit_it_is_written_in(text, unit, fen):
    assert read_value(text, unit=unit)[0] == fen


@pytest.mark.parametrize("text", ["$120,000", "12万美元", "300-400万", "三百来万", "-5", "1e6", "360万元/台左边", "9999999999999万"])
def test_an_original_value_that_cannot_be_meant_is_refused_by_name(text):
    with pytest.raises(Invalid) as refusal:
        read_value(text)
    assert refusal.value.field == "value"
    assert text in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "unit", "fen", "per"),
    [
        ("200-300元/样", "", 30_000, "sample"),
        ("1,200元/小时", "", 120_000, "hour"),
        ("1200元每小时", "", 120_000, "hour"),
        ("每小时1200元", "", 120_000, "hour"),
        ("300元/个样品", "", 30_000, "sample"),
        ("1.5万元/次", "", 1_500_000, "job"),
        ("200元起/样", "", 20_000, "sample"),
        ("200元/样起", "", 20_000, "sample"),
        ("200", "元/机时", 20_000, "hour"),
        ("200", "样", 20_000, "sample"),
        ("200 RMB/hour", "", 20_000, "hour"),
        ("0.5~1万元/批", "", 1_000_000, "job"),
        ("面议", "", None, None),
        ("免费", "", None, None),
        ("0元/样", "", None, None),
    ],
)
def test_a_price_is_read_with_its_unit_and_a_range_at_its_upper_end(text, unit, fen, per):
    found = read_price(text, unit=unit)
    assert (found.fen, found.unit) == (fen, per)


@pytest.mark.parametrize("text", ["200-300元/样", "面议", "免费", "200元起/样"])
def test_what_a_price_says_beyond_its_number_is_kept_as_a_note(text):
    ((_, params),) = read_price(text).notes
    assert params["text"] == text


@pytest.mark.parametrize(
    "text", ["200元", "$50/h", "800元/天", "形貌200元/样；能谱300元/样", "300-200元/样", "200元/光年", "看情况", "-3元/样", "0.001元/样"]
)
def test_a_price_that_cannot_be_meant_is_refused_by_name(text):
    with pytest.raises(Invalid) as refusal:
        read_price(text)
    assert refusal.value.field == "price"
    assert text in str(refusal.value)


@given(fen=st.integers(1, 10**11), unit=st.sampled_from([("/样", "sample"), ("/小时", "hour"), ("/次", "job")]), commas=st.booleans())
def test_every_price_that_can_be_written_is_read_to_the_fen(fen, unit, commas):
    written = f"{fen // 100:,}" if commas else str(fen // 100)
    found = read_price(f"{written}.{fen % 100:02d}元{unit[0]}")
    assert (found.fen, found.unit, found.notes) == (fen, unit[1], ())


@given(low=st.integers(1, 10**6), more=st.integers(1, 10**6), dash=st.sampled_from("-~–—至到"))
def test_a_range_never_costs_more_than_its_upper_end(low, more, dash):
    assert read_price(f"{low}{dash}{low + more}元/样").fen == (low + more) * 100


@given(text=st.text(max_size=30))
def test_no_cell_breaks_the_reading(text):
    for read in (read_value, read_price, read_status, read_yes, lambda cell: read_date(cell, TODAY)):
        try:
            found = read(text)
        except Invalid as wrong:
            found = wrong
        fen = getattr(found, "fen", None)
        assert fen is None or 0 < fen <= MAX_FEN
    read_hours(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2019-05-03", "2019-05-03"),
        ("2019年5月3日", "2019-05-03"),
        ("2019/5", "2019-05"),
        ("2019", "2019"),
        ("20190503", "2019-05-03"),
        ("43588", "2019-05-03"),
        ("2019-05-03 00:00:00", "2019-05-03"),
        ("—", None),
    ],
)
def test_a_date_is_as_exact_as_it_is_written(text, found):
    assert read_date(text, TODAY) == found


@pytest.mark.parametrize("text", ["2019-13-01", "5/3/19", "2027-01-01", "1066", "去年"])
def test_a_date_that_is_none_is_refused(text):
    with pytest.raises(Invalid):
        read_date(text, TODAY)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("周一至周五 9:00-12:00", dict.fromkeys(WEEK, MORNING)),
        ("工作日9:00-12:00；13:30-17:00", {day: [*MORNING, ["13:30", "17:00"]] for day in WEEK}),
        ("周一、周三 9:00-12:00", {"1": MORNING, "3": MORNING}),
        ("Mon-Fri 9am-12pm", dict.fromkeys(WEEK, MORNING)),
        ("每天 9-12", dict.fromkeys("1234567", MORNING)),
        ("24小时", {day: [["00:00", "23:59"]] for day in "1234567"}),
        ("提前预约", {}),
        ("10", {}),
    ],
)
def test_opening_hours_are_read_or_kept_as_text(text, hours):
    found = read_hours(text)
    assert found.hours == hours
    assert hours or found.notes


def test_the_words_for_states_and_consent_are_those_of_registers():
    assert [read_status(word) for word in ("在用", "维修", "报废", "0", "Y", "")] == ["working", "maintenance", "retired", "retired", "working", None]
    assert [read_yes(word) for word in ("是", "否", "对外开放", "x", "")] == [True, False, True, False, None]


@pytest.mark.parametrize(("heading", "unit"), [("原值（万元）", "万元"), ("价格(元/小时)", "元/小时"), ("经度(GCJ02)", ""), ("仪器/设备", "")])
def test_a_unit_in_the_header_counts_for_bare_numbers(heading, unit):
    assert heading_unit(heading) == unit


def test_signs_that_no_column_can_hold_are_dropped():
    assert values.clean("电\x00镜\ud800\x1f") == "电镜"
