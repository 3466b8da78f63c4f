"""Which column means what: the fields that can be brought in, the words that registers use for them, and guesses that may be overruled."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from rapidfuzz import fuzz, process
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import N_, Invalid
from geodata.imports.entities import ImportColumn
from geodata.imports.table import Table
from geodata.imports.values import plain


@dataclass(frozen=True)
class Field:
    """Something a row may say; `many` may be said by several columns. The words that headers use for it stand in words.csv."""

    name: str
    label: str
    many: bool = False


FIELDS: Final = (
    Field("code", N_("编号")),
    Field("serial", N_("出厂编号")),
    Field("name", N_("仪器名称")),
    Field("other_name", N_("别名"), many=True),
    Field("type", N_("仪器类型")),
    Field("model", N_("型号")),
    Field("maker", N_("厂家")),
    Field("value", N_("原值")),
    Field("acquired", N_("启用日期")),
    Field("status", N_("状态")),
    Field("open", N_("是否开放")),
    Field("hours", N_("开放时间")),
    Field("spec", N_("技术指标"), many=True),
    Field("site", N_("地点")),
    Field("address", N_("地址")),
    Field("region", N_("县（市、区）")),
    Field("lon", N_("经度")),
    Field("lat", N_("纬度")),
    Field("geometry", N_("坐标")),
    Field("crs", N_("坐标系")),
    Field("service", N_("服务种类")),
    Field("price", N_("价格")),
    Field("unit", N_("计价单位")),
    Field("report_days", N_("出报告工作日")),
    Field("notice_hours", N_("取消提前小时")),
)
"""What an instrument's row may say."""

NAMES: Final = {field.name: field for field in FIELDS}
IGNORE: Final = "-"
"""Instead of a field: leave the column out."""

_NOISE: Final = frozenset({"eus", "local", "the", "primary", "lab", "facility", "our", "of", "for", "cny", "rmb", "yuan"})
_CLOSE: Final = 90
_SYSTEM_WORDS: Final = (
    ("GCJ-02", re.compile(r"gcj|火星|高德|腾讯|amap|gaode", re.IGNORECASE)),
    ("BD-09", re.compile(r"bd-?_?09|百度|baidu", re.IGNORECASE)),
    ("CGCS2000", re.compile(r"cgcs|2000国家|国家2000", re.IGNORECASE)),
    ("WGS84", re.compile(r"wgs|gps|4326", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Columns:
    """Column → field, for the columns that are used; `given` were said by a person, `remembered` at an earlier import."""

    fields: Mapping[str, str]
    given: frozenset[str] = frozenset()
    remembered: frozenset[str] = frozenset()


def heading(text: str) -> str:
    """Return a header in plain small letters without brackets, signs and blanks: what is compared and remembered."""
    said = re.sub(r"[(\[【<].*?[)\]】>]", "", plain(text)) or plain(text)
    return re.sub(r"[\s_\-.*:：/#]+", "", said.lower())


def is_usual(text: str) -> bool:
    """Say whether a cell reads like a header that we know."""
    return bool(text.strip()) and len(text) < 40 and _exact(text) is not None


def guess(table: Table, remembered: Mapping[str, str]) -> dict[str, str]:
    """Return column → field: as remembered, then by the words of the header, then by the shape of the values; each field once unless `many`."""
    found = {name: remembered[heading(name)] for name in table.columns if remembered.get(heading(name), IGNORE) in (*NAMES, "")}
    ranked = sorted(
        ((score, -place, name, field) for place, name in enumerate(table.columns) if name not in found for score, field in _readings(name)),
        reverse=True,
    )
    taken = {field for field in found.values() if field and not NAMES[field].many}
    for _, _, name, field in ranked:
        if name not in found and field not in taken:
            found[name] = field
            taken |= set() if NAMES[field].many else {field}
    _by_shape(table, found, taken)
    return {name: field for name, field in found.items() if field}


def settle(table: Table, given: Mapping[str, str], remembered: Mapping[str, str]) -> Columns:
    """Return the mapping of a table: what was `given` (column → field, "-" leaves a column out) over what is guessed.

    Raises `Invalid("map")` for a column that the file has not, a field that we have not, a field said twice, or no name and no type.
    """
    said = {_column(table, name): field for name, field in given.items()}
    wrong = next((field for field in said.values() if field not in NAMES and field not in (IGNORE, "")), None)
    if wrong is not None:
        raise Invalid("map", N_("没有名为“%(field)s”的字段。可用的有：%(known)s。"), field=wrong[:40], known=" ".join(NAMES))
    single = [field for field in said.values() if field in NAMES and not NAMES[field].many]
    twice = next((field for field in single if single.count(field) > 1), None)
    if twice:
        names = "、".join(name for name, field in said.items() if field == twice)
        raise Invalid("map", N_("字段 %(field)s 指给了几列：%(names)s。请只留一列。"), field=twice, names=names)
    fields = {name: field for name, field in guess(table, remembered).items() if name not in said and field not in single}
    fields |= {name: field for name, field in said.items() if field in NAMES}
    if not {"name", "type", "other_name", "model"} & set(fields.values()):
        columns = "、".join(table.columns[:12])
        raise Invalid("map", N_("没有找到仪器名称的那一列。现有的列：%(columns)s。请指明哪一列（命令行：--map 列名=name）。"), columns=columns)
    kept = frozenset(name for name in fields if heading(name) in remembered and name not in said)
    return Columns({name: fields[name] for name in table.columns if name in fields}, frozenset(said), kept)


def declared_system(table: Table, fields: Mapping[str, str]) -> str | None:
    """Return the coordinate system that the headers of the coordinates name ("经度(GCJ02)"), else what the file declares."""
    said = " ".join(name for name, field in fields.items() if field in ("lon", "lat", "geometry"))
    return next((system for system, words in _SYSTEM_WORDS if words.search(said)), table.crs)


def system_named(text: str) -> str | None:
    """Return the coordinate system that a word means: "高德" → GCJ-02; None for any other word."""
    return next((system for system, words in _SYSTEM_WORDS if words.search(plain(text))), None)


def remembered_of(session: Session, carrier_id: int) -> dict[str, str]:
    """Return what the carrier's columns were said to mean before: heading → field."""
    rows = session.execute(select(ImportColumn.heading, ImportColumn.field).where(ImportColumn.organisation_id == carrier_id))
    return {row.heading: row.field for row in rows}


def remember(session: Session, carrier_id: int, said: Mapping[str, str]) -> None:
    """Keep what a person said of columns (column → field, "-" for left out) for the carrier's next file."""
    rows = {heading(name): "" if field == IGNORE else field for name, field in said.items()}
    if not rows:
        return
    query = insert(ImportColumn).values([{"organisation_id": carrier_id, "heading": name, "field": field} for name, field in rows.items()])
    session.execute(query.on_conflict_do_update(index_elements=["organisation_id", "heading"], set_={"field": query.excluded.field}))


def _column(table: Table, name: str) -> str:
    if name in table.columns:
        return name
    alike = [column for column in table.columns if heading(column) == heading(name)]
    if len(alike) == 1:
        return alike[0]
    raise Invalid("map", N_("文件里没有“%(name)s”这一列。现有的列：%(columns)s。"), name=name[:40], columns="、".join(table.columns[:20]))


@cache
def _words() -> dict[str, str]:
    """Return heading → field, from words.csv and the names of the fields themselves."""
    lines = (files("geodata.imports") / "words.csv").read_text(encoding="utf-8").splitlines()
    known = {heading(row["word"]): row["field"] for row in csv.DictReader(lines)}
    return known | {heading(name): name for name in NAMES}


@cache
def _exact(text: str) -> str | None:
    return _words().get(heading(text))


@cache
def _readings(text: str) -> tuple[tuple[float, str], ...]:
    """Return what a header may mean, with how sure that is (0..1)."""
    exact = _exact(text)
    if exact:
        return ((1.0, exact),)
    parts = [part for part in re.split(r"[\s_\-./]+", plain(text).lower()) if part and part not in _NOISE]
    found = [
        (0.9 - 0.1 * (len(parts) - length) / len(parts), _words()["".join(parts[-length:])])
        for length in range(len(parts), 0, -1)
        if "".join(parts[-length:]) in _words()
    ][:1]
    said = heading(text)
    if not found and len(said) > 3:
        near = process.extractOne(said, [word for word in _words() if len(word) > 2], scorer=fuzz.ratio, score_cutoff=_CLOSE)
        found = [(0.6 * near[1] / 100, _words()[near[0]])] if near else []
    if not found:
        inside = [word for word in _words() if len(word) > 1 and not word.isascii() and said.endswith(word)]
        found = [(0.5, _words()[max(inside, key=len)])] if inside else []
    return tuple(found)


def _by_shape(table: Table, found: dict[str, str], taken: set[str]) -> None:
    """Add columns whose values can only be coordinates, where no header said so."""
    if {"lon", "lat", "geometry"} & taken:
        return
    free = [name for name in table.columns if name not in found]
    shapes = {name: _shape([row[table.columns.index(name)] for row in table.rows[:200]]) for name in free}
    for shape_, field in (("wkt", "geometry"), ("lon", "lon"), ("lat", "lat")):
        names = [name for name in free if shapes[name] == shape_]
        if len(names) == 1 and not (field in ("lon", "lat") and not {"lon", "lat"} <= set(shapes.values())):
            found[names[0]] = field


def _shape(cells: Sequence[str]) -> str:
    filled = [cell for cell in cells if cell]
    if not filled:
        return ""
    if sum(bool(re.match(r"(?:SRID=\d+;)?\s*(?:MULTI)?(?:POINT|POLYGON|LINESTRING)", cell, re.IGNORECASE)) for cell in filled) > 0.8 * len(filled):
        return "wkt"
    numbers = [float(cell) for cell in filled if re.fullmatch(r"\d{1,3}\.\d{3,}", cell)]
    if len(numbers) < 0.8 * len(filled):
        return ""
    if all(73 <= number <= 136 for number in numbers):
        return "lon"
    return "lat" if all(3 <= number <= 54 for number in numbers) else ""
