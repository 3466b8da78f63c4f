"""What searches leave behind reaches the planner: without persons, beside supply, and never at the cost of a search."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from time import perf_counter

import pytest
from sqlalchemy import select, text

from app import noting
from bookings import demand
from bookings.demand import Demand, Sign
from matching.learning.log import ShownList
from tests import factories as make
from tests.app.desks import Desks, said, value_of
from tests.conftest import ROOT
from tests.factories import YUHUAN


@pytest.fixture
def desks(session, app, clock):
    found = Desks(session, app)
    found.enrol("planner", "planner", found.bureau, region=YUHUAN)
    return found


def kept(session, model):
    return session.scalars(select(model).order_by(model.id), execution_options={"populate_existing": True}).all()


def known(desks):
    return make.instrument_type(desks.session).name_zh


def look(desks, *, by="enterprise", **query):
    page = desks.webs[by].get("/", query_string={"need": "断口形貌", "fix": f"type:{known(desks)}", **query}, headers=desks.headers[by])
    assert page.status_code == 200
    return page.get_data(as_text=True)


def test_a_search_is_counted_where_the_firm_is_and_its_list_is_kept(desks):
    body = look(desks)
    assert noting.write(desks.app) == 2
    row, shown = kept(desks.session, Demand)[0], kept(desks.session, ShownList)[0]
    assert (row.kind, row.type, row.region, row.text, row.n) == ("found", known(desks), YUHUAN, "", 1)
    assert shown.instruments == [desks.scene.instrument.id]
    assert f"seen={shown.id}.1" in body, "its rows carry the list and the place"
    assert len(shown.features) == len(shown.shape.split(","))


def test_opening_and_booking_a_row_is_noted(desks):
    look(desks)
    noting.write(desks.app)
    seen = f"{kept(desks.session, ShownList)[0].id}.1"
    page = desks.get(f"/instruments/{desks.scene.instrument.id}?seen={seen}")
    assert f'value="{seen}"' in page.get_data(as_text=True), "the page hands it on to the check-out"
    noting.write(desks.app)
    slot = desks.slot(seen=seen)
    assert value_of(desks.webs["enterprise"].get("/checkout", query_string=slot, headers=desks.headers["enterprise"]), "seen") == seen
    assert desks.post("/checkout", desks.booking(seen=seen)).status_code == 303
    shown = kept(desks.session, ShownList)[0]
    assert (shown.clicked, shown.booked) == ([1], [1])


@pytest.mark.parametrize("seen", ["x", "0123456789abcdef.1", "0123456789abcdef.99", "'; DROP", "长" * 500])
def test_a_row_that_nobody_showed_is_ignored(desks, seen):
    assert desks.get(f"/instruments/{desks.scene.instrument.id}?seen={seen}").status_code == 200
    noting.write(desks.app)
    assert desks.post("/checkout", desks.booking(seen=seen)).status_code == 303
    assert kept(desks.session, ShownList) == []


def test_a_list_in_another_order_teaches_nothing(desks):
    look(desks, sort="own")
    noting.write(desks.app)
    assert kept(desks.session, ShownList) == []
    assert len(kept(desks.session, Demand)) == 1


def test_a_question_and_an_empty_answer_are_unmet(desks):
    desks.webs["enterprise"].get("/", query_string={"need": "测一下"}, headers=desks.headers["enterprise"])
    look(desks, region="110000")
    noting.write(desks.app)
    assert [(row.kind, row.text) for row in kept(desks.session, Demand)] == [("ask", "测一下"), ("none", "断口形貌")]


def test_a_note_that_cannot_be_taken_breaks_no_search(desks, monkeypatch):
    monkeypatch.setattr(noting, "row_of", lambda _match: 1 / 0)
    look(desks)
    assert desks.app.extensions["noted"].lost == 1
    desks.app.extensions.pop("noted")
    look(desks)


def test_words_in_the_place_of_a_type_are_not_kept(desks):
    desks.get("/?need=断口形貌&fix=type:王经理13800138000")
    noting.write(desks.app)
    assert [row.type for row in kept(desks.session, Demand)] == [""]


def test_of_a_search_from_a_place_that_was_given_no_distances_are_kept(desks):
    look(desks, lon="120.1", lat="30.2")
    look(desks, place="长兴县")
    noting.write(desks.app)
    assert {(row.shape, tuple(row.features)) for row in kept(desks.session, ShownList)} == {("", ())}
    stored = str([dict(row) for row in desks.session.execute(text("SELECT * FROM shown_list")).mappings()])
    stored += str([dict(row) for row in desks.session.execute(text("SELECT * FROM demand")).mappings()])
    assert "120.1" not in stored


def test_what_depends_on_the_asker_is_kept_in_coarse_steps(desks):
    look(desks)
    noting.write(desks.app)
    row = kept(desks.session, ShownList)[0]
    values = dict(zip(row.shape.split(","), row.features, strict=True))
    assert {values[name] * 4 % 1 for name in ("distance", "own_part")} == {0.0}


def test_one_kind_of_note_that_cannot_be_written_costs_no_other_and_is_counted(desks, monkeypatch, capsys):
    look(desks)
    monkeypatch.setattr(noting.log, "keep", lambda *_: 1 / 0)
    assert noting.write(desks.app) == 1
    assert '"notes": 1' in capsys.readouterr().out
    pad = desks.app.extensions["noted"]
    assert (pad.lost, len(kept(desks.session, Demand))) == (0, 1)
    for _ in range(noting.MOST + 3):
        pad.put(pad.clicks, None)
    assert (pad.lost, len(pad.clicks)) == (3, noting.MOST)
    pad.clicks.clear()


def test_a_process_that_ends_writes_what_waits(committed_db):
    said = subprocess.run([sys.executable, "-c", _SHORT_LIFE, committed_db.url], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    with committed_db.session() as session:
        assert [(row.kind, row.text) for row in session.scalars(select(Demand))] == [("ask", "测一下")]


_SHORT_LIFE = """
import os, sys
os.environ["DATABASE_URL"] = sys.argv[1]
from app import create_app, noting
from bookings.demand import Sign
from tests.app.conftest import make_settings
from core.db import make_engine
with create_app(make_settings(), engine=make_engine(sys.argv[1])).app_context():
    noting._note("signs", (Sign("ask", text="测一下", asker="a"), None))
"""


def test_a_search_pays_less_than_a_millisecond_for_it(desks, monkeypatch):
    calls = []
    real = noting._searched
    monkeypatch.setattr(noting, "_searched", lambda *given: (calls.append(given), real(*given))[1])
    look(desks)
    found, query, shown = calls[0]
    with desks.app.test_request_context("/"):
        desks.app.preprocess_request()
        began = perf_counter()
        for _ in range(200):
            noting.searched(found, query, shown=list(shown) * 20)
        assert (perf_counter() - began) / 200 < 0.001


def ask(session, *askers, kind="none", words="大米里的镉", region=YUHUAN, of=""):
    demand.keep(session, [Sign(kind, of, words, region, asker) for asker in askers])
    session.commit()


def rows(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def test_the_planner_sees_unmet_demand_beside_supply(desks, session):
    ask(session, "a", "b", of=known(desks))
    ask(session, "a", "b", "c", words="自来水里的铅", of=known(desks))
    ask(session, "a", kind="found", of=known(desks))
    page = said(desks.get("/planner/demand", by="planner"))
    assert "5 次需求落空" in page
    assert "自来水里的铅" in page
    assert "大米里的镉" not in page, "two askers are too few"
    row = rows(desks.get("/planner/demand.csv", by="planner"))[0]
    assert (row["unmet"], row["found"], row["inside"], row["region"]) == ("5", "1", "1", YUHUAN)
    api = desks.get("/api/v1/demand?weeks=4", by="planner").get_json()["items"]
    assert (api[0]["unmet"], api[0]["texts"]) == (5, [{"text": "自来水里的铅", "n": 3}])


def test_filters_narrow_and_nothing_is_said_plainly(desks, session):
    ask(session, "a", of=known(desks))
    assert rows(desks.get("/planner/demand.csv?region=331000", by="planner"))
    for query in ("region=330500", "kind=ask", "class=990000"):
        assert "没有落空的需求" in said(desks.get(f"/planner/demand?{query}", by="planner"))
        assert rows(desks.get(f"/planner/demand.csv?{query}", by="planner")) == []


@pytest.mark.parametrize("query", ["weeks=5", "weeks=x", "region=abc", "kind=found", "kind=%00", "class=12345a", "region=１２３４５６"])
def test_what_cannot_be_meant_is_named(desks, query):
    assert desks.get(f"/planner/demand?{query}", by="planner").status_code in {400, 422}
    assert desks.get(f"/api/v1/demand?{query}", by="planner").status_code in {400, 422}


def test_sample_rows_say_so(desks, session):
    session.add(
        Demand(
            week=demand.monday(make.at(session, "2026-11-24T10:12+08:00").date()),
            region=YUHUAN,
            kind="none",
            type="",
            text="",
            n=4,
            askers=2,
            is_sample=True,
        )
    )
    session.commit()
    page = said(desks.get("/planner/demand", by="planner"))
    assert page.count("示例数据") > said(desks.get("/planner/demand?kind=ask", by="planner")).count("示例数据")


@pytest.mark.parametrize("path", ["/planner/demand", "/planner/demand.csv", "/api/v1/demand", "/planner/search-quality"])
def test_others_do_not_get_in(desks, path):
    assert desks.get(path).status_code == 403


def test_needs_that_nobody_answered_are_counted(desks, session, as_owner):
    from bookings import unanswered

    with as_owner(session):
        session.execute(text(_POST), {"firm": desks.scene.enterprise.id, "type": known(desks)})
    assert len(unanswered.due(session)) == 1
    assert unanswered.note(session, unanswered.due(session)[0]) == 1
    assert unanswered.due(session) == []
    assert [(row.kind, row.text, row.region) for row in kept(session, Demand)] == [("unanswered", "没人接 ×××", YUHUAN)]


_POST = """
INSERT INTO need_post (code, enterprise_id, state, visibility, version, text, types, answer_hours, answer_by, ends_at, posted_at, reason, row_version, is_sample)
VALUES ('N-1', :firm, 'expired', 'public', 1, '没人接 13800138000', ARRAY[:type], 24, now(), now(), now(), '', 0, false)
"""


def test_the_page_of_search_quality_is_empty_and_then_is_not(desks, session):
    assert "还没有搜索记录" in said(desks.get("/planner/search-quality", by="planner"))
    ask(session, "a")
    ask(session, "a", "b", "c", kind="found")
    look(desks)
    look(desks)
    noting.write(desks.app)
    page = said(desks.get("/planner/search-quality", by="planner"))
    assert "没有结果" in page
    assert "还没有训练过" in page
    assert "还没有评测结果" in page
