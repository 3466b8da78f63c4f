"""`flask geodata import`: the shapes that scripts rely on, and that a second run adds nothing."""

import json

import pytest
from sqlalchemy import text

from app.cli import geodata
from app.resolving import type_of
from tests import factories as make
from tests.geodata.workbooks import csv_text

BOX = "SRID=4326;MULTIPOLYGON(((121 28, 121.5 28, 121.5 28.4, 121 28.4, 121 28)))"
SHEET = csv_text(
    ("编号", "仪器名称", "型号", "经度", "纬度", "坐标系", "原值"),
    [
        ("1", "扫描电子显微镜", "S", "121.23", "28.13", "WGS84", "360万元"),
        ("2", "质谱", "M", "28.13", "121.23", "WGS84", ""),
        ("3", "怪东西", "", "", "", "", ""),
    ],
)


@pytest.fixture
def carrier(session):
    make.region(session, make.YUHUAN, geom=BOX)
    for name in ("扫描电子显微镜", "X射线衍射仪"):
        make.instrument_type(session, name)
    found = make.carrier(session)
    make.site(session, found)
    session.commit()
    return found


@pytest.fixture
def bring(app, carrier, tmp_path):
    def run(content, *args, name="示例.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return app.test_cli_runner().invoke(geodata.command, ["import", str(path), "--kind", "instruments", "--carrier", carrier.code, *args])

    return run


def answer(done):
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_the_answer_has_rows_accepted_and_refused_with_row_field_value_and_reason(bring, session):
    found = answer(bring(SHEET, "--json"))
    assert (found["rows"], found["accepted"], len(found["refused"])) == (3, 2, 1)
    (no,) = found["refused"]
    assert (no["row"], no["field"], no["value"]) == (3, "lon", "28.13, 121.23")
    assert "写反" in no["reason"]
    assert [one["row"] for one in found["unclassified"]] == [4]
    assert session.scalar(text("SELECT count(*) FROM instrument WHERE is_open")) == 1


def test_a_second_run_adds_nothing_and_a_dry_run_writes_nothing(bring, session):
    assert answer(bring(SHEET, "--dry-run", "--json"))["created"] == 2
    assert session.scalar(text("SELECT (SELECT count(*) FROM instrument) + (SELECT count(*) FROM import_batch)")) == 0
    answer(bring(SHEET, "--json"))
    again = answer(bring(SHEET, "--json"))
    assert (again["accepted"], again["created"], again["unchanged"], again["batch"]) == (2, 0, 2, None)
    assert session.scalar(text("SELECT count(*) FROM instrument")) == 2


def test_an_import_is_taken_back_by_its_number(app, bring, session):
    batch = answer(bring(SHEET, "--json"))["batch"]
    done = app.test_cli_runner().invoke(geodata.command, ["undo", str(batch), "--json"])
    assert answer(done) == {"batch": batch, "state": "undone", "created": 2, "changed": 0}
    assert session.scalar(text("SELECT count(*) FROM instrument")) == 0
    again = app.test_cli_runner().invoke(geodata.command, ["undo", str(batch)])
    assert again.exit_code == 1
    assert app.test_cli_runner().invoke(geodata.command, ["undo", "999"]).exit_code == 1


def test_columns_are_mapped_by_hand(bring):
    content = csv_text(("甲", "乙=丙"), [("扫描电子显微镜", "S-1")])
    assert answer(bring(content, "--map", "甲=name", "--map", "乙=丙=model", "--json"))["mapping"] == {"甲": "name", "乙=丙": "model"}
    assert bring(content, "--map", "甲").exit_code == 2


@pytest.mark.parametrize(
    ("content", "args", "said"),
    [
        (b"", (), "0 字节"),
        (SHEET, ("--map", "没有=name"), "没有“没有”"),
        (SHEET, ("--crs", "西安80"), "西安80"),
        (b"PK\x03\x04", (), "坏了"),
    ],
)
def test_what_cannot_be_done_ends_with_one_sentence(bring, content, args, said):
    done = bring(content, *args)
    assert (done.exit_code, said in done.output) == (1, True), done.output


def test_a_file_or_a_carrier_that_is_not_there_is_said(app, carrier, tmp_path):
    for name, code in (("none.csv", carrier.code), (".", carrier.code)):
        assert app.test_cli_runner().invoke(geodata.command, ["import", str(tmp_path / name), "--carrier", code]).exit_code == 1


def test_lines_for_a_terminal_name_each_fault(bring):
    assert bring(SHEET, "--dry-run").output.splitlines()[0] == "3 行，可以导入 2 行"


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (("扫描电镜",), "扫描电子显微镜"),
        (("Scanning Electron Microscope",), "扫描电子显微镜"),
        (("SEM",), "扫描电子显微镜"),
        (("", "Metabolomic Gas Chromatography-Mass Spectrometry (GC-MS)"), "气相色谱-质谱联用仪"),
        (("Mass Spectrometer: ICP-MS (2008)",), "电感耦合等离子体质谱仪"),
        (("Mass Spectrometer: Fourier-Transform",), None),
        (("Gadget #4",), None),
        (("一号楼空调",), None),
    ],
)
def test_a_type_is_told_by_names_only_where_they_say_it_clearly(texts, name):
    assert type_of(texts) == name
