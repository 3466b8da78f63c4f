"""The list of needs that an officer hands in, and the table that comes back: a file with firm, county and need a row, or what firms have posted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import text
from sqlalchemy.orm import Session

from bookings.scrubbing import scrub
from core.errors import N_, Invalid
from geodata.imports.regions import Regions
from geodata.imports.source import read_bytes
from geodata.imports.table import Table
from geodata.regions import shared_digits
from matching.campaign import VERDICTS, Entry
from matching.campaigns import MOST

MOST_BYTES: Final = 900_000
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "firm": ("企业", "企业名称", "单位", "单位名称", "firm", "company", "enterprise"),
    "region": ("县（市、区）", "县(市、区)", "县市区", "区县", "县", "地区", "属地", "county", "region", "district"),
    "need": ("需求", "需求内容", "检测需求", "要做什么", "need", "demand", "request"),
}
"""What a column may be called, by what stands in it."""

LONGEST_NEED: Final = 500

HEADS: Final = (
    N_("行"),
    N_("企业"),
    N_("县（市、区）"),
    N_("需求"),
    N_("结果"),
    N_("仪器"),
    N_("载体"),
    N_("距离（公里）"),
    N_("标价（元）"),
    N_("首选"),
)


def read_entries(session: Session, content: bytes, *, home: str) -> list[Entry]:
    """Return the needs in a file (CSV or workbook); raise `Invalid("file")` naming the first row that cannot be used."""
    table = read_bytes(content, most=MOST_BYTES)
    at = {name: _column(table, name) for name in NAMES}
    regions = Regions(session, home)
    entries = []
    for number, row in zip(table.numbers, table.rows, strict=True):
        need = row[at["need"]].strip()
        if not any(cell.strip() for cell in row):
            continue
        if not need or len(need) > LONGEST_NEED:
            raise Invalid("file", N_("第 %(row)s 行的需求要有 1 到 %(most)s 个字。"), row=number, most=LONGEST_NEED)
        entries.append(Entry(number, need, row[at["firm"]].strip()[:100], _region(regions, row[at["region"]], number)))
    return entries


def posted_entries(session: Session, region: str, *, names: bool) -> list[Entry]:
    """Return what firms of a region have posted for everybody and nobody has answered yet, the oldest first, one more than a list may hold.

    Without `names` the firms stay unknown: their texts are scrubbed as for everybody else.
    """
    query = """SELECT p.id, p.text, o.name_zh, p.region FROM need_post p JOIN organisation o ON o.id = p.enterprise_id
               WHERE p.state = 'open' AND p.visibility = 'public' AND p.region LIKE :digits || '%' ORDER BY p.id LIMIT :most"""
    rows = session.execute(text(query), {"digits": shared_digits(region), "most": MOST + 1})
    return [
        Entry(row.id, (row.text if names else scrub(row.text, row.name_zh))[:LONGEST_NEED], row.name_zh if names else "", row.region) for row in rows
    ]


def as_csv(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return the lines of a campaign as CSV with a byte order mark, so that spreadsheets read it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([gettext(head) for head in HEADS])
    writer.writerows([_safe(cell) for cell in _cells(line)] for line in lines)
    return "\ufeff" + out.getvalue()


def _column(table: Table, name: str) -> int:
    known = NAMES[name]
    found = next((at for at, head in enumerate(table.columns) if head.strip().lower() in known), None)
    if found is None:
        raise Invalid("file", N_("没有“%(name)s”这一列。表头要有：企业、县（市、区）、需求。"), name=known[0])
    return found


def _region(regions: Regions, cell: str, number: int) -> str:
    try:
        stated = regions.stated(cell.strip(), None)
    except Invalid as wrong:
        raise Invalid(
            "file", N_("第 %(row)s 行：没有找到县（市、区）“%(text)s”。请写全称或六位代码。"), row=number, text=cell.strip()[:40]
        ) from wrong
    if stated is None:
        raise Invalid("file", N_("第 %(row)s 行没有写县（市、区）。"), row=number)
    return stated.adcode


def _cells(line: Mapping[str, Any]) -> list[str]:
    offer, first = line["offer"] or {}, line["first"] or {}
    metres = offer.get("distance_m")
    return [
        str(line["number"]),
        line["firm"],
        line["region"],
        line["text"],
        gettext(VERDICTS.get(line["verdict"], N_("要先问清"))),
        offer.get("name", ""),
        offer.get("carrier_name", ""),
        "" if metres is None else f"{metres / 1000:.1f}",
        f"{offer['price_fen'] / 100:.2f}" if offer else "",
        f"{first['carrier_name']} {first['name']}" if first else "",
    ]


def _safe(cell: str) -> str:
    """Keep a spreadsheet from taking text for a formula."""
    return "'" + cell if cell[:1] in ("=", "+", "@", "-", "\t", "\r") else cell
