"""How well needs are understood by the half that nothing was tuned on: floors that a change may not fall below."""

import json
from pathlib import Path

import pytest

from geodata.seeds import read_seed
from matching.evaluate import Graded, evaluate
from matching.types import resolve

HELD_OUT = Path(__file__).parent / "needs" / "test.jsonl"


def names(need):
    return [guess.name_zh for guess in resolve(need).types]


@pytest.fixture(scope="module")
def measures():
    rows = [json.loads(line) for line in HELD_OUT.read_text(encoding="utf-8").splitlines()]
    return evaluate([Graded(row["need"], row["grades"], tuple(row["tags"])) for row in rows], names)


@pytest.mark.parametrize(("measure", "floor"), [("ndcg@10", 0.92), ("mrr", 0.93), ("recall@20", 0.97)])
def test_needs_of_other_hands_are_understood(measures, measure, floor):
    assert measures["n"] > 200
    assert measures[measure] >= floor


def test_problems_that_name_no_instrument_are_understood(measures):
    assert measures["by_tag"]["problem"]["n"] >= 0.6 * measures["n"]
    assert measures["by_tag"]["problem"]["ndcg@10"] >= 0.92


@pytest.mark.parametrize(("tag", "floor"), [("nomatch", 1.0), ("vague", 1.0)])
def test_what_cannot_be_answered_is_asked_about(measures, tag, floor):
    assert measures["asked"][tag] >= floor


def test_a_type_is_found_by_any_of_its_names():
    rows = read_seed("type_names")
    found = [names(row["text"])[:1] == [row["type_name_zh"]] for row in rows]
    assert sum(found) / len(found) >= 0.99
