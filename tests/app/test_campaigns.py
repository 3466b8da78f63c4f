"""Many needs at once as an officer meets them: a file handed in, worked out by the job, read, taken away, dropped; and files that are no good."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import text

from bookings import posting
from matching import campaigns
from tests import factories as make
from tests.app.desks import Desks, error_at, said
from tests.bookings.needs import wanted

HEAD = "企业,县（市、区）,需求\n"


@pytest.fixture
def desks(session, app, clock):
    return Desks(session, app)


@pytest.fixture
def microscope(desks):
    """One scanning electron microscope with two sessions a working day."""
    kind = make.instrument_type(desks.session, "扫描电子显微镜")
    found = make.instrument(desks.session, type_id=kind.id, hours={"1": [["09:00", "12:00"]]})
    make.listing(desks.session, found)
    desks.session.execute(
        text("UPDATE region SET geom = ST_Multi(ST_Buffer('SRID=4326;POINT(121.23 28.13)'::geometry, 0.1)) WHERE adcode = '331083'")
    )
    desks.session.commit()
    return found


def hand_in(desks, content, *, by="reviewer", **data):
    given = {"title": "示例批次", "source": "file", "days": "28", "part": "50", "evenness": "30", "file": (io.BytesIO(content), "needs.csv")}
    return desks.post("/campaigns", {**given, **data}, by=by)


def rows(*needs):
    return (HEAD + "".join(f"示例企业{n},331083,{need}\n" for n, need in enumerate(needs))).encode()


def work_out(desks):
    for key in campaigns.due(desks.session):
        campaigns.work_out(desks.session, key)
    desks.session.commit()


def test_a_list_is_worked_out_and_says_who_gets_what_and_why(desks, microscope):
    answer = hand_in(desks, rows("断口的微观形貌", "扫描电镜看颗粒", "SEM 看表面形貌", "找人开发一个小程序"))
    assert answer.status_code == 303
    where = answer.headers["Location"]
    assert "正在算" in said(desks.get(where, by="reviewer"))
    work_out(desks)
    page = said(desks.get(where, by="reviewer"))
    assert "得到首选 2" in page, "four Mondays, half of them"
    assert "能做的都已满 1" in page
    assert "要先问清 1" in page
    assert "给了这一家" in page or "改成首选" in page
    only = said(desks.get(f"{where}?only=unclear", by="reviewer"))
    assert "小程序" in only
    assert "颗粒" not in only
    table = desks.get(f"{where}.csv", by="reviewer").get_data(as_text=True)
    assert table.count("\r\n") == 5
    assert microscope.name in table


def test_a_list_that_is_sent_twice_is_one(desks, microscope):
    once = {"request_id": "r-1"}
    one, other = hand_in(desks, rows("断口形貌"), **once), hand_in(desks, rows("断口形貌"), **once)
    assert one.headers["Location"] == other.headers["Location"]
    assert desks.one("SELECT count(*) FROM campaign") == 1


def test_a_dropped_list_is_gone_with_its_needs(desks, microscope):
    where = hand_in(desks, rows("断口形貌")).headers["Location"]
    work_out(desks)
    assert desks.post(f"{where}/drop", {}, by="reviewer").status_code == 303
    assert desks.get(where, by="reviewer").status_code == 404
    assert desks.one("SELECT entries || lines = '[]' FROM campaign")


def test_needs_that_firms_posted_can_be_taken(desks):
    answer = hand_in(desks, b"", source="posted")
    assert answer.status_code == 422
    assert "没有等人回应" in error_at(answer, "file")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "0 字节"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        ("企业,需求\n甲,断口\n".encode(), "县（市、区）"),
        ((HEAD + "甲,330106,断口\n").encode(), "辖区"),
        ((HEAD + "甲,亚特兰蒂斯,断口\n").encode(), "第 2 行"),
        ((HEAD + "甲,,断口\n").encode(), "第 2 行"),
        ((HEAD + "甲,331083,\n").encode(), "第 2 行"),
        ((HEAD + f"甲,331083,{'长' * 501}\n").encode(), "第 2 行"),
        (HEAD.encode(), ""),
    ],
)
def test_a_file_that_cannot_be_used_says_which_row_and_what_to_do(desks, content, why):
    make.region(desks.session, "330106")
    desks.session.commit()
    answer = hand_in(desks, content)
    assert answer.status_code == 422
    assert why in error_at(answer, "file")
    assert desks.one("SELECT count(*) FROM campaign") == 0


@pytest.mark.parametrize(("field", "value"), [("days", "6"), ("days", "x"), ("part", "0"), ("part", "101"), ("evenness", "-1"), ("title", " ")])
def test_a_wrong_number_is_told_at_its_field(desks, field, value):
    answer = hand_in(desks, rows("断口形貌"), **{field: value})
    assert answer.status_code == 422
    assert error_at(answer, field)


def test_a_formula_in_a_need_stays_text_in_the_table(desks, microscope):
    where = hand_in(desks, rows("=1+1 断口形貌")).headers["Location"]
    work_out(desks)
    assert "'=1+1" in desks.get(f"{where}.csv", by="reviewer").get_data(as_text=True)


def test_a_condition_that_nobody_meets_is_said_and_takes_no_place(desks, microscope):
    where = hand_in(desks, rows("断口形貌，预算100元以内", "断口形貌，要CNAS", "断口形貌，2026年11月25日前要报告", "断口形貌，5000元以内")).headers[
        "Location"
    ]
    work_out(desks)
    lines = desks.one("SELECT lines FROM campaign")
    assert [(line["verdict"], line["offer"] is not None) for line in lines] == [
        ("unmet", False),
        ("unmet", False),
        ("unmet", False),
        ("first", True),
    ], [line["text"] for line in lines]
    assert "没有满足条件的仪器 3" in said(desks.get(where, by="reviewer"))


def test_without_a_free_hour_that_is_said_instead(desks, microscope):
    hand_in(desks, rows("断口形貌"), days="7", part="1")
    desks.session.execute(text("UPDATE instrument SET hours = '{}' WHERE id = :id"), {"id": microscope.id})
    desks.session.commit()
    work_out(desks)
    assert [line["verdict"] for line in desks.one("SELECT lines FROM campaign")] == ["none"]


def test_an_officer_who_is_not_told_whose_a_need_is_does_not_learn_it_here(desks, microscope):
    desks.enrol("planner", "planner", desks.bureau, region="331083")
    name = desks.scene.enterprise.name_zh
    posting.post(desks.session, desks.scene.buyer, wanted(text=f"断口形貌，{name}，电话 13800138000"), request_id="post-12345")
    posting.post(desks.session, desks.scene.buyer, wanted(text="只给科技局看的", visibility="private"), request_id="post-12346")
    desks.session.commit()
    for by, told in (("planner", False), ("reviewer", True)):
        hand_in(desks, b"", source="posted", by=by)
        kept = str(desks.one("SELECT entries FROM campaign ORDER BY id DESC LIMIT 1"))
        assert (name in kept, "13800138000" in kept, "只给科技局看的" in kept) == (told, told, False), kept


def test_a_list_of_another_region_is_not_found(desks, microscope):
    where = hand_in(desks, rows("断口形貌")).headers["Location"]
    make.region(desks.session, "330522")
    desks.enrol("elsewhere", "reviewer", desks.bureau, region="330522")
    for path in (where, f"{where}.csv"):
        assert desks.get(path, by="elsewhere").status_code == 404
        assert desks.get(path, by="enterprise").status_code == 403
    assert desks.post(f"{where}/drop", {}, by="elsewhere").status_code == 404
    assert "示例批次" not in said(desks.get("/campaigns", by="elsewhere"))
    work_out(desks)
    assert campaigns.work_out(desks.session, desks.one("SELECT id FROM campaign")) == 0, "done once"
