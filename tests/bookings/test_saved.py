"""Kept searches: mine alone, bounded, told of once; where a person stands has no place in them."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from bookings import saved, savednews
from bookings.saved import SavedNews, SavedSearch, ToKeep
from bookings.savednews import Answer, Offered
from core.actor import Actor
from core.errors import Invalid, NotFound, Refused
from core.money import MAX_FEN
from tests import factories as make
from tests.factories import at, key

QUERY = "need=%E5%A4%A7%E7%B1%B3%E9%87%8C%E7%9A%84%E9%95%89"


def on(session, day):
    return make.at(session, f"2026-11-{day}T10:00+08:00")


@pytest.fixture
def firm(session):
    on(session, 24)
    return Actor("enterprise", 1, make.enterprise(session).id)


@pytest.fixture
def machines(session):
    return [make.instrument(session, make.carrier(session)).id for _ in range(3)]


def keep(session, actor, query=QUERY, request=None, **more):
    return saved.keep(session, actor, ToKeep("镉", query, **more), request_id=request or key())


def answer(session, *offers):
    return Answer(tuple(Offered(machine, own, on(session, day) if day else None) for machine, own, day in offers))


def learn(session, one, *offers):
    today = session.info["now"]
    found = answer(session, *offers)
    at(session, today)
    return saved.learn(session, one, found)


def told(session, actor):
    return [(row.kind, row.instrument_id) for row in reversed(savednews.inbox(session, actor))]


def test_a_second_click_and_the_same_search_again_keep_one(session, firm):
    request = key()
    first = keep(session, firm, request=request)
    assert keep(session, firm, request=request) == first
    assert keep(session, firm) == first
    assert keep(session, firm, origin="330100") != first


def test_others_do_not_find_it(session, firm):
    one = keep(session, firm)
    colleague, elsewhere = Actor("enterprise", 2, firm.organisation_id), Actor("enterprise", 1, make.enterprise(session).id)
    for stranger in (colleague, elsewhere):
        assert saved.saved_of(session, stranger) == []
        with pytest.raises(NotFound):
            saved.drop(session, stranger, one)
        with pytest.raises(NotFound):
            saved.pause(session, stranger, one, state="paused")
    assert len(saved.saved_of(session, firm)) == 1


def test_there_is_a_most(session, firm):
    for n in range(saved.MOST):
        keep(session, firm, query=f"need={n}")
    with pytest.raises(Refused) as no:
        keep(session, firm, query="need=more")
    assert no.value.clause == "limit"


@pytest.mark.parametrize("name", ["", "  ", "长" * 81, "a\x00b"])
def test_a_name_must_be_one(session, firm, name):
    with pytest.raises(Invalid) as no:
        saved.keep(session, firm, ToKeep(name, QUERY), request_id=key())
    assert no.value.field == "name"


@pytest.mark.parametrize("query", ["lon=120.1&lat=30.2", "need=a&area=1,2,3,4", "place=a"])
def test_the_database_itself_refuses_a_place(session, firm, query):
    with pytest.raises(IntegrityError), session.begin_nested():
        keep(session, firm, query=query)


def test_the_first_look_only_remembers(session, firm, machines):
    one = saved.one_of(session, firm, keep(session, firm))
    assert learn(session, one, (machines[0], 500, 28)) == 0
    assert (one.known, one.best_own) == ([machines[0]], 500)


def test_a_new_provider_a_smaller_own_part_and_an_earlier_day_are_told(session, firm, machines):
    one = saved.one_of(session, firm, keep(session, firm))
    learn(session, one, (machines[0], 500, 28))
    assert learn(session, one, (machines[0], 500, 28)) == 0
    assert learn(session, one, (machines[1], 700, 28), (machines[0], 400, 27)) == 3
    assert told(session, firm) == [("new", machines[1]), ("cheaper", machines[0]), ("sooner", machines[0])]


def test_what_comes_and_goes_is_told_once(session, firm, machines):
    one = saved.one_of(session, firm, keep(session, firm))
    learn(session, one, (machines[0], 500, None))
    learn(session, one, (machines[0], 500, None), (machines[1], 600, None))
    learn(session, one, (machines[0], 500, None))
    learn(session, one, (machines[0], 500, None), (machines[1], 600, None))
    assert told(session, firm) == [("new", machines[1])]


def test_dearer_later_or_gone_is_no_news(session, firm, machines):
    one = saved.one_of(session, firm, keep(session, firm))
    learn(session, one, (machines[0], 500, 26), (machines[1], 500, 27))
    assert learn(session, one, (machines[0], 900, 29)) == 0
    assert learn(session, one) == 0
    assert (one.best_own, one.first_slot) == (None, None)


def test_what_is_known_stays_bounded():
    assert len(saved._remembered(range(400), range(300, 900))) == saved.MOST_KNOWN
    assert MAX_FEN  # sums are fen


def test_it_is_due_after_its_hours_unless_it_is_paused(session, firm, machines):
    one = keep(session, firm)
    assert saved.due(session, 6) == [one]
    learn(session, saved.one_of(session, firm, one), (machines[0], 500, None))
    assert saved.due(session, 6) == []
    at(session, "2026-11-24T16:01+08:00")
    assert saved.due(session, 6) == [one]
    saved.pause(session, firm, one, state="paused")
    assert saved.due(session, 6) == []
    with pytest.raises(Invalid):
        saved.pause(session, firm, one, state="gone")


def test_dropping_takes_its_news_along(session, firm, machines):
    one = saved.one_of(session, firm, keep(session, firm))
    learn(session, one)
    learn(session, one, (machines[0], 500, None))
    assert savednews.unread(session, firm) == 1
    saved.drop(session, firm, one.id)
    assert session.scalar(select(func.count()).select_from(SavedNews)) == session.scalar(select(func.count()).select_from(SavedSearch)) == 0
    with pytest.raises(NotFound):
        saved.drop(session, firm, one.id)


def test_news_are_read_and_forgotten(session, firm, machines):
    one = saved.one_of(session, firm, keep(session, firm))
    learn(session, one)
    learn(session, one, (machines[0], 500, None))
    savednews.read_all(session, Actor("enterprise", 2, firm.organisation_id))
    assert savednews.unread(session, firm) == 1, "a colleague's reading is not mine"
    savednews.read_all(session, firm)
    assert savednews.unread(session, firm) == 0
    at(session, "2027-03-01T10:00+08:00")
    assert (savednews.stale(session), savednews.forget(session)) == ([1], 1)
