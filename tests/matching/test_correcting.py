"""Every condition that a need can have may be said in other words, or taken off, by its key."""

import pytest

from app.corrections import _KEY
from core.errors import Invalid
from matching.correcting import correct
from matching.limits import Limit
from matching.needs import parse_need
from tests.matching import asked

NEEDS = [need for name in ("asked.tsv", "asked2.tsv", "asked3.tsv") for need, _ in asked.rows(name)]


def read(text):
    return parse_need(text, today=asked.TODAY)


def test_each_key_can_be_named_and_taken_off():
    for text in NEEDS:
        need = read(text)
        for one in need.constraints:
            assert _KEY.fullmatch(one.key), (text, one.key)
            assert not any(left.key == one.key for left in correct(need, one.key, " ").constraints)


def test_a_figure_said_again_as_its_chip_shows_it_is_the_same_figure():
    for text in NEEDS:
        need = read(text)
        for one in need.constraints:
            if isinstance(one.value, Limit):
                (again,) = (found.value for found in correct(need, one.key, shown(one.value)).constraints if found.key == one.key)
                assert (again.op, again.low, again.high, again.si_unit, again.of_sample) == (
                    one.value.op, one.value.low, one.value.high, one.value.si_unit, one.value.of_sample,
                ), text  # fmt: skip


def shown(limit):
    return limit.text.removeprefix(limit.quantity).strip()


@pytest.mark.parametrize(
    ("key", "words", "value"),
    [
        ("budget", "2000", 200_000),
        ("budget", "两千以内", 200_000),
        ("deadline", "12月20日", asked.TODAY.replace(month=12, day=20)),
        ("region", "长兴", "长兴"),
        ("region", "海盐", "海盐县"),
        ("not_region", "宁波", "宁波"),
        ("qualification", "CNAS", "CNAS"),
        ("quantity", "7", 7),
        ("distance", "30", 30_000),
        ("handover", "寄样", "post"),
        ("handover", "上门", "on_site"),
    ],
)
def test_each_kind_may_be_said_anew(key, words, value):
    need = correct(read("钢材拉伸，300 kN"), key, words)
    assert [(one.value, one.origin, one.strength) for one in need.constraints if one.key == key] == [(value, "said", "required")]


@pytest.mark.parametrize("key", ["budget", "deadline", "region", "qualification", "quantity", "distance", "handover", "spec:力", "not_region"])
@pytest.mark.parametrize("words", ["嗯", "🙂", "0", "-5", "<script>", "9" * 90])
def test_words_that_say_nothing_are_refused_with_the_key_and_a_way_out(key, words):
    with pytest.raises(Invalid) as refusal:
        correct(read("钢材拉伸，300 kN"), key, words)
    assert refusal.value.field == key
