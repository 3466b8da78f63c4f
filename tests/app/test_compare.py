"""Three matches side by side: what each asks and offers for the need, the best of a row in words, and what is left when one is gone."""

from __future__ import annotations

import re

import pytest

from tests.app.test_results import NEED, page  # noqa: F401 (a fixture)


def ids(*numbers):
    return [("need", NEED), *(("i", str(one)) for one in numbers)]


def rows(html):
    """Return heading → cells of the comparison."""
    body = html.split("<tbody", 1)[1].split("</tbody>", 1)[0]
    found = re.findall(r'<th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', body, re.DOTALL)
    cells = {head: [re.sub(r"<[^>]+>", " ", cell).split() for cell in re.findall(r"<td[^>]*>(.*?)</td>", rest, re.DOTALL)] for head, rest in found}
    return {head: [" ".join(words) for words in told] for head, told in cells.items()}


def test_three_stand_side_by_side_with_what_decides_and_a_way_to_book_each(page):  # noqa: F811
    html = page.shows(*ids(*page.ids[:3]), path="/compare", by="enterprise")
    told = rows(html)
    for head in ("自付", "券付", "价", "最早空档", "报告", "距离", "资质", "种类", "型号", "总分（满分 100）"):
        assert len(told[head]) == 3, head
    assert html.count("#slots") == 3
    assert all("need=" in link for link in re.findall(r'href="(/instruments/[^"]*)#slots"', html))


def test_without_a_log_in_the_price_stands_alone(page):  # noqa: F811
    told = rows(page.shows(*ids(*page.ids[:2]), path="/compare"))
    assert "价" in told
    assert "自付" not in told


def test_the_best_of_a_row_is_said_in_words_and_nobody_is_best_where_all_are_alike(page):  # noqa: F811
    told = rows(page.shows(*ids(*page.ids[:3]), path="/compare"))
    assert told["价"][1].endswith("最好"), "the cheapest is second in this row"
    for head, cells in told.items():
        best = [cell for cell in cells if cell.endswith("最好")]
        assert len(best) < len(cells), f"{head}: all of them are best"


def test_of_four_the_first_three_are_compared_and_that_is_said(page):  # noqa: F811
    html = page.shows(*ids(*page.ids[:4]), path="/compare")
    assert len(rows(html)["价"]) == 3
    assert "一次最多比三家" in html


def test_one_that_is_no_match_any_more_is_counted_and_the_others_stay(page):  # noqa: F811
    html = page.shows(*ids(page.ids[0], 999_999_999), path="/compare")
    assert "有 1 台已经不在结果里" in html
    assert len(rows(html)["价"]) == 1


def test_nothing_to_compare_says_how_to_choose(page):  # noqa: F811
    assert "勾选两三家" in page.shows(("need", NEED), path="/compare")
    assert "勾选两三家" in page.shows(("i", "5"), path="/compare")


@pytest.mark.parametrize("given", ["x", "-1", "9" * 30, "1 OR 1=1"])
def test_what_is_no_id_is_refused(page, given):  # noqa: F811
    page.shows(("need", NEED), ("i", given), path="/compare", status=422)


def test_columns_that_read_alike_are_equally_good():
    from app.siderows import row

    def best(*texts):
        return [cell["best"] for cell in row("最早空档", range(len(texts)), lambda m: texts[m], lambda m: float(-m)).cells]

    assert best("上午", "上午", "下午") == [True, True, False]
    assert best("上午", "上午") == [False, False]
