"""What customers say is read as they mean it: F1 over sentences that were labelled before anybody looked at what the reader makes of them."""

import pytest

from tests.matching import asked

# Each file was measured unseen (F1 .66, then .86, .92, .89 and .93) and only then was the reader mended by it: unseen sentences fare a little worse.
GOALS = {"asked.tsv": 0.97, "asked2.tsv": 0.95, "asked3.tsv": 0.95, "asked4.tsv": 0.95, "asked5.tsv": 0.95}


@pytest.mark.parametrize(("name", "goal"), GOALS.items())
def test_conditions_are_read_as_they_are_meant(name, goal):
    score, kinds = asked.f1(name)
    assert score >= goal, kinds
    assert min(kinds.values()) >= 0.9, kinds


def test_the_sentences_are_many_and_differ():
    rows = [need for name in GOALS for need, _ in asked.rows(name)]
    assert len(rows) == len(set(rows)) >= 360
