"""Whatever a file is called: it is opened by what it holds, or refused with a sentence that says what to do."""

import csv
import io
import json
import struct
import warnings
import zipfile

import geopandas
import pytest
import xlsxwriter
from shapely.geometry import LineString, Point

from core.errors import Invalid
from geodata.imports.columns import declared_system, guess, settle
from geodata.imports.source import read_bytes, read_file
from geodata.imports.table import UNCOMPUTED, unpacked
from tests.geodata.workbooks import csv_text, register, xlsx

MOST = 10_000_000
HEADER, ROWS = ("仪器名称", "型号", "经度", "纬度"), (("扫描电镜", "S-1", "120.1", "30.2"), ("质谱仪", "M-2", "120.2", "30.3"))


def opened(content):
    return read_bytes(content, most=MOST)


def refusal(content, most=MOST):
    with pytest.raises(Invalid) as found:
        read_bytes(content, most=most)
    assert found.value.field == "file"
    return str(found.value)


def workbook(fill):
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        fill(book)
    return stream.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_is_read_in_any_common_encoding(encoding):
    table = opened(csv_text(HEADER, ROWS, encoding=encoding))
    assert (table.columns, table.rows, table.numbers) == (HEADER, ROWS, (2, 3))


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_cells_are_parted_by_whatever_parts_them(delimiter):
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows((HEADER, *ROWS))
    assert opened(stream.getvalue().encode()).rows == ROWS


def test_latin_letters_of_another_encoding_are_read_too():
    text = "instrument name,maker\n" + "Spektrometer für Röntgenstrahlung mit Kühlung,Müller & Söhne\n" * 30
    assert opened(text.encode("cp1252")).rows[0] == ("Spektrometer für Röntgenstrahlung mit Kühlung", "Müller & Söhne")


def test_damaged_text_names_the_line_and_is_not_read_as_other_words():
    rows = [("扫描电子显微镜" * 3, "型号", "120.1", "30.2")] * 40
    content = csv_text(HEADER, rows)
    lines = content.split(b"\n")
    lines[20] = lines[20][:5] + b"\xff" + lines[20][6:]
    assert "第 21 行" in refusal(b"\n".join(lines))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 字节"),
        (b"\n\n ,,\n", "没有内容"),
        (",".join(HEADER).encode() + b"\n", "只有表头"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"<html><table><tr><td>1</td></tr></table>", "网页"),
        (b"PK\x03\x04broken", "坏了"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "密码"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"WordDocument", "Office"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "坏了"),
        (b"SQLite format 3\x00" + bytes(100), "GeoPackage"),
        (b"abc\x00\x01\x02\x03\x00\x00defgh" * 9, "不是文字"),
        (b'{"type": "FeatureCollection", "features": [', "JSON"),
        (b'{"hello": "world"}', "GeoJSON"),
        (b'{"type": "FeatureCollection", "features": []}', "没有一个要素"),
        (b"[" * 5000, "JSON"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(content, said):
    assert said in refusal(content)


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as sparse:
        sparse.truncate(100_000_000)
    with pytest.raises(Invalid, match=r"100\.0 MB，最大 50 MB"):
        read_file(path, most=50_000_000)
    with pytest.raises(Invalid, match="没有文件"):
        read_file(tmp_path / "none.csv", most=MOST)


def test_a_header_that_says_a_thing_twice_is_refused_with_the_places():
    assert "第 2、4 列" in refusal(csv_text(("仪器名称", "型号", "经度", "型号"), ROWS))


def test_a_row_with_more_cells_than_the_header_is_marked_and_empty_rows_are_passed_over():
    table = opened(b"\xef\xbb\xbf\xe5\x90\x8d\xe7\xa7\xb0,\xe5\x9e\x8b\xe5\x8f\xb7\na,b,c\n\n,\nd,e\n")
    assert (table.rows, table.numbers, dict(table.surplus)) == ((("a", "b"), ("d", "e")), (2, 5), {2: 3})


def test_a_workbook_keeps_numbers_dates_and_cells_as_they_are_read():
    def fill(book):
        sheet, day = book.add_worksheet("表"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ("仪器名称", "原值（万元）", "购置日期", "是否开放", "经度"))
        sheet.write(1, 0, "扫描电镜")
        sheet.write(1, 1, 94.94)
        sheet.write_number(1, 2, 43588, day)
        sheet.write_boolean(1, 3, True)
        sheet.write(1, 4, 120.1201)

    assert opened(workbook(fill)).rows == (("扫描电镜", "94.94", "2019-05-03", "是", "120.1201"),)


def test_a_formula_is_read_by_its_last_value_and_named_where_it_has_none():
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("仪器名称", "原值"))
        sheet.write_row(1, 0, ("扫描电镜",))
        sheet.write_formula(1, 1, "=100+20", None, 120)
        sheet.write_row(2, 0, ("质谱仪",))
        sheet.write_formula(2, 1, "=1+1", None, "")

    table = opened(workbook(fill))
    assert [row[1] for row in table.rows] == ["120", UNCOMPUTED]
    assert any("公式" in text and params["count"] == 2 for text, params in table.notes)


def test_a_title_above_the_header_and_merged_cells_are_understood():
    def fill(book):
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 2, "示例单位大型仪器一览表")
        sheet.write_row(1, 0, ("仪器名称", "型号", "校区"))
        sheet.write_row(2, 0, ("扫描电镜", "S-1"))
        sheet.write_row(3, 0, ("质谱仪", "M-2"))
        sheet.merge_range(2, 2, 3, 2, "示例校区")

    table = opened(workbook(fill))
    assert (table.columns, table.numbers) == (("仪器名称", "型号", "校区"), (3, 4))
    assert [row[2] for row in table.rows] == ["示例校区", "示例校区"]
    assert len(table.notes) == 2


def test_the_first_sheet_with_anything_in_it_is_read_and_the_others_are_mentioned():
    def fill(book):
        book.add_worksheet("封面")
        for name in ("仪器", "别的"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, HEADER)
            sheet.write_row(1, 0, ROWS[0])

    table = opened(workbook(fill))
    assert table.rows == ROWS[:1]
    assert table.notes[0][1] == {"name": "仪器", "count": 1}


def test_a_workbook_that_unpacks_without_end_is_never_unpacked(monkeypatch):
    monkeypatch.setattr("geodata.imports.workbook.MAX_UNPACKED", 1_000_000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    assert "解开后超过" in refusal(stream.getvalue())
    honest = bytearray(stream.getvalue())
    end = honest.rindex(b"PK\x01\x02")
    honest[end + 24 : end + 28] = struct.pack("<I", 10)  # the directory claims ten bytes
    said = refusal(bytes(honest))
    assert "解开后超过" in said or "坏了" in said


def test_a_cell_at_the_far_end_of_the_sheet_does_not_make_a_table_of_millions():
    def fill(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write(1_048_575, 16_383, "x")

    assert "一次最多" in refusal(workbook(fill))


def test_an_archive_that_is_no_workbook_and_xml_that_is_none_are_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "压缩包" in refusal(stream.getvalue())
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
        archive.writestr("xl/_rels/workbook.xml.rels", "<x/>")
    assert "坏了" in refusal(stream.getvalue())


def test_entities_that_multiply_are_stopped():
    bomb = (
        '<!DOCTYPE w [<!ENTITY a "'
        + "x" * 1000
        + '">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 100}">' for a, b in zip("abcd", "bcde", strict=True))
        + "]><w>&e;</w>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", bomb)
        archive.writestr("xl/_rels/workbook.xml.rels", "<x/>")
    assert "坏了" in refusal(stream.getvalue())


def test_geojson_becomes_a_table_with_its_geometry_as_text():
    one = {
        "type": "Feature",
        "properties": {"name": "扫描电镜", "tags": ["a"], "n": 3.0},
        "geometry": {"type": "Point", "coordinates": [120.1, 30.2]},
    }
    two = {"type": "Feature", "properties": None, "geometry": {"type": "Polygon", "coordinates": [[[120, 30], [121, 30], [121, 31], [120, 30]]]}}
    table = opened(json.dumps({"type": "FeatureCollection", "features": [one, two, {"type": "Feature", "geometry": {"type": "Point"}}]}).encode())
    assert table.columns == ("name", "tags", "n", "geometry")
    assert table.rows[0] == ("扫描电镜", '["a"]', "3", "POINT (120.1 30.2)")
    assert table.rows[1][3].startswith("POLYGON")
    assert (table.numbers, table.crs) == ((1, 2, 3), None)


def test_a_geojson_that_declares_its_system_is_believed():
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    whole = {"type": "FeatureCollection", "crs": named, "features": [{"type": "Feature", "properties": {"name": "a"}, "geometry": None}]}
    assert opened(json.dumps(whole).encode()).crs == "CGCS2000"
    named["properties"]["name"] = "EPSG:4527"
    assert "EPSG:4527" in refusal(json.dumps(whole).encode())


def test_a_geopackage_is_carried_to_degrees(tmp_path):
    path = tmp_path / "a.gpkg"
    frame = geopandas.GeoDataFrame({"名称": ["扫描电镜", "质谱仪"]}, geometry=[Point(120.1, 30.2), LineString([(120, 30), (121, 31)])], crs=4326)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_crs(4549).to_file(path, layer="仪器", driver="GPKG")
    table = opened(path.read_bytes())
    assert (table.kind, table.columns, table.crs) == ("gpkg", ("名称", "geometry"), "WGS84")
    lon, lat = map(float, table.rows[0][1].removeprefix("POINT (").removesuffix(")").split())
    assert (lon, lat) == pytest.approx((120.1, 30.2), abs=1e-7)
    assert table.rows[1][1].startswith("LINESTRING")


def test_a_packed_table_comes_back_the_same():
    table = opened(xlsx(*register(30, faults=5)[:2]))
    assert unpacked(table.packed()) == table


def test_columns_are_known_by_the_words_registers_use():
    table = opened(
        csv_text(("设备编号", "设备名称", "规格型号", "生产厂家", "购置金额（万元）", "校外价格", "经度(GCJ02)", "纬度(GCJ02)", "备注"), [("1",) * 9])
    )
    found = settle(table, {}, {})
    assert tuple(found.fields.values()) == ("code", "name", "model", "maker", "value", "price", "lon", "lat")
    assert declared_system(table, found.fields) == "GCJ-02"


def test_english_headers_and_columns_of_a_database_are_known_too():
    table = opened(
        csv_text(("sys_instrument_id", "sys_display_name", "sys_instrument_name", "available_hours", "Serial No."), [("1", "a", "b", "10", "x")])
    )
    assert settle(table, {}, {}).fields == {
        "sys_instrument_id": "code",
        "sys_display_name": "other_name",
        "sys_instrument_name": "name",
        "available_hours": "hours",
        "Serial No.": "serial",
    }


def test_coordinates_are_known_by_their_values_where_no_header_says_so():
    table = opened(csv_text(("名称", "a", "b"), [("x", "30.2649", "120.1201"), ("y", "29.8701", "121.5512")]))
    assert guess(table, {}) == {"名称": "name", "a": "lat", "b": "lon"}


def test_what_a_person_says_of_columns_goes_over_every_guess():
    table = opened(csv_text(("名称", "型号", "说明"), [("x", "y", "z")]))
    found = settle(table, {"说明": "name", "型号": "-"}, {})
    assert found.fields == {"说明": "name"} | ({"名称": found.fields["名称"]} if "名称" in found.fields else {})
    assert settle(table, {}, {"说明": "spec"}).fields["说明"] == "spec"


@pytest.mark.parametrize(("said", "word"), [({"没有": "name"}, "没有"), ({"名称": "colour"}, "colour"), ({"名称": "model", "型号": "model"}, "几列")])
def test_a_mapping_that_cannot_be_is_refused(said, word):
    table = opened(csv_text(("名称", "型号", "说明"), [("x", "y", "z")]))
    with pytest.raises(Invalid, match=word) as refused:
        settle(table, said, {})
    assert refused.value.field == "map"


def test_a_file_without_any_name_says_which_columns_it_has():
    with pytest.raises(Invalid, match=r"甲、乙.*--map"):
        settle(opened(csv_text(("甲", "乙"), [("1", "2")])), {}, {})
