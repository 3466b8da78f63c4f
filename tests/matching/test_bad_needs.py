"""Whatever is typed, however long: a need, a doubt that names its condition, or a refusal that names the field. Never an exception, never slow."""

import random
import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.scrubbing import scrub
from core.errors import Invalid
from matching.needs import FINDERS, LONGEST, parse_need
from matching.several import parts
from matching.specs import parse
from matching.types import resolve

TODAY = date(2026, 7, 1)
dice = random.Random(7)
LONG = {
    "random Chinese": "".join(chr(dice.randint(0x4E00, 0x9FA5)) for _ in range(LONGEST)),
    "one digit": "1" * LONGEST,
    "digits": "".join(dice.choice("0123456789") for _ in range(LONGEST)),
    "brackets": "(" * LONGEST,
    "pairs of brackets": "()" * (LONGEST // 2),
    "blanks": " " * LONGEST,
    "lines": "\n" * LONGEST,
    "a figure": ("300kN " * 2000)[:LONGEST],
    "clauses": ("300kN，" * 2500)[:LONGEST],
    "numerals": "万" * LONGEST,
    "sizes": "1×" * (LONGEST // 2),
    "lists": "1/" * (LONGEST // 2),
    "days": "12月2日" * (LONGEST // 5),
    "kilometres": "五十公里" * (LONGEST // 4),
    "budgets": ("预算 不超过" * 2000)[:LONGEST],
    "places": "杭州" * (LONGEST // 2),
    "points": "." * LONGEST,
    "all of it": "".join(dice.choice("0123456789kNMPa预算元以内月日前-~×±/()。， 力温度公里不到") for _ in range(LONGEST)),
    "wishes": ("分辨率优于1nm，预算3000元以内，杭州，" * 500)[:LONGEST],
    "more": "另外测铜，" * (LONGEST // 5),
}
READERS = {
    "needs": lambda text: parse_need(text, today=TODAY).doubts,
    "specifications": parse,
    "several": parts.__wrapped__,
    "persons": scrub,
    **{find.__name__: lambda text, find=find: list(find(text, TODAY)) for find in FINDERS},
}
MOST_SECONDS = 0.05
SLACK = 2
"""A busy machine takes longer for the same work; what grows with the square takes a hundred times as long."""


@pytest.mark.parametrize("reader", READERS)
def test_ten_thousand_characters_of_anything_are_read_at_once(reader):
    read = READERS[reader]
    read("钢材拉伸，300kN，预算3000元，杭州")  # tables are read once
    for name, text in LONG.items():
        assert any(seconds < MOST_SECONDS * SLACK for seconds in _seconds(read, text, tries=3)), name


def _seconds(read, text, *, tries):
    for _ in range(tries):
        begun = time.process_time()
        read(text)
        yield time.process_time() - begun


def test_a_longer_text_is_refused_with_its_field_and_a_way_out():
    with pytest.raises(Invalid) as refusal:
        parse_need("测" * (LONGEST + 1), today=TODAY)
    assert (refusal.value.field, refusal.value.params) == ("need", {"most": LONGEST, "count": LONGEST + 1})


@pytest.mark.parametrize(
    "text",
    [
        "", "……", "，。！？；：", "!!!???", "🙂🙂🙂", "'; DROP TABLE instrument;--", "1 OR 1=1", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
        "测\x00拉伸", "\x1b[31m测\x07", "测\u202e拉伸\u2066", "\ud800测拉伸", "\udfff", "\ufeff\u200b\u200d", "13812345678", "请联系张三 13812345678",
        "Bonjour, je cherche un essai de traction 引張試験 인장 시험", "ทดสอบแรงดึง", "帮我订明天去北京的机票", "离婚律师", "找人开发一个小程序", "%s %d {0} {{x}} ${y}",
        "０００", "-" * 200, "9" * 400, "1e999 kN", "NaN nm", "∞ Hz", "力 1e308 GN", "10^99999 Pa", "-0 ℃", "预算999999999999999元", "99999年99月99日前",
        "零零零公里以内", "0/0", "±", "≥≤≥≤", "一一一一一一一一一米", "千千千千千次",
    ],
)  # fmt: skip
def test_nonsense_is_read_without_an_exception(text):
    need = parse_need(text, today=TODAY)
    assert need.text == text
    assert all(one.fields and one.message for one in need.doubts)
    assert parts(text)
    parse(text)


@pytest.mark.parametrize("text", ["帮我订明天去北京的机票", "离婚律师", "……", "🙂🙂🙂", "13812345678", "<script>alert(1)</script>"])
def test_what_no_instrument_does_is_asked_back(text):
    assert resolve(parse_need(text, today=TODAY)).ask


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("张三 13812345678 测拉伸", "13812345678"),
        ("加微信：abc_12345，寄样", "abc_12345"),
        ("发到 li.si@firm.com.cn", "li.si@firm.com.cn"),
        ("座机0571-88886666", "0571-88886666"),
        ("１３８１２３４５６７８", "１３８１２３４５６７８"),
        ("+86 138 1234 5678", "138 1234 5678"),
    ],
)
def test_nothing_that_leads_to_a_person_is_kept(text, left):
    assert left not in scrub(text)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("预算3000元，不超过5000元，测拉伸", "budget"),
        ("12月2日前要，12月10日前要", "deadline"),
        ("20公里以内，50公里以内", "distance"),
        ("只要杭州的，不要杭州的，测硬度", "region"),
        ("力≥500kN，力≤300kN 拉伸", "spec:力"),
        ("300 kN at 5 nm", "spec:力"),
        ("force 300 GHz", "spec:力"),
        ("加速电压 300 nm", "spec:加速电压"),
        ("温度 -500℃ 冲击", "spec:温度"),
        ("湿度120%RH", "spec:湿度"),
        ("总价0元", "budget"),
        ("预算-5元", "budget"),
        ("2025年1月1日之前要报告", "deadline"),
    ],
)
def test_what_contradicts_itself_is_asked_about_by_its_condition(text, field):
    assert [(field in one.fields, one.stops) for one in parse_need(text, today=TODAY).doubts] == [(True, True)]


@pytest.mark.parametrize(
    "text",
    [
        "高温150℃，低温-40℃", "频率到18GHz，低到1MHz", "预算1000元，另外测金相，预算2000元", "样品12月1日寄出，12月10日前要报告", "单价200元以内，总价3000元以内",
        "温度不超过-40℃", "精度不超过0.5%", "力精度0.5%", "频率10次/分",
    ],
)  # fmt: skip
def test_what_goes_together_raises_no_doubt(text):
    assert parse_need(text, today=TODAY).doubts == ()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read(text):
    parse_need(text, today=TODAY)
    parts(text)
    parse(text)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="预算0123456789.,-/月日前内周天一二十百千万元kNMPaGHz℃%±×~至≥≤不超过以内公里寄上门另外和、；HRC ppm", max_size=80))
def test_any_text_made_of_the_words_of_conditions_is_read(text):
    for one in parse_need(text, today=TODAY).constraints:
        assert one.key
    parts(text)
