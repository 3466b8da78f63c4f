"""Kept searches on pages: kept without a place, found by their owner alone, looked at again by the worker, dropped."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app import members, savedlook
from app.accounts import Membership
from app.mapquery import read
from bookings.saved import SavedNews, SavedSearch
from core.actor import Actor
from parties.messages import Message
from tests import factories as make
from tests.app.desks import Desks, said, value_of
from tests.factories import YUHUAN

SQUARE = "SRID=4326;MULTIPOLYGON(((121 28, 122 28, 122 29, 121 29, 121 28)))"


@pytest.fixture
def desks(session, app, clock):
    make.region(session, YUHUAN, geom=SQUARE, point="SRID=4326;POINT(121.5 28.5)", name_zh="玉环市")
    found = Desks(session, app)
    found.enrol("colleague", "enterprise", found.scene.enterprise)
    found.enrol("other", "enterprise", make.enterprise(session))
    return found


def pairs(desks, **more):
    return {"need": "断口形貌", "fix": f"type:{make.instrument_type(desks.session).name_zh}", **more}


def keep(desks, *, key=None, name="断口", by="enterprise", **more):
    return desks.post("/saved/keep", {"name": name, "address": urlencode(pairs(desks, **more))}, by=by, key=key)


def only(desks):
    return desks.session.scalars(select(SavedSearch), execution_options={"populate_existing": True}).one()


def test_the_form_says_what_is_kept_and_where_from(desks):
    page = desks.get(f"/saved/keep?{urlencode(pairs(desks, lon='121.512345', lat='28.5'))}")
    assert value_of(page, "name") == "断口形貌"
    assert "玉环市（只记到县，不记你的位置）" in said(page).replace(" ", "")


def test_a_place_is_kept_as_its_county_only(desks):
    assert keep(desks, lon="121.512345", lat="28.5", area="121,28,122,29").status_code == 303
    row = only(desks)
    assert row.origin == YUHUAN
    assert "121.5" not in row.query
    assert "area" not in row.query
    assert savedlook.query_of(desks.session, row).place.lon == 121.5, "the county's own point stands for it"


def test_a_double_click_keeps_one_and_today_is_no_news(desks):
    first, second = (keep(desks, key="request-twice-1") for _ in range(2))
    assert (first.status_code, second.status_code, first.location) == (303, 303, second.location)
    row = only(desks)
    assert row.known == [desks.scene.instrument.id]
    assert desks.session.scalars(select(SavedNews)).all() == []
    assert "1 台仪器" in said(desks.get("/saved"))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"name": "", "address": "need=a"}, 422),
        ({"name": "长" * 81, "address": "need=a"}, 422),
        ({"name": "a", "address": ""}, 422),
        ({"name": "a", "address": "lon=x&lat=1"}, 400),
        ({"name": "a", "address": "q=a"}, 422),
        ({"name": "a"}, 400),
        ({"name": "a", "address": "need=" + "长" * 20_000}, 400),
    ],
)
def test_what_cannot_be_kept_is_named(desks, data, status):
    answer = desks.post("/saved/keep", data)
    assert answer.status_code in {status, 422}, said(answer)
    assert desks.session.scalars(select(SavedSearch)).all() == []


def test_strangers_and_other_roles_do_not_get_in(desks, web):
    assert web.get("/saved").status_code == 303
    assert desks.get("/saved", by="carrier").status_code == 403


@pytest.mark.parametrize("by", ["colleague", "other"])
def test_others_find_nothing(desks, by):
    keep(desks)
    one = only(desks).id
    assert "断口" not in said(desks.get("/saved", by=by))
    assert [desks.post(f"/saved/{one}/{step}", {"state": "paused"}, by=by).status_code for step in ("drop", "pause")] == [404, 404]
    assert only(desks).state == "active"


def test_the_worker_tells_of_a_new_instrument_once(desks, clock):
    keep(desks)
    made = make.instrument(desks.session, make.carrier(desks.session), name="新到的电镜")
    make.listing(desks.session, made)
    desks.session.commit()
    assert savedlook.due(desks.session) == []
    clock.passes(hours=7)
    desks.session.info["now"] = clock()
    assert savedlook.due(desks.session) == [only(desks).id]
    assert savedlook.look(desks.session, only(desks).id) >= 1
    assert savedlook.look(desks.session, only(desks).id) == 0
    desks.session.commit()
    page = said(desks.get("/saved"))
    assert "新到的电镜" in page
    assert "新的仪器，自付" in page
    message = desks.session.scalars(select(Message).where(Message.kind == "saved")).one()
    assert (message.organisation_id, message.href) == (desks.scene.enterprise.id, "/saved")
    assert "断口" not in message.text, "a colleague who reads it learns nothing of the search"
    assert desks.post("/saved/read", {}).status_code == 303
    assert "条新消息" not in said(desks.get("/saved"))


def test_pausing_and_dropping(desks):
    keep(desks)
    one = only(desks).id
    assert desks.post(f"/saved/{one}/pause", {"state": "paused"}).status_code == 303
    assert "已暂停" in said(desks.get("/saved"))
    assert savedlook.look(desks.session, one) == 0
    assert desks.post(f"/saved/{one}/pause", {"state": "gone"}).status_code == 422
    assert desks.post(f"/saved/{one}/drop", {}).status_code == 303
    assert desks.post(f"/saved/{one}/drop", {}).status_code == 404
    assert "还没有保存的搜索" in said(desks.get("/saved"))


def test_whoever_leaves_leaves_no_search_behind(desks):
    keep(desks)
    keep(desks, by="colleague")
    mine, gone = desks.session.scalars(select(SavedSearch).order_by(SavedSearch.id)).all()
    seat = desks.session.scalars(select(Membership).filter_by(user_id=gone.user_id)).one()
    first = desks.session.scalars(select(Membership).filter_by(user_id=mine.user_id)).one()
    first.is_admin = True
    desks.session.flush()
    members.remove(desks.session, Actor("enterprise", mine.user_id, mine.organisation_id), membership_id=seat.id)
    assert only(desks).id == mine.id


def test_a_search_that_cannot_be_read_any_more_is_paused(desks):
    keep(desks)
    one = only(desks).id
    query = "need=a&kind=NO SUCH"
    desks.session.execute(SavedSearch.__table__.delete())
    row = SavedSearch(id=one, user_id=1, organisation_id=desks.scene.enterprise.id, name="x", query=query, origin="", state="active")
    desks.session.add(row)
    desks.session.flush()
    assert savedlook.look(desks.session, one) == 0
    assert row.state == "paused"


def test_the_same_search_is_the_same_query_whatever_the_view():
    one, other = (read(MultiDict({"need": "a", "lon": lon, "lat": "28", "limit": limit})) for lon, limit in (("120", ""), ("121", "100")))
    assert savedlook.canonical(one) == savedlook.canonical(other) == "need=a"
