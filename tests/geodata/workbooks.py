"""Invented registers as carriers keep them: tidy ones, and one of 20,000 rows with a fault of every kind in 300 of them."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence

import numpy as np
import xlsxwriter

from geodata.crs import from_wgs84

HEADER = (
    "仪器编号", "仪器名称", "型号规格", "生产厂家", "出厂编号", "原值（万元）", "购置日期", "状态", "开放时间", "所在区县", "经度", "纬度", "坐标系",
    "收费标准", "主要技术指标",
)  # fmt: skip
NAMES = (
    "扫描电子显微镜",
    "X射线衍射仪",
    "气相色谱-质谱联用仪",
    "液相色谱仪",
    "万能材料试验机",
    "核磁共振波谱仪",
    "Scanning electron microscope",
    "ICP-MS",
    "无名装置",
)
FAULTS: dict[str, tuple[str, str, str]] = {
    # what is wrong: column, bad cell, field that is named
    "no name": ("仪器名称", "", "name"),
    "a value in words": ("原值（万元）", "三百来万", "value"),
    "a value in dollars": ("原值（万元）", "$120,000", "value"),
    "a range of values": ("原值（万元）", "300-400", "value"),
    "a date that is none": ("购置日期", "2019-13-45", "acquired"),
    "a date to come": ("购置日期", "2099-01-01", "acquired"),
    "a status nobody knows": ("状态", "看情况", "status"),
    "a price without a unit": ("收费标准", "200元", "price"),
    "a price by the day": ("收费标准", "800元/天", "price"),
    "two prices": ("收费标准", "形貌200元/样；能谱300元/样", "price"),
    "a price in euros": ("收费标准", "50欧元/小时", "price"),
    "swapped": ("经度", "30.2649", "lon"),
    "zero": ("经度", "0", "lon"),
    "abroad": ("经度", "2.3522", "lon"),
    "in metres": ("经度", "506123.2", "lon"),
    "letters": ("纬度", "三十度", "lat"),
    "half a point": ("纬度", "", "lat"),
    "another county": ("所在区县", "泰顺县", "lon"),
    "no such county": ("所在区县", "不存在县", "region"),
    "no such system": ("坐标系", "西安80", "crs"),
    "a name without end": ("仪器名称", "长" * 201, "name"),
}
PARTNERS = {"swapped": {"纬度": "120.1201"}, "zero": {"纬度": "0"}, "abroad": {"纬度": "48.8566"}, "in metres": {"纬度": "3356123.4"}}


def register(rows: int, *, faults: int = 0, seed: int = 7, where: tuple[float, float] = (120.1201, 30.2649), county: str = "西湖区"):
    """Give header, rows and the faults put into them: [(row as a spreadsheet counts, field)]; points lie within 150 m of `where`."""
    rng = random.Random(seed)
    body = [_row(n, rng, where, county) for n in range(rows)]
    bad, kinds = [], list(FAULTS)
    for nth, place in enumerate(sorted(rng.sample(range(rows), faults))):
        kind = kinds[nth % len(kinds)]
        column, cell, field = FAULTS[kind]
        body[place][column] = cell
        body[place] |= PARTNERS.get(kind, {})
        if kind == "no name":
            body[place]["主要技术指标"] = "合计"
        bad.append((place + 2, field))
    return list(HEADER), [[one[name] for name in HEADER] for one in body], bad


def _row(n: int, rng: random.Random, where: tuple[float, float], county: str) -> dict[str, str]:
    lon, lat = (x + rng.uniform(-0.001, 0.001) for x in where)
    system = rng.choice(("WGS84", "CGCS2000", "GCJ-02", "百度"))
    named = {"百度": "BD-09"}.get(system, system)
    shifted = from_wgs84(np.array([[lon, lat]]), named)[0]
    return {
        "仪器编号": f"示例-{n:06d}",
        "仪器名称": rng.choice(NAMES),
        "型号规格": f"示例型 {n % 500}",
        "生产厂家": "示例厂商",
        "出厂编号": f"SN{n - 1 if n % 1000 == 1 else n:07d}" + ("" if n % 1000 < 2 else "x"),
        "原值（万元）": rng.choice(("360", "94.94", "1,200", "约85", "保密", "")),
        "购置日期": rng.choice(("2019-05-03", "2018年6月", "2016", "43588", "")),
        "状态": rng.choice(("在用", "在用", "维修", "")),
        "开放时间": rng.choice(("周一至周五 9:00-12:00；13:30-17:00", "工作日 8:30-16:30", "24小时", "提前预约", "")),
        "所在区县": rng.choice((county, "")),
        "经度": f"{shifted[0]:.7f}",
        "纬度": f"{shifted[1]:.7f}",
        "坐标系": system,
        "收费标准": rng.choice(("200-300元/样", "1,200元/小时", "面议", "免费", "5000元/次", "")),
        "主要技术指标": rng.choice(("分辨率 1.0 nm@15 kV", "2θ 0–140°", "")),
    }


def xlsx(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Give a workbook, its numbers as numbers."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"strings_to_numbers": True, "in_memory": True}) as book:
        sheet = book.add_worksheet("仪器")
        for place, row in enumerate((header, *rows)):
            sheet.write_row(place, 0, row)
    return stream.getvalue()


def csv_text(header: Sequence[str], rows: Sequence[Sequence[str]], *, encoding: str = "utf-8") -> bytes:
    """Give the same as delimited text."""
    stream = io.StringIO()
    csv.writer(stream).writerows((header, *rows))
    return stream.getvalue().encode(encoding)
