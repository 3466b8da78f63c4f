"""The files of the lexicon are sound and hold what they should; a fault is named with its place and the way out."""

import pytest

from geodata.seeds import read_seed
from matching.lexicon import phrases, type_names
from matching.lexicon.checking import check
from matching.lexicon.counting import counts
from matching.lexicon.standardcodes import is_standard
from matching.types import resolve

ROW = {"phrases": "断口形貌", "lang": "zh", "kind": "measurand", "types": "扫描电子显微镜=3", "sure": ""}


def test_the_files_have_no_fault():
    assert [(one.file, one.line, one.reason % one.params) for one in check()] == []


@pytest.mark.parametrize(
    ("kind", "least"),
    [("name", 1500), ("measurand", 600), ("analyte or sample", 400), ("defect", 150), ("standard", 400), ("method", 300), ("offscope", 240)],
)
def test_the_lexicon_holds_enough_of_each_kind(kind, least):
    assert counts()[kind] >= least


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"types": "电子望远显微镜=3"}, "没有“电子望远显微镜”"),
        ({"types": "扫描电子显微镜=4"}, "权重“4”不对"),
        ({"types": "扫描电子显微镜=x"}, "权重“x”不对"),
        ({"types": ""}, "没有指向任何仪器类型"),
        ({"types": "", "kind": "sample"}, "没有指向任何仪器类型"),
        ({"kind": "thing"}, "kind 一列的“thing”"),
        ({"sure": "maybe"}, "sure 一列的“maybe”"),
        ({"phrases": "断口;;形貌"}, "有空的部分"),
        ({"phrases": "断口+"}, "有空的部分"),
        ({"phrases": "X"}, "太短"),
        ({"phrases": "钢"}, "太短"),
        ({"phrases": "钢材+{成分/牌号"}, "花括号不成对"),
        ({"phrases": "钢材+{成分/{牌号}}"}, "花括号不成对"),
        ({"phrases": "断口\u200b形貌"}, "看不见的字符"),
        ({"phrases": "拉伸试验", "kind": "standard"}, "不像标准号"),
    ],
)
def test_a_fault_is_named_with_its_line_and_a_way_out(changed, reason):
    (fault,) = check({"trial": [ROW | {"phrases": "晶粒度"}, ROW | changed]})
    assert (fault.file, fault.line) == ("trial.csv", 3)
    assert reason in fault.reason % fault.params
    assert fault.way_out % fault.params


def test_rows_that_contradict_each_other_are_both_named():
    (fault,) = check({"one": [ROW], "two": [ROW | {"types": "扫描电子显微镜=1"}]})
    assert (fault.file, fault.line) == ("two.csv", 2)
    assert "one.csv 第 2 行" in fault.reason % fault.params


def test_alternatives_and_questions_are_checked_too():
    alone = {"type_name_zh": "硬度计", "alternative_zh": "硬度计", "weight": "3"}
    asked = {"phrase": " ", "lang": "zh", "kind": "vague", "options": "没有的仪器"}
    reasons = [one.reason % one.params for one in check({"alternatives": [alone], "questions": [asked]})]
    assert len(reasons) == 4


@pytest.mark.parametrize("code", ["GB/T 228.1", "ASTM E8/E8M", "IPC-TM-650 2.6.25", "ISO 6892-1", "ETSI EN 300 328", "USP <467>", "HJ 168"])
def test_the_number_of_a_standard_is_told(code):
    assert is_standard(code)


def test_an_uncertain_entry_is_marked():
    assert any(not phrase.sure for phrase in phrases())


def test_forms_of_the_names_lead_to_their_type():
    owners: dict[str, set[str]] = {}
    for row in read_seed("type_names"):
        owners.setdefault(row["text"].lower(), set()).add(row["type_name_zh"])
    missed = [text for text, names in owners.items() if not (found := resolve(text).types) or found[0].name_zh not in names]
    assert len(type_names()) == 150
    assert len(missed) / len(owners) <= 0.01, missed
