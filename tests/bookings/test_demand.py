"""Demand without persons: what is counted, when a text may stay, and that nothing leads to an asker after the day."""

from datetime import date

import pytest
from sqlalchemy import select, text

from bookings import demand
from bookings.demand import Demand, DemandAsker, DemandKey, Sign
from tests.factories import at

TUESDAY = "2026-11-24T10:00+08:00"
NEED = "大米里的镉"


@pytest.fixture
def tuesday(session):
    at(session, TUESDAY)
    return session


def ask(session, *askers, kind="none", words=NEED, region="331083"):
    return demand.keep(session, [Sign(kind, "原子吸收光谱仪", words, region, asker) for asker in askers])


def rows(session):
    return session.scalars(select(Demand).order_by(Demand.id)).all()


def test_an_asker_counts_once_a_day_for_the_same_thing(tuesday):
    assert ask(tuesday, "a", "a", "b") == 2
    assert ask(tuesday, "a") == 0
    at(tuesday, "2026-11-25T10:00+08:00")
    ask(tuesday, "a")
    row = rows(tuesday)[0]
    assert (row.week, row.n, row.askers) == (date(2026, 11, 23), 3, 2), "the next day is another question, but not another asker"


def test_askers_are_never_more_than_there_were(tuesday):
    for day in range(24, 29):
        at(tuesday, f"2026-11-{day}T10:00+08:00")
        ask(tuesday, "a")
    assert (rows(tuesday)[0].n, rows(tuesday)[0].askers) == (5, 1)


def test_two_rows_of_one_asker_cannot_be_told_to_be_his(tuesday):
    ask(tuesday, "a")
    ask(tuesday, "a", words="自来水里的铅")
    hashes = tuesday.scalars(select(DemandAsker.who)).all()
    assert len(hashes) == len(set(hashes)) == 2
    assert b"a" not in hashes


def test_what_leads_to_a_person_is_taken_out(tuesday):
    ask(tuesday, "a", words="测镉，电话 13800138000，\n邮箱 li@example.com")
    assert rows(tuesday)[0].text == "测镉，电话 ×××， 邮箱 ×××"


def test_texts_of_what_was_found_are_not_kept_and_long_ones_are_cut(tuesday):
    ask(tuesday, "a", kind="found")
    ask(tuesday, "a", words="镉" * 5_000)
    assert [len(row.text) for row in rows(tuesday)] == [0, demand.LONGEST]


def test_the_key_goes_with_the_day(tuesday):
    ask(tuesday, "a")
    assert demand.untidy(tuesday) == []
    key = tuesday.scalars(select(DemandKey.key)).one()
    at(tuesday, "2026-11-25T00:01+08:00")
    assert demand.untidy(tuesday) == [1]
    demand.tidy(tuesday)
    assert tuesday.scalars(select(DemandAsker.who)).all() == []
    ask(tuesday, "a")
    assert tuesday.scalars(select(DemandKey.key)).one() != key


def test_texts_that_too_few_asked_for_go_with_their_week_and_stay_counted(tuesday):
    ask(tuesday, "a", "b")
    ask(tuesday, "a", "b", "c", words="自来水里的铅")
    ask(tuesday, "d", words="")
    at(tuesday, "2026-11-30T00:01+08:00")
    demand.tidy(tuesday)
    assert demand.untidy(tuesday) == []
    assert sorted((row.text, row.n) for row in tuesday.scalars(select(Demand))) == [("", 3), ("自来水里的铅", 3)]


def test_a_text_that_one_asker_repeats_goes_and_one_that_many_asked_for_on_a_day_stays(tuesday):
    for day in range(24, 29):
        at(tuesday, f"2026-11-{day}T10:00+08:00")
        ask(tuesday, "a")
        ask(tuesday, "a", "b", words="两个人天天问")
    ask(tuesday, "a", "b", "c", words="三个人问过一次")
    assert sorted((row.n, row.askers) for row in rows(tuesday)) == [(3, 3), (5, 1), (10, 2)]
    at(tuesday, "2026-11-30T00:01+08:00")
    assert demand.untidy(tuesday) == [1]
    demand.tidy(tuesday)
    kept = sorted((row.text, row.n, row.askers) for row in tuesday.scalars(select(Demand)))
    assert kept == [("", 15, 2), ("三个人问过一次", 3, 3)], "how often a few asked is no number of people"


def test_weeks_past_their_time_are_forgotten(tuesday):
    ask(tuesday, "a", "b", "c")
    at(tuesday, "2028-12-05T10:00+08:00")
    demand.tidy(tuesday)
    assert rows(tuesday) == []


def test_a_need_without_an_answer_counts_once(tuesday):
    sign = Sign("none", "", "没人接的需求", "331083", "organisation 1")
    assert [demand.keep_unanswered(tuesday, 7, sign) for _ in range(2)] == [1, 0]
    assert [(row.kind, row.n) for row in rows(tuesday)] == [("unanswered", 1)]


@pytest.mark.parametrize("words", ["", " \n ", "'; DROP TABLE demand; --", "<script>", "🔬" * 900, "\u202e镉"])
def test_any_text_can_be_kept(tuesday, words):
    assert ask(tuesday, "a", words=words) == 1


def test_what_leads_to_askers_stays_out_of_the_write_ahead_log(tuesday):
    found = tuesday.execute(text("SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r' ORDER BY 1")).scalars().all()
    assert {"demand_asker", "demand_key"} <= set(found)
    held = tuesday.execute(text("SELECT column_name FROM information_schema.columns WHERE table_name = 'demand'")).scalars().all()
    assert set(held) == {"id", "week", "region", "kind", "type", "text", "n", "askers", "is_sample"}, "nothing of a person has a place here"
