"""Chinese first, English complete: how a request gets its language, and what is said in it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from app import create_app, filters
from app.i18n import translate
from core.errors import Refused
from tests.app.conftest import csrf, log_in, make_settings


def spoken(answer):
    html = answer.get_data(as_text=True)
    return "en" if '<html lang="en">' in html else "zh"


def test_a_visitor_gets_chinese_unless_the_browser_or_the_address_asks_otherwise(web):
    assert spoken(web.get("/login")) == "zh"
    assert spoken(web.get("/login", headers={"Accept-Language": "en-GB,en;q=0.9"})) == "en"
    assert spoken(web.get("/login", headers={"Accept-Language": "de"})) == "zh"
    assert spoken(web.get("/login?lang=xx")) == "zh"
    assert spoken(web.get("/login?lang=en")) == "en"


def test_the_default_can_be_set_to_english(connection):
    english = create_app(make_settings(LOCALE="en"), engine=connection).test_client()
    assert spoken(english.get("/login")) == "en"
    assert spoken(english.get("/login", headers={"Accept-Language": "zh-CN"})) == "zh"


def test_the_choice_is_remembered(web):
    web.get("/login?lang=en")
    assert spoken(web.get("/login")) == "en"
    web.get("/login?lang=zh")
    assert spoken(web.get("/login", headers={"Accept-Language": "en"})) == "zh"


def test_a_persons_own_language_comes_before_the_browsers(web, person, session):
    user, _ = person("enterprise", "wang")
    user.locale = "en"
    session.commit()
    log_in(web, "wang")
    assert spoken(web.get("/me", headers={"Accept-Language": "zh-CN"})) == "en"


def test_the_switch_keeps_the_page_and_the_rest_of_the_query(web):
    html = web.get("/login?next=/me&lang=zh&x=%E4%BD%A0%22%3E").get_data(as_text=True)
    assert 'href="/login?next=%2Fme&amp;x=%E4%BD%A0%22%3E&amp;lang=en"' in html


def test_errors_are_told_in_the_language_of_the_request(web):
    told = web.get("/api/v1/me?lang=en").json
    web.get("/login?lang=en")
    assert told["title"] == "Log in first"
    form = {"login": "wang", "password": "wrong one", "csrf_token": csrf(web)}
    assert "Login or password is wrong." in web.post("/login", data=form).get_data(as_text=True)


@pytest.fixture
def english(app):
    with app.test_request_context("/?lang=en"):
        yield


@pytest.fixture
def chinese(app):
    with app.test_request_context("/"):
        yield


def test_an_error_a_pair_and_a_text_all_become_sentences(english):
    assert translate(Refused("x", "没有这样的话 %(n)s。", n=3)) == "没有这样的话 3。"
    assert translate(("最多 %(max_length)s 个字。", {"max_length": 20})) == "At most 20 characters."
    assert translate("要是整数。") == "Must be a whole number."


def test_a_percent_sign_in_a_text_without_parameters_stays(chinese):
    assert translate(Refused("x", "最多报 50% 的价。")) == "最多报 50% 的价。"


LATE = datetime.fromisoformat("2026-11-25T17:30+00:00")


def test_chinese_writes_dates_money_and_distances_its_way(chinese):
    assert filters.day(date(2026, 11, 26)) == "11月26日 周四"
    assert filters.daytime(LATE) == "11月26日 周四 01:30"
    assert filters.fullday(LATE) == "2026年11月26日"
    assert [filters.km(metres) for metres in (0, 847, 994, 996, 8_440, 9_949, 19_400)] == [
        "0 米",
        "850 米",
        "990 米",
        "1.0 公里",
        "8.4 公里",
        "9.9 公里",
        "19 公里",
    ]
    assert (filters.yuan(120_000), filters.yuan0(120_000), filters.yuan0(120_050)) == ("1,200.00", "1,200", "1,200.50")


def test_english_writes_dates_and_distances_its_way(english):
    assert filters.day(LATE) == "Thu 26 Nov"
    assert filters.daytime(LATE) == "Thu 26 Nov 01:30"
    assert filters.fullday(LATE) == "26 Nov 2026"
    assert filters.km(8_440) == "8.4 km"


def test_no_translation_loses_or_invents_a_parameter():
    catalogue = Path("app/translations/en/LC_MESSAGES/messages.po")
    with catalogue.open("rb") as file:
        messages = read_po(file, locale="en")
    assert [error for message, errors in messages.check() for error in errors] == []
