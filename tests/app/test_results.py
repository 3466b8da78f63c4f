"""The answer to a need as the page shows it: chips that can be put right, questions with their ways out, the sum behind every place."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app import create_app
from tests import factories as make
from tests.app.conftest import Clock, make_settings
from tests.app.desks import Desks

TYPE = "扫描电子显微镜"
NEED = "断口形貌，扫描电镜，预算3000元以内"


class Page(Desks):
    """A scene with three carriers of what the need asks for."""

    def __init__(self, session, app) -> None:
        super().__init__(session, app)
        self.headers["nobody"], self.webs["nobody"] = {}, app.test_client()
        kind = make.instrument_type(session, TYPE).id
        self.scene.instrument.type_id = kind
        make.site(session, self.scene.enterprise)
        self.ids = [self.scene.instrument.id]
        for nth in range(3):
            owner = make.carrier(session)
            make.site(session, owner)
            instrument = make.instrument(session, owner, type_id=kind)
            make.listing(session, instrument, price=100_000 + 10_000 * nth)
            self.ids.append(instrument.id)
        session.commit()

    def shows(self, *pairs, by="nobody", path="/", status=200):
        """Return the page of an address as text."""
        answer = self.get(f"{path}?{urlencode(pairs)}", by=by)
        assert answer.status_code == status, answer.text[:500]
        return unescape(answer.text)


@pytest.fixture
def page(session, connection):
    app = create_app(make_settings(), engine=connection)
    app.extensions["clock"] = Clock()
    return Page(session, app)


def chips(html):
    """Return what the chips say, without what their dialogs say."""
    found = re.findall(r'<(?:button|span|a) class="chip ([a-z]+)"[^>]*>(.*?)</(?:button|a)>', html, re.DOTALL)
    return [(origin, " ".join(re.sub(r"<[^>]+>", " ", inner).split())) for origin, inner in found]


def links(html, text):
    """Return the queries of the links whose text holds `text`."""
    found = re.findall(r'<a[^>]*href="([^"]*)"[^>]*>((?:(?!</a>).)*)</a>', html, re.DOTALL)
    return [parse_qs(urlsplit(address).query) for address, inner in found if text in re.sub(r"<[^>]+>", "", inner)]


def test_every_condition_is_a_chip_that_one_field_puts_right_or_a_link_takes_off(page):
    html = page.shows(("need", NEED))
    assert ("said", "预算 ≤ ¥3,000") in chips(html)
    assert 'name="say.budget" required' in html
    assert {"need": [NEED], "drop": ["budget"]} in links(html, "去掉这个条件")


def test_a_correction_shows_at_its_chip_and_in_the_address_and_can_be_taken_back(page):
    html = page.shows(("need", NEED), ("said", "budget~900"))
    assert ("said", "预算 ≤ ¥900") in chips(html)
    assert {"need": [NEED]} in links(html, "照原话")


def test_a_condition_that_was_taken_off_can_be_had_back(page):
    html = page.shows(("need", NEED), ("drop", "budget"))
    assert not any("预算" in said for origin, said in chips(html) if origin == "said")
    assert {"need": [NEED]} in links(html, "恢复：预算")


def test_words_that_cannot_be_read_are_told_at_their_field_and_the_answer_stays(page):
    html = page.shows(("need", NEED), ("said", "budget~不知道"))
    assert 'aria-invalid="true"' in html
    assert "预算没有改成" in html
    assert html.count('class="res"') == len(page.ids)


def test_weights_that_are_all_nothing_are_refused_with_a_way_out(page):
    names = re.findall(r'name="(w\.[a-z_]+)"', page.shows(("need", NEED)))
    html = page.shows(("need", NEED), *((name, "0") for name in names))
    assert "至少要有一项大于 0" in html
    assert html.count('class="res"') == len(page.ids)


def test_the_points_of_every_row_add_up_to_its_sum_in_sight(page):
    html = page.shows(("need", NEED), ("w", "distance:9,slot:0"), by="enterprise")
    tables = re.findall(r'<table class="pts">(.*?)</table>', html, re.DOTALL)
    assert len(tables) == len(page.ids)
    for table in tables:
        body, foot = table.split("<tfoot>")
        parts = [
            float(cells[-1]) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL) if (cells := re.findall(r'<td class="n">([\d.]+)</td>', row))
        ]
        assert round(sum(parts), 1) == float(re.search(r'<td class="n">([\d.]+)</td>', foot)[1])


def test_htmx_gets_the_list_alone_and_the_address_in_its_short_form(page):
    partly = {"HX-Request": "true"}
    answer = page.webs["nobody"].get("/?" + urlencode([("need", NEED), ("say.budget", "900"), ("w.slot", "3")]), headers=partly)
    assert "<html" not in answer.text
    assert parse_qs(urlsplit(answer.headers["HX-Push-Url"]).query) == {"need": [NEED], "said": ["budget~900"], "w": ["slot:3"]}
    assert "HX-Push-Url" not in page.webs["nobody"].get("/?" + urlencode([("need", NEED)]), headers=partly).headers


def test_a_need_about_nothing_that_is_measured_shows_the_catalogue(page):
    html = page.shows(("need", "我想订一张去北京的机票"))
    assert html.count('class="res"') == 0
    assert any(query.get("class") for query in links(html, "分析仪器"))


def test_two_needs_in_one_sentence_are_two_tabs_with_an_answer_each(page):
    html = page.shows(("need", "看断口形貌，另外测大米里的镉，预算3000元以内"))
    nav = re.search(r'<nav class="needs".*?</nav>', html, re.DOTALL)
    assert nav, "two needs are two tabs"
    assert nav.group().count("<a ") == 2
    second = page.shows(("need", "看断口形貌，另外测大米里的镉，预算3000元以内"), ("part", "2"))
    assert TYPE not in [said.removeprefix("要做 ") for _, said in chips(second)]
    assert any("≤ ¥3,000" in said for _, said in chips(second)), "what is said of all holds for each"


def test_a_contradiction_is_a_question_and_its_way_out_leads_to_an_answer(page):
    need = "断口形貌，扫描电镜，预算-100元"
    html = page.shows(("need", need))
    assert "预算要大于 0" in html
    assert html.count('class="res"') == 0
    (way,) = links(html, "去掉：预算")
    after = page.shows(*((name, value) for name, values in way.items() for value in values))
    assert "blank doubt" not in after
    assert after.count('class="res"') == len(page.ids)
    assert "blank doubt" not in page.shows(("need", need), ("said", "budget~900"))
