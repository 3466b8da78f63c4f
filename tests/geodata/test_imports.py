"""A file of a carrier: what comes of each row, twice, and what is left when it is taken back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sqlalchemy import text

from core.actor import Actor
from core.errors import Invalid, NotFound, Refused
from geodata.crs import from_wgs84
from geodata.imports import bringing, undoing
from geodata.imports.bringing import Wishes
from geodata.imports.columns import remembered_of
from geodata.imports.source import read_bytes
from tests import factories as make
from tests.geodata.workbooks import HEADER, csv_text, register, xlsx

WEST = (121.23, 28.13)
BOX = "SRID=4326;MULTIPOLYGON(((121 28, 121.5 28, 121.5 28.4, 121 28.4, 121 28)))"
BESIDE = "SRID=4326;MULTIPOLYGON(((120.5 28, 121 28, 121 28.4, 120.5 28.4, 120.5 28)))"
TYPES = {"扫描电镜": "扫描电子显微镜", "sem": "扫描电子显微镜"}
TABLES = ("instrument", "listing", "site", "organisation", "open_instrument", "open_carrier")


def resolve(names):
    return next((TYPES[name.lower()] for name in names if name.lower() in TYPES), None)


class Desk:
    """A carrier of Yuhuan with one site, and a hand that brings files in for it."""

    def __init__(self, session):
        self.session = session
        make.at(session, "2026-11-24T10:12+08:00")
        make.region(session, make.YUHUAN, name_zh="玉环市", geom=BOX)
        make.region(session, "331081", name_zh="温岭市", geom=BESIDE)
        make.instrument_type(session, "扫描电子显微镜")
        make.service(session)
        self.carrier = make.carrier(session)
        self.site = make.site(session, self.carrier, name="示例校区")
        self.actor = make.carrier_actor(self.carrier)
        session.flush()

    def check(self, content, **wishes):
        table = read_bytes(content, most=10_000_000)
        return bringing.check(self.session, self.carrier.code, table, Wishes("示例.csv", **wishes), resolve=resolve)

    def bring(self, content, **wishes):
        checked = self.check(content, **wishes)
        return checked, bringing.bring_in(self.session, self.actor, checked, Wishes("示例.csv", **wishes))

    def undo(self, batch):
        return undoing.undo(self.session, self.actor, batch.id)

    def rows(self, query="SELECT * FROM instrument ORDER BY id"):
        return [dict(row) for row in self.session.execute(text(query)).mappings()]

    def dump(self):
        """Give every row of every table an import may touch, as text."""
        found = {}
        for name in TABLES:
            if self.session.scalar(text("SELECT to_regclass(:name)"), {"name": name}):
                found[name] = self.session.scalars(text(f"SELECT to_jsonb(t)::text FROM {name} t ORDER BY 1")).all()
        return found


@pytest.fixture
def desk(session):
    return Desk(session)


def faults(checked):
    return {(row.number, wrong.field) for row in checked.refused for wrong in row.faults}


def sheet(*rows, header=("编号", "仪器名称", "型号", "经度", "纬度")):
    return csv_text(header, rows)


def ring(count=12, around=WEST):
    """Give points within 100 m of a place."""
    return np.array(around) + np.random.default_rng(3).uniform(-0.0009, 0.0009, (count, 2))


def points(places, header=("编号", "仪器名称", "经度", "纬度"), more=()):
    return csv_text(header, [(f"P{n}", "扫描电镜", f"{p[0]:.8f}", f"{p[1]:.8f}", *more) for n, p in enumerate(places)])


ONE = sheet(("A-1", "扫描电镜", "S-4800", "121.23", "28.13"))
FULL = csv_text(
    ("编号", "仪器名称", "规格型号", "厂家", "出厂编号", "原值（万元）", "购置日期", "开放时间", "收费标准", "分辨率"),
    [("A-1", "扫描电镜", "S-4800", "示例厂商", "SN1", "360", "2019-05", "周一 9:00-12:00", "200-300元/样", "1 nm")],
)


def test_a_row_becomes_an_instrument_with_its_listing_and_says_where_it_came_from(desk):
    _, batch = desk.bring(FULL)
    (one,) = desk.rows()
    assert one["code"] == f"{desk.carrier.code}-A-1"
    assert (one["name"], one["model"], one["maker"], one["serial"]) == ("扫描电镜", "S-4800", "示例厂商", "SN1")
    assert (one["value"], one["acquired"], one["status"], one["is_open"]) == (360_000_000, "2019-05", "working", True)
    assert (one["hours"], one["specs"]) == ({"1": [["09:00", "12:00"]]}, {"分辨率": "1 nm"})
    assert (one["site_id"], one["adcode"], one["is_sample"]) == (desk.site.id, make.YUHUAN, True)
    assert "示例.csv" in one["source"]
    (offer,) = desk.rows("SELECT * FROM listing")
    assert (offer["price"], offer["unit"], offer["state"], offer["service_code"]) == (30_000, "sample", "open", "test_analysis")
    assert (batch.created, batch.refused, batch.is_sample) == (1, 0, True)
    assert [row["event"] for row in desk.rows("SELECT event FROM audit ORDER BY id")] == ["import", "create", "publish"]


def test_a_second_run_of_the_same_file_adds_nothing(desk):
    content = csv_text(("仪器名称", "型号", "经度", "纬度"), [("扫描电镜", "S", "121.23", "28.13")] * 2 + [("无名", "", "", "")])
    _, batch = desk.bring(content)
    assert batch.created == 3
    before = desk.dump()
    checked, again = desk.bring(content)
    assert (again, len(checked.plan.same)) == (None, 3)
    assert desk.dump() == before


def test_a_code_finds_its_instrument_again_and_only_what_is_said_is_changed(desk):
    desk.bring(FULL)
    checked, batch = desk.bring(csv_text(("编号", "仪器名称", "厂家", "收费标准"), [("A-1", "扫描电镜", "", "400元/样")]))
    assert (batch.created, batch.changed) == (0, 1)
    (one,), (offer,) = desk.rows(), desk.rows("SELECT * FROM listing")
    assert (one["maker"], one["model"], offer["price"], offer["row_version"]) == ("示例厂商", "S-4800", 40_000, 2)
    assert set(checked.plan.changes[0].after) == set()


def test_a_serial_number_stands_for_a_missing_code(desk):
    content = csv_text(("仪器名称", "出厂编号", "型号"), [("扫描电镜", "SN-77", "A")])
    desk.bring(content)
    _, batch = desk.bring(csv_text(("仪器名称", "出厂编号", "型号"), [("扫描电镜", "SN-77", "B")]))
    assert (batch.created, batch.changed, [one["model"] for one in desk.rows()]) == (0, 1, ["B"])


def test_a_dry_run_writes_nothing(desk):
    before = desk.dump()
    checked = desk.check(FULL)
    assert len(checked.plan.new) == 1
    assert desk.dump() == before
    assert desk.rows("SELECT * FROM import_batch") == []


def test_a_refused_row_never_stops_the_others(desk):
    checked, batch = desk.bring(
        sheet(("A-1", "扫描电镜", "S", "28.13", "121.23"), ("A-2", "", "", "", ""), ("A-3", "扫描电镜", "S", "121.23", "28.13"))
    )
    assert faults(checked) == {(2, "lon"), (3, "name")}
    assert (batch.created, batch.refused) == (1, 2)


def test_every_fault_of_a_large_workbook_is_named_at_its_row_and_field_and_nothing_else(desk):
    header, rows, bad = register(2_000, faults=210, where=WEST, county="玉环市")
    for row in rows:
        row[HEADER.index("所在区县")] = row[HEADER.index("所在区县")].replace("泰顺县", "温岭市")
    checked, batch = desk.bring(xlsx(header, rows))
    assert faults(checked) == set(bad)
    assert (len(checked.rows), batch.created, batch.refused) == (2_000, 1_790, 210)
    assert {twin.why for twin in checked.plan.twins} == {"serial", "model_place"}
    away = text("SELECT max(ST_Distance(geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography)) FROM instrument")
    assert desk.session.scalar(away, dict(zip(("lon", "lat"), WEST, strict=True))) < 170  # four systems, all read: 0.001 degrees each way


@pytest.mark.parametrize("system", ["GCJ-02", "BD-09", "CGCS2000"])
def test_a_shifted_file_lands_on_its_twin(desk, system):
    places = ring()
    desk.bring(points(places, more=("WGS84",), header=("编号", "仪器名称", "经度", "纬度", "坐标系")))
    there = desk.rows("SELECT code, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM instrument ORDER BY code")
    desk.bring(points(from_wgs84(places, system)), crs=system)
    now = desk.rows("SELECT code, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM instrument ORDER BY code")
    assert max(np.hypot(a["lon"] - b["lon"], a["lat"] - b["lat"]) for a, b in zip(there, now, strict=True)) * 111_195 < 0.02


@pytest.mark.parametrize("system", ["GCJ-02", "BD-09"])
def test_an_undeclared_system_is_suspected_and_the_rows_wait(desk, system):
    content = points(from_wgs84(ring(), system))
    checked, batch = desk.bring(content)
    assert batch is None
    assert (checked.question.suspicion.system, len(checked.question.waiting)) == (system, 12)
    assert faults(checked) == {(number, "crs") for number in range(2, 14)}
    _, batch = desk.bring(content, crs=system)
    assert batch.created == 12


def test_points_where_they_should_be_raise_no_question(desk):
    checked, batch = desk.bring(points(ring()))
    assert (checked.question, batch.created) == (None, 12)


def test_mixed_systems_are_named_by_rows(desk):
    places = ring()
    mixed = places.copy()
    mixed[3:6], mixed[8:10] = from_wgs84(places[3:6], "GCJ-02"), from_wgs84(places[8:10], "BD-09")
    checked = desk.check(points(mixed))
    assert checked.question.systems == {"WGS84": [2, 3, 4, 8, 9, 12, 13], "GCJ-02": [5, 6, 7], "BD-09": [10, 11]}
    checked, batch = desk.bring(points(mixed), crs="suspected")
    assert (batch.created, checked.refused) == (12, [])
    columns = "round(max(ST_Distance(geom::geography, 'SRID=4326;POINT(121.23 28.13)'::geography))) AS away"
    assert desk.rows(f"SELECT {columns} FROM instrument")[0]["away"] < 150


def test_the_stated_county_tells_where_no_site_does(desk):
    desk.session.execute(text("DELETE FROM site"))
    edge = [(121.0004 + n / 10_000, 28.2) for n in range(8)]  # just inside, by WGS84
    shifted = from_wgs84(np.array(edge) - (0.0047, 0), "GCJ-02")  # as written inside the county, by GCJ-02 outside of it
    checked = desk.check(points(shifted, header=("编号", "仪器名称", "经度", "纬度", "所在区县"), more=("温岭市",)))
    assert checked.question.suspicion.system == "GCJ-02"
    plain = desk.check(points(edge, header=("编号", "仪器名称", "经度", "纬度", "所在区县"), more=("玉环市",)))
    assert (plain.question, plain.refused) == (None, [])


def test_a_declared_system_in_the_header_is_believed(desk):
    content = points(from_wgs84(ring(), "GCJ-02"), header=("编号", "仪器名称", "高德经度", "高德纬度"))
    checked, batch = desk.bring(content, mapping={"高德经度": "lon", "高德纬度": "lat"})
    assert (checked.declared, batch.created) == ("GCJ-02", 12)


def test_a_point_outside_the_stated_county_is_named_and_one_on_its_edge_is_noted(desk):
    header = ("编号", "仪器名称", "经度", "纬度", "所在区县", "坐标系")
    rows = [
        ("1", "扫描电镜", "120.9", "28.2", "玉环市", "WGS84"),
        ("2", "扫描电镜", "120.998", "28.2", "331083", "WGS84"),
        ("3", "扫描电镜", "123.9", "28.2", "", "WGS84"),
    ]
    checked = desk.check(csv_text(header, rows))
    assert faults(checked) == {(2, "lon"), (4, "lon")}
    assert "玉环市" in str(checked.refused[0].faults[0])
    assert [name for name, _ in checked.rows[1].notes] == ["region"]


def test_a_shape_that_is_no_point_is_refused_with_its_middle(desk):
    area = {"type": "Polygon", "coordinates": [[[121.2, 28.1], [121.3, 28.1], [121.3, 28.2], [121.2, 28.2], [121.2, 28.1]]]}
    features = [
        {"type": "Feature", "properties": {"name": f"扫描电镜{n}"}, "geometry": shape}
        for n, shape in enumerate((area, {"type": "Point", "coordinates": WEST}))
    ]
    checked, batch = desk.bring(json.dumps({"type": "FeatureCollection", "features": features}).encode())
    assert faults(checked) == {(1, "geometry")}
    assert "POINT (121.25 28.15)" in str(checked.refused[0].faults[0])
    assert batch.created == 1


def test_a_place_that_is_missing_is_the_carriers_site_and_says_so(desk):
    checked, _ = desk.bring(csv_text(("编号", "仪器名称"), [("1", "扫描电镜")]))
    (one,) = desk.rows("SELECT site_id, precision, ST_X(geom) AS lon FROM instrument")
    assert (one["site_id"], one["precision"], round(one["lon"], 2)) == (desk.site.id, "point", 121.23)
    assert [name for name, _ in checked.rows[0].notes] == ["lon"]


def test_with_several_sites_a_missing_place_is_only_approximate(desk):
    make.site(desk.session, desk.carrier, name="示例二校区", geom="SRID=4326;POINT(121.4 28.3)")
    desk.bring(csv_text(("编号", "仪器名称", "校区"), [("1", "扫描电镜", ""), ("2", "扫描电镜", "示例二校区"), ("3", "扫描电镜", "没有的校区")]))
    assert [(one["precision"], one["site_id"] is not None) for one in desk.rows()] == [("county", False), ("point", True), ("county", False)]


def test_an_instrument_of_unknown_type_waits_closed_until_it_has_one(desk):
    desk.bring(csv_text(("编号", "仪器名称", "收费标准"), [("1", "无名装置", "200元/样")]))
    assert [(one["type_id"], one["is_open"]) for one in desk.rows()] == [(None, False)]
    assert desk.rows("SELECT state FROM listing") == [{"state": "draft"}]
    desk.bring(csv_text(("编号", "仪器名称", "仪器类型", "收费标准"), [("1", "无名装置", "SEM", "200元/样")]))
    assert [(one["type_id"] is not None, one["is_open"]) for one in desk.rows()] == [(True, True)]
    assert desk.rows("SELECT state FROM listing") == [{"state": "open"}]


def test_the_same_code_twice_keeps_the_later_row_out(desk):
    checked = desk.check(sheet(("A", "扫描电镜", "S", "", ""), ("A", "质谱仪", "M", "", "")))
    assert faults(checked) == {(3, "code")}
    assert "第 2 行" in str(checked.refused[0].faults[0])


def test_a_code_of_another_carrier_is_not_taken_over(desk):
    other = make.carrier(desk.session, code=f"{desk.carrier.code}-A")
    make.instrument(desk.session, other, code=f"{desk.carrier.code}-A-1")
    assert faults(desk.check(sheet(("A-1", "扫描电镜", "S", "", "")))) == {(2, "code")}


def test_twins_are_shown_and_not_merged(desk):
    header = ("编号", "仪器名称", "型号", "出厂编号")
    checked, batch = desk.bring(csv_text(header, [("1", "扫描电镜", "S", "SN9"), ("2", "扫描电镜", "s", "SN9"), ("3", "扫描电镜", "T", "")]))
    assert batch.created == 3
    assert {(twin.why, twin.rows) for twin in checked.plan.twins} == {("serial", (2, 3)), ("model_place", (2, 3))}
    later = desk.check(csv_text(header, [("4", "扫描电镜", "T", "")]))
    assert [(twin.rows, twin.instruments) for twin in later.plan.twins] == [((2,), (f"{desk.carrier.code}-3",))]


def test_undo_restores_the_exact_state(desk):
    kept = make.instrument(desk.session, desk.carrier, code=f"{desk.carrier.code}-K", name="旧名", specs={"分辨率": "3 nm"})
    make.listing(desk.session, kept)
    desk.session.flush()
    before = desk.dump()
    header = ("编号", "仪器名称", "经度", "纬度", "原值", "开放时间", "收费标准", "分辨率", "坐标系")
    rows = [
        ("K", "新名", "121.24", "28.14", "5万元", "每天 9-12", "999元/次", "1 nm", "WGS84"),
        ("N", "扫描电镜", "121.24", "28.14", "", "", "5元/样", "", "WGS84"),
    ]
    _, batch = desk.bring(csv_text(header, rows))
    assert (batch.created, batch.changed) == (1, 1)
    assert desk.dump() != before
    desk.undo(batch)
    assert desk.dump() == before
    assert (batch.state, batch.undone_at is not None) == ("undone", True)
    with pytest.raises(Refused):
        desk.undo(batch)


def test_undo_leaves_a_booked_instrument_and_everything_else_as_it_is(desk):
    session = desk.session
    _, batch = desk.bring(
        csv_text(("编号", "仪器名称", "开放时间", "收费标准"), [("1", "扫描电镜", "每天 9-12", "200元/样"), ("2", "扫描电镜", "", "")])
    )
    opened = session.scalar(text("SELECT id FROM instrument WHERE code LIKE '%-1'"))
    scene = make.scene(session)
    slot = make.free_slots(session, session.get_one(type(scene.instrument), opened))[0]
    make.checkout.book_and_hold(
        session, scene.buyer, make.wish(session, scene, instrument_id=opened, start=slot.start, end=slot.end), request_id=make.key()
    )
    before = desk.dump()
    with pytest.raises(Refused, match="已经有人预约") as refused:
        desk.undo(batch)
    assert refused.value.clause == "booked"
    session.expire_all()
    assert desk.dump() == before


def test_undo_is_refused_when_something_was_listed_since(desk):
    _, batch = desk.bring(csv_text(("编号", "仪器名称"), [("1", "扫描电镜")]))
    make.listing(desk.session, desk.session.get_one(make.Instrument, desk.rows()[0]["id"]))
    with pytest.raises(Refused) as refused:
        desk.undo(batch)
    assert refused.value.clause == "listed"


def test_undo_is_refused_when_what_it_wrote_was_changed_since(desk):
    make.instrument(desk.session, desk.carrier, code=f"{desk.carrier.code}-K")
    _, batch = desk.bring(csv_text(("编号", "仪器名称"), [("K", "新名")]))
    desk.session.execute(text("UPDATE instrument SET name = '更新的名'"))
    with pytest.raises(Refused) as refused:
        desk.undo(batch)
    assert refused.value.clause == "changed"


def test_later_imports_are_undone_first(desk):
    before = desk.dump()
    _, first = desk.bring(FULL)
    between = desk.dump()
    _, second = desk.bring(csv_text(("编号", "仪器名称", "收费标准"), [("A-1", "另一个名", "500元/样")]))
    with pytest.raises(Refused) as refused:
        desk.undo(first)
    assert refused.value.clause == "later_import"
    desk.undo(second)
    assert desk.dump() == between
    desk.undo(first)
    assert desk.dump() == before


def test_an_import_of_another_carrier_is_not_there(desk):
    _, batch = desk.bring(ONE)
    with pytest.raises(NotFound):
        undoing.undo(desk.session, make.carrier_actor(make.carrier(desk.session)), batch.id)
    assert undoing.undo(desk.session, Actor("system"), batch.id).state == "undone"


def test_what_columns_mean_is_remembered_for_the_carriers_next_file(desk):
    content = csv_text(("编号", "甲"), [("1", "扫描电镜")])
    with pytest.raises(Invalid):
        desk.check(content)
    desk.bring(content, mapping={"甲": "name"})
    assert remembered_of(desk.session, desk.carrier.id) == {"甲": "name"}
    assert desk.check(csv_text(("编号", "甲"), [("2", "扫描电镜")])).columns.fields["甲"] == "name"


def test_a_code_from_before_a_reform_is_read_as_todays_with_a_note(desk):
    make.region(desk.session, "330105", name_zh="拱墅区", geom="SRID=4326;MULTIPOLYGON(((120 30, 120.3 30, 120.3 30.5, 120 30.5, 120 30)))")
    desk.bring(csv_text(("编号", "仪器名称", "行政区划代码", "经度", "纬度", "坐标系"), [("1", "扫描电镜", "330103", "120.17", "30.28", "WGS84")]))
    assert [one["adcode"] for one in desk.rows()] == ["330105"]


@pytest.mark.parametrize(("code", "error"), [("nowhere", "没有编号为"), ("", "没有编号为")])
def test_a_carrier_that_is_none_is_refused(desk, code, error):
    with pytest.raises(Invalid, match=error):
        bringing.check(desk.session, code, read_bytes(ONE, most=1_000_000), Wishes("x"), resolve=resolve)


def test_a_system_that_is_none_is_refused(desk):
    with pytest.raises(Invalid, match="西安80"):
        desk.check(ONE, crs="西安80")


def test_a_formula_without_a_value_is_named_at_its_cell(desk):
    table = read_bytes(ONE, most=1_000_000).repaired({2: {"型号": "\x1aformula", "没有": "x"}, 99: {"型号": "x"}})
    checked = bringing.check(desk.session, desk.carrier.code, table, Wishes("x"), resolve=resolve)
    assert faults(checked) == {(2, "model")}
