"""The carrier's imports in the browser: a file in, repairs in place, the import, the way back; nobody else gets near them."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import text
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.config import Settings
from geodata.imports.source import read_bytes
from tests import factories as make
from tests.app.desks import Desks, notes, said
from tests.geodata.workbooks import csv_text

LIST = "/carrier/imports"
BOX = "SRID=4326;MULTIPOLYGON(((121 28, 121.5 28, 121.5 28.4, 121 28.4, 121 28)))"
SHEET = csv_text(
    ("编号", "仪器名称", "经度", "纬度", "坐标系", "收费标准"),
    [
        ("1", "扫描电子显微镜", "121.23", "28.13", "WGS84", "200元/样"),
        ("2", "<b>质谱</b>", "28.13", "121.23", "WGS84", ""),
        ("3", "X射线衍射仪", "121.2", "28.1", "WGS84", "200元"),
    ],
)


@pytest.fixture
def desks(session, app, clock):
    make.region(session, make.YUHUAN, geom=BOX)
    for name in ("扫描电子显微镜", "X射线衍射仪"):
        make.instrument_type(session, name)
    found = Desks(session, app)
    found.enrol("other", "carrier", make.carrier(session))
    return found


def send(desks, content=SHEET, *, name="示例.csv", by="carrier", key="one-upload-1"):
    boundary, body = encode_multipart({"request_id": key, "file": FileStorage(io.BytesIO(content), name)})
    kind = f"multipart/form-data; boundary={boundary}"
    return desks.webs[by].post(LIST, data=body, headers=desks.headers[by], content_type=kind)


@pytest.fixture
def draft(desks):
    return send(desks).location


def step(desks, draft, name, **fields):
    return desks.post(draft, {"step": name, **fields}, by="carrier")


def count(desks):
    return desks.one("SELECT count(*) FROM instrument WHERE source LIKE '载体导入%'")


def test_a_file_becomes_a_draft_with_guesses_a_preview_and_what_is_wrong(desks, draft):
    page = desks.get(draft, by="carrier")
    seen, body = said(page), page.get_data(as_text=True)
    assert page.status_code == 200
    assert re.search(r'<select id="col-1".*?<option value="name" selected>', body, re.DOTALL)
    assert "新增 1 台，更新 0 台；2 行不导入。" in seen
    assert "经度和纬度写反了" in seen
    assert "没有写按什么计价" in seen
    assert "irm.would=" in body
    assert "<b>质谱" not in body
    assert count(desks) == 0


def test_cells_are_repaired_in_place_and_then_imported(desks, draft):
    assert (
        step(desks, draft, "cells", **{"cell-3-2": "121.23", "cell-3-3": "28.13", "cell-4-5": "200元/次", "cell-9-9": "x", "cell-x": "y"}).status_code
        == 303
    )
    assert "新增 3 台" in said(desks.get(draft, by="carrier"))
    assert step(desks, draft, "import").status_code == 303
    page = desks.get(draft, by="carrier")
    assert notes(page)[0] == "已导入：新增 3 台，更新 0 台。"
    assert "已导入" in said(page)
    assert count(desks) == 3
    assert desks.one("SELECT is_sample FROM instrument WHERE name LIKE '%质谱%'")


def test_pressing_twice_uploads_once_and_imports_once(desks, draft):
    assert send(desks).location == draft
    for _ in range(2):
        assert step(desks, draft, "import").status_code == 303
    assert count(desks) == 1
    assert desks.one("SELECT count(*) FROM import_batch") == 1


def test_columns_are_changed_by_hand_and_remembered(desks):
    content = csv_text(("甲", "乙"), [("扫描电子显微镜", "S-1")])
    draft = send(desks, content).location
    page = desks.get(draft, by="carrier")
    assert "没有找到仪器名称的那一列" in said(page)
    step(desks, draft, "columns", **{"col-0": "name", "col-1": "model", "crs": ""})
    assert "新增 1 台" in said(desks.get(draft, by="carrier"))
    step(desks, draft, "import")
    again = send(desks, csv_text(("甲", "乙"), [("扫描电子显微镜", "S-2")]), key="another-upload").location
    assert "新增 1 台" in said(desks.get(again, by="carrier"))


def test_one_field_for_two_columns_is_told_and_nothing_is_lost(desks, draft):
    step(desks, draft, "columns", **{"col-0": "name", "col-1": "name"})
    page = desks.get(draft, by="carrier")
    assert page.status_code == 200
    assert "请只留一列" in said(page)
    assert step(desks, draft, "import").status_code == 422


def test_an_undeclared_system_is_asked_about_and_answered(desks):
    make.site(desks.session, desks.scene.carrier)
    desks.session.commit()
    content = csv_text(("编号", "仪器名称", "经度", "纬度"), [(str(n), "扫描电子显微镜", f"{121.2347 + n / 1e5:.6f}", "28.1274") for n in range(6)])
    draft = send(desks, content).location
    page = desks.get(draft, by="carrier")
    assert "6 行像是 GCJ-02" in said(page)
    assert '<option value="GCJ-02" selected>' in page.get_data(as_text=True)
    step(desks, draft, "columns", crs="GCJ-02")
    assert "新增 6 台" in said(desks.get(draft, by="carrier"))


def test_the_marked_file_holds_the_reasons_and_can_be_sent_back(desks, draft):
    answer = desks.get(f"{draft}/marked.xlsx", by="carrier")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    table = read_bytes(answer.data, most=1_000_000)
    assert [row[0] for row in table.rows] == ["2", "3", "1"]
    assert "写反" in table.rows[0][-1]
    assert table.rows[2][-1] == ""
    again = said(desks.get(send(desks, answer.data, name="marked.xlsx", key="upload-again-1").location, by="carrier"))
    assert "新增 1 台，更新 0 台；2 行不导入。" in again


def test_an_import_is_undone_after_a_tick_and_only_once(desks, draft):
    step(desks, draft, "import")
    assert step(desks, draft, "undo").status_code == 422
    assert count(desks) == 1
    for _ in range(2):
        assert step(desks, draft, "undo", sure="yes").status_code == 303
    assert count(desks) == 0
    assert "已撤销" in said(desks.get(draft, by="carrier"))
    assert "示例.csv" in said(desks.get(LIST, by="carrier"))


def test_an_undo_that_cannot_be_says_why(desks, draft):
    step(desks, draft, "import")
    made = desks.session.get_one(make.Instrument, desks.one("SELECT id FROM instrument WHERE source LIKE '载体导入%'"))
    make.service(desks.session, "instrument_sharing")
    make.listing(desks.session, made, service_code="instrument_sharing")
    desks.session.commit()
    answer = step(desks, draft, "undo", sure="yes")
    assert answer.status_code == 409
    assert "又上架" in said(answer)
    assert count(desks) == 1


def test_a_draft_is_thrown_away(desks, draft):
    assert step(desks, draft, "discard").location == LIST
    assert desks.get(draft, by="carrier").status_code == 404
    assert desks.one("SELECT count(*) FROM import_batch") == 0


def test_an_import_cannot_be_changed_afterwards(desks, draft):
    step(desks, draft, "import")
    for name in ("columns", "cells", "discard"):
        assert step(desks, draft, name, **{"cell-2-1": "x"}).status_code == 409
    assert desks.get(f"{draft}/marked.xlsx", by="carrier").status_code == 409
    assert step(desks, draft, "dance").status_code == 422


@pytest.mark.parametrize(("content", "word"), [(b"", "0 字节"), (b"%PDF-1.4", "PDF"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office")])
def test_a_file_that_cannot_be_read_is_refused_at_the_field(desks, content, word):
    answer = send(desks, content)
    assert (answer.status_code, word in said(answer)) == (422, True)
    assert desks.one("SELECT count(*) FROM import_batch") == 0


def test_no_file_at_all_is_refused(desks):
    assert desks.post(LIST, {}, by="carrier").status_code == 422


def test_a_file_above_the_limit_is_refused_with_the_limit(desks):
    desks.app.config["SETTINGS"] = Settings.from_env({"DATABASE_URL": "postgresql://nobody@/nowhere", "SECRET_KEY": "k" * 40, "IMPORT_MB": "1"})
    assert send(desks, b"x" * 1_050_000).status_code == 422
    answer = send(desks, b"x" * 1_200_000)
    assert (answer.status_code, "1 MB" in said(answer)) == (413, True)


def test_large_bodies_are_taken_at_that_one_door_only(desks, draft):
    sent = {"data": b"step=cells&cell-2-1=" + b"x" * 1_100_000, "content_type": "application/x-www-form-urlencoded"}
    answer = desks.webs["carrier"].post(draft, headers=desks.headers["carrier"], **sent)
    assert answer.status_code == 413


def test_nobody_else_sees_or_touches_an_import(desks, draft):
    step(desks, draft, "import")
    for by, status in (("other", 404), ("enterprise", 403), ("reviewer", 403)):
        assert desks.get(draft, by=by).status_code == status
        assert desks.get(f"{draft}/marked.xlsx", by=by).status_code == status
        assert desks.post(draft, {"step": "undo", "sure": "yes"}, by=by).status_code == status
    assert "示例.csv" not in said(desks.get(LIST, by="other"))
    assert send(desks, by="enterprise").status_code == 403
    assert count(desks) == 1


def test_the_pages_are_read_in_english(desks, draft):
    page = desks.get(f"{draft}?lang=en", by="carrier")
    assert 'lang="en"' in page.get_data(as_text=True)


def test_many_faults_are_shown_page_by_page(desks):
    draft = send(
        desks, csv_text(("编号", "仪器名称", "收费标准"), [(str(n), "扫描电子显微镜", "看着办") for n in range(60)]), key="many-faults-1"
    ).location
    first, last = desks.get(draft, by="carrier"), desks.get(f"{draft}?page=99", by="carrier")
    assert first.get_data(as_text=True).count('class="repair"') == 25
    assert last.get_data(as_text=True).count('class="repair"') == 10
    assert desks.one("SELECT count(*) FROM instrument WHERE source LIKE '载体导入%'") == 0


def test_forms_hold_no_text_that_no_column_can_hold(desks, draft):
    assert step(desks, draft, "cells", **{"cell-2-1": "a\x00b"}).status_code == 400
    assert desks.session.scalar(text("SELECT settings FROM import_batch")) == {}
