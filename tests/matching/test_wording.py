"""Another way to write or to say the same need gives the same answer."""

import json
from pathlib import Path

import pytest
from opencc import OpenCC

from matching.types import resolve

NEEDS = [json.loads(line) for line in (Path(__file__).parent / "needs" / "train.jsonl").read_text(encoding="utf-8").splitlines()]
SOME = [need["need"] for need in NEEDS if need["grades"]][::9]
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
SAID_TWICE = [pair.split("|") for pair in (Path(__file__).with_name("paraphrases.txt")).read_text(encoding="utf-8").splitlines() if pair]


def names(need):
    return [guess.name_zh for guess in resolve(need).types[:10]]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.translate(WIDE),
        OpenCC("s2t").convert,
        lambda text: f"  {text}  ",
        lambda text: text.replace("，", ", ").replace("、", "､"),
    ],
    ids=["full width", "traditional", "blanks around", "marks"],
)
def test_another_way_of_writing_changes_nothing(change):
    different = [need for need in SOME if names(change(need)) != names(need)]
    assert len(different) <= len(SOME) * 0.02, different


def test_case_matters_only_where_an_abbreviation_is_another_word_too():
    english = [need for need in SOME if need.isascii()]
    assert [need for need in english if names(need)[:1] != names(need.capitalize())[:1]] == []


def test_spaces_between_chinese_characters_change_nothing():
    chinese = [need for need in SOME if not any(char.isascii() for char in need)]
    assert [need for need in chinese if names(" ".join(need)) != names(need)] == []


@pytest.mark.parametrize(
    ("one", "other"), [("300kN 钢材拉伸", "30吨 钢材拉伸"), ("PA66 比表面积 10μm", "PA66 比表面积 0.01mm"), ("1600℃ 热分析失重", "1873K 热分析失重")]
)
def test_another_unit_gives_the_same_types(one, other):
    assert names(one) == names(other)


def test_the_order_of_the_parts_changes_little():
    pairs = [(one, "，".join(reversed(one.split("，")))) for one in SOME if one.count("，") == 1]
    assert sum(_overlap(names(one), names(other)) for one, other in pairs) / len(pairs) >= 0.9


def test_paraphrases_lead_to_the_same_types():
    assert len(SAID_TWICE) >= 80
    overlaps = {one: _overlap(names(one), names(other)) for one, other in SAID_TWICE}
    assert sum(overlaps.values()) / len(overlaps) >= 0.9, sorted(overlaps.items(), key=lambda pair: pair[1])[:12]


def _overlap(one, other):
    """Return the share of the shorter answer that both hold."""
    return len(set(one) & set(other)) / max(min(len(one), len(other)), 1)
