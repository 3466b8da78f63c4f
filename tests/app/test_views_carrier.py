"""The carrier's desk and the form of a new listing."""

from __future__ import annotations

import pytest

from tests import factories as make
from tests.app.desks import Desks, error_at, notes, said, value_of

BOX = "SRID=4326;MULTIPOLYGON(((121 28, 121.5 28, 121.5 28.4, 121 28.4, 121 28)))"
NEW = "/carrier/listings/new"


@pytest.fixture
def desks(session, app, clock):
    make.region(session, make.YUHUAN, geom=BOX)
    return Desks(session, app)


def form(desks, **changes):
    facts = {"instrument": "new", "type": "场发射扫描电镜", "name": "示例电镜二号", "model": "", "value": "350万元", "lon": "121.23", "lat": "28.13"}
    more = {"crs": "WGS84", "hours_1": "9:00-12:00", "service": "test_analysis", "price": "1,200.50", "unit": "job", "report_days": "5"}
    return {**facts, **more, "notice_hours": "24", **changes}


def test_the_desk_shows_what_to_answer_by_when_and_what_lies_ahead(desks):
    first, second = desks.order(0), desks.order(1)
    desks.step(second, "accept", "carrier")
    text = said(desks.get("/carrier", by="carrier"))
    assert "1 笔等你接单" in text
    assert "11月25日 周三 09:00 前接单" in text
    assert text.index("等你接单") < text.index(f"YY-{first}") < text.index("要做的预约") < text.index(f"YY-{second}")
    assert "前交报告" in text


def test_a_late_report_is_named(desks, clock):
    number = desks.order(0)
    desks.step(number, "accept", "carrier")
    assert "过了答应的日子" not in said(desks.get("/carrier", by="carrier"))
    clock.passes(days=6)
    assert "1 笔报告过了答应的日子" in said(desks.get("/carrier", by="carrier"))


def test_the_desk_is_the_carriers_alone(desks):
    assert desks.get("/carrier").status_code == 403
    assert desks.get(NEW, by="reviewer").status_code == 403


def test_a_listing_is_published_and_stands_on_the_desk(desks):
    answer = desks.post(NEW, form(desks), by="carrier")
    assert (answer.status_code, answer.location) == (303, "/carrier#listings")
    page = desks.get("/carrier", by="carrier")
    assert notes(page)[0] == "已上架。企业现在能搜到、能预约。"
    assert "示例电镜二号" in said(page)
    assert "¥1,200.50 每次" in said(page)
    assert desks.one("SELECT value FROM instrument WHERE name = '示例电镜二号'") == 350_000_000


def test_a_published_listing_can_be_booked(desks):
    desks.post(NEW, form(desks, hours_3="9:00-12:00"), by="carrier")
    number = desks.one("SELECT id FROM instrument WHERE name = '示例电镜二号'")
    changes = {"instrument": number, "start": "2026-11-25T09:00:00+08:00", "end": "2026-11-25T12:00:00+08:00", "expected_voucher": 120_050}
    assert desks.post("/checkout", desks.booking(**changes)).status_code == 303


def test_a_place_of_the_carrier_stands_for_the_point(desks, session):
    place = make.site(session, desks.scene.carrier)
    session.commit()
    assert desks.post(NEW, form(desks, site=str(place.id), lon="", lat=""), by="carrier").status_code == 303


def test_pressing_twice_lists_once(desks):
    for _ in range(2):
        assert desks.post(NEW, form(desks), by="carrier", key="one-listing").status_code == 303
    assert desks.one("SELECT count(*) FROM instrument WHERE name = '示例电镜二号'") == 1


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("price", "免费", "不是可用的金额"),
        ("price", "", "请填这一项"),
        ("report_days", "91", "不能大于 90"),
        ("report_days", "两天", "请填整数"),
        ("notice_hours", "-1", "不能小于 0"),
        ("unit", "kilo", "请选列出的一项"),
        ("hours_1", "上午", "请写成 09:00-12:00"),
        ("hours_1", "", "至少填一天"),
        ("type", "望远镜", "没有名为“望远镜”的仪器类型"),
        ("name", " ", "请填仪器名称"),
        ("value", "一台车", "不是可用的金额"),
        ("lon", "东经", "请填数字"),
        ("lon", "0", "不在浙江和邻省"),
        ("lon", "nan", "请填数字"),
        ("lon", "", "请选仪器所在的地点"),
        ("service", "", "请填这一项"),
        ("service", "nothing", "请选一种服务"),
        ("instrument", "999999", "请选你们自己的一台仪器"),
        ("instrument", "x", "请选你们自己的一台仪器"),
        ("crs", "mars", "不认识的坐标系"),
        ("site", "999999", "请选你们自己的一个地点"),
    ],
)
def test_each_fault_stands_at_its_field_and_nothing_typed_is_lost(desks, session, field, value, reason):
    make.site(session, desks.scene.carrier)
    session.commit()
    before = desks.counts()
    answer = desks.post(NEW, form(desks, model="示例-300", **{field: value}), by="carrier")
    assert answer.status_code == 422
    assert reason in error_at(answer, field)
    assert value_of(answer, "model") == "示例-300"
    assert desks.counts() == before


def test_several_faults_are_told_together(desks):
    answer = desks.post(NEW, form(desks, lon="28.13", lat="121.23", hours_1="", type="望远镜"), by="carrier")
    assert [bool(error_at(answer, name)) for name in ("lon", "hours_1", "type", "price")] == [True, True, True, False]
    assert "填反了" in error_at(answer, "lon")
    assert "有 3 项要改" in notes(answer)[0]


def test_faults_of_spelling_and_of_the_trade_are_told_together(desks):
    answer = desks.post(NEW, form(desks, price="免费", hours_2="上午", hours_1="", lon="0", lat="0", type="望远镜"), by="carrier")
    assert answer.status_code == 422
    assert [bool(error_at(answer, name)) for name in ("price", "hours_2", "lon", "type", "hours_1", "service")] == [True] * 4 + [False] * 2
    blind = desks.post(NEW, form(desks, instrument="?", lat="北", type="望远镜"), by="carrier")
    assert [bool(error_at(blind, name)) for name in ("instrument", "lat", "lon", "type")] == [True, True, False, False]


def test_ones_own_instrument_is_offered_to_choose_from(desks):
    page = desks.get(NEW, by="carrier").get_data(as_text=True)
    assert f'<option value="{desks.scene.instrument.id}"' in page
    twice = desks.post(NEW, form(desks, instrument=str(desks.scene.instrument.id), hours_1=""), by="carrier")
    assert "已经上过架" in error_at(twice, "service")


def test_a_carrier_that_is_paid_by_the_voucher_claims_from_its_desk(session, app, clock):
    desks = Desks(session, app)
    desks.scene = make.scene(session, code="huzhou-2017")
    desks.enrol("enterprise", "enterprise", desks.scene.enterprise)
    desks.enrol("carrier", "carrier", desks.scene.carrier)
    number = desks.order(0)
    assert desks.settle(number).status_code == 403
    assert "申请兑现 ¥600.00" in said(desks.get("/carrier", by="carrier"))
    assert desks.step(number, "claim", "carrier").status_code == 303
    text = said(desks.get("/carrier", by="carrier"))
    assert "我的兑现" in text
    assert "待初审" in text
