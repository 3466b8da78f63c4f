"""A carrier brings its register in, as people do: a file, what is wrong with it, repairs, the import, and the way back; with and without scripts."""

import re

import pytest
from sqlalchemy import create_engine, text

from tests.geodata.workbooks import csv_text, register, xlsx
from tests.journeys.conftest import SIZES

pytestmark = pytest.mark.browser

WHERE = (120.2, 30.25)


def press(page, name):
    page.get_by_role("button", name=re.compile(name)).first.click()
    page.wait_for_load_state("load")


def said(page):
    return page.locator("main").inner_text()


def upload(one, path):
    page = one.goes("/carrier/imports")
    page.set_input_files("input[type=file]", path)
    press(page, "上传")
    return page


def stored(world_url):
    engine = create_engine(world_url)
    with engine.connect() as connection:
        counts = "SELECT (SELECT count(*) FROM instrument), (SELECT count(*) FROM listing), (SELECT count(*) FROM open_instrument)"
        found = tuple(connection.execute(text(counts)).one())
    engine.dispose()
    return found


def test_a_register_is_repaired_imported_and_taken_back(person, tmp_path, world_url):
    header, rows, bad = register(40, faults=4, where=WHERE, county="")
    path = tmp_path / "示例仪器表.xlsx"
    path.write_bytes(xlsx(header, rows))
    before, one = stored(world_url), person().logs_in("carrier")
    page = upload(one, path)
    assert "4 行要改" in said(page)
    page.wait_for_selector(".preview path.would")
    assert page.locator("fieldset.repair").count() == len({row for row, _ in bad})
    page.locator(f"#row-{bad[0][0]} input").first.fill("示例补上的名称")
    press(page, "改好了")
    assert "3 行要改" in said(page)
    press(page, "^导入 37 台")
    assert "已导入" in said(page)
    assert stored(world_url)[0] == before[0] + 37
    page.get_by_role("checkbox").check()
    press(page, "撤销这次导入")
    assert "已撤销" in said(page)
    assert stored(world_url) == before
    one.goes("/carrier/imports")
    assert "示例仪器表.xlsx" in said(page)


def test_without_scripts_on_a_phone_the_same_forms_do(site, browser, tmp_path):
    context = browser.new_context(viewport=SIZES["phone"], locale="zh-CN", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/login")
    page.locator("input[name=login]").fill("carrier")
    page.locator("input[name=password]").fill("sample-world")
    page.locator("main button").last.click()
    path = tmp_path / "phone.csv"
    path.write_bytes(csv_text(("设备名称", "型号", "收费"), [("扫描电子显微镜", "示例型", "看着办"), ("质谱仪", "示例型", "")], encoding="gb18030"))
    page.goto(f"{site}/carrier/imports")
    page.set_input_files("input[type=file]", path)
    press(page, "上传")
    page.get_by_label("收费", exact=True).first.select_option("price")
    press(page, "按这样再看一次")
    page.locator("fieldset.repair input").first.fill("200元/样")
    press(page, "改好了")
    assert "新增 2 台" in said(page)
    press(page, "丢弃")
    assert "文件已丢弃" in page.locator("body").inner_text()
    context.close()


def test_a_wrong_file_is_told_at_the_field(person, tmp_path):
    path = tmp_path / "brochure.pdf"
    path.write_bytes(b"%PDF-1.7 ...")
    page = upload(person().logs_in("carrier"), path)
    assert "这是 PDF 文件" in said(page)
    assert page.locator("#f-file").get_attribute("aria-invalid") == "true"
