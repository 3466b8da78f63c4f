"""The measures are those of the textbooks, and a perfect answer gets one."""

import pytest

from matching.evaluate import Graded, evaluate, ndcg, recall, reciprocal_rank


def test_the_measures_of_a_known_ranking():
    grades = {"a": 3, "b": 2, "c": 1}
    assert ndcg(grades, ["a", "b", "c"]) == pytest.approx(1)
    assert ndcg(grades, ["x", "a"]) == pytest.approx((7 / 1.584962500721156) / (7 + 3 / 1.584962500721156 + 0.5))
    assert reciprocal_rank(grades, ["c", "x", "b"]) == pytest.approx(1 / 3)
    assert recall(grades, ["b", "x"]) == pytest.approx(0.5)
    assert recall({"c": 1}, ["c"]) is None


def test_needs_without_grades_count_only_as_asked():
    needs = [Graded("one", {"a": 3}, ("problem",)), Graded("two", {}, ("nomatch",)), Graded("three", {}, ("vague",))]
    found = evaluate(needs, lambda need: {"one": ["a"], "three": ["a"]}.get(need, []))
    assert (found["n"], found["ndcg@10"], found["mrr"], found["recall@20"]) == (1, 1.0, 1.0, 1.0)
    assert found["by_tag"]["problem"]["n"] == 1
    assert found["asked"] == {"nomatch": 1.0, "vague": 0.0}
