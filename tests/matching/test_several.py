"""Several needs in one sentence are each answered, one need is never cut in two, and what is said of all stays with each."""

from pathlib import Path

import pytest

from matching.several import MOST, parts

ROWS = [line.split("\t") for line in (Path(__file__).parent / "needs/several.tsv").read_text().splitlines() if line]


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:24] for row in ROWS])
def test_a_sentence_is_split_into_its_needs(row):
    text, words, shared = row[0], row[1].split("|"), row[2].split() if len(row) > 2 else []
    found = parts(text)
    assert len(found) == len(words), found
    for one, word in zip(found, words, strict=True):
        assert word.lower() in one.lower()
        assert all(condition in one for condition in shared)


def test_there_are_enough_sentences_of_both_kinds():
    single = sum("|" not in row[1] for row in ROWS)
    assert len(ROWS) >= 60
    assert 20 <= single <= len(ROWS) - 20


@pytest.mark.parametrize("text", ["", "，，，", "和", "、、、", "另外", "1、2、3、", "另外，另外，另外", "🙂；🙂"])
def test_marks_alone_are_one_need(text):
    assert parts(text) == (text,)


def test_a_list_without_end_stays_within_bounds():
    assert len(parts("；".join(["测拉伸", "测硬度", "做金相"] * 900))) <= MOST


def test_each_need_keeps_the_sample_that_was_named_once():
    assert parts("钢材拉伸和弯曲") == ("钢材拉伸", "钢材弯曲")
    assert parts("tensile test and hardness of bolts")[0].endswith("of bolts")
