"""What a person types as a condition is read as one, and nonsense is no error."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from matching.needs import parse_need, read_number

TODAY = date(2026, 7, 1)  # a Wednesday


def found(text):
    return [(one.kind, one.value, one.origin, one.strength) for one in parse_need(text, today=TODAY).constraints if one.kind != "spec"]


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("钢材拉伸，预算3000元以内", 300_000),
        ("预算三千五，测断口", 350_000),
        ("预算1.5万", 1_500_000),
        ("不超过２０００元", 200_000),
        ("费用五百元以内", 50_000),
        ("within 3000 yuan", 300_000),
        ("budget: 3k, SEM", 300_000),
        ("under ¥1,200", 120_000),
        ("预算2000-3000元", 300_000),
        ("两万元以下", 2_000_000),
        ("预算三百五十元", 35_000),
    ],
)
def test_a_budget_in_figures_or_numerals_is_read_in_fen(text, fen):
    assert ("budget", fen, "said", "required") in found(text)


def test_a_price_without_a_word_of_limit_is_only_guessed_to_be_the_budget():
    assert found("测断口 3千元") == [("budget", 300_000, "guessed", "required")]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("12月2日前要报告", date(2026, 12, 2)),
        ("3月1日前", date(2027, 3, 1)),
        ("一周内", date(2026, 7, 8)),
        ("10天内出结果", date(2026, 7, 11)),
        ("5个工作日内", date(2026, 7, 8)),
        ("两个月内", date(2026, 9, 1)),
        ("24小时内", date(2026, 7, 2)),
        ("月底前", date(2026, 7, 31)),
        ("下周五前", date(2026, 7, 10)),
        ("2月底前", date(2027, 2, 28)),
        ("by Dec 2", date(2026, 12, 2)),
        ("before 3 March 2027", date(2027, 3, 3)),
        ("before 2026-11-05", date(2026, 11, 5)),
        ("within two weeks", date(2026, 7, 15)),
        ("by next week", date(2026, 7, 10)),
    ],
)
def test_a_deadline_is_read_as_the_next_such_day(text, day):
    assert ("deadline", day, "said", "required") in found(text)


@pytest.mark.parametrize("text", ["13月45日前", "2026-02-31", "2月30日前", "by Feb 31"])
def test_a_day_that_does_not_exist_is_no_deadline(text):
    assert parse_need(text, today=TODAY).deadline is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("宁波优先", [("region", "宁波", "said", "preferred")]),
        ("Ningbo preferred", [("region", "宁波", "said", "preferred")]),
        ("杭州市内", [("region", "杭州", "said", "required")]),
        ("only in Hangzhou", [("region", "杭州", "said", "required")]),
        ("绍兴柯桥附近", [("region", "柯桥", "said", "preferred")]),
        ("舟山或者台州", [("region", "舟山", "guessed", "preferred"), ("region", "台州", "guessed", "preferred")]),
        ("near Wenzhou", [("region", "温州", "said", "preferred")]),
    ],
)
def test_a_place_is_kept_as_a_word_with_how_much_it_binds(text, expected):
    assert found(text) == expected


def test_papers_and_pieces_are_read():
    assert found("要求CMA资质、CNAS，5件样品") == [
        ("qualification", "CMA", "said", "required"),
        ("qualification", "CNAS", "said", "required"),
        ("quantity", 5, "said", "required"),
    ]
    assert ("quantity", 3, "said", "required") in found("3 samples of steel")
    assert ("quantity", 2, "said", "required") in found("两个样品")


@pytest.mark.parametrize("text", ["膜厚2 μm，500循环，转换时间小于10秒", "盐雾240小时", "第三组分", "IP67", "300kN", "疲劳寿命1000万次", "PM2.5"])
def test_a_specification_is_no_condition(text):
    assert found(text) == []


def test_the_topic_keeps_what_is_to_be_measured_and_nothing_of_the_conditions():
    need = parse_need("钢材拉伸试验，要求CMA资质报告，预算1000元以内，宁波优先", today=TODAY)
    assert "拉伸试验" in need.topic
    assert not any(word in need.topic for word in ("CMA", "1000", "宁波"))
    assert need.budget_fen == 100_000


def test_the_text_of_a_condition_is_what_was_typed():
    need = parse_need("断口，预算３０００元以内", today=TODAY)
    assert [one.text for one in need.constraints] == ["预算３０００元以内"]


def test_a_long_text_is_refused_with_its_field():
    with pytest.raises(Invalid) as refusal:
        parse_need("测" * 10_001, today=TODAY)
    assert refusal.value.field == "need"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=500))
def test_no_text_breaks_the_reading(text):
    assert parse_need(text, today=TODAY).text == text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="预算0123456789.,-/月日前内周天一二十百千万元¥within by decsamples宁波CMA个件年", max_size=60))
def test_no_text_made_of_condition_words_breaks_the_reading(text):
    for one in parse_need(text, today=TODAY).constraints:
        assert one.text


def test_numerals_read_as_people_say_them():
    assert [read_number(word) for word in ("十二", "二十", "一百零五", "三千五", "两万", "一万二", "二〇", "1,500.50")] == [
        12, 20, 105, 3500, 20_000, 12_000, 20, 1500.5,
    ]  # fmt: skip
