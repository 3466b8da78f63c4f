"""Conditions that cannot be met, or speak against each other, are asked about by name; and what may be said of place, papers and handover."""

from datetime import date

import pytest

from bookings.scrubbing import scrub
from matching.needs import parse_need

TODAY = date(2026, 7, 1)


def need(text):
    return parse_need(text, today=TODAY)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("测拉伸，预算-5元", "budget"),
        ("测拉伸，预算0元", "budget"),
        ("300 kN at 5 nm", "spec:力"),
        ("0公里以内测硬度", "distance"),
        ("2025年1月1日之前要报告", "deadline"),
        ("只要杭州的，不要杭州的，测硬度", "region"),
    ],
)
def test_what_cannot_be_meant_is_asked_about_with_its_words(text, key):
    assert [(key in one.fields, one.stops) for one in need(text).doubts] == [(True, True)]


@pytest.mark.parametrize(
    "text", ["", "测拉伸，预算3000元，杭州", "300 kN 拉伸", "20公里以内", "……", "🙂", "'; DROP TABLE x;--", "预算3000元以内，只要杭州"]
)
def test_what_can_be_meant_raises_no_doubt(text):
    assert need(text).doubts == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20公里以内能做盐雾的", ("distance", 20_000, "said", "required")),
        ("within 30 km, tensile test", ("distance", 30_000, "said", "required")),
        ("半小时车程以内的三坐标", ("distance", 30_000, "guessed", "preferred")),
        ("寄样测试DSC", ("handover", "post", "said", "required")),
        ("最好能上门取样，测水质", ("handover", "on_site", "said", "preferred")),
        ("不要宁波的，测成分", ("not_region", "宁波", "said", "required")),
        ("宁波除外，做金相", ("not_region", "宁波", "said", "required")),
        ("SEM of a fracture, not in Ningbo", ("not_region", "宁波", "said", "required")),
    ],
)
def test_place_and_handover_are_read(text, expected):
    assert expected in [(one.kind, one.value, one.origin, one.strength) for one in need(text).constraints]


@pytest.mark.parametrize("text", ["不需要CMA", "不用CNAS，便宜就行", "没有CMA也行", "no CMA needed", "施工现场"])
def test_what_is_not_asked_is_no_condition(text):
    assert need(text).constraints == ()


def test_a_length_of_the_sample_is_neither_a_distance_nor_asked_of_an_instrument():
    (length,) = need("测8km长的光纤").constraints
    assert (length.kind, length.value.of_sample, need("测8km长的光纤").limits) == ("spec", True, ())


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("电话13812345678，测拉伸 300 kN", "电话×××，测拉伸 300 kN"),
        ("找 a.b@firm.cn 拿样", "找 ××× 拿样"),
        ("身份证33010619900101123X", "身份证×××"),
        ("浙A12345 的车", "××× 的车"),
        ("GB/T 228.1-2021，12345678 次循环", "GB/T 228.1-2021，12345678 次循环"),
    ],
)
def test_what_leads_to_a_person_is_taken_out(text, rest):
    assert scrub(text) == rest
